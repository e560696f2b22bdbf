//! Writes what a run found, for people and for CI. It must not judge, reach a network or read a clock: each
//! writer is a pure function of [`Results`](bearproof_conform::results::Results), which is redacted already.

mod diff;
mod group;
mod html;
mod junit;
mod matrix;
#[cfg(test)]
mod sample;
mod terminal;
pub(crate) mod text;
mod verdict;

pub(crate) use diff::diff;
pub(crate) use html::{html, matrix as html_matrix};
pub(crate) use junit::junit;
pub(crate) use matrix::Matrix;
pub(crate) use terminal::{Style, matrix as terminal_matrix, terminal};
pub(crate) use verdict::exit_code;
