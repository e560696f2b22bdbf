//! Tokens that only a strange signer makes: RSA signatures with the wrong padding or out of range, and pieces that
//! were respelt before they were signed. It must not know of messages.

use bearproof_scheme::description::Alg;
use bearproof_scheme::encoding::{encode_url, encode_url_padded};
use bearproof_scheme::key::{Key, RsaKey, sign};
use rsa::hazmat::rsa_decrypt;
use rsa::pkcs8::DecodePrivateKey;
use rsa::rand_core::OsRng;
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, RsaPrivateKey};
use sha2::{Digest, Sha256};

use crate::play::NO_EFFECT;
use crate::recipe::Forgery;

/// DigestInfo of SHA-256 up to the hash (RFC 8017 section 9.2, note 1).
const SHA_256: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];

/// Replaces the signature of an RS256 token by a forged one.
pub(crate) fn signature(key: Key<'_>, how: Forgery, segments: &mut [String]) -> Result<(), String> {
    let Key::Rsa(pair) = key else { return Err("only RSA signatures can be forged so".into()) };
    let [header, payload, signature] = segments else { return Err("only a JWS has a signature".into()) };
    let input = format!("{header}.{payload}");
    *signature = encode_url(&forged(pair, how, input.as_bytes())?);
    Ok(())
}

fn forged(pair: &RsaKey, how: Forgery, input: &[u8]) -> Result<Vec<u8>, String> {
    let pem = std::str::from_utf8(pair.private_pem().expose()).map_err(|_| "no PEM text")?;
    let key = RsaPrivateKey::from_pkcs8_pem(pem).map_err(|_| "no usable RSA key")?;
    let one = BigUint::from(1_u8);
    let number = match how {
        Forgery::One => one,
        Forgery::ModulusLessOne => key.n() - one,
        Forgery::Modulus => key.n().clone(),
        Forgery::PlusModulus => {
            let right = sign(Alg::Rs256, Key::Rsa(pair), input).ok_or("the key can't sign")?;
            BigUint::from_bytes_be(&right) + key.n()
        }
        _ => {
            let message = BigUint::from_bytes_be(&encoded(how, &Sha256::digest(input), key.size()));
            // By the primes: a quarter of the time of one power, which a fuzzer's instruments make seconds.
            rsa_decrypt(None::<&mut OsRng>, &key, &message).map_err(|_| "the key can't sign")?
        }
    };
    let bytes = number.to_bytes_be();
    let mut padded = vec![0; key.size().saturating_sub(bytes.len())];
    padded.extend(bytes);
    Ok(padded)
}

/// The encoded message of EMSA-PKCS1-v1_5 (RFC 8017 section 9.2) with one thing wrong; `size` bytes.
fn encoded(how: Forgery, hash: &[u8], size: usize) -> Vec<u8> {
    let info = |prefix: &[u8]| [prefix, hash].concat();
    let right = info(&SHA_256);
    let (kind, fill, info, behind) = match how {
        Forgery::ShortPadding => {
            // Eight bytes of padding, and what is left stands behind the hash.
            let behind = vec![0x5a; size.saturating_sub(right.len() + 11)];
            (1, 0xff, right, behind)
        }
        Forgery::PaddingOfZeros => (1, 0, right, Vec::new()),
        Forgery::BlockTypeTwo => (2, 0xff, right, Vec::new()),
        Forgery::BareHash => (1, 0xff, hash.to_vec(), Vec::new()),
        // The outer length in two bytes: BER, and not DER.
        Forgery::LongLength => {
            let prefix = [&[0x30, 0x81], SHA_256.split_at(1).1].concat();
            (1, 0xff, info(&prefix), Vec::new())
        }
        // The algorithm without its NULL; the lengths are two less.
        _ => {
            let prefix = [0x30, 0x2f, 0x30, 0x0b, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 4, 0x20];
            (1, 0xff, info(&prefix), Vec::new())
        }
    };
    let padding = size.saturating_sub(info.len() + behind.len() + 3);
    [vec![0, kind], vec![fill; padding], vec![0], info, behind].concat()
}

/// How a piece is written before it is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// With padding.
    Padded,
    /// With unused trailing bits set.
    TrailingBits,
    /// In the standard alphabet.
    StandardAlphabet,
    /// As UTF-16, the low byte first.
    Utf16,
    /// As UTF-16, the high byte first, after a byte order mark.
    Utf16WithMark,
    /// With a byte in a text that is no UTF-8.
    StrayByte,
    /// With a slash in two bytes, as UTF-8 must not be written.
    Overlong,
}

/// Writes header or payload otherwise and signs what is then there.
pub(crate) fn respelt(
    key: Key<'_>,
    alg: Alg,
    payload: bool,
    how: Spelling,
    texts: (&str, &str),
    segments: &mut [String],
) -> Result<(), String> {
    let [header_at, payload_at, signature] = segments else { return Err("only a JWS is respelt so".into()) };
    let (slot, text) = if payload { (&mut *payload_at, texts.1) } else { (&mut *header_at, texts.0) };
    let new = spelt(how, text, slot)?;
    if new == *slot {
        return Err(NO_EFFECT.into());
    }
    *slot = new;
    let input = format!("{header_at}.{payload_at}");
    let bytes = sign(alg, key, input.as_bytes()).ok_or("the key does not fit the algorithm")?;
    *signature = encode_url(&bytes);
    Ok(())
}

