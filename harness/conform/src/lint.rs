//! Finds what the suite lacks: requirements, checks, reasons and pipeline steps that no vector needs, and recipes
//! that reach nobody. It must not run a vector.

mod requirements;

use std::collections::BTreeSet;

use bearproof_scheme::description::{Alg, Level, Part, Rule, Source};
use bearproof_scheme::mistake::alternatives;
use bearproof_scheme::sign::{Draft, Signer, Trace, Written};
use bearproof_scheme::world::{State, Value, value};

use crate::catalogue::Catalogue;
use crate::entropy::Published;
use crate::freeze::{CONTROL, plots};
use crate::plot::{Plot, expand};
use crate::recipe::Expect;
use crate::suite::{Scheme, Suite};

use requirements::Tied;

/// What lint found.
#[derive(Debug, Default)]
pub struct Report {
    /// What must be mended.
    pub problems: Vec<String>,
    /// What is worth knowing.
    pub notes: Vec<String>,
    /// One line for each scheme: its requirements and what shows them.
    pub counts: Vec<String>,
    /// Vectors in all.
    pub vectors: usize,
}

/// Checks the whole suite.
///
/// # Errors
/// A recipe that can't be expanded.
pub fn lint(suite: &Suite) -> Result<Report, String> {
    let mut report = Report::default();
    for recipe in &suite.families {
        report.problems.extend(requirements::unknown_refs(&recipe.place, &recipe.refs, None));
        let mut reached = 0;
        for scheme in &suite.schemes {
            reached += expand(recipe, scheme).map_err(|e| format!("{}: {e}", recipe.place))?.len();
        }
        if reached == 0 {
            report.problems.push(format!(
                "{}: the recipe `{}/{}` applies to no scheme",
                recipe.place, recipe.family, recipe.name
            ));
        }
    }
    let mut cited: Vec<(String, Vec<String>)> = Vec::new();
    for scheme in &suite.schemes {
        let all = plots(&suite.families, scheme)?;
        for recipe in &scheme.recipes {
            let d = &scheme.default.description;
            report.problems.extend(requirements::unknown_refs(&recipe.place, &recipe.refs, Some(d)));
            let prefix = format!("{}/{}/{}", scheme.id, recipe.family, recipe.name);
            let reached = all.plots.iter().any(|p| p.id.starts_with(&prefix));
            if !reached && !all.without_effect.iter().any(|(id, _)| id.starts_with(&prefix)) {
                report.problems.push(format!("{}: the recipe `{prefix}` makes no vector", recipe.place));
            }
        }
        for (id, why) in &all.without_effect {
            if scheme
                .recipes
                .iter()
                .any(|r| id.starts_with(&format!("{}/{}/{}", scheme.id, r.family, r.name)))
            {
                report.problems.push(format!("{id}: the scheme's own recipe makes no vector: {why}"));
            } else {
                report.notes.push(format!("{id}: left out: {why}"));
            }
        }
        report.vectors += all.plots.len();
        coverage(scheme, &all.plots, &mut report);
        same_bytes(&all.plots, &mut report)?;
        cited.extend(all.plots.iter().map(|p| (p.id.clone(), p.refs.clone())));
    }
    if let Some(catalogue) = Catalogue::load(suite.folder.as_ref()).map_err(|f| f.to_string())? {
        report.problems.extend(catalogue.problems(&cited));
    }
    Ok(report)
}

/// Two vectors with the same bytes and expectation are one.
fn same_bytes(plots: &[Plot], report: &mut Report) -> Result<(), String> {
    let mut seen: Vec<(String, &Plot)> = Vec::new();
    for plot in plots.iter().filter(|p| p.twin.is_some()) {
        // Randomness differs by id, so the recipes are compared as they are after expansion.
        let text = format!("{:?} {} {} {:?}", plot.steps, plot.role, plot.endpoint, plot.choose);
        if let Some((_, other)) = seen.iter().find(|(t, _)| *t == text) {
            report.problems.push(format!("`{}` and `{}` are the same", other.id, plot.id));
        }
        seen.push((text, plot));
    }
    Ok(())
}

/// What of a scheme no vector needs.
fn coverage(scheme: &Scheme, plots: &[Plot], report: &mut Report) {
    let d = &scheme.default.description;
    // A control is part of another vector, and shows nothing of its own.
    let own = plots.iter().filter(|p| p.id.split('/').nth(1) != Some(CONTROL));
    let tied: Vec<Tied> = own.map(Tied::of).collect();
    report.problems.extend(requirements::problems(&scheme.id, d, &tied));
    report.counts.push(requirements::counts(&scheme.id, d, &tied));
    let expected: BTreeSet<&String> = plots
        .iter()
        .flat_map(|p| &p.steps)
        .filter_map(|s| match &s.expect {
            Expect::Reject(reasons) => Some(reasons),
            _ => None,
        })
        .flatten()
        .collect();
    let plan = &scheme.default.plan;
    for row in plan.rows() {
        for reason in &row.reasons {
            let code = plan.code(*reason);
            // Filling the memory takes a million requests; a test of the store does it.
            if !expected.contains(&code) && code != "replay.memory-full" {
                let message = format!(
                    "{}: check `{}` can refuse with `{code}`, and no vector expects it",
                    scheme.id, row.name
                );
                match not_demanded(scheme, row, &code) {
                    Some(why) => report.notes.push(format!("{message}: {why}")),
                    None => report.problems.push(message),
                }
            }
        }
    }
    pipelines(scheme, report);
    secrets(scheme, report);
}

