//! The reference implementation of a scheme: verifies, issues, records, ends, and answers as documented.
//! It must not know of sockets; time and randomness come with each request.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::description::{Description, Operation, Part, Place, Source};
use crate::encoding::string_literal;
use crate::plan::Plan;
use crate::request::{Message, Request};
use crate::sign::{Draft, Entropy, Signer, Trace};
use crate::store::{Credentials, ReplayMemory};
use crate::verdict::Reason;
use crate::verify::operation::Effect;
use crate::verify::{Context, Refusal, verify};
use crate::weakness::Weakness;
use crate::world::{Credential, State, World};

/// Nonces that one scheme remembers. A nonce is held until its token is over.
const REPLAY_CAPACITY: usize = 1_000_000;

/// A scheme's server side, without the sockets.
pub struct Reference {
    plan: Plan,
    world: World,
    credentials: RwLock<Credentials>,
    replay: ReplayMemory,
}

/// What the reference answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Field lines.
    pub fields: Vec<(String, String)>,
    /// JSON body.
    pub body: Vec<u8>,
    /// `None` if let in; else the reason code.
    pub refused: Option<String>,
    /// Position of the row that refused.
    pub row: Option<usize>,
}

impl Reference {
    /// The strict reference for a scheme in a world.
    pub fn strict(description: Description, world: World) -> Self {
        let credentials = RwLock::new(Credentials::prepare(&description, &world));
        let plan = Plan::strict(description, &world);
        Self { plan, world, credentials, replay: ReplayMemory::new(REPLAY_CAPACITY) }
    }

    /// A reference with one weakness.
    pub fn weak(description: Description, world: World, weakness: &Weakness) -> Self {
        let mut reference = Self::strict(description, world);
        weakness.weaken(&mut reference.plan);
        reference
    }

    /// The plan that requests run through.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Whether this reference reads some other message than it gets; `None` if it reads every message as it is.
    /// Only a weak one does otherwise.
    pub fn reads_otherwise(&self, message: &Message) -> Option<bool> {
        let front = self.plan.front.as_ref()?;
        Some(front(&self.plan.description, message.clone()) != *message)
    }

    /// Answers a request at `now` (seconds since 1970 UTC).
    pub fn handle(&self, request: &Request<'_>, now: u64, entropy: &dyn Entropy) -> Answer {
        let answer = match &self.plan.front {
            None => self.answer_to(request, now, entropy),
            Some(front) => {
                let message = front(&self.plan.description, request.to_message());
                self.answer_to(&message.request(), now, entropy)
            }
        };
        match &self.plan.back {
            None => answer,
            Some(back) => back(request, answer),
        }
    }

    fn answer_to(&self, request: &Request<'_>, now: u64, entropy: &dyn Entropy) -> Answer {
        let route = self.plan.route(request);
        let operation = route.as_ref().and_then(|r| self.plan.description.operation(&r.endpoint.role));
        let result = match operation {
            None => {
                let credentials = self.read();
                let context = Context { now, credentials: &credentials, replay: &self.replay };
                verify(&self.plan, request, &context).map(|_| "{\"accepted\":true}".to_string())
            }
            Some(operation) => self.operate(operation, request, now, entropy),
        };
        match result {
            Ok(body) => Answer {
                status: 200,
                fields: vec![("Content-Type".into(), "application/json".into())],
                body: body.into_bytes(),
                refused: None,
                row: None,
            },
            Err(refusal) => self.refuse(&refusal),
        }
    }

    fn operate(
        &self,
        operation: &Operation,
        request: &Request<'_>,
        now: u64,
        entropy: &dyn Entropy,
    ) -> Result<String, Refusal> {
        let mut credentials = self.write();
        let context = Context { now, credentials: &credentials, replay: &self.replay };
        let effect = (self.plan.prove)(&self.plan, operation, request, &context)?;
        let platform = self.world.platform("primary");
        let answers_token = operation.answers.iter().any(is_token);
        let credential: Credential = match effect {
            Effect::Issue(position) => credentials
                .get(position)
                .cloned()
                .ok_or(Refusal { reason: Reason::ProofMismatch, row: None })?,
            Effect::Update(position, values) => {
                let mut changed = credentials
                    .get(position)
                    .cloned()
                    .ok_or(Refusal { reason: Reason::ProofMismatch, row: None })?;
                for (name, value) in &values {
                    changed.values.retain(|(n, _)| n != name);
                    changed.values.push((name.clone(), value.clone()));
                }
                // What is registered for a token is said in that token; else it is kept.
                if !answers_token {
                    credentials.update(&self.plan.description, platform, position, values);
                }
                changed
            }
            Effect::Create(values) => {
                let (role, state) = (String::new(), State::Active);
                let new =
                    Credential { role, values, state, captured: None, request: None, private: Vec::new() };
                credentials.insert(&self.plan.description, platform, new.clone());
                new
            }
            Effect::Revoke(positions) => {
                for position in positions {
                    credentials.set_state(position, State::Revoked);
                }
                return Ok("{\"ended\":true}".into());
            }
        };
        self.answer(operation, &credential, now, entropy)
            .ok_or(Refusal { reason: Reason::ProofMismatch, row: None })
    }

