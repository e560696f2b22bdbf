//! Base64 in the forms that schemes use: reads base64url, writes base64url and standard Base64.
//! It must not accept two texts for one value: whoever signs a text must not find it equal to another.

use std::borrow::Cow;
use std::fmt;
use std::mem::MaybeUninit;

use base64_simd::{AsOut as _, STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

/// Which departures from strict base64url are tolerated. `STRICT` tolerates none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Any number of trailing `=` is dropped before reading.
    pub(crate) padding: bool,
    /// `+` and `/` of the standard alphabet stand for `-` and `_`.
    pub(crate) any_alphabet: bool,
    /// The unused bits of the last character may have any value.
    pub(crate) trailing_bits: bool,
    /// Bytes outside the alphabet are passed over.
    pub(crate) illegal_bytes: bool,
}

impl Rules {
    /// RFC 7515 section 2: base64url without padding, line breaks, white space or other characters.
    pub const STRICT: Self =
        Self { padding: false, any_alphabet: false, trailing_bits: false, illegal_bytes: false };
}

/// Why a text is not base64url. Offsets and lengths are in bytes, offsets from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base64Error {
    /// A byte that is not in the alphabet.
    IllegalByte {
        /// Where it stands.
        offset: usize,
        /// The byte.
        byte: u8,
    },
    /// The text ends in `=`.
    Padding {
        /// Where the first `=` stands.
        offset: usize,
    },
    /// One character is left over after the groups of four: it has fewer bits than a byte.
    Length {
        /// Characters in the text.
        length: usize,
    },
    /// The unused bits of the last character are not zero.
    TrailingBits {
        /// Where the last character stands.
        offset: usize,
    },
}

impl fmt::Display for Base64Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::IllegalByte { offset, byte } if byte.is_ascii_graphic() => {
                write!(
                    f,
                    "expected a letter, digit, `-` or `_` at byte {offset}, found `{}`",
                    char::from(byte)
                )
            }
            Self::IllegalByte { offset, byte } => {
                write!(f, "expected a letter, digit, `-` or `_` at byte {offset}, found 0x{byte:02x}")
            }
            Self::Padding { offset } => {
                write!(f, "expected base64url without padding, found `=` at byte {offset}: remove it")
            }
            Self::Length { length } => write!(
                f,
                "expected a length that leaves 0, 2 or 3 after groups of four, found {length} characters: \
                 one is missing or too many"
            ),
            Self::TrailingBits { offset } => write!(
                f,
                "expected zero in the unused bits of the last character, at byte {offset}: encode the value again"
            ),
        }
    }
}

impl std::error::Error for Base64Error {}

/// Room for decoded bytes, as it comes from the stack.
pub(crate) type Room = [MaybeUninit<u8>];

/// The bytes that `text` stands for in strict base64url, in `room`; `None` if it is not strict or there is no room,
/// and [`decode_url`] says why.
pub(crate) fn decode_strict<'r>(text: &[u8], room: &'r mut Room) -> Option<&'r [u8]> {
    if text.len().checked_mul(3)?.div_ceil(4) > room.len() {
        return None;
    }
    URL_SAFE_NO_PAD.decode(text, room.as_out()).ok().map(|bytes| &*bytes)
}

/// The bytes that `text` stands for in base64url (RFC 4648 section 5) as RFC 7515 section 2 wants it.
///
/// # Errors
/// A byte outside the alphabet, padding, an impossible length, or unused bits that are not zero
/// (RFC 4648 section 3.5), unless `rules` tolerates it.
pub fn decode_url(text: &[u8], rules: &Rules) -> Result<Vec<u8>, Base64Error> {
    // What is strict is good by any rules, and means the same.
    match URL_SAFE_NO_PAD.decode_to_vec(text) {
        Ok(bytes) => Ok(bytes),
        Err(_) => decode_by(text, rules),
    }
}

