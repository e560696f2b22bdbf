//! What changed between two results, as lines of text. It must not look at `run`, which differs always.

use std::collections::{BTreeMap, BTreeSet};

use bearproof_conform::results::{Outcome, Results, Target, VectorResult, Via};

use super::group::{answers, calibration_words, plural, words_of};
use super::terminal::{Colour, Style};
use super::text;

/// How a vector changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Worse,
    Better,
    Otherwise,
    New,
    Gone,
}

impl Change {
    const ALL: [Self; 5] = [Self::Worse, Self::Better, Self::Otherwise, Self::New, Self::Gone];

    fn name(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::Better => "better",
            Self::Otherwise => "otherwise",
            Self::New => "new",
            Self::Gone => "gone",
        }
    }
}

/// The lines, and whether anything of the vectors or of what calibration found changed.
pub(crate) fn diff(old: &Results, new: &Results, style: Style) -> (String, bool) {
    let mut lines = contexts(old, new);
    let calibrations = calibrations(old, new);
    let changes = changes(old, new);
    let measured = measured(old, new);
    lines.extend(calibrations.iter().cloned());
    let of = |change| changes.iter().filter(move |(c, _)| *c == change);
    for change in Change::ALL.into_iter().filter(|change| of(*change).next().is_some()) {
        let colour = if change == Change::Worse { Colour::Red } else { Colour::Bold };
        lines.push(style.paint(colour, &format!("{} {}", of(change).count(), change.name())));
        lines.extend(of(change).map(|(_, line)| format!("  {line}")));
        lines.push(String::new());
    }
    if !measured.is_empty() {
        lines.push(style.paint(Colour::Bold, "measured otherwise, not judged"));
        lines.extend(measured.into_iter().map(|line| format!("  {line}")));
        lines.push(String::new());
    }
    let differ = !changes.is_empty() || !calibrations.is_empty();
    let counts = Change::ALL.map(|change| format!("{} {}", of(change).count(), change.name())).join(", ");
    let compared = plural(new.vectors.len(), "result", "results");
    let colour = if differ { Colour::Red } else { Colour::Green };
    let verdict = if differ { counts } else { format!("{compared}, all the same") };
    lines.push(style.paint(colour, &verdict));
    (lines.join("\n") + "\n", differ)
}

/// What makes a comparison mean less.
fn contexts(old: &Results, new: &Results) -> Vec<String> {
    let mut lines = Vec::new();
    let mut differ = |what: &str, one: &str, two: &str| {
        if one != two {
            lines.push(format!("note: {what}: {} -> {}", text::line(one), text::line(two)));
        }
    };
    differ("suite version", &old.suite.version, &new.suite.version);
    differ("vectors of the suite, by digest", &old.suite.digest, &new.suite.digest);
    let shard = |results: &Results| {
        results.suite.shard.as_ref().map_or_else(|| "whole".into(), |s| format!("{}/{}", s.number, s.of))
    };
    differ("shard", &shard(old), &shard(new));
    for (one, two) in targets(old, new) {
        let what = |part: &str| format!("{part} of {} {}", one.scheme, one.via.name());
        differ(&what("target"), &one.name, &two.name);
        differ(&what("choices"), &one.choices.join(" "), &two.choices.join(" "));
    }
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// The targets that both have.
fn targets<'a>(old: &'a Results, new: &'a Results) -> impl Iterator<Item = (&'a Target, &'a Target)> {
    let same = |one: &&Target, two: &Target| one.scheme == two.scheme && one.via == two.via;
    old.targets.iter().filter_map(move |one| Some((one, new.targets.iter().find(|two| same(&one, two))?)))
}

fn calibrations(old: &Results, new: &Results) -> Vec<String> {
    let found = |t: &Target| calibration_words(t.calibration.state);
    targets(old, new)
        .filter(|(one, two)| one.calibration.state != two.calibration.state)
        .map(|(one, two)| {
            let (name, before, after) = (text::line(&one.scheme), found(one), found(two));
            format!("calibration of {name} {}: {before} -> {after}", one.via.name())
        })
        .collect()
}

