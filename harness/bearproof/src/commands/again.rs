//! `report`: makes the reports again, or puts several servers side by side. It must not judge.

use std::path::{Path, PathBuf};

use super::reports::{Loaded, load, write, write_file};
use super::{Done, Failure};
use crate::report::{Matrix, Style, exit_code, html_matrix, terminal, terminal_matrix};

/// The exit codes of single results, gravest first.
const GRAVEST: [u8; 4] = [3, 1, 4, 0];

/// Writes the reports of one file, or the matrix of several.
pub(crate) fn report(files: &[PathBuf], out: &Path, strict: bool, style: Style) -> Result<Done, Failure> {
    let mut notes = String::new();
    let mut all = Vec::new();
    for file in files {
        let Loaded { name, results, note } = load(file)?;
        notes.extend(note.map(|note| format!("note: {note}\n")));
        all.push((name, results));
    }
    let codes: Vec<u8> = all.iter().map(|(_, results)| exit_code(results, strict)).collect();
    let code = GRAVEST.into_iter().find(|code| codes.contains(code)).unwrap_or(0);
    let output = match all.as_slice() {
        [(_, results)] => {
            let reports = write(out, results)?;
            terminal(results, style) + &reports
        }
        _ => {
            let matrix = Matrix::of(&all);
            let path = out.join("matrix.html");
            std::fs::create_dir_all(out)
                .map_err(|e| Failure::input(format!("{}: can't be made: {e}", out.display())))?;
            write_file(&path, &html_matrix(&matrix))?;
            format!("{}matrix: {}\n", terminal_matrix(&matrix, style), path.display())
        }
    };
    Ok(Done { output: (notes + &output).into_bytes(), code })
}
