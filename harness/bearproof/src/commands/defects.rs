//! `defects`: the kill matrix, scheme by scheme. Code 1 if a weakness lives that no reason excuses.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;

use bearproof_conform::freeze::{CONTROL, plots};
use bearproof_conform::frozen;
use bearproof_conform::matrix::{Matrix, State, matrix};
use bearproof_conform::suite::{Disk, Folder, Scheme, Suite};
use bearproof_scheme::weakness::Class;
use serde_json::json;

use super::{Done, Failure, load_suite, pick_schemes, vectors_folder};
use crate::embedded::Embedded;

/// The generated file, below the vectors: what each rejecting vector catches.
pub(super) const CATCHES: &str = "catches.json";

/// What `defects` is asked for.
pub(crate) struct Options {
    pub(crate) vectors: Option<PathBuf>,
    pub(crate) scheme: Option<String>,
    pub(crate) json: bool,
    pub(crate) accept: bool,
}

/// Runs the vectors against every weakness and prints what notices which.
pub(crate) fn defects(options: &Options) -> Result<Done, Failure> {
    if options.accept && options.scheme.is_some() {
        return Err(Failure::input("`--accept` writes what all schemes catch; leave `--scheme` out"));
    }
    let suite = load_suite(options.vectors.as_deref())?;
    let matrices: Result<Vec<Matrix>, Failure> = pick_schemes(&suite, options.scheme.as_deref())?
        .iter()
        .map(|scheme| of_scheme(&suite, scheme))
        .collect();
    let matrices = matrices?;
    let mut problems: Vec<String> = matrices.iter().flat_map(Matrix::problems).collect();
    if options.scheme.is_none() {
        problems.extend(catches(&matrices, options)?);
    }
    let as_json = options.json;
    let output = if as_json { json_text(&matrices)? } else { text(&matrices, &problems) };
    Ok(Done { output: output.into_bytes(), code: u8::from(!problems.is_empty()) })
}

/// The matrix of a scheme, from its frozen vectors.
fn of_scheme(suite: &Suite, scheme: &Scheme) -> Result<Matrix, Failure> {
    let plots = plots(&suite.families, scheme).map_err(Failure::input)?.plots;
    let frozen =
        frozen::load(&scheme.id, scheme.folder.as_ref()).map_err(|f| Failure::input(f.to_string()))?;
    if frozen.is_empty() {
        return Err(Failure::input(format!("{}: no frozen vectors; run `bearproof freeze`", scheme.id)));
    }
    matrix(scheme, &plots, &frozen).map_err(Failure::input)
}

/// Writes what each vector catches, or says that the file is not fresh.
fn catches(matrices: &[Matrix], options: &Options) -> Result<Option<String>, Failure> {
    let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in matrices.iter().flat_map(|m| &m.lines) {
        for vector in line.killers() {
            all.entry(vector).or_default().push(&line.id);
        }
    }
    let text = serde_json::to_string_pretty(&json!({ "format": 1, "catches": all }));
    let text = text.map_err(|e| Failure::bug(e.to_string()))? + "\n";
    if options.accept {
        let path = vectors_folder(options.vectors.as_deref())?.join(CATCHES);
        std::fs::write(&path, &text)
            .map_err(|e| Failure::input(format!("{}: can't be written: {e}", path.display())))?;
        return Ok(None);
    }
    let folder: Box<dyn Folder> = match &options.vectors {
        Some(folder) => Box::new(Disk(folder.clone())),
        None => Box::new(Embedded),
    };
    let fresh = folder.read(CATCHES).is_ok_and(|held| held == text.as_bytes());
    let stale =
        format!("{CATCHES} is not what the vectors catch now; run `bearproof defects --accept` and review");
    Ok((!fresh).then_some(stale))
}

fn text(matrices: &[Matrix], problems: &[String]) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{:<20}{:>10}{:>9}{:>9}{:>9}{:>12}{:>8}{:>10}",
        "scheme", "weaknesses", "accepts", "refuses", "answers", "equivalent", "alive", "distinct"
    );
    let (mut killed, mut distinct) = (0, 0);
    for matrix in matrices {
        let count = |class| matrix.lines.iter().filter(|l| l.class == class && l.is_killed()).count();
        let (alive, equivalent) = matrix.lines.iter().fold((0, 0), |(a, e), line| match matrix.state(line) {
            State::Alive => (a + 1, e),
            State::Equivalent(_) => (a, e + 1),
            State::Killed => (a, e),
        });
        let _ = writeln!(
            out,
            "{:<20}{:>10}{:>9}{:>9}{:>9}{equivalent:>12}{alive:>8}{:>10}",
            matrix.scheme,
            matrix.lines.len(),
            count(Class::Accepts),
            count(Class::Refuses),
            count(Class::Answers),
            matrix.distinct()
        );
        killed += matrix.lines.iter().filter(|l| l.is_killed()).count();
        distinct += matrix.distinct();
    }
    let _ = writeln!(
        out,
        "\naccepts, refuses and answers count weaknesses that vectors notice: {killed} in all, {distinct} told apart.\n"
    );
    families(matrices, &mut out);
    let (repeats, rejecting): (usize, usize) =
        matrices.iter().fold((0, 0), |(r, all), m| (r + m.repeats.len(), all + m.rejecting));
    let _ =
        writeln!(out, "\n{repeats} of {rejecting} rejecting vectors notice exactly what another one does.");
    for problem in problems {
        let _ = writeln!(out, "problem: {problem}");
    }
    let _ = writeln!(out, "{} problems", problems.len());
    out
}

/// For each family the weaknesses that nothing else notices.
fn families(matrices: &[Matrix], out: &mut String) {
    let mut only: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for matrix in matrices {
        for line in &matrix.lines {
            let families: BTreeSet<&str> = line.killers().filter_map(|id| id.split('/').nth(1)).collect();
            for family in &families {
                let entry = only.entry((*family).to_string()).or_default();
                if families.len() == 1 {
                    entry.push(format!("{}/{}", matrix.scheme, line.id));
                }
            }
        }
    }
    let _ = writeln!(out, "{:<20}{:>6}  noticed by this family only, for example", "family", "");
    for (family, weaknesses) in &only {
        let none = if family == CONTROL {
            "generated: a control is there for the refusal beside it"
        } else {
            "none"
        };
        let example = weaknesses.first().map_or(none, String::as_str);
        let _ = writeln!(out, "{family:<20}{:>6}  {example}", weaknesses.len());
    }
}

fn json_text(matrices: &[Matrix]) -> Result<String, Failure> {
    let weaknesses: Vec<_> = matrices
        .iter()
        .flat_map(|matrix| {
            matrix.lines.iter().map(|line| {
                let (state, because) = match matrix.state(line) {
                    State::Killed => ("killed", None),
                    State::Equivalent(because) => ("equivalent", Some(because)),
                    State::Alive => ("alive", None),
                };
                json!({
                    "id": format!("{}/{}", matrix.scheme, line.id),
                    "class": line.class.name(),
                    "says": line.says,
                    "requirement": line.reference,
                    "raw_field": line.raw_field,
                    "state": state,
                    "because": because,
                    "killed_by": line.killers().collect::<Vec<_>>(),
                })
            })
        })
        .collect();
    let text = serde_json::to_string_pretty(&json!({ "format": 1, "weaknesses": weaknesses }));
    text.map(|t| t + "\n").map_err(|e| Failure::bug(e.to_string()))
}
