//! Several servers side by side: what each did, family by family and vector by vector, differences first. It must not
//! judge anew and must not format for one kind of report.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use bearproof_conform::results::{Behaviour, Counts, Outcome, Results, Severity, Target, VectorResult};

use super::group::{family_of, local_id, scheme_of};

/// Servers and what they have in common or not.
pub(crate) struct Matrix<'a> {
    pub(crate) servers: Vec<Server<'a>>,
    /// Those in which servers differ come first, most differences first; then by name.
    pub(crate) families: Vec<Family<'a>>,
    /// The vectors on which servers differ, most severe first.
    pub(crate) differences: Vec<Row<'a>>,
    /// What was measured of two servers or more, different answers first.
    pub(crate) measured: Vec<Question<'a>>,
}

/// A target of one file.
pub(crate) struct Server<'a> {
    pub(crate) file: &'a str,
    pub(crate) target: &'a Target,
    pub(crate) tally: Tally,
}

/// Counts of what the servers were asked of one family.
pub(crate) struct Family<'a> {
    pub(crate) name: &'a str,
    /// How many vectors the servers differ on.
    pub(crate) differing: usize,
    /// One for each server; `None` if it was asked nothing.
    pub(crate) cells: Vec<Option<Tally>>,
}

/// How a server did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Vectors that were judged.
    pub(crate) judged: u32,
    /// Those that were not as expected, known or not.
    pub(crate) wrong: u32,
    /// Those that could not be judged.
    pub(crate) unseen: u32,
}

/// A vector, by its name within a scheme: the same recipe makes it for each.
pub(crate) struct Row<'a> {
    pub(crate) id: &'a str,
    pub(crate) severity: Severity,
    /// One for each server.
    pub(crate) cells: Vec<Option<&'a VectorResult>>,
}

/// A question that was asked of several servers.
pub(crate) struct Question<'a> {
    pub(crate) asks: &'a str,
    pub(crate) differs: bool,
    /// One for each server.
    pub(crate) cells: Vec<Option<&'a str>>,
}

impl<'a> Matrix<'a> {
    /// Puts the targets of all files, given with their names, side by side.
    pub(crate) fn of(files: &'a [(String, Results)]) -> Self {
        let columns: Vec<(&'a str, &'a Target, Vec<&'a VectorResult>)> = files
            .iter()
            .flat_map(|(name, results)| {
                results.targets.iter().map(|target| {
                    let is_of = |r: &&VectorResult| scheme_of(r) == target.scheme && r.via == target.via;
                    (name.as_str(), target, results.vectors.iter().filter(is_of).collect())
                })
            })
            .collect();
        let mut rows: BTreeMap<&str, Row<'a>> = BTreeMap::new();
        for (at, (_, _, vectors)) in columns.iter().enumerate() {
            for result in vectors {
                let row = rows.entry(local_id(result)).or_insert_with(|| Row {
                    id: local_id(result),
                    severity: result.severity,
                    cells: vec![None; columns.len()],
                });
                row.severity = row.severity.min(result.severity);
                if let Some(cell) = row.cells.get_mut(at) {
                    *cell = Some(result);
                }
            }
        }
        let (mut differences, same): (Vec<Row<'_>>, Vec<Row<'_>>) =
            rows.into_values().partition(Row::differs);
        let families = families(&differences, &same, columns.len());
        differences.sort_by_key(|row| (row.severity, row.id));
        let measured = questions(&columns.iter().map(|(_, target, _)| *target).collect::<Vec<_>>());
        let servers = columns
            .into_iter()
            .map(|(file, target, vectors)| Server { file, target, tally: Tally::of(vectors) })
            .collect();
        Self { servers, families, differences, measured }
    }
}

impl Tally {
    fn of<'r>(results: impl IntoIterator<Item = &'r VectorResult>) -> Self {
        let counts = Counts::of(results);
        let sum = |all: &[Outcome]| all.iter().map(|o| counts.count(*o)).sum();
        let unseen = sum(&[Outcome::Inconclusive, Outcome::Unsupported, Outcome::Error]);
        let wrong = sum(&[Outcome::Fail, Outcome::Xfail, Outcome::Hang]);
        Self { judged: counts.total().saturating_sub(unseen), wrong, unseen }
    }
}

impl Row<'_> {
    /// Whether two servers that were judged did not do the same. The status is each server's own.
    fn differs(&self) -> bool {
        let did = |r: &VectorResult| {
            let observed: Vec<_> = r.steps.iter().map(|s| s.observed.clone()).collect();
            (is_wrong(r), observed)
        };
        let seen: BTreeSet<_> =
            self.cells.iter().flatten().filter(|r| is_judged(r)).map(|r| did(r)).collect();
        seen.len() > 1
    }
}

/// Whether an outcome says something of the server.
pub(crate) fn is_judged(result: &VectorResult) -> bool {
    !matches!(result.outcome, Outcome::Inconclusive | Outcome::Unsupported | Outcome::Error)
}

/// Whether it was not as expected, known or not.
pub(crate) fn is_wrong(result: &VectorResult) -> bool {
    matches!(result.outcome, Outcome::Fail | Outcome::Xfail | Outcome::Hang)
}

