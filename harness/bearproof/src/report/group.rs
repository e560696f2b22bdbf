//! Looks up and groups what [`Results`] holds, for all writers alike. It must not judge and must not format
//! for one kind of report.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use bearproof_conform::results::{
    Assertion, CalibrationState, Level, Outcome, Requirement, Results, StepResult, Target, VectorResult, Via,
};

use super::text;

/// First part of the id; all of it if it has no parts.
pub(crate) fn scheme_of(result: &VectorResult) -> &str {
    result.id.split_once('/').map_or(result.id.as_str(), |(scheme, _)| scheme)
}

/// Second part of the id. A results file from elsewhere may have an id without one: it then counts as family "".
pub(crate) fn family_of(result: &VectorResult) -> &str {
    result.id.split('/').nth(1).unwrap_or("")
}

/// The id without its scheme.
pub(crate) fn local_id(result: &VectorResult) -> &str {
    result.id.split_once('/').map_or(result.id.as_str(), |(_, rest)| rest)
}

/// The target that `result` was got on.
pub(crate) fn target_of<'a>(results: &'a Results, result: &VectorResult) -> Option<&'a Target> {
    results.targets.iter().find(|t| t.via == result.via && t.scheme == scheme_of(result))
}

/// The results of each target, ordered by id; a target without a result has an empty entry.
pub(crate) fn per_target(results: &Results) -> BTreeMap<(&str, Via), Vec<&VectorResult>> {
    let mut map: BTreeMap<_, Vec<_>> =
        results.targets.iter().map(|t| ((t.scheme.as_str(), t.via), Vec::new())).collect();
    for result in &results.vectors {
        map.entry((scheme_of(result), result.via)).or_default().push(result);
    }
    for group in map.values_mut() {
        group.sort_by_key(|r| &r.id);
    }
    map
}

/// Neighbours with the same id put together; the order stays.
pub(crate) fn by_id<'a>(results: impl IntoIterator<Item = &'a VectorResult>) -> Vec<Vec<&'a VectorResult>> {
    let ordered: Vec<_> = results.into_iter().collect();
    ordered.chunk_by(|a, b| a.id == b.id).map(<[_]>::to_vec).collect()
}

/// Results that have the same outcome for the same cause.
pub(crate) struct CauseGroup<'a> {
    pub(crate) outcome: Outcome,
    pub(crate) cause: &'a str,
    /// Ordered by id, then by way.
    pub(crate) results: Vec<&'a VectorResult>,
}

/// Groups by outcome and cause, the largest group first.
pub(crate) fn by_cause<'a>(results: impl IntoIterator<Item = &'a VectorResult>) -> Vec<CauseGroup<'a>> {
    let mut map: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for result in results {
        map.entry((result.outcome, result.cause.as_str())).or_default().push(result);
    }
    let mut groups: Vec<_> = map
        .into_iter()
        .map(|((outcome, cause), mut results)| {
            results.sort_by_key(|r| (&r.id, r.via));
            CauseGroup { outcome, cause, results }
        })
        .collect();
    groups.sort_by_key(|g| Reverse(g.results.len()));
    groups
}

/// The ways of `results` as words, each once: `http, https`.
pub(crate) fn vias(results: &[&VectorResult]) -> String {
    let mut vias: Vec<_> = results.iter().map(|r| r.via).collect();
    vias.sort_unstable();
    vias.dedup();
    vias.into_iter().map(Via::name).collect::<Vec<_>>().join(", ")
}

/// The refs of `result`, each with the requirement it names, if it names one of the target's.
pub(crate) fn requirements<'a>(
    results: &'a Results,
    result: &'a VectorResult,
) -> Vec<(&'a str, Option<&'a Requirement>)> {
    let known = target_of(results, result).map_or(&[][..], |t| t.requirements.as_slice());
    result.refs.iter().map(|r| (r.as_str(), known.iter().find(|known| known.id == *r))).collect()
}

/// What one exchange was to show and what it showed, in words.
pub(crate) fn observation(step: &StepResult) -> String {
    let mut words = format!("expected {}, {}", step.expected, observed(step));
    if let Some(reason) = &step.reason {
        words.push_str(&format!(", reason {reason}"));
    }
    words
}

/// `observed accept, status 200`, or `no answer`.
fn observed(step: &StepResult) -> String {
    let what = step.observed.as_ref().map_or_else(|| "no answer".to_owned(), |o| format!("observed {o}"));
    match step.status {
        Some(status) => format!("{what}, status {status}"),
        None => what,
    }
}

