//! Servers side by side as one HTML page, differences first. It must not judge.

use bearproof_conform::results::CalibrationState;
use maud::{Markup, html};

use super::{Section, line, outcome_word, page};
use crate::report::group::{answers, calibration_words, plural};
use crate::report::matrix::{Family, Matrix, Row, Tally, is_judged};

/// Writes the matrix as one self-contained page.
pub(crate) fn matrix(matrix: &Matrix<'_>) -> String {
    let differing = matrix.families.iter().filter(|f| f.differing > 0).count();
    let servers = plural(matrix.servers.len(), "server", "servers");
    let sentence = if matrix.differences.is_empty() {
        format!("{servers}: no vector is answered differently")
    } else {
        let vectors = plural(matrix.differences.len(), "vector is", "vectors are");
        format!("{servers}: {vectors} answered differently, in {}", plural(differing, "family", "families"))
    };
    let header = html! {
        h1 { "bearproof matrix" }
        p.verdict.unsure { (sentence) }
    };
    let sections: Vec<Section> =
        [Some(servers_section(matrix)), Some(families(matrix)), differences(matrix), measured(matrix)]
            .into_iter()
            .flatten()
            .collect();
    page(&sentence, &header, &Markup::default(), &sections)
}

fn servers_section(matrix: &Matrix<'_>) -> Section {
    let body = html! {
        p { "Below, each server stands under its number." }
        div.wide tabindex="0" role="region" aria-label="Servers" {
            table.stack {
                thead { tr {
                    th.number scope="col" { "No." } th scope="col" { "Server" } th scope="col" { "Scheme" }
                    th scope="col" { "Via" } th scope="col" { "Calibration" }
                    th.number scope="col" { "Wrong" } th.number scope="col" { "Judged" }
                    th.number scope="col" { "Not judged" } th scope="col" { "Results" }
                } }
                tbody {
                    @for (number, server) in (1_usize..).zip(&matrix.servers) {
                        @let target = server.target;
                        tr {
                            td.number { (number) }
                            th scope="row" { (line(&target.name)) @if let Some(origin) = &target.origin { " " small { (line(origin)) } } }
                            td { (line(&target.scheme)) }
                            td { (target.via.name()) }
                            td.unready[target.calibration.state != CalibrationState::Ready] {
                                (calibration_words(target.calibration.state))
                            }
                            td.number.(if server.tally.wrong > 0 { "fail" } else { "zero" }) { (server.tally.wrong) }
                            td.number { (server.tally.judged) }
                            td.number.zero[server.tally.unseen == 0] { (server.tally.unseen) }
                            td { code { (line(server.file)) } }
                        }
                    }
                }
            }
        }
    };
    Section { anchor: "servers", title: "Servers".to_owned(), body }
}

fn heads(matrix: &Matrix<'_>) -> Markup {
    html! {
        @for (number, server) in (1_usize..).zip(&matrix.servers) {
            th scope="col" { (number) " " small { (line(&server.target.name)) } }
        }
    }
}

fn families(matrix: &Matrix<'_>) -> Section {
    let (differ, same): (Vec<_>, Vec<_>) = matrix.families.iter().partition(|f| f.differing > 0);
    let body = html! {
        p { "A cell says how many vectors were judged, and how many of them were not as expected. Servers differ on a \
             vector if two that were judged did not do the same; the status of a refusal is each server's own." }
        div.wide tabindex="0" role="region" aria-label="Families" {
            table.rows {
                thead { tr { th scope="col" { "Family" } th.number scope="col" { "Differ" } (heads(matrix)) } }
                @for families in [differ, same] {
                    tbody { @for family in families { (family_row(family)) } }
                }
            }
        }
    };
    Section { anchor: "families", title: "Families".to_owned(), body }
}

fn family_row(family: &Family<'_>) -> Markup {
    html! {
        tr {
            th scope="row" { (line(family.name)) }
            td.number.zero[family.differing == 0] { (family.differing) }
            @for cell in &family.cells {
                @match cell {
                    None => td.zero { "\u{2013}" },
                    Some(Tally { judged: 0, unseen, .. }) => td.zero { (unseen) " not judged" },
                    Some(Tally { judged, wrong, unseen }) => td.fail[*wrong > 0] {
                        @if *wrong > 0 { (wrong) " wrong of " }
                        (judged)
                        @if *unseen > 0 { " " small { "+ " (unseen) " not judged" } }
                    },
                }
            }
        }
    }
}

