//! JSON written again by somebody who parsed it first: order, blanks, escapes and numbers change. It must not fail;
//! what is no JSON stays as it is.

use super::Mistake;
use crate::encoding::{Duplicates, JsonRules, Limits, Value, parse_value, string_literal};

/// The text as a serialiser with this habit writes it.
pub(super) fn rewrite(habit: &Mistake, text: &[u8]) -> Vec<u8> {
    let rules = JsonRules { duplicates: Duplicates::Last };
    let Ok(value) = parse_value(text, &rules, &Limits::DEFAULT) else { return text.to_vec() };
    let mut out = String::new();
    write(habit, &value, 0, &mut out);
    out.into_bytes()
}

fn write(habit: &Mistake, value: &Value<'_>, depth: usize, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            if *habit == Mistake::SortedMembers {
                members.sort_by_key(|(name, _)| *name);
            }
            list(habit, ('{', '}'), &members, depth, out, |(name, value), out| {
                out.push_str(&literal(habit, name));
                out.push_str(if matches!(habit, Mistake::IndentedJson | Mistake::SpacedJson) {
                    ": "
                } else {
                    ":"
                });
                write(habit, value, depth + 1, out);
            });
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().collect();
            list(habit, ('[', ']'), &items, depth, out, |item, out| write(habit, item, depth + 1, out));
        }
        Value::String(text) => out.push_str(&literal(habit, text)),
        Value::Number(text) => match (habit, text.parse::<f64>()) {
            (Mistake::DoubleNumbers, Ok(number)) => out.push_str(&number.to_string()),
            _ => out.push_str(text),
        },
        Value::Null | Value::Bool(_) => out.push_str(&value.to_text()),
    }
}

fn list<T>(
    habit: &Mistake,
    (open, close): (char, char),
    items: &[T],
    depth: usize,
    out: &mut String,
    mut item: impl FnMut(&T, &mut String),
) {
    let line = |depth: usize, out: &mut String| {
        if *habit == Mistake::IndentedJson {
            out.push('\n');
            out.push_str(&"  ".repeat(depth));
        }
    };
    out.push(open);
    for (position, each) in items.iter().enumerate() {
        if position > 0 {
            out.push_str(if *habit == Mistake::SpacedJson { ", " } else { "," });
        }
        line(depth + 1, out);
        item(each, out);
    }
    if !items.is_empty() {
        line(depth, out);
    }
    out.push(close);
}

fn literal(habit: &Mistake, text: &str) -> String {
    let plain = string_literal(text);
    match habit {
        Mistake::EscapedSlashes => plain.replace('/', "\\/"),
        Mistake::AsciiJson => {
            let mut units = [0; 2];
            plain
                .chars()
                .map(|c| {
                    if c.is_ascii() {
                        return c.to_string();
                    }
                    c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
                })
                .collect()
        }
        _ => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_habit_writes_its_own_form() {
        let text = "{ \"b\": [1.0, \"\u{e9}/\"], \"a\": 1E2 }".as_bytes();
        let form = |habit| String::from_utf8(rewrite(&habit, text)).unwrap_or_default();
        assert_eq!(form(Mistake::SortedMembers), "{\"a\":1E2,\"b\":[1.0,\"\u{e9}/\"]}");
        assert_eq!(form(Mistake::SpacedJson), "{\"b\": [1.0, \"\u{e9}/\"], \"a\": 1E2}");
        assert_eq!(
            form(Mistake::IndentedJson),
            "{\n  \"b\": [\n    1.0,\n    \"\u{e9}/\"\n  ],\n  \"a\": 1E2\n}"
        );
        assert_eq!(form(Mistake::AsciiJson), "{\"b\":[1.0,\"\\u00e9/\"],\"a\":1E2}");
        assert_eq!(form(Mistake::EscapedSlashes), "{\"b\":[1.0,\"\u{e9}\\/\"],\"a\":1E2}");
        assert_eq!(form(Mistake::DoubleNumbers), "{\"b\":[1,\"\u{e9}/\"],\"a\":100}");
        assert_eq!(rewrite(&Mistake::SortedMembers, b"no json"), b"no json");
    }
}
