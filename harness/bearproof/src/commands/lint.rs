//! `lint`: prints what the suite lacks.

use std::path::Path;

use bearproof_conform::lint;

use super::{Done, Failure, load_suite};

/// Checks coverage; problems end with code 1.
pub(crate) fn lint(vectors: Option<&Path>) -> Result<Done, Failure> {
    let suite = load_suite(vectors)?;
    let report = lint::lint(&suite).map_err(Failure::input)?;
    let mut out = String::new();
    for note in &report.notes {
        out.push_str(&format!("note: {note}\n"));
    }
    for problem in &report.problems {
        out.push_str(&format!("problem: {problem}\n"));
    }
    for line in &report.counts {
        out.push_str(&format!("{line}\n"));
    }
    let problems = report.problems.len();
    out.push_str(&format!("{} vectors, {problems} problems, {} notes\n", report.vectors, report.notes.len()));
    Ok(Done { output: out.into_bytes(), code: u8::from(problems > 0) })
}
