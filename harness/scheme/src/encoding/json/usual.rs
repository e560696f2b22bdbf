//! Reads objects as most writers write claims: few members, no white space, no escapes, whole numbers, some names that
//! are expected. It must not read anything else: where the text is not so it stops, and the grammar goes on from there.

use std::borrow::Cow;

use super::super::scan::plain_run;
use super::{Elements, JsonRules, Members, Value, string_literal};

/// A name as it stands in most texts: without escapes, and with the colon right behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    /// Name, quote, colon.
    text: Box<str>,
    /// The first 16 bytes of that text, and a mask of those that it has: they are compared in two words.
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

/// Members that an object holds without an allocation: no more are read here, and no more names are expected.
pub(crate) const INLINE_MEMBERS: usize = 8;

/// Where those of the expected names that are there stand among the members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Places {
    /// Of each expected name, in their order.
    members: [Option<u8>; INLINE_MEMBERS],
    /// Whether other names are there.
    others: bool,
}

impl Places {
    /// The value of the expected name with this number in `members`, of which these are the places.
    #[inline]
    pub(crate) fn find<'m, 'a>(&self, members: &'m Members<'a>, number: usize) -> Option<&'m Value<'a>> {
        let place = (*self.members.get(number)?)?;
        members.first.get(usize::from(place)).map(|(_, value)| value)
    }

    /// Whether names are there that were not expected.
    pub(crate) fn has_others(&self) -> bool {
        self.others
    }
}

