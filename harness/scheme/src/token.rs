//! Framing of tokens: compact JWS, compact JWE and sealed claims. It must not decide whom to trust.

use crate::description::{Alg, Format};
use crate::encoding::{Rules, decode_url, encode_url};
use crate::key::{Key, open, seal, sign};
use crate::verdict::Reason;

/// Longest token that is looked at, in bytes. Larger ones are refused before anything is decoded.
pub const MAX_TOKEN: usize = 16 * 1024;

/// Length of the IV of AES-GCM (RFC 7518 section 5.3), in bytes.
pub const IV_LEN: usize = 12;

/// Length of the authentication tag of AES-GCM, in bytes.
pub const TAG_LEN: usize = 16;

/// A compact token cut at its dots; nothing is decoded yet.
#[derive(Debug, Clone, Copy)]
pub enum Compact<'t> {
    /// Header, payload, signature (RFC 7515 section 7.1).
    Jws([&'t [u8]; 3]),
    /// Header, encrypted key, IV, ciphertext, tag (RFC 7516 section 7.1).
    Jwe([&'t [u8]; 5]),
    /// One segment.
    Opaque(&'t [u8]),
}

impl<'t> Compact<'t> {
    /// The encoded header, where there is one.
    pub fn header(&self) -> Option<&'t [u8]> {
        match self {
            Self::Jws([header, ..]) => Some(header),
            Self::Jwe([header, ..]) => Some(header),
            Self::Opaque(_) => None,
        }
    }
}

/// Cuts a token of `format` at its dots.
///
/// # Errors
/// [`Reason::TokenTooLarge`], or [`Reason::TokenMalformed`] if the number of parts is wrong.
pub fn split(format: Format, token: &[u8]) -> Result<Compact<'_>, Reason> {
    if token.len() > MAX_TOKEN {
        return Err(Reason::TokenTooLarge);
    }
    let mut rest = Some(token);
    let mut next = || {
        let text = rest.ok_or(Reason::TokenMalformed)?;
        let (segment, after) = match memchr::memchr(b'.', text).and_then(|dot| text.split_at_checked(dot)) {
            Some((segment, after)) => (segment, after.get(1..)),
            None => (text, None),
        };
        rest = after;
        Ok(segment)
    };
    let compact = match format {
        Format::Jws => Compact::Jws([next()?, next()?, next()?]),
        Format::Jwe => Compact::Jwe([next()?, next()?, next()?, next()?, next()?]),
        Format::Opaque => Compact::Opaque(next()?),
    };
    if rest.is_some() { Err(Reason::TokenMalformed) } else { Ok(compact) }
}

/// The bytes that a JWS signature covers: header, dot, payload, as they stand in the token.
pub fn signing_input<'t>(token: &'t [u8], signature: &[u8]) -> &'t [u8] {
    token.len().checked_sub(signature.len() + 1).and_then(|end| token.get(..end)).unwrap_or(&[])
}

/// Decrypts a JWE with `alg` = `dir` and `enc` = `A256GCM`; the AAD is the header as it stands. The tag is read by
/// rules of its own.
///
/// # Errors
/// [`Reason::TokenMalformed`] for its form, [`Reason::TokenUndecryptable`] for its content.
pub fn open_jwe(parts: &[&[u8]; 5], key: &[u8], rules: &Rules, tag_rules: &Rules) -> Result<Vec<u8>, Reason> {
    let [header, encrypted_key, iv, ciphertext, tag] = parts;
    let decode = |part: &[u8]| decode_url(part, rules).map_err(|_| Reason::TokenMalformed);
    let (iv, ciphertext) = (decode(iv)?, decode(ciphertext)?);
    let tag = decode_url(tag, tag_rules).map_err(|_| Reason::TokenMalformed)?;
    // RFC 7518 section 4.5: with `dir` the encrypted key is empty.
    if !encrypted_key.is_empty() || iv.len() != IV_LEN || tag.len() != TAG_LEN {
        return Err(Reason::TokenMalformed);
    }
    open(key, &iv, header, &ciphertext, &tag).ok_or(Reason::TokenUndecryptable)
}

