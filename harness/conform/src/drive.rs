//! Drives one vector through a subject, step by step, and judges it. The frozen bytes and the live recipe go
//! through the same steps. It must not decide which vectors run.

use bearproof_scheme::description::Place;
use bearproof_scheme::request::Message;
use bearproof_scheme::sign::Trace;
use bearproof_scheme::world::Success;

use crate::judge::{Documented, assertions, documented, is_refusal, let_in, says_nothing};
use crate::play::{Done, Made, NO_EFFECT, Next, answered_token, play_with_effect};
use crate::plot::Plot;
use crate::recipe::{Action, Edit, Expect, Given, Step};
use crate::redact::{Redactor, mask_tokens};
use crate::resolve::carrier;
use crate::results::{Exchange, Outcome, Severity, StepResult, VectorResult, Via};
use crate::subject::{Observation, Subject, SubjectError};
use crate::vector::{FrozenStep, Vector};

/// The cause of a finding that is none of verdict: a secret came back.
pub(crate) const LEAK: &str = "the answer contains a secret";

/// How the cause of a 5xx begins.
pub(crate) const BROKE: &str = "the server broke";

/// Where the messages of a vector come from.
#[derive(Clone, Copy)]
pub enum Script<'a> {
    /// The bytes that were frozen.
    Frozen(&'a Vector),
    /// Frozen bytes that were decoded before, by [`prepare`].
    Prepared(&'a [Next]),
    /// The recipe, played with the randomness of a run.
    Live {
        /// Id of the run.
        run: &'a str,
    },
}

/// Runs one vector.
pub fn drive(
    plot: &Plot,
    script: Script<'_>,
    subject: &dyn Subject,
    via: Via,
    redactor: &Redactor,
) -> VectorResult {
    let mut driver = Driver {
        plot,
        script,
        subject,
        secrets: redactor,
        tokens: Vec::new(),
        redactor: None,
        earlier: Vec::new(),
    };
    let mut steps = Vec::new();
    let mut verdict = (Outcome::Pass, String::new());
    for index in 0..plot.steps.len() {
        let (step, outcome, cause) = driver.step(index);
        steps.push(step);
        if outcome != Outcome::Pass {
            verdict = (outcome, cause);
            break;
        }
    }
    // A rejection proves nothing after a preparation that failed: then the fault was never reached.
    let reached = steps.len();
    let rejects_later = plot.steps.iter().skip(reached).any(|s| matches!(s.expect, Expect::Reject(_)));
    if verdict.0 == Outcome::Fail && rejects_later {
        verdict = (Outcome::Inconclusive, format!("a preparing step failed: {}", verdict.1));
    }
    if verdict.0 == Outcome::Pass {
        for step in &mut steps {
            step.exchange = None;
        }
    }
    VectorResult {
        id: plot.id.clone(),
        via,
        level: plot.level,
        severity: severity(plot, &verdict.1, &steps),
        outcome: verdict.0,
        cause: if verdict.1.is_empty() { verdict.1 } else { driver.redactor().redact(&verdict.1) },
        why: if verdict.0 == Outcome::Pass { String::new() } else { plot.why.clone() },
        refs: crate::needs::references(plot),
        repeat: Vec::new(),
        steps,
    }
}

/// How bad a result is. A request that was refused in a wrong way let nobody in.
fn severity(plot: &Plot, cause: &str, steps: &[StepResult]) -> Severity {
    let refused = |s: &StepResult| s.expected == "reject" && s.observed.as_deref() == Some("reject");
    match steps.last() {
        Some(last) if cause != LEAK && !cause.is_empty() && refused(last) => {
            // The least severe of the two; the order of severities is from the worst on.
            plot.severity.max(if cause.starts_with(BROKE) { Severity::Medium } else { Severity::Low })
        }
        _ => plot.severity,
    }
}

struct Driver<'a> {
    plot: &'a Plot,
    script: Script<'a>,
    subject: &'a dyn Subject,
    /// What must never come back.
    secrets: &'a Redactor,
    /// What travelled in this vector, must not be shown while it lives, and is not in `redactor` yet.
    tokens: Vec<Vec<u8>>,
    redactor: Option<Redactor>,
    earlier: Vec<Done>,
}

