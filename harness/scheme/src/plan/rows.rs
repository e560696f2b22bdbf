//! Which checks a description has, with their reasons, in the order of the stages. It must not do what a check does.

use super::Row;
use crate::description::{Binding, Description, Format, Part, Place, Rule, Source};
use crate::encoding::Name;
use crate::verdict::Reason;
use crate::verify::carrier;
use crate::verify::case::Case;
use crate::verify::checks;
use crate::verify::signature;
use crate::verify::times;

/// The rows of a description, in the order of the stages. `names` are the claims whose places are known.
pub(super) fn rows(d: &Description, names: &[Name]) -> Vec<Row> {
    let mut rows = Rows { d, names, rows: Vec::new() };
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
    names: &'d [Name],
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
        // The part of an access rule's row is the rule.
        let claim = part.filter(|_| stage != "access").and_then(|i| self.d.parts.get(i));
        let claim = claim.filter(|p| p.place == Place::Claims);
        let row = Row {
            stage,
            name: name.into(),
            reasons: reasons.to_vec(),
            reference: reference.clone(),
            part,
            claim: claim.and_then(|part| self.number(&part.name)),
            check: Box::new(check),
        };
        self.rows.push(row);
    }

    /// The number of a claim among those whose places are known.
    fn number(&self, name: &str) -> Option<usize> {
        let name = Name::new(name)?;
        self.names.iter().position(|own| *own == name)
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
            self.add("signature", "signature", reasons, &token_reference, None, signature::signature);
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
                    let mut check: fn(&mut Case<'_>, &Row) -> Result<(), Reason> = checks::believed_claim;
                    if checks::compared(self.d, &part) {
                        reasons.push(Reason::ClaimsMismatch);
                        check = checks::claim;
                    }
                    self.add("claims", &part.path(), &reasons, reference, Some(i), check);
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
            let claims = [&rule.granted, &rule.required].map(|source| match source {
                Source::Claims(name) => self.number(name),
                _ => None,
            });
            let check = move |case: &mut Case<'_>, row: &Row| checks::access(case, row, claims);
            self.add("access", &name, &[Reason::Access(i)], &rule.reference, Some(i), check);
        }
        self.add("access", "endpoint", &[Reason::NoEndpoint], &None, None, checks::endpoint);
    }
}
