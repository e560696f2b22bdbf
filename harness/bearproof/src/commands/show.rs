//! `show`: prints a vector as frozen, or the plan of a scheme. It must not run anything.

use std::path::Path;

use bearproof_conform::freeze::{freeze_plot, plots};

use super::{Done, Failure, load_suite, pick_schemes};

/// Prints the vector with this id, or the plan of the scheme with this id or folder.
pub(crate) fn show(vectors: Option<&Path>, what: &str) -> Result<Done, Failure> {
    let suite = load_suite(vectors)?;
    let of_vector = what.matches('/').count() == 2
        && suite.schemes.iter().any(|s| what.starts_with(&format!("{}/", s.id)));
    if !of_vector {
        let schemes = pick_schemes(&suite, Some(what))?;
        return Ok(Done::fine(schemes.iter().map(show_plan).collect::<String>()));
    }
    let scheme = suite.scheme(what.split('/').next().unwrap_or(""))?;
    let plots = plots(&suite.families, scheme).map_err(Failure::input)?.plots;
    let Some(plot) = plots.iter().find(|p| p.id == what) else {
        let near = bearproof_scheme::document::nearest(what, plots.iter().map(|p| p.id.as_str()));
        let near = if near.starts_with("did") { near } else { "`bearproof list` names all".into() };
        return Err(Failure::input(format!("unknown vector `{what}`\n  help: {near}")));
    };
    let vector = freeze_plot(plot).map_err(Failure::input)?;
    let text = serde_json::to_string_pretty(&vector).map_err(|e| Failure::bug(e.to_string()))?;
    Ok(Done::fine(format!("{text}\n")))
}

/// The checks of a scheme in the order in which they run: the derived order is part of the language.
fn show_plan(scheme: &bearproof_conform::suite::Scheme) -> String {
    let d = &scheme.default.description;
    let plan = &scheme.default.plan;
    let mut out = format!("{}: {}\n", d.id, d.title);
    for choice in &d.choices {
        out.push_str(&format!(
            "choice {} = {} (of {})\n",
            choice.name,
            choice.chosen,
            choice.options.join(", ")
        ));
    }
    for (number, row) in plan.rows().iter().enumerate() {
        let reasons: Vec<String> = row.reasons.iter().map(|r| plan.code(*r)).collect();
        let reference = row.reference.as_deref().unwrap_or("-");
        out.push_str(&format!(
            "{:>3}  {:<10} {:<24} {:<8} {}\n",
            number + 1,
            row.stage,
            row.name,
            reference,
            reasons.join(", ")
        ));
    }
    for operation in &d.operations {
        let inputs: Vec<String> =
            operation.parts.iter().map(bearproof_scheme::description::Part::path).collect();
        let guard = if operation.guarded { "guarded by all checks above; " } else { "" };
        out.push_str(&format!("operation {}: {guard}reads {}\n", operation.name, inputs.join(", ")));
    }
    out
}
