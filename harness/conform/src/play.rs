//! Plays plots: recipe and binding become the exact message of each step. There is one way to make a message,
//! used by freezing, in process and over HTTP. It must not send anything.

mod fill;
mod values;

use bearproof_scheme::description::{Part, Place, Source};
use bearproof_scheme::encoding::{JsonRules, Limits, Value, parse_value};
use bearproof_scheme::request::Message;
use bearproof_scheme::sign::{Draft, Entropy, Signer, Trace, Written, signed};

use crate::entropy::Published;
use crate::keyless::with_changes;
use crate::plot::Plot;
use crate::recipe::{Action, Edit, Spot, Step, Target};
use crate::resolve::{find, token_operation};
use crate::{message, sealing};
pub(crate) use fill::fill_times;
use values::{credential, done};

/// Time and randomness of one step.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// Seconds since 1970 UTC.
    pub now: u64,
    /// Randomness.
    pub entropy: &'a dyn Entropy,
    /// A number of the run and the vector, the same in each step, for values that may be used once; 0 in what is frozen.
    pub fresh: u64,
    /// Whether the intermediate values of the signature are kept.
    pub traced: bool,
}

/// What a step made and what came back, for later steps.
#[derive(Debug, Clone, Default)]
pub struct Done {
    /// The message, where one was sent.
    pub message: Option<Message>,
    /// The values of its parts.
    pub written: Vec<Written>,
    /// The token that was answered.
    pub token: Option<String>,
}

/// What a step is about to do.
#[derive(Clone)]
pub enum Next {
    /// Send this message.
    Send(Box<Made>),
    /// Ask the target's hook to end the credential of this role.
    RevokeHook(String),
    /// Let time pass, in seconds.
    Wait(u64),
}

/// A message and how it came to be.
#[derive(Clone)]
pub struct Made {
    /// The message.
    pub message: Message,
    /// The values of its parts.
    pub written: Vec<Written>,
    /// Intermediate values of the signature, where they are kept.
    pub trace: Trace,
    /// The token that was made for it: a secret as long as it lives, wherever the message has it.
    pub token: Option<String>,
    /// Role of the endpoint it goes to.
    pub endpoint: String,
}

/// An edit without effect: the vector would be its own control.
pub(crate) const NO_EFFECT: &str = "the edit changes nothing here";

/// How often a step is played anew where an edit happens to change nothing.
const ATTEMPTS: u64 = 16;

/// As [`play`], for a run. Where an edit happens to change nothing (a signature without `-` and `_` has no other
/// spelling in the standard alphabet), it is played again with other randomness, a second earlier each time.
///
/// # Errors
/// Why the step can't be played, in words.
pub fn play_with_effect(
    plot: &Plot,
    index: usize,
    run: &str,
    now: u64,
    earlier: &[Done],
) -> Result<Next, String> {
    with_effect(plot, index, run, (now, false), earlier)
}

/// As [`play_with_effect`], in the published run and with the trace.
///
/// # Errors
/// Why the step can't be played, in words.
pub fn play_for_the_record(plot: &Plot, index: usize, now: u64, earlier: &[Done]) -> Result<Next, String> {
    with_effect(plot, index, "", (now, true), earlier)
}

fn with_effect(
    plot: &Plot,
    index: usize,
    run: &str,
    (now, traced): (u64, bool),
    earlier: &[Done],
) -> Result<Next, String> {
    let fresh = fresh(run, &plot.id);
    let mut attempt = 0;
    loop {
        let id = if attempt == 0 { plot.id.clone() } else { format!("{} {attempt}", plot.id) };
        let entropy = Published::of_run(run, &id, index);
        let moment = Moment { now: now.saturating_sub(attempt), entropy: &entropy, fresh, traced };
        match play(plot, index, moment, earlier) {
            Err(why) if why == NO_EFFECT && attempt < ATTEMPTS => attempt += 1,
            result => return result,
        }
    }
}

/// See [`Moment::fresh`]: a multiple of 8 below 2^22, so that what it is added to stays odd, near, and as long.
fn fresh(run: &str, id: &str) -> u64 {
    if run.is_empty() {
        return 0;
    }
    let bytes = Published::of_run(run, id, 0).bytes("fresh", 3);
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)) >> 5 << 3
}

/// What a step does, under a binding.
///
/// # Errors
/// Why the step can't be played, in words.
pub fn play(plot: &Plot, index: usize, moment: Moment<'_>, earlier: &[Done]) -> Result<Next, String> {
    let step = plot.steps.get(index).ok_or("there is no such step")?;
    let d = &plot.variant.description;
    let role = step.role.as_deref().unwrap_or(&plot.role);
    let endpoint = match &step.action {
        Action::Wait(seconds) => return Ok(Next::Wait(*seconds)),
        Action::Call => step.endpoint.as_deref().unwrap_or(&plot.endpoint).to_string(),
        Action::Obtain(name) => name
            .as_deref()
            .or_else(|| token_operation(d))
            .ok_or("no operation answers with a token")?
            .to_string(),
        Action::Revoke => match d.revocation() {
            Some(operation) => operation.name.clone(),
            None => return Ok(Next::RevokeHook(role.into())),
        },
    };
    let stage = Stage::new(plot, step, role, &endpoint, moment, earlier)?;
    stage.make().map(|made| Next::Send(Box::new(made)))
}

