//! Keys: MACs by RFC 4231, forms of public keys and RSA signatures as OpenSSL writes them, and nothing of a secret in a
//! `Debug`.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearproof_scheme::description::Alg;
use bearproof_scheme::encoding::encode_hex;
use bearproof_scheme::key::{Key, P256Key, RsaKey, Secret, mac, open, seal, sign, verify};
use bearproof_scheme::store::Credentials;
use sha2::{Digest as _, Sha256};

use crate::common::{described, world_of};

fn file(path: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

fn rsa() -> RsaKey {
    RsaKey::from_pem(&file("vectors/hexsafe/keys/other-2048.pem")).unwrap()
}

fn p256() -> P256Key {
    P256Key::from_pem(&file("harness/bearproof/tests/fixtures/coinbase-cdp/keys/primary-p256.pem")).unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    encode_hex(&Sha256::digest(bytes))
}

/// RFC 4231 section 4.3, test case 2.
#[test]
fn macs_are_those_of_rfc_4231() {
    let message = b"what do ya want for nothing?";
    let of = |alg| encode_hex(&mac(alg, b"Jefe", message).unwrap());
    assert_eq!(of(Alg::Hs256), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_eq!(
        of(Alg::Hs384),
        "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e\
         8e2240ca5e69e2c78b3239ecfab21649"
    );
    assert_eq!(
        of(Alg::Hs512),
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
         9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
    );
    assert_eq!(mac(Alg::Rs256, b"Jefe", message), None);
    let key = Secret::new(*b"Jefe");
    for alg in [Alg::Hs256, Alg::Hs384, Alg::Hs512] {
        let mut tag = sign(alg, Key::Secret(&key), message).unwrap();
        assert!(verify(alg, Key::Secret(&key), message, &tag));
        tag.truncate(16);
        assert!(!verify(alg, Key::Secret(&key), message, &tag), "{alg:?}: half a MAC is none");
    }
}

/// `openssl pkey -pubout -outform DER`, `openssl rsa -RSAPublicKey_out -outform DER`, and their SHA-256.
#[test]
fn public_keys_have_the_forms_that_openssl_writes() {
    let key = rsa();
    assert_eq!(sha256(&key.spki_der()), "1694eb55dd60fb3bd09b93e521878bc437d32488c313ff0c6cfaee7144beac21");
    assert_eq!(sha256(&key.pkcs1_der()), "f62b0f20cea33ded5d2dddf9f52448dc4b696fa96ab6f82bf4b9db083ddbfa1e");
    assert_eq!(
        sha256(&p256().spki_der()),
        "f43b0fe26baea4df58ff8f5eabfdbcc1bffd3ebdaca02c52ef8f4849312967d9"
    );
    assert_eq!(key.private_pem().expose(), file("vectors/hexsafe/keys/other-2048.pem"));
}

/// RFC 7517 section 4 and RFC 7518 sections 6.2 and 6.3. The digests are of what `openssl rsa -modulus` writes, and of the
/// two halves of the point at the end of `openssl pkey -pubout -outform DER`.
#[test]
fn public_keys_as_jwk_have_what_openssl_sees() {
    let read = |jwk: &str| serde_json::from_str::<serde_json::Value>(jwk).unwrap();
    let member = |jwk: &serde_json::Value, name: &str| {
        sha256(&URL_SAFE_NO_PAD.decode(jwk.get(name).unwrap().as_str().unwrap()).unwrap())
    };
    let key = read(&rsa().jwk());
    assert_eq!((&key["kty"], &key["e"]), (&"RSA".into(), &"AQAB".into()));
    assert_eq!(member(&key, "n"), "cc41fd040d7a0de1ca18b99636686a3cc239dfb984a75e87c0af4df7a647a6b7");
    let key = read(&p256().jwk());
    assert_eq!((&key["kty"], &key["crv"]), (&"EC".into(), &"P-256".into()));
    assert_eq!(member(&key, "x"), "42994f6cfb79f9e52142c57637874ff551a63a086e6220cb564f0a1ca64268b7");
    assert_eq!(member(&key, "y"), "1042498ed1c1ff535830c10111954b077a83f33af11f1fbbbd9068789d251c52");
}

/// `openssl dgst -shaN -sign`, and its SHA-256: PKCS#1 v1.5 leaves no choice.
#[test]
fn rsa_signatures_are_those_of_openssl() {
    let key = rsa();
    for (alg, expected) in [
        (Alg::Rs256, "5c0c7ac15d3603a135381a13d49ac555b6deb93de829388f1e61b1c2d30e0ef9"),
        (Alg::Rs384, "460dab27bd70e2d5dd4f6b4fcf1ee86eeccfaad911c486873df816a0d361cac3"),
        (Alg::Rs512, "f646893479ac621c907976d62f2b4bf5202f4bf65b1d8b9d503d9905d6599162"),
    ] {
        let signature = sign(alg, Key::Rsa(&key), b"a message").unwrap();
        assert_eq!(sha256(&signature), expected, "{alg:?}");
        assert!(verify(alg, Key::Rsa(&key), b"a message", &signature));
        assert!(!verify(alg, Key::Rsa(&key), b"a massage", &signature));
        let other = if alg == Alg::Rs256 { Alg::Rs512 } else { Alg::Rs256 };
        assert!(!verify(other, Key::Rsa(&key), b"a message", &signature));
    }
}

#[test]
fn a_key_of_another_kind_neither_signs_nor_verifies() {
    let (secret, rsa, p256) = (Secret::new(vec![7; 32]), rsa(), p256());
    let fits =
        [(Alg::Hs384, Key::Secret(&secret)), (Alg::Rs384, Key::Rsa(&rsa)), (Alg::Es256, Key::P256(&p256))];
    for (alg, own) in fits {
        for (_, key) in fits {
            let same = std::mem::discriminant(&key) == std::mem::discriminant(&own);
            assert_eq!(sign(alg, key, b"m").is_some(), same, "{alg:?}");
            let signature = sign(alg, own, b"m").unwrap();
            assert_eq!(verify(alg, key, b"m", &signature), same, "{alg:?}");
        }
    }
    assert!(!verify(Alg::Es256, Key::P256(&p256), b"n", &sign(Alg::Es256, Key::P256(&p256), b"m").unwrap()));
    assert_eq!(sign(Alg::DirA256Gcm, Key::Secret(&secret), b"m"), None, "it seals and does not sign");
}

/// RFC 7518 section 5.3: key, IV and tag have one length each.
#[test]
fn what_is_sealed_opens_with_nothing_changed() {
    let (key, iv) = ([1; 32], [2; 12]);
    let (sealed, tag) = seal(&key, &iv, b"head", b"text").unwrap();
    let open = |iv: &[u8], head: &[u8], sealed: &[u8], tag: &[u8]| open(&key, iv, head, sealed, tag);
    assert_eq!(open(&iv, b"head", &sealed, &tag).as_deref(), Some(&b"text"[..]));
    assert_eq!(open(&iv, b"heat", &sealed, &tag), None);
    assert_eq!(open(&[3; 12], b"head", &sealed, &tag), None);
    assert_eq!(open(&iv, b"head", b"text", &tag), None);
    assert_eq!(open(&iv, b"head", &sealed, &tag[..12]), None, "a shorter tag");
    assert!(seal(&key[..31], &iv, b"", b"").is_none() && seal(&key, &[2; 11], b"", b"").is_none());
}

#[test]
fn nothing_of_a_secret_is_in_a_debug() {
    assert_eq!(format!("{:?}", Secret::new(*b"hush")), "Secret([redacted])");
    assert_eq!(format!("{:?}", Secret::new(*b"hush").hmac_sha256()), "HmacSha256([redacted])");
    assert_eq!(format!("{:?}", rsa()), "RsaKey(2048 bit)");
    assert_eq!(format!("{:?}", p256()), "P256Key");
    assert!(Secret::new(*b"a") == Secret::new(*b"a") && Secret::new(*b"a") != Secret::new(*b"b"));
}

#[test]
fn what_is_no_key_is_refused_in_words() {
    let rsa = |text: &[u8]| RsaKey::from_pem(text).err().unwrap();
    assert_eq!(rsa(b"hush"), "not PEM text");
    let public = b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    assert_eq!(rsa(public), "expected a PEM block `PRIVATE KEY` (PKCS#8), found `PUBLIC KEY`");
    assert!(
        rsa(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
            .starts_with("no usable RSA key")
    );
    assert_eq!(P256Key::from_pem(b"\xff").err().unwrap(), "not PEM text");
    assert_eq!(P256Key::from_pem(b"hush").err().unwrap(), "no usable P-256 key in PKCS#8 PEM");
}

/// What identifies a caller is kept as it is only if every source of it is public.
#[test]
fn an_identity_that_a_secret_is_part_of_is_kept_as_its_digest() {
    let public = r#""credential.api""#;
    for (kind, from, kept) in [
        ("text", public, "Public("),
        ("secret", public, "Digest("),
        ("key", public, "Digest("),
        ("secret", r#"["credential.api", "base64url"]"#, "Digest("),
        ("text", r#"["credential.api", "hmac-sha-256 platform.key"]"#, "Digest("),
        ("text", r#"["credential.api", "hmac-sha-256 credential.other"]"#, "Digest("),
    ] {
        let scheme = format!(
            r#"
            format = 1
            title = "Keys"
            [transport]
            [credential]
            api = "{kind}"
            other = "secret"
            [platform]
            key = "secret"
            [field.x-api-key]
            from = {from}
            identifies = true
            [refusal]
            "*" = {{ status = 401 }}
            "#
        );
        let world = r#"
            format = 1
            origin = "https://keys.example"
            [platform.primary]
            key = "a key of the platform"
            [credential.primary]
            api = "a-fake-key"
            other = "another key"
            [endpoint.read]
            method = "GET"
            path = "/"
            "#;
        let d = described(&scheme);
        let printed = format!("{:?}", Credentials::prepare(&d, &world_of(&d, world)));
        assert!(printed.contains(kept), "{kind} {from}: {printed}");
        assert_eq!(printed.contains("a-fake-key"), kind == "text", "{kind} {from}: {printed}");
    }
}
