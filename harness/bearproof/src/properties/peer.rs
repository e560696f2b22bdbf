//! jsonwebtoken as the peer of the properties. It must not be laxer than its policy can be told.

use bearproof_conform::properties::Says;
use bearproof_scheme::description::Alg;
use bearproof_scheme::key::Key;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, errors::ErrorKind};

/// Asks jsonwebtoken.
pub(super) fn jsonwebtoken(token: &str, alg: Alg, key: Key<'_>) -> Says {
    let (algorithm, key) = match (alg, key) {
        (Alg::Hs256, Key::Secret(secret)) => (Algorithm::HS256, DecodingKey::from_secret(secret.expose())),
        (Alg::Hs512, Key::Secret(secret)) => (Algorithm::HS512, DecodingKey::from_secret(secret.expose())),
        (Alg::Rs256, Key::Rsa(rsa)) => (Algorithm::RS256, DecodingKey::from_rsa_der(&rsa.pkcs1_der())),
        _ => return Says::Excepted,
    };
    let mut policy = Validation::new(algorithm);
    // Times are the published clock's, which jsonwebtoken can't be told.
    policy.validate_exp = false;
    policy.validate_aud = false;
    policy.required_spec_claims.clear();
    match jsonwebtoken::decode::<serde_json::Value>(token, &key, &policy) {
        Ok(read) => Says::Accepts(read.claims),
        Err(error) => match error.kind() {
            // RFC 8259 section 6 sets no limits to numbers; serde_json has that of a double.
            ErrorKind::Json(json) if json.to_string().starts_with("number out of range") => Says::Excepted,
            _ => Says::Refuses(error.to_string()),
        },
    }
}
