//! Says what the results amount to: findings, one sentence, exit code. It must not change an outcome.

use bearproof_conform::results::{
    CalibrationState, Counts, Outcome, Results, Severity, Target, VectorResult,
};

use super::group::{plural, target_of};

/// The findings, most severe first, then by id and way. A target that lets everybody in is a finding too but
/// has no result of its own: see [`open_targets`].
pub(crate) fn findings(results: &Results) -> impl Iterator<Item = &VectorResult> {
    let mut found: Vec<_> = results.vectors.iter().filter(|r| is_finding(results, r)).collect();
    found.sort_by_key(|r| (r.severity, &r.id, r.via));
    found.into_iter()
}

/// Whether `result` is a finding: not as expected, as expected against the profile, or no answer from a target
/// that did answer at calibration.
pub(crate) fn is_finding(results: &Results, result: &VectorResult) -> bool {
    match result.outcome {
        Outcome::Fail | Outcome::Xpass => true,
        Outcome::Hang => {
            target_of(results, result).is_some_and(|t| t.calibration.state == CalibrationState::Ready)
        }
        Outcome::Pass | Outcome::Xfail | Outcome::Inconclusive | Outcome::Unsupported | Outcome::Error => {
            false
        }
    }
}

/// Whether `result` should have shown something and did not, without being a finding.
pub(crate) fn is_blind(results: &Results, result: &VectorResult) -> bool {
    matches!(result.outcome, Outcome::Inconclusive | Outcome::Error | Outcome::Hang)
        && !is_finding(results, result)
}

/// The targets that let a request without a credential in.
pub(crate) fn open_targets(results: &Results) -> impl Iterator<Item = &Target> {
    results.targets.iter().filter(|t| t.calibration.state == CalibrationState::LetsEverybodyIn)
}

/// The verdict in one sentence, without a full stop.
pub(crate) fn headline(results: &Results) -> String {
    let counts = Counts::of(&results.vectors);
    let open = open_targets(results).count();
    let total = findings(results).count().saturating_add(open);
    let blind = results.vectors.iter().filter(|r| is_blind(results, r)).count();
    let unready = results.targets.iter().filter(|t| is_unready(t)).count();

    let mut clauses = vec![if total > 0 {
        let mut first = plural(total, "finding", "findings");
        first.push_str(": ");
        first.push_str(&by_severity(results, open));
        first
    } else if !anything_judged(&counts) {
        "nothing could be judged".to_owned()
    } else if blind > 0 || unready > 0 {
        "everything that could be judged is as expected".to_owned()
    } else {
        "everything as expected".to_owned()
    }];
    let mut also = |count: usize, one: &str, many: &str| {
        if count > 0 {
            clauses.push(plural(count, one, many));
        }
    };
    let targets = results.targets.len();
    also(unready, &format!("of {targets} targets not judged"), &format!("of {targets} targets not judged"));
    also(blind, "result without a verdict", "results without a verdict");
    also(size(&counts, Outcome::Xfail), "known deviation", "known deviations");
    also(size(&counts, Outcome::Unsupported), "unsupported", "unsupported");
    clauses.join("; ")
}

/// `1 critical, 2 high, 1 stale known deviation`. An xpass is counted apart: its severity is what the target
/// once got wrong and now gets right.
fn by_severity(results: &Results, open: usize) -> String {
    let found: Vec<_> = findings(results).collect();
    let stale = found.iter().filter(|r| r.outcome == Outcome::Xpass).count();
    let severities = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low].map(|severity| {
        let extra = if severity == Severity::Critical { open } else { 0 };
        let count = found.iter().filter(|r| r.severity == severity && r.outcome != Outcome::Xpass).count();
        (count.saturating_add(extra), format!("{} {}", count.saturating_add(extra), severity.name()))
    });
    severities
        .into_iter()
        .chain([(stale, plural(stale, "stale known deviation", "stale known deviations"))])
        .filter(|(count, _)| *count > 0)
        .map(|(_, words)| words)
        .collect::<Vec<_>>()
        .join(", ")
}

/// What the process says at its end: 1 findings, 3 a target can't be reached, 4 too little was judged, 0 else.
/// `strict` bears no single inconclusive result or error; otherwise 5 % of the selected results are borne.
pub(crate) fn exit_code(results: &Results, strict: bool) -> u8 {
    let counts = Counts::of(&results.vectors);
    let any =
        |wanted: &[CalibrationState]| results.targets.iter().any(|t| wanted.contains(&t.calibration.state));
    if any(&[CalibrationState::Unreachable, CalibrationState::Hanging]) {
        3
    } else if findings(results).next().is_some() || open_targets(results).next().is_some() {
        1
    } else if !anything_judged(&counts)
        || any(&[CalibrationState::GoodRefused, CalibrationState::NotAnswering, CalibrationState::NotAsked])
        || too_blind(&counts, strict)
    {
        4
    } else {
        0
    }
}

fn too_blind(counts: &Counts, strict: bool) -> bool {
    let blind = size(counts, Outcome::Inconclusive).saturating_add(size(counts, Outcome::Error));
    let borne = if strict { 0 } else { usize::try_from(counts.total()).unwrap_or(usize::MAX) };
    blind.saturating_mul(20) > borne
}

fn anything_judged(counts: &Counts) -> bool {
    counts.count(Outcome::Pass) > 0 || counts.count(Outcome::Fail) > 0
}