/// Reads `text` into `members` as far as it is usual: to its end, to the opening quote of a name, or not at all. What is
/// read is good, and stands there.
pub(super) fn usual_members<'a>(
    text: &'a str,
    rules: &JsonRules,
    expected: &[Name],
    members: &mut Members<'a>,
) -> (usize, Places) {
    let bytes = text.as_bytes();
    let expected = expected.get(..INLINE_MEMBERS).unwrap_or(expected);
    let mut places = Places { members: [None; INLINE_MEMBERS], others: false };
    if !bytes.starts_with(b"{\"") {
        return (0, places);
    }
    // Most writers keep to one order, so a name is looked for behind the last one first.
    let (mut next, mut likely) = (1, 0);
    for count in (0..).take(INLINE_MEMBERS) {
        let from = next + 1;
        let Some(rest) = bytes.get(from..) else { break };
        let known = match expected.get(likely) {
            Some(name) if name.begins(rest) => Some((likely, name)),
            _ => expected.iter().enumerate().find(|(_, name)| name.begins(rest)),
        };
        let (name_end, twice) = match known {
            Some((number, name)) => {
                likely = number + 1;
                let place = places.members.get_mut(number).map(|place| place.replace(count));
                (from + name.text.len() - 2, place.flatten().is_some())
            }
            None => match plain_end(bytes, from) {
                Some(end) if bytes.get(end + 1) == Some(&b':') => {
                    places.others = true;
                    (end, text.get(from..end).is_none_or(|name| members.find(name).is_some()))
                }
                _ => break,
            },
        };
        let Some(name) = text.get(from..name_end) else { break };
        let Some((value, end)) = usual_value(text, name_end + 2, rules).filter(|_| !twice) else { break };
        let last = match bytes.get(end..) {
            Some([b',', b'"', ..]) => false,
            Some([b'}']) => true,
            _ => break,
        };
        members.push((Cow::Borrowed(name), value));
        next = end + 1;
        if last {
            return (next, places);
        }
    }
    (if next == 1 { 0 } else { next }, places)
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
fn plain_end(bytes: &[u8], at: usize) -> Option<usize> {
    let end = at + plain_run(bytes.get(at..)?);
    (*bytes.get(end)? == b'"').then_some(end)
}

#[cfg(test)]
mod tests {
    use super::super::{parse_members, parse_object, parse_value};
    use super::*;
    use crate::encoding::{JsonError, Limits};

    const TEXT: &str = r#"{"sub":"Zoë & co.","scope":["read","","write all"],"none":[],"exp":1700000000}"#;

    /// What is read with a guess and without one, and where the guessed names stand.
    fn both<'a>(
        text: &'a [u8],
        guess: &[&str],
        limits: &Limits,
    ) -> (Result<Members<'a>, JsonError>, Result<Members<'a>, JsonError>, Option<Places>) {
        let names: Vec<Name> = guess.iter().filter_map(|name| Name::new(name)).collect();
        let mut members = Members::default();
        let read = parse_members(text, &JsonRules::STRICT, limits, &names, &mut members);
        // Any value is read by the grammar alone, and so is what is no object.
        let plain = if text.trim_ascii_start().starts_with(b"{") {
            parse_value(text, &JsonRules::STRICT, limits).map(|value| match value {
                Value::Object(members) => *members,
                other => panic!("{other:?} begins with a brace"),
            })
        } else {
            parse_object(text, &JsonRules::STRICT, limits)
        };
        match read {
            Ok(places) => (Ok(members), plain, places),
            Err(error) => (Err(error), plain, None),
        }
    }

    /// What is found by number is what is found by name, for each guessed name, and others are where they are said to be.
    fn agrees(places: &Places, members: &Members<'_>, guess: &[&str]) {
        for (number, name) in guess.iter().enumerate().take(INLINE_MEMBERS) {
            assert_eq!(places.find(members, number), members.find(name), "{name}");
        }
        assert_eq!(places.find(members, guess.len()), None);
        assert_eq!(places.has_others(), members.iter().any(|(name, _)| !guess.contains(&name)));
    }

    #[test]
    fn names_are_found_whatever_was_guessed() {
        for guess in [
            &["sub", "scope", "none", "exp"][..],
            &["exp", "none", "scope", "sub"],
            &["sub", "scope", "none"],
            &["iat", "sub", "nbf", "scope", "none", "a name of more than sixteen bytes", "exp"],
            &["su", "sub"],
            &["1", "2", "3", "4", "5", "6", "7", "none", "exp"],
            &[],
        ] {
            let (guessed, plain, places) = both(TEXT.as_bytes(), guess, &Limits::DEFAULT);
            assert_eq!(guessed, plain, "{guess:?}");
            let taken: Vec<&str> = guess.iter().copied().take(INLINE_MEMBERS).collect();
            agrees(&places.unwrap(), &plain.unwrap(), &taken);
        }
    }

    #[test]
    fn long_names_are_told_apart_by_all_of_their_bytes() {
        let long = ["0123456789abcd", "0123456789abcde", "0123456789abcdefg", "0123456789abcdefgh"];
        let written: Vec<String> = long.iter().map(|name| format!("\"{name}\":\"{name}\"")).collect();
        let text = format!("{{{}}}", written.join(","));
        for guess in [&long[..], &long[1..], &long[2..], &long[3..]] {
            let (_, plain, places) = both(text.as_bytes(), guess, &Limits::DEFAULT);
            agrees(&places.unwrap(), &plain.unwrap(), guess);
        }
    }

    #[test]
    fn more_members_than_a_few_are_read_by_the_grammar() {
        for count in 0..20 {
            let names: Vec<String> = (0..count).map(|number| format!("n{number}")).collect();
            let guess: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut members: Vec<String> = names.iter().map(|name| format!("\"{name}\":7")).collect();
            for twice in [false, true] {
                members.extend(twice.then(|| "\"n0\":7".to_string()));
                let text = format!("{{{}}}", members.join(","));
                for guess in [&guess[..], &[]] {
                    let (guessed, plain, places) = both(text.as_bytes(), guess, &Limits::DEFAULT);
                    assert_eq!(guessed, plain, "{text}");
                    let good = if twice { count == 0 } else { (1..=INLINE_MEMBERS).contains(&count) };
                    assert_eq!(places.is_some(), good, "{text}");
                }
            }
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
            for guess in [&guess[..], &["exp", "sub"], &[]] {
                let (guessed, plain, places) = both(text, guess, &Limits::DEFAULT);
                assert_eq!(guessed, plain, "{}", String::from_utf8_lossy(text));
                if let Some(places) = places {
                    agrees(&places, &plain.unwrap(), guess);
                    usual += 1;
                }
            }
        }
        assert!(
            usual > 1000 && texts.len() > usual / 2,
            "{usual} readings of {} texts are usual",
            texts.len()
        );
    }

    #[test]
    fn limits_hold_for_what_is_usual() {
        for limits in (0..4).flat_map(|depth| (0..10).map(move |members| Limits { depth, members })) {
            let (guessed, plain, places) = both(TEXT.as_bytes(), &["sub"], &limits);
            assert_eq!(guessed, plain, "{limits:?}");
            assert_eq!(places.is_some(), limits.depth >= 2 && limits.members >= INLINE_MEMBERS, "{limits:?}");
        }
    }
}
