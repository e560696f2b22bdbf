//! The signer, in stages: draft, parts, texts, token, message. [`sign`] runs them all; whoever edits a request
//! on the way calls them one by one. Time and randomness come in; it must not ask for them.

mod maker;
mod prepared;
mod trace;

use std::borrow::Cow;
use std::fmt;

use crate::description::{Description, Format, Operation, Part, Place, Source};
use crate::encoding::{JsonRules, Limits, Value as Json, parse_value, string_literal};
use crate::key::Key;
use crate::request::{Message, percent_encode};
use crate::token;
use crate::world::{Credential, Endpoint, Platform, World, value};
use maker::Maker;
pub use maker::write_time;
pub use prepared::Prepared;
pub use trace::Trace;

/// Randomness of a binding: the same purpose gives the same bytes.
pub trait Entropy {
    /// `len` bytes for a purpose such as `claims.nonce` or `token.iv`.
    fn bytes(&self, purpose: &str, len: usize) -> Vec<u8>;
}

/// Who signs, when, with which randomness.
#[derive(Clone, Copy)]
pub struct Signer<'a> {
    /// The scheme.
    pub description: &'a Description,
    /// What the caller holds.
    pub credential: &'a Credential,
    /// What the verifying side holds; needed where it signs.
    pub platform: Option<&'a Platform>,
    /// Seconds since 1970 UTC.
    pub now: u64,
    /// Randomness.
    pub entropy: &'a dyn Entropy,
}

/// Why a request can't be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignError {
    /// A source has no value for this part.
    Missing {
        /// The part.
        part: String,
        /// The source.
        source: String,
    },
    /// The bytes don't fit a step of this part.
    Unfit {
        /// The part.
        part: String,
        /// Why.
        why: &'static str,
    },
    /// The key does not fit the algorithm.
    Key,
    /// A body part needs a JSON object as body.
    Body,
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { part, source } => write!(f, "`{part}` needs `{source}`, which has no value here"),
            Self::Unfit { part, why } => write!(f, "`{part}` can't be computed: {why}"),
            Self::Key => f.write_str("the key does not fit the algorithm"),
            Self::Body => f.write_str("the scheme adds members to the body, which must be a JSON object"),
        }
    }
}

impl std::error::Error for SignError {}

/// A request before anything is computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Whether it goes over TLS.
    pub secure: bool,
    /// Method.
    pub method: String,
    /// Value of the Host field.
    pub host: String,
    /// Path template.
    pub path: String,
    /// Path parameters, decoded.
    pub parameters: Vec<(String, String)>,
    /// Query without `?`.
    pub query: String,
    /// Further fields.
    pub fields: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Draft {
    /// The good request of an endpoint.
    pub fn of(world: &World, endpoint: &Endpoint) -> Self {
        Self {
            secure: true,
            method: endpoint.method.clone(),
            host: world.host(),
            path: endpoint.path.clone(),
            parameters: endpoint.parameters.clone(),
            query: endpoint.query.clone(),
            fields: endpoint.fields.clone(),
            body: endpoint.body.clone(),
        }
    }

    /// The path with its parameters filled in, percent-encoded.
    pub fn raw_path(&self) -> String {
        let fill = |segment: &str| match segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
            Some(name) => {
                let value = self.parameters.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str());
                percent_encode(value)
            }
            None => segment.to_string(),
        };
        self.path.split('/').map(fill).collect::<Vec<_>>().join("/")
    }

    /// This draft with the scheme's members appended to its body, in order.
    ///
    /// # Errors
    /// [`SignError::Body`] if there are members to add and the body is no JSON object.
    pub fn with_body_of(&self, written: &[Written]) -> Result<Cow<'_, Self>, SignError> {
        Ok(match with_body_parts(&self.body, written)? {
            Cow::Borrowed(_) => Cow::Borrowed(self),
            Cow::Owned(body) => Cow::Owned(Self { body, ..self.clone() }),
        })
    }

    /// This draft with the path parameters that the scheme computes.
    fn with_parameters_of(&self, written: &[Written]) -> Cow<'_, Self> {
        let mut draft = Cow::Borrowed(self);
        for parameter in written.iter().filter(|w| w.place == Place::Parameter) {
            let text = String::from_utf8_lossy(&parameter.bytes).into_owned();
            let parameters = &mut draft.to_mut().parameters;
            parameters.retain(|(name, _)| *name != parameter.name);
            parameters.push((parameter.name.clone(), text));
        }
        draft
    }

    /// The request target.
    pub fn target(&self) -> String {
        let path = self.raw_path();
        if self.query.is_empty() { path } else { format!("{path}?{}", self.query) }
    }
}

/// The value of a part, computed or given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where it sits.
    pub place: Place,
    /// Its name there.
    pub name: String,
    /// Its JSON text.
    pub json: String,
    /// Its plain bytes, as other parts read it.
    pub bytes: Vec<u8>,
}

