//! The reports of a run as files, and results read from files. It must not say what is in them.

use std::path::Path;

use bearproof_conform::results::{FORMAT, Results};
use serde::Deserialize;

use super::Failure;
use crate::journal::{NAME, Read, is_journal, read};
use crate::report::{html, junit};

/// Writes all reports into a folder, and gives the line that says where they are.
pub(super) fn write(out: &Path, results: &Results) -> Result<String, Failure> {
    let json = serde_json::to_string_pretty(results).map_err(|e| Failure::bug(e.to_string()))?;
    let files = [
        ("results.json", format!("{json}\n")),
        ("report.html", html(results)),
        ("junit.xml", junit(results).map_err(Failure::bug)?),
    ];
    std::fs::create_dir_all(out)
        .map_err(|e| Failure::input(format!("{}: can't be made: {e}", out.display())))?;
    for (name, text) in files {
        write_file(&out.join(name), &text)?;
    }
    Ok(format!("reports: {0}/results.json, {0}/report.html, {0}/junit.xml\n", out.display()))
}

/// Writes a file. What it held before is lost only when the new text is there as a whole.
pub(super) fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    std::fs::write(&part, text)
        .and_then(|()| std::fs::rename(&part, path))
        .map_err(|e| Failure::input(format!("{}: can't be written: {e}", path.display())))
}

/// A file with results, read.
pub(super) struct Loaded {
    pub(super) name: String,
    pub(super) results: Results,
    /// What a reader should know of the file.
    pub(super) note: Option<String>,
}

/// Reads results: a `results.json`, or the journal of a run that need not have come to its end.
pub(super) fn load(path: &Path) -> Result<Loaded, Failure> {
    let name = path.display().to_string();
    let text = std::fs::read(path).map_err(|e| Failure::input(format!("{name}: can't be read: {e}")))?;
    // Bytes of an answer are escaped before they are written, so that other bytes mean another file or a broken one.
    let text = String::from_utf8(text)
        .map_err(|e| Failure::input(format!("{name}: not UTF-8 at byte {}", e.utf8_error().valid_up_to())))?;
    if is_journal(&text) {
        let Read { results, note } = read(&name, &text).map_err(Failure::input)?;
        return Ok(Loaded { name, results, note });
    }
    let wrong = |e: serde_json::Error| {
        Failure::input(format!(
            "{name}: not results: {e}\n  help: give a `results.json` or a `{NAME}` that a run of this version wrote"
        ))
    };
    let Head { format } = serde_json::from_str(&text).map_err(wrong)?;
    if format != FORMAT {
        let message = format!("{name}: results of format {format}, and this version reads format {FORMAT}");
        return Err(Failure::input(message));
    }
    let results = serde_json::from_str(&text).map_err(wrong)?;
    Ok(Loaded { name, results, note: None })
}

/// What all formats have.
#[derive(Deserialize)]
struct Head {
    format: u32,
}
