//! Goes through good JSON text quickly, for those who copy it: all that it knows stays in registers. It must pass exactly
//! what [`Scanner`](super::scan::Scanner) passes, since some ask no other; what is wrong with a text that says.

use super::scan::{Limits, MAX_DEPTH, plain_part, plain_run};

/// As [`compact_runs`](super::compact::compact_runs), of which `run` is given the same pieces. `None` if something is
/// wrong with the text: then what `run` was given counts for nothing.
pub(crate) fn quick_runs<'a>(
    text: &'a [u8],
    limits: &Limits,
    mut run: impl FnMut(&'a [u8], usize),
) -> Option<()> {
    let text = simdutf8::basic::from_utf8(text).ok()?.as_bytes();
    let most = limits.depth.min(MAX_DEPTH);
    let mut done = 0;
    let mut space = |from: usize| {
        let mut at = from;
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = text.get(at) {
            at += 1;
        }
        if at > from {
            run(text.get(done..).unwrap_or_default(), from - done);
            done = at;
        }
        at
    };
    // Of each array and object that is open, the innermost lowest: whether it is an object.
    let (mut depth, mut objects) = (0, 0_u128);
    let mut at = space(0);
    loop {
        // A value.
        match *text.get(at)? {
            b'"' => at = string(text, at + 1)?,
            b'-' | b'0'..=b'9' => at = number(text, at)?,
            open @ (b'{' | b'[') => {
                depth += 1;
                if depth > most {
                    return None;
                }
                objects = objects << 1 | u128::from(open == b'{');
                at = space(at + 1);
                // In ASCII a bracket of either kind closes two after it opens.
                if *text.get(at)? != open + 2 {
                    if open == b'{' {
                        at = name(text, at, &mut space)?;
                    }
                    continue;
                }
            }
            _ => at += ["true", "false", "null"].iter().find(|w| starts(text, at, w))?.len(),
        }
        // What may come after it, or after the end of what it was the last of.
        loop {
            if depth == 0 {
                at = space(at);
                if at < text.len() {
                    return None;
                }
                run(text.get(done..).unwrap_or_default(), at - done);
                return Some(());
            }
            let in_object = objects & 1 == 1;
            at = space(at);
            match *text.get(at)? {
                b',' => {
                    at = space(at + 1);
                    if in_object {
                        at = name(text, at, &mut space)?;
                    }
                    break;
                }
                b'}' if in_object => {}
                b']' if !in_object => {}
                _ => return None,
            }
            at += 1;
            depth -= 1;
            objects >>= 1;
        }
    }
}

/// The place of a member's value, from that of its name.
fn name(text: &[u8], at: usize, space: &mut impl FnMut(usize) -> usize) -> Option<usize> {
    if *text.get(at)? != b'"' {
        return None;
    }
    let at = space(string(text, at + 1)?);
    if *text.get(at)? == b':' { Some(space(at + 1)) } else { None }
}

/// The place after a string, from that after its opening quote. Most are short, and need no loop.
#[inline]
fn string(text: &[u8], at: usize) -> Option<usize> {
    let Some(word) = text.get(at..)?.first_chunk() else { return long_string(text, at) };
    let end = at + plain_part(*word).unwrap_or(word.len());
    if text.get(end) == Some(&b'"') { Some(end + 1) } else { long_string(text, end) }
}

#[inline(never)]
fn long_string(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += plain_run(text.get(at..)?);
        match *text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at = escape(text, at + 1)?,
            _ => return None,
        }
    }
}

/// The place after an escape, from that after its backslash.
fn escape(text: &[u8], at: usize) -> Option<usize> {
    match *text.get(at)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 1),
        b'u' => match unit(text, at + 1)? {
            Unit::Whole => Some(at + 5),
            Unit::First if starts(text, at + 5, "\\u") => {
                (unit(text, at + 7)? == Unit::Second).then_some(at + 11)
            }
            // Half a pair stands for no character without the other.
            Unit::First | Unit::Second => None,
        },
        _ => None,
    }
}

/// What four hexadecimal digits stand for: a character, or half a surrogate pair (U+D800 to U+DBFF, U+DC00 to U+DFFF).
#[derive(PartialEq)]
enum Unit {
    Whole,
    First,
    Second,
}

fn unit(text: &[u8], at: usize) -> Option<Unit> {
    let digits: &[u8; 4] = text.get(at..)?.first_chunk()?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    Some(match digits {
        [b'd' | b'D', b'8' | b'9' | b'a' | b'b' | b'A' | b'B', ..] => Unit::First,
        [b'd' | b'D', b'c'..=b'f' | b'C'..=b'F', ..] => Unit::Second,
        _ => Unit::Whole,
    })
}

