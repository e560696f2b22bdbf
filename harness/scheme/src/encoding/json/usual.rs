//! Reads objects as most writers write claims: expected names in their order, no white space, no escapes, whole numbers.
//! It must not read anything else: where the text is not so it stops, and the grammar goes on from there.

use std::borrow::Cow;

use super::super::scan::{plain_part, plain_run};
use super::{Elements, JsonRules, Members, Value, string_literal};

/// A name as it stands in most texts: without escapes, and with the colon right behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    /// Name, quote, colon.
    text: Box<str>,
    /// The first bytes of that text, and which of them there are: to compare these takes no call.
    first: u128,
    mask: u128,
}

impl Name {
    /// `None` for a name that needs escapes.
    pub(crate) fn new(name: &str) -> Option<Self> {
        let literal = string_literal(name);
        let plain = literal.strip_prefix('"').filter(|plain| plain.len() == name.len() + 1)?;
        let text = format!("{plain}:");
        let (mut first, mut mask) = ([0; 16], [0; 16]);
        for ((byte, first), mask) in text.bytes().zip(&mut first).zip(&mut mask) {
            (*first, *mask) = (byte, 0xff);
        }
        let [first, mask] = [first, mask].map(u128::from_le_bytes);
        Some(Self { text: text.into(), first, mask })
    }

    /// Whether it stands at the beginning of a text.
    fn begins(&self, text: &[u8]) -> bool {
        match text.first_chunk() {
            Some(first) if self.text.len() <= first.len() => {
                u128::from_le_bytes(*first) & self.mask == self.first
            }
            _ => text.starts_with(self.text.as_bytes()),
        }
    }
}

/// How far an object is as most are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Usual {
    /// Where the text is no longer so: the opening quote of a name, or 0 if nothing was read, or the end of the text.
    pub(super) end: usize,
    /// Whether the members are those that were expected: each, in this order, and no other.
    pub(super) each: bool,
}

/// Reads `text` into `members` as far as it is usual. What is read is good, and stands there.
pub(super) fn usual_members<'a>(
    text: &'a str,
    rules: &JsonRules,
    expected: &[Name],
    members: &mut Members<'a>,
) -> Usual {
    let bytes = text.as_bytes();
    let mut names = expected.iter();
    let mut usual = Usual { end: 0, each: true };
    if !bytes.starts_with(b"{\"") {
        return usual;
    }
    let mut next = 1;
    loop {
        let Some((name, value, end)) = usual_member(text, next, rules, &mut names, &mut usual.each) else {
            break;
        };
        match bytes.get(end..) {
            Some([b',', b'"', ..]) => next = end + 1,
            Some([b'}']) => usual.end = bytes.len(),
            _ => break,
        }
        members.push((Cow::Borrowed(name), value));
        if usual.end > 0 {
            usual.each &= names.next().is_none();
            return usual;
        }
    }
    usual.each = false;
    usual.end = if next == 1 { 0 } else { next };
    usual
}

/// Name, value and end of the member whose name has its opening quote at `at`. The name is one of those that are left,
/// which ends with it.
fn usual_member<'a>(
    text: &'a str,
    at: usize,
    rules: &JsonRules,
    names: &mut std::slice::Iter<'_, Name>,
    each: &mut bool,
) -> Option<(&'a str, Value<'a>, usize)> {
    let from = at + 1;
    let rest = text.as_bytes().get(from..)?;
    let found = loop {
        let name = names.next()?;
        if name.begins(rest) {
            break name;
        }
        *each = false;
    };
    let end = from + found.text.len();
    let name = text.get(from..end - 2)?;
    let (value, end) = usual_value(text, end, rules)?;
    Some((name, value, end))
}

/// The value at `at`, and its end.
fn usual_value<'a>(text: &'a str, at: usize, rules: &JsonRules) -> Option<(Value<'a>, usize)> {
    let bytes = text.as_bytes();
    let from = at + 1;
    match *bytes.get(at)? {
        b'"' => {
            let end = plain_end(bytes, from)?;
            Some((Value::String(Cow::Borrowed(text.get(from..end)?)), end + 1))
        }
        b'1'..=b'9' => {
            let digits = bytes.get(from..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let end = from + digits;
            Some((Value::Number(text.get(at..end)?), end))
        }
        b'[' => {
            let mut end = from;
            if *bytes.get(end)? != b']' {
                loop {
                    if *bytes.get(end)? != b'"' {
                        return None;
                    }
                    end = plain_end(bytes, end + 1)? + 1;
                    if *bytes.get(end)? != b',' {
                        break;
                    }
                    end += 1;
                }
            }
            let elements = Elements { text: text.get(from..end)?, rules: *rules, plain: true };
            (*bytes.get(end)? == b']').then_some((Value::Array(elements), end + 1))
        }
        _ => None,
    }
}

/// The closing quote of a string without escapes whose text begins at `at`.
#[inline]
fn plain_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    while let Some(word) = bytes.get(at..)?.first_chunk() {
        if let Some(length) = plain_part(*word) {
            return (*bytes.get(at + length)? == b'"').then_some(at + length);
        }
        at += word.len();
    }
    let end = at + plain_run(bytes.get(at..)?);
    (*bytes.get(end)? == b'"').then_some(end)
}

