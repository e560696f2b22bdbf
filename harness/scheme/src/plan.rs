//! A description and a world compiled once: the rows of named checks that every request runs through.
//! It must not hold secrets of callers; those are in [`crate::store`].

use crate::description::{Binding, Description, Format, Part, Place, Rule, Source};
use crate::encoding::{JsonRules, Rules};
use crate::reference::Answer;
use crate::request::{Message, Request, percent_decode};
use crate::verdict::Reason;
use crate::verify::carrier;
use crate::verify::case::Case;
use crate::verify::checks::{self, Check};
use crate::verify::operation::{self, Prove};
use crate::verify::times;
use crate::world::{Endpoint, Platform, World};

/// What to check, in order. Built strict; nothing public builds anything else.
pub struct Plan {
    pub(crate) description: Description,
    pub(crate) leeway: u64,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) platform: Option<Platform>,
    pub(crate) methods: Vec<String>,
    pub(crate) rows: Vec<Row>,
    pub(crate) base64: Segments,
    pub(crate) json: JsonPlaces,
    pub(crate) prove: Prove,
    /// How the message is read before anything is checked; the strict plan reads it as it is.
    pub(crate) front: Option<Front>,
    /// What becomes of the answer; the strict plan leaves it as it is.
    pub(crate) back: Option<Back>,
}

/// Changes a message before it is checked.
pub(crate) type Front = Box<dyn Fn(&Description, Message) -> Message + Send + Sync>;

/// Changes an answer before it is sent.
pub(crate) type Back = Box<dyn Fn(&Request<'_>, Answer) -> Answer + Send + Sync>;

/// How base64url is read, by segment of the token. IV and ciphertext of a JWE are payload, its tag is signature.
pub(crate) struct Segments {
    pub(crate) header: Rules,
    pub(crate) payload: Rules,
    pub(crate) signature: Rules,
}

/// How JSON is read, by place.
pub(crate) struct JsonPlaces {
    pub(crate) header: JsonRules,
    pub(crate) claims: JsonRules,
    pub(crate) body: JsonRules,
}

/// One named check.
pub struct Row {
    /// Stage, one of [`crate::verdict::STAGES`].
    pub stage: &'static str,
    /// What is checked, for example `claims.digest`.
    pub name: String,
    /// The codes it can refuse with.
    pub reasons: Vec<Reason>,
    /// The requirement.
    pub reference: Option<String>,
    pub(crate) part: Option<usize>,
    pub(crate) check: Check,
}

/// An endpoint found by method and path.
pub(crate) struct Route<'p> {
    pub(crate) endpoint: &'p Endpoint,
    pub(crate) parameters: Vec<(String, String)>,
}

impl Plan {
    /// Compiles the strict plan.
    pub fn strict(description: Description, world: &World) -> Self {
        let mut methods = description.transport.methods.clone();
        if methods.is_empty() {
            methods = world.endpoints.iter().map(|e| e.method.clone()).collect();
        }
        let rows = rows(&description);
        Self {
            leeway: world.leeway,
            endpoints: world.endpoints.clone(),
            platform: world.platform("primary").cloned(),
            methods,
            rows,
            description,
            base64: Segments { header: Rules::STRICT, payload: Rules::STRICT, signature: Rules::STRICT },
            json: JsonPlaces {
                header: JsonRules::STRICT,
                claims: JsonRules::STRICT,
                body: JsonRules::STRICT,
            },
            prove: Box::new(operation::prove),
            front: None,
            back: None,
        }
    }

    /// The description.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The checks, in order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The code of a reason.
    pub fn code(&self, reason: Reason) -> String {
        match reason {
            Reason::Access(index) => {
                format!("access.{}", self.description.access.get(index).map_or("", |rule| &rule.name))
            }
            _ => reason.fixed_code().unwrap_or("").into(),
        }
    }

    pub(crate) fn part(&self, index: Option<usize>) -> Option<&Part> {
        self.description.parts.get(index?)
    }

    /// The endpoint for a request: by path, then by method; HEAD goes where GET goes (RFC 9110 section 9.3.2).
    pub(crate) fn route(&self, request: &Request<'_>) -> Option<Route<'_>> {
        let method = if request.method == "HEAD" { "GET" } else { request.method };
        self.endpoints.iter().filter(|e| e.method == method).find_map(|endpoint| {
            Some(Route { parameters: match_path(&endpoint.path, request.path())?, endpoint })
        })
    }
}

/// The decoded parameters if `path` fits `template`.
pub(crate) fn match_path(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let mut parameters = Vec::new();
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(parameters),
            (Some(wanted), Some(given)) => match wanted.strip_prefix('{').and_then(|w| w.strip_suffix('}')) {
                Some(name) if !given.is_empty() => parameters.push((name.into(), percent_decode(given)?)),
                Some(_) => return None,
                None if wanted == given => {}
                None => return None,
            },
            _ => return None,
        }
    }
}

