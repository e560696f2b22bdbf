//! How JSON values are read as the types of a description. It must not compare them.

use std::borrow::Cow;

use smallvec::smallvec;

use crate::description::{Nonce, Type};
use crate::encoding::{Elements, Value};
use crate::time::{parse_http_date, parse_rfc3339};
use crate::world::{Items, Value as Held, Values, value};

/// Last second of the year 9999. What lies beyond is no NumericDate that anybody means
/// (milliseconds read as seconds), so it is refused as too far.
pub(crate) const LAST_SECOND: u64 = 253_402_300_799;

/// The plain bytes of a scalar or a list of texts, as pipelines and access rules read it.
pub(crate) fn plain<'v>(value: &'v Value<'_>) -> Option<Cow<'v, [u8]>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text.as_bytes())),
        Value::Number(text) => Some(Cow::Borrowed(text.as_bytes())),
        Value::Array(list) => {
            let mut joined = Vec::new();
            for (position, item) in list.iter().enumerate() {
                if position > 0 {
                    joined.push(b' ');
                }
                joined.extend_from_slice(item.as_str()?.as_bytes());
            }
            Some(Cow::Owned(joined))
        }
        _ => None,
    }
}

/// The items of a list of texts, or the one item of a scalar; nothing for other values.
pub(crate) fn items<'v>(value: &'v Value<'_>) -> Option<Items<'v>> {
    match value {
        Value::Array(list) => list
            .iter()
            .map(|item| match item {
                Value::String(Cow::Borrowed(text)) => Some(Cow::Borrowed(text.as_bytes())),
                Value::String(Cow::Owned(text)) => Some(Cow::Owned(text.into_bytes())),
                _ => None,
            })
            .collect(),
        _ => plain(value).map(|bytes| smallvec![bytes]),
    }
}

/// Whether `each` is true of every item of a list of texts, or of the one item of a scalar; `None` for other values. As
/// [`items`], without a list of them.
pub(crate) fn every(value: &Value<'_>, mut each: impl FnMut(&[u8]) -> bool) -> Option<bool> {
    Some(match value {
        Value::String(text) => each(text.as_bytes()),
        Value::Array(list) => match list.plain_texts() {
            Some(mut texts) => texts.all(|text| each(text.as_bytes())),
            None => items(value)?.iter().all(|item| each(item)),
        },
        _ => each(&plain(value)?),
    })
}

/// The same of what a credential or an endpoint has under this name; `None` if that is a pair of keys or not there.
pub(crate) fn every_held(values: &Values, name: &str, mut each: impl FnMut(&[u8]) -> bool) -> Option<bool> {
    Some(match value(values, name)? {
        Held::Text(text) => each(text.as_bytes()),
        Held::List(items) => items.iter().all(|item| each(item.as_bytes())),
        other => each(&other.bytes()?),
    })
}

/// The value's bytes if it is of one of `types`; times have [`read_time`].
pub(crate) fn typed<'v>(value: &'v Value<'_>, types: &[Type]) -> Option<Cow<'v, [u8]>> {
    if is_typed(value, types) { plain(value) } else { None }
}

/// Whether the value is of one of `types`.
pub(crate) fn is_typed(value: &Value<'_>, types: &[Type]) -> bool {
    let fits = |form: &Type| match (form, value) {
        (Type::Integer, Value::Number(text)) => is_integer(text),
        (Type::String, Value::String(_)) => true,
        (Type::List, Value::Array(list)) => list.is_plain() || is_of_texts(list),
        (Type::HttpsUrl, Value::String(text)) => is_https_url(text),
        _ => false,
    };
    types.iter().any(fits)
}

#[inline(never)]
fn is_of_texts(list: &Elements<'_>) -> bool {
    list.iter().all(|item| item.as_str().is_some())
}

/// A JSON number that is whole in the one form that JSON writers use: no exponent, no fraction, no minus zero.
#[inline(never)]
fn is_integer(text: &str) -> bool {
    text.strip_prefix('-').unwrap_or(text).bytes().all(|b| b.is_ascii_digit()) && text != "-0"
}

/// An absolute URL with scheme https, a host and no user information.
#[inline(never)]
pub(crate) fn is_https_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, port),
        _ => (authority, ""),
    };
    let named = host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
    let literal = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).is_some_and(|h| {
        h.contains(':') && h.bytes().all(|b| b.is_ascii_hexdigit() || b == b':' || b == b'.')
    });
    let escaped =
        text.split('%').skip(1).all(|t| t.len() >= 2 && t.bytes().take(2).all(|b| b.is_ascii_hexdigit()));
    scheme.eq_ignore_ascii_case("https")
        && host.bytes().any(|b| b.is_ascii_alphanumeric())
        && (named || literal)
        && (port.is_empty() || (port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok()))
        && escaped
        && !authority.contains('@')
        && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
}

