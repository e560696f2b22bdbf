//! A few requests that tell whether a target can be judged at all: per endpoint the good request, and the same without
//! a credential. It must not judge the target.

use bearproof_scheme::world::Endpoint;

use crate::deviation::Deviations;
use crate::drive::{Script, drive};
use crate::in_process::InProcess;
use crate::judgement::let_in;
use crate::plot::Plot;
use crate::recipe::{Action, Edit, Expect, Step};
use crate::record::Nobody;
use crate::redact::Redactor;
use crate::results::{Outcome, StepResult, VectorResult, Via};
use crate::run::{Selection, Subjects, no_credential, one};
use crate::suite::Variant;

/// The usual caller.
const PRIMARY: &str = "primary";

/// What a check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// As it should be.
    Good,
    /// Worth knowing.
    Note,
    /// Nothing can be judged there.
    Bad,
    /// Everybody is let in.
    Open,
    /// No answer.
    Unreachable,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub about: String,
    /// What it says.
    pub sign: Sign,
    /// One sentence.
    pub says: String,
}

/// What is known of a target before it is asked.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The vectors that could be asked of it.
    pub plots: &'a [Plot],
    /// What of them deviates.
    pub deviations: &'a Deviations,
    /// Seconds since 1970 UTC: deviations end.
    pub now: u64,
}

/// Sends the requests. `run` is the id of this checkup, for live randomness.
pub fn endpoints(
    variant: &Variant,
    known: Known<'_>,
    subjects: &dyn Subjects,
    redactor: &Redactor,
    run: &str,
) -> Vec<Check> {
    let d = &variant.description;
    let selection = Selection { plots: &[], frozen: None, run, seed: 0, recorder: &Nobody };
    let mut checks = Vec::new();
    for endpoint in variant.world.endpoints.iter().filter(|e| d.operation(&e.role).is_none()) {
        let about = format!("endpoint {}", endpoint.role);
        let Some(role) = caller(variant, endpoint, redactor) else {
            let says = "no caller of the profile may call it: asked only where a refusal is expected";
            checks.push(Check { about, sign: Sign::Note, says: says.into() });
            continue;
        };
        let ask = |name: &str, edits| {
            let id = format!("{}/doctor/{}-{name}", d.id, endpoint.role);
            one(&call(variant, endpoint, role, id, edits), &selection, subjects, redactor)
        };
        // The one without a credential first: its answer has a date, by which the good one is made.
        let without = ask("without", no_credential(variant));
        subjects.learn_clock();
        let good = ask("good", Vec::new());
        let deviation = known.deviation(endpoint, role, &good);
        let signs = [good_request(endpoint, role, &good, deviation), no_credential_request(&good, &without)];
        let check = |(sign, says)| Check { about: about.clone(), sign, says };
        checks.extend(signs.into_iter().flatten().map(check));
        if checks.last().is_some_and(|check| check.sign == Sign::Unreachable) {
            // The others have the same origin.
            break;
        }
    }
    checks
}

/// A call of an endpoint as one step.
fn call(variant: &Variant, endpoint: &Endpoint, role: &str, id: String, edits: Vec<Edit>) -> Plot {
    let step = Step { edits, ..Step::new(Action::Call, Expect::Accept) };
    Plot { endpoint: endpoint.role.clone(), ..Plot::of_step(id, variant, role, step) }
}

/// The caller whose good request the endpoint is for: the usual one, or where its rights forbid that, the first one who
/// may.
fn caller<'v>(variant: &'v Variant, endpoint: &Endpoint, redactor: &Redactor) -> Option<&'v str> {
    let asked = |role: &str| {
        let plot = call(variant, endpoint, role, "caller".into(), Vec::new());
        let reference = InProcess::new(variant, "caller");
        drive(&plot, Script::Live { run: "" }, &reference, Via::InProcess, redactor)
    };
    let forbidden = |result: &VectorResult| {
        let reason = result.steps.last().and_then(|s| s.reason.as_deref());
        reason.is_some_and(|reason| reason.starts_with("access."))
    };
    // With what is captured the reference can't tell: it has no key.
    if !forbidden(&asked(PRIMARY)) {
        return Some(PRIMARY);
    }
    variant.world.credentials.iter().map(|c| c.role.as_str()).find(|role| let_in(&asked(role)))
}

impl<'a> Known<'a> {
    /// The vector that asks the same and is known to deviate so.
    fn deviation(self, endpoint: &Endpoint, role: &str, good: &VectorResult) -> Option<&'a str> {
        let same = |plot: &&Plot| {
            let [step] = plot.steps.as_slice() else { return false };
            let plain = step.action == Action::Call && step.edits.is_empty() && step.fault.is_none();
            let of = (step.endpoint.as_deref(), step.role.as_deref());
            plain
                && plot.choose.is_empty()
                && (of.0.unwrap_or(&plot.endpoint), of.1.unwrap_or(&plot.role)) == (&endpoint.role, role)
        };
        self.plots.iter().filter(same).map(|plot| plot.id.as_str()).find(|id| {
            let mut result = [VectorResult { id: (*id).into(), ..good.clone() }];
            self.deviations.apply(&mut result, self.now);
            result.iter().all(|r| r.outcome == Outcome::Xfail)
        })
    }
}

fn status(result: &VectorResult) -> Option<u16> {
    result.steps.last().and_then(|s: &StepResult| s.status)
}

fn good_request(
    endpoint: &Endpoint,
    role: &str,
    good: &VectorResult,
    deviation: Option<&str>,
) -> Option<(Sign, String)> {
    let request = format!("{} {}", endpoint.method, endpoint.path);
    let of = if role == PRIMARY { String::new() } else { format!(" of `{role}`") };
    let Some(status) = status(good) else {
        use crate::results::Outcome::{Error, Hang};
        let unreachable = matches!(good.outcome, Error | Hang);
        let sign = if unreachable { Sign::Unreachable } else { Sign::Note };
        return Some((sign, format!("{request}: not answered: {}", good.cause)));
    };
    if let_in(good) {
        return Some((Sign::Good, format!("{request} lets the good credential{of} in ({status})")));
    }
    if let Some(vector) = deviation {
        return Some((Sign::Note, format!("{request} answers {status}: known, a deviation of {vector}")));
    }
    let why = match status {
        401 | 403 => {
            "the good credential is refused: look at key and id, at the claims and fields that this server wants \
             beside the scheme (`[extra-claims]`, `fields`), at its clock, and at what `bearproof explain` says"
        }
        404 => "there is nothing at this path: look at `path` and `parameters`",
        405 => "the path exists, the method does not: look at `method`",
        429 => "too many requests: wait, and run with `--rate`",
        200..=299 => "the answer is no success by the profile: look at `success`, and at what was answered",
        300..=399 => "a redirect: the endpoint moved, or a login page stands before it",
        400..=499 => "the server takes the request itself for wrong: look at `body`, `query` and `fields`",
        _ => "the server broke on the good request",
    };
    Some((Sign::Bad, format!("{request} answers {status}: {why}")))
}

fn no_credential_request(good: &VectorResult, without: &VectorResult) -> Option<(Sign, String)> {
    let status = status(without)?;
    if let_in(without) {
        return Some((
            Sign::Open,
            format!("open to everybody: without any credential it lets in ({status})"),
        ));
    }
    // Where the good one is refused too, this says nothing.
    let_in(good).then(|| (Sign::Good, format!("without a credential it refuses ({status})")))
}
