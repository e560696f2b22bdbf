//! Results that are neither findings nor passes, equal causes together. It must not present one of them as
//! passed.

use bearproof_conform::results::{Outcome, Results, VectorResult};
use maud::{Markup, html};

use super::exchange::{Budget, steps};
use super::{Section, line, outcome_word};
use crate::report::group::{CauseGroup, by_cause, by_id, plural, vias};
use crate::report::verdict::is_blind;

/// Inconclusive, error, and hang of a target that was not ready.
pub(super) fn without_verdict(results: &Results, budget: &mut Budget) -> Option<Section> {
    let groups = by_cause(results.vectors.iter().filter(|r| is_blind(results, r)));
    let body = html! {
        p { "The question was asked and the answer says nothing, or it could not be asked. None of these counts as \
             passed." }
        @for group in &groups { (cause(group, Some(budget))) }
    };
    section("blind", &groups, ["result without a verdict", "results without a verdict"], body)
}

/// Not as expected, and the profile knew.
pub(super) fn known(results: &Results) -> Option<Section> {
    let groups = by_cause(results.vectors.iter().filter(|r| r.outcome == Outcome::Xfail));
    let body = html! {
        p { "Not as expected, and the profile lists them. They do not fail the run and are no passes." }
        @for group in &groups { (cause(group, None)) }
    };
    section("known", &groups, ["known deviation", "known deviations"], body)
}

/// What the target lacks.
pub(super) fn unsupported(results: &Results) -> Option<Section> {
    let groups = by_cause(results.vectors.iter().filter(|r| r.outcome == Outcome::Unsupported));
    let body = html! {
        p { "Not run, because the target lacks what the vector needs." }
        @for group in &groups { (cause(group, None)) }
    };
    section("unsupported", &groups, ["unsupported", "unsupported"], body)
}

fn section(
    anchor: &'static str,
    groups: &[CauseGroup<'_>],
    [one, many]: [&str; 2],
    body: Markup,
) -> Option<Section> {
    let total = groups.iter().map(|g| g.results.len()).sum();
    (total > 0).then(|| Section { anchor, title: plural(total, one, many), body })
}

/// One cause, closed until asked for; with a budget one exchange is shown as an example.
fn cause(group: &CauseGroup<'_>, budget: Option<&mut Budget>) -> Markup {
    let words = if group.cause.is_empty() { "no cause given" } else { group.cause };
    let example = group.results.iter().find(|r| r.steps.iter().any(|s| s.exchange.is_some()));
    html! {
        details.cause {
            summary {
                strong { (group.results.len()) } " " (outcome_word(group.outcome)) " " (line(words))
            }
            (ids(&group.results))
            @if let (Some(budget), Some(example)) = (budget, example) {
                p { "For example " code { (line(&example.id)) } " via " (example.via.name()) ":" }
                (steps(example, budget))
            }
        }
    }
}

fn ids(results: &[&VectorResult]) -> Markup {
    html! {
        ul.ids {
            @for group in by_id(results.iter().copied()) {
                @if let Some(first) = group.first() {
                    li {
                        code { (line(&first.id)) } " "
                        small {
                            (vias(&group)) ", " (first.level.name())
                            @if first.outcome == Outcome::Xfail { ", " (first.severity.name()) }
                        }
                    }
                }
            }
        }
    }
}