#[cfg(test)]
mod tests {
    use super::super::{parse_members, parse_object};
    use super::*;
    use crate::encoding::{JsonError, Limits};

    const TEXT: &str = r#"{"sub":"Zoë & co.","scope":["read","","write all"],"none":[],"exp":1700000000}"#;

    /// What is read with a guess and without one, and whether the guess was right.
    fn both<'a>(
        text: &'a [u8],
        guess: &[&str],
        limits: &Limits,
    ) -> (Result<Members<'a>, JsonError>, Result<Members<'a>, JsonError>, bool) {
        let names: Vec<Name> = guess.iter().filter_map(|name| Name::new(name)).collect();
        let mut members = Members::default();
        let read = parse_members(text, &JsonRules::STRICT, limits, &names, &mut members);
        let right = read == Ok(true);
        (read.map(|_| members), parse_object(text, &JsonRules::STRICT, limits), right)
    }

    #[test]
    fn a_guess_is_right_if_each_name_is_there_in_its_place_and_no_other() {
        for (guess, expected) in [
            (&["sub", "scope", "none", "exp"][..], true),
            (&["sub", "scope", "none"], false),
            (&["sub", "scope", "none", "exp", "iat"], false),
            (&["iat", "sub", "scope", "none", "exp"], false),
            (&["sub", "scope", "iat", "none", "exp"], false),
            (&["scope", "sub", "none", "exp"], false),
            (&[], false),
        ] {
            let (guessed, plain, right) = both(TEXT.as_bytes(), guess, &Limits::DEFAULT);
            assert_eq!(right, expected, "{guess:?}");
            assert_eq!(guessed, plain, "{guess:?}");
            assert!(plain.is_ok());
        }
    }

    /// Every byte changed, left out and doubled, and some texts put in everywhere.
    #[test]
    fn what_is_not_usual_is_read_by_the_grammar() {
        let guess = ["sub", "scope", "none", "exp"];
        let text = TEXT.as_bytes();
        let mut texts: Vec<Vec<u8>> = vec![b"{}".into(), b"{".into(), b"{\"".into(), b"[\"sub\"]".into()];
        for at in 0..=text.len() {
            let (before, after) = text.split_at(at);
            texts.push(before.into());
            for put in
                ["\"", ",", ":", "[", "]", "{", "}", " ", "\\", "\\u0061", "0", "-", ".5", "e1", "é", "\n"]
            {
                texts.push([before, put.as_bytes(), after].concat());
                if let [_, rest @ ..] = after {
                    texts.push([before, put.as_bytes(), rest].concat());
                    texts.push([before, rest].concat());
                }
            }
            if let [byte, ..] = after {
                texts.extend([0, 0x1f, 0x7f, 0xff, *byte].map(|put| [before, &[put], after].concat()));
            }
        }
        for other in
            ["0", "01", "1.5", "-1", "1e3", "true", "null", "{}", "[1]", "[\"a\"\"b\"]", "[\"a\",]", "[,]"]
        {
            texts.push(TEXT.replace("1700000000", other).into());
            texts.push(TEXT.replace("\"sub\":", &format!("\"more\":{other},\"sub\":")).into());
            texts.push(TEXT.replace("\"exp\":", &format!("\"sub\":{other},\"exp\":")).into());
        }
        let mut usual = 0;
        for text in &texts {
            let (guessed, plain, right) = both(text, &guess, &Limits::DEFAULT);
            assert_eq!(guessed, plain, "{}", String::from_utf8_lossy(text));
            let names =
                |members: &Members<'_>| members.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>();
            assert!(!right || plain.is_ok_and(|members| names(&members) == guess));
            usual += usize::from(right);
        }
        assert!(usual > 100 && texts.len() > 2 * usual, "{usual} of {} are usual", texts.len());
    }

    #[test]
    fn limits_hold_for_what_is_usual() {
        let guess = ["sub", "scope", "none", "exp"];
        for limits in (0..4).flat_map(|depth| (0..6).map(move |members| Limits { depth, members })) {
            let (guessed, plain, right) = both(TEXT.as_bytes(), &guess, &limits);
            assert_eq!(guessed, plain, "{limits:?}");
            assert_eq!(right, plain.is_ok(), "{limits:?}");
        }
    }
}