fn changes(old: &Results, new: &Results) -> Vec<(Change, String)> {
    let by_key = |results: &'_ Results| -> BTreeMap<(String, Via), VectorResult> {
        results.vectors.iter().map(|r| ((r.id.clone(), r.via), r.clone())).collect()
    };
    let (before, after) = (by_key(old), by_key(new));
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    keys.into_iter()
        .filter_map(|key| {
            let name = format!("{}  {}", text::line(&key.0), key.1.name());
            match (before.get(key), after.get(key)) {
                (Some(one), Some(two)) => {
                    let change = change(one, two)?;
                    Some((change, format!("{name}  {}", how(one, two))))
                }
                (None, Some(two)) => Some((Change::New, format!("{name}  {}", words_of(two)))),
                (Some(one), None) => Some((Change::Gone, format!("{name}  {}", words_of(one)))),
                (None, None) => None,
            }
        })
        .collect()
}

/// How a result changed, if it did.
fn change(one: &VectorResult, two: &VectorResult) -> Option<Change> {
    let steps = |r: &VectorResult| -> Vec<_> {
        let assertions = |s: &bearproof_conform::results::StepResult| -> Vec<_> {
            s.assertions.iter().map(|a| (a.what.clone(), a.held)).collect()
        };
        r.steps.iter().map(|s| (s.observed.clone(), s.status, s.reason.clone(), assertions(s))).collect()
    };
    if one.outcome == two.outcome && one.cause == two.cause && steps(one) == steps(two) {
        return None;
    }
    Some(match (badness(one.outcome), badness(two.outcome)) {
        (before, after) if after > before => Change::Worse,
        // Where nothing can be seen any more nothing got better.
        (before, UNSEEN) if before != UNSEEN => Change::Otherwise,
        (before, after) if after < before => Change::Better,
        _ => Change::Otherwise,
    })
}

const UNSEEN: u8 = 2;

fn badness(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Pass | Outcome::Xpass => 0,
        Outcome::Xfail => 1,
        Outcome::Inconclusive | Outcome::Unsupported | Outcome::Error => UNSEEN,
        Outcome::Fail | Outcome::Hang => 3,
    }
}

/// What it was and what it is, in words.
fn how(one: &VectorResult, two: &VectorResult) -> String {
    let mut words = format!("{} -> {}", words_of(one), words_of(two));
    if answers(one) == answers(two) && one.outcome == two.outcome {
        let broken = |r: &VectorResult| -> BTreeSet<String> {
            let assertions = r.steps.iter().flat_map(|s| &s.assertions);
            assertions.filter(|a| !a.held).map(|a| a.what.clone()).collect()
        };
        let (before, after) = (broken(one), broken(two));
        for what in before.symmetric_difference(&after) {
            let word = if after.contains(what) { "does not hold any more" } else { "holds now" };
            words.push_str(&format!("; {} {word}", text::line(what)));
        }
        if before == after {
            words = format!("{}: {} -> {}", words_of(one), cause(one), cause(two));
        }
    } else if !two.cause.is_empty() {
        words.push_str(&format!("; {}", text::line(&two.cause)));
    }
    words
}

/// The cause, or the reason where that is all that can differ.
fn cause(result: &VectorResult) -> String {
    let reasons = result.steps.iter().filter_map(|s| s.reason.as_deref());
    let words = [result.cause.as_str()].into_iter().chain(reasons).filter(|w| !w.is_empty());
    format!("`{}`", text::line(&words.collect::<Vec<_>>().join("; ")))
}

