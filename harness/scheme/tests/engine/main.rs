//! Rules of the engine that no frozen vector can show: how files are read, times are written, messages are framed,
//! and words of the language that no vendor's scheme has. Each expectation is of an RFC or of the language's
//! documentation (vectors/README.md), and quick to ask.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first broken assumption")]

mod answers;
mod captured;
mod common;
mod descriptions;
mod faults;
mod keys;
mod language;
mod lives;
mod messages;
mod operations;
mod profiles;
mod rights;
mod steps;
mod times;
mod worlds;