/// The place after a number.
fn number(text: &[u8], mut at: usize) -> Option<usize> {
    let is = |at: usize, byte: u8| text.get(at) == Some(&byte);
    let digits = |at: usize| {
        let count = text.get(at..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (count > 0).then_some(at + count)
    };
    at += usize::from(is(at, b'-'));
    let end = digits(at)?;
    if is(at, b'0') && end > at + 1 {
        return None;
    }
    at = end;
    if is(at, b'.') {
        at = digits(at + 1)?;
    }
    if is(at, b'e') || is(at, b'E') {
        at += 1;
        at = digits(at + usize::from(is(at, b'+') || is(at, b'-')))?;
    }
    Some(at)
}

fn starts(text: &[u8], at: usize, word: &str) -> bool {
    text.get(at..).is_some_and(|rest| rest.starts_with(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::super::compact::compact_runs;
    use super::*;

    /// What is left of a text by either way; `None` if it is refused.
    fn both(text: &[u8], limits: &Limits) -> [Option<Vec<u8>>; 2] {
        let (mut quick, mut thorough) = (Vec::new(), Vec::new());
        let quickly = quick_runs(text, limits, |from, length| quick.extend_from_slice(&from[..length]));
        let thoroughly =
            compact_runs(text, limits, |from, length| thorough.extend_from_slice(&from[..length]));
        [quickly.map(|()| quick), thoroughly.ok().map(|()| thorough)]
    }

    const LIMITS: Limits = Limits { depth: 3, members: 1024 };

    #[test]
    fn what_is_good_is_copied_without_its_white_space() {
        let text = " { \"a\" : [ 1 , -0.5e+3 , { } , [ ] , true ] , \"b\\u00e9\\ud83d\\ude00\" : \"x y\" , \"\" : null } ";
        let [quick, _] = both(text.as_bytes(), &LIMITS);
        let expected = r#"{"a":[1,-0.5e+3,{},[],true],"b\u00e9\ud83d\ude00":"x y","":null}"#;
        assert_eq!(quick.as_deref(), Some(expected.as_bytes()));
    }

    /// Each text of the tests beside, and each of them with one byte changed, left out or put in at each place.
    #[test]
    fn both_ways_agree_on_texts_that_are_nearly_good() {
        let texts = [
            r#"{"a":[1,2.5,-0,1e5,0E-7],"b":{"c":null},"d":"\u00e9\n\ud83d\ude00 \\"}"#,
            "[ [ [ ] ] , { } , true , false , null , \"\" , 10 ]",
            " \"Zo\u{eb} \\/ \\u0041\" ",
            "{\"0123456789\":\"0123456789abcdef\\\"0123\"}",
            "\"\\uDBfF\\uDfFF\\ud7ff\\ue000\"",
            "-12",
        ];
        let bytes = b" \t\x0b\"\\{}[],:0189-+.eEuabcdfgABCDFtn\x00\x1f\x7f\x80\xc3\xff";
        let (mut good, mut bad) = (0, 0);
        let mut agree = |text: &[u8]| {
            let [quick, thorough] = both(text, &LIMITS);
            assert_eq!(quick, thorough, "{}", text.escape_ascii());
            *(if quick.is_some() { &mut good } else { &mut bad }) += 1;
        };
        for text in texts.map(str::as_bytes) {
            agree(text);
            for at in 0..text.len() {
                agree(&[&text[..at], &text[at + 1..]].concat());
                agree(&text[..at]);
                for byte in bytes {
                    agree(&[&text[..at], &[*byte], &text[at + 1..]].concat());
                    agree(&[&text[..at], &[*byte], &text[at..]].concat());
                }
            }
        }
        assert!(good > 1000 && bad > 5000, "{good} good, {bad} bad");
    }

    #[test]
    fn depth_is_limited_alike() {
        for depth in [0, 1, 3, 32, 128, 129] {
            for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
                let text = [&open.repeat(depth), "1", &close.repeat(depth)].concat();
                for limit in [0, 1, 3, 32, usize::MAX] {
                    let [quick, thorough] = both(text.as_bytes(), &Limits { depth: limit, members: 0 });
                    assert_eq!(quick, thorough, "{depth} within {limit}");
                    assert_eq!(quick.is_some(), depth <= limit.min(MAX_DEPTH), "{depth} within {limit}");
                }
            }
        }
    }
}