/// Everything that the edits of one step need.
pub(crate) struct Stage<'p> {
    pub(crate) plot: &'p Plot,
    pub(crate) signer: Signer<'p>,
    pub(crate) parts: Vec<Part>,
    pub(crate) draft: Draft,
    pub(crate) earlier: &'p [Done],
    fresh: u64,
    traced: bool,
    edits: Vec<&'p Edit>,
    token_of: Option<usize>,
    endpoint: String,
    ordinary: bool,
}

impl<'p> Stage<'p> {
    fn new(
        plot: &'p Plot,
        step: &'p Step,
        role: &str,
        endpoint: &str,
        moment: Moment<'p>,
        earlier: &'p [Done],
    ) -> Result<Self, String> {
        let (d, world) = (&plot.variant.description, &plot.variant.world);
        let credential = credential(plot, role)?;
        let signer = Signer {
            description: d,
            credential,
            platform: world.platform("primary"),
            now: moment.now,
            entropy: moment.entropy,
        };
        let operation = d.operation(endpoint);
        let parts = match operation {
            Some(operation) => signer.operation_parts(operation),
            None => d.parts.clone(),
        };
        let parts = signer.own_parts(&parts);
        let place =
            world.endpoint(endpoint).ok_or_else(|| format!("the world has no endpoint `{endpoint}`"))?;
        Ok(Self {
            plot,
            signer,
            parts,
            draft: Draft::of(world, place),
            earlier,
            fresh: moment.fresh,
            traced: moment.traced,
            edits: step.edits.iter().chain(&step.fault).collect(),
            token_of: step.token_of,
            endpoint: endpoint.into(),
            ordinary: operation.is_none_or(|o| o.guarded),
        })
    }

    /// The stages of `design`: request, parts, text, signing, token, message.
    fn make(mut self) -> Result<Made, String> {
        for edit in &self.edits {
            if let Edit::SendAgain { step } = edit {
                let done = done(self.earlier, *step)?;
                let message = done.message.clone().ok_or("that step sent nothing")?;
                let made = Made {
                    message,
                    written: done.written.clone(),
                    trace: Trace::none(),
                    token: None,
                    endpoint: self.endpoint.clone(),
                };
                return self.finish(made, None);
            }
        }
        self.edit_request()?;
        let mut trace = if self.traced { Trace::kept() } else { Trace::none() };
        let written = self.write_parts(&mut trace)?;
        let mut draft = self.draft.with_body_of(&written).map_err(|e| e.to_string())?;
        // An operation without inputs is still a JSON request.
        if draft.body.is_empty() && self.parts.iter().any(|p| p.place == Place::Body) {
            draft.to_mut().body = b"{}".to_vec();
        }
        let token = match self.token_of {
            Some(step) => Some(done(self.earlier, step)?.token.clone().ok_or("that step gave no token")?),
            None if self.ordinary => sealing::token(&self, &self.edits, &written, &mut trace)?,
            None => None,
        };
        let message = self
            .signer
            .message(&self.parts, &draft, &written, token.as_deref())
            .map_err(|e| e.to_string())?;
        let message = self.as_captured(message)?;
        let made = Made { message, written, trace, token: token.clone(), endpoint: self.endpoint.clone() };
        self.finish(made, token.as_deref())
    }

    /// The message as it was captured, but for what was edited, where the caller's request to this endpoint was.
    fn as_captured(&self, edited: Message) -> Result<Message, String> {
        let captured = self.signer.credential.request.as_ref().filter(|c| c.endpoint == self.endpoint);
        let Some(captured) = captured else { return Ok(edited) };
        let world = &self.plot.variant.world;
        let endpoint = world.endpoint(&self.endpoint).ok_or("the world has no such endpoint")?;
        let right = signed(&self.signer, &Draft::of(world, endpoint)).map_err(|e| e.to_string())?;
        Ok(with_changes(&captured.message, &right, &edited))
    }

    /// The edits of the finished message.
    fn finish(&self, mut made: Made, token: Option<&str>) -> Result<Made, String> {
        for edit in &self.edits {
            let before = message::is_message_edit(edit).then(|| made.message.clone());
            message::edit(self, edit, token, &mut made.message)?;
            if before.is_some_and(|before| before == made.message) {
                return Err(NO_EFFECT.into());
            }
        }
        Ok(made)
    }