/// Reads by given rules, and says what is wrong. The quick decoder does neither.
fn decode_by(text: &[u8], rules: &Rules) -> Result<Vec<u8>, Base64Error> {
    let body = without_padding(text);
    if body.len() < text.len() && !rules.padding {
        return Err(Base64Error::Padding { offset: body.len() });
    }
    let table = if rules.any_alphabet { &ANY_VALUES } else { &URL_VALUES };
    let value = |byte: u8| table.get(usize::from(byte)).copied().unwrap_or(NOT_A_DIGIT);
    let mut kept = Cow::Borrowed(body);
    if rules.illegal_bytes {
        kept.to_mut().retain(|byte| value(*byte) != NOT_A_DIGIT);
    }
    let body = kept.as_ref();

    let (groups, rest) = body.as_chunks::<4>();
    let mut out = vec![0; body.len() / 4 * 3 + rest.len().saturating_sub(1)];
    let (full, end) = out.as_chunks_mut::<3>();
    // All values are ORed together, so that the loop has no branch; a marked one shows at the end.
    let mut seen = 0;
    for (group, bytes) in groups.iter().zip(full) {
        let [a, b, c, d] = group.map(value);
        seen |= a | b | c | d;
        *bytes = [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d];
    }
    let unused = match (rest, end) {
        (&[a, b], [x]) => {
            let [a, b] = [a, b].map(value);
            seen |= a | b;
            *x = a << 2 | b >> 4;
            b << 4
        }
        (&[a, b, c], [x, y]) => {
            let [a, b, c] = [a, b, c].map(value);
            seen |= a | b | c;
            (*x, *y) = (a << 2 | b >> 4, b << 4 | c >> 2);
            c << 6
        }
        (rest, _) => {
            seen |= rest.iter().fold(0, |all, byte| all | value(*byte));
            0
        }
    };
    if seen & NOT_A_DIGIT != 0
        && let Some((offset, &byte)) = body.iter().enumerate().find(|&(_, &byte)| value(byte) == NOT_A_DIGIT)
    {
        return Err(Base64Error::IllegalByte { offset, byte });
    }
    if rest.len() == 1 {
        return Err(Base64Error::Length { length: body.len() });
    }
    // RFC 4648 section 3.5: "These pad bits MUST be set to zero by conforming encoders". A decoder that
    // ignores them reads up to sixteen texts as one value.
    if unused != 0 && !rules.trailing_bits {
        return Err(Base64Error::TrailingBits { offset: body.len().saturating_sub(1) });
    }
    Ok(out)
}

/// `bytes` in base64url without padding (RFC 7515 section 2).
#[must_use]
pub fn encode_url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// Appends `bytes` in base64url without padding.
pub(crate) fn append_url(bytes: &[u8], out: &mut Vec<u8>) {
    URL_SAFE_NO_PAD.encode_append(bytes, out);
}

/// `bytes` in base64url with padding (RFC 4648 section 5).
#[must_use]
pub fn encode_url_padded(bytes: &[u8]) -> String {
    URL_SAFE.encode_to_string(bytes)
}

/// `bytes` in standard Base64 with padding (RFC 4648 section 4).
#[must_use]
pub fn encode_standard(bytes: &[u8]) -> String {
    STANDARD.encode_to_string(bytes)
}

/// `bytes` in standard Base64 with padding, in `room`; `None` if that has not four bytes for each three.
pub(crate) fn encode_piece<'r>(bytes: &[u8], room: &'r mut [u8]) -> Option<&'r [u8]> {
    let written = base64_turbo::STANDARD.encode_slice(bytes, room).ok()?;
    room.get(..written)
}

