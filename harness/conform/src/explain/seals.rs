//! Finds out how a token was signed: every key, algorithm and cover that fits. It must not say whether that is right.

use bearproof_scheme::description::{Alg, Format, Source};
use bearproof_scheme::encoding::encode_url;
use bearproof_scheme::key::{sign, verify};
use bearproof_scheme::mistake::KeyForm;
use bearproof_scheme::wrong_signer::{Covers, KeyUse, Seal, Spelled, Start, input};

use super::reading::{Reading, decode, members, plain};

/// Length of an authentication tag in base64url.
const TAG: usize = 22;

/// All ways that fit; none if the key or the way is unknown. The right one goes first.
pub(super) fn of(start: &Start<'_>, found: &Reading) -> Vec<Seal> {
    let Some(rule) = &start.signer.description.token else {
        return vec![Seal::right(start.signer.description)];
    };
    let Some(token) = &found.token else { return Vec::new() };
    let right = Seal::right(start.signer.description);
    let says = found.texts.as_ref().and_then(|t| {
        let alg = members(&t.header).into_iter().find(|(name, _)| name == "alg");
        alg.map(|(_, json)| plain(&json))
    });
    let seal = |signs, key, covers, spelled| {
        let says = says.clone().unwrap_or_else(|| right.says.clone());
        Seal { signs, says, key, covers, spelled }
    };
    let segments: Vec<&str> = token.split('.').collect();
    if rule.format != Format::Jws {
        let whole = |key: &KeyUse| seal(right.signs, key.clone(), Covers::Segments, Spelled::Right);
        let short = segments.last().is_some_and(|tag| tag.len() < TAG);
        return match &found.opened {
            Some(key) => vec![whole(key)],
            None if short => {
                vec![seal(right.signs, KeyUse::Right, Covers::Segments, Spelled::Cut)]
            }
            None => Vec::new(),
        };
    }
    let ([header, payload, signature], Some(texts)) = (segments.as_slice(), &found.texts) else {
        return Vec::new();
    };
    if signature.is_empty() {
        return vec![seal(None, KeyUse::Right, Covers::Segments, Spelled::Right)];
    }
    let mut all = Vec::new();
    for (spelled, bytes) in spellings(header, payload, signature) {
        for key in keys(start, rule.alg) {
            let Some(held) = key.find(start) else { continue };
            let Some(material) = held.key() else { continue };
            for alg in family(rule.alg) {
                for covers in [Covers::Segments, Covers::Texts, Covers::Payload, Covers::Claims] {
                    let input = input(covers, header, payload, texts);
                    if verify(alg, material, input.as_bytes(), &bytes) {
                        all.push(seal(Some(alg), key.clone(), covers, spelled));
                    }
                }
            }
        }
    }
    if all.is_empty() {
        let held = KeyUse::Right.find(start);
        let material = held.as_ref().and_then(bearproof_scheme::world::Value::key);
        let whole = material
            .and_then(|key| sign(rule.alg, key, input(Covers::Segments, header, payload, texts).as_bytes()));
        if whole.is_some_and(|whole| encode_url(&whole).starts_with(signature)) {
            all.push(seal(right.signs, KeyUse::Right, Covers::Segments, Spelled::Cut));
        }
    }
    all
}

/// What a signature's text may stand for.
fn spellings(header: &str, payload: &str, signature: &str) -> Vec<(Spelled, Vec<u8>)> {
    let mut all = Vec::new();
    let text = [header, payload, signature].concat();
    let mut spelled = Spelled::Right;
    if text.contains('=') {
        spelled = Spelled::Padded;
    }
    if text.contains(['+', '/']) {
        spelled = Spelled::Standard;
    }
    if let Some(bytes) = decode(signature) {
        // Text that needs neither `+` nor `/` is the same in both alphabets.
        if spelled == Spelled::Padded && !text.contains(['-', '_']) {
            all.push((Spelled::Standard, bytes.clone()));
        }
        all.push((spelled, bytes));
    }
    let digits: Option<Vec<u8>> = signature
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|p| u8::from_str_radix(p, 16).ok()))
        .collect();
    all.extend(digits.map(|bytes| (Spelled::HexSignature, bytes)));
    all
}

fn family(alg: Alg) -> Vec<Alg> {
    match alg {
        Alg::Hs256 | Alg::Hs384 | Alg::Hs512 => vec![Alg::Hs256, Alg::Hs384, Alg::Hs512],
        Alg::Rs256 | Alg::Rs384 | Alg::Rs512 => vec![Alg::Rs256, Alg::Rs384, Alg::Rs512],
        Alg::Es256 | Alg::DirA256Gcm => vec![alg],
    }
}

/// Keys that may have been used, the right one first.
fn keys(start: &Start<'_>, alg: Alg) -> Vec<KeyUse> {
    let mut keys = vec![KeyUse::Right];
    if alg.is_hmac() {
        keys.extend(KeyForm::ALL.map(KeyUse::Misread));
    }
    let rule = start.signer.description.token.as_ref();
    if rule.is_some_and(|t| matches!(t.key, Source::Platform(_))) {
        keys.extend(start.world.platforms.iter().skip(1).map(|p| KeyUse::Platform(p.role.clone())));
    } else {
        let own = &start.signer.credential.role;
        let others = start.world.credentials.iter().filter(|c| c.role != *own);
        keys.extend(others.map(|c| KeyUse::Caller(c.role.clone())));
    }
    keys
}