impl Driver<'_> {
    fn step(&mut self, index: usize) -> (StepResult, Outcome, String) {
        let expect = self.plot.steps.get(index).map_or(Expect::Any, |s| s.expect.clone());
        let mut result = StepResult {
            expected: match expect {
                Expect::Accept => "accept",
                Expect::Reject(_) => "reject",
                Expect::Any => "any",
            }
            .into(),
            observed: None,
            status: None,
            reason: None,
            assertions: Vec::new(),
            exchange: None,
        };
        let next = match self.next(index) {
            Ok(next) => next,
            // What was captured can't be made otherwise until the edit changes something.
            Err(why) if why == NO_EFFECT => return (result, Outcome::Unsupported, why),
            Err(why) => return (result, Outcome::Error, why),
        };
        let made = match next {
            Next::Wait(seconds) => {
                self.earlier.push(Done::default());
                return Self::hooked(result, self.subject.wait(seconds));
            }
            Next::RevokeHook(role) => {
                self.earlier.push(Done::default());
                return Self::hooked(result, self.subject.revoke(&role));
            }
            Next::Send(made) => made,
        };
        let Some(endpoint) = self.plot.variant.world.endpoint(&made.endpoint) else {
            let why = format!("the world has no endpoint `{}`, so nothing was sent", made.endpoint);
            return (result, Outcome::Error, why);
        };
        self.register(&made);
        let answer = self.subject.send(&made.message, index);
        let observation = match answer {
            Ok(observation) => observation,
            Err(error) => {
                result.exchange = Some(exchange(self.redactor(), &made.message, error.words()));
                let outcome = outcome_of(&error);
                return (result, outcome, error.words().into());
            }
        };
        let token = answered_token(self.plot, &made.endpoint, &observation.body);
        if let Some(token) = &token {
            self.tokens.push(token.clone().into_bytes());
        }
        result.status = Some(observation.status);
        result.reason = observation.reason.clone().filter(|r| !r.is_empty());
        let d = &self.plot.variant.description;
        let success = &endpoint.success;
        let inside = let_in(success, &observation);
        result.observed = Some(if inside { "accept" } else { "reject" }.into());
        // Where the request differs by its method, an answer that this method is not served here refuses it.
        let other_method = endpoint.method != made.message.method;
        let unserved = other_method && !inside && matches!(observation.status, 404 | 405);
        let unserved = unserved && matches!(expect, Expect::Reject(_));
        let documented = if unserved { Documented::default() } else { documented(d, &expect, &made.message) };
        let (mut outcome, mut cause) = verdict(&expect, inside, success, &observation, &documented, unserved);
        if let Some(echo) = self.leak(&made.message, &observation) {
            (outcome, cause) = (Outcome::Fail, echo);
        } else if outcome == Outcome::Pass && matches!(expect, Expect::Reject(_)) {
            let challenge = carrier(d).is_some_and(|p| p.auth_scheme.is_some() && p.place == Place::Field);
            result.assertions = assertions(&observation, &documented, challenge);
            for assertion in result.assertions.iter_mut().filter(|a| !a.seen.is_empty()) {
                assertion.seen = mask_tokens(&self.redactor().redact(&assertion.seen));
            }
            let broken: Vec<String> = result
                .assertions
                .iter()
                .filter(|a| !a.held && a.level == crate::results::Level::Must)
                .map(|a| format!("{}, seen {}", a.what, a.seen))
                .collect();
            if !broken.is_empty() {
                outcome = Outcome::Fail;
                cause = format!("refused, but not as documented: {}", broken.join("; "));
            }
        }
        // Only what did not pass is shown.
        if outcome != Outcome::Pass {
            let redactor = self.redactor();
            result.exchange = Some(exchange(redactor, &made.message, &show_answer(&observation, redactor)));
        }
        // After a step that did not pass there is no other.
        let Made { message, written, .. } = *made;
        self.earlier.push(Done { message: Some(message), written, token });
        (result, outcome, cause)
    }

    fn next(&self, index: usize) -> Result<Next, String> {
        match self.script {
            Script::Live { run } => {
                let step = self.plot.steps.get(index);
                let now =
                    if step.is_some_and(ends_now) { self.subject.now_at_start() } else { self.subject.now() };
                play_with_effect(self.plot, index, run, now, &self.earlier)
            }
            Script::Prepared(steps) => steps.get(index).cloned().ok_or_else(|| "a step is missing".into()),
            Script::Frozen(vector) => {
                let step = vector.steps.get(index).ok_or("the frozen file lacks this step; run `freeze`")?;
                frozen_next(self.plot, index, step)
            }
        }
    }

    fn hooked(mut result: StepResult, done: Result<(), SubjectError>) -> (StepResult, Outcome, String) {
        match done {
            Ok(()) => {
                result.observed = Some("accept".into());
                (result, Outcome::Pass, String::new())
            }
            Err(error) => (result, outcome_of(&error), error.words().into()),
        }
    }

    /// What travels in this message is a secret for as long as it lives.
    fn register(&mut self, made: &Made) {
        let message = &made.message;
        self.tokens.extend(made.token.iter().map(|token| token.clone().into_bytes()));
        if let Some(part) = carrier(&self.plot.variant.description) {
            for line in message.request().values(&part.name) {
                for word in line.split(|b| *b == b' ') {
                    self.tokens.push(word.to_vec());
                }
            }
        }
    }

    /// Made only where something is shown: most exchanges pass, and nobody sees them.
    fn redactor(&mut self) -> &Redactor {
        let redactor = self.redactor.get_or_insert_with(|| self.secrets.clone());
        for token in self.tokens.drain(..) {
            redactor.register(&token);
        }
        redactor
    }

    /// A secret of the world in the answer is a finding, whatever else the answer says.
    fn leak(&self, sent: &Message, observation: &Observation) -> Option<String> {
        let body = String::from_utf8_lossy(&observation.body);
        // What the caller itself sent in its body may come back there (a registered phrase, say); nothing else may.
        let beyond = || self.secrets.finds_beyond(&body, &String::from_utf8_lossy(&sent.body));
        let leaked = (self.secrets.finds(&body) && beyond())
            || observation.fields.iter().any(|(_, v)| self.secrets.finds(&String::from_utf8_lossy(v)));
        leaked.then(|| LEAK.into())
    }
}

