//! The two tables of counts: by scheme and way, and by family. It must not leave out an outcome, also where
//! its count is zero.

use std::collections::BTreeMap;

use bearproof_conform::results::{Counts, Outcome, Results};
use maud::{Markup, html};

use super::{Section, line};
use crate::report::group::{family_of, per_target};

/// Both tables.
pub(super) fn section(results: &Results) -> Section {
    let targets = per_target(results);
    let mut schemes: BTreeMap<&str, Vec<(&str, Counts)>> = BTreeMap::new();
    for ((scheme, via), vectors) in targets {
        schemes.entry(scheme).or_default().push((via.name(), Counts::of(vectors)));
    }
    let mut families: BTreeMap<&str, Counts> = BTreeMap::new();
    for result in &results.vectors {
        families.entry(family_of(result)).or_default().add(result.outcome);
    }
    let total = Counts::of(&results.vectors);
    let body = html! {
        div.side {
            (table("By scheme and way", &["Scheme", "Via"], &total, &html! {
                @for (scheme, ways) in &schemes {
                    tbody {
                        @for (number, (via, counts)) in ways.iter().enumerate() {
                            tr {
                                @if number == 0 {
                                    th scope="rowgroup" rowspan=(ways.len()) { (breakable(&line(scheme))) }
                                }
                                th scope="row" { (via) }
                                (cells(counts))
                            }
                        }
                    }
                }
            }))
            (table("By family, all schemes and ways", &["Family"], &total, &html! {
                tbody {
                    @for (family, counts) in &families {
                        tr { th scope="row" { (breakable(&line(family))) } (cells(counts)) }
                    }
                }
            }))
        }
    };
    Section { anchor: "counts", title: "Counts".to_owned(), body }
}

fn table(caption: &str, labels: &[&str], total: &Counts, rows: &Markup) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label=(caption) {
            table.counts {
                caption { (caption) }
                thead { tr {
                    @for label in labels { th scope="col" { (label) } }
                    @for outcome in Outcome::ALL { th.number scope="col" { span { (outcome.name()) } } }
                    th.number scope="col" { span { "all" } }
                } }
                (rows)
                tfoot { tr { th scope="row" colspan=(labels.len()) { "Total" } (cells(total)) } }
            }
        }
    }
}

fn cells(counts: &Counts) -> Markup {
    html! {
        @for outcome in Outcome::ALL {
            @let count = counts.count(outcome);
            td.number.(if count == 0 { "zero" } else { outcome.name() }) { (count) }
        }
        td.number { (counts.total()) }
    }
}

/// A name that may be broken after a hyphen where the page is narrow.
fn breakable(name: &str) -> Markup {
    html! { @for part in name.split_inclusive('-') { (part) wbr; } }
}
