//! The report as one HTML file that people act on, findings first. It must not need a network or a script,
//! and must not grow with the passes: each is one cell.

mod about;
mod blind;
mod counts;
mod exchange;
mod finding;
mod matrix;
mod measured;
mod rows;

use bearproof_conform::results::{Outcome, Results};
use maud::{DOCTYPE, Markup, PreEscaped, html as markup};

use self::exchange::Budget;
pub(crate) use self::matrix::matrix;
use super::text;
use super::verdict::{exit_code, findings, headline, open_targets};

const STYLE: &str = include_str!("html/style.css");

/// Even if a server's text got past the escaping, a reader's browser would run and load nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// A part of the report that may be empty, with its place in the list of contents.
struct Section {
    anchor: &'static str,
    title: String,
    body: Markup,
}

/// Writes `results` as one self-contained page.
pub(crate) fn html(results: &Results) -> String {
    let sentence = headline(results);
    let (verdict, rest) =
        sentence.split_once("; ").map_or((sentence.as_str(), None), |(verdict, rest)| (verdict, Some(rest)));
    let mut budget = Budget::default();
    let sections: Vec<Section> = [
        Some(about::section(results)),
        Some(counts::section(results)),
        Some(finding::section(results, &mut budget)),
        blind::without_verdict(results, &mut budget),
        blind::known(results),
        blind::unsupported(results),
        rows::noted(results),
        measured::section(results),
        rows::behaviours(results),
        rows::passes(results),
        Some(limits()),
    ]
    .into_iter()
    .flatten()
    .collect();
    let (class, mark) = match exit_code(results, false) {
        0 => ("good", "\u{2713}"),
        1 => ("bad", "\u{2717}"),
        _ if findings(results).next().is_some() || open_targets(results).next().is_some() => {
            ("bad", "\u{2717}")
        }
        _ => ("unsure", "?"),
    };
    let header = markup! {
        h1 { "bearproof report" }
        p class={ "verdict " (class) } { span.mark aria-hidden="true" { (mark) } " " (verdict) @if let Some(rest) = rest { "; " small { (rest) } } }
    };
    page(&sentence, &header, &about::banners(results), &sections)
}

/// A whole page: what stands above all, then its sections and a list of them.
fn page(title: &str, header: &Markup, banners: &Markup, sections: &[Section]) -> String {
    markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "bearproof: " (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { (header) }
                (banners)
                nav aria-label="Contents" {
                    ul { @for section in sections { li { a href={ "#" (section.anchor) } { (section.title) } } } }
                }
                main {
                    @for section in sections {
                        section id=(section.anchor) { h2 { (section.title) } (section.body) }
                    }
                }
            }
        }
    }
    .into_string()
}

/// What a reader must not conclude.
fn limits() -> Section {
    let body = markup! {
        ul {
            li { "A pass says that this vector was answered as the document says. It does not say that the server \
                  has no other hole: only what a vector asks is tested." }
            li { "Unsupported, inconclusive, error and hang are not passes. What they would have shown is unknown." }
            li { "Behaviours recorded are neither right nor wrong. They say which of several safe readings the \
                  target took." }
            li { "Nothing here is a statement on transport security, rate limits, or how keys and tokens are \
                  stored, logged or rotated." }
            li { "A run over HTTP sees a server from outside: what it does with a request that it lets in, and \
                  what other paths lead to the same data, stays unseen." }
        }
    };
    Section { anchor: "limits", title: "What green does not mean".to_owned(), body }
}

/// Text of a file or a server on one line, as markup.
fn line(words: &str) -> String {
    text::line(words)
}

/// The outcome as a word with a look of its own.
fn outcome_word(outcome: Outcome) -> Markup {
    markup! { span class={ "outcome " (outcome.name()) } { (outcome.name()) } }
}

#[cfg(test)]
mod tests;
