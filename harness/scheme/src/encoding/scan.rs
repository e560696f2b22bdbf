//! Reads JSON text by the grammar of RFC 8259, for those who build values and those who copy text.
//! It must not tolerate anything beyond the grammar and must not build values.

mod text;

use std::ops::Range;

use super::json_error::{JsonError, JsonErrorKind};
pub(super) use text::{plain_part, plain_run};

/// How much a JSON text may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Arrays and objects inside each other. Values above 128 count as 128: reading recurses.
    pub depth: usize,
    /// Members with different names in one object.
    pub members: usize,
}

impl Limits {
    /// Far above any token or body of a scheme, far below what hurts.
    pub const DEFAULT: Self = Self { depth: 32, members: 1024 };
}

/// Deepest nesting that is read whatever the caller's limit, so that the stack lasts on any thread.
pub(super) const MAX_DEPTH: usize = 128;

/// How a value begins. What is left to read of it is said at each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start<'a> {
    /// The opening brace was read: continue with [`Scanner::members`].
    Object,
    /// The opening bracket was read: continue with [`Scanner::elements`].
    Array,
    /// The opening quote was read: continue with [`Scanner::string`].
    String,
    /// The number was read.
    Number(&'a str),
    /// The word was read.
    Bool(bool),
    /// The word was read.
    Null,
}

/// A place in a JSON text. `gap` is told every run of white space between tokens.
pub(super) struct Scanner<'a, G> {
    text: &'a str,
    at: usize,
    depth: usize,
    limits: Limits,
    gap: G,
}

impl<'a, G: FnMut(Range<usize>)> Scanner<'a, G> {
    /// Reads a whole text; `value` must read the one value in it.
    ///
    /// # Errors
    /// What `value` finds, or what is wrong around the value.
    pub(super) fn read<T>(
        text: &'a [u8],
        limits: &Limits,
        gap: G,
        value: impl FnOnce(&mut Self) -> Result<T, JsonError>,
    ) -> Result<T, JsonError> {
        if text.starts_with(b"\xEF\xBB\xBF") {
            return Err(JsonError { offset: 0, kind: JsonErrorKind::ByteOrderMark });
        }
        let text = simdutf8::compat::from_utf8(text)
            .map_err(|e| JsonError { offset: e.valid_up_to(), kind: JsonErrorKind::InvalidUtf8 })?;
        let limits = Limits { depth: limits.depth.min(MAX_DEPTH), ..*limits };
        let mut scan = Self { text, at: 0, depth: 0, limits, gap };
        scan.space();
        let value = value(&mut scan)?;
        scan.space();
        if scan.at < text.len() { Err(scan.fault(JsonErrorKind::ExpectedEnd)) } else { Ok(value) }
    }

    /// The whole text.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// Goes on at `at`: in the outermost object, before the quote of a name, whatever is before it being read; or behind
    /// it, at the end of the text.
    pub(super) fn go_on(&mut self, at: usize) {
        self.at = at;
        self.depth = usize::from(at < self.text.len());
    }

    pub(super) fn offset(&self) -> usize {
        self.at
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// Reads how a value begins.
    pub(super) fn start(&mut self) -> Result<Start<'a>, JsonError> {
        let (start, length) = match self.peek() {
            Some(b'{') => (Start::Object, 1),
            Some(b'[') => (Start::Array, 1),
            Some(b'"') => (Start::String, 1),
            Some(b'-' | b'0'..=b'9') => return self.number().map(Start::Number),
            _ if self.rest().starts_with(b"true") => (Start::Bool(true), 4),
            _ if self.rest().starts_with(b"false") => (Start::Bool(false), 5),
            _ if self.rest().starts_with(b"null") => (Start::Null, 4),
            _ => return Err(self.fault(JsonErrorKind::ExpectedValue)),
        };
        self.at += length;
        Ok(start)
    }