fn differences(matrix: &Matrix<'_>) -> Option<Section> {
    let total = matrix.differences.len();
    let body = html! {
        p { "Most severe first. Where the outcome is not pass it stands before the answer." }
        div.wide tabindex="0" role="region" aria-label="Vectors answered differently" {
            table.rows {
                thead { tr { th scope="col" { "Vector" } th scope="col" { "Severity" } (heads(matrix)) } }
                tbody { @for row in &matrix.differences { (vector_row(row)) } }
            }
        }
    };
    let title = format!("{} answered differently", plural(total, "vector", "vectors"));
    (total > 0).then_some(Section { anchor: "differences", title, body })
}

fn vector_row(row: &Row<'_>) -> Markup {
    html! {
        tr {
            th scope="row" { (line(row.id)) }
            td { span class={ "severity " (row.severity.name()) } { (row.severity.name()) } }
            @for cell in &row.cells {
                @match cell {
                    None => td.zero { "\u{2013}" },
                    Some(result) if !is_judged(result) => td.zero { (result.outcome.name()) },
                    Some(result) => td {
                        @if result.outcome != bearproof_conform::results::Outcome::Pass { (outcome_word(result.outcome)) " " }
                        (line(&answers(result)))
                    },
                }
            }
        }
    }
}

fn measured(matrix: &Matrix<'_>) -> Option<Section> {
    let questions = &matrix.measured;
    let differing = questions.iter().filter(|q| q.differs).count();
    let body = html! {
        p { "No document fixes these, so nothing is judged by them. Those with different answers come first." }
        div.wide tabindex="0" role="region" aria-label="Measured" {
            table.rows {
                thead { tr { th scope="col" { "Sent" } (heads(matrix)) } }
                @for differs in [true, false] {
                    tbody {
                        @for question in questions.iter().filter(|q| q.differs == differs) {
                            tr {
                                th scope="row" { (line(question.asks)) }
                                @for cell in &question.cells {
                                    @match cell {
                                        None => td.zero { "\u{2013}" },
                                        Some(seen) => td { (line(seen)) },
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    let title = format!("How they behave: {differing} of {} measurements differ", questions.len());
    (!questions.is_empty()).then_some(Section { anchor: "measured", title, body })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{HOSTILE, hostile, result, results, target};
    use bearproof_conform::results::{Outcome, Results, Via};

    fn file(name: &str, outcome: Outcome) -> (String, Results) {
        let vectors =
            vec![result("a/beta/x", Via::Http, outcome), result("a/alpha/x", Via::Http, Outcome::Pass)];
        (name.into(), results(vec![target("a", Via::Http)], vectors))
    }

    #[test]
    fn differences_come_first_and_cells_say_what_was_seen() {
        let files = [file("one.json", Outcome::Pass), file("two.json", Outcome::Fail)];
        let page = matrix(&Matrix::of(&files));
        let at = |words: &str| page.find(words).unwrap_or_else(|| panic!("no `{words}`: {page}"));
        assert!(page.contains("2 servers: 1 vector is answered differently, in 1 family"));
        assert!(at("<th scope=\"row\">beta</th>") < at("<th scope=\"row\">alpha</th>"));
        assert!(page.contains("<td class=\"fail\">1 wrong of 1</td>"), "{page}");
        assert!(
            page.contains("<td>reject 401</td><td><span class=\"outcome fail\">fail</span> accept 200</td>"),
            "{page}"
        );
    }

    #[test]
    fn text_of_files_and_servers_is_escaped() {
        let files = [(HOSTILE.to_owned(), hostile()), file("two.json", Outcome::Fail)];
        let page = matrix(&Matrix::of(&files));
        assert!(!page.contains("<script>") && !page.contains('\u{202e}') && !page.contains('\x1b'), "{page}");
    }
}
