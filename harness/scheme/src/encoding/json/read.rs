//! Reads JSON text into values. It must not accept anything beyond RFC 8259, nor a member name twice unless told to.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use super::super::json_error::{JsonError, JsonErrorKind};
use super::super::scan::{Limits, Scanner, Start};
use super::usual::{INLINE_MEMBERS, Name, Places, usual_members};
use super::{Elements, Members, Value};

/// What is tolerated beyond the strict reading. `STRICT` tolerates nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonRules {
    /// What happens to a name that stands twice in one object.
    pub(crate) duplicates: Duplicates,
}

impl JsonRules {
    /// RFC 8259, with the names in every object unique as RFC 7515 section 4 allows a reader to demand.
    pub const STRICT: Self = Self { duplicates: Duplicates::Refuse };
}

/// What happens to a name that stands twice in one object. Names are compared after their escapes are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicates {
    /// The text is refused.
    Refuse,
    /// The first member counts.
    First,
    /// The last member counts, at the place of the first.
    Last,
}

/// Reads `text` as one JSON object.
///
/// # Errors
/// The first departure from RFC 8259, `rules` or `limits`, or a value that is no object.
pub fn parse_object<'a>(
    text: &'a [u8],
    rules: &JsonRules,
    limits: &Limits,
) -> Result<Members<'a>, JsonError> {
    let mut members = Members::default();
    let _places = parse_members(text, rules, limits, &[], &mut members)?;
    Ok(members)
}

/// Reads `text` as one JSON object into `members`; after a fault some are there. `expected` says which names
/// are likely, each once: a guess that changes nothing but the time it takes. Where they stand is known if the object is
/// a usual one.
///
/// # Errors
/// As [`parse_object`].
pub(crate) fn parse_members<'a>(
    text: &'a [u8],
    rules: &JsonRules,
    limits: &Limits,
    expected: &[Name],
    members: &mut Members<'a>,
) -> Result<Option<Places>, JsonError> {
    Scanner::read(
        text,
        limits,
        |_| {},
        |scan| {
            let offset = scan.offset();
            // What is usual has few members, and at most lists in the object.
            if offset == 0 && limits.depth >= 2 && limits.members >= INLINE_MEMBERS {
                let (end, places) = usual_members(scan.text(), rules, expected, members);
                if end > 0 {
                    scan.go_on(end);
                    if end == text.len() {
                        return Ok(Some(places));
                    }
                    let mut read = ReadMembers { members, index: BTreeMap::new() };
                    let rest = scan.more_members(|scan, offset| member(scan, rules, &mut read, offset));
                    return rest.map(|()| None);
                }
            }
            match scan.start()? {
                Start::Object => object(scan, rules, members).map(|()| None),
                _ => Err(JsonError { offset, kind: JsonErrorKind::ExpectedObject }),
            }
        },
    )
}

/// Reads `text` as one JSON value.
///
/// # Errors
/// The first departure from RFC 8259, `rules` or `limits`.
pub fn parse_value<'a>(text: &'a [u8], rules: &JsonRules, limits: &Limits) -> Result<Value<'a>, JsonError> {
    Scanner::read(text, limits, |_| {}, |scan| value(scan, rules))
}

pub(super) fn value<'a, G: FnMut(Range<usize>)>(
    scan: &mut Scanner<'a, G>,
    rules: &JsonRules,
) -> Result<Value<'a>, JsonError> {
    Ok(match scan.start()? {
        Start::Object => {
            let mut members = Box::<Members<'_>>::default();
            object(scan, rules, &mut members)?;
            Value::Object(members)
        }
        Start::Array => {
            let mut plain = true;
            let text = scan.elements(|scan| {
                plain &= check(scan, rules)?;
                Ok(())
            })?;
            Value::Array(Elements { text, rules: *rules, plain })
        }
        Start::String => Value::String(string(scan)?),
        Start::Number(text) => Value::Number(text),
        Start::Bool(truth) => Value::Bool(truth),
        Start::Null => Value::Null,
    })
}

/// Reads a value for its faults alone. Whether it is a string without escapes.
fn check<'a, G: FnMut(Range<usize>)>(
    scan: &mut Scanner<'a, G>,
    rules: &JsonRules,
) -> Result<bool, JsonError> {
    match scan.start()? {
        Start::Object => object(scan, rules, &mut Members::default())?,
        Start::Array => drop(scan.elements(|scan| check(scan, rules).map(drop))?),
        Start::String if scan.pass_plain_string() => return Ok(true),
        Start::String => drop(scan.string(|_, _| {})?),
        Start::Number(_) | Start::Bool(_) | Start::Null => {}
    }
    Ok(false)
}