    /// Reads an object after its brace. `member` is called after each name's opening quote, with the offset of
    /// that quote; it must read the name with [`Self::string`], then [`Self::colon`], then the value.
    pub(super) fn members(
        &mut self,
        member: impl FnMut(&mut Self, usize) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        self.enter()?;
        if self.eat(b'}') {
            self.depth -= 1;
            return Ok(());
        }
        self.more_members(member)
    }

    /// Reads an object from the quote of a name on.
    pub(super) fn more_members(
        &mut self,
        mut member: impl FnMut(&mut Self, usize) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        loop {
            let offset = self.at;
            if !self.eat(b'"') {
                return Err(self.fault(JsonErrorKind::ExpectedName));
            }
            member(self, offset)?;
            if !self.another(b'}', JsonErrorKind::ExpectedCommaOrBrace)? {
                self.depth -= 1;
                return Ok(());
            }
        }
    }

    /// Reads the colon between a name and its value.
    pub(super) fn colon(&mut self) -> Result<(), JsonError> {
        self.space();
        if !self.eat(b':') {
            return Err(self.fault(JsonErrorKind::ExpectedColon));
        }
        self.space();
        Ok(())
    }

    /// Reads an array after its bracket. `element` must read one value. The result is the text between the brackets,
    /// from the first element to the last.
    pub(super) fn elements(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), JsonError>,
    ) -> Result<&'a str, JsonError> {
        self.enter()?;
        let from = self.at;
        let mut text = "";
        if !self.eat(b']') {
            loop {
                element(self)?;
                text = self.since(from);
                if !self.another(b']', JsonErrorKind::ExpectedCommaOrBracket)? {
                    break;
                }
            }
        }
        self.depth -= 1;
        Ok(text)
    }

    /// After an opening bracket or brace: counts it.
    fn enter(&mut self) -> Result<(), JsonError> {
        if self.depth >= self.limits.depth {
            let kind = JsonErrorKind::TooDeep { limit: self.limits.depth };
            return Err(JsonError { offset: self.at.saturating_sub(1), kind });
        }
        self.depth += 1;
        self.space();
        Ok(())
    }

    /// After a member or element: whether a comma announces another one, or `close` ends the list.
    fn another(&mut self, close: u8, otherwise: JsonErrorKind) -> Result<bool, JsonError> {
        self.space();
        if self.eat(close) {
            return Ok(false);
        }
        if !self.eat(b',') {
            return Err(self.fault(otherwise));
        }
        self.space();
        Ok(true)
    }

    fn number(&mut self) -> Result<&'a str, JsonError> {
        let from = self.at;
        self.eat(b'-');
        if self.eat(b'0') {
            if let Some(b'0'..=b'9') = self.peek() {
                return Err(JsonError { offset: self.at - 1, kind: JsonErrorKind::LeadingZero });
            }
        } else {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _sign = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Ok(self.since(from))
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let rest = self.rest();
        let count = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        self.at += count;
        if count == 0 { Err(self.fault(JsonErrorKind::ExpectedDigit)) } else { Ok(()) }
    }

    /// Passes white space: space, tab, line feed, carriage return (RFC 8259 section 2).
    fn space(&mut self) {
        let from = self.at;
        let space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.at += self.rest().iter().take_while(space).count();
        if self.at > from {
            (self.gap)(from..self.at);
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// The text from an offset up to here. Both are always beside an ASCII character.
    fn since(&self, from: usize) -> &'a str {
        self.text.get(from..self.at).unwrap_or_default()
    }

    fn fault(&self, kind: JsonErrorKind) -> JsonError {
        JsonError { offset: self.at, kind }
    }
}

impl<'a> Scanner<'a, fn(Range<usize>)> {
    /// Goes once more through the elements of an array that [`Scanner::elements`] gave.
    pub(super) fn again(text: &'a str) -> Self {
        let limits = Limits { depth: MAX_DEPTH, members: usize::MAX };
        Self { text, at: 0, depth: 0, limits, gap: |_| {} }
    }

