//! Compares the strict encodings with serde_json, with the base64 crate and with a second way to compact.
//! It must not repeat single rules: those have their unit tests.

use std::borrow::Cow;
use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use bearproof_scheme::encoding::{
    Base64Error, JsonError, JsonErrorKind, JsonRules, Limits, Rules, Value, compact, decode_url,
    encode_standard, encode_url, encode_url_padded, parse_object, parse_value, string_literal,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

const WIDE: Limits = Limits { depth: 100, members: usize::MAX };

fn strict(text: &[u8]) -> Result<Value<'_>, JsonError> {
    parse_value(text, &JsonRules::STRICT, &WIDE)
}

fn oracle(text: &[u8]) -> serde_json::Result<serde_json::Value> {
    serde_json::from_slice(text)
}

/// The one thing that serde_json refuses and RFC 8259 does not.
fn beyond_f64(error: &serde_json::Error) -> bool {
    error.to_string().starts_with("number out of range")
}

/// Compares both readings of any bytes. A repeated name and a number beyond f64 are where they may differ.
fn compare_readings(text: &[u8]) -> Result<(), TestCaseError> {
    match (strict(text), oracle(text)) {
        (Ok(ours), Ok(theirs)) => prop_assert_eq!(oracle(ours.to_text().as_bytes()).ok(), Some(theirs)),
        (Ok(_), Err(error)) => prop_assert!(beyond_f64(&error), "only we accept: {error}"),
        (Err(error), theirs) => {
            prop_assert!(error.offset <= text.len());
            prop_assert!(
                theirs.is_err() || error.kind == JsonErrorKind::DuplicateName,
                "only we refuse: {error}"
            );
        }
    }
    Ok(())
}

/// Removes white space outside strings, character by character. Knows nothing else about JSON.
fn naive_compact(text: &str) -> String {
    let (mut in_string, mut after_backslash) = (false, false);
    let mut kept = String::new();
    for c in text.chars() {
        if in_string {
            in_string = after_backslash || c != '"';
            after_backslash = !after_backslash && c == '\\';
        } else if matches!(c, ' ' | '\t' | '\n' | '\r') {
            continue;
        } else {
            in_string = c == '"';
        }
        kept.push(c);
    }
    kept
}

fn space() -> impl Strategy<Value = &'static str> {
    select(vec!["", "", "", " ", "\n", "\t", "\r\n  "])
}