/// Whether a step is refused for a time that ends with this very second.
fn ends_now(step: &Step) -> bool {
    let now = |edit: &Edit| matches!(edit, Edit::SetPart { value: Given::Time { offset: 0, .. }, .. });
    matches!(step.expect, Expect::Reject(_)) && step.edits.iter().chain(&step.fault).any(now)
}

/// An exchange as it may be shown.
fn exchange(redactor: &Redactor, message: &Message, received: &str) -> Exchange {
    Exchange {
        sent: mask_tokens(&redactor.redact(&show_message(message, redactor))),
        received: mask_tokens(&redactor.redact(received)),
    }
}

/// What the steps of a frozen vector do, decoded once for many runs.
///
/// # Errors
/// Why the frozen file does not fit the recipe.
pub fn prepare(plot: &Plot, vector: &Vector) -> Result<Vec<Next>, String> {
    vector.steps.iter().enumerate().map(|(index, step)| frozen_next(plot, index, step)).collect()
}

/// What a frozen step does.
fn frozen_next(plot: &Plot, index: usize, step: &FrozenStep) -> Result<Next, String> {
    let recipe =
        plot.steps.get(index).ok_or("the frozen file has a step more than the recipe; run `freeze`")?;
    let Some(request) = &step.request else {
        return match &recipe.action {
            Action::Wait(seconds) => Ok(Next::Wait(*seconds)),
            _ => Ok(Next::RevokeHook(step.role.clone())),
        };
    };
    let bytes = |b: &crate::vector::Bytes| b.bytes().ok_or_else(|| "the frozen bytes are broken".to_string());
    let mut fields = Vec::new();
    for line in &request.fields {
        fields.push((line.name.clone(), bytes(&line.value)?));
    }
    let d = &plot.variant.description;
    let endpoint = match &recipe.action {
        Action::Obtain(name) => {
            let name = name.as_deref().or_else(|| crate::resolve::token_operation(d));
            name.ok_or("the step obtains a token, and the scheme has no operation that issues one")?.into()
        }
        _ => recipe.endpoint.clone().unwrap_or_else(|| plot.endpoint.clone()),
    };
    Ok(Next::Send(Box::new(Made {
        message: Message {
            secure: request.secure,
            method: request.method.clone(),
            target: request.target.clone(),
            fields,
            body: bytes(&request.body)?,
        },
        written: Vec::new(),
        trace: Trace::none(),
        token: None,
        endpoint,
    })))
}

