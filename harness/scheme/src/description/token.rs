//! What a description says of its token: framing, algorithm and key. It must not make or read one.

use super::Source;

/// The token of a scheme.
#[derive(Debug, Clone)]
pub struct TokenRule {
    /// Its framing.
    pub format: Format,
    /// The one algorithm (RFC 7518 name; for sealed tokens `dir+A256GCM`).
    pub alg: Alg,
    /// What signs or seals it.
    pub key: Source,
    /// The requirement.
    pub reference: Option<String>,
}

/// Framing of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JWS compact serialisation (RFC 7515 section 7.1).
    Jws,
    /// JWE compact serialisation (RFC 7516 section 7.1).
    Jwe,
    /// Sealed claims without JOSE framing: base64url of IV, ciphertext and tag.
    Opaque,
}

/// Algorithms of RFC 7518 that descriptions may pin and faults may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alg {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Direct encryption with AES-256-GCM.
    DirA256Gcm,
}

impl Alg {
    /// All algorithms with their names in descriptions, in the order of the variants.
    pub const NAMES: [(&'static str, Self); 8] = [
        ("HS256", Self::Hs256),
        ("HS384", Self::Hs384),
        ("HS512", Self::Hs512),
        ("RS256", Self::Rs256),
        ("RS384", Self::Rs384),
        ("RS512", Self::Rs512),
        ("ES256", Self::Es256),
        ("dir+A256GCM", Self::DirA256Gcm),
    ];

    /// The name in descriptions.
    pub fn name(self) -> &'static str {
        Self::NAMES.get(self as usize).map_or("", |(name, _)| name)
    }

    /// The value of the `alg` header parameter.
    pub fn header_name(self) -> &'static str {
        if self == Self::DirA256Gcm { "dir" } else { self.name() }
    }

    /// Whether the signing key is an HMAC secret.
    pub fn is_hmac(self) -> bool {
        matches!(self, Self::Hs256 | Self::Hs384 | Self::Hs512)
    }
}

#[cfg(test)]
mod tests {
    use super::Alg;

    #[test]
    fn each_algorithm_has_its_own_name() {
        for (name, alg) in Alg::NAMES {
            assert_eq!(alg.name(), name);
            assert_eq!(alg.is_hmac(), name.starts_with("HS"), "{name}");
        }
    }
}
