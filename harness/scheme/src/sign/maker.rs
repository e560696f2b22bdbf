//! Computes the values of parts, on demand: one part may read another. It must not place them in a request.

use std::borrow::Cow;
use std::cell::RefCell;

use super::{Draft, Entropy, SignError, Signer, Trace, Written};
use crate::compute::{self, Failure, Sources, evaluate};
use crate::description::{Lifetime, Nonce, Part, Pipeline, Place, Rule, Source, TimeRule, Type};
use crate::encoding::{encode_hex, string_literal};
use crate::key::Secret;
use crate::time;
use crate::world::{Values, value};

/// Computes parts on demand: one part may read another.
pub(super) struct Maker<'m, 'a> {
    signer: &'m Signer<'a>,
    parts: &'m [Part],
    /// The request that is read; members of the body are added to it as they become known.
    pub(super) draft: Cow<'m, Draft>,
    given: &'m [Written],
    done: RefCell<Vec<Written>>,
    trace: RefCell<Trace>,
}

impl<'m, 'a> Maker<'m, 'a> {
    /// `given` goes before what the description says.
    pub(super) fn new(
        signer: &'m Signer<'a>,
        parts: &'m [Part],
        draft: &'m Draft,
        given: &'m [Written],
        trace: Trace,
    ) -> Self {
        let draft = Cow::Borrowed(draft);
        Self { signer, parts, draft, given, done: RefCell::default(), trace: RefCell::new(trace) }
    }

    /// The trace with every step that was computed.
    pub(super) fn into_trace(self) -> Trace {
        self.trace.into_inner()
    }

    /// The value of a part; `None` if it does not exist for this request, or is optional and has no value.
    pub(super) fn write(&self, part: &Part) -> Result<Option<Written>, SignError> {
        if !part.applies(&self.draft.method, !self.draft.body.is_empty(), !self.draft.query.is_empty()) {
            return Ok(None);
        }
        let same = |w: &&Written| w.place == part.place && w.name == part.name;
        if let Some(done) = self.done.borrow().iter().find(same) {
            return Ok(Some(done.clone()));
        }
        let written = match self.given.iter().find(same) {
            Some(given) => given.clone(),
            None => match self.compute(part) {
                Ok(written) => written,
                Err(SignError::Missing { .. }) if part.optional => return Ok(None),
                Err(error) => return Err(error),
            },
        };
        self.done.borrow_mut().push(written.clone());
        Ok(Some(written))
    }

    fn compute(&self, part: &Part) -> Result<Written, SignError> {
        let first = part.types.first().copied().unwrap_or(Type::String);
        let bytes = match &part.rule {
            Rule::Constant(text) => text.clone().into_bytes(),
            Rule::Nonce(shape) => nonce(*shape, self.signer.entropy, &part.path()),
            Rule::Time(rule) => {
                let seconds = match rule {
                    TimeRule::Expires => self.signer.now.saturating_add(lifetime(self.signer, part)?),
                    TimeRule::Issued | TimeRule::NotBefore => self.signer.now,
                };
                write_time(first, seconds)
            }
            Rule::From(pipeline) => {
                let bytes = self.evaluated(part, pipeline).map_err(|failure| match failure {
                    Failure::Missing(source) => {
                        SignError::Missing { part: part.path(), source: source.name() }
                    }
                    Failure::NotJson => SignError::Unfit { part: part.path(), why: "the body is not JSON" },
                    Failure::NotText => SignError::Unfit { part: part.path(), why: "the value is not UTF-8" },
                })?;
                match (first, pipeline.single()) {
                    // An answer repeats a time in a unit of its own.
                    (Type::Milliseconds | Type::Rfc3339 | Type::HttpDate, Some(Source::Claims(_))) => {
                        let seconds =
                            std::str::from_utf8(&bytes).ok().and_then(|t| t.parse().ok()).unwrap_or(0);
                        write_time(first, seconds)
                    }
                    _ => bytes,
                }
            }
        };
        let json = match first {
            _ if first.is_number() => String::from_utf8_lossy(&bytes).into_owned(),
            Type::List => {
                let list = String::from_utf8_lossy(&bytes);
                let items: Vec<String> =
                    list.split(' ').filter(|i| !i.is_empty()).map(string_literal).collect();
                format!("[{}]", items.join(","))
            }
            _ => string_literal(&String::from_utf8_lossy(&bytes)),
        };
        Ok(Written { place: part.place, name: part.name.clone(), json, bytes })
    }

