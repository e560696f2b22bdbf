//! The property of the writers of reports. It must not use their quoting to check it.

use arbitrary::Unstructured;
use bearproof_conform::properties::Ground;
use bearproof_conform::results::{
    Assertion, Behaviour, Calibration, CalibrationState, Exchange, FORMAT, Level, Outcome, Requirement,
    Results, Severity, StepResult, Suite, Target, VectorResult, Via,
};

use super::ensure;
use crate::report::{Style, exit_code, html, junit, terminal};

/// The elements that the writer of HTML uses; those of the second row have no end.
const TAGS: &[&str] = &[
    "html",
    "head",
    "title",
    "style",
    "body",
    "header",
    "main",
    "section",
    "article",
    "div",
    "h1",
    "h2",
    "h3",
    "h4",
    "p",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "table",
    "caption",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "th",
    "td",
    "a",
    "code",
    "pre",
    "strong",
    "small",
    "em",
    "b",
    "span",
    "figure",
    "figcaption",
    "details",
    "summary",
    "nav",
    "footer",
    "samp",
    "abbr",
    "mark",
    "aside",
    "cite",
    "label",
    "time",
];
const VOID: &[&str] = &["meta", "link", "br", "wbr"];

pub(super) fn writers(_: &Ground, data: &[u8]) -> Result<(), String> {
    let results = if data.first() == Some(&b'{') {
        let Ok(results) = serde_json::from_slice::<Results>(data) else { return Ok(()) };
        results
    } else {
        let Ok(results) = made(&mut Unstructured::new(data)) else { return Ok(()) };
        results
    };
    let page = html(&results);
    balanced(&page)?;
    quiet("the page", &page, "\n\t")?;
    for color in [false, true] {
        let text = terminal(&results, Style { color, width: 100 });
        // Colour is the writer's own.
        let allowed = if color { "\n\t\u{1b}" } else { "\n\t" };
        quiet("the text", &text, allowed)?;
    }
    let xml = junit(&results)?;
    quiet("the XML", &xml, "\n\t\r")?;
    quick_junit::Report::deserialize_from_str(&xml).map_err(|e| format!("JUnit that can't be read: {e}"))?;
    let code = exit_code(&results, true);
    ensure(code <= 5, || format!("exit code {code}"))
}

/// Whether nothing moves the reader's cursor, or shows another text than is there.
fn quiet(what: &str, text: &str, allowed: &str) -> Result<(), String> {
    let bad = |c: &char| {
        c.is_control() && !allowed.contains(*c)
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    match text.chars().find(bad) {
        Some(c) => Err(format!("{what} has U+{:04X}", u32::from(c))),
        None => Ok(()),
    }
}

/// Whether tags are those of the writer, and each that begins ends in its turn.
fn balanced(page: &str) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>").ok_or("no DOCTYPE")?;
    while let Some((text, tail)) = rest.split_once('<') {
        // What stands in `style` is no text; it is the writer's own.
        ensure(open.last() == Some(&"style") || !text.contains('>'), || format!("a stray `>` in `{text}`"))?;
        let mut quoted = false;
        let end = tail.find(|c| {
            quoted ^= c == '"';
            c == '>' && !quoted
        });
        let (tag, after) = end.and_then(|end| tail.split_at_checked(end)).ok_or("a tag without an end")?;
        let inner = tag.trim_start_matches('/');
        let name = inner.split_once([' ', '\n']).map_or(inner, |(name, _)| name);
        if tag.starts_with('/') {
            ensure(open.pop() == Some(name), || format!("`</{name}>` out of turn"))?;
        } else if !VOID.contains(&name) {
            ensure(TAGS.contains(&name), || format!("a tag `{name}` that no writer makes"))?;
            open.push(name);
        }
        rest = after.strip_prefix('>').ok_or("a tag without an end")?;
    }
    ensure(open.is_empty(), || format!("without an end: {open:?}"))
}

type Made<T> = arbitrary::Result<T>;

/// Results with any texts where a target or a user has a say.
fn made(input: &mut Unstructured<'_>) -> Made<Results> {
    let states = [
        CalibrationState::Ready,
        CalibrationState::GoodRefused,
        CalibrationState::LetsEverybodyIn,
        CalibrationState::NotAnswering,
        CalibrationState::Unreachable,
        CalibrationState::Hanging,
        CalibrationState::NotAsked,
    ];
    let via = *input.choose(&[Via::InProcess, Via::Http, Via::Https])?;
    let target = Target {
        scheme: "acme".into(),
        title: text(input)?,
        via,
        name: text(input)?,
        calibration: Calibration { state: *input.choose(&states)?, message: text(input)? },
        choices: texts(input)?,
        requirements: vec![Requirement { id: "REQ-1".into(), heading: text(input)?, says: text(input)? }],
        origin: Some(text(input)?),
        known: Vec::new(),
        notes: texts(input)?,
        changes: texts(input)?,
        behaviour: vec![Behaviour {
            name: "b".into(),
            asks: text(input)?,
            seen: text(input)?,
            refs: texts(input)?,
        }],
    };
    let mut vectors = Vec::new();
    while vectors.len() < 4 && !input.is_empty() {
        vectors.push(vector(input, via)?);
    }
    let suite =
        Suite { version: text(input)?, digest: "ab".into(), selected: input.arbitrary()?, shard: None };
    Ok(Results { format: FORMAT, suite, targets: vec![target], vectors, run: None })
}

fn vector(input: &mut Unstructured<'_>, via: Via) -> Made<VectorResult> {
    let expected = (*input.choose(&["accept", "reject", "any"])?).into();
    let observed = input.choose(&[None, Some("accept"), Some("reject")])?.map(Into::into);
    let assertion =
        Assertion { what: text(input)?, held: input.arbitrary()?, seen: text(input)?, level: Level::Must };
    let step = StepResult {
        expected,
        observed,
        status: input.arbitrary()?,
        reason: input.arbitrary::<bool>()?.then(|| "claims.missing".into()),
        assertions: vec![assertion],
        exchange: Some(Exchange { sent: text(input)?, received: text(input)? }),
    };
    Ok(VectorResult {
        id: format!("acme/{}", text(input)?),
        via,
        level: *input.choose(&[Level::Must, Level::Should, Level::May])?,
        severity: *input.choose(&[Severity::Critical, Severity::High, Severity::Medium, Severity::Low])?,
        outcome: *input.choose(&Outcome::ALL)?,
        cause: text(input)?,
        why: text(input)?,
        refs: texts(input)?,
        repeat: texts(input)?,
        steps: vec![step],
    })
}

fn text(input: &mut Unstructured<'_>) -> Made<String> {
    let length = input.int_in_range(0..=40_usize)?.min(input.len());
    Ok(String::from_utf8_lossy(input.bytes(length)?).into_owned())
}

fn texts(input: &mut Unstructured<'_>) -> Made<Vec<String>> {
    let count = input.int_in_range(0..=2_usize)?;
    (0..count).map(|_| text(input)).collect()
}
