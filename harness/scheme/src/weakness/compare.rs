//! Comparisons that are not equality, as careless programs write them. They must not be used by anything strict.

/// A comparison: what was expected, what was sent.
pub(super) type Lax = fn(&[u8], &[u8]) -> bool;

/// Names, sentences and comparisons for values that are text.
pub(super) const TEXT: [(&str, &str, Lax); 9] = [
    ("by-prefix", "compares only as far as what was expected goes", |want, sent| sent.starts_with(want)),
    ("prefix-suffices", "takes a beginning of the right value", |want, sent| want.starts_with(sent)),
    ("contained", "takes a value that contains the right one", |want, sent| {
        !want.is_empty() && sent.windows(want.len()).any(|w| w == want)
    }),
    ("any-case", "compares without case", <[u8]>::eq_ignore_ascii_case),
    ("trimmed", "trims white space before it compares", |want, sent| want.trim_ascii() == sent.trim_ascii()),
    ("cut-at-nul", "compares up to a NUL", |want, sent| sent.split(|b| *b == 0).next() == Some(want)),
    ("empty-suffices", "takes an empty value", |want, sent| sent.is_empty() || sent == want),
    ("star-suffices", "reads `*` as anything", |want, sent| {
        sent.strip_suffix(b"*").is_some_and(|rest| want.starts_with(rest)) || sent == want
    }),
    ("words-cut", "compares only the first word", |want, sent| {
        sent.split(|b| *b == b' ' || *b == b',').any(|word| word == want)
    }),
];

/// Names, sentences and comparisons for digests and MACs in an encoding.
pub(super) const DIGEST: [(&str, &str, Lax); 8] = [
    ("blank-suffices", "trims, and takes an empty value", |want, sent| {
        sent.trim_ascii().is_empty() && !sent.is_empty() || sent == want
    }),
    ("first-eight", "compares only the first eight characters", |want, sent| want.get(..8) == sent.get(..8)),
    ("length-of-sent", "compares only as much as was sent", |want, sent| want.starts_with(sent)),
    ("by-prefix", "compares only as far as what was expected goes", |want, sent| sent.starts_with(want)),
    ("any-case", "compares without case", <[u8]>::eq_ignore_ascii_case),
    ("trimmed", "trims white space before it compares", |want, sent| want == sent.trim_ascii()),
    ("cut-at-nul", "compares up to a NUL", |want, sent| sent.split(|b| *b == 0).next() == Some(want)),
    ("decoded", "decodes leniently before it compares", |want, sent| {
        let plain = |text: &[u8]| -> Vec<u8> {
            let digit = |b: &u8| b.is_ascii_alphanumeric() || b"+/-_".contains(b);
            text.iter()
                .copied()
                .filter(digit)
                .map(|b| match b {
                    b'-' => b'+',
                    b'_' => b'/',
                    other => other,
                })
                .collect()
        };
        plain(want) == plain(sent)
    }),
];

/// Names, sentences and comparisons for paths.
pub(super) const PATH: [(&str, &str, Lax); 13] = [
    ("segments-suffice", "takes whole segments at the beginning of the path", |want, sent| {
        let rest = want.strip_prefix(sent.strip_suffix(b"/").unwrap_or(sent));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    }),
    ("root-suffices", "takes the root for everything below it", |want, sent| sent == b"/" || sent == want),
    ("star", "reads a star at the end as anything", |want, sent| {
        sent == want
            || sent.strip_suffix(b"*").is_some_and(|rest| !rest.ends_with(b".") && want.starts_with(rest))
    }),
    ("by-prefix", "takes a beginning of the path", |want, sent| want.starts_with(sent)),
    ("longer-suffices", "takes a path that begins with the right one", |want, sent| sent.starts_with(want)),
    ("any-case", "compares without case", <[u8]>::eq_ignore_ascii_case),
    ("slash-at-the-end", "passes over a slash at the end", |want, sent| {
        want.strip_suffix(b"/").unwrap_or(want) == sent.strip_suffix(b"/").unwrap_or(sent)
    }),
    ("decoded", "decodes percent-encoding before it compares", |want, sent| {
        let plain = |text: &[u8]| std::str::from_utf8(text).ok().and_then(crate::request::percent_decode);
        plain(want).is_some() && plain(want) == plain(sent)
    }),
    ("query-dropped", "drops a query before it compares", |want, sent| {
        sent.split(|b| *b == b'?').next() == Some(want)
    }),
    ("host-dropped", "drops scheme and host before it compares", |want, sent| {
        sent == want || sent.starts_with(b"https://") && sent.ends_with(want)
    }),
    ("pattern", "reads the claim as a pattern", |want, sent| {
        sent == b".*" || sent == want || sent.strip_suffix(b"*").is_some_and(|rest| want.starts_with(rest))
    }),
    ("suffix", "takes an ending of the path", |want, sent| sent.len() > 1 && want.ends_with(sent)),
    ("either", "takes the right path among several", |want, sent| {
        sent.split(|b| b" ,|".contains(b)).any(|word| word == want)
    }),
];
