//! Writes an explanation for people. It must not take out secrets; whoever calls does.

use bearproof_scheme::Description;
use bearproof_scheme::description::{Part, Place};
use bearproof_scheme::encoding::encode_hex;
use bearproof_scheme::time::rfc3339;
use bearproof_scheme::wrong_signer::recipe;

use super::reading::plain;
use super::search::DEEP_BODY;
use super::{Difference, Explanation};

/// Hits that are told; more would hide the likeliest.
const TOLD: usize = 6;

/// Bytes of a value that are shown on each side of the first that differs.
const AROUND: usize = 40;

/// Takes secrets out of a text.
type Clean<'c> = &'c dyn Fn(&str) -> String;

pub(super) fn write(e: &Explanation, d: &Description, clean: Clean<'_>) -> String {
    let mut out = String::new();
    match &e.verdict.refused {
        None if e.unchecked.is_empty() => out.push_str("accepted\n"),
        None => out.push_str("accepted, as far as it could be checked\n"),
        Some(code) => {
            out.push_str(&format!("refused: {code} (the reference answers {})\n", e.verdict.status));
            if let Some((number, name)) = &e.verdict.row {
                out.push_str(&format!("by check {number}, `{name}`\n"));
            }
            requirement(e, d, &mut out);
        }
    }
    if e.verdict.refused.as_ref().is_some_and(|code| code.starts_with("time.")) && e.tokened {
        let (made, now) = (rfc3339(e.signed_at), rfc3339(e.now));
        out.push_str(&format!(
            "by its own times it was made at {made}; now is {now} (--now SECONDS looks at it as at another time)\n"
        ));
    }
    let guess = if e.named { "" } else { " (a guess: the request does not name its caller)" };
    out.push_str(&format!("compared with the caller `{}`{guess}\n", e.role));
    for line in &e.unchecked {
        out.push_str(&format!("could not be checked: {line}\n"));
    }
    if e.tokened && !e.readable && d.token.is_some() && e.has_key {
        out.push_str(
            "the token can't be taken apart: it is not of the documented form, or cut, or of another key\n",
        );
    }
    // Of a token that can't be read nothing in it can differ.
    let of_token = |name: &str| ["header.", "claims.", "token.s"].iter().any(|place| name.starts_with(place));
    for Difference { name, sent, ours } in e.differences.iter().filter(|d| e.readable || !of_token(&d.name)) {
        out.push_str(&difference(name, sent.as_deref(), ours.as_deref(), clean));
        for (step, bytes) in e.trace.iter().filter(|(step, _)| step.starts_with(&format!("{name}:"))) {
            let step = step.split_once(": ").map_or(step.as_str(), |(_, step)| step);
            out.push_str(&format!("    our step {step}: {}\n", shown(bytes, clean)));
        }
    }
    hits(e, d, &mut out);
    out
}

fn requirement(e: &Explanation, d: &Description, out: &mut String) {
    let Some(id) = &e.verdict.requirement else {
        out.push_str("no requirement is given for it\n");
        return;
    };
    match d.requirement(id) {
        Some(r) => {
            let heading = r.heading.as_deref().unwrap_or("our reading");
            out.push_str(&format!("{id} {heading}: {}\n", r.says));
        }
        None => out.push_str(&format!("{id}\n")),
    }
}

fn difference(name: &str, sent: Option<&[u8]>, ours: Option<&[u8]>, clean: Clean<'_>) -> String {
    if name == "token.signature" {
        return "  token.signature is not by our key, algorithm and text\n".into();
    }
    let (Some(sent), Some(ours)) = (sent, ours) else {
        let side = |value: Option<&[u8]>| value.map_or_else(|| "nothing".into(), |v| shown(v, clean));
        return format!("  {name}\n    sent: {}\n    ours: {}\n", side(sent), side(ours));
    };
    // Of two texts the content is compared; of a text and a number, the JSON.
    let (sent, ours) = match (content(sent), content(ours)) {
        (Some(sent), Some(ours)) => (sent, ours),
        _ => (sent.to_vec(), ours.to_vec()),
    };
    let (sent, ours) = (sent.as_slice(), ours.as_slice());
    let same = sent.iter().zip(ours).take_while(|(a, b)| a == b).count();
    let head = format!("  {name} differs from byte {}", same + 1);
    if hides(sent, clean) || hides(ours, clean) {
        return format!("{head}\n    sent: {}\n    ours: {}\n", shown(sent, clean), shown(ours, clean));
    }
    let ((left, width), (right, _)) = (marked(sent, same), marked(ours, same));
    format!("{head}\n    sent: {left}\n    ours: {right}\n          {}^\n", " ".repeat(width))
}

/// What a JSON string holds; `None` for anything else.
fn content(json: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(json).ok().filter(|text| text.starts_with('"'))?;
    Some(plain(text).into_bytes())
}

