//! `freeze`: writes the frozen vectors, or checks that they are fresh. It must not write an expectation.

use std::collections::BTreeSet;
use std::path::Path;

use bearproof_conform::freeze;

use super::{Done, Failure, load_suite, vectors_folder};
use crate::readme;

/// Freezes all vectors below the folder; with `check`, only compares.
pub(crate) fn freeze(vectors: Option<&Path>, check: bool) -> Result<Done, Failure> {
    let folder = vectors_folder(vectors)?;
    let suite = load_suite(Some(&folder))?;
    let mut files = freeze::freeze(&suite).map_err(Failure::input)?;
    for scheme in &suite.schemes {
        files.push(readme::fresh(scheme)?);
    }
    let count: usize = files.iter().map(|f| f.ids.len()).sum();
    let wanted: BTreeSet<&str> = files.iter().map(|f| f.path.as_str()).collect();
    let mut stale = Vec::new();
    for file in &files {
        let path = folder.join(&file.path);
        if std::fs::read(&path).ok().as_deref() != Some(file.text.as_bytes()) {
            if !check {
                std::fs::write(&path, &file.text)
                    .map_err(|e| Failure::input(format!("{}: can't be written: {e}", path.display())))?;
            }
            stale.push(file.path.clone());
        }
    }
    for scheme in &suite.schemes {
        for name in scheme.folder.list("") {
            let path = format!("{}/{name}", scheme.id);
            if name.ends_with(".json") && !wanted.contains(path.as_str()) {
                if !check {
                    std::fs::remove_file(folder.join(&path))
                        .map_err(|e| Failure::input(format!("{path}: can't be removed: {e}")))?;
                }
                stale.push(path);
            }
        }
    }
    if check && !stale.is_empty() {
        let list = stale.join("\n  ");
        return Err(Failure::check(format!(
            "{} frozen files differ from their recipes:\n  {list}\n  help: run `bearproof freeze` and review the difference",
            stale.len()
        )));
    }
    let verb = if check { "fresh" } else { "frozen" };
    Ok(Done::fine(format!("{count} vectors in {} files are {verb}, {} changed\n", files.len(), stale.len())))
}