    fn edit_request(&mut self) -> Result<(), String> {
        for edit in &self.edits {
            match edit {
                Edit::Transport { secure } => self.draft.secure = *secure,
                Edit::Pack { first: true } => {
                    self.draft.body = message::packed(&self.draft.body)?;
                    let [name, value] = message::PACKED;
                    self.draft.fields.push((name.into(), value.into()));
                }
                Edit::Parameter { name, to } => {
                    self.draft.parameters.retain(|(n, _)| n != name);
                    self.draft.parameters.push((name.clone(), to.clone()));
                }
                Edit::Request { spot, to } => {
                    let text =
                        || String::from_utf8(to.clone()).map_err(|_| "the value is not UTF-8".to_string());
                    match spot {
                        Spot::Body => self.draft.body.clone_from(to),
                        Spot::Method => self.draft.method = text()?,
                        Spot::Path => self.draft.path = text()?,
                        Spot::Query => self.draft.query = text()?,
                        Spot::Field(name) if name.eq_ignore_ascii_case("host") => self.draft.host = text()?,
                        Spot::Field(name) => {
                            self.draft.fields.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
                            self.draft.fields.push((name.clone(), text()?));
                        }
                        Spot::Carrier => return Err("the carrier is no part of the request yet".into()),
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Computes the parts with the values that edits give, then removes and renames.
    fn write_parts(&self, trace: &mut Trace) -> Result<Vec<Written>, String> {
        let mut given: Vec<Written> = Vec::new();
        let mut added: Vec<Written> = Vec::new();
        for edit in &self.edits {
            match edit {
                Edit::SetPart { target, value } => {
                    let Some((place, name)) = self.spot_of(target) else {
                        return Err("the scheme has no such part".into());
                    };
                    if place == Place::Field {
                        continue;
                    }
                    let value = self.value(place, &name, value)?;
                    if self.parts.iter().any(|p| p.place == place && p.name == name) {
                        given.push(value);
                    } else {
                        added.push(value);
                    }
                }
                Edit::Mistake { of: Some((position, wrong)), .. } => {
                    given.push(self.mistaken(*position, wrong)?);
                }
                Edit::SignBinding { role } => {
                    let part =
                        find(self.signer.description, &Target::Meaning(crate::recipe::Meaning::BodyBinding))
                            .ok_or("no body binding")?;
                    let theirs = Signer { credential: credential(self.plot, role)?, ..self.signer };
                    let all = theirs
                        .parts(&self.parts, &self.draft, &given, &mut Trace::none())
                        .map_err(|e| e.to_string())?;
                    let value = all.into_iter().find(|w| w.place == part.place && w.name == part.name);
                    given.push(value.ok_or("no body binding for this request")?);
                }
                _ => {}
            }
        }
        let mut written =
            self.signer.parts(&self.parts, &self.draft, &given, trace).map_err(|e| e.to_string())?;
        // A value given to a part that does not exist for this request stands all the same.
        for value in given {
            if !written.iter().any(|w| w.place == value.place && w.name == value.name) {
                written.push(value);
            }
        }
        written.extend(added);
        for edit in &self.edits {
            let (target, new_name) = match edit {
                Edit::RemovePart { target } => (target, None),
                Edit::RenamePart { target, to } => (target, Some(to)),
                _ => continue,
            };
            let Some((place, name)) = self.spot_of(target) else {
                return Err("the scheme has no such part".into());
            };
            if place == Place::Field {
                continue;
            }
            let before = written.clone();
            match new_name {
                None => written.retain(|w| w.place != place || w.name != name),
                Some(new) => {
                    for w in written.iter_mut().filter(|w| w.place == place && w.name == name) {
                        w.name.clone_from(new);
                    }
                }
            }
            if before == written {
                return Err("the part does not exist for this request".into());
            }
        }
        Ok(written)
    }
}

/// The token in the answer of an operation.
pub fn answered_token(plot: &Plot, endpoint: &str, body: &[u8]) -> Option<String> {
    let operation = plot.variant.description.operation(endpoint)?;
    let is_token = |a: &&Part| a.pipeline().and_then(|p| p.single()) == Some(&Source::Token);
    let answer = operation.answers.iter().find(is_token)?;
    let json = parse_value(body, &JsonRules::STRICT, &Limits::DEFAULT).ok()?;
    let path = if answer.name.starts_with('/') { answer.name.clone() } else { format!("/{}", answer.name) };
    pointer(&json, &path)?.as_str().map(Into::into)
}

/// The value at a JSON Pointer through objects (RFC 6901).
pub(crate) fn pointer<'v, 'a>(value: &'v Value<'a>, path: &str) -> Option<&'v Value<'a>> {
    let mut at = value;
    for name in path.split('/').skip(1) {
        let Value::Object(members) = at else { return None };
        at = members.find(&name.replace("~1", "/").replace("~0", "~"))?;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_frozen_has_none_and_each_run_another() {
        assert_eq!(fresh("", "a/b/c"), 0);
        assert_ne!(fresh("one", "a/b/c"), fresh("two", "a/b/c"));
        assert_eq!(fresh("one", "a/b/c") % 8, 0);
    }
}
