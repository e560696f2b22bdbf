//! `defects`: the kill matrix, scheme by scheme.

use std::fmt::Write;
use std::path::Path;

use bearproof_conform::freeze::plots;
use bearproof_conform::frozen;
use bearproof_conform::matrix::matrix;

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
        let killed = matrix.lines.iter().filter(|l| l.is_killed()).count();
        let _ = writeln!(
            out,
            "{}: {} weaknesses, {killed} killed, {} distinct",
            scheme.id,
            matrix.lines.len(),
            matrix.distinct()
        );
    }
    Ok(Done::fine(out))
}