/// A time read from a claim, in seconds since 1970 UTC, rounded up (so that `now >= exp` is exact for whole
/// seconds of `now`); `u64::MAX` for anything beyond the year 9999; `None` if it is none of `types`.
pub(crate) fn read_time(value: &Value<'_>, types: &[Type]) -> Option<u64> {
    types.iter().find_map(|form| match (form, value) {
        (Type::Seconds, Value::Number(text)) => numeric_date(text),
        (Type::Milliseconds, Value::Number(text)) => numeric_date(text).map(|ms| ms.div_ceil(1000)),
        (Type::SecondsText, Value::String(text)) => {
            let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            if plain { numeric_date(text) } else { None }
        }
        (Type::HttpDate, Value::String(text)) => parse_http_date(text),
        (Type::Rfc3339, Value::String(text)) => parse_rfc3339(text),
        _ => None,
    })
}

/// A NumericDate (RFC 7519 section 2): a JSON number, fractions and exponents allowed. Negative ones are 0.
fn numeric_date(text: &str) -> Option<u64> {
    if text.starts_with('-') {
        return Some(0);
    }
    // Fewer digits than `u64` has, so that nothing overflows.
    if text.len() <= 18
        && let Some(seconds) = text.bytes().try_fold(0_u64, |number, byte| {
            byte.is_ascii_digit().then(|| number * 10 + u64::from(byte - b'0'))
        })
    {
        return Some(if seconds <= LAST_SECOND { seconds } else { u64::MAX });
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return Some(text.parse().ok().filter(|s| *s <= LAST_SECOND).unwrap_or(u64::MAX));
    }
    let number: f64 = text.parse().ok()?;
    // Exact below 2^53, which is far beyond the last second that is accepted.
    let limit = 253_402_300_799.0_f64;
    if number.is_nan() || number > limit {
        return Some(u64::MAX);
    }
    format!("{:.0}", number.ceil()).parse().ok()
}