fn families<'a>(differences: &[Row<'a>], same: &[Row<'a>], servers: usize) -> Vec<Family<'a>> {
    let mut by_name: BTreeMap<&str, (usize, Vec<Vec<&VectorResult>>)> = BTreeMap::new();
    let rows = differences.iter().map(|row| (row, 1)).chain(same.iter().map(|row| (row, 0)));
    for (row, differing) in rows {
        let Some(first) = row.cells.iter().flatten().next() else { continue };
        let (count, cells) =
            by_name.entry(family_of(first)).or_insert_with(|| (0, vec![Vec::new(); servers]));
        *count = count.saturating_add(differing);
        for (cell, result) in cells.iter_mut().zip(&row.cells) {
            cell.extend(result);
        }
    }
    let tally = |results: Vec<&VectorResult>| (!results.is_empty()).then(|| Tally::of(results));
    let mut families: Vec<Family<'a>> = by_name
        .into_iter()
        .map(|(name, (differing, cells))| Family {
            name,
            differing,
            cells: cells.into_iter().map(tally).collect(),
        })
        .collect();
    families.sort_by_key(|family| Reverse(family.differing));
    families
}

fn questions<'a>(targets: &[&'a Target]) -> Vec<Question<'a>> {
    let asked: Vec<&Behaviour> = targets.iter().flat_map(|t| &t.behaviour).collect();
    let mut seen = BTreeSet::new();
    let mut questions: Vec<Question<'a>> = asked
        .into_iter()
        .filter(|behaviour| seen.insert(behaviour.asks.as_str()))
        .map(|behaviour| {
            let answer = |target: &&'a Target| {
                let same = target.behaviour.iter().find(|b| b.asks == behaviour.asks);
                same.map(|b| b.seen.as_str())
            };
            let cells: Vec<_> = targets.iter().map(answer).collect();
            let answers: BTreeSet<_> = cells.iter().flatten().collect();
            Question { asks: &behaviour.asks, differs: answers.len() > 1, cells }
        })
        .filter(|question| question.cells.iter().flatten().count() > 1)
        .collect();
    questions.sort_by_key(|question| !question.differs);
    questions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{result, results, target};
    use bearproof_conform::results::Via;

    fn file(name: &str, scheme: &str, vectors: &[(&str, Outcome)]) -> (String, Results) {
        let one = |(id, outcome): &(&str, Outcome)| result(&format!("{scheme}/{id}"), Via::Http, *outcome);
        (name.into(), results(vec![target(scheme, Via::Http)], vectors.iter().map(one).collect()))
    }

    fn names(matrix: &Matrix<'_>) -> Vec<(String, usize)> {
        matrix.families.iter().map(|f| (f.name.to_owned(), f.differing)).collect()
    }

    #[test]
    fn families_with_differences_come_first_whatever_the_scheme() {
        let (pass, fail) = (Outcome::Pass, Outcome::Fail);
        let files = [
            file("1", "a", &[("alpha/x", pass), ("beta/x", pass), ("gamma/x", fail), ("gamma/y", pass)]),
            file("2", "b", &[("alpha/x", pass), ("beta/x", fail), ("gamma/x", pass), ("gamma/y", fail)]),
        ];
        let matrix = Matrix::of(&files);
        assert_eq!(names(&matrix), [("gamma".into(), 2), ("beta".into(), 1), ("alpha".into(), 0)]);
        let cells: Vec<_> = matrix.families.iter().map(|f| f.cells.clone()).collect();
        let tally = |judged, wrong| Some(Tally { judged, wrong, unseen: 0 });
        assert_eq!(cells[0], [tally(2, 1), tally(2, 1)]);
        assert_eq!(cells[1], [tally(1, 0), tally(1, 1)]);
        let ids: Vec<_> = matrix.differences.iter().map(|row| row.id).collect();
        assert_eq!(ids, ["beta/x", "gamma/x", "gamma/y"]);
    }

    #[test]
    fn what_could_not_be_judged_makes_no_difference() {
        for outcome in [Outcome::Unsupported, Outcome::Inconclusive, Outcome::Error] {
            let files = [file("1", "a", &[("f/x", Outcome::Fail)]), file("2", "a", &[("f/x", outcome)])];
            let matrix = Matrix::of(&files);
            assert!(matrix.differences.is_empty(), "{}", outcome.name());
            assert_eq!(matrix.families[0].cells[1], Some(Tally { judged: 0, wrong: 0, unseen: 1 }));
        }
    }

    #[test]
    fn a_known_deviation_is_the_same_behaviour_as_an_unknown_one() {
        let files = [file("1", "a", &[("f/x", Outcome::Fail)]), file("2", "a", &[("f/x", Outcome::Xfail)])];
        assert!(Matrix::of(&files).differences.is_empty());
    }

    #[test]
    fn another_verdict_differs_and_another_status_does_not() {
        let with = |name: &str, observed: &str, status| {
            let mut one = file(name, "a", &[("f/x", Outcome::Pass)]);
            let step = &mut one.1.vectors[0].steps[0];
            (step.observed, step.status) = (Some(observed.into()), Some(status));
            one
        };
        let differ = |files: &[(String, Results)]| !Matrix::of(files).differences.is_empty();
        assert!(!differ(&[with("1", "reject", 401), with("2", "reject", 403)]));
        assert!(differ(&[with("1", "reject", 401), with("2", "accept", 200)]));
    }

    #[test]
    fn questions_with_different_answers_come_first_and_lone_ones_are_left_out() {
        let with = |name: &str, rows: &[(&str, &str)]| {
            let mut one = file(name, "a", &[]);
            let row = |(asks, seen): &(&str, &str)| Behaviour {
                // Questions that differ in a value have one name.
                name: "n".into(),
                asks: (*asks).into(),
                seen: (*seen).into(),
                refs: vec![],
            };
            one.1.targets[0].behaviour = rows.iter().map(row).collect();
            one
        };
        let files = [
            with("1", &[("same", "x"), ("late", "5 s"), ("lone", "x")]),
            with("2", &[("same", "x"), ("late", "0 s")]),
        ];
        let matrix = Matrix::of(&files);
        let asked: Vec<_> = matrix.measured.iter().map(|q| (q.asks, q.differs)).collect();
        assert_eq!(asked, [("late", true), ("same", false)]);
    }
}