/// Whether calibration found no way to judge; an open target was judged, and badly.
fn is_unready(target: &Target) -> bool {
    !matches!(target.calibration.state, CalibrationState::Ready | CalibrationState::LetsEverybodyIn)
}

fn size(counts: &Counts, outcome: Outcome) -> usize {
    usize::try_from(counts.count(outcome)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{calibrated, many, one_of, result, results, target};
    use bearproof_conform::results::Via;

    #[test]
    fn findings_come_by_severity_then_id_then_way() {
        let mut vectors = vec![
            result("a/f/2", Via::Https, Outcome::Fail),
            result("a/f/2", Via::Http, Outcome::Fail),
            result("a/f/1", Via::Http, Outcome::Xpass),
            result("a/f/3", Via::Http, Outcome::Fail),
            result("a/f/4", Via::Http, Outcome::Pass),
        ];
        vectors.get_mut(3).unwrap().severity = Severity::Critical;
        let results = results(vec![target("a", Via::Http)], vectors);
        let order: Vec<_> = findings(&results).map(|r| (r.id.as_str(), r.via)).collect();
        assert_eq!(
            order,
            [("a/f/3", Via::Http), ("a/f/1", Via::Http), ("a/f/2", Via::Http), ("a/f/2", Via::Https)]
        );
    }

    #[test]
    fn a_hang_is_a_finding_only_after_ready_calibration() {
        let found = |state| {
            let results = results(
                vec![calibrated("a", state)],
                vec![result("a/f/1", Via::Http, Outcome::Hang), result("a/f/2", Via::Http, Outcome::Pass)],
            );
            findings(&results).count()
        };
        assert_eq!(found(CalibrationState::Ready), 1);
        assert_eq!(found(CalibrationState::NotAnswering), 0);
    }

    #[test]
    fn all_passes_are_0() {
        assert_eq!(exit_code(&one_of(&[Outcome::Pass, Outcome::Unsupported, Outcome::Xfail]), true), 0);
    }

    #[test]
    fn each_kind_of_finding_is_1() {
        for outcome in [Outcome::Fail, Outcome::Xpass, Outcome::Hang] {
            assert_eq!(exit_code(&one_of(&[Outcome::Pass, outcome]), false), 1, "{}", outcome.name());
        }
        let open = results(vec![calibrated("a", CalibrationState::LetsEverybodyIn)], vec![]);
        assert_eq!(exit_code(&open, false), 1);
    }

    #[test]
    fn a_target_that_is_unreachable_or_hanging_is_3_even_with_findings() {
        for state in [CalibrationState::Unreachable, CalibrationState::Hanging] {
            let mut results = one_of(&[Outcome::Fail]);
            results.targets.push(calibrated("b", state));
            assert_eq!(exit_code(&results, false), 3, "{state:?}");
        }
    }

    #[test]
    fn nothing_judged_is_4() {
        assert_eq!(exit_code(&results(vec![], vec![]), false), 4);
        assert_eq!(exit_code(&one_of(&[Outcome::Unsupported]), false), 4);
    }

    #[test]
    fn a_target_that_refuses_the_good_request_is_4_but_findings_elsewhere_are_1() {
        for state in [CalibrationState::GoodRefused, CalibrationState::NotAnswering] {
            let mut results = one_of(&[Outcome::Pass]);
            results.targets.push(calibrated("b", state));
            assert_eq!(exit_code(&results, false), 4, "{state:?}");
            results.vectors.push(result("a/f/9", Via::Http, Outcome::Fail));
            assert_eq!(exit_code(&results, false), 1, "{state:?}");
        }
    }

    #[test]
    fn exactly_five_percent_blind_is_borne_and_more_is_4() {
        let at =
            |blind, error, total| many(&[(Outcome::Inconclusive, blind), (Outcome::Error, error)], total);
        assert_eq!(exit_code(&at(3, 2, 100), false), 0);
        assert_eq!(exit_code(&at(3, 3, 100), false), 4);
        assert_eq!(exit_code(&at(1, 0, 19), false), 4);
    }

    #[test]
    fn strict_bears_no_blind_result() {
        let one = many(&[(Outcome::Error, 1)], 1000);
        assert_eq!((exit_code(&one, false), exit_code(&one, true)), (0, 4));
        assert_eq!(exit_code(&many(&[], 1000), true), 0);
    }

    #[test]
    fn the_headline_says_all_that_matters_and_no_more() {
        assert_eq!(headline(&one_of(&[Outcome::Pass])), "everything as expected");
        assert_eq!(headline(&one_of(&[])), "nothing could be judged");
        assert_eq!(
            headline(&one_of(&[Outcome::Pass, Outcome::Error, Outcome::Unsupported])),
            "everything that could be judged is as expected; 1 result without a verdict; 1 unsupported"
        );
        assert_eq!(
            headline(&one_of(&[Outcome::Fail, Outcome::Fail, Outcome::Xpass, Outcome::Xfail])),
            "3 findings: 2 high, 1 stale known deviation; 1 known deviation"
        );
    }

    #[test]
    fn the_headline_counts_open_and_unjudged_targets() {
        let mut results = one_of(&[Outcome::Pass]);
        results.targets.push(calibrated("b", CalibrationState::LetsEverybodyIn));
        results.targets.push(calibrated("c", CalibrationState::GoodRefused));
        assert_eq!(headline(&results), "1 finding: 1 critical; 1 of 3 targets not judged");
    }
}