    /// The value of a pipeline. A pipeline may read another part, whose steps stand before its own.
    fn evaluated(&self, part: &Part, pipeline: &Pipeline) -> Result<Vec<u8>, Failure> {
        if !self.trace.borrow().is_kept() {
            return compute::value(pipeline, self).map(Cow::into_owned);
        }
        let mut steps = Vec::new();
        let bytes = evaluate(pipeline, self, &mut |name, bytes| {
            steps.push((format!("{}: {name}", part.path()), bytes.to_vec()));
        })?;
        let mut trace = self.trace.borrow_mut();
        steps.into_iter().for_each(|step| trace.add(|| step));
        Ok(bytes)
    }
}

/// How long a token lives whose end is this part.
pub(super) fn lifetime(signer: &Signer<'_>, part: &Part) -> Result<u64, SignError> {
    match &part.lifetime {
        None => Ok(60),
        Some(Lifetime::Fixed(seconds)) => Ok(*seconds),
        Some(Lifetime::Credential(name)) => {
            let missing = || SignError::Missing { part: part.path(), source: format!("credential.{name}") };
            let bytes = read(&signer.credential.values, name).ok_or_else(missing)?;
            std::str::from_utf8(&bytes).ok().and_then(|t| t.parse().ok()).ok_or_else(missing)
        }
    }
}

impl Sources for Maker<'_, '_> {
    fn bytes(&self, source: &Source) -> Option<Cow<'_, [u8]>> {
        let part = |place: Place, name: &str| {
            self.parts
                .iter()
                .filter(|p| p.place == place && p.name == name)
                .find_map(|p| self.write(p).ok().flatten())
                .map(|w| Cow::Owned(w.bytes))
        };
        match source {
            Source::Method => Some(Cow::Borrowed(self.draft.method.as_bytes())),
            Source::Host => Some(Cow::Borrowed(self.draft.host.as_bytes())),
            Source::Path => Some(Cow::Owned(self.draft.raw_path().into_bytes())),
            Source::Query => Some(Cow::Borrowed(self.draft.query.as_bytes())),
            Source::Target => Some(Cow::Owned(self.draft.target().into_bytes())),
            Source::Body => Some(Cow::Borrowed(&self.draft.body)),
            Source::Parameter(name) => self
                .draft
                .parameters
                .iter()
                .find(|(n, _)| n == name)
                .map(|(_, v)| Cow::Borrowed(v.as_bytes())),
            Source::Credential(name) => read(&self.signer.credential.values, name),
            Source::Platform(name) => read(&self.signer.platform?.values, name),
            Source::Claims(name) => part(Place::Claims, name),
            Source::Header(name) => part(Place::Header, name),
            Source::Endpoint(_) | Source::Token => None,
        }
    }

    fn secret(&self, source: &Source) -> Option<&Secret> {
        let held = match source {
            Source::Credential(name) => value(&self.signer.credential.values, name)?,
            Source::Platform(name) => value(&self.signer.platform?.values, name)?,
            _ => return None,
        };
        held.secret()
    }
}

fn read<'v>(values: &'v Values, name: &str) -> Option<Cow<'v, [u8]>> {
    value(values, name)?.bytes()
}

/// Seconds as a part of this type writes them.
pub fn write_time(form: Type, seconds: u64) -> Vec<u8> {
    match form {
        Type::Milliseconds => seconds.saturating_mul(1000).to_string(),
        Type::HttpDate => time::http_date(seconds),
        Type::Rfc3339 => time::rfc3339(seconds),
        _ => seconds.to_string(),
    }
    .into_bytes()
}

/// A nonce of this shape.
pub(super) fn nonce(shape: Nonce, entropy: &dyn Entropy, purpose: &str) -> Vec<u8> {
    let number = |len: usize| {
        entropy
            .bytes(purpose, len)
            .iter()
            .fold(0_u64, |value, byte| (value << 8) | u64::from(*byte))
            .to_string()
    };
    match shape {
        Nonce::U32 => number(4),
        Nonce::U64 => number(8),
        Nonce::Hex32 => encode_hex(&entropy.bytes(purpose, 16)),
        Nonce::Uuid => {
            let mut bytes = entropy.bytes(purpose, 16);
            // RFC 9562 section 5.4: version 4, variant 10.
            if let Some(byte) = bytes.get_mut(6) {
                *byte = (*byte & 0x0f) | 0x40;
            }
            if let Some(byte) = bytes.get_mut(8) {
                *byte = (*byte & 0x3f) | 0x80;
            }
            let hex = encode_hex(&bytes);
            let cut = |from: usize, to: usize| hex.get(from..to).unwrap_or("");
            [cut(0, 8), cut(8, 12), cut(12, 16), cut(16, 20), cut(20, 32)].join("-")
        }
    }
    .into_bytes()
}
