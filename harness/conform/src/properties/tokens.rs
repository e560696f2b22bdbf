//! Properties of the framing of tokens and of sealing. They must not use our decoder as its own oracle.

use arbitrary::Unstructured;
use aws_lc_rs::aead;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearproof_scheme::description::{Alg, Format};
use bearproof_scheme::encoding::Rules;
use bearproof_scheme::key::{Key, Secret};
use bearproof_scheme::token::{
    Compact, IV_LEN, MAX_TOKEN, TAG_LEN, make, open_jwe, open_opaque, signing_input, split,
};
use bearproof_scheme::verdict::Reason;

use super::ensure;
use super::ground::Ground;

/// The key that the property of sealed tokens seals with, for those who make seeds.
pub const SEALING_KEY: [u8; 32] = [0x5A; 32];

pub(super) fn compact_token(_: &Ground, data: &[u8]) -> Result<(), String> {
    let dots = data.iter().filter(|b| **b == b'.').count();
    for (format, wanted) in [(Format::Jws, 2), (Format::Jwe, 4), (Format::Opaque, 0)] {
        let segments: Vec<&[u8]> = match split(format, data) {
            Ok(Compact::Jws(segments)) => segments.to_vec(),
            Ok(Compact::Jwe(segments)) => segments.to_vec(),
            Ok(Compact::Opaque(segment)) => vec![segment],
            Err(Reason::TokenTooLarge) if data.len() > MAX_TOKEN => continue,
            Err(Reason::TokenMalformed) if dots != wanted => continue,
            Err(reason) => return Err(format!("{dots} dots, {} bytes: {reason:?}", data.len())),
        };
        ensure(dots == wanted && data.len() <= MAX_TOKEN, || format!("{dots} dots are taken as {format:?}"))?;
        ensure(segments.join(&b'.') == data, || "the segments are not those of the token".into())?;
        if format == Format::Jws {
            let before = data.iter().rposition(|b| *b == b'.').and_then(|dot| data.get(..dot));
            let signature = segments.last().copied().unwrap_or_default();
            ensure(Some(signing_input(data, signature)) == before, || "another signing input".into())?;
        }
    }
    Ok(())
}

pub(super) fn sealed_token(_: &Ground, data: &[u8]) -> Result<(), String> {
    let Some((&mode, rest)) = data.split_first() else { return Ok(()) };
    let format = if mode & 2 == 0 { Format::Jwe } else { Format::Opaque };
    if mode & 1 == 0 {
        return agreed(format, rest).map(drop);
    }
    let mut input = Unstructured::new(rest);
    let Ok((header, claims, iv, position, change)) =
        input.arbitrary::<(&[u8], &[u8], [u8; IV_LEN], u16, u8)>()
    else {
        return Ok(());
    };
    let key = Secret::new(SEALING_KEY);
    let segments = make(format, Some(Alg::DirA256Gcm), Key::Secret(&key), header, claims, &iv);
    let mut token = segments.ok_or("sealing fails")?.join(".").into_bytes();
    if token.len() > MAX_TOKEN {
        return Ok(());
    }
    ensure(agreed(format, &token)?.as_deref() == Some(claims), || "what was sealed does not open".into())?;
    let position = usize::from(position) % token.len().max(1);
    if let Some(byte) = token.get_mut(position) {
        *byte ^= change;
    }
    let opened = agreed(format, &token)?;
    ensure(opened.is_none() || change == 0, || format!("a change of byte {position} is not seen"))
}

/// What a token holds, if we and aws-lc say the same.
fn agreed(format: Format, token: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let ours = match split(format, token) {
        Ok(Compact::Jwe(parts)) => open_jwe(&parts, &SEALING_KEY, &Rules::STRICT, &Rules::STRICT).ok(),
        Ok(Compact::Opaque(segment)) => open_opaque(segment, &SEALING_KEY, &Rules::STRICT).ok(),
        _ => None,
    };
    let theirs = opened_by_aws_lc(format, token);
    ensure(ours == theirs, || format!("we open it: {}, aws-lc: {}", ours.is_some(), theirs.is_some()))?;
    Ok(ours)
}

fn opened_by_aws_lc(format: Format, token: &[u8]) -> Option<Vec<u8>> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let parts: Vec<&[u8]> = token.split(|b| *b == b'.').collect();
    let decode = |part: &[u8]| URL_SAFE_NO_PAD.decode(part).ok();
    let (iv, mut sealed, associated) = match (format, parts.as_slice()) {
        (Format::Jwe, [header, b"", iv, ciphertext, tag]) => {
            let tag = decode(tag).filter(|tag| tag.len() == TAG_LEN)?;
            (decode(iv)?, [decode(ciphertext)?, tag].concat(), *header)
        }
        (Format::Opaque, [segment]) => {
            let mut iv = decode(segment)?;
            let sealed = if iv.len() < IV_LEN { return None } else { iv.split_off(IV_LEN) };
            (iv, sealed, &b""[..])
        }
        _ => return None,
    };
    let key = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_256_GCM, &SEALING_KEY).ok()?);
    let nonce = aead::Nonce::try_assume_unique_for_key(&iv).ok()?;
    let plain = key.open_in_place(nonce, aead::Aad::from(associated), &mut sealed).ok()?;
    Some(plain.to_vec())
}
