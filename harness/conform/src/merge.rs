//! The results of all shards become those of one run. It must not take parts together that are not of one run, and
//! must not leave out a vector.

use std::collections::{BTreeMap, BTreeSet};

use bearproof_scheme::time::parse_rfc3339;

use crate::deviation::Deviations;
use crate::freeze::CONTROL;
use crate::judgement::stands;
use crate::results::{
    Calibration, CalibrationState, Outcome, Results, Run, Shard, StepResult, Suite, Target, VectorResult, Via,
};
use crate::run::UNSTEADY;
use crate::shard::{digest_of_ids, number_of};

/// The results of one shard, with the name of their file.
pub struct Part {
    /// As the user gave it.
    pub name: String,
    /// What the shard found.
    pub results: Results,
}

/// A part that has what a shard needs to have.
struct Checked {
    name: String,
    shard: Shard,
    run: Run,
    suite: Suite,
    targets: Vec<Target>,
    vectors: Vec<VectorResult>,
}

/// Takes the parts together.
///
/// # Errors
/// In words, which parts do not belong together, which one is missing, or which vector.
pub fn merge(parts: Vec<Part>) -> Result<Results, String> {
    let mut parts = parts.into_iter().map(check).collect::<Result<Vec<_>, _>>()?;
    parts.sort_by_key(|part| part.shard.number);
    same(&parts)?;
    complete(&parts)?;
    let starts: Vec<u64> = parts.iter().filter_map(|part| parse_rfc3339(&part.run.started)).collect();
    let now = starts.into_iter().max().unwrap_or(0);
    let (suite, targets, run) = together(&parts)?;
    let mut copies: BTreeMap<(String, Via), Vec<Copy>> = BTreeMap::new();
    for part in parts {
        for target in &part.targets {
            let known = Deviations::of_entries(&target.known)?;
            let mut vectors: Vec<VectorResult> =
                part.vectors.iter().filter(|r| is_of(target, r)).cloned().collect();
            // What a file knows is put on anew, once.
            known.take_off(&mut vectors);
            for result in vectors {
                let copy = Copy { number: part.shard.number, name: part.name.clone(), result };
                copies.entry((copy.result.id.clone(), copy.result.via)).or_default().push(copy);
            }
        }
    }
    let merged = copies.into_values().map(|c| one(c, suite_of(&suite))).collect::<Result<Vec<_>, _>>()?;
    let suite = whole(suite, &targets, &merged)?;
    let mut vectors = Vec::new();
    for target in &targets {
        let mut of_target: Vec<VectorResult> = merged.iter().filter(|r| is_of(target, r)).cloned().collect();
        Deviations::of_entries(&target.known)?.apply(&mut of_target, now);
        vectors.extend(of_target);
    }
    vectors.sort_by(|a, b| a.id.cmp(&b.id).then(a.via.cmp(&b.via)));
    Ok(Results { format: crate::results::FORMAT, suite, targets, vectors, run: Some(run) })
}

fn check(Part { name, results }: Part) -> Result<Checked, String> {
    let Results { suite, targets, vectors, run, .. } = results;
    let Some(shard) = suite.shard.clone() else {
        return Err(format!(
            "{name}: these are the results of a whole run and not of a shard\n  help: only what `bearproof run --shard` wrote can be merged"
        ));
    };
    if !(1..=shard.of).contains(&shard.number) {
        return Err(format!("{name}: there is no shard {}/{}", shard.number, shard.of));
    }
    let run = run.ok_or_else(|| format!("{name}: it does not say which run this was: `run` is missing"))?;
    let stray = vectors.iter().find(|r| !targets.iter().any(|t| is_of(t, r)));
    if let Some(stray) = stray {
        return Err(format!("{name}: `{}` by {} is of no target in it", stray.id, stray.via.name()));
    }
    Ok(Checked { name, shard, run, suite, targets, vectors })
}

fn is_of(target: &Target, result: &VectorResult) -> bool {
    let scheme = result.id.split('/').next();
    scheme == Some(target.scheme.as_str()) && result.via == target.via
}

