//! Small results made by hand, for the tests of all writers. It must not be used outside tests.

use bearproof_conform::results::{
    Calibration, CalibrationState, Exchange, FORMAT, Level, Outcome, Requirement, Results, Severity,
    StepResult, Suite, Target, VectorResult, Via,
};

/// What a hostile server could put anywhere.
pub(crate) const HOSTILE: &str = "<script>alert(1)</script>]]>\x1b[31mred\x1b]0;title\x07&\"'\u{202e}";

/// Results of `vectors` on `targets`, without a run.
pub(crate) fn results(targets: Vec<Target>, vectors: Vec<VectorResult>) -> Results {
    let suite = Suite { version: "1.0.0".to_owned(), digest: "ab".repeat(32), selected: 3, shard: None };
    Results { format: FORMAT, suite, targets, vectors, run: None }
}

/// A ready target with one requirement, `REQ-1`.
pub(crate) fn target(scheme: &str, via: Via) -> Target {
    Target {
        scheme: scheme.to_owned(),
        title: format!("Title of {scheme}"),
        via,
        name: "reference".to_owned(),
        calibration: Calibration { state: CalibrationState::Ready, message: String::new() },
        choices: vec!["token=jws".to_owned()],
        notes: Vec::new(),
        changes: Vec::new(),
        behaviour: Vec::new(),
        origin: None,
        known: Vec::new(),
        requirements: vec![Requirement {
            id: "REQ-1".to_owned(),
            heading: "Making a token".to_owned(),
            says: "the token ends within a minute".to_owned(),
        }],
    }
}

/// A target reached by HTTP for which calibration found `state`.
pub(crate) fn calibrated(scheme: &str, state: CalibrationState) -> Target {
    let message = format!("calibration of {scheme}");
    Target { calibration: Calibration { state, message }, ..target(scheme, Via::Http) }
}

/// One exchange that was answered, with text of both sides.
pub(crate) fn step(expected: &str, observed: &str, status: u16) -> StepResult {
    StepResult {
        expected: expected.to_owned(),
        observed: Some(observed.to_owned()),
        status: Some(status),
        reason: None,
        assertions: vec![],
        exchange: Some(Exchange {
            sent: "GET /v1/things HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(),
            received: format!("HTTP/1.1 {status} Word\r\n\r\n"),
        }),
    }
}

/// A result of severity high and level must; its id decides scheme and family.
pub(crate) fn result(id: &str, via: Via, outcome: Outcome) -> VectorResult {
    let passed = matches!(outcome, Outcome::Pass | Outcome::Xpass);
    let mut exchange = if passed { step("reject", "reject", 401) } else { step("reject", "accept", 200) };
    if passed {
        exchange.exchange = None;
    }
    VectorResult {
        id: id.to_owned(),
        via,
        level: Level::Must,
        severity: Severity::High,
        outcome,
        cause: if passed { String::new() } else { format!("cause of {}", outcome.name()) },
        why: "takes a token that ended".to_owned(),
        refs: vec!["REQ-1".to_owned()],
        repeat: vec![],
        steps: vec![exchange],
    }
}

/// A result that failed.
pub(crate) fn fail(id: &str, via: Via) -> VectorResult {
    result(id, via, Outcome::Fail)
}

/// One ready target `a` with one result for each of `outcomes`.
pub(crate) fn one_of(outcomes: &[Outcome]) -> Results {
    let vectors =
        outcomes.iter().enumerate().map(|(n, o)| result(&format!("a/f/{n}"), Via::Http, *o)).collect();
    results(vec![target("a", Via::Http)], vectors)
}

/// `total` results on one target: as many of each outcome as said, passes for the rest.
pub(crate) fn many(some: &[(Outcome, usize)], total: usize) -> Results {
    let mut outcomes: Vec<_> = some.iter().flat_map(|(o, n)| std::iter::repeat_n(*o, *n)).collect();
    outcomes.resize(total, Outcome::Pass);
    one_of(&outcomes)
}

/// A failed result in which every text that a server or a file decides is [`HOSTILE`], on a target likewise.
pub(crate) fn hostile() -> Results {
    let text = || HOSTILE.to_owned();
    let all = [Outcome::Fail, Outcome::Xfail, Outcome::Inconclusive, Outcome::Unsupported, Outcome::Pass];
    let vectors = all.into_iter().map(|outcome| {
        let mut one = result(&format!("a/f/{}{HOSTILE}", outcome.name()), Via::Http, outcome);
        (one.cause, one.why, one.refs) = (text(), text(), vec!["REQ-1".to_owned(), text()]);
        one.repeat = vec![text()];
        for step in &mut one.steps {
            (step.reason, step.observed) = (Some(text()), Some(text()));
            step.exchange = Some(Exchange { sent: text(), received: text() });
            for level in [Level::Must, Level::Should] {
                let held = false;
                step.assertions.push(bearproof_conform::results::Assertion {
                    what: text(),
                    held,
                    seen: text(),
                    level,
                });
            }
        }
        one
    });
    let mut broken = calibrated(HOSTILE, CalibrationState::GoodRefused);
    (broken.calibration.message, broken.name, broken.title) = (text(), text(), text());
    let mut ready = target("a", Via::Http);
    ready.choices = vec![text()];
    for requirement in &mut ready.requirements {
        (requirement.heading, requirement.says) = (text(), text());
    }
    results(vec![ready, broken], vectors.collect())
}