fn object<'a, G: FnMut(Range<usize>)>(
    scan: &mut Scanner<'a, G>,
    rules: &JsonRules,
    members: &mut Members<'a>,
) -> Result<(), JsonError> {
    let mut read = ReadMembers { members, index: BTreeMap::new() };
    scan.members(|scan, offset| member(scan, rules, &mut read, offset))
}

fn member<'a, G: FnMut(Range<usize>)>(
    scan: &mut Scanner<'a, G>,
    rules: &JsonRules,
    read: &mut ReadMembers<'_, 'a>,
    offset: usize,
) -> Result<(), JsonError> {
    let limit = scan.limits().members;
    let name = string(scan)?;
    let earlier = read.position(&name);
    match earlier {
        None if read.members.len() >= limit => {
            return Err(JsonError { offset, kind: JsonErrorKind::TooManyMembers { limit } });
        }
        Some(_) if rules.duplicates == Duplicates::Refuse => {
            return Err(JsonError { offset, kind: JsonErrorKind::DuplicateName });
        }
        _ => {}
    }
    scan.colon()?;
    let value = value(scan, rules)?;
    match earlier.and_then(|position| read.members.value_mut(position)) {
        None => read.members.push((name, value)),
        Some(first) if rules.duplicates == Duplicates::Last => *first = value,
        Some(_) => {}
    }
    Ok(())
}

fn string<'a, G: FnMut(Range<usize>)>(scan: &mut Scanner<'a, G>) -> Result<Cow<'a, str>, JsonError> {
    if let Some(text) = scan.plain_string() {
        return Ok(Cow::Borrowed(text));
    }
    let mut unescaped = String::new();
    let last = scan.string(|run, character| {
        unescaped.push_str(run);
        unescaped.push(character);
    })?;
    // Every escape leaves a character, so empty means that there was none.
    if unescaped.is_empty() {
        return Ok(Cow::Borrowed(last));
    }
    unescaped.push_str(last);
    Ok(Cow::Owned(unescaped))
}

/// The members of an object while it is read; their names are all different.
struct ReadMembers<'m, 'a> {
    members: &'m mut Members<'a>,
    /// Where each name stands. Stays empty for small objects and lags behind `members`.
    index: BTreeMap<Cow<'a, str>, usize>,
}

impl ReadMembers<'_, '_> {
    /// Up to here comparing name after name is quicker than an index. Beyond, its square would let a large
    /// object cost a sender little and us much.
    const SMALL: usize = 16;

    fn position(&mut self, name: &str) -> Option<usize> {
        if self.members.len() <= Self::SMALL {
            return self.members.iter().position(|(own, _)| own == name);
        }
        let own_names = self.members.first.iter().chain(&self.members.more).map(|(own, _)| own);
        for (position, own) in own_names.enumerate().skip(self.index.len()) {
            self.index.insert(own.clone(), position);
        }
        self.index.get(name).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::string_literal;

    fn read(text: &str) -> Value<'_> {
        parse_value(text.as_bytes(), &JsonRules::STRICT, &Limits::DEFAULT).unwrap()
    }

    fn refusal(text: &str) -> (usize, JsonErrorKind) {
        let error = parse_value(text.as_bytes(), &JsonRules::STRICT, &Limits::DEFAULT).unwrap_err();
        (error.offset, error.kind)
    }

    /// An object of `names`; the value of each is its position.
    fn object_of(names: &[String]) -> String {
        let members: Vec<_> =
            names.iter().enumerate().map(|(at, name)| format!("{}:{at}", string_literal(name))).collect();
        format!("{{{}}}", members.join(","))
    }

    #[test]
    fn order_number_text_and_every_kind_of_value_are_kept() {
        let text = r#"{"z":[null,true,false],"a":-1.50E+02,"m":{},"s":"x","e":[]}"#;
        assert_eq!(read(text).to_text(), text);
        assert_eq!(read(" 1.0 "), Value::Number("1.0"));
    }

