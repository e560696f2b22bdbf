//! `defects`: the kill matrix, scheme by scheme.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use bearproof_conform::freeze::plots;
use bearproof_conform::frozen;
use bearproof_conform::matrix::{Matrix, matrix};
use bearproof_conform::recipe::Expect;

use super::{Done, Failure, load_suite, pick_schemes};

/// Prints what notices which weakness.
pub(crate) fn defects(vectors: Option<&Path>, scheme: Option<&str>) -> Result<Done, Failure> {
    let suite = load_suite(vectors)?;
    let mut out = String::new();
    for scheme in &pick_schemes(&suite, scheme)? {
        let plots = plots(&suite.families, scheme).map_err(Failure::input)?.plots;
        let frozen =
            frozen::load(&scheme.id, scheme.folder.as_ref()).map_err(|f| Failure::input(f.to_string()))?;
        let matrix = matrix(&scheme.id, &plots, &frozen).map_err(Failure::input)?;
        for line in &matrix.lines {
            let killers: Vec<&str> = line.killers().collect();
            let _ = writeln!(
                out,
                "{}/{} [{}] {} {}",
                scheme.id,
                line.id,
                line.class.name(),
                killers.len(),
                killers.first().unwrap_or(&"ALIVE")
            );
        }
        let mut sets: BTreeMap<Vec<&str>, Vec<&str>> = BTreeMap::new();
        for plot in &plots {
            if plot.steps.iter().any(|s| matches!(s.expect, Expect::Reject(_))) {
                let set: Vec<&str> = matrix
                    .lines
                    .iter()
                    .filter(|l| l.kills.contains_key(&plot.id))
                    .map(|l| l.id.as_str())
                    .collect();
                sets.entry(set).or_default().push(&plot.id);
            }
        }
        let same: usize = sets.values().filter(|v| v.len() > 1).map(|v| v.len() - 1).sum();
        let all: usize = sets.values().map(Vec::len).sum();
        for (set, ids) in sets.iter().filter(|(_, v)| v.len() > 1) {
            let _ = writeln!(out, "SAME {ids:?} KILL {set:?}");
        }
        let killed = matrix.lines.iter().filter(|l| l.is_killed()).count();
        let _ = writeln!(
            out,
            "{}: {} weaknesses, {killed} killed, {} distinct; {same} of {all} rejecting vectors repeat another's kill set",
            scheme.id,
            matrix.lines.len(),
            distinct(&matrix)
        );
    }
    Ok(Done::fine(out))
}

fn distinct(matrix: &Matrix) -> usize {
    matrix.distinct()
}
