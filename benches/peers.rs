//! Other libraries doing as much of the same as they can be told: the signature, and claims read into a struct. Times
//! are the published clock's, so theirs are not checked. They must not see a request: a token is all they take.

use std::cell::Cell;

use bearproof_scheme::key::{RsaKey, Secret};
use jsonwebtoken::crypto::{CryptoProvider, aws_lc, rust_crypto};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use jwt_compact::alg::{Hs256, Hs256Key as CompactKey};
use jwt_compact::{AlgorithmExt as _, UntrustedToken};
use jwt_simple::prelude::{HS256Key, JWTClaims, MACLike as _, VerificationOptions};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::paired::Subject;

/// Claims of a bursagb-jwt token.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Claims {
    #[serde(rename = "CustomerID")]
    customer_id: String,
    tenant: String,
    scope: Vec<String>,
    login_type: String,
    #[serde(rename = "exp")]
    expires: u64,
}

/// Claims of a hexsafe token for a request without a body.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PathClaims {
    exp: u64,
    #[serde(rename = "api-key")]
    api_key: String,
    uri: String,
}

/// Claims without `exp`, which two of the libraries keep apart.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Rest {
    #[serde(rename = "CustomerID")]
    customer_id: String,
    tenant: String,
    scope: Vec<String>,
    login_type: String,
}

thread_local! {
    /// Whether jsonwebtoken uses aws-lc-rs now, or the crates of RustCrypto.
    static AWS_LC: Cell<bool> = const { Cell::new(true) };
}

/// jsonwebtoken has one provider for a process; this one asks again which it is.
static EITHER: CryptoProvider = CryptoProvider {
    signer_factory: |alg, key| (current().signer_factory)(alg, key),
    verifier_factory: |alg, key| (current().verifier_factory)(alg, key),
    key_utils: jsonwebtoken::crypto::KeyUtils::new_unimplemented(),
};

fn current() -> &'static CryptoProvider {
    if AWS_LC.get() { &aws_lc::DEFAULT_PROVIDER } else { &rust_crypto::DEFAULT_PROVIDER }
}

/// Signs or verifies with jsonwebtoken and each of its back ends.
///
/// # Errors
/// If it can't read the key.
pub fn jsonwebtoken<'s, C: Serialize + DeserializeOwned + 's>(
    token: &'s str,
    alg: Algorithm,
    keys: (&DecodingKey, &EncodingKey),
    sign: bool,
) -> Result<Vec<Subject<'s>>, String> {
    // Whoever was first has installed the same one.
    let _ = EITHER.install_default();
    let mut policy = Validation::new(alg);
    policy.validate_exp = false;
    policy.validate_aud = false;
    policy.required_spec_claims.clear();
    let mut subjects = Vec::new();
    for (name, aws_lc) in [("jsonwebtoken, aws_lc_rs", true), ("jsonwebtoken, rust_crypto", false)] {
        let (decoding, encoding, policy) = (keys.0.clone(), keys.1.clone(), policy.clone());
        AWS_LC.set(aws_lc);
        let read = jsonwebtoken::decode::<C>(token, &decoding, &policy).map_err(|e| e.to_string())?;
        let header = Header::new(alg);
        subjects.push(if sign {
            Subject::new(name, move || {
                AWS_LC.set(aws_lc);
                jsonwebtoken::encode(&header, &read.claims, &encoding).is_ok()
            })
        } else {
            Subject::new(name, move || {
                AWS_LC.set(aws_lc);
                jsonwebtoken::decode::<C>(token, &decoding, &policy).is_ok()
            })
        });
    }
    Ok(subjects)
}

/// Every library that verifies, or signs, HS256.
///
/// # Errors
/// If one can't read the token that all are to read.
pub fn hs256<'s>(token: &'s str, secret: &'s Secret, sign: bool) -> Result<Vec<Subject<'s>>, String> {
    let secret = secret.expose();
    let keys = (&DecodingKey::from_secret(secret), &EncodingKey::from_secret(secret));
    let mut subjects = jsonwebtoken::<Claims>(token, Algorithm::HS256, keys, sign)?;

    let key = CompactKey::new(secret);
    let read = move |key: &CompactKey| {
        let untrusted = UntrustedToken::new(token).map_err(|e| e.to_string())?;
        Hs256.validator::<Rest>(key).validate(&untrusted).map_err(|e| e.to_string())
    };
    let claims = read(&key)?.claims().clone();
    subjects.push(if sign {
        let header = jwt_compact::Header::empty();
        Subject::new("jwt-compact", move || Hs256.token(&header, &claims, &key).is_ok())
    } else {
        Subject::new("jwt-compact", move || read(&key).is_ok())
    });

    let key = HS256Key::from_bytes(secret);
    let options = || VerificationOptions {
        // The published clock's time, a minute before the token ends.
        artificial_time: Some(jwt_simple::prelude::Duration::from_secs(1_700_000_000)),
        ..VerificationOptions::default()
    };
    let read = move |key: &HS256Key| key.verify_token::<Rest>(token, Some(options()));
    let claims: JWTClaims<Rest> = read(&key).map_err(|e| e.to_string())?;
    subjects.push(if sign {
        Subject::new("jwt-simple, pure-rust", move || key.authenticate(claims.clone()).is_ok())
    } else {
        Subject::new("jwt-simple, pure-rust", move || read(&key).is_ok())
    });
    Ok(subjects)
}

/// Every library that verifies, or signs, RS256.
///
/// # Errors
/// If one can't read the token that all are to read.
pub fn rs256<'s>(token: &'s str, key: &RsaKey, sign: bool) -> Result<Vec<Subject<'s>>, String> {
    let encoding = EncodingKey::from_rsa_pem(key.private_pem().expose()).map_err(|e| e.to_string())?;
    let keys = (&DecodingKey::from_rsa_der(&key.pkcs1_der()), &encoding);
    jsonwebtoken::<PathClaims>(token, Algorithm::RS256, keys, sign)
}
