//! `merge`: the results of all shards become those of one run. It must not judge.

use std::path::{Path, PathBuf};

use bearproof_conform::merge::{Part, merge as together};

use super::reports::{Loaded, load, write};
use super::{Done, Failure};
use crate::report::{Style, exit_code, terminal};

/// Merges the files, writes the reports, and says what was found.
pub(crate) fn merge(files: &[PathBuf], out: &Path, strict: bool, style: Style) -> Result<Done, Failure> {
    let mut notes = String::new();
    let mut parts = Vec::new();
    for file in files {
        let Loaded { name, results, note } = load(file)?;
        notes.extend(note.map(|note| format!("note: {note}\n")));
        parts.push(Part { name, results });
    }
    let results = together(parts).map_err(Failure::input)?;
    let reports = write(out, &results)?;
    let output = format!("{notes}{}{reports}", terminal(&results, style));
    Ok(Done { output: output.into_bytes(), code: exit_code(&results, strict) })
}
