//! The findings, most severe first: a list to see them at a glance, then each with its evidence. It must not
//! repeat for each way what belongs to the vector.

use bearproof_conform::results::{Outcome, Results, Target, VectorResult};
use maud::{Markup, html};

use super::exchange::{Budget, steps};
use super::{Section, line, outcome_word};
use crate::report::group::{by_id, plural, requirements, vias};
use crate::report::verdict::{findings, open_targets};

/// All findings; the section stays where there is none.
pub(super) fn section(results: &Results, budget: &mut Budget) -> Section {
    let groups = by_id(findings(results));
    let open: Vec<_> = open_targets(results).collect();
    let total = findings(results).count().saturating_add(open.len());
    let body = html! {
        @if total == 0 {
            p { "None." }
        } @else {
            (overview(&open, &groups))
            @for target in open { (everybody(target)) }
            @for group in &groups { (finding(results, group, budget)) }
        }
    };
    let title = if total == 0 { "Findings".to_owned() } else { plural(total, "finding", "findings") };
    Section { anchor: "findings", title, body }
}

/// One row for each vector with findings.
fn overview(open: &[&Target], groups: &[Vec<&VectorResult>]) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label="Findings at a glance" {
            table.overview.stack {
                caption { "At a glance" }
                thead { tr {
                    th scope="col" { "Severity" } th scope="col" { "Vector" } th scope="col" { "Via" }
                    th scope="col" { "What went wrong" }
                } }
                tbody {
                    @for target in open {
                        tr {
                            td { (severity_word("critical")) }
                            th scope="row" { a href={ "#" (open_anchor(target)) } { (line(&target.scheme)) } }
                            td.via { (target.via.name()) }
                            td { "a request without a credential is let in" }
                        }
                    }
                    @for group in groups {
                        @if let Some(first) = group.first() {
                            tr {
                                td { (severity_word(first.severity.name())) }
                                th scope="row" { a href={ "#" (line(&first.id)) } { (line(&first.id)) } }
                                td.via { (vias(group)) }
                                td { (outcome_word(first.outcome)) " " (line(short(first))) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The sentence that tells most: the damage of a failure, the cause of anything else.
fn short(result: &VectorResult) -> &str {
    let damage = result.outcome == Outcome::Fail && !result.why.is_empty();
    if damage || result.cause.is_empty() { &result.why } else { &result.cause }
}

fn severity_word(severity: &str) -> Markup {
    html! { span class={ "severity " (severity) } { (severity) } }
}

fn open_anchor(target: &Target) -> String {
    line(&format!("open/{}/{}", target.scheme, target.via.name()))
}

/// A target that lets a request without a credential in.
fn everybody(target: &Target) -> Markup {
    html! {
        article id=(open_anchor(target)) {
            h3 { (severity_word("critical")) " " (line(&target.scheme)) " via " (target.via.name()) " lets everybody in" }
            p { (line(&target.calibration.message)) }
            p { "Whoever can reach it gets in; no vector was judged on this target." }
        }
    }
}

/// One vector: what all ways share, then what each way showed.
fn finding(results: &Results, group: &[&VectorResult], budget: &mut Budget) -> Markup {
    let Some(first) = group.first() else { return Markup::default() };
    html! {
        article id=(line(&first.id)) {
            h3 {
                (severity_word(first.severity.name())) " "
                a.self href={ "#" (line(&first.id)) } { (line(&first.id)) } " "
                small { (first.level.name()) }
            }
            @if !first.why.is_empty() {
                p { strong { "Why it matters: " } (line(&first.why)) }
            }
            (rules(results, first))
            @for result in group {
                h4 { "Via " (result.via.name()) ": " (outcome_word(result.outcome)) }
                @if !result.cause.is_empty() { p { (line(&result.cause)) } }
                @if result.outcome == Outcome::Xpass {
                    p.note { "The profile lists this as a known deviation and it is gone: take it off the list." }
                }
                (steps(result, budget))
            }
            (again(first))
        }
    }
}

/// What the finding stands on.
fn rules(results: &Results, result: &VectorResult) -> Markup {
    let refs = requirements(results, result);
    let known = || refs.iter().filter_map(|(_, known)| *known);
    let others: Vec<_> = refs.iter().filter(|(_, known)| known.is_none()).map(|(id, _)| *id).collect();
    html! {
        ul.refs {
            @for known in known() {
                li { strong { (line(&known.id)) } " " cite { (line(&known.heading)) } ": " (line(&known.says)) }
            }
            @if known().next().is_none() { li { "No requirement of the scheme's document given." } }
            @if !others.is_empty() { li { "See also " (line(&others.join(", "))) } }
        }
    }
}

/// How to see it once more.
fn again(result: &VectorResult) -> Markup {
    html! {
        @if !result.repeat.is_empty() {
            p.again { "See it again:" }
            pre.again tabindex="0" { @for command in &result.repeat { (line(command)) "\n" } }
        }
    }
}
