//! Reads strings by the grammar of RFC 8259 section 7: runs of plain text and escapes. It must not build a text.

use std::ops::Range;

use super::super::json_error::{JsonError, JsonErrorKind};
use super::Scanner;

impl<'a, G: FnMut(Range<usize>)> Scanner<'a, G> {
    /// Reads a string after its opening quote, if it has no escapes and no faults; else nothing is read.
    pub(in super::super) fn plain_string(&mut self) -> Option<&'a str> {
        let from = self.at;
        if self.pass_plain_string() { self.text.get(from..self.at - 1) } else { None }
    }

    /// As [`Self::plain_string`], for who does not need the text. Whether it was read.
    pub(in super::super) fn pass_plain_string(&mut self) -> bool {
        let rest = self.rest();
        let length = plain_run(rest);
        let plain = rest.get(length) == Some(&b'"');
        if plain {
            self.at += length + 1;
        }
        plain
    }

    /// Reads a string after its opening quote. `escape` gets each escaped character and the raw text before it;
    /// the result is the raw text after the last one.
    pub(in super::super) fn string(
        &mut self,
        mut escape: impl FnMut(&'a str, char),
    ) -> Result<&'a str, JsonError> {
        loop {
            let from = self.at;
            self.at += plain_run(self.rest());
            let run = self.since(from);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(run);
                }
                Some(b'\\') => escape(run, self.escaped()?),
                Some(_) => return Err(self.fault(JsonErrorKind::ControlCharacter)),
                None => return Err(self.fault(JsonErrorKind::UnterminatedString)),
            }
        }
    }

    /// The character of the escape that begins here with its backslash.
    fn escaped(&mut self) -> Result<char, JsonError> {
        let offset = self.at;
        self.at += 1;
        let Some(letter) = self.peek() else { return Err(self.fault(JsonErrorKind::UnterminatedString)) };
        self.at += 1;
        Ok(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.code_point()?.ok_or(JsonError { offset, kind: JsonErrorKind::LoneSurrogate })?,
            _ => return Err(JsonError { offset, kind: JsonErrorKind::UnknownEscape }),
        })
    }

    /// The character of one or two `\u` escapes, after the first `\u`; `None` for half a surrogate pair.
    fn code_point(&mut self) -> Result<Option<char>, JsonError> {
        let first = self.hex4()?;
        if !(0xD800..=0xDBFF).contains(&first) {
            return Ok(char::from_u32(first));
        }
        if !(self.eat(b'\\') && self.eat(b'u')) {
            return Ok(None);
        }
        let second = self.hex4()?;
        if !(0xDC00..=0xDFFF).contains(&second) {
            return Ok(None);
        }
        Ok(char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)))
    }

    fn hex4(&mut self) -> Result<u32, JsonError> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            value = value << 4 | digit.ok_or(self.fault(JsonErrorKind::ExpectedHexDigit))?;
            self.at += 1;
        }
        Ok(value)
    }
}

/// How many bytes stand before the first that ends a run of plain text in a string: a quote, a backslash or a control
/// character. Eight at a time, as long as there are eight.
pub(in super::super) fn plain_run(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks();
    for (position, word) in words.iter().enumerate() {
        if let Some(length) = plain_part(*word) {
            return position * 8 + length;
        }
    }
    let special = |byte: &u8| matches!(byte, 0..=0x1F | b'"' | b'\\');
    words.len() * 8 + rest.iter().position(special).unwrap_or(rest.len())
}

/// As [`plain_run`], of eight bytes; `None` if nothing in them ends it.
pub(in super::super) fn plain_part(word: [u8; 8]) -> Option<usize> {
    let word = u64::from_le_bytes(word);
    let each = |byte: u8| u64::from_le_bytes([byte; 8]);
    // Of each byte the highest bit if it is below `limit`, at least up to the first that is; of what is not ASCII as well.
    let below = |word: u64, limit: u8| word.wrapping_sub(each(limit));
    let special = below(word, 0x20) | below(word ^ each(b'"'), 1) | below(word ^ each(b'\\'), 1);
    let found = special & !word & each(0x80);
    if found == 0 { None } else { Some(found.trailing_zeros() as usize / 8) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::{JsonRules, Limits, parse_value};

    fn refusal(text: impl AsRef<[u8]>) -> (usize, JsonErrorKind) {
        let error = parse_value(text.as_ref(), &JsonRules::STRICT, &Limits::DEFAULT).unwrap_err();
        (error.offset, error.kind)
    }

    #[test]
    fn raw_control_characters_are_refused_in_strings() {
        for control in 0..0x20 {
            assert_eq!(refusal([b'"', control, b'"']), (1, JsonErrorKind::ControlCharacter), "{control}");
        }
        let others = "\"\u{7f}\u{80}\u{2028}\"";
        assert!(parse_value(others.as_bytes(), &JsonRules::STRICT, &Limits::DEFAULT).is_ok());
    }

    #[test]
    fn a_string_must_be_closed() {
        assert_eq!(refusal(r#""abc"#), (4, JsonErrorKind::UnterminatedString));
        assert_eq!(refusal(r#""abc\""#), (6, JsonErrorKind::UnterminatedString));
        assert_eq!(refusal(r#""abc\"#), (5, JsonErrorKind::UnterminatedString));
    }

    #[test]
    fn only_the_nine_escapes_are_known() {
        for letter in (b' '..=b'~').filter(|letter| !br#""\/bfnrtu"#.contains(letter)) {
            assert_eq!(refusal([b'"', b'\\', letter, b'"']), (1, JsonErrorKind::UnknownEscape), "{letter}");
        }
    }

    #[test]
    fn a_unicode_escape_has_four_hexadecimal_digits() {
        assert_eq!(refusal(r#""\u12""#), (5, JsonErrorKind::ExpectedHexDigit));
        assert_eq!(refusal(r#""\u+123""#), (3, JsonErrorKind::ExpectedHexDigit));
        assert_eq!(refusal(r#""\u00g0""#), (5, JsonErrorKind::ExpectedHexDigit));
        assert_eq!(refusal(r#""\u{41}""#), (3, JsonErrorKind::ExpectedHexDigit));
        assert_eq!(refusal(r#""\ud83d\u""#), (9, JsonErrorKind::ExpectedHexDigit));
    }

    #[test]
    fn half_a_surrogate_pair_is_refused() {
        for text in [
            r#""\ud800""#,
            r#""\uDBFFx""#,
            r#""\udc00""#,
            r#""\uDFFF\uD800""#,
            r#""\ud800\n""#,
            r#""\ud800\u0041""#,
            r#""\ud800\ud800""#,
            r#""\ud800\ue000""#,
        ] {
            assert_eq!(refusal(text), (1, JsonErrorKind::LoneSurrogate), "{text}");
        }
    }

    #[test]
    fn a_run_ends_at_the_first_special_byte_wherever_it_stands() {
        let special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
        for byte in 0..=255 {
            for length in 0..20 {
                for position in 0..length {
                    let mut bytes = vec![0x80 | byte; length];
                    bytes[position] = byte;
                    let expected = if special(byte) { position } else { length };
                    assert_eq!(plain_run(&bytes), expected, "{byte} at {position} of {length}");
                }
            }
        }
    }
}
