//! Why a request is refused: a closed set of codes `stage.reason`. It must not know how answers look.

/// The stages of verification, in order; each code begins with one.
pub const STAGES: [&str; 12] = [
    "transport",
    "carrier",
    "token",
    "header",
    "key",
    "signature",
    "claims",
    "time",
    "binding",
    "replay",
    "access",
    "proof",
];

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Plain HTTP where HTTPS is required.
    HttpsRequired,
    /// The field (or body member) that carries the credential is absent.
    CarrierMissing,
    /// It stands more than once.
    CarrierDuplicate,
    /// Its text is not of the documented form.
    CarrierMalformed,
    /// It contradicts the credential that was found.
    CarrierMismatch,
    /// The token is not of its format.
    TokenMalformed,
    /// The token is longer than [`crate::token::MAX_TOKEN`].
    TokenTooLarge,
    /// The token does not decrypt.
    TokenUndecryptable,
    /// `alg` (or `enc`) is not the pinned one.
    AlgNotAllowed,
    /// A `crit` header names something not understood (RFC 7515 section 4.1.11).
    CritUnsupported,
    /// A required header parameter is absent.
    HeaderMissing,
    /// A header parameter has the wrong value.
    HeaderMismatch,
    /// A header parameter has the wrong JSON type.
    HeaderWrongType,
    /// No such credential.
    KeyUnknown,
    /// The credential is revoked.
    KeyRevoked,
    /// The credential is expired.
    KeyExpired,
    /// The credential is disabled.
    KeyDisabled,
    /// The signature does not verify.
    SignatureInvalid,
    /// A required claim is absent.
    ClaimsMissing,
    /// A claim has the wrong value.
    ClaimsMismatch,
    /// A claim has the wrong JSON type.
    ClaimsWrongType,
    /// A required time is absent.
    TimeMissing,
    /// A time has the wrong type.
    TimeWrongType,
    /// The token is expired.
    TimeExpired,
    /// The token is not valid yet.
    TimeNotYet,
    /// The token lives longer than allowed.
    TimeTooFar,
    /// The token is older than allowed.
    TimeTooOld,
    /// The claim that binds the request is absent.
    BindingMissing,
    /// The claim that binds the request has the wrong type.
    BindingWrongType,
    /// The body is not the one that was bound.
    BindingBody,
    /// The path is not the one that was bound.
    BindingPath,
    /// The method is not the one that was bound, or not one of the API.
    BindingMethod,
    /// The host is not the one that was bound.
    BindingHost,
    /// The query is not the one that was bound.
    BindingQuery,
    /// The nonce is absent.
    ReplayMissing,
    /// The nonce has the wrong type.
    ReplayWrongType,
    /// The nonce was used before.
    NonceReused,
    /// The replay memory is full: refused, because forgetting would let replays in.
    MemoryFull,
    /// An operation lacks an input.
    ProofMissing,
    /// An input of an operation has the wrong form.
    ProofMalformed,
    /// An operation's proof is wrong.
    ProofMismatch,
    /// Authenticated, but there is no such endpoint.
    NoEndpoint,
    /// The access rule with this index refuses; its code is `access.NAME`.
    Access(usize),
}

impl Reason {
    /// All reasons with fixed codes.
    pub const CODES: [(&'static str, Self); 41] = [
        ("transport.https-required", Self::HttpsRequired),
        ("carrier.missing", Self::CarrierMissing),
        ("carrier.duplicate", Self::CarrierDuplicate),
        ("carrier.malformed", Self::CarrierMalformed),
        ("carrier.mismatch", Self::CarrierMismatch),
        ("token.malformed", Self::TokenMalformed),
        ("token.too-large", Self::TokenTooLarge),
        ("token.undecryptable", Self::TokenUndecryptable),
        ("header.alg-not-allowed", Self::AlgNotAllowed),
        ("header.crit-unsupported", Self::CritUnsupported),
        ("header.missing", Self::HeaderMissing),
        ("header.mismatch", Self::HeaderMismatch),
        ("header.wrong-type", Self::HeaderWrongType),
        ("key.unknown", Self::KeyUnknown),
        ("key.revoked", Self::KeyRevoked),
        ("key.expired", Self::KeyExpired),
        ("key.disabled", Self::KeyDisabled),
        ("signature.invalid", Self::SignatureInvalid),
        ("claims.missing", Self::ClaimsMissing),
        ("claims.mismatch", Self::ClaimsMismatch),
        ("claims.wrong-type", Self::ClaimsWrongType),
        ("time.missing", Self::TimeMissing),
        ("time.wrong-type", Self::TimeWrongType),
        ("time.expired", Self::TimeExpired),
        ("time.not-yet", Self::TimeNotYet),
        ("time.too-far", Self::TimeTooFar),
        ("time.too-old", Self::TimeTooOld),
        ("binding.missing", Self::BindingMissing),
        ("binding.wrong-type", Self::BindingWrongType),
        ("binding.body", Self::BindingBody),
        ("binding.path", Self::BindingPath),
        ("binding.method", Self::BindingMethod),
        ("binding.host", Self::BindingHost),
        ("binding.query", Self::BindingQuery),
        ("replay.missing", Self::ReplayMissing),
        ("replay.wrong-type", Self::ReplayWrongType),
        ("replay.nonce-reused", Self::NonceReused),
        ("replay.memory-full", Self::MemoryFull),
        ("proof.missing", Self::ProofMissing),
        ("proof.malformed", Self::ProofMalformed),
        ("proof.mismatch", Self::ProofMismatch),
    ];

    /// The fixed code; access rules have the code of their name, see [`crate::Plan::code`].
    pub fn fixed_code(self) -> Option<&'static str> {
        match self {
            Self::NoEndpoint => Some("access.no-endpoint"),
            _ => Self::CODES.iter().find(|(_, reason)| *reason == self).map(|(code, _)| *code),
        }
    }
}

/// Whether `pattern` is a reason code, `stage.*`, or `*`.
pub fn is_code(pattern: &str) -> bool {
    pattern == "*"
        || pattern.strip_suffix(".*").is_some_and(|stage| STAGES.contains(&stage))
        || pattern.strip_prefix("access.").is_some_and(|name| !name.is_empty())
        || Reason::CODES.iter().any(|(code, _)| *code == pattern)
}