/// Refuses parts that differ in what one run has once.
fn same(parts: &[Checked]) -> Result<(), String> {
    let Some((first, others)) = parts.split_first() else { return Err("no results were given".into()) };
    for other in others {
        let differ = |what: &str, one: &dyn std::fmt::Display, two: &dyn std::fmt::Display| {
            Err(format!(
                "{} and {} are not of one run: {what}, {one} and {two}\n  help: run all shards with one program, one profile, one --seed and the same options",
                first.name, other.name
            ))
        };
        if first.suite.version != other.suite.version {
            return differ("they are of different suites", &first.suite.version, &other.suite.version);
        }
        if first.suite.digest != other.suite.digest {
            let what = "the vectors of their suites differ, by digest";
            return differ(what, &first.suite.digest, &other.suite.digest);
        }
        if first.run.tool != other.run.tool {
            return differ("they were made by different versions", &first.run.tool, &other.run.tool);
        }
        if first.run.seed != other.run.seed {
            return differ("they have different seeds", &first.run.seed, &other.run.seed);
        }
        if first.shard.of != other.shard.of {
            return differ("they are cut into different numbers", &first.shard.of, &other.shard.of);
        }
        if first.shard.ids != other.shard.ids {
            let what = "other vectors were selected (--scheme, --filter, --level)";
            let count = |shard: &Shard| format!("{} vectors", shard.selected);
            return differ(what, &count(&first.shard), &count(&other.shard));
        }
        if first.targets.len() != other.targets.len() {
            return differ("they have different targets", &first.targets.len(), &other.targets.len());
        }
        for (one, two) in first.targets.iter().zip(&other.targets) {
            if let Some((what, one, two)) = target_difference(one, two) {
                return differ(what, &one, &two);
            }
        }
    }
    Ok(())
}

/// What differs of two targets besides what was found.
fn target_difference(one: &Target, two: &Target) -> Option<(&'static str, String, String)> {
    let words = |t: &Target| {
        let origin = t.origin.as_deref().unwrap_or("an address of its own");
        format!("`{}` {} ({}) at {origin}", t.scheme, t.via.name(), t.name)
    };
    if words(one) != words(two) {
        return Some(("they have different targets", words(one), words(two)));
    }
    if one.choices != two.choices {
        let list = |t: &Target| format!("`{}`", t.choices.join(" "));
        return Some(("the targets chose differently", list(one), list(two)));
    }
    if one.notes != two.notes {
        let list = |t: &Target| format!("`{}`", t.notes.join("; "));
        return Some(("they were reached differently", list(one), list(two)));
    }
    if one.title != two.title || one.requirements != two.requirements {
        return Some(("their schemes differ", one.title.clone(), two.title.clone()));
    }
    if one.known != two.known {
        let count = |t: &Target| format!("{} entries", t.known.len());
        return Some(("their known deviations differ", count(one), count(two)));
    }
    None
}

/// Refuses missing and double shards.
fn complete(parts: &[Checked]) -> Result<(), String> {
    let of = parts.first().map_or(0, |part| part.shard.of);
    for (one, two) in parts.iter().zip(parts.iter().skip(1)) {
        if one.shard.number == two.shard.number {
            let number = one.shard.number;
            return Err(format!("shard {number}/{of} is there twice: {} and {}", one.name, two.name));
        }
    }
    let there: BTreeSet<u32> = parts.iter().map(|part| part.shard.number).collect();
    let missing: Vec<String> =
        (1..=of).filter(|number| !there.contains(number)).take(20).map(|n| format!("{n}/{of}")).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let (given, list) = (parts.len(), missing.join(", "));
    Err(format!(
        "of {of} shards {given} are there: {list} is missing\n  help: name the results of all shards"
    ))
}

/// What the parts have in common, and what they found of their targets.
fn together(parts: &[Checked]) -> Result<(Suite, Vec<Target>, Run), String> {
    let Some((first, others)) = parts.split_first() else { return Err("no results were given".into()) };
    let mut targets = first.targets.clone();
    for (at, target) in targets.iter_mut().enumerate() {
        let of_parts: Vec<(u32, &Target)> =
            parts.iter().filter_map(|p| Some((p.shard.number, p.targets.get(at)?))).collect();
        target.calibration = calibration(&of_parts);
        // Each shard changed what it changed: controls were sent by several.
        let lines =
            of_parts.iter().flat_map(|(n, t)| t.changes.iter().map(move |c| format!("shard {n}: {c}")));
        target.changes = lines.collect();
        let measured = of_parts.iter().find(|(_, t)| !t.behaviour.is_empty());
        target.behaviour = measured.map(|(_, t)| t.behaviour.clone()).unwrap_or_default();
    }
    let mut run = first.run.clone();
    for Checked { run: other, .. } in others {
        run.id = format!("{}+{}", run.id, other.id);
        run.started = run.started.min(other.started.clone());
        run.duration_ms = run.duration_ms.max(other.duration_ms);
        run.asking_us = run.asking_us.max(other.asking_us);
        run.requests = run.requests.saturating_add(other.requests);
        run.origins.extend(other.origins.iter().cloned());
    }
    run.origins.sort();
    run.origins.dedup();
    Ok((first.suite.clone(), targets, run))
}