/// The nonce's text if it has the documented shape.
pub(crate) fn read_nonce<'v>(value: &'v Value<'_>, shape: Nonce) -> Option<&'v [u8]> {
    match (shape, value) {
        // A JSON number has no plus and no zeros in front, and no other sign, point or exponent is read here.
        (Nonce::U32, Value::Number(text)) => text.parse::<u32>().ok().map(|_| text.as_bytes()),
        (Nonce::U64, Value::Number(text)) => text.parse::<u64>().ok().map(|_| text.as_bytes()),
        (Nonce::Uuid, Value::String(text)) => {
            let hyphen = |i: usize| [8, 13, 18, 23].contains(&i);
            let fits = text.len() == 36
                && text.bytes().enumerate().all(|(i, b)| {
                    if hyphen(i) { b == b'-' } else { b.is_ascii_hexdigit() && !b.is_ascii_uppercase() }
                });
            fits.then_some(text.as_bytes())
        }
        (Nonce::Hex32, Value::String(text)) => {
            let fits =
                text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase());
            fits.then_some(text.as_bytes())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numeric_dates_keep_fractions_and_exponents() {
        assert_eq!(numeric_date("1700000000"), Some(1_700_000_000));
        assert_eq!(numeric_date("1700000000.0"), Some(1_700_000_000));
        assert_eq!(numeric_date("1700000000.5"), Some(1_700_000_001));
        assert_eq!(numeric_date("17e8"), Some(1_700_000_000));
        assert_eq!(numeric_date("-1"), Some(0));
        assert_eq!(numeric_date("1e309"), Some(u64::MAX));
        assert_eq!(numeric_date("1700000000000"), Some(u64::MAX), "milliseconds");
        assert_eq!(numeric_date("18446744073709551616"), Some(u64::MAX), "2^64");
        assert_eq!(numeric_date("4294967296"), Some(4_294_967_296), "2^32");
        for last in ["253402300799", "253402300799.0", "2534023007.99e2"] {
            assert_eq!(numeric_date(last), Some(LAST_SECOND), "{last}");
        }
        assert_eq!(numeric_date("00000000001700000000"), Some(1_700_000_000), "a text may begin with zeros");
        assert_eq!(numeric_date("00000000253402300800"), Some(u64::MAX));
        for later in ["253402300800", "253402300799.5", "2534023008e2"] {
            assert_eq!(numeric_date(later), Some(u64::MAX), "{later}");
        }
    }

    /// RFC 8259 section 6 has many texts for a number; JSON writers use one for a whole one.
    #[test]
    fn a_whole_number_has_one_form() {
        let typed = |text: &'static str| is_typed(&Value::Number(text), &[Type::Integer]);
        for good in ["0", "7", "-7", "1234567890123456789012345678901234567890"] {
            assert!(typed(good), "{good}");
        }
        for other in ["-0", "7.0", "7e0", "7E1", "-7.5", "0.0"] {
            assert!(!typed(other), "{other}");
        }
    }

    #[test]
    fn a_list_of_texts_is_one_however_they_are_written() {
        use crate::encoding::{JsonRules, Limits, parse_value};
        for (text, expected) in [
            ("[]", true),
            (r#"["a","b"]"#, true),
            (r#"["a","\u0062"]"#, true),
            (r#"["a",1]"#, false),
            (r#""a""#, false),
        ] {
            let value = parse_value(text.as_bytes(), &JsonRules::STRICT, &Limits::DEFAULT).unwrap();
            assert_eq!(is_typed(&value, &[Type::List]), expected, "{text}");
        }
    }

    #[test]
    fn items_are_those_of_a_list_or_the_one_of_a_scalar() {
        use crate::encoding::{JsonRules, Limits, parse_value};
        for (text, expected) in [
            (r#""a""#, Some(&["a"][..])),
            ("1", Some(&["1"])),
            ("[]", Some(&[])),
            (r#"["a","b"]"#, Some(&["a", "b"])),
            (r#"["a","\u0062"]"#, Some(&["a", "b"])),
            (r#"["a",1]"#, None),
            ("true", None),
            ("null", None),
            ("{}", None),
        ] {
            let value = parse_value(text.as_bytes(), &JsonRules::STRICT, &Limits::DEFAULT).unwrap();
            let expected: Option<Vec<Vec<u8>>> =
                expected.map(|items| items.iter().map(|item| item.as_bytes().to_vec()).collect());
            let listed = items(&value).map(|items| items.iter().map(|i| i.to_vec()).collect::<Vec<_>>());
            assert_eq!(listed, expected, "{text}");
            let mut seen: Vec<Vec<u8>> = Vec::new();
            let visited = every(&value, |item| {
                seen.push(item.to_vec());
                true
            });
            assert_eq!(visited.map(|_| seen), expected, "{text}");
        }
    }

    #[test]
    fn a_list_of_texts_is_plain_with_blanks_between() {
        use crate::encoding::{JsonRules, Limits, parse_value};
        let read = |text: &str| {
            let value = parse_value(text.as_bytes(), &JsonRules::STRICT, &Limits::DEFAULT).unwrap();
            plain(&value).map(Cow::into_owned)
        };
        assert_eq!(read(r#"["a","b"]"#).as_deref(), Some(&b"a b"[..]));
        assert_eq!(read("1.50").as_deref(), Some(&b"1.50"[..]), "a number as it is written");
        for text in [r#"["a",1]"#, "{}", "null", "true"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn only_plain_https_urls_pass() {
        assert!(is_https_url("https://api.client.example/api?x=1"));
        assert!(is_https_url("HTTPS://api-1.client.example:8443/"));
        assert!(is_https_url("https://a.example/%41%5a") && is_https_url("https://[::ffff:192.0.2.1]/"));
        // RFC 3986 section 3.2.2: colons of an address in brackets begin no port.
        assert!(is_https_url("https://[::1]/") && is_https_url("https://[2001:db8::1]:443/"));
        for text in [
            "http://a.example/",
            "https://",
            "https:///x",
            "https://u@a.example/",
            "https://a.example/ x",
            "file:///x",
            "https://a.example\\@b",
            "https://[",
            "https://a.example:99999/",
            "https://a.example:x/",
            "https://.",
            "https://a.example/%zz",
            "https://a.example/%4",
            "https://a.example/%",
            "https://a_b.example/",
            "https://[::g]/",
            "https://[1234]/",
            "https://a.example,b.example/",
            "https://[::1",
            "https://[localhost]/",
            "https://[::1]:x/",
        ] {
            assert!(!is_https_url(text), "{text}");
        }
    }
}
