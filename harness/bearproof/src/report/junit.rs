//! The report for CI systems, in the JUnit XML form. It must not say more than the form can hold: skipped
//! stands for known deviations and for what is not supported, and its message tells which.

use bearproof_conform::results::{
    Calibration, CalibrationState, Outcome, Results, StepResult, Target, VectorResult, Via,
};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::group::{broken, calibration_words, observation, per_target, requirements};
use super::text;

/// Writes one test suite for each scheme and way, one test case for each result. A target that calibration
/// did not find ready has one more case, `calibration`, so that CI is not green over a run that never was.
///
/// # Errors
/// When the XML can't be written.
pub(crate) fn junit(results: &Results) -> Result<String, String> {
    let mut report = Report::new("bearproof");
    for ((scheme, via), vectors) in per_target(results) {
        let mut suite = TestSuite::new(text::line(&suite_name(scheme, via)));
        let target = results.targets.iter().find(|t| t.scheme == scheme && t.via == via);
        let calibration = target.and_then(calibration_status).map(|status| ("calibration", status));
        let cases = vectors.into_iter().map(|result| (result.id.as_str(), status(results, result)));
        for (name, status) in calibration.into_iter().chain(cases) {
            let mut case = TestCase::new(text::line(name), status);
            // Many readers know a case by class and name only: the class tells the ways apart.
            case.set_classname(text::line(&suite_name(scheme, via)));
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    report.to_string().map_err(|error| format!("the JUnit report can't be written: {error}"))
}

fn suite_name(scheme: &str, via: Via) -> String {
    format!("{scheme}.{}", via.name())
}

fn calibration_status(target: &Target) -> Option<TestCaseStatus> {
    let Calibration { state, message } = &target.calibration;
    let kind = match state {
        CalibrationState::Ready => return None,
        CalibrationState::LetsEverybodyIn => NonSuccessKind::Failure,
        CalibrationState::GoodRefused
        | CalibrationState::NotAnswering
        | CalibrationState::Unreachable
        | CalibrationState::Hanging
        | CalibrationState::NotAsked => NonSuccessKind::Error,
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type("calibration");
    status.set_message(text::line(&format!("{} {}: {message}", target.name, calibration_words(*state))));
    Some(status)
}

fn status(results: &Results, result: &VectorResult) -> TestCaseStatus {
    let name = result.outcome.name();
    let kind = match result.outcome {
        Outcome::Pass => return TestCaseStatus::success(),
        Outcome::Xfail | Outcome::Unsupported => {
            let word = if result.outcome == Outcome::Xfail { "known deviation" } else { name };
            let mut status = TestCaseStatus::skipped();
            status.set_message(text::line(&format!("{word}: {}", result.cause)));
            return status;
        }
        Outcome::Fail | Outcome::Xpass => NonSuccessKind::Failure,
        Outcome::Inconclusive | Outcome::Error | Outcome::Hang => NonSuccessKind::Error,
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(format!("{name}.{}.{}", result.level.name(), result.severity.name()));
    let cause = if result.cause.is_empty() { result.why.as_str() } else { result.cause.as_str() };
    status.set_message(text::line(&format!("{name}: {cause}")));
    status.set_description(text::block(&details(results, result)));
    status
}

/// What a person needs to act, as text: why, requirements, and each exchange.
fn details(results: &Results, result: &VectorResult) -> String {
    let mut lines = Vec::new();
    let name = result.outcome.name();
    lines.push(format!("{}, {}, {name}", result.severity.name(), result.level.name()));
    lines.extend([&result.cause, &result.why].into_iter().filter(|t| !t.is_empty()).cloned());
    for (id, known) in requirements(results, result) {
        lines.push(known.map_or_else(|| id.to_owned(), |k| format!("{id} {}: {}", k.heading, k.says)));
    }
    for (number, step) in (1_u32..).zip(&result.steps) {
        lines.extend(exchange(number, step));
    }
    lines.join("\n")
}

fn exchange(number: u32, step: &StepResult) -> Vec<String> {
    let mut lines = vec![String::new(), format!("step {number}: {}", observation(step))];
    lines.extend(step.assertions.iter().filter(|a| !a.held).map(broken));
    if let Some(both) = &step.exchange {
        lines.extend(["--- sent".to_owned(), both.sent.clone()]);
        lines.extend(["--- received".to_owned(), both.received.clone()]);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{HOSTILE, calibrated, hostile, one_of, result, results, target};

    fn read(results: &Results) -> Report {
        Report::deserialize_from_str(&junit(results).unwrap()).unwrap()
    }

    #[test]
    fn each_outcome_counts_as_ci_understands_it() {
        let report = read(&one_of(&Outcome::ALL));
        let suite = report.test_suites.first().unwrap();
        assert_eq!(suite.name.as_str(), "a.http");
        // fail and xpass; inconclusive, error and hang; xfail and unsupported.
        let skipped = |c: &&TestCase| matches!(c.status, TestCaseStatus::Skipped { .. });
        let skipped = suite.test_cases.iter().filter(skipped).count();
        assert_eq!((suite.tests, suite.failures, suite.errors, skipped), (8, 2, 3, 2));
        assert_eq!((report.tests, report.failures, report.errors), (8, 2, 3));
    }

    #[test]
    fn there_is_one_suite_for_each_scheme_and_way() {
        let targets = vec![target("b", Via::Https), target("a", Via::Http), target("a", Via::InProcess)];
        let report = read(&results(targets, vec![result("c/f/n", Via::Http, Outcome::Pass)]));
        let names: Vec<_> = report.test_suites.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["a.in-process", "a.http", "b.https", "c.http"]);
    }

    #[test]
    fn a_failure_shows_both_sides_and_the_requirement() {
        let xml = junit(&one_of(&[Outcome::Fail])).unwrap();
        for part in [
            r#"type="fail.must.high""#,
            "takes a token that ended",
            "REQ-1 Making a token: the token ends within a minute",
            "step 1: expected reject, observed accept, status 200",
            "--- sent\nGET /v1/things HTTP/1.1\nhost: a\n",
            "--- received\nHTTP/1.1 200 Word\n",
        ] {
            assert!(xml.contains(part), "{part} in {xml}");
        }
    }

    #[test]
    fn a_known_deviation_is_skipped_with_its_cause() {
        let xml = junit(&one_of(&[Outcome::Xfail])).unwrap();
        assert!(xml.contains(r#"<skipped message="known deviation: cause of xfail""#), "{xml}");
    }

    #[test]
    fn an_open_target_fails_and_an_unreachable_one_is_an_error() {
        let report = read(&results(
            vec![
                calibrated("a", CalibrationState::LetsEverybodyIn),
                calibrated("b", CalibrationState::Unreachable),
            ],
            vec![],
        ));
        assert_eq!((report.tests, report.failures, report.errors), (2, 1, 1));
    }

    #[test]
    fn hostile_text_stays_text() {
        let xml = junit(&hostile()).unwrap();
        assert!(!xml.contains("<script>"));
        assert!(xml.contains("--- sent\n&lt;script&gt;"), "{xml}");
        let sent = xml.split("--- sent").nth(1).unwrap().split("--- received").next().unwrap();
        assert!(sent.contains(r"\x1b[31mred"), "written out, not dropped: {sent}");
        assert!(!xml.chars().any(|c| c.is_control() && c != '\n'));
        let report = Report::deserialize_from_str(&xml).unwrap();
        let names: Vec<_> =
            report.test_suites.iter().flat_map(|s| &s.test_cases).map(|c| c.name.as_str()).collect();
        assert!(names.contains(&text::line(&format!("a/f/fail{HOSTILE}")).as_str()), "{names:?}");
    }
}
