//! The bare primitives: what no verifier can be faster than. Each keeps its key prepared. They must not parse anything.

use std::hint::black_box;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair};
use bearproof_scheme::key::{RsaKey, Secret};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256, Sha512};

use crate::paired::{Subject, ratio};

/// HMAC-SHA-256 of a text by each implementation.
///
/// # Errors
/// If one can't take the key.
pub fn hmac_sha256<'s>(secret: &'s Secret, text: &'s [u8]) -> Result<Vec<Subject<'s>>, String> {
    let keyed = Hmac::<Sha256>::new_from_slice(secret.expose()).map_err(|e| e.to_string())?;
    let aws_lc = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.expose());
    let ring = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.expose());
    Ok(vec![
        Subject::new("HMAC of sha2's compression", move || {
            black_box(secret.hmac_sha256().mac(black_box(text))).len() == 32
        }),
        Subject::new("hmac, keyed once", move || {
            let mut mac = keyed.clone();
            mac.update(black_box(text));
            black_box(mac.finalize().into_bytes()).len() == 32
        }),
        Subject::new("aws-lc-rs HMAC", move || {
            black_box(aws_lc_rs::hmac::sign(&aws_lc, black_box(text))).as_ref().len() == 32
        }),
        Subject::new("ring HMAC", move || {
            black_box(ring::hmac::sign(&ring, black_box(text))).as_ref().len() == 32
        }),
    ])
}

/// Verification of an RS256 signature by each implementation, the key parsed once.
///
/// # Errors
/// If one can't take the key.
pub fn rs256_verify<'s>(
    key: &RsaKey,
    text: &'s [u8],
    signature: &'s [u8],
) -> Result<Vec<Subject<'s>>, String> {
    let der = key.pkcs1_der();
    let parsed = aws_lc_rs::signature::ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &der);
    let parsed = parsed.map_err(|e| e.to_string())?;
    let ring = ring::signature::UnparsedPublicKey::new(&ring::signature::RSA_PKCS1_2048_8192_SHA256, der);
    Ok(vec![
        Subject::new("aws-lc-rs RS256, parsed key", move || {
            parsed.verify_sig(black_box(text), black_box(signature)).is_ok()
        }),
        Subject::new("ring RS256", move || ring.verify(black_box(text), black_box(signature)).is_ok()),
    ])
}

/// An RS256 signature by each implementation, the key parsed once.
///
/// # Errors
/// If one can't take the key.
pub fn rs256_sign<'s>(key: &RsaKey, text: &'s [u8]) -> Result<Vec<Subject<'s>>, String> {
    let block = pem(key)?;
    let aws_lc = RsaKeyPair::from_pkcs8(&block).map_err(|e| e.to_string())?;
    let ring = ring::rsa::KeyPair::from_pkcs8(&block).map_err(|e| e.to_string())?;
    let length = aws_lc.public_modulus_len();
    Ok(vec![
        Subject::new("aws-lc-rs RS256", move || {
            let mut out = vec![0; length];
            let random = aws_lc_rs::rand::SystemRandom::new();
            aws_lc.sign(&RSA_PKCS1_SHA256, &random, black_box(text), &mut out).is_ok()
        }),
        Subject::new("ring RS256", move || {
            let mut out = vec![0; ring.public().modulus_len()];
            let random = ring::rand::SystemRandom::new();
            ring.sign(&ring::signature::RSA_PKCS1_SHA256, &random, black_box(text), &mut out).is_ok()
        }),
    ])
}

/// The DER of a key's PEM.
fn pem(key: &RsaKey) -> Result<Vec<u8>, String> {
    let text = std::str::from_utf8(key.private_pem().expose()).map_err(|e| e.to_string())?;
    let base64: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    let standard = base64.replace('+', "-").replace('/', "_");
    let digits = standard.trim_end_matches('=').as_bytes();
    bearproof_scheme::encoding::decode_url(digits, &bearproof_scheme::encoding::Rules::STRICT)
        .map_err(|e| e.to_string())
}

/// SHA-512 by each implementation, and serde_json's look at the same JSON.
pub fn sha512_and_validation(text: &[u8]) -> Vec<Subject<'_>> {
    let valid = |text: &[u8]| serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok();
    vec![
        Subject::new("sha2's SHA-512 and serde_json's validation", move || {
            black_box(Sha512::digest(black_box(text))).len() == 64 && valid(text)
        }),
        Subject::new("aws-lc-rs SHA-512 and serde_json's validation", move || {
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, black_box(text));
            black_box(digest).as_ref().len() == 64 && valid(text)
        }),
        Subject::new("ring SHA-512 and serde_json's validation", move || {
            let digest = ring::digest::digest(&ring::digest::SHA512, black_box(text));
            black_box(digest).as_ref().len() == 64 && valid(text)
        }),
    ]
}

/// One SHA-256, and one read at the place in a table of `rows` lines that it names.
pub fn digest_and_read<'s>(rows: &'s [[u64; 8]], mut key: impl FnMut() -> Vec<u8> + 's) -> Subject<'s> {
    Subject::new("one SHA-256 and one random read", move || {
        let digest: [u8; 32] = Sha256::digest(key()).into();
        let [first, ..] = digest.as_chunks().0 else { return false };
        let row = usize::try_from(u64::from_le_bytes(*first) % (rows.len() as u64)).ok();
        black_box(row.and_then(|row| rows.get(row))).is_some()
    })
}

/// The fastest of several.
///
/// # Errors
/// If one fails.
pub fn fastest(subjects: Vec<Subject<'_>>, blocks: usize) -> Result<Subject<'_>, String> {
    let mut subjects = subjects.into_iter();
    let mut best = subjects.next().ok_or("nothing to choose from")?;
    for mut other in subjects {
        if ratio(&mut other, &mut best, blocks)?.median < 1.0 {
            best = other;
        }
    }
    Ok(best)
}