fn string_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[^\"\\\\\\x00-\\x1f]{0,8}",
        2 => select(vec![r#"\""#, r"\\", r"\/", r"\b", r"\f", r"\n", r"\r", r"\t", " ", ":", "{", ","])
            .prop_map(String::from),
        1 => any::<char>().prop_map(|c| {
            c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
        }),
    ];
    vec(piece, 0..4).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

/// One of four names, each in several spellings, so that names repeat now and then.
fn name_text() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec![r#""a""#, r#""\u0061""#, r#""b""#, r#""é""#, r#""\u00E9""#]).prop_map(String::from),
        string_text()
    ]
}

/// A valid JSON text in any spelling and spacing; names may repeat.
fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        select(vec!["null", "true", "false", "0", "-0", "-0.0", "1E400", "18446744073709551616", "{}", "[]"])
            .prop_map(String::from),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
        string_text(),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let element = (space(), inner.clone(), space()).prop_map(|(a, value, b)| format!("{a}{value}{b}"));
        let member = (space(), name_text(), space(), space(), inner, space())
            .prop_map(|(a, name, b, c, value, d)| format!("{a}{name}{b}:{c}{value}{d}"));
        prop_oneof![
            vec(element, 0..6).prop_map(|elements| format!("[{}]", elements.join(","))),
            vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
    .prop_flat_map(|value| (space(), Just(value), space()))
    .prop_map(|(a, value, b)| format!("{a}{value}{b}"))
}

#[derive(Debug, Clone)]
enum Edit {
    Remove(Index),
    Insert(Index, &'static [u8]),
    Flip(Index, u8),
    Swap(Index, Index),
    Cut(Index),
}

impl Edit {
    fn apply(&self, text: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        let length = text.len();
        match self {
            Self::Remove(at) => drop(text.remove(at.index(length))),
            Self::Insert(at, bytes) => {
                let at = at.index(length + 1);
                text.splice(at..at, bytes.iter().copied());
            }
            Self::Flip(at, bit) => {
                text.iter_mut().skip(at.index(length)).take(1).for_each(|byte| *byte ^= 1 << bit);
            }
            Self::Swap(a, b) => text.swap(a.index(length), b.index(length)),
            Self::Cut(at) => text.truncate(at.index(length)),
        }
    }
}

fn edit() -> impl Strategy<Value = Edit> {
    let index = any::<Index>;
    let pieces: Vec<&[u8]> = vec![
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\"",
        b"\\",
        b"\\u",
        b"\\ud800",
        b"\\udc00",
        b"0",
        b"1",
        b"-",
        b"+",
        b".",
        b"e",
        b" ",
        b"\n",
        b"\x0b",
        b"\0",
        b"\x1f",
        b"\x7f",
        b"\xef\xbb\xbf",
        b"\xff",
        b"\xc0",
        b"\xed\xa0\x80",
        b"'",
        b"/**/",
        b"NaN",
        b"null",
        b"{}",
        b"\"a\":1,",
    ];
    prop_oneof![
        2 => index().prop_map(Edit::Remove),
        4 => (index(), select(pieces)).prop_map(|(at, piece)| Edit::Insert(at, piece)),
        1 => (index(), 0..8u8).prop_map(|(at, bit)| Edit::Flip(at, bit)),
        1 => (index(), index()).prop_map(|(a, b)| Edit::Swap(a, b)),
        1 => index().prop_map(Edit::Cut),
    ]
}

/// Valid JSON after one or two small edits.
fn nearly_json() -> impl Strategy<Value = Vec<u8>> {
    (json_text(), vec(edit(), 1..3)).prop_map(|(text, edits)| {
        let mut text = text.into_bytes();
        edits.iter().for_each(|edit| edit.apply(&mut text));
        text
    })
}

#[test]
fn nearly_right_json_is_sometimes_right_and_goes_wrong_in_most_ways() {
    let mut runner = TestRunner::deterministic();
    let mut accepted = 0;
    let mut kinds = HashSet::new();
    for _ in 0..3000 {
        match strict(&nearly_json().new_tree(&mut runner).unwrap().current()) {
            Ok(_) => accepted += 1,
            Err(error) => drop(kinds.insert(error.kind)),
        }
    }
    assert!((300..2700).contains(&accepted), "{accepted} accepted");
    assert!(kinds.len() >= 15, "{kinds:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn valid_json_is_read_as_serde_json_reads_it(text in json_text()) {
        if let Err(error) = strict(text.as_bytes()) {
            prop_assert_eq!(error.kind, JsonErrorKind::DuplicateName);
        }
        compare_readings(text.as_bytes())?;
    }

    #[test]
    fn nearly_right_json_is_refused_where_serde_json_refuses_it(text in nearly_json()) {
        compare_readings(&text)?;
    }

    #[test]
    fn any_bytes_are_refused_where_serde_json_refuses_them(text in vec(any::<u8>(), 0..40)) {
        compare_readings(&text)?;
    }

    #[test]
    fn an_object_is_refused_exactly_if_a_name_stands_twice(
        names in vec("[abé]{0,3}", 0..12),
        escaped in vec(any::<bool>(), 12),
        depth in 0..5usize,
    ) {
        let members: Vec<_> = names.iter().zip(escaped).map(|(name, escaped)| {
            let spelled: String = name.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
            format!("{}:0", if escaped { format!("\"{spelled}\"") } else { string_literal(name) })
        }).collect();
        let text = format!("{}{{{}}}{}", "{\"a\":[".repeat(depth), members.join(","), "]}".repeat(depth));
        let unique = names.iter().collect::<HashSet<_>>().len() == names.len();
        match strict(text.as_bytes()) {
            Ok(_) => prop_assert!(unique),
            Err(error) => prop_assert!(!unique && error.kind == JsonErrorKind::DuplicateName, "{}", error),
        }
    }

    #[test]
    fn parse_object_takes_the_objects_among_the_values(text in json_text()) {
        match (strict(text.as_bytes()), parse_object(text.as_bytes(), &JsonRules::STRICT, &WIDE)) {
            (Ok(Value::Object(value)), object) => prop_assert_eq!(object, Ok(*value)),
            (Ok(_), object) => prop_assert_eq!(object.unwrap_err().kind, JsonErrorKind::ExpectedObject),
            (Err(_), object) => prop_assert!(object.is_err()),
        }
    }

    #[test]
    fn a_string_literal_is_what_serde_json_writes_and_reads_back(text in any::<String>()) {
        let literal = string_literal(&text);
        prop_assert_eq!(&literal, &serde_json::to_string(&text).unwrap());
        prop_assert_eq!(strict(literal.as_bytes()), Ok(Value::String(Cow::Borrowed(&*text))));
    }

    #[test]
    fn compact_does_what_the_naive_way_does_and_keeps_the_value(text in json_text()) {
        let ours = compact(text.as_bytes(), &WIDE).unwrap();
        prop_assert_eq!(std::str::from_utf8(&ours).unwrap(), naive_compact(&text));
        prop_assert_eq!(matches!(ours, Cow::Borrowed(_)), ours.len() == text.len());
        match (oracle(&ours), oracle(text.as_bytes())) {
            (Ok(ours), Ok(original)) => prop_assert_eq!(ours, original),
            (ours, original) => prop_assert_eq!(ours.is_err(), original.is_err()),
        }
    }

    #[test]
    fn compact_text_has_nothing_left_to_remove(text in json_text()) {
        let once = compact(text.as_bytes(), &WIDE).unwrap();
        prop_assert!(matches!(compact(&once, &WIDE), Ok(Cow::Borrowed(twice)) if twice == &*once));
    }

    #[test]
    fn compact_refuses_what_reading_refuses_for_syntax_and_in_the_same_place(text in nearly_json()) {
        match (strict(&text), compact(&text, &WIDE)) {
            (Err(JsonError { kind: JsonErrorKind::DuplicateName, .. }), _) | (Ok(_), Ok(_)) => {}
            (read, compacted) => prop_assert_eq!(read.unwrap_err(), compacted.unwrap_err()),
        }
    }

    #[test]
    fn bytes_are_encoded_as_the_base64_crate_encodes_them_and_decoded_back(bytes in vec(any::<u8>(), 0..200)) {
        let text = encode_url(&bytes);
        prop_assert_eq!(&text, &URL_SAFE_NO_PAD.encode(&bytes));
        prop_assert_eq!(encode_url_padded(&bytes), URL_SAFE.encode(&bytes));
        prop_assert_eq!(encode_standard(&bytes), STANDARD.encode(&bytes));
        prop_assert_eq!(decode_url(text.as_bytes(), &Rules::STRICT), Ok(bytes));
    }

    #[test]
    fn any_text_is_decoded_as_the_base64_crate_decodes_it(
        mut text in "[A-Za-z0-9_-]{0,30}",
        stray in proptest::option::of((any::<Index>(), select(vec!['=', '+', '/', '\n', ' ', '.', 'é', '\0']))),
    ) {
        if let Some((at, stray)) = stray {
            text.insert(at.index(text.len() + 1), stray);
        }
        prop_assert_eq!(decode_url(text.as_bytes(), &Rules::STRICT).ok(), URL_SAFE_NO_PAD.decode(&text).ok());
    }

    #[test]
    fn no_two_texts_stand_for_the_same_bytes(bytes in vec(any::<u8>(), 1..40)) {
        let text = encode_url(&bytes);
        let standard = encode_standard(&bytes);
        for padded in [format!("{text}="), format!("{text}=="), encode_url_padded(&bytes)] {
            let expected = Err(Base64Error::Padding { offset: text.len() });
            prop_assert!(padded == text || decode_url(padded.as_bytes(), &Rules::STRICT) == expected);
        }
        let standard = standard.trim_end_matches('=');
        if let Some(offset) = standard.find(['+', '/']) {
            let byte = standard.as_bytes()[offset];
            prop_assert_eq!(
                decode_url(standard.as_bytes(), &Rules::STRICT),
                Err(Base64Error::IllegalByte { offset, byte })
            );
        }
        // Every other last character gives other bytes or, where it differs in unused bits only, none.
        let last = text.len() - 1;
        let mut refused = 0;
        for other in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
            let mut alias = text.clone().into_bytes();
            alias[last] = *other;
            match decode_url(&alias, &Rules::STRICT) {
                Ok(decoded) => prop_assert_eq!(decoded == bytes, alias == text.as_bytes()),
                Err(error) => {
                    prop_assert_eq!(error, Base64Error::TrailingBits { offset: last });
                    refused += 1;
                }
            }
        }
        prop_assert_eq!(refused, [0, 60, 48][bytes.len() % 3]);
    }
}