fn spelt(how: Spelling, text: &str, segment: &str) -> Result<String, String> {
    let member = |bytes: &[u8]| {
        let inner = text.strip_suffix('}').ok_or("the text is no object")?;
        Ok::<String, String>(encode_url(&[inner.as_bytes(), b",\"x\":\"", bytes, b"\"}"].concat()))
    };
    Ok(match how {
        Spelling::Padded => encode_url_padded(text.as_bytes()),
        Spelling::TrailingBits => crate::sealing::trailing_bits(segment).ok_or(NO_EFFECT)?,
        Spelling::StandardAlphabet => segment.replace('-', "+").replace('_', "/"),
        Spelling::Utf16 => encode_url(&text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()),
        Spelling::Utf16WithMark => {
            let units = std::iter::once(0xfeff).chain(text.encode_utf16());
            encode_url(&units.flat_map(u16::to_be_bytes).collect::<Vec<u8>>())
        }
        Spelling::StrayByte => member(&[0xff])?,
        Spelling::Overlong => member(&[0xc0, 0xaf])?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bearproof_scheme::key::Secret;
    use rsa::pkcs1v15::Pkcs1v15Sign;

    fn pair() -> RsaKey {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/hexsafe/keys/other-2048.pem");
        RsaKey::from_pem(&std::fs::read(file).unwrap()).unwrap()
    }

    fn opened(how: Forgery) -> Vec<u8> {
        let key = RsaPrivateKey::from_pkcs8_pem(std::str::from_utf8(pair().private_pem().expose()).unwrap());
        let key = key.unwrap();
        let number = BigUint::from_bytes_be(&forged(&pair(), how, b"x").unwrap());
        number.modpow(key.e(), key.n()).to_bytes_be()
    }

    #[test]
    fn every_forgery_is_refused_by_the_strict_verifier_of_the_other_family() {
        let key = RsaPrivateKey::from_pkcs8_pem(std::str::from_utf8(pair().private_pem().expose()).unwrap());
        let key = key.unwrap().to_public_key();
        let scheme = || Pkcs1v15Sign::new::<rsa::sha2::Sha256>();
        let right = sign(Alg::Rs256, Key::Rsa(&pair()), b"x").unwrap();
        assert!(key.verify(scheme(), &Sha256::digest(b"x"), &right).is_ok());
        for (word, how) in Forgery::WORDS {
            let forged = forged(&pair(), how, b"x").unwrap();
            assert!(key.verify(scheme(), &Sha256::digest(b"x"), &forged).is_err(), "{word}");
        }
    }

    #[test]
    fn each_padding_has_its_one_fault() {
        let hash = Sha256::digest(b"x");
        let short = opened(Forgery::ShortPadding);
        assert_eq!(short.iter().position(|b| *b == 0), Some(9));
        assert!(short.windows(32).any(|w| w == hash.as_slice()) && !short.ends_with(&hash));
        assert!(opened(Forgery::BareHash).ends_with(&[&[0xff, 0][..], &hash].concat()));
        assert_eq!(opened(Forgery::BlockTypeTwo).first(), Some(&2));
        assert_eq!(opened(Forgery::PaddingOfZeros).get(1), Some(&0));
        assert!(opened(Forgery::LongLength).windows(4).any(|w| w == [0, 0x30, 0x81, 0x31]));
        assert!(opened(Forgery::WithoutNull).windows(4).any(|w| w == [0, 0x30, 0x2f, 0x30]));
    }

    #[test]
    fn the_number_plus_the_modulus_is_the_same_signature_to_careless_arithmetic() {
        let key = RsaPrivateKey::from_pkcs8_pem(std::str::from_utf8(pair().private_pem().expose()).unwrap());
        let right = sign(Alg::Rs256, Key::Rsa(&pair()), b"x").unwrap();
        let plus = BigUint::from_bytes_be(&forged(&pair(), Forgery::PlusModulus, b"x").unwrap());
        assert_eq!(plus % key.unwrap().n(), BigUint::from_bytes_be(&right));
    }

    #[test]
    fn a_respelt_piece_is_signed_as_it_stands() {
        let text = r#"{"a":"~~~"}"#;
        let mut segments = vec![encode_url(text.as_bytes()), encode_url(text.as_bytes()), String::new()];
        let key = Secret::new(*b"k");
        let key = Key::Secret(&key);
        respelt(key, Alg::Hs256, true, Spelling::StandardAlphabet, (text, text), &mut segments).unwrap();
        let [header, payload, signature] = segments.as_slice() else { panic!("three segments") };
        assert!(payload.contains('+') || payload.contains('/'));
        let mac = sign(Alg::Hs256, key, format!("{header}.{payload}").as_bytes()).unwrap();
        assert_eq!(*signature, encode_url(&mac));
    }
}