    #[test]
    fn a_string_without_escapes_is_borrowed() {
        assert!(matches!(read("\"\""), Value::String(Cow::Borrowed(""))));
        assert!(matches!(read("\"Zoë\""), Value::String(Cow::Borrowed("Zoë"))));
        assert!(matches!(read(r#""Zo\u00eb""#), Value::String(Cow::Owned(text)) if text == "Zoë"));
    }

    #[test]
    fn every_escape_is_read() {
        assert_eq!(
            read(r#""a\"\\\/\b\f\n\r\t\u0000\u00E9\uffff\ud83d\uDE00z""#).as_str(),
            Some("a\"\\/\u{8}\u{c}\n\r\t\0é\u{ffff}😀z")
        );
        // The ends of both surrogate ranges, and their neighbours outside.
        assert_eq!(
            read(r#""\ud800\udc00\udbff\udfff\ud7ff\ue000""#).as_str(),
            Some("\u{10000}\u{10ffff}\u{d7ff}\u{e000}")
        );
    }

    #[test]
    fn a_repeated_name_is_refused_at_every_depth() {
        assert_eq!(refusal(r#"{"a":1,"b":2,"a":1}"#), (13, JsonErrorKind::DuplicateName));
        assert_eq!(refusal(r#"[{"x":{"a":1,"a":2}}]"#), (13, JsonErrorKind::DuplicateName));
        assert_eq!(read(r#"{"a":{"a":[{"a":1},{"a":2}]}}"#).to_text(), r#"{"a":{"a":[{"a":1},{"a":2}]}}"#);
    }

    #[test]
    fn names_are_compared_after_their_escapes_are_read_and_exactly() {
        assert_eq!(refusal(r#"{"exp":1,"\u0065xp":2}"#), (9, JsonErrorKind::DuplicateName));
        assert_eq!(refusal(r#"{"":1,"":2}"#), (6, JsonErrorKind::DuplicateName));
        // RFC 8259 section 8.3: code unit by code unit, so neither case nor composition is folded.
        assert!(matches!(read(r#"{"exp":1,"Exp":2,"é":3,"e\u0301":4}"#), Value::Object(m) if m.len() == 4));
    }

    #[test]
    fn a_repeated_name_is_found_in_an_object_of_any_size() {
        for size in [1, 2, 15, 16, 17, 18, 19, 40, 1000] {
            let names: Vec<_> = (0..size).map(|n| format!("n{n}")).collect();
            assert!(matches!(read(&object_of(&names)), Value::Object(m) if m.len() == size));
            for repeated in [0, size / 2, size - 1] {
                let mut names = names.clone();
                names.push(format!("n{repeated}"));
                assert_eq!(
                    refusal(&object_of(&names)).1,
                    JsonErrorKind::DuplicateName,
                    "{repeated} of {size}"
                );
            }
        }
    }

    /// Every text of up to four of these members, alone and behind six others, read with every guess and every rule.
    #[test]
    fn a_guess_of_names_changes_nothing() {
        let members = [
            r#""a":1"#,
            r#""b":"x""#,
            r#""a":2"#,
            r#""\u0061":3"#,
            r#""b" :[1,"a"]"#,
            r#""c": {"a":1,"a":2}"#,
            r#""a":"#,
            "",
        ];
        let guesses = [&[][..], &["a"], &["a", "b"], &["b", "a"], &["a", "b", "c", "d"]];
        let guesses = guesses.map(|names| names.iter().filter_map(|n| Name::new(n)).collect::<Vec<_>>());
        let others: String = ('p'..='u').map(|name| format!("\"{name}\":[],")).collect();
        for number in 0..members.len().pow(4) {
            let digit = |place: u32| number / members.len().pow(place) % members.len();
            let text: Vec<&str> = (0..4).map(|place| members[digit(place)]).collect();
            let text = format!("{{{}}}", text.join(","));
            let shorter = text.trim_matches(',').replace(",,", ",").replace("{,", "{").replace(",}", "}");
            let longer = shorter.replacen('{', &format!("{{{others}"), 1);
            for duplicates in [Duplicates::Refuse, Duplicates::First, Duplicates::Last] {
                let rules = JsonRules { duplicates };
                for (text, limit) in [(&text, 8), (&shorter, 8), (&shorter, 3), (&longer, 8), (&longer, 9)] {
                    let limits = Limits { depth: 8, members: limit };
                    // A value is read by the grammar alone.
                    let plain = parse_value(text.as_bytes(), &rules, &limits).map(|value| match value {
                        Value::Object(members) => *members,
                        other => panic!("{other:?} begins with a brace"),
                    });
                    for names in &guesses {
                        let mut read = Members::default();
                        let guessed = parse_members(text.as_bytes(), &rules, &limits, names, &mut read);
                        assert_eq!(guessed.map(|_| read), plain, "{text}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_name_that_needs_escapes_is_not_guessed() {
        assert!(["a", "api-key", "é", ""].iter().all(|name| Name::new(name).is_some()));
        assert!(["a\"", "\\", "\n", "\u{1}"].iter().all(|name| Name::new(name).is_none()));
    }

    #[test]
    fn elements_come_out_as_often_as_they_are_asked_for() {
        for (text, plain) in [
            ("[]", true),
            ("[ ]", true),
            (r#"["a"]"#, true),
            (r#"[ "a,b" , "]" ,"" ]"#, true),
            (r#"["\u0061"]"#, false),
            ("[1,2]", false),
            (r#"["a",1]"#, false),
            (r#"[["a"],{"b":["c"]},null]"#, false),
        ] {
            let Value::Array(list) = read(text) else { panic!("{text}") };
            let all: Vec<_> = list.iter().collect();
            let theirs: Vec<serde_json::Value> = serde_json::from_str(text).unwrap();
            assert_eq!(all.len(), theirs.len(), "{text}");
            assert_eq!(list.is_empty(), theirs.is_empty());
            for (ours, theirs) in all.iter().zip(&theirs) {
                assert_eq!(serde_json::from_str::<serde_json::Value>(&ours.to_text()).unwrap(), *theirs);
            }
            let texts =
                list.plain_texts().map(|texts| texts.map(Into::into).collect::<Vec<serde_json::Value>>());
            assert_eq!(texts, plain.then_some(theirs), "{text}");
        }
        assert_eq!(read("[1, [2]]"), read("[ 1,[ 2 ] ]"), "white space does not count");
        assert_ne!(read("[1]"), read("[1,1]"));
    }

    #[test]
    fn names_are_indexed_only_in_objects_that_are_not_small() {
        for (size, indexed) in [(16, 0), (17, 17), (18, 18), (500, 500)] {
            let mut members = Members::default();
            let mut read = ReadMembers { members: &mut members, index: BTreeMap::new() };
            for n in 0..size {
                assert_eq!(read.position(&format!("n{n}")), None);
                read.members.push((Cow::Owned(format!("n{n}")), Value::Null));
            }
            assert_eq!(read.position("n3"), Some(3));
            assert_eq!(read.index.len(), indexed, "{size}");
        }
    }

    #[test]
    fn the_lax_rules_take_the_first_or_the_last_member() {
        let names: Vec<_> = (0..50).map(|n| format!("n{}", n % 20)).collect();
        let text = object_of(&names);
        for (duplicates, n3, n19) in [(Duplicates::First, "3", "19"), (Duplicates::Last, "43", "39")] {
            let members = parse_object(text.as_bytes(), &JsonRules { duplicates }, &Limits::DEFAULT).unwrap();
            let order: Vec<_> = members.iter().map(|(name, _)| name.to_owned()).collect();
            assert_eq!(order, names[..20]);
            assert_eq!(members.find("n3"), Some(&Value::Number(n3)));
            assert_eq!(members.find("n19"), Some(&Value::Number(n19)));
        }
    }

    #[test]
    fn the_member_limit_holds_for_each_object_alone() {
        let limits = Limits { depth: 8, members: 2 };
        let read = |text: &str| parse_value(text.as_bytes(), &JsonRules::STRICT, &limits).map(drop);
        assert_eq!(read(r#"{"a":{"c":1,"d":2},"b":[1,2,3]}"#), Ok(()));
        assert_eq!(
            read(r#"{"a":1,"b":2,"c":3}"#),
            Err(JsonError { offset: 13, kind: JsonErrorKind::TooManyMembers { limit: 2 } })
        );
    }

    #[test]
    fn an_object_is_wanted_where_an_object_is_wanted() {
        for (text, offset) in [(" []", 1), (" \"{}\"", 1), ("1", 0), ("\n\t null", 3)] {
            assert_eq!(
                parse_object(text.as_bytes(), &JsonRules::STRICT, &Limits::DEFAULT),
                Err(JsonError { offset, kind: JsonErrorKind::ExpectedObject }),
                "{text}"
            );
        }
        let members = parse_object(b" { } ", &JsonRules::STRICT, &Limits::DEFAULT).unwrap();
        assert!(members.is_empty());
    }

    #[test]
    fn a_member_is_found_by_its_exact_name() {
        let text = r#"{"\u0061lg":"none","ALG":1}"#;
        let members = parse_object(text.as_bytes(), &JsonRules::STRICT, &Limits::DEFAULT).unwrap();
        assert_eq!(members.find("alg").and_then(Value::as_str), Some("none"));
        assert_eq!(members.find("ALG").and_then(Value::as_str), None);
        assert_eq!(members.find("Alg"), None);
        assert_eq!((members.len(), members.is_empty()), (2, false));
    }
}