/// Decrypts sealed claims: base64url of IV, ciphertext and tag, nothing associated.
///
/// # Errors
/// [`Reason::TokenMalformed`] for its form, [`Reason::TokenUndecryptable`] for its content.
pub fn open_opaque(segment: &[u8], key: &[u8], rules: &Rules) -> Result<Vec<u8>, Reason> {
    let bytes = decode_url(segment, rules).map_err(|_| Reason::TokenMalformed)?;
    let (iv, rest) = bytes.split_at_checked(IV_LEN).ok_or(Reason::TokenMalformed)?;
    let cut = rest.len().checked_sub(TAG_LEN).ok_or(Reason::TokenMalformed)?;
    let (ciphertext, tag) = rest.split_at_checked(cut).ok_or(Reason::TokenMalformed)?;
    open(key, iv, &[], ciphertext, tag).ok_or(Reason::TokenUndecryptable)
}

/// Makes the segments of a token. `alg` is `None` for an unsigned JWS.
///
/// `None` if the key does not fit the algorithm.
pub fn make(
    format: Format,
    alg: Option<Alg>,
    key: Key<'_>,
    header: &[u8],
    claims: &[u8],
    iv: &[u8],
) -> Option<Vec<String>> {
    let header = encode_url(header);
    match format {
        Format::Jws => {
            let input = format!("{header}.{}", encode_url(claims));
            let signature = match alg {
                Some(alg) => encode_url(&sign(alg, key, input.as_bytes())?),
                None => String::new(),
            };
            Some(vec![header, encode_url(claims), signature])
        }
        Format::Jwe => {
            let Key::Secret(secret) = key else { return None };
            let (ciphertext, tag) = seal(secret.expose(), iv, header.as_bytes(), claims)?;
            Some(vec![header, String::new(), encode_url(iv), encode_url(&ciphertext), encode_url(&tag)])
        }
        Format::Opaque => {
            let Key::Secret(secret) = key else { return None };
            let (ciphertext, tag) = seal(secret.expose(), iv, &[], claims)?;
            Some(vec![encode_url(&[iv, &ciphertext, &tag].concat())])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_may_have_the_greatest_length_and_not_one_byte_more() {
        let longest = vec![b'a'; MAX_TOKEN];
        assert!(
            matches!(split(Format::Opaque, &longest), Ok(Compact::Opaque(segment)) if segment == longest)
        );
        assert_eq!(split(Format::Opaque, &[&longest[..], b"a"].concat()).err(), Some(Reason::TokenTooLarge));
    }

    /// RFC 7518 sections 4.5 and 5.3: no encrypted key, an IV of 96 bits, a tag of 128.
    #[test]
    fn a_jwe_has_parts_of_the_right_lengths() {
        let (key, claims) = ([7; 32], b"{}");
        let opened = |encrypted_key: &str, iv: &[u8], tag_len: usize| {
            let header = encode_url(br#"{"alg":"dir","enc":"A256GCM"}"#);
            let (ciphertext, tag) = seal(&key, &[9; IV_LEN], header.as_bytes(), claims).unwrap();
            let tag: Vec<u8> = tag.into_iter().cycle().take(tag_len).collect();
            let parts =
                [header, encrypted_key.into(), encode_url(iv), encode_url(&ciphertext), encode_url(&tag)];
            open_jwe(&parts.each_ref().map(String::as_bytes), &key, &Rules::STRICT, &Rules::STRICT)
        };
        assert_eq!(opened("", &[9; IV_LEN], TAG_LEN), Ok(claims.to_vec()));
        for (encrypted_key, iv, tag_len) in [
            ("AA", IV_LEN, TAG_LEN),
            ("", IV_LEN - 1, TAG_LEN),
            ("", IV_LEN + 4, TAG_LEN),
            ("", IV_LEN, TAG_LEN - 4),
            ("", IV_LEN, TAG_LEN + 1),
        ] {
            let refused = opened(encrypted_key, &vec![9; iv], tag_len);
            assert_eq!(refused, Err(Reason::TokenMalformed), "{encrypted_key} {iv} {tag_len}");
        }
        assert_eq!(opened("", &[8; IV_LEN], TAG_LEN), Err(Reason::TokenUndecryptable));
    }
}