impl Written {
    /// A value given as JSON text (any text: what is not JSON stands as it is).
    pub fn given(place: Place, name: &str, json: &str) -> Self {
        let bytes = match parse_value(json.as_bytes(), &JsonRules::STRICT, &Limits::DEFAULT) {
            Ok(Json::String(text)) => text.as_bytes().to_vec(),
            _ => json.as_bytes().to_vec(),
        };
        Self { place, name: name.into(), json: json.into(), bytes }
    }
}

/// JSON texts of header and claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    /// JOSE header.
    pub header: String,
    /// Claims.
    pub claims: String,
}

/// Signs the good request of an endpoint, and tells how.
///
/// # Errors
/// See [`SignError`].
pub fn sign(signer: &Signer<'_>, draft: &Draft) -> Result<(Message, Trace), SignError> {
    let mut trace = Trace::kept();
    let message = made(signer, draft, &mut trace)?;
    Ok((message, trace))
}

/// As [`sign`], where nobody asks how.
///
/// # Errors
/// See [`SignError`].
pub fn signed(signer: &Signer<'_>, draft: &Draft) -> Result<Message, SignError> {
    made(signer, draft, &mut Trace::none())
}

fn made(signer: &Signer<'_>, draft: &Draft, trace: &mut Trace) -> Result<Message, SignError> {
    let own = signer.own_parts(&signer.description.parts);
    let parts = signer.parts(&own, draft, &[], trace)?;
    let draft = draft.with_body_of(&parts)?;
    let token = signer.token(&parts, trace)?;
    signer.message(&own, &draft, &parts, token.as_deref())
}

impl<'a> Signer<'a> {
    /// Computes the parts that sit in header, claims, body and path, in order; `given` replaces values before
    /// others read them. Body members are computed first, since a binding covers the finished body. After an error
    /// the trace is lost.
    ///
    /// # Errors
    /// See [`SignError`].
    pub fn parts(
        &self,
        parts: &[Part],
        draft: &Draft,
        given: &[Written],
        trace: &mut Trace,
    ) -> Result<Vec<Written>, SignError> {
        let mut maker = Maker::new(self, parts, draft, given, std::mem::take(trace));
        let early = |p: &&Part| matches!(p.place, Place::Body | Place::Parameter);
        let mut written = Vec::new();
        for part in parts.iter().filter(early) {
            written.extend(maker.write(part)?);
        }
        maker.draft = draft.with_parameters_of(&written);
        if let Cow::Owned(body) = with_body_parts(&draft.body, &written)? {
            maker.draft.to_mut().body = body;
        }
        for part in parts.iter().filter(|p| matches!(p.place, Place::Header | Place::Claims)) {
            written.extend(maker.write(part)?);
        }
        *trace = maker.into_trace();
        Ok(written)
    }

    /// The JSON texts of header and claims.
    pub fn texts(&self, parts: &[Written], alg: &str) -> Texts {
        let mut header = vec![format!("\"alg\":{alg}")];
        if self.description.token.as_ref().is_some_and(|t| t.format == Format::Jwe) {
            header.push("\"enc\":\"A256GCM\"".into());
        }
        let members = |place: Place| {
            parts
                .iter()
                .filter(move |w| w.place == place)
                .map(|w| format!("{}:{}", string_literal(&w.name), w.json))
        };
        header.extend(members(Place::Header));
        let claims: Vec<String> = members(Place::Claims).collect();
        Texts { header: format!("{{{}}}", header.join(",")), claims: format!("{{{}}}", claims.join(",")) }
    }

