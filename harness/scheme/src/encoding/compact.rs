//! Removes insignificant white space from JSON text. It must not change any other byte.

use std::borrow::Cow;
use std::ops::Range;

use super::json_error::JsonError;
use super::quick::quick_runs;
use super::scan::{Limits, Scanner, Start};

/// `text`, one JSON value, without the white space around its tokens (RFC 8259 section 2).
///
/// Order, numbers, escapes and repeated member names stay as they are. Members are not counted.
/// Borrows if there is nothing to remove.
///
/// # Errors
/// The first departure from RFC 8259, or too many arrays and objects inside each other.
pub fn compact<'a>(text: &'a [u8], limits: &Limits) -> Result<Cow<'a, [u8]>, JsonError> {
    let mut kept = Vec::new();
    let quick = quick_runs(text, limits, |from, length| keep(&mut kept, text, from, length));
    if quick.is_none() {
        kept.clear();
        compact_runs(text, limits, |from, length| keep(&mut kept, text, from, length))?;
    }
    Ok(if kept.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(kept) })
}

/// Adds a piece, unless it is the whole text.
fn keep(kept: &mut Vec<u8>, text: &[u8], from: &[u8], length: usize) {
    if length < text.len() {
        if kept.is_empty() {
            kept.reserve_exact(text.len());
        }
        kept.extend_from_slice(from.get(..length).unwrap_or_default());
    }
}

/// Gives `run` the pieces of which [`compact`] is made, one after the other: the text from where a piece begins, and how
/// long the piece is; before a fault is found as well.
///
/// # Errors
/// As [`compact`].
pub(crate) fn compact_runs<'a>(
    text: &'a [u8],
    limits: &Limits,
    mut run: impl FnMut(&'a [u8], usize),
) -> Result<(), JsonError> {
    let mut done = 0;
    let up_to_gap = |gap: Range<usize>| {
        run(text.get(done..).unwrap_or_default(), gap.start - done);
        done = gap.end;
    };
    Scanner::read(text, limits, up_to_gap, check_value)?;
    run(text.get(done..).unwrap_or_default(), text.len() - done);
    Ok(())
}

fn check_value<G: FnMut(Range<usize>)>(scan: &mut Scanner<'_, G>) -> Result<(), JsonError> {
    match scan.start()? {
        Start::Object => scan.members(|scan, _| {
            if !scan.pass_plain_string() {
                scan.string(|_, _| {})?;
            }
            scan.colon()?;
            check_value(scan)
        }),
        Start::Array => scan.elements(check_value).map(drop),
        Start::String if scan.pass_plain_string() => Ok(()),
        Start::String => scan.string(|_, _| {}).map(drop),
        Start::Number(_) | Start::Bool(_) | Start::Null => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::JsonErrorKind;

    fn text(input: &str) -> String {
        String::from_utf8(compact(input.as_bytes(), &Limits::DEFAULT).unwrap().into_owned()).unwrap()
    }

    fn refusal(input: &[u8]) -> (usize, JsonErrorKind) {
        let error = compact(input, &Limits::DEFAULT).unwrap_err();
        (error.offset, error.kind)
    }

    #[test]
    fn white_space_goes_everywhere_between_tokens() {
        assert_eq!(
            text("\r\n { \"a\" :\t1 , \"b\" : [ ] , \"c\" : { } , \"d\" : [ true , null ] } \n"),
            r#"{"a":1,"b":[],"c":{},"d":[true,null]}"#
        );
    }

    #[test]
    fn white_space_in_names_and_strings_stays() {
        assert_eq!(text(r#"{ "a b" : " , \" : " }"#), r#"{"a b":" , \" : "}"#);
    }

    #[test]
    fn numbers_escapes_order_and_repeated_names_stay() {
        let input = r#"{"b":1.50e+01,"a":-0,"\u0061":"\/\u00E9é","b":1E400}"#;
        assert_eq!(text(input), input);
    }

    #[test]
    fn text_without_white_space_is_borrowed() {
        for input in ["{}", "1", r#"{"a":" "}"#] {
            assert!(matches!(compact(input.as_bytes(), &Limits::DEFAULT), Ok(Cow::Borrowed(_))), "{input}");
        }
    }

    #[test]
    fn other_white_space_and_comments_are_refused() {
        assert_eq!(refusal(b"[\x0b1]"), (1, JsonErrorKind::ExpectedValue));
        assert_eq!(refusal("[1\u{a0}]".as_bytes()), (2, JsonErrorKind::ExpectedCommaOrBracket));
        assert_eq!(refusal(b"[1] // end"), (4, JsonErrorKind::ExpectedEnd));
    }

    #[test]
    fn a_string_is_checked_as_strictly_as_when_it_is_read() {
        assert_eq!(refusal(br#"["\ud800"]"#), (2, JsonErrorKind::LoneSurrogate));
        assert_eq!(refusal(b"[\"a\nb\"]"), (3, JsonErrorKind::ControlCharacter));
        assert_eq!(refusal(br#"{"\x":1}"#), (2, JsonErrorKind::UnknownEscape));
    }

    #[test]
    fn the_depth_limit_applies_and_the_member_limit_does_not() {
        let limits = Limits { depth: 2, members: 0 };
        assert!(compact(br#"{"a":[1],"b":[2]}"#, &limits).is_ok());
        assert_eq!(
            compact(br#"{"a":[{}]}"#, &limits),
            Err(JsonError { offset: 6, kind: JsonErrorKind::TooDeep { limit: 2 } })
        );
    }
}
