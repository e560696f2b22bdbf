//! The format of frozen vector files: what other languages read. It must not know how vectors are made.
//!
//! Each field is explained in `vectors/README.md`; the JSON schema is generated from these types.

use std::collections::BTreeMap;

use bearproof_scheme::document::MAX_FILE;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::results::{Level, Severity};

/// The format of vector files; another number means another shape.
pub const FORMAT: u32 = 1;

/// Version of the suite, in the head of every file.
pub const SUITE: &str = env!("CARGO_PKG_VERSION");

/// A file of frozen vectors: one family of one scheme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VectorFile {
    /// Always 1.
    pub format: u32,
    /// Suite version.
    pub suite: String,
    /// Scheme id.
    pub scheme: String,
    /// Family.
    pub family: String,
    /// The published world that the vectors were frozen in.
    pub world: FrozenWorld,
    /// The vectors.
    pub vectors: Vec<Vector>,
}

/// The published world: everything needed to check the vectors without Rust.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FrozenWorld {
    /// Seconds since 1970-01-01T00:00:00Z at which a vector begins.
    pub clock: u64,
    /// Scheme, host and port of the API.
    pub origin: String,
    /// Tolerance for clocks in seconds.
    pub leeway: u64,
    /// Options taken for the scheme's choices, unless a vector says otherwise.
    pub choices: BTreeMap<String, String>,
    /// What callers hold, by role.
    pub credentials: BTreeMap<String, FrozenCredential>,
    /// What the verifying side holds, by role; `primary` is the one under test.
    pub platforms: BTreeMap<String, BTreeMap<String, FrozenValue>>,
    /// Endpoints by role.
    pub endpoints: BTreeMap<String, FrozenEndpoint>,
}

/// A caller's credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FrozenCredential {
    /// `active`, `revoked`, `expired` or `disabled`.
    pub state: String,
    /// Its values.
    pub values: BTreeMap<String, FrozenValue>,
}

/// A value of a credential or a platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum FrozenValue {
    /// Text; the bytes are its UTF-8.
    Text(String),
    /// Bytes in standard base64.
    Base64(String),
    /// Whole number.
    Integer(i64),
    /// List of texts.
    List(Vec<String>),
    /// Key pair.
    KeyPair {
        /// PKCS#8 private key.
        private_pem: String,
        /// Public key as a JWK, JSON text.
        public_jwk: String,
    },
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FrozenEndpoint {
    /// Method.
    pub method: String,
    /// Path with `{parameter}`.
    pub path: String,
    /// What access rules ask for here: text or list.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub attributes: BTreeMap<String, FrozenValue>,
}

/// One vector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// `<scheme>/<family>/<name>`, permanent.
    pub id: String,
    /// What a server that gets this wrong does; empty for a vector that is to be accepted.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub why: String,
    /// How binding it is.
    pub level: Level,
    /// How severe it is to get it wrong.
    pub severity: Severity,
    /// Requirement ids, RFC clauses, catalogue entries.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub refs: Vec<String>,
    /// What a target must offer for this vector to be run on it live.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub needs: Vec<String>,
    /// Options that differ from the world's choices.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub choose: BTreeMap<String, String>,
    /// Id of the control: the same without the fault, accepted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub twin: Option<String>,
    /// The exchanges.
    pub steps: Vec<FrozenStep>,
}

/// One exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FrozenStep {
    /// `call`, `obtain` (answers with a token), `revoke` (by request or, without one, by a hook) or `wait`.
    pub action: String,
    /// Caller's role.
    pub role: String,
    /// Seconds since 1970 UTC when the request arrives.
    pub clock: u64,
    /// The request; absent where nothing is sent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request: Option<FrozenRequest>,
    /// Intermediate values of the signature, in order.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub trace: Vec<TraceEntry>,
    /// What is expected.
    pub expect: FrozenExpect,
}

