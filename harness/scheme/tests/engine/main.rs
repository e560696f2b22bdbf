//! Rules of the engine that no frozen vector can show: how files are read, times are written, messages are framed.
//! Each expectation is of an RFC or of the language's documentation (vectors/README.md), and quick to ask.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops at the first broken assumption"
)]

mod times;
