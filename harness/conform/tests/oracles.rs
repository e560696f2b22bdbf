//! Checks the frozen vectors with crypto of the other family: what the engine makes with RustCrypto is checked by
//! aws-lc, its RSA (aws-lc) by the `rsa` crate, and whole tokens by jsonwebtoken. Reads the frozen files alone.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first broken assumption"
)]

use std::path::Path;

use aws_lc_rs::{aead, digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use bearproof_conform::frozen;
use bearproof_conform::suite::{Disk, Folder};
use bearproof_conform::vector::{FrozenStep, FrozenValue, FrozenWorld, VectorFile};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rsa::pkcs1v15::{Signature, VerifyingKey};
use rsa::pkcs8::DecodePrivateKey;
use rsa::signature::Verifier;

fn files() -> Vec<VectorFile> {
    let root = Disk(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors"));
    let mut files = Vec::new();
    for scheme in root.list("") {
        for name in root.list(&scheme).iter().filter(|n| n.ends_with(".json") && scheme != "schema") {
            let path = format!("{scheme}/{name}");
            let text = String::from_utf8(root.read(&path).unwrap()).unwrap();
            files.push(frozen::parse(&path, &text).map_err(|e| e.to_string()).unwrap());
        }
    }
    assert!(files.len() > 20, "the frozen files are missing");
    files
}

/// All steps that carry a token and are to be accepted, with the key that must verify it.
fn accepted(mut check: impl FnMut(&VectorFile, &str, &FrozenStep, &str)) {
    for file in files() {
        for vector in &file.vectors {
            for step in vector.steps.iter().filter(|s| s.expect.verdict == "accept") {
                let Some(request) = &step.request else { continue };
                let authorization =
                    request.fields.iter().find(|l| l.name.eq_ignore_ascii_case("authorization"));
                let Some(line) = authorization.and_then(|l| l.value.bytes()) else { continue };
                let line = String::from_utf8(line).unwrap();
                let token = line.trim().split(' ').next_back().unwrap();
                check(&file, &vector.id, step, token);
            }
        }
    }
}

fn text(values: &std::collections::BTreeMap<String, FrozenValue>, name: &str) -> Vec<u8> {
    match values.get(name) {
        Some(FrozenValue::Text(text)) => text.clone().into_bytes(),
        Some(FrozenValue::Base64(text)) => STANDARD.decode(text).unwrap(),
        other => panic!("`{name}` is no secret: {}", other.is_some()),
    }
}

/// The secrets with which tokens of a scheme may be signed by this role.
fn secrets(file: &VectorFile, role: &str) -> Vec<u8> {
    let world: &FrozenWorld = &file.world;
    match file.scheme.as_str() {
        "annexcloud" => text(&world.credentials[role].values, "secret"),
        "masonhub" => text(&world.platforms["primary"], "token_key"),
        _ => text(&world.platforms["primary"], "signing_key"),
    }
}

#[test]
fn every_accepted_mac_verifies_with_aws_lc_and_with_jsonwebtoken() {
    let mut judged = 0;
    accepted(|file, id, step, token| {
        if !["annexcloud", "bursagb-jwt", "hotwax"].contains(&file.scheme.as_str()) {
            return;
        }
        let secret = secrets(file, &step.role);
        let (input, signature) = token.rsplit_once('.').unwrap();
        let header = URL_SAFE_NO_PAD.decode(input.split('.').next().unwrap()).unwrap();
        let header = String::from_utf8(header).unwrap();
        let long = header.contains("HS512");
        let key = hmac::Key::new(if long { hmac::HMAC_SHA512 } else { hmac::HMAC_SHA256 }, &secret);
        let tag = URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert!(hmac::verify(&key, input.as_bytes(), &tag).is_ok(), "{id}: aws-lc refuses the MAC");
        let mut policy = Validation::new(if long { Algorithm::HS512 } else { Algorithm::HS256 });
        // Time is the frozen clock's, which jsonwebtoken can't be told.
        policy.validate_exp = false;
        policy.validate_aud = false;
        policy.required_spec_claims.clear();
        let decoded =
            jsonwebtoken::decode::<serde_json::Value>(token, &DecodingKey::from_secret(&secret), &policy);
        assert!(decoded.is_ok(), "{id}: jsonwebtoken refuses: {:?}", decoded.err());
        judged += 1;
    });
    assert!(judged > 150, "only {judged} tokens were judged");
}

#[test]
fn every_accepted_rsa_signature_verifies_with_the_rsa_crate() {
    let mut judged = 0;
    accepted(|file, id, step, token| {
        if file.scheme != "hexsafe" {
            return;
        }
        let Some(FrozenValue::KeyPair { private_pem, .. }) =
            file.world.credentials[&step.role].values.get("private_key")
        else {
            panic!("{id}: no key pair")
        };
        let private = rsa::RsaPrivateKey::from_pkcs8_pem(private_pem).unwrap();
        let key = VerifyingKey::<rsa::sha2::Sha256>::new(private.to_public_key());
        let (input, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let signature = Signature::try_from(signature.as_slice()).unwrap();
        assert!(
            key.verify(input.as_bytes(), &signature).is_ok(),
            "{id}: the rsa crate refuses the signature"
        );
        judged += 1;
    });
    assert!(judged > 50, "only {judged} tokens were judged");
}

#[test]
fn every_accepted_sealed_token_opens_with_aws_lc() {
    let mut judged = 0;
    accepted(|file, id, step, token| {
        if file.scheme != "masonhub" {
            return;
        }
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, &secrets(file, &step.role)).unwrap();
        let key = aead::LessSafeKey::new(key);
        let parts: Vec<&str> = token.split('.').collect();
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
        let (iv, mut sealed, associated) = match parts.as_slice() {
            [header, "", iv, ciphertext, tag] => {
                (decode(iv), [decode(ciphertext), decode(tag)].concat(), header.as_bytes().to_vec())
            }
            [opaque] => {
                let bytes = decode(opaque);
                let (iv, rest) = bytes.split_at(12);
                (iv.to_vec(), rest.to_vec(), Vec::new())
            }
            _ => panic!("{id}: {} segments", parts.len()),
        };
        let nonce = aead::Nonce::try_assume_unique_for_key(&iv).unwrap();
        let plain = key.open_in_place(nonce, aead::Aad::from(associated), &mut sealed);
        let plain = plain.unwrap_or_else(|_| panic!("{id}: aws-lc does not open the token"));
        if let Some(claims) = step.trace.iter().find(|t| t.name == "claims").and_then(|t| t.value.bytes()) {
            assert_eq!(plain, claims, "{id}: the claims differ from the trace");
        }
        judged += 1;
    });
    assert!(judged > 50, "only {judged} tokens were judged");
}

/// Each step of each trace that a hash, a MAC or an encoding made follows from the one before.
#[test]
fn every_traced_step_follows_by_aws_lc_and_the_base64_crate() {
    let mut judged = 0;
    for file in files() {
        for vector in &file.vectors {
            for step in vector.steps.iter().filter(|s| s.expect.verdict == "accept") {
                for pair in step.trace.windows(2) {
                    let [before, after] = pair else { continue };
                    let (Some((part, _)), Some((same, name))) =
                        (before.name.split_once(": "), after.name.split_once(": "))
                    else {
                        continue;
                    };
                    let (true, Some(input), Some(output)) =
                        (part == same, before.value.bytes(), after.value.bytes())
                    else {
                        continue;
                    };
                    let expected = match name.split(' ').next().unwrap() {
                        "base64" => STANDARD.encode(&input).into_bytes(),
                        "base64url" => URL_SAFE_NO_PAD.encode(&input).into_bytes(),
                        "base64url-padded" => URL_SAFE.encode(&input).into_bytes(),
                        "sha-512" => digest::digest(&digest::SHA512, &input).as_ref().to_vec(),
                        "hmac-sha-256" => {
                            let key = hmac::Key::new(hmac::HMAC_SHA256, &secrets(&file, &step.role));
                            hmac::sign(&key, &input).as_ref().to_vec()
                        }
                        "append" => {
                            assert!(output.starts_with(&input), "{}: {name}", vector.id);
                            continue;
                        }
                        other => panic!("{}: no oracle for step `{other}`", vector.id),
                    };
                    assert_eq!(output, expected, "{}: {}", vector.id, after.name);
                    judged += 1;
                }
            }
        }
    }
    assert!(judged > 300, "only {judged} steps were judged");
}
