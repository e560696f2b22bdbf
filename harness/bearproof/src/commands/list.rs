//! `list`: names the vectors. It must not run them.

use std::path::Path;

use bearproof_conform::freeze::plots;

use super::{Done, Failure, load_suite, pick_schemes};

/// One line for each vector: id, level and severity; or JSON.
pub(crate) fn list(vectors: Option<&Path>, scheme: Option<&str>, json: bool) -> Result<Done, Failure> {
    let suite = load_suite(vectors)?;
    let mut rows = Vec::new();
    for scheme in pick_schemes(&suite, scheme)? {
        for plot in plots(&suite.families, &scheme).map_err(Failure::input)?.plots {
            rows.push((plot.id, plot.level.name(), plot.severity.name()));
        }
    }
    if json {
        let values: Vec<_> = rows
            .iter()
            .map(|(id, level, severity)| serde_json::json!({"id": id, "level": level, "severity": severity}))
            .collect();
        let text = serde_json::to_string_pretty(&values).map_err(|e| Failure::bug(e.to_string()))?;
        return Ok(Done::fine(format!("{text}\n")));
    }
    let mut out = String::new();
    for (id, level, severity) in &rows {
        out.push_str(&format!("{id}  {level}  {severity}\n"));
    }
    out.push_str(&format!("{} vectors\n", rows.len()));
    Ok(Done::fine(out))
}