fn measured(old: &Results, new: &Results) -> Vec<String> {
    targets(old, new)
        .flat_map(|(one, two)| {
            one.behaviour.iter().filter_map(|before| {
                let after = two.behaviour.iter().find(|b| b.asks == before.asks)?;
                let [asks, before, after] =
                    [&before.asks, &before.seen, &after.seen].map(|words| text::line(words));
                (before != after).then(|| format!("{} {asks}: {before} -> {after}", text::line(&one.scheme)))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{HOSTILE, calibrated, result, results, target};
    use bearproof_conform::results::{Behaviour, CalibrationState};

    const PLAIN: Style = Style { color: false, width: 100 };

    fn of(vectors: Vec<VectorResult>) -> Results {
        results(vec![target("a", Via::Http)], vectors)
    }

    fn one(id: &str, outcome: Outcome) -> VectorResult {
        result(id, Via::Http, outcome)
    }

    #[test]
    fn the_same_results_do_not_differ_whatever_their_runs() {
        let old = of(vec![one("a/f/1", Outcome::Fail)]);
        let mut new = old.clone();
        new.run = Some(bearproof_conform::results::Run {
            id: "1".into(),
            seed: 1,
            started: "t".into(),
            duration_ms: 1,
            asking_us: 1,
            tool: "0".into(),
            requests: 1,
            origins: vec![],
        });
        assert_eq!(diff(&old, &new, PLAIN), ("1 result, all the same\n".into(), false));
    }

    #[test]
    fn each_change_has_its_name() {
        let cases = [
            (Outcome::Pass, Outcome::Fail, Change::Worse),
            (Outcome::Pass, Outcome::Inconclusive, Change::Worse),
            (Outcome::Inconclusive, Outcome::Hang, Change::Worse),
            (Outcome::Fail, Outcome::Pass, Change::Better),
            (Outcome::Xfail, Outcome::Xpass, Change::Better),
            (Outcome::Unsupported, Outcome::Pass, Change::Better),
            (Outcome::Fail, Outcome::Unsupported, Change::Otherwise),
            (Outcome::Fail, Outcome::Hang, Change::Otherwise),
        ];
        for (before, after, want) in cases {
            let found = change(&one("a/f/1", before), &one("a/f/1", after));
            assert_eq!(found, Some(want), "{} {}", before.name(), after.name());
        }
    }

    #[test]
    fn a_change_is_told_with_both_answers() {
        let old = of(vec![one("a/f/1", Outcome::Pass), one("a/f/2", Outcome::Pass)]);
        let new = of(vec![one("a/f/1", Outcome::Fail), one("a/f/3", Outcome::Pass)]);
        let (words, differ) = diff(&old, &new, PLAIN);
        assert!(differ);
        for line in [
            "1 worse\n  a/f/1  http  pass (reject 401) -> fail (accept 200); cause of fail\n",
            "1 new\n  a/f/3  http  pass (reject 401)\n",
            "1 gone\n  a/f/2  http  pass (reject 401)\n",
            "\n1 worse, 0 better, 0 otherwise, 1 new, 1 gone\n",
        ] {
            assert!(words.contains(line), "{words}");
        }
    }

    #[test]
    fn an_assertion_that_no_longer_holds_is_told() {
        let assertion = |held| bearproof_conform::results::Assertion {
            what: "status is 401".into(),
            held,
            seen: String::new(),
            level: bearproof_conform::results::Level::Should,
        };
        let with = |held| {
            let mut one = one("a/f/1", Outcome::Pass);
            one.steps[0].assertions = vec![assertion(held)];
            of(vec![one])
        };
        let (words, differ) = diff(&with(true), &with(false), PLAIN);
        assert!(differ && words.contains("; status is 401 does not hold any more"), "{words}");
    }

    #[test]
    fn a_target_that_can_not_be_judged_any_more_differs_without_a_vector() {
        let new = results(vec![calibrated("a", CalibrationState::Unreachable)], vec![]);
        let (words, differ) = diff(&of(vec![]), &new, PLAIN);
        assert!(differ && words.contains("calibration of a http: ready -> unreachable"), "{words}");
    }

    #[test]
    fn what_is_measured_is_shown_and_not_judged() {
        let with = |seen: &str| {
            let mut all = of(vec![one("a/f/1", Outcome::Pass)]);
            // Questions that differ in a value have one name.
            let row = |asks: &str, seen: &str| Behaviour {
                name: "n".into(),
                asks: asks.into(),
                seen: seen.into(),
                refs: vec![],
            };
            all.targets[0].behaviour = vec![row("early", "0 s"), row("late", seen)];
            all
        };
        let (words, differ) = diff(&with("5 s"), &with("60 s"), PLAIN);
        assert!(!differ && words.contains("  a late: 5 s -> 60 s\n"), "{words}");
        let (words, _) = diff(&with("5 s"), &with(HOSTILE), PLAIN);
        assert!(!words.contains('\x1b'), "{words}");
    }
}