/// What calibration found in all shards; where they differ, the first that was not ready, with its number.
fn calibration(of_parts: &[(u32, &Target)]) -> Calibration {
    let not_ready = of_parts.iter().find(|(_, t)| t.calibration.state != CalibrationState::Ready);
    let mut messages: Vec<String> = Vec::new();
    let same = of_parts.windows(2).all(|two| match two {
        [(_, one), (_, other)] => one.calibration == other.calibration,
        _ => true,
    });
    for (number, target) in of_parts.iter().filter(|(_, t)| !t.calibration.message.is_empty()) {
        let message = &target.calibration.message;
        let message = if same { message.clone() } else { format!("shard {number}: {message}") };
        if !messages.contains(&message) {
            messages.push(message);
        }
    }
    let state = not_ready.map_or(CalibrationState::Ready, |(_, t)| t.calibration.state);
    Calibration { state, message: messages.join("; ") }
}

struct Copy {
    number: u32,
    name: String,
    result: VectorResult,
}

fn suite_of(suite: &Suite) -> u32 {
    suite.shard.as_ref().map_or(1, |shard| shard.of)
}

/// The one result of a vector. Several shards may have sent it only if it is a control.
fn one(mut copies: Vec<Copy>, of: u32) -> Result<VectorResult, String> {
    let Some(first) = copies.first() else { return Err("a vector without a result".into()) };
    let id = first.result.id.clone();
    let control = id.split('/').nth(1) == Some(CONTROL);
    let home = number_of(&id, of);
    if let Some(stray) = copies.iter().find(|c| !control && c.number != home) {
        let (name, number) = (&stray.name, stray.number);
        return Err(format!("{name}: `{id}` belongs to shard {home}/{of} and not to {number}/{of}"));
    }
    let twice = copies.iter().zip(copies.iter().skip(1)).find(|(a, b)| a.number == b.number);
    if let Some((copy, _)) = twice {
        return Err(format!("{}: `{id}` is in it twice", copy.name));
    }
    let other = copies.iter().find(|c| !same_answers(&c.result, &first.result));
    let differ = other.map(|other| {
        let words = |c: &Copy| format!("{} in shard {}", c.result.outcome.name(), c.number);
        format!("{UNSTEADY}: {}, {}", words(first), words(other))
    });
    // The one of its own shard, if that has it. A finding that needs no other request stays one.
    let best = copies.iter().position(|c| stands(&c.result));
    let best = best.or_else(|| copies.iter().position(|c| c.number == home)).unwrap_or(0);
    let mut result = copies.swap_remove(best).result;
    if let Some(cause) = differ.filter(|_| !stands(&result)) {
        result.outcome = Outcome::Inconclusive;
        result.cause = cause;
    }
    Ok(result)
}

/// Whether two shards saw the same of a vector.
fn same_answers(one: &VectorResult, two: &VectorResult) -> bool {
    let held = |step: &StepResult| step.assertions.iter().map(|a| a.held).collect::<Vec<_>>();
    let same = |(a, b): (&StepResult, &StepResult)| {
        a.observed == b.observed && a.status == b.status && held(a) == held(b)
    };
    one.outcome == two.outcome
        && one.steps.len() == two.steps.len()
        && one.steps.iter().zip(&two.steps).all(same)
}

/// The suite without a shard, if all vectors are there by all ways.
fn whole(mut suite: Suite, targets: &[Target], vectors: &[VectorResult]) -> Result<Suite, String> {
    let Some(shard) = suite.shard.take() else { return Ok(suite) };
    let ids: BTreeSet<&str> = vectors.iter().map(|r| r.id.as_str()).collect();
    if digest_of_ids(&ids) != shard.ids {
        let (there, selected) = (ids.len(), shard.selected);
        return Err(format!(
            "the vectors of the shards are not those that were selected: there are {there}, selected were {selected}\n  help: a file was changed; run its shard again"
        ));
    }
    let there: BTreeSet<(&str, Via)> = vectors.iter().map(|r| (r.id.as_str(), r.via)).collect();
    for target in targets {
        let missing = ids.iter().find(|id| {
            id.split('/').next() == Some(target.scheme.as_str()) && !there.contains(&(**id, target.via))
        });
        if let Some(id) = missing {
            return Err(format!("no shard has `{id}` by {}", target.via.name()));
        }
    }
    suite.selected = shard.selected;
    Ok(suite)
}
