//! How a token is signed, as data: with which algorithm and key, over what, and how it is spelt.
//! It must not know why.

use crate::description::{Alg, Description, Format, Source};
use crate::encoding::{encode_hex, encode_standard, encode_url, encode_url_padded};
use crate::key::{self, Key};
use crate::mistake::KeyForm;
use crate::sign::{SignError, Texts, Trace};
use crate::token;
use crate::world::{Value, value};

use super::{Signing, Start};

/// How a token is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// The algorithm that is used; `None` leaves a JWS unsigned.
    pub signs: Option<Alg>,
    /// The algorithm that the header names.
    pub says: String,
    /// The key.
    pub key: KeyUse,
    /// What is signed.
    pub covers: Covers,
    /// How the segments are written.
    pub spelled: Spelled,
}

/// Which key is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyUse {
    /// The one that the description names.
    Right,
    /// It, misread.
    Misread(KeyForm),
    /// That of another caller.
    Caller(String),
    /// That of another verifying side.
    Platform(String),
}

/// What a JWS signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covers {
    /// Header, dot, payload, as they stand in the token (RFC 7515 section 5.1).
    Segments,
    /// The JSON texts of both with a dot between.
    Texts,
    /// The payload as it stands in the token.
    Payload,
    /// The JSON text of the claims.
    Claims,
}

/// How the segments of a token are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelled {
    /// Base64url without padding.
    Right,
    /// Base64url with padding.
    Padded,
    /// Standard Base64 with padding.
    Standard,
    /// The signature in hex.
    HexSignature,
    /// The last characters are lost.
    Cut,
}

/// Length of a key of AES-256, in bytes.
const SEALING_KEY: usize = 32;

/// Characters that a cut token lacks.
const LOST: usize = 10;

impl Seal {
    /// The right one.
    pub fn right(d: &Description) -> Self {
        let alg = d.token.as_ref().map(|t| t.alg);
        let says = alg.map_or("", Alg::header_name).into();
        Self { signs: alg, says, key: KeyUse::Right, covers: Covers::Segments, spelled: Spelled::Right }
    }
}

impl KeyUse {
    /// The key's bytes or pair.
    pub fn find(&self, start: &Start<'_>) -> Option<Value> {
        let rule = start.signer.description.token.as_ref()?;
        let full = rule.key.name();
        let name = full.split_once('.')?.1;
        let values = |role: Option<&str>| match (&rule.key, role) {
            (Source::Credential(_), None) => Some(&start.signer.credential.values),
            (Source::Credential(_), Some(role)) => start.world.credential(role).map(|c| &c.values),
            (_, None) => start.signer.platform.map(|p| &p.values),
            (_, Some(role)) => start.world.platform(role).map(|p| &p.values),
        };
        match self {
            Self::Right => value(values(None)?, name).cloned(),
            Self::Caller(role) | Self::Platform(role) => value(values(Some(role))?, name).cloned(),
            Self::Misread(form) => match value(values(None)?, name)? {
                Value::Secret(secret) => {
                    Some(Value::Secret(key::Secret::new(form.read(secret.expose().to_vec()))))
                }
                _ => None,
            },
        }
    }
}

/// What a signature with this cover is computed from.
pub fn input(covers: Covers, header: &str, payload: &str, texts: &Texts) -> String {
    match covers {
        Covers::Segments => format!("{header}.{payload}"),
        Covers::Texts => format!("{}.{}", texts.header, texts.claims),
        Covers::Payload => payload.into(),
        Covers::Claims => texts.claims.clone(),
    }
}

/// The token of these texts.
pub(super) fn token(
    start: &Start<'_>,
    seal: &Seal,
    texts: &Texts,
    signing: Signing,
    trace: &mut Trace,
) -> Result<String, SignError> {
    let rule = start.signer.description.token.as_ref().ok_or(SignError::Key)?;
    let held = match (seal.key.find(start), signing) {
        (Some(held), _) => held,
        // Without the key the rest of a token can still be compared.
        (None, Signing::Sketch) if seal.key == KeyUse::Right => {
            Value::Secret(key::Secret::new(vec![0; SEALING_KEY]))
        }
        (None, _) => return Err(SignError::Key),
    };
    let key = held.key().ok_or(SignError::Key)?;
    if rule.format != Format::Jws {
        let sealed = start.signer.seal(rule.format, seal.signs, key, texts, trace).ok_or(SignError::Key)?;
        return Ok(cut(sealed.join("."), seal));
    }
    trace.add(|| ("header".into(), texts.header.clone().into_bytes()));
    trace.add(|| ("claims".into(), texts.claims.clone().into_bytes()));
    let spell = |bytes: &[u8]| match seal.spelled {
        Spelled::Padded => encode_url_padded(bytes),
        Spelled::Standard => encode_standard(bytes),
        Spelled::Right | Spelled::HexSignature | Spelled::Cut => encode_url(bytes),
    };
    let (header, payload) = (spell(texts.header.as_bytes()), spell(texts.claims.as_bytes()));
    let input = input(seal.covers, &header, &payload, texts);
    trace.add(|| ("signing-input".into(), input.clone().into_bytes()));
    let signature = match (seal.signs, signing, key) {
        (None, _, _) => return Ok(format!("{header}.{payload}.")),
        // A sketch is compared by its seal, and signing with a key pair takes time.
        (Some(_), Signing::Sketch, Key::Rsa(_) | Key::P256(_)) => vec![0; token::IV_LEN],
        (Some(alg), Signing::Sketch, Key::Secret(_)) if !alg.is_hmac() => vec![0; token::IV_LEN],
        (Some(alg), _, _) => key::sign(alg, key, input.as_bytes()).ok_or(SignError::Key)?,
    };
    let signature =
        if seal.spelled == Spelled::HexSignature { encode_hex(&signature) } else { spell(&signature) };
    Ok(cut(format!("{header}.{payload}.{signature}"), seal))
}

/// The token, shorter if it is to be.
pub(super) fn cut(mut token: String, seal: &Seal) -> String {
    if seal.spelled == Spelled::Cut {
        token.truncate(token.len().saturating_sub(LOST));
    }
    token
}