/// The rows of a description, in the order of the stages.
fn rows(d: &Description) -> Vec<Row> {
    let mut rows = Rows { d, rows: Vec::new() };
    if d.transport.https {
        rows.add("transport", "https", &[Reason::HttpsRequired], &d.transport.reference, None, checks::https);
    }
    rows.carrier();
    if let Some(token) = &d.token {
        let reference = &token.reference;
        let form = &[Reason::TokenMalformed, Reason::TokenTooLarge];
        rows.add("token", "form", form, reference, None, checks::token_form);
        if token.format != Format::Opaque {
            rows.header();
        }
    }
    rows.key_and_signature();
    rows.claims();
    rows.bindings();
    rows.replay_and_access();
    rows.rows
}

struct Rows<'d> {
    d: &'d Description,
    rows: Vec<Row>,
}

impl Rows<'_> {
    fn add(
        &mut self,
        stage: &'static str,
        name: &str,
        reasons: &[Reason],
        reference: &Option<String>,
        part: Option<usize>,
        check: impl for<'c> Fn(&mut Case<'c>, &Row) -> Result<(), Reason> + Send + Sync + 'static,
    ) {
        let row = Row {
            stage,
            name: name.into(),
            reasons: reasons.to_vec(),
            reference: reference.clone(),
            part,
            check: Box::new(check),
        };
        self.rows.push(row);
    }

    fn parts(&self, place: Place) -> Vec<(usize, Part)> {
        let parts = self.d.parts.iter().enumerate().filter(|(_, p)| p.place == place);
        parts.map(|(i, p)| (i, p.clone())).collect()
    }

    fn carrier(&mut self) {
        for (i, part) in self.parts(Place::Field) {
            let mut reasons = vec![Reason::CarrierDuplicate, Reason::CarrierMalformed];
            if !part.optional {
                reasons.insert(0, Reason::CarrierMissing);
            }
            self.add("carrier", &part.path(), &reasons, &part.reference, Some(i), carrier::field);
        }
        for (i, part) in self.parts(Place::Body) {
            let reasons = [Reason::CarrierMissing, Reason::CarrierMalformed];
            self.add("carrier", &part.path(), &reasons, &part.reference, Some(i), carrier::body_member);
        }
    }

    fn header(&mut self) {
        let reference = self.d.token.as_ref().and_then(|t| t.reference.clone());
        self.add("header", "alg", &[Reason::AlgNotAllowed], &reference, None, checks::alg);
        self.add("header", "crit", &[Reason::CritUnsupported], &None, None, checks::crit);
        for (i, part) in self.parts(Place::Header) {
            let mut reasons = vec![Reason::HeaderWrongType];
            if !part.optional {
                reasons.push(Reason::HeaderMissing);
            }
            if matches!(part.rule, Rule::Constant(_)) {
                reasons.push(Reason::HeaderMismatch);
            }
            self.add("header", &part.path(), &reasons, &part.reference, Some(i), checks::header_part);
        }
    }

    fn key_and_signature(&mut self) {
        let d = self.d;
        let token = d.token.as_ref();
        let token_reference = token.and_then(|t| t.reference.clone());
        let identity = d.parts.iter().position(|p| p.identifies);
        let in_claims = identity.and_then(|i| d.parts.get(i)).is_some_and(|p| p.place == Place::Claims);
        let identity_reference = identity.and_then(|i| d.parts.get(i)).and_then(|p| p.reference.clone());
        let malformed = &[Reason::TokenMalformed];
        let identify = |rows: &mut Self| {
            let mut reasons = vec![Reason::KeyUnknown];
            if in_claims {
                reasons.extend([Reason::ClaimsMissing, Reason::ClaimsWrongType]);
            }
            rows.add("key", "known", &reasons, &identity_reference, identity, checks::identify);
        };
        let caller_key = d.caller_key();
        if caller_key || token.is_none() {
            if in_claims {
                self.add("token", "claims", malformed, &token_reference, None, checks::parse_claims);
            }
            identify(self);
        }
        if let Some(token) = token {
            let reason = if token.format == Format::Jws {
                Reason::SignatureInvalid
            } else {
                Reason::TokenUndecryptable
            };
            // What only now is decoded may be malformed: the signature of a JWS, all of a sealed token.
            let reasons = &[Reason::TokenMalformed, reason];
            self.add("signature", "signature", reasons, &token_reference, None, checks::signature);
            if !(caller_key && in_claims) {
                self.add("token", "claims", malformed, &token_reference, None, checks::parse_claims);
            }
            if !caller_key {
                identify(self);
            }
        }
        let states = &[Reason::KeyRevoked, Reason::KeyExpired, Reason::KeyDisabled];
        self.add("key", "state", states, &identity_reference, None, checks::key_state);
    }

    fn claims(&mut self) {
        for (i, part) in self.parts(Place::Claims) {
            let reference = &part.reference;
            let missing = |reason| if part.optional { Vec::new() } else { vec![reason] };
            match &part.rule {
                Rule::Time(rule) => {
                    let mut reasons = missing(Reason::TimeMissing);
                    reasons.push(Reason::TimeWrongType);
                    reasons.extend(times::time_reasons(*rule, part.at_most));
                    self.add("time", &part.path(), &reasons, reference, Some(i), times::time);
                }
                Rule::Nonce(_) => {
                    let mut reasons = missing(Reason::ReplayMissing);
                    reasons.push(Reason::ReplayWrongType);
                    self.add("replay", &part.path(), &reasons, reference, Some(i), checks::nonce);
                }
                Rule::From(_) if part.binds().is_some() => {}
                Rule::From(_) | Rule::Constant(_) => {
                    let mut reasons = missing(Reason::ClaimsMissing);
                    reasons.push(Reason::ClaimsWrongType);
                    if checks::compared(self.d, &part) {
                        reasons.push(Reason::ClaimsMismatch);
                    }
                    self.add("claims", &part.path(), &reasons, reference, Some(i), checks::claim);
                }
            }
        }
        // A scheme that has a time of its own under another name does not free `nbf` of its meaning.
        let not_before = |p: &Part| p.path() == "claims.nbf";
        if self.d.token.is_some() && !self.d.parts.iter().any(not_before) {
            let reasons = &[Reason::TimeWrongType, Reason::TimeNotYet];
            self.add("time", "registered claim nbf", reasons, &None, None, times::registered_not_before);
        }
        for (i, part) in self.d.parts.iter().enumerate() {
            let from_credential =
                part.pipeline().and_then(|p| p.single()).is_some_and(|s| *s != Source::Token);
            let carried =
                matches!(part.place, Place::Field | Place::Body) && from_credential && !part.identifies;
            let in_header = part.place == Place::Header && from_credential && !part.identifies;
            if carried {
                let reasons = &[Reason::CarrierMismatch];
                self.add("carrier", &part.path(), reasons, &part.reference, Some(i), checks::copy);
            } else if in_header {
                let reasons = &[Reason::HeaderMismatch];
                self.add("header", &part.path(), reasons, &part.reference, Some(i), checks::copy);
            }
        }
    }

    fn bindings(&mut self) {
        let d = self.d;
        for (i, part) in d.parts.iter().enumerate() {
            let Some(binding) = part.binds() else { continue };
            let reason = match binding {
                Binding::Body => Reason::BindingBody,
                Binding::Path => Reason::BindingPath,
                Binding::Query => Reason::BindingQuery,
                Binding::Method => Reason::BindingMethod,
                Binding::Host => Reason::BindingHost,
            };
            let reasons = &[Reason::BindingMissing, Reason::BindingWrongType, reason];
            let name = part.path();
            self.add("binding", &name, reasons, &part.reference, Some(i), checks::binding);
        }
        let reference = &d.transport.reference;
        self.add("binding", "method", &[Reason::BindingMethod], reference, None, checks::method);
        if d.binds_body() {
            let reference = d.parts.iter().find(|p| p.reads_body()).and_then(|p| p.reference.clone());
            self.add(
                "binding",
                "unbound body",
                &[Reason::BindingBody],
                &reference,
                None,
                checks::unbound_body,
            );
        }
    }

    fn replay_and_access(&mut self) {
        let d = self.d;
        for (i, part) in d.parts.iter().enumerate().filter(|(_, p)| p.single_use) {
            let reasons = &[Reason::NonceReused, Reason::MemoryFull];
            self.add("replay", "single use", reasons, &part.reference, Some(i), checks::replay);
        }
        for (i, rule) in d.access.iter().enumerate() {
            let name = format!("access.{}", rule.name);
            self.add("access", &name, &[Reason::Access(i)], &rule.reference, Some(i), checks::access);
        }
        self.add("access", "endpoint", &[Reason::NoEndpoint], &None, None, checks::endpoint);
    }
}
