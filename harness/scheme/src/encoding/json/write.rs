//! Writes values as compact JSON text. It must not escape more than must be escaped.

use std::fmt::Write as _;

use super::Value;

/// `text` as a JSON string with only the escapes that RFC 8259 section 7 demands.
///
/// Controls are `\b`, `\t`, `\n`, `\f`, `\r` or `\u00xx` with lower-case digits; all else is raw UTF-8.
#[must_use]
pub fn string_literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len().saturating_add(2));
    write_string(&mut out, text);
    out
}

pub(super) fn write_value(out: &mut String, value: &Value<'_>) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(text) => out.push_str(text),
        Value::String(text) => write_string(out, text),
        Value::Array(elements) => {
            out.push('[');
            for (position, element) in elements.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                write_value(out, &element);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (position, (name, value)) in members.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                write_string(out, name);
                out.push(':');
                write_value(out, value);
            }
            out.push('}');
        }
    }
}

fn write_string(out: &mut String, text: &str) {
    let needs_escape = |c: &char| *c < ' ' || *c == '"' || *c == '\\';
    out.push('"');
    for run in text.split_inclusive(|c| needs_escape(&c)) {
        let mut plain = run.chars();
        match plain.next_back().filter(needs_escape) {
            Some(special) => {
                out.push_str(plain.as_str());
                write_escape(out, special);
            }
            None => out.push_str(run),
        }
    }
    out.push('"');
}

fn write_escape(out: &mut String, special: char) {
    match special {
        '\u{8}' => out.push_str("\\b"),
        '\t' => out.push_str("\\t"),
        '\n' => out.push_str("\\n"),
        '\u{c}' => out.push_str("\\f"),
        '\r' => out.push_str("\\r"),
        control @ '\0'..='\u{1f}' => {
            // Writing into a string does not fail.
            let _ = write!(out, "\\u{:04x}", u32::from(control));
        }
        quote_or_backslash => out.extend(['\\', quote_or_backslash]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_escapes_only_what_must_be_escaped() {
        assert_eq!(string_literal(""), "\"\"");
        assert_eq!(string_literal("\"a\\b/"), r#""\"a\\b/""#);
        assert_eq!(string_literal("\u{8}\t\n\u{c}\r\0\u{1f}"), r#""\b\t\n\f\r\u0000\u001f""#);
        assert_eq!(string_literal("é\u{7f}\u{2028}😀"), "\"é\u{7f}\u{2028}😀\"");
    }
}
