//! What was measured of a target, with what the document says beside it. It must not judge.

use bearproof_conform::results::{Behaviour, Results, Target};
use maud::{Markup, html};

use super::{Section, line};
use crate::report::group::plural;

/// One table for each target that something was asked of.
pub(super) fn section(results: &Results) -> Option<Section> {
    let asked: Vec<&Target> = results.targets.iter().filter(|t| !t.behaviour.is_empty()).collect();
    let total: usize = asked.iter().map(|t| t.behaviour.len()).sum();
    let body = html! {
        p { "No document fixes these, so nothing is judged by them. Limits are exact up to 64, and beyond that to one \
             part in 64; times to a second." }
        @for target in &asked {
            h3 { (line(&target.scheme)) " " (target.via.name()) " (" (line(&target.name)) ")" }
            div.wide tabindex="0" role="region" aria-label="Measured" {
                table.stack {
                    thead { tr {
                        th scope="col" { "Sent" } th scope="col" { "Seen" } th scope="col" { "What the document says" }
                    } }
                    tbody { @for row in &target.behaviour { (one(target, row)) } }
                }
            }
        }
    };
    (total > 0).then(|| Section {
        anchor: "measured",
        title: format!("How the server behaves: {}", plural(total, "measurement", "measurements")),
        body,
    })
}

fn one(target: &Target, row: &Behaviour) -> Markup {
    html! {
        tr {
            th scope="row" { (line(&row.asks)) }
            td { (line(&row.seen)) }
            td {
                @if row.refs.is_empty() { "nothing" }
                @for (number, reference) in row.refs.iter().enumerate() {
                    @if number > 0 { br; }
                    (line(reference))
                    @if let Some(known) = target.requirements.iter().find(|r| r.id == *reference) {
                        ": " (line(&known.says))
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{HOSTILE, results, target};
    use bearproof_conform::results::Via;

    #[test]
    fn a_row_has_the_words_of_its_requirement() {
        let mut asked = target("alpha", Via::Http);
        asked.behaviour = vec![Behaviour {
            name: "late".into(),
            asks: "late".into(),
            seen: HOSTILE.into(),
            refs: vec!["REQ-1".into(), "RFC 1".into()],
        }];
        let page = section(&results(vec![asked], vec![])).expect("a section").body.into_string();
        assert!(page.contains("REQ-1: the token ends within a minute<br>RFC 1"), "{page}");
        assert!(!page.contains("<script>"), "{page}");
        assert!(section(&results(vec![target("alpha", Via::Http)], vec![])).is_none());
    }
}