fn outcome_of(error: &SubjectError) -> Outcome {
    match error {
        SubjectError::Hang(_) => Outcome::Hang,
        SubjectError::Unsupported(_) => Outcome::Unsupported,
        SubjectError::Stopped(_) => Outcome::Inconclusive,
        SubjectError::Unreachable(_) | SubjectError::Closed | SubjectError::Broken(_) => Outcome::Error,
    }
}

/// The first line of judging.
fn verdict(
    expect: &Expect,
    inside: bool,
    success: &Success,
    observation: &Observation,
    documented: &Documented,
    unserved: bool,
) -> (Outcome, String) {
    let status = observation.status;
    if *expect == Expect::Any {
        return (Outcome::Pass, String::new());
    }
    if status >= 500 {
        return match expect {
            Expect::Accept => (Outcome::Fail, format!("{BROKE} on a good request ({status})")),
            _ => (Outcome::Fail, format!("{BROKE} instead of refusing ({status})")),
        };
    }
    if !inside
        && !unserved
        && let Some(cause) = says_nothing(observation, documented, expect)
    {
        return (Outcome::Inconclusive, cause);
    }
    if !inside && matches!(expect, Expect::Reject(_)) && !is_refusal(success, observation) {
        let cause = format!("neither the documented success nor a refusal ({status}): look at the answer");
        return (Outcome::Inconclusive, cause);
    }
    match (expect, inside) {
        (Expect::Accept, false) => (Outcome::Fail, format!("a good request was refused ({status})")),
        (Expect::Reject(_), true) => (Outcome::Fail, format!("a bad request was let in ({status})")),
        (Expect::Reject(reasons), false) => match observation.reason.as_deref() {
            Some(reason) if !reasons.iter().any(|r| r == reason) => {
                let wanted = reasons.join(" or ");
                (Outcome::Fail, format!("refused with `{reason}`, expected `{wanted}`"))
            }
            _ => (Outcome::Pass, String::new()),
        },
        (Expect::Accept, true) | (Expect::Any, _) => (Outcome::Pass, String::new()),
    }
}

/// Longest body that is shown, in characters.
const SHOWN: usize = 2048;

/// The secrets go before the body is cut: of one at the cut, the half would stay.
fn show_body(body: &[u8], redactor: &Redactor) -> String {
    let whole = redactor.redact(&String::from_utf8_lossy(body));
    let mut text: String = whole.chars().take(SHOWN).collect();
    if text.len() < whole.len() {
        text.push_str(&format!("\n[… {} bytes in all]", body.len()));
    }
    text
}

/// A request as text for people.
fn show_message(message: &Message, redactor: &Redactor) -> String {
    let mut text = format!("{} {} HTTP/1.1\n", message.method, message.target);
    for (name, value) in &message.fields {
        text.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value)));
    }
    text.push('\n');
    text.push_str(&show_body(&message.body, redactor));
    text
}

fn show_answer(observation: &Observation, redactor: &Redactor) -> String {
    let mut text = format!("HTTP/1.1 {}\n", observation.status);
    for (name, value) in &observation.fields {
        text.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value)));
    }
    text.push('\n');
    text.push_str(&show_body(&observation.body, redactor));
    text
}