/// An intermediate value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TraceEntry {
    /// Which, for example `claims.digest: sha-512` or `signing-input`.
    pub name: String,
    /// Its bytes.
    pub value: Bytes,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FrozenRequest {
    /// Whether it comes over TLS.
    pub secure: bool,
    /// Method.
    pub method: String,
    /// Request target.
    pub target: String,
    /// Field lines in order; Content-Length is left to the carrier.
    pub fields: Vec<FieldLine>,
    /// Content.
    pub body: Bytes,
}

/// A field line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldLine {
    /// Name as sent.
    pub name: String,
    /// Value as sent.
    pub value: Bytes,
}

/// Bytes in the most readable of three forms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Bytes {
    /// The UTF-8 of this text.
    Utf8(String),
    /// Standard base64.
    Base64(String),
    /// `before`, then `unit` `times` times, then `after`, as UTF-8.
    Repeat {
        /// What stands first.
        before: String,
        /// What is repeated.
        unit: String,
        /// How often.
        times: u32,
        /// What stands last.
        after: String,
    },
    /// Too long to print: SHA-256 in hex and length in bytes. Only in traces.
    Digest {
        /// SHA-256, hex.
        sha256: String,
        /// Length in bytes.
        length: u64,
    },
}

/// What is expected of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FrozenExpect {
    /// `accept`, `reject`, or `any` (behaviour is recorded).
    pub verdict: String,
    /// Any of these reason codes, for subjects that tell one.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub reasons: Vec<String>,
    /// Any of these statuses, where the scheme's document names them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub status: Vec<u16>,
    /// Members of the JSON body, where the document names them: name and JSON text.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub body: BTreeMap<String, String>,
}

impl Bytes {
    /// The most readable form of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Self::Base64(bearproof_scheme::encoding::encode_standard(bytes));
        };
        repeated(text).unwrap_or_else(|| Self::Utf8(text.into()))
    }

    /// As [`Bytes::of`], with long values as a digest.
    pub fn of_trace(bytes: &[u8]) -> Self {
        use sha2::{Digest, Sha256};
        if bytes.len() <= 4096 {
            return Self::of(bytes);
        }
        let sha256 = bearproof_scheme::encoding::encode_hex(&Sha256::digest(bytes));
        Self::Digest { sha256, length: u64::try_from(bytes.len()).unwrap_or(u64::MAX) }
    }

    /// The bytes; `None` if the base64 is broken, a repeated text is longer than [`MAX_FILE`], or only a digest is
    /// known.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Utf8(text) => Some(text.clone().into_bytes()),
            Self::Base64(text) => {
                let url = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
                let strict = bearproof_scheme::encoding::Rules::STRICT;
                bearproof_scheme::encoding::decode_url(url.as_bytes(), &strict).ok()
            }
            Self::Repeat { before, unit, times, after } => {
                let times = usize::try_from(*times).ok()?;
                // A few bytes of a file may ask for gigabytes.
                unit.len().checked_mul(times).filter(|length| *length <= MAX_FILE)?;
                Some(format!("{before}{}{after}", unit.repeat(times)).into_bytes())
            }
            Self::Digest { .. } => None,
        }
    }
}

/// The `repeat` form of a long text with one long run of a single character.
fn repeated(text: &str) -> Option<Bytes> {
    if text.len() <= 1024 {
        return None;
    }
    let mut best: (usize, usize, char) = (0, 0, ' ');
    let mut run: Option<(usize, usize, char)> = None;
    for (offset, c) in text.char_indices() {
        run = match run {
            Some((start, count, last)) if last == c => Some((start, count + 1, c)),
            _ => Some((offset, 1, c)),
        };
        if let Some(current) = run
            && current.1 > best.1
        {
            best = current;
        }
    }
    let (start, count, c) = best;
    if count < 512 {
        return None;
    }
    let end = start + count * c.len_utf8();
    Some(Bytes::Repeat {
        before: text.get(..start)?.into(),
        unit: c.to_string(),
        times: u32::try_from(count).ok()?,
        after: text.get(end..)?.into(),
    })
}
