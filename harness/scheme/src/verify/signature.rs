//! The check of a token's signature, or its decryption, with the keys that a description names. It must not choose the
//! algorithm: that is pinned.

use std::mem::MaybeUninit;

use crate::description::{Alg, Source};
use crate::encoding::{decode_strict, decode_url};
use crate::key::{Key, verify};
use crate::plan::Row;
use crate::token::{Compact, open_jwe, open_opaque, signing_input};
use crate::verdict::Reason;
use crate::verify::case::Case;
use crate::world::{Value, value};

/// Verifies the signature, or decrypts, with the key that the description names.
pub(crate) fn signature(case: &mut Case<'_>, _: &Row) -> Result<(), Reason> {
    signature_by(case, &unlock)
}

/// Opens a token with one key: verifies, or decrypts.
pub(crate) type Unlock =
    dyn for<'c> Fn(&mut Case<'c>, Compact<'c>, Key<'_>) -> Result<(), Reason> + Send + Sync;

/// Tries each key that the description names with a given way to open the token.
pub(crate) fn signature_by(case: &mut Case<'_>, unlock: &Unlock) -> Result<(), Reason> {
    let rule = case.plan.description.token.as_ref().ok_or(Reason::SignatureInvalid)?;
    let name = rule.key.own_name().ok_or(Reason::SignatureInvalid)?;
    let compact = case.compact.ok_or(Reason::TokenMalformed)?;
    if matches!(rule.key, Source::Platform(_)) {
        let platform = case.plan.platform.as_ref().ok_or(Reason::SignatureInvalid)?;
        let key = value(&platform.values, name).and_then(Value::key).ok_or(Reason::SignatureInvalid)?;
        return unlock(case, compact, key);
    }
    let mut refused = Reason::SignatureInvalid;
    for position in case.candidates.clone() {
        let credential = case.context.credentials.get(position);
        let key = credential.and_then(|c| value(&c.values, name)).and_then(Value::key);
        let Some(key) = key else { continue };
        match unlock(case, compact, key) {
            Ok(()) => {
                case.credential = Some(position);
                return Ok(());
            }
            Err(reason) => refused = reason,
        }
    }
    Err(refused)
}

/// Room for the signature of an RSA key of 4096 bits; a longer one is decoded elsewhere.
type SignatureRoom = [MaybeUninit<u8>; 512];

/// The strict way: the pinned algorithm, the whole signing input, the whole signature.
pub(crate) fn unlock<'c>(case: &mut Case<'c>, compact: Compact<'c>, key: Key<'_>) -> Result<(), Reason> {
    let rules = &case.plan.base64;
    let alg = case.plan.description.token.as_ref().map_or(Alg::Hs256, |t| t.alg);
    let plaintext = match (&compact, key) {
        (Compact::Jws([_, _, encoded]), _) => {
            let input = signing_input(case.token.ok_or(Reason::TokenMalformed)?, encoded);
            let (mut room, spare): (SignatureRoom, Vec<u8>);
            room = [MaybeUninit::uninit(); _];
            let signature = match decode_strict(encoded, &mut room) {
                Some(signature) => signature,
                None => {
                    spare = decode_url(encoded, &rules.signature).map_err(|_| Reason::TokenMalformed)?;
                    &spare
                }
            };
            let good = verify(alg, key, input, signature);
            return if good { Ok(()) } else { Err(Reason::SignatureInvalid) };
        }
        (Compact::Jwe(parts), Key::Secret(secret)) => {
            open_jwe(parts, secret.expose(), &rules.payload, &rules.signature)?
        }
        (Compact::Opaque(segment), Key::Secret(secret)) => {
            open_opaque(segment, secret.expose(), &rules.payload)?
        }
        _ => return Err(Reason::TokenUndecryptable),
    };
    case.buffers.claims.get_or_init(|| plaintext);
    Ok(())
}