const URL_ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const STANDARD_ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Marks a byte that is no digit; real values need six bits.
const NOT_A_DIGIT: u8 = 0x80;
/// Value of each byte in the URL-safe alphabet.
const URL_VALUES: [u8; 256] = add_values([NOT_A_DIGIT; 256], URL_ALPHABET);
/// Value of each byte in either alphabet.
const ANY_VALUES: [u8; 256] = add_values(URL_VALUES, STANDARD_ALPHABET);

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "runs at compile time: a bad index stops the build; values are below 64"
)]
const fn add_values(mut table: [u8; 256], alphabet: &[u8; 64]) -> [u8; 256] {
    let mut value = 0;
    while value < alphabet.len() {
        table[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    table
}

fn without_padding(text: &[u8]) -> &[u8] {
    let mut body = text;
    while let Some(shorter) = body.strip_suffix(b"=") {
        body = shorter;
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strict(text: &str) -> Result<Vec<u8>, Base64Error> {
        decode_url(text.as_bytes(), &Rules::STRICT)
    }

    #[test]
    fn rfc_4648_section_10_examples_hold_in_all_forms() {
        for (bytes, url, padded) in [
            ("", "", ""),
            ("f", "Zg", "Zg=="),
            ("fo", "Zm8", "Zm8="),
            ("foo", "Zm9v", "Zm9v"),
            ("foob", "Zm9vYg", "Zm9vYg=="),
            ("fooba", "Zm9vYmE", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy", "Zm9vYmFy"),
        ] {
            assert_eq!(encode_url(bytes.as_bytes()), url);
            assert_eq!(encode_url_padded(bytes.as_bytes()), padded);
            assert_eq!(encode_standard(bytes.as_bytes()), padded);
            assert_eq!(strict(url).unwrap(), bytes.as_bytes());
        }
    }

    #[test]
    fn the_last_two_digits_are_the_difference_between_the_alphabets() {
        let bytes = [0xFB, 0xFF, 0xBF];
        assert_eq!(encode_url(&bytes), "-_-_");
        assert_eq!(encode_standard(&bytes), "+/+/");
        assert_eq!(strict("-_-_").unwrap(), bytes);
    }

    #[test]
    fn the_first_illegal_byte_is_named_with_its_offset() {
        let illegal = |offset, byte| Err(Base64Error::IllegalByte { offset, byte });
        assert_eq!(strict("+_-_"), illegal(0, b'+'));
        assert_eq!(strict("AAAA/A"), illegal(4, b'/'));
        assert_eq!(strict("AA\nAA"), illegal(2, b'\n'));
        assert_eq!(strict("AAAAAA "), illegal(6, b' '));
        assert_eq!(strict("AAAA."), illegal(4, b'.'));
        assert_eq!(strict("AA=A"), illegal(2, b'='));
        assert_eq!(decode_url(b"AAA\xFF", &Rules::STRICT), illegal(3, 0xFF));
        // Two of a group, or of what is left over, do not hide one another.
        for text in ["A!!A", "!!AA", "AA!!", "AAAA!!", "AAAA!!A", "AAAAA!!", "!AAA", "A!AA", "AA!A", "AAA!"]
            .into_iter()
            .chain(["AAAA!A", "AAAAA!", "AAAA!AA", "AAAAA!A", "AAAAAA!", "AAAA!"])
        {
            let first = text.find('!').unwrap();
            assert_eq!(strict(text), illegal(first, b'!'), "{text}");
        }
    }

    #[test]
    fn padding_is_refused_even_where_it_would_be_right() {
        assert_eq!(strict("Zg=="), Err(Base64Error::Padding { offset: 2 }));
        assert_eq!(strict("Zm8="), Err(Base64Error::Padding { offset: 3 }));
        assert_eq!(strict("Zm9v="), Err(Base64Error::Padding { offset: 4 }));
        assert_eq!(strict("="), Err(Base64Error::Padding { offset: 0 }));
    }

    #[test]
    fn a_single_left_over_character_is_refused() {
        assert_eq!(strict("A"), Err(Base64Error::Length { length: 1 }));
        assert_eq!(strict("Zm9vY"), Err(Base64Error::Length { length: 5 }));
    }

    #[test]
    fn unused_bits_must_be_zero() {
        assert_eq!(strict("Zh"), Err(Base64Error::TrailingBits { offset: 1 }));
        assert_eq!(strict("Zm9"), Err(Base64Error::TrailingBits { offset: 2 }));
        assert_eq!(strict("Zm9vZm9"), Err(Base64Error::TrailingBits { offset: 6 }));
    }

    #[test]
    fn each_laxness_tolerates_its_own_departure_and_no_other() {
        let rules = [
            Rules { padding: true, ..Rules::STRICT },
            Rules { any_alphabet: true, ..Rules::STRICT },
            Rules { trailing_bits: true, ..Rules::STRICT },
        ];
        let departures = [("Zg==", &b"f"[..]), ("+_-/", &[0xFB, 0xFF, 0xBF][..]), ("Zh", &b"f"[..])];
        for (lax, rules) in rules.iter().enumerate() {
            for (departure, (text, bytes)) in departures.iter().enumerate() {
                let result = decode_url(text.as_bytes(), rules);
                if lax == departure {
                    assert_eq!(result.as_deref(), Ok(*bytes), "{text}");
                } else {
                    assert!(result.is_err(), "{text}");
                }
            }
            assert!(decode_url(b"A", rules).is_err());
            assert!(decode_url(b"AA A", rules).is_err());
        }
    }

    /// Texts of every length up to five digits' worth, over digits of all kinds and what is near them.
    #[test]
    fn the_quick_decoder_takes_what_the_rules_take_and_gives_the_same() {
        let some: Vec<u8> = (0..200).map(|n| URL_ALPHABET[n * 7 % 64]).collect();
        for length in 0..=some.len() {
            for (position, byte) in (0..=length).zip(b"AZaz09-_+/=. \n\0\x7f\x80\xff\xc3".iter().cycle()) {
                let mut text = some[..length].to_vec();
                if let Some(place) = text.get_mut(length.saturating_sub(position)) {
                    *place = *byte;
                }
                let mut room = [MaybeUninit::uninit(); 150];
                let quick = decode_strict(&text, &mut room);
                let slow = decode_by(&text, &Rules::STRICT);
                assert_eq!(quick, slow.as_deref().ok(), "{text:?}");
                assert_eq!(decode_url(&text, &Rules::STRICT), slow);
            }
        }
    }

    /// The lax reader is our own loop: what the encoder wrote comes back, at every length, whatever the last group is.
    #[test]
    fn the_lax_reader_gives_back_what_was_encoded() {
        let lax = Rules { padding: true, any_alphabet: true, trailing_bits: false, illegal_bytes: true };
        let bytes: Vec<u8> = (0..=255).map(|n: u8| n.wrapping_mul(151).wrapping_add(n >> 3)).collect();
        for length in 0..=bytes.len() {
            let some = &bytes[..length];
            // A blank in front, so that the quick reader has no part in it.
            let padded = format!(" {}", encode_standard(some));
            assert_eq!(decode_url(padded.as_bytes(), &lax).as_deref(), Ok(some), "{length}");
            assert_eq!(
                decode_by(encode_url(some).as_bytes(), &Rules::STRICT).as_deref(),
                Ok(some),
                "{length}"
            );
        }
    }

    #[test]
    fn without_room_nothing_is_decoded() {
        for (text, room) in [("Zg", 0), ("Zm8", 1), ("Zm9v", 2), ("Zm9vYg", 3)] {
            let mut room = vec![MaybeUninit::uninit(); room];
            assert_eq!(decode_strict(text.as_bytes(), &mut room), None);
        }
    }

    #[test]
    fn an_error_says_what_was_expected_and_where() {
        assert_eq!(
            strict("A+").unwrap_err().to_string(),
            "expected a letter, digit, `-` or `_` at byte 1, found `+`"
        );
        assert_eq!(
            strict("A\n").unwrap_err().to_string(),
            "expected a letter, digit, `-` or `_` at byte 1, found 0x0a"
        );
    }
}