    /// The JSON answer of an operation, with a fresh token where it has one.
    fn answer(
        &self,
        operation: &Operation,
        credential: &Credential,
        now: u64,
        entropy: &dyn Entropy,
    ) -> Option<String> {
        let description = &self.plan.description;
        let signer =
            Signer { description, credential, platform: self.world.platform("primary"), now, entropy };
        let draft = Draft {
            secure: true,
            method: "GET".into(),
            host: self.world.host(),
            path: "/".into(),
            parameters: Vec::new(),
            query: String::new(),
            fields: Vec::new(),
            body: Vec::new(),
        };
        let mut trace = Trace::none();
        let token_parts: Vec<Part> = description
            .parts
            .iter()
            .filter(|p| matches!(p.place, Place::Header | Place::Claims))
            .cloned()
            .collect();
        let mut members: Vec<(String, String)> = Vec::new();
        if operation.answers.is_empty() {
            return Some("{\"recorded\":true}".into());
        }
        let written = signer.parts(&token_parts, &draft, &[], &mut trace).ok()?;
        let token = signer.token(&written, &mut trace).ok()??;
        for answer in &operation.answers {
            let json = if is_token(answer) {
                string_literal(&token)
            } else {
                // The answer may repeat a claim in a form of its own, so it is computed beside the claims.
                let mut parts = token_parts.clone();
                let mut as_claim = answer.clone();
                as_claim.place = Place::Claims;
                as_claim.name = format!("answer {}", answer.name);
                parts.push(as_claim.clone());
                let written = signer.parts(&parts, &draft, &[], &mut trace).ok()?;
                written.iter().find(|w| w.name == as_claim.name)?.json.clone()
            };
            members.push((answer.name.clone(), json));
        }
        Some(nest(&members))
    }

    fn refuse(&self, refusal: &Refusal) -> Answer {
        let code = self.plan.code(refusal.reason);
        let rule = self.plan.description.refusal(&code);
        let mut status = rule.map_or(401, |r| r.status);
        // Every scheme answers 404 to a good request for what does not exist, unless it says otherwise.
        if refusal.reason == Reason::NoEndpoint && rule.is_none_or(|r| r.pattern == "*") {
            status = 404;
        }
        let members: Vec<String> = rule
            .map(|r| r.body.iter().map(|(n, json)| format!("{}:{json}", string_literal(n))).collect())
            .unwrap_or_default();
        let mut fields = vec![("Content-Type".into(), "application/json".into())];
        let scheme = self.plan.description.parts.iter().find_map(|p| p.auth_scheme.clone());
        if let (401, Some(scheme)) = (status, scheme) {
            // RFC 6750 section 3.1: no error code where no credential was given.
            let challenge = if refusal.reason == Reason::CarrierMissing {
                scheme
            } else {
                format!("{scheme} error=\"invalid_token\"")
            };
            fields.push(("WWW-Authenticate".into(), challenge));
        }
        Answer {
            status,
            fields,
            body: format!("{{{}}}", members.join(",")).into_bytes(),
            refused: Some(code),
            row: refusal.row,
        }
    }

    /// Ends the credential of a role, as an administrator would. Whether there was one.
    pub fn revoke(&self, role: &str) -> bool {
        let mut credentials = self.write();
        let position = credentials.by_role(role);
        if let Some(position) = position {
            credentials.set_state(position, State::Revoked);
        }
        position.is_some()
    }

    /// Ends the credential of one role in favour of another's, as at the end of a rotation. Whether both exist.
    pub fn rotate(&self, from: &str, to: &str) -> bool {
        let mut credentials = self.write();
        let (Some(from), Some(to)) = (credentials.by_role(from), credentials.by_role(to)) else {
            return false;
        };
        credentials.set_state(to, State::Active);
        credentials.set_state(from, State::Revoked);
        true
    }

    /// Forgets what happened: all credentials as at the start, no nonce used.
    pub fn forget(&self) {
        *self.write() = Credentials::prepare(&self.plan.description, &self.world);
        self.replay.forget();
    }

    fn read(&self) -> RwLockReadGuard<'_, Credentials> {
        self.credentials.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Credentials> {
        self.credentials.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_token(part: &Part) -> bool {
    part.pipeline().and_then(|p| p.single()) == Some(&Source::Token)
}

/// A JSON object from members named by name or JSON Pointer (RFC 6901, object members only).
fn nest(members: &[(String, String)]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in members {
        let first = name.strip_prefix('/').map_or(name.as_str(), |p| p.split('/').next().unwrap_or(""));
        if !names.contains(&first) {
            names.push(first);
        }
    }
    let texts: Vec<String> = names
        .iter()
        .map(|first| {
            let direct = members.iter().find(|(n, _)| n == first || n.strip_prefix('/') == Some(first));
            let json = match direct {
                Some((_, json)) => json.clone(),
                None => {
                    let inner: Vec<(String, String)> = members
                        .iter()
                        .filter_map(|(n, json)| {
                            let rest = n.strip_prefix('/')?.strip_prefix(first)?;
                            rest.starts_with('/').then(|| (rest.to_string(), json.clone()))
                        })
                        .collect();
                    nest(&inner)
                }
            };
            format!("{}:{json}", string_literal(first))
        })
        .collect();
    format!("{{{}}}", texts.join(","))
}
