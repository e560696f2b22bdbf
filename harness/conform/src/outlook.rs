//! What a run on a target will send, what it can't ask and why, and what it changed there in the end. It must not send
//! anything.

use std::collections::BTreeMap;

use bearproof_scheme::description::OperationKind;

use crate::measure::{Measures, Tries};
use crate::needs::needs;
use crate::plot::Plot;
use crate::recipe::{Action, Step};
use crate::results::VectorResult;
use crate::run::BARRIER;

/// What will come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// Vectors that can be asked, controls among them.
    pub asked: usize,
    /// Requests that are sent for them if none of them fails, those of calibration included.
    pub requests: u64,
    /// Of each family how many vectors can be asked, and how many there are.
    pub families: BTreeMap<String, (usize, usize)>,
    /// What is missing for the rest: why, and for how many vectors; the most first.
    pub missing: Vec<(String, usize)>,
}

impl Outlook {
    /// Of these plots on a target that lacks what `lacks` says.
    pub fn of(plots: &[Plot], lacks: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut outlook = Self { asked: 0, requests: 0, families: BTreeMap::new(), missing: Vec::new() };
        let mut missing: BTreeMap<String, usize> = BTreeMap::new();
        for plot in plots {
            let family = plot.id.split('/').nth(1).unwrap_or_default();
            let counts = outlook.families.entry(family.into()).or_default();
            counts.1 += 1;
            if let Some(why) = needs(plot).iter().find_map(|need| lacks(need)) {
                *missing.entry(why).or_default() += 1;
                continue;
            }
            counts.0 += 1;
            outlook.asked += 1;
            outlook.requests += plot.steps.iter().map(|step| sends(plot, step)).sum::<u64>();
        }
        // The good request and one without a credential: before, and after each block.
        let blocks = u64::try_from(outlook.asked.div_ceil(BARRIER)).unwrap_or(u64::MAX);
        outlook.requests += 2 * (blocks + 1);
        outlook.missing = missing.into_iter().collect();
        outlook.missing.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        outlook
    }
}

/// Requests of one step: hooks are no requests to the API.
fn sends(plot: &Plot, step: &Step) -> u64 {
    match step.action {
        Action::Call | Action::Obtain(_) => 1,
        Action::Revoke => u64::from(plot.variant.description.revocation().is_some()),
        Action::Wait(_) => 0,
    }
}

/// About how many requests measuring takes.
pub fn measuring(measures: &Measures) -> u64 {
    let of = |tries: &Tries| match tries {
        // Each halving of the range is one request, and its ends are two.
        Tries::Search { from, to, .. } => u64::from((to - from).max(1).ilog2()) + 2,
        Tries::Cases(cases) => u64::try_from(cases.len()).unwrap_or(u64::MAX),
    };
    measures.list.iter().map(|m| of(&m.tries)).sum()
}

/// What the vectors of a run did on the target beside asking: each kind of request that was let in and is not safe
/// (RFC 9110 section 9.2.1), with how often.
pub fn changes(plots: &[Plot], results: &[VectorResult]) -> Vec<String> {
    let mut counts: BTreeMap<String, (usize, &str)> = BTreeMap::new();
    for result in results {
        let Some(plot) = plots.iter().find(|p| p.id == result.id) else { continue };
        for (step, seen) in plot.steps.iter().zip(&result.steps) {
            if seen.observed.as_deref() != Some("accept") {
                continue;
            }
            if let Some(what) = change(plot, step) {
                counts.entry(what).or_insert((0, &result.id)).0 += 1;
            }
        }
    }
    let line = |(what, (count, first)): (String, (usize, &str))| {
        let times = if count == 1 { "once".into() } else { format!("{count} times") };
        format!("{what}: {times}, for example by {first}")
    };
    counts.into_iter().map(line).collect()
}

/// What a step changes if it is let in, in words.
fn change(plot: &Plot, step: &Step) -> Option<String> {
    let d = &plot.variant.description;
    let of = |name: &str| {
        let operation = d.operation(name)?;
        Some(match operation.kind {
            OperationKind::Issue => format!("`{name}` gave a token"),
            OperationKind::Register => format!("`{name}` recorded something"),
            OperationKind::Revoke => format!("`{name}` ended a credential"),
        })
    };
    match &step.action {
        Action::Wait(_) => Some("a hook moved the clock".into()),
        Action::Revoke => d.revocation().map_or(Some("a hook ended a credential".into()), |o| of(&o.name)),
        Action::Obtain(name) => of(name.as_deref().or_else(|| crate::resolve::token_operation(d))?),
        Action::Call => {
            let role = step.endpoint.as_deref().unwrap_or(&plot.endpoint);
            if let Some(words) = of(role) {
                return Some(words);
            }
            let endpoint = plot.variant.world.endpoint(role)?;
            let safe = matches!(endpoint.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE");
            (!safe).then(|| format!("{} {} was let in", endpoint.method, endpoint.path))
        }
    }
}