    /// The key that the description names.
    pub fn key(&self) -> Option<Key<'a>> {
        let token = self.description.token.as_ref()?;
        let values = match &token.key {
            Source::Credential(_) => &self.credential.values,
            _ => &self.platform?.values,
        };
        let full = token.key.name();
        value(values, full.split_once('.')?.1)?.key()
    }

    /// The token that was captured, where the key that signs is not here.
    pub fn captured(&self) -> Option<&'a str> {
        let captured = self.credential.captured.as_ref()?;
        if self.key().is_some() { None } else { std::str::from_utf8(captured.expose()).ok() }
    }

    /// The parts that this caller makes itself: a captured token brings its header and claims along, a captured request
    /// the fields that are computed.
    pub fn own_parts(&self, parts: &[Part]) -> Vec<Part> {
        let (token, request) = (self.captured().is_some(), self.credential.request.is_some());
        let own = |p: &&Part| match p.place {
            Place::Header | Place::Claims => !token,
            Place::Field => !request || p.travels_as_it_is(),
            Place::Body | Place::Parameter | Place::Answer => true,
        };
        parts.iter().filter(own).cloned().collect()
    }

    /// The finished token by the description's own rules; `None` if the scheme has none.
    ///
    /// # Errors
    /// [`SignError::Key`] if key and algorithm don't fit.
    pub fn token(&self, parts: &[Written], trace: &mut Trace) -> Result<Option<String>, SignError> {
        let Some(rule) = &self.description.token else { return Ok(None) };
        if let Some(captured) = self.captured() {
            return Ok(Some(captured.into()));
        }
        let texts = self.texts(parts, &string_literal(rule.alg.header_name()));
        let key = self.key().ok_or(SignError::Key)?;
        let segments = self.seal(rule.format, Some(rule.alg), key, &texts, trace).ok_or(SignError::Key)?;
        Ok(Some(segments.join(".")))
    }

    /// Signs or seals texts; `None` if key and algorithm don't fit. `alg` = `None` leaves a JWS unsigned.
    pub fn seal(
        &self,
        format: Format,
        alg: Option<crate::description::Alg>,
        key: Key<'_>,
        texts: &Texts,
        trace: &mut Trace,
    ) -> Option<Vec<String>> {
        if format != Format::Opaque {
            trace.add(|| ("header".into(), texts.header.clone().into_bytes()));
        }
        trace.add(|| ("claims".into(), texts.claims.clone().into_bytes()));
        let iv = self.entropy.bytes("token.iv", token::IV_LEN);
        let segments = token::make(format, alg, key, texts.header.as_bytes(), texts.claims.as_bytes(), &iv)?;
        if let (Format::Jws, [header, payload, _]) = (format, segments.as_slice()) {
            trace.add(|| ("signing-input".into(), format!("{header}.{payload}").into_bytes()));
        }
        Some(segments)
    }

    /// The finished message: draft, then the field parts of `parts_of`.
    ///
    /// # Errors
    /// See [`SignError`].
    pub fn message(
        &self,
        parts_of: &[Part],
        draft: &Draft,
        written: &[Written],
        token: Option<&str>,
    ) -> Result<Message, SignError> {
        let draft = draft.with_parameters_of(written);
        let mut fields = vec![("Host".to_string(), draft.host.clone().into_bytes())];
        fields.extend(draft.fields.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())));
        let typed = fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if !draft.body.is_empty() && !typed {
            fields.push(("Content-Type".into(), b"application/json".to_vec()));
        }
        for part in parts_of.iter().filter(|p| p.place == Place::Field) {
            let bytes = if part.pipeline().and_then(|p| p.single()) == Some(&Source::Token) {
                match token {
                    Some(token) => token.as_bytes().to_vec(),
                    None => continue,
                }
            } else {
                match self.field_value(parts_of, &draft, part)? {
                    Some(bytes) => bytes,
                    None => continue,
                }
            };
            fields.push((part.name.clone(), field_line(part, &bytes)));
        }
        Ok(Message {
            secure: draft.secure,
            method: draft.method.clone(),
            target: draft.target(),
            fields,
            body: draft.body.clone(),
        })
    }

    fn field_value(&self, parts: &[Part], draft: &Draft, part: &Part) -> Result<Option<Vec<u8>>, SignError> {
        let maker = Maker::new(self, parts, draft, &[], Trace::none());
        Ok(maker.write(part)?.map(|w| w.bytes))
    }

    /// The parts of an operation's request: its inputs, and where it is guarded those of the scheme.
    pub fn operation_parts(&self, operation: &Operation) -> Vec<Part> {
        let mut parts = operation.parts.clone();
        if operation.guarded {
            parts.extend(self.description.parts.iter().cloned());
        }
        parts
    }
}

/// The value of a field line: auth-scheme or prefix, then the bytes.
pub fn field_line(part: &Part, bytes: &[u8]) -> Vec<u8> {
    let mut line = match (&part.auth_scheme, &part.prefix) {
        (Some(scheme), _) => format!("{scheme} ").into_bytes(),
        (None, Some(prefix)) => prefix.clone().into_bytes(),
        (None, None) => Vec::new(),
    };
    line.extend_from_slice(bytes);
    line
}

/// The body with the scheme's members appended, in order.
///
/// # Errors
/// [`SignError::Body`] if there are members to add and the body is no JSON object.
fn with_body_parts<'b>(body: &'b [u8], written: &[Written]) -> Result<Cow<'b, [u8]>, SignError> {
    let members: Vec<&Written> = written.iter().filter(|w| w.place == Place::Body).collect();
    if members.is_empty() {
        return Ok(Cow::Borrowed(body));
    }
    let text = if body.is_empty() { "{}" } else { std::str::from_utf8(body).map_err(|_| SignError::Body)? };
    let inner = text.trim().strip_prefix('{').and_then(|t| t.strip_suffix('}')).ok_or(SignError::Body)?;
    let added = members.iter().map(|w| format!("{}:{}", string_literal(&w.name), w.json));
    let mut all: Vec<String> = if inner.trim().is_empty() { Vec::new() } else { vec![inner.to_string()] };
    all.extend(added);
    Ok(Cow::Owned(format!("{{{}}}", all.join(",")).into_bytes()))
}
