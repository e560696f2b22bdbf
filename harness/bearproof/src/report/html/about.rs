//! What was run against what, and what calibration found. It must not judge vectors.

use std::collections::BTreeMap;

use bearproof_conform::results::{CalibrationState, Results, Run, Target, Via};
use maud::{Markup, html};

use super::{Section, line};
use crate::report::group::{calibration_words, plural};

// The order of the banners.
const OPEN: u8 = 0;
const UNREADY: u8 = 1;
const NOTE: u8 = 2;

/// One banner for each thing that calibration found; targets with the same finding share it.
pub(super) fn banners(results: &Results) -> Markup {
    let mut groups: BTreeMap<(u8, &str), Vec<&Target>> = BTreeMap::new();
    for target in &results.targets {
        let order = match target.calibration.state {
            CalibrationState::LetsEverybodyIn => OPEN,
            CalibrationState::Ready if target.calibration.message.is_empty() => continue,
            CalibrationState::Ready => NOTE,
            _ => UNREADY,
        };
        groups.entry((order, target.calibration.message.as_str())).or_default().push(target);
    }
    html! {
        @for note in results.targets.iter().flat_map(|target| &target.notes) {
            aside.banner aria-label="note" { p { strong { "Note" } " \u{2014} " (line(note)) } }
        }
        @for ((order, message), targets) in &groups {
            @let open = *order == OPEN;
            @let (label, words) = match *order {
                OPEN => ("critical finding", "Critical: lets everybody in"),
                UNREADY => ("not judged", "Not judged"),
                _ => ("note", "Note"),
            };
            aside.banner.open[open] aria-label=(label) {
                p {
                    strong { (words) }
                    " \u{2014} " (line(message))
                }
                ul {
                    @for target in targets {
                        li { (line(&target.scheme)) " " (target.via.name()) " (" (line(&target.name)) "): "
                             (calibration_words(target.calibration.state)) }
                    }
                }
                @if open { p { "From then on nothing of this target was judged: every request gets in." } }
            }
        }
    }
}

/// Suite, run and targets.
pub(super) fn section(results: &Results) -> Section {
    let suite = &results.suite;
    let body = html! {
        dl.facts {
            dt { "Suite" } dd { (line(&suite.version)) ", " (plural(size(suite.selected), "vector", "vectors")) " selected" }
            dt { "Digest" } dd { code { (line(&suite.digest)) } }
            @if let Some(run) = &results.run { (facts_of(run)) }
        }
        div.wide tabindex="0" role="region" aria-label="Targets" {
            table.stack {
                caption { "Targets" }
                thead { tr {
                    th scope="col" { "Scheme" } th scope="col" { "Via" } th scope="col" { "Target" }
                    th scope="col" { "Calibration" } th scope="col" { "Choices" }
                } }
                tbody {
                    @for (target, vias) in alike(&results.targets) {
                        tr {
                            th scope="row" { (line(&target.scheme)) " " small { (line(&target.title)) } }
                            td { (vias.join(", ")) }
                            td { (line(&target.name)) }
                            td.unready[target.calibration.state != CalibrationState::Ready] {
                                (calibration_words(target.calibration.state))
                            }
                            td { @for choice in &target.choices { code { (line(choice)) } " " } }
                        }
                    }
                }
            }
        }
        @for target in results.targets.iter().filter(|t| !t.changes.is_empty()) {
            h3 { "What this run did on " (line(&target.name)) " beside asking" }
            ul { @for change in &target.changes { li { (line(change)) } } }
        }
    };
    Section { anchor: "about", title: "What was run".to_owned(), body }
}

fn facts_of(run: &Run) -> Markup {
    html! {
        dt { "Run" } dd { code { (line(&run.id)) } ", seed " code { (run.seed) } }
        dt { "Started" } dd { (line(&run.started)) ", took " (duration(run.duration_ms)) }
        dt { "Requests" } dd { (run.requests) " over a network" }
        @if !run.origins.is_empty() {
            dt { "Origins" } dd { @for origin in &run.origins { code { (line(origin)) } " " } }
        }
        dt { "bearproof" } dd { (line(&run.tool)) }
    }
}

/// Targets that differ in the way only share a row.
fn alike(targets: &[Target]) -> Vec<(&Target, Vec<&'static str>)> {
    let mut ordered: Vec<_> = targets.iter().collect();
    ordered.sort_by_key(|t| (&t.scheme, t.via));
    let same = |a: &Target, b: &Target| {
        let apart = |t: &Target| Target { via: Via::Http, ..t.clone() };
        apart(a) == apart(b)
    };
    ordered
        .chunk_by(|a, b| same(a, b))
        .filter_map(|group| Some((*group.first()?, group.iter().map(|t| t.via.name()).collect())))
        .collect()
}

/// `0.4 s`, `12.3 s`, `2 min 5 s`.
fn duration(milliseconds: u64) -> String {
    let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
    match seconds {
        0..60 => format!("{seconds}.{} s", rest / 100),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

fn size(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::target;

    #[test]
    fn targets_that_differ_in_the_way_only_share_a_row() {
        let mut other = target("a", Via::Https);
        other.choices = vec![];
        let targets = [target("b", Via::Http), target("a", Via::Http), other, target("b", Via::InProcess)];
        let rows: Vec<_> = alike(&targets).into_iter().map(|(t, vias)| (t.scheme.as_str(), vias)).collect();
        assert_eq!(rows, [("a", vec!["http"]), ("a", vec!["https"]), ("b", vec!["in-process", "http"])]);
    }

    #[test]
    fn durations_are_short_words() {
        assert_eq!([450, 12_399, 125_000].map(duration), ["0.4 s", "12.3 s", "2 min 5 s"]);
    }
}