/// An assertion that did not hold, in words.
pub(crate) fn broken(assertion: &Assertion) -> String {
    match assertion.seen.as_str() {
        "" => format!("{} ({}) did not hold", assertion.what, assertion.level.name()),
        seen => format!("{} ({}) did not hold: {seen}", assertion.what, assertion.level.name()),
    }
}

/// What was answered: `accept 200`, or `accept 200, reject 401` for two exchanges.
pub(crate) fn answers(result: &VectorResult) -> String {
    let words = result.steps.iter().map(|step| {
        let observed = step.observed.as_deref().unwrap_or("no answer");
        step.status.map_or_else(|| observed.to_owned(), |status| format!("{observed} {status}"))
    });
    words.collect::<Vec<_>>().join(", ")
}

/// The outcome with what was answered, on one line: `fail (accept 200)`.
pub(crate) fn words_of(result: &VectorResult) -> String {
    let outcome = result.outcome.name();
    match answers(result).as_str() {
        "" => outcome.to_owned(),
        answers => format!("{outcome} ({})", text::line(answers)),
    }
}

/// Whether `result` is a recorded behaviour: a `may` vector has no expectation, so its pass is no praise.
pub(crate) fn is_behaviour(result: &VectorResult) -> bool {
    result.level == Level::May && result.outcome == Outcome::Pass
}

/// What calibration found, in words.
pub(crate) fn calibration_words(state: CalibrationState) -> &'static str {
    match state {
        CalibrationState::Ready => "ready",
        CalibrationState::GoodRefused => "refuses the good request",
        CalibrationState::LetsEverybodyIn => "lets everybody in",
        CalibrationState::NotAnswering => "does not answer the good request as an API",
        CalibrationState::Unreachable => "unreachable",
        CalibrationState::Hanging => "does not answer in time",
        CalibrationState::NotAsked => "not asked",
    }
}

/// `1 finding`, `2 findings`.
pub(crate) fn plural(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{fail, result, results, step, target};

    #[test]
    fn a_result_finds_the_target_of_its_own_scheme_and_way() {
        let results = results(
            vec![target("alpha", Via::Http), target("beta", Via::Https), target("alpha", Via::Https)],
            vec![],
        );
        let found = target_of(&results, &result("alpha/f/n", Via::Https, Outcome::Pass)).unwrap();
        assert_eq!((found.scheme.as_str(), found.via), ("alpha", Via::Https));
        assert!(target_of(&results, &result("beta/f/n", Via::Http, Outcome::Pass)).is_none());
    }

    #[test]
    fn equal_causes_make_one_group_and_the_largest_comes_first() {
        let vectors: Vec<_> = [("a/f/1", "x"), ("a/f/3", "y"), ("a/f/2", "y")]
            .into_iter()
            .map(|(id, cause)| {
                let mut one = result(id, Via::Http, Outcome::Inconclusive);
                one.cause = cause.to_owned();
                one
            })
            .collect();
        let groups = by_cause(&vectors);
        let shape: Vec<(&str, Vec<&str>)> =
            groups.iter().map(|g| (g.cause, g.results.iter().map(|r| r.id.as_str()).collect())).collect();
        assert_eq!(shape, [("y", vec!["a/f/2", "a/f/3"]), ("x", vec!["a/f/1"])]);
    }

    #[test]
    fn a_ref_that_is_no_requirement_stays_without_one() {
        let mut one = fail("alpha/f/n", Via::Http);
        one.refs = vec!["REQ-1".to_owned(), "RFC 7519 section 4.1.4".to_owned()];
        let results = results(vec![target("alpha", Via::Http)], vec![one]);
        let found = requirements(&results, results.vectors.first().unwrap());
        let shape: Vec<_> = found.iter().map(|(id, known)| (*id, known.map(|k| k.id.as_str()))).collect();
        assert_eq!(shape, [("REQ-1", Some("REQ-1")), ("RFC 7519 section 4.1.4", None)]);
    }

    #[test]
    fn an_exchange_without_answer_says_so() {
        let mut one = step("reject", "accept", 200);
        assert_eq!(observation(&one), "expected reject, observed accept, status 200");
        (one.observed, one.status) = (None, None);
        assert_eq!(observation(&one), "expected reject, no answer");
    }
}
