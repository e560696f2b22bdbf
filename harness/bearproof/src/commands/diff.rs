//! `diff`: what changed between two results. It must not judge.

use std::path::Path;

use super::reports::load;
use super::{Done, Failure};
use crate::report::{Style, diff as differences};

/// Prints what changed from the old results to the new ones; code 1 if a vector or a calibration did.
pub(crate) fn diff(old: &Path, new: &Path, style: Style) -> Result<Done, Failure> {
    let (old, new) = (load(old)?, load(new)?);
    let notes = [&old, &new].into_iter().filter_map(|file| file.note.as_ref());
    let notes: String = notes.map(|note| format!("note: {note}\n")).collect();
    let (lines, differ) = differences(&old.results, &new.results, style);
    Ok(Done { output: (notes + &lines).into_bytes(), code: u8::from(differ) })
}