    /// The next of these elements; `element` must read it.
    pub(super) fn next_element<T>(
        &mut self,
        element: impl FnOnce(&mut Self) -> Result<T, JsonError>,
    ) -> Option<T> {
        if self.at >= self.text.len() {
            return None;
        }
        let value = element(self).ok()?;
        self.space();
        self.eat(b',');
        self.space();
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::{JsonRules, parse_value};

    fn refusal(text: impl AsRef<[u8]>) -> (usize, JsonErrorKind) {
        let error = parse_value(text.as_ref(), &JsonRules::STRICT, &Limits::DEFAULT).unwrap_err();
        (error.offset, error.kind)
    }

    fn accepted(text: &str) -> bool {
        parse_value(text.as_bytes(), &JsonRules::STRICT, &Limits::DEFAULT).is_ok()
    }

    #[test]
    fn a_byte_order_mark_is_refused() {
        assert_eq!(refusal("\u{feff}{}"), (0, JsonErrorKind::ByteOrderMark));
        assert_eq!(refusal(" \u{feff}{}"), (1, JsonErrorKind::ExpectedValue));
    }

    #[test]
    fn invalid_utf_8_is_refused_wherever_it_stands() {
        assert_eq!(refusal(b"[\"a\xFF\"]"), (3, JsonErrorKind::InvalidUtf8));
        assert_eq!(refusal(b"{}\xC3"), (2, JsonErrorKind::InvalidUtf8));
        // A surrogate in UTF-8's pattern, and an overlong quote.
        assert_eq!(refusal(b"\"\xED\xA0\x80\""), (1, JsonErrorKind::InvalidUtf8));
        assert_eq!(refusal(b"\"\xC0\xA2"), (1, JsonErrorKind::InvalidUtf8));
    }

    #[test]
    fn the_four_white_space_characters_may_surround_a_value_and_no_other() {
        assert!(accepted(" \t\r\n[ \t\r\n1 \t\r\n, 2 ] \t\r\n"));
        for other in ['\u{b}', '\u{c}', '\u{a0}', '\u{2028}', '\0'] {
            assert_eq!(refusal(format!("1{other}")), (1, JsonErrorKind::ExpectedEnd), "{other:?}");
            assert_eq!(refusal(format!("{other}1")), (0, JsonErrorKind::ExpectedValue), "{other:?}");
        }
    }

    #[test]
    fn an_empty_text_has_no_value() {
        assert_eq!(refusal(""), (0, JsonErrorKind::ExpectedValue));
        assert_eq!(refusal("  "), (2, JsonErrorKind::ExpectedValue));
    }

    #[test]
    fn nothing_may_follow_the_value() {
        for text in ["{}{}", "{},", "{}x", "{}//", "{}\0"] {
            assert_eq!(refusal(text), (2, JsonErrorKind::ExpectedEnd), "{text:?}");
        }
    }

    #[test]
    fn words_are_lower_case_and_whole() {
        for text in ["True", "NULL", "nul", "tru", "NaN", "Infinity", "-Infinity", "undefined", "'a'", "a"] {
            assert!(
                matches!(refusal(text).1, JsonErrorKind::ExpectedValue | JsonErrorKind::ExpectedDigit),
                "{text}"
            );
        }
        assert_eq!(refusal("truefalse"), (4, JsonErrorKind::ExpectedEnd));
        assert_eq!(refusal("nulll"), (4, JsonErrorKind::ExpectedEnd));
    }

    #[test]
    fn numbers_follow_the_grammar() {
        for text in [
            "0",
            "-0",
            "10",
            "-1.5",
            "0.0",
            "1e5",
            "1E+05",
            "0e-0",
            "123456789012345678901234567890",
            "1e999",
        ] {
            assert!(accepted(text), "{text}");
        }
        for (text, offset) in [("01", 0), ("-01", 1), ("00", 0), ("[0,00]", 3)] {
            assert_eq!(refusal(text), (offset, JsonErrorKind::LeadingZero), "{text}");
        }
        for (text, offset) in
            [("-", 1), ("1.", 2), ("1.e1", 2), ("1e", 2), ("1e+", 3), ("--1", 1), ("-.5", 1)]
        {
            assert_eq!(refusal(text), (offset, JsonErrorKind::ExpectedDigit), "{text}");
        }
        for text in ["+1", ".5"] {
            assert_eq!(refusal(text), (0, JsonErrorKind::ExpectedValue), "{text}");
        }
        for (text, offset) in [("0x10", 1), ("1_000", 1), ("1.5.5", 3), ("1e5e5", 3), ("1 2", 2)] {
            assert_eq!(refusal(text), (offset, JsonErrorKind::ExpectedEnd), "{text}");
        }
    }

    #[test]
    fn commas_stand_between_and_nowhere_else() {
        assert_eq!(refusal("[1,]"), (3, JsonErrorKind::ExpectedValue));
        assert_eq!(refusal("[,1]"), (1, JsonErrorKind::ExpectedValue));
        assert_eq!(refusal("[1 2]"), (3, JsonErrorKind::ExpectedCommaOrBracket));
        assert_eq!(refusal("[1}"), (2, JsonErrorKind::ExpectedCommaOrBracket));
        assert_eq!(refusal("[1"), (2, JsonErrorKind::ExpectedCommaOrBracket));
        assert_eq!(refusal(r#"{"a":1,}"#), (7, JsonErrorKind::ExpectedName));
        assert_eq!(refusal("{,}"), (1, JsonErrorKind::ExpectedName));
        assert_eq!(refusal(r#"{"a":1 "b":2}"#), (7, JsonErrorKind::ExpectedCommaOrBrace));
        assert_eq!(refusal(r#"{"a":1]"#), (6, JsonErrorKind::ExpectedCommaOrBrace));
        assert_eq!(refusal(r#"{"a":1"#), (6, JsonErrorKind::ExpectedCommaOrBrace));
    }

    #[test]
    fn a_member_is_a_quoted_name_a_colon_and_a_value() {
        assert_eq!(refusal("{a:1}"), (1, JsonErrorKind::ExpectedName));
        assert_eq!(refusal("{'a':1}"), (1, JsonErrorKind::ExpectedName));
        assert_eq!(refusal("{1:1}"), (1, JsonErrorKind::ExpectedName));
        assert_eq!(refusal("{"), (1, JsonErrorKind::ExpectedName));
        assert_eq!(refusal(r#"{"a" 1}"#), (5, JsonErrorKind::ExpectedColon));
        assert_eq!(refusal(r#"{"a","b"}"#), (4, JsonErrorKind::ExpectedColon));
        assert_eq!(refusal(r#"{"a":}"#), (5, JsonErrorKind::ExpectedValue));
    }

    #[test]
    fn depth_counts_what_is_open_and_not_what_was() {
        let limits = Limits { depth: 2, members: 8 };
        let read = |text: &str| parse_value(text.as_bytes(), &JsonRules::STRICT, &limits).map(drop);
        assert_eq!(read(r#"[[],{},[{"a":1}]]"#), Err(deep(8, 2)));
        assert_eq!(read(r#"[[],{},[1],{"a":[]}]"#), Err(deep(16, 2)));
        assert_eq!(read(r#"[[],{},[1],{"a":1}]"#), Ok(()));
        assert_eq!(read("[[[]]]"), Err(deep(2, 2)));
    }

    fn deep(offset: usize, limit: usize) -> JsonError {
        JsonError { offset, kind: JsonErrorKind::TooDeep { limit } }
    }

    #[test]
    fn thirty_two_levels_are_read_by_default() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(accepted(&nested(32)));
        assert_eq!(refusal(nested(33)), (32, JsonErrorKind::TooDeep { limit: 32 }));
    }

    #[test]
    fn the_stack_lasts_even_if_the_caller_sets_no_depth() {
        let limits = Limits { depth: usize::MAX, members: usize::MAX };
        for opening in ["[", "{\"a\":"] {
            let text = opening.repeat(1_000_000);
            let error = parse_value(text.as_bytes(), &JsonRules::STRICT, &limits).unwrap_err();
            assert_eq!(error, deep(128 * opening.len(), 128));
        }
    }
}
