//! Key material: secrets, RSA and P-256 pairs, MACs, signatures and sealing. It must not print a secret.

use std::fmt;
use std::sync::OnceLock;

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    self, KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
};
use hmac::{Hmac, Mac};
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::pkcs8::{DecodePrivateKey, EncodePublicKey};
use sha2::{Sha256, Sha384, Sha512};

use crate::description::Alg;
use crate::encoding::encode_url;
pub use crate::hmac_sha256::HmacSha256;

/// Secret bytes. They never print.
#[derive(Clone)]
pub struct Secret {
    bytes: Vec<u8>,
    /// What HMAC-SHA-256 makes of the key, made when it is first needed: half of the hashing for a short message.
    hmac: OnceLock<Box<HmacSha256>>,
}

impl Secret {
    /// Wraps bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), hmac: OnceLock::new() }
    }

    /// The bytes, for computing; never for printing.
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }

    /// HMAC-SHA-256 keyed with the secret.
    pub fn hmac_sha256(&self) -> &HmacSha256 {
        self.hmac.get_or_init(|| Box::new(HmacSha256::new(&self.bytes)))
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

/// An RSA key pair, parsed once.
pub struct RsaKey {
    pair: RsaKeyPair,
    parsed: ParsedPublicKey,
    private_pem: Secret,
}

impl fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaKey({} bit)", self.pair.public_modulus_len() * 8)
    }
}

impl RsaKey {
    /// Reads a PKCS#8 private key in PEM.
    ///
    /// # Errors
    /// What is wrong with it, in words; never its content.
    pub fn from_pem(text: &[u8]) -> Result<Self, String> {
        let block = pem::parse(text).map_err(|_| "not PEM text")?;
        if block.tag() != "PRIVATE KEY" {
            return Err(format!("expected a PEM block `PRIVATE KEY` (PKCS#8), found `{}`", block.tag()));
        }
        let pair = RsaKeyPair::from_pkcs8(block.contents()).map_err(|e| format!("no usable RSA key: {e}"))?;
        let parsed = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref())
            .map_err(|e| format!("no usable RSA key: {e}"))?;
        Ok(Self { pair, parsed, private_pem: Secret::new(text) })
    }

    /// The private key as it was read.
    pub fn private_pem(&self) -> &Secret {
        &self.private_pem
    }

    /// The public key as DER `RSAPublicKey` (PKCS#1).
    pub fn pkcs1_der(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }

    /// The public key as DER `SubjectPublicKeyInfo` (X.509).
    pub fn spki_der(&self) -> Vec<u8> {
        self.pair
            .public_key()
            .as_der()
            .map(|der: PublicKeyX509Der<'_>| der.as_ref().to_vec())
            .unwrap_or_default()
    }

    /// The public key as a JWK (RFC 7517), members in the order `kty`, `n`, `e`.
    pub fn jwk(&self) -> String {
        let public = self.pair.public_key();
        let n = encode_url(public.modulus().big_endian_without_leading_zero());
        let e = encode_url(public.exponent().big_endian_without_leading_zero());
        format!("{{\"kty\":\"RSA\",\"n\":\"{n}\",\"e\":\"{e}\"}}")
    }
}

/// A P-256 key pair.
pub struct P256Key {
    signing: p256::ecdsa::SigningKey,
    private_pem: Secret,
}

impl fmt::Debug for P256Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P256Key")
    }
}

impl P256Key {
    /// Reads a PKCS#8 private key in PEM.
    ///
    /// # Errors
    /// What is wrong with it, in words; never its content.
    pub fn from_pem(text: &[u8]) -> Result<Self, String> {
        let pem = std::str::from_utf8(text).map_err(|_| "not PEM text")?;
        let signing =
            p256::ecdsa::SigningKey::from_pkcs8_pem(pem).map_err(|_| "no usable P-256 key in PKCS#8 PEM")?;
        Ok(Self { signing, private_pem: Secret::new(text) })
    }

    /// The private key as it was read.
    pub fn private_pem(&self) -> &Secret {
        &self.private_pem
    }

    /// The public key as DER `SubjectPublicKeyInfo`.
    pub fn spki_der(&self) -> Vec<u8> {
        self.signing
            .verifying_key()
            .to_public_key_der()
            .map(|der| der.as_bytes().to_vec())
            .unwrap_or_default()
    }

    /// The public key as a JWK (RFC 7517).
    pub fn jwk(&self) -> String {
        let point = self.signing.verifying_key().to_sec1_point(false);
        let coordinate = |c: Option<&p256::FieldBytes>| c.map(|b| encode_url(b)).unwrap_or_default();
        let (x, y) = (coordinate(point.x()), coordinate(point.y()));
        format!("{{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"{x}\",\"y\":\"{y}\"}}")
    }
}

