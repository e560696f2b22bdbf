//! Writes what a run found, for people and for CI. It must not judge, reach a network or read a clock: each
//! writer is a pure function of [`Results`](bearproof_conform::results::Results), which is redacted already.

mod group;
mod html;
mod junit;
#[cfg(test)]
mod sample;
mod terminal;
pub(crate) mod text;
mod verdict;

pub(crate) use html::html;
pub(crate) use junit::junit;
pub(crate) use terminal::{Style, terminal};
pub(crate) use verdict::exit_code;