/// Whether something is taken out of a value.
fn hides(bytes: &[u8], clean: Clean<'_>) -> bool {
    let text = String::from_utf8_lossy(bytes);
    clean(&text) != text
}

/// Bytes that a line can't show, escaped; quotes stay as they are.
fn escaped(bytes: &[u8]) -> String {
    let text = bytes.escape_ascii().to_string();
    text.replace("\\\"", "\"").replace("\\'", "'")
}

/// A value around a byte, and how many characters stand before that byte.
fn marked(bytes: &[u8], at: usize) -> (String, usize) {
    let from = at.saturating_sub(AROUND);
    let before = bytes.get(from..at).unwrap_or_default();
    let end = bytes.len().min(at + AROUND);
    let after = bytes.get(at..end).unwrap_or_default();
    let dots = |wanted: bool| if wanted { "…" } else { "" };
    let before = format!("{}{}", dots(from > 0), escaped(before));
    let width = before.chars().count();
    (format!("{before}{}{}", escaped(after), dots(end < bytes.len())), width)
}

/// A value, cut if it is long; in hex if it is no text.
fn shown(bytes: &[u8], clean: Clean<'_>) -> String {
    let Ok(text) = std::str::from_utf8(bytes) else { return format!("{} (hex)", encode_hex(bytes)) };
    let text = clean(text);
    let start = text.as_bytes().get(..text.len().min(2 * AROUND)).unwrap_or_default();
    let dots = if start.len() < text.len() { format!("… ({} bytes)", bytes.len()) } else { String::new() };
    format!("{}{dots}", escaped(start))
}

fn hits(e: &Explanation, d: &Description, out: &mut String) {
    let Some(first) = e.hits.first() else {
        let text = match (&e.verdict.refused, e.differences.is_empty()) {
            (None, true) => "this is the request that our signer makes\n",
            (None, false) => "it differs from what our signer writes, and no known mistake makes it\n",
            (Some(_), true) => {
                "it is signed right: what is wrong is the caller's rights or state, the endpoint, or an earlier use\n"
            }
            (Some(_), false) if e.body > DEEP_BODY => {
                "no known mistake makes this request; two in one value were not tried, the body is too long\n"
            }
            (Some(_), false) => "no known mistake, and no two of them, makes this request\n",
        };
        out.push_str(text);
        how_it_is_made(e, d, out);
        return;
    };
    let exact = first.rest.is_empty();
    let head = match (exact, e.hits.len()) {
        (true, 1) => "a signer that makes exactly this request",
        (true, _) => "one of these signers makes exactly this request; the bytes can't tell which",
        (false, 1) => "the nearest known mistake, which leaves something open",
        (false, _) => "one of these is the nearest known mistake, and leaves something open",
    };
    out.push_str(&format!("{head}:\n"));
    for hit in e.hits.iter().take(TOLD) {
        out.push_str(&format!("  {}: {}\n", hit.ids.join(" + "), hit.says.join("; ")));
        if !hit.rest.is_empty() {
            out.push_str(&format!("    still differs: {}\n", hit.rest.join(", ")));
        }
    }
    if let Some(more) = e.hits.len().checked_sub(TOLD).filter(|more| *more > 0) {
        out.push_str(&format!("  and {more} more\n"));
    }
    let mut fixes: Vec<&String> = Vec::new();
    for fix in e.hits.iter().take(TOLD).flat_map(|hit| &hit.fixes) {
        if !fixes.contains(&fix) {
            fixes.push(fix);
        }
    }
    out.push_str("what to change:\n");
    for fix in fixes {
        out.push_str(&format!("  {fix}\n"));
    }
}

/// Where no mistake is known: how what differs is made.
fn how_it_is_made(e: &Explanation, d: &Description, out: &mut String) {
    let differs = |name: &str| e.differences.iter().any(|d| d.name.eq_ignore_ascii_case(name));
    let at_fault = e.verdict.row.as_ref().map_or("", |(_, name)| name);
    let of_token = |p: &Part| matches!(p.place, Place::Header | Place::Claims);
    let told = |p: &&Part| (differs(&p.path()) && (e.readable || !of_token(p))) || p.path() == at_fault;
    let draft = |p: &&Part| p.applies(&e.method, e.body > 0, e.has_query);
    let recipes: Vec<String> =
        d.parts.iter().filter(told).filter(draft).map(|p| format!("  {}\n", recipe(p))).collect();
    if e.verdict.refused.is_none() || recipes.is_empty() {
        return;
    }
    out.push_str("what to look at:\n");
    out.push_str(&recipes.concat());
    if e.verdict.refused.as_ref().is_some_and(|code| code.starts_with("binding.")) {
        out.push_str("  sign the very request that is sent: nothing may change it afterwards\n");
    }
}