/// A key to sign or verify with.
#[derive(Clone, Copy)]
pub enum Key<'k> {
    /// HMAC secret or AES key.
    Secret(&'k Secret),
    /// RSA pair.
    Rsa(&'k RsaKey),
    /// P-256 pair.
    P256(&'k P256Key),
}

/// HMAC with the hash of `alg`; `None` if `alg` is no HMAC.
pub fn mac(alg: Alg, key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    fn compute<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
        let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
        mac.update(message);
        Some(mac.finalize().into_bytes().to_vec())
    }
    match alg {
        Alg::Hs256 => compute::<Hmac<Sha256>>(key, message),
        Alg::Hs384 => compute::<Hmac<Sha384>>(key, message),
        Alg::Hs512 => compute::<Hmac<Sha512>>(key, message),
        _ => None,
    }
}

/// Signs `message`; `None` if the key does not fit the algorithm. Deterministic for every algorithm
/// (PKCS#1 v1.5; ECDSA by RFC 6979).
pub fn sign(alg: Alg, key: Key<'_>, message: &[u8]) -> Option<Vec<u8>> {
    match (alg, key) {
        (Alg::Hs256 | Alg::Hs384 | Alg::Hs512, Key::Secret(secret)) => mac(alg, secret.expose(), message),
        (Alg::Rs256 | Alg::Rs384 | Alg::Rs512, Key::Rsa(rsa)) => {
            let padding: &'static dyn signature::RsaEncoding = match alg {
                Alg::Rs256 => &RSA_PKCS1_SHA256,
                Alg::Rs384 => &RSA_PKCS1_SHA384,
                _ => &RSA_PKCS1_SHA512,
            };
            let mut out = vec![0; rsa.pair.public_modulus_len()];
            let random = aws_lc_rs::rand::SystemRandom::new();
            rsa.pair.sign(padding, &random, message, &mut out).ok()?;
            Some(out)
        }
        (Alg::Es256, Key::P256(pair)) => {
            let signature: p256::ecdsa::Signature = pair.signing.sign(message);
            Some(signature.to_bytes().to_vec())
        }
        _ => None,
    }
}

/// Verifies a signature; MACs are compared in constant time.
pub fn verify(alg: Alg, key: Key<'_>, message: &[u8], signature: &[u8]) -> bool {
    match (alg, key) {
        (Alg::Hs256, Key::Secret(secret)) => {
            constant_time_eq::constant_time_eq(&secret.hmac_sha256().mac(message), signature)
        }
        (Alg::Hs384 | Alg::Hs512, Key::Secret(secret)) => mac(alg, secret.expose(), message)
            .is_some_and(|m| constant_time_eq::constant_time_eq(&m, signature)),
        (Alg::Rs256, Key::Rsa(rsa)) => rsa.parsed.verify_sig(message, signature).is_ok(),
        (Alg::Rs384 | Alg::Rs512, Key::Rsa(rsa)) => {
            let alg =
                if alg == Alg::Rs384 { &RSA_PKCS1_2048_8192_SHA384 } else { &RSA_PKCS1_2048_8192_SHA512 };
            let public = rsa.pair.public_key();
            signature::UnparsedPublicKey::new(alg, public.as_ref()).verify(message, signature).is_ok()
        }
        (Alg::Es256, Key::P256(pair)) => p256::ecdsa::Signature::from_slice(signature)
            .is_ok_and(|signature| pair.signing.verifying_key().verify(message, &signature).is_ok()),
        _ => false,
    }
}

/// Encrypts with AES-256-GCM: ciphertext and 16-byte tag. `None` if key or IV have the wrong length
/// (32 and 12 bytes).
pub fn seal(key: &[u8], iv: &[u8], associated: &[u8], plaintext: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let cipher = Aes256Gcm::new_from_slice(key).ok()?;
    let nonce = Nonce::try_from(iv).ok()?;
    let mut buffer = plaintext.to_vec();
    let tag = cipher.encrypt_inout_detached(&nonce, associated, buffer.as_mut_slice().into()).ok()?;
    Some((buffer, tag.to_vec()))
}

/// Decrypts with AES-256-GCM; `None` if anything is wrong. The tag must have all 16 bytes
/// (RFC 7518 section 5.3).
pub fn open(key: &[u8], iv: &[u8], associated: &[u8], ciphertext: &[u8], tag: &[u8]) -> Option<Vec<u8>> {
    let cipher = Aes256Gcm::new_from_slice(key).ok()?;
    let nonce = Nonce::try_from(iv).ok()?;
    let tag = Tag::try_from(tag).ok()?;
    let mut buffer = ciphertext.to_vec();
    cipher.decrypt_inout_detached(&nonce, associated, buffer.as_mut_slice().into(), &tag).ok()?;
    Some(buffer)
}
