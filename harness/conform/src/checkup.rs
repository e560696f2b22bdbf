//! A few requests that tell whether a target can be judged at all: per endpoint the good request, and the same without
//! a credential. It must not judge the target.

use bearproof_scheme::world::Endpoint;

use crate::judgement::let_in;
use crate::plot::Plot;
use crate::recipe::{Action, Expect, Step};
use crate::record::Nobody;
use crate::redact::Redactor;
use crate::results::{StepResult, VectorResult};
use crate::run::{Selection, Subjects, no_credential, one};
use crate::suite::Variant;

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

/// Sends the requests. `run` is the id of this checkup, for live randomness.
pub fn endpoints(variant: &Variant, subjects: &dyn Subjects, redactor: &Redactor, run: &str) -> Vec<Check> {
    let d = &variant.description;
    let ordinary = |e: &&Endpoint| d.operation(&e.role).is_none() && !e.role.starts_with("forbidden");
    let selection = Selection { plots: &[], frozen: None, run, seed: 0, recorder: &Nobody };
    let mut checks = Vec::new();
    for endpoint in variant.world.endpoints.iter().filter(ordinary) {
        let ask = |name: &str, edits| {
            let id = format!("{}/doctor/{}-{name}", d.id, endpoint.role);
            let step = Step { edits, ..Step::new(Action::Call, Expect::Accept) };
            let plot = Plot::of_step(id, variant, "primary", step);
            one(&Plot { endpoint: endpoint.role.clone(), ..plot }, &selection, subjects, redactor)
        };
        // The one without a credential first: its answer has a date, by which the good one is made.
        let without = ask("without", no_credential(variant));
        subjects.learn_clock();
        let good = ask("good", Vec::new());
        let signs = [good_request(endpoint, &good), no_credential_request(&good, &without)];
        let about = format!("endpoint {}", endpoint.role);
        let check = |(sign, says)| Check { about: about.clone(), sign, says };
        checks.extend(signs.into_iter().flatten().map(check));
        if checks.last().is_some_and(|check| check.sign == Sign::Unreachable) {
            // The others have the same origin.
            break;
        }
    }
    checks
}

fn status(result: &VectorResult) -> Option<u16> {
    result.steps.last().and_then(|s: &StepResult| s.status)
}

fn good_request(endpoint: &Endpoint, good: &VectorResult) -> Option<(Sign, String)> {
    let request = format!("{} {}", endpoint.method, endpoint.path);
    let Some(status) = status(good) else {
        use crate::results::Outcome::{Error, Hang};
        let unreachable = matches!(good.outcome, Error | Hang);
        let sign = if unreachable { Sign::Unreachable } else { Sign::Note };
        return Some((sign, format!("{request}: not answered: {}", good.cause)));
    };
    if let_in(good) {
        return Some((Sign::Good, format!("{request} lets the good credential in ({status})")));
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