/// HMAC keys are as long as the hash, for every choice: other libraries refuse shorter ones (RFC 7518 section 3.2).
fn secrets(scheme: &Scheme, report: &mut Report) {
    let options = scheme.default.description.choices.iter();
    let choices = options.flat_map(|c| c.options.iter().map(|o| vec![(c.name.clone(), o.clone())]));
    for choose in std::iter::once(Vec::new()).chain(choices) {
        let variant = match scheme.variant(&choose) {
            Ok(variant) => variant,
            Err(fault) => {
                report.problems.push(fault.to_string());
                continue;
            }
        };
        let Some(token) = variant.description.token.as_ref() else { continue };
        let least = match token.alg {
            Alg::Hs256 => 32,
            Alg::Hs384 => 48,
            Alg::Hs512 => 64,
            _ => continue,
        };
        let world = &variant.world;
        let holders = match &token.key {
            Source::Credential(_) => {
                world.credentials.iter().map(|c| (&c.role, &c.values)).collect::<Vec<_>>()
            }
            _ => world.platforms.iter().map(|p| (&p.role, &p.values)).collect(),
        };
        let full = token.key.name();
        let name = full.split_once('.').map_or("", |(_, name)| name);
        for (role, values) in holders {
            let length = value(values, name).and_then(Value::bytes).map_or(0, |bytes| bytes.len());
            if length < least {
                report.problems.push(format!(
                    "{}: `{name}` of `{role}` has {length} bytes; {} needs at least {least}",
                    scheme.id,
                    token.alg.name()
                ));
            }
        }
    }
}

/// Why a reason needs no rejecting vector: it is only our preference (then `may` vectors record what a server does),
/// or the world has nobody to bring it about.
fn not_demanded(scheme: &Scheme, row: &bearproof_scheme::plan::Row, code: &str) -> Option<&'static str> {
    let (d, world) = (&scheme.default.description, &scheme.default.world);
    let has = |state: State| world.credentials.iter().any(|c| c.state == state);
    let preference =
        row.reference.as_ref().and_then(|id| d.requirement(id)).is_some_and(|r| r.level == Level::May);
    let capped = d.parts.iter().any(|p| p.at_most.is_some());
    match code {
        _ if preference => Some("it stands on a reading of level may"),
        "key.revoked" if !has(State::Revoked) => Some("the world has no revoked credential"),
        "key.expired" if !has(State::Expired) => Some("the world has no expired credential"),
        "key.disabled" if !has(State::Disabled) => Some("the world has no disabled credential"),
        "time.too-far" if !capped => {
            Some("no document caps the life; a time beyond the year 9999 is our preference")
        }
        "binding.method" if !d.binds_body() => {
            Some("nothing is bound to the method; servers say 405 as they like")
        }
        "access.no-endpoint" => Some("what does not exist is not a matter of authentication"),
        _ => None,
    }
}

/// Each step of each pipeline, left out or replaced by its neighbours, must give other bytes on some endpoint.
fn pipelines(scheme: &Scheme, report: &mut Report) {
    let (d, world) = (&scheme.default.description, &scheme.default.world);
    let Some(credential) = world.credential("primary") else { return };
    let entropy = Published::new("lint", 0);
    let signer = Signer {
        description: d,
        credential,
        platform: world.platform("primary"),
        now: world.clock.unwrap_or(0),
        entropy: &entropy,
    };
    let compute = |parts: &[Part], part: &Part| -> Vec<Option<Written>> {
        let ordinary = world.endpoints.iter().filter(|e| d.operation(&e.role).is_none());
        ordinary
            .map(|endpoint| {
                let made = signer.parts(parts, &Draft::of(world, endpoint), &[], &mut Trace::none());
                made.ok()?.into_iter().find(|w| w.place == part.place && w.name == part.name)
            })
            .collect()
    };
    for (position, part) in d.parts.iter().enumerate() {
        let Some(pipeline) = part.pipeline() else { continue };
        let right = compute(&d.parts, part);
        // The other mistakes may well give the right bytes for an ordinary body.
        let telling =
            |id: &str| id.starts_with("without-") || id.contains("-for-base64") || id.contains("-for-hex");
        for wrong in alternatives(pipeline).into_iter().filter(|a| telling(&a.id)) {
            let words = wrong.says;
            let mut parts = d.parts.clone();
            if let Some(slot) = parts.get_mut(position) {
                slot.rule = Rule::From(wrong.pipeline);
            }
            let wrong = compute(&parts, part);
            let differs = right.iter().zip(&wrong).any(|(right, wrong)| right.is_some() && right != wrong);
            if !differs {
                report.problems.push(format!(
                    "{}: `{}` {words} gives the right bytes on every endpoint: choose bodies, ids or secrets that tell them apart",
                    scheme.id,
                    part.path()
                ));
            }
        }
    }
}
