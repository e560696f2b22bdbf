//! Properties of what only the program has: the reader of HTTP answers and the writers of reports. They are named here
//! and checked as those of the library; it must not be used by the program itself.

mod answer;
mod peer;
mod report;

use std::sync::Arc;

use bearproof_conform::properties::{ALL, Ground, Property};
use bearproof_conform::suite::Suite;

use crate::embedded::Embedded;

/// The properties of the program.
const OURS: [Property; 2] = [
    Property {
        name: "http-answer",
        input: "first byte: pieces in which it arrives, whether HEAD was sent; then an answer, NUL stands for what was sent",
        holds: "it is read the same whole and in pieces, is no longer than what came, and an error repeats nothing that was sent",
        oracle: "the same bytes in other pieces",
        check: answer::answer,
    },
    Property {
        name: "report-writers",
        input: "a results.json, or choices of results",
        holds: "HTML has balanced tags of the writer alone, JUnit is read by another parser, no control character is shown",
        oracle: "a scanner of tags; the reader of quick-junit",
        check: report::writers,
    },
];

/// The properties of the library, then those of the program.
pub fn all() -> impl Iterator<Item = &'static Property> {
    ALL.iter().chain(&OURS)
}

/// The published schemes that the program carries.
///
/// # Errors
/// What is wrong with their files.
pub fn suite() -> Result<Suite, String> {
    Suite::load(Arc::new(Embedded)).map_err(|fault| fault.to_string())
}

/// What properties stand on: the published schemes, and jsonwebtoken as the peer.
///
/// # Errors
/// What is wrong with their files.
pub fn ground() -> Result<Ground, String> {
    Ground::new(&suite()?, peer::jsonwebtoken)
}

/// `Err` with the words unless `held`.
fn ensure(held: bool, words: impl FnOnce() -> String) -> Result<(), String> {
    if held { Ok(()) } else { Err(words()) }
}
