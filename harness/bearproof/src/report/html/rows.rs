//! Results of which a row is enough: passes, recorded behaviours, and information that came with passes. It
//! must not spend more than some bytes on each, for there are thousands.

use std::collections::BTreeMap;

use bearproof_conform::results::{Outcome, Results, VectorResult, Via};
use maud::{Markup, html};

use super::{Section, line};
use crate::report::group::{answers, by_id, is_behaviour, local_id, plural, scheme_of, vias};

/// Passed vectors: one table for each scheme, one row for each vector, one cell for each way.
pub(super) fn passes(results: &Results) -> Option<Section> {
    let passed = |r: &VectorResult| r.outcome == Outcome::Pass && !is_behaviour(r);
    let total = results.vectors.iter().filter(|r| passed(r)).count();
    let body = html! {
        p { "The cell of a way holds the status of each answer, " code { "in" } " where there is none because the \
             verifier accepted. Another outcome stands there as a word." }
        @for (scheme, vectors) in by_scheme(results) {
            @let groups: Vec<_> = by_id(vectors).into_iter().filter(|g| g.iter().any(|r| passed(r))).collect();
            @if !groups.is_empty() {
                @let count = groups.iter().flatten().filter(|r| passed(r)).count();
                details.passes {
                    summary { (line(scheme)) ": " (plural(count, "pass", "passes")) " in "
                              (plural(groups.len(), "vector", "vectors")) }
                    (table(&groups, true, &|r| if passed(r) { statuses(r) } else { r.outcome.name().to_owned() }))
                }
            }
        }
    };
    (total > 0).then(|| Section { anchor: "passes", title: plural(total, "pass", "passes"), body })
}

/// What the target did where the document leaves the choice.
pub(super) fn behaviours(results: &Results) -> Option<Section> {
    let total = results.vectors.iter().filter(|r| is_behaviour(r)).count();
    let body = html! {
        p { "Several readings are safe here and no document decides. Recorded, not judged; counted as pass above." }
        @for (scheme, vectors) in by_scheme(results) {
            @let groups = by_id(vectors.into_iter().filter(|r| is_behaviour(r)));
            @if !groups.is_empty() {
                h3 { (line(scheme)) }
                (table(&groups, false, &answers))
            }
        }
    };
    (total > 0).then(|| Section {
        anchor: "behaviours",
        title: plural(total, "behaviour recorded", "behaviours recorded"),
        body,
    })
}

/// Assertions that did not hold and do not fail a vector, equal ones counted.
pub(super) fn noted(results: &Results) -> Option<Section> {
    let mut map: BTreeMap<(&str, &str, &str), Vec<&VectorResult>> = BTreeMap::new();
    for result in results.vectors.iter().filter(|r| r.outcome == Outcome::Pass) {
        for assertion in result.steps.iter().flat_map(|s| &s.assertions).filter(|a| !a.held) {
            let key = (assertion.what.as_str(), scheme_of(result), assertion.seen.as_str());
            map.entry(key).or_default().push(result);
        }
    }
    let body = html! {
        p { "These did not hold in answers that passed. They are information, no findings." }
        div.wide tabindex="0" role="region" aria-label="Noted" {
            table.stack {
                thead { tr {
                    th scope="col" { "Expected" } th scope="col" { "Seen" } th scope="col" { "Scheme" }
                    th scope="col" { "Via" } th.number scope="col" { "Times" } th scope="col" { "For example" }
                } }
                tbody {
                    @for ((what, scheme, seen), found) in &map {
                        tr {
                            th scope="row" { (line(what)) } td { (line(seen)) } td { (line(scheme)) }
                            td { (vias(found)) } td.number { (found.len()) }
                            td { @if let Some(first) = found.first() { (line(local_id(first))) } }
                        }
                    }
                }
            }
        }
    };
    (!map.is_empty()).then(|| Section { anchor: "noted", title: "Noted in passes".to_owned(), body })
}

/// The results of each scheme, ordered by id, then by way.
fn by_scheme(results: &Results) -> BTreeMap<&str, Vec<&VectorResult>> {
    let mut map: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for result in &results.vectors {
        map.entry(scheme_of(result)).or_default().push(result);
    }
    for group in map.values_mut() {
        group.sort_by_key(|r| (&r.id, r.via));
    }
    map
}

/// One row for each group, one column for each way that occurs.
fn table(groups: &[Vec<&VectorResult>], level: bool, cell: &dyn Fn(&VectorResult) -> String) -> Markup {
    let ways: Vec<Via> = [Via::InProcess, Via::Http, Via::Https]
        .into_iter()
        .filter(|via| groups.iter().flatten().any(|r| r.via == *via))
        .collect();
    html! {
        table.rows {
            thead { tr {
                th scope="col" { "Vector" }
                @if level { th scope="col" { "Level" } }
                @for way in &ways { th scope="col" { (way.name()) } }
            } }
            tbody {
                @for group in groups {
                    @if let Some(first) = group.first() {
                        tr {
                            th scope="row" { (line(local_id(first))) }
                            @if level { td { (first.level.name()) } }
                            @for way in &ways {
                                td { @match group.iter().find(|r| r.via == *way) {
                                    Some(result) => (line(&cell(result))),
                                    None => "\u{2013}",
                                } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// `401`, or `200 401` for two exchanges.
fn statuses(result: &VectorResult) -> String {
    let words =
        result.steps.iter().map(|s| s.status.map_or_else(|| "in".to_owned(), |status| status.to_string()));
    words.collect::<Vec<_>>().join(" ")
}
