//! Asks the questions of a target: plays each recipe and searches for the limit. It must not judge.

use super::{Measure, Measures, Tries, Unit};
use crate::judgement::TOO_LATE;
use crate::keyless::fits_what_is_captured;
use crate::needs::references;
use crate::plot::{Plot, expand};
use crate::redact::Redactor;
use crate::results::{Behaviour, Outcome, VectorResult};
use crate::run::{INTERRUPTED, Selection, Subjects, one};
use crate::suite::Scheme;

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    /// Let in, with this status.
    In(String),
    /// Anything else, in words.
    Out(String),
    /// The question can't be asked here, and why.
    NotAsked(String),
}

/// Asks everything that fits the scheme. `scheme` has the target's description and world as its own.
///
/// # Errors
/// A fault of the file of questions, in words.
pub fn measure(
    measures: &Measures,
    scheme: &Scheme,
    selection: &Selection<'_>,
    subjects: &dyn Subjects,
    redactor: &Redactor,
) -> Result<Vec<Behaviour>, String> {
    let prober = Prober { measures, scheme, selection, subjects, redactor };
    let mut rows = Vec::new();
    for measure in &measures.list {
        prober.rows(measure, &mut rows)?;
    }
    Ok(rows)
}

struct Prober<'a> {
    measures: &'a Measures,
    scheme: &'a Scheme,
    selection: &'a Selection<'a>,
    subjects: &'a dyn Subjects,
    redactor: &'a Redactor,
}

impl Prober<'_> {
    fn rows(&self, measure: &Measure, rows: &mut Vec<Behaviour>) -> Result<(), String> {
        let row = |asks: String, seen: String, plot: &Plot| Behaviour {
            name: measure.name.clone(),
            asks,
            seen,
            refs: references(plot),
        };
        match &measure.tries {
            Tries::Search { from, to, unit } => {
                let Some(plot) = self.plot(measure, &unit.case(*from))? else { return Ok(()) };
                let seen = search(*from, *to, *unit, &mut |value| self.answer(measure, &unit.case(value)))?;
                rows.push(row(measure.asks.clone(), seen, &plot));
            }
            Tries::Cases(cases) => {
                for (name, case) in cases {
                    let Some(plot) = self.plot(measure, case)? else { continue };
                    let seen = match self.answer(measure, case)? {
                        Answer::In(status) => format!("let in ({status})"),
                        Answer::Out(words) => words,
                        Answer::NotAsked(why) => format!("not asked: {why}"),
                    };
                    rows.push(row(format!("{}: {name}", measure.asks), seen, &plot));
                }
            }
        }
        Ok(())
    }

    /// The recipe for this target; `None` if it does not fit the scheme.
    fn plot(&self, measure: &Measure, case: &str) -> Result<Option<Plot>, String> {
        let recipe = self.measures.recipe(&measure.name, case).map_err(|e| e.to_string())?;
        let plot = expand(&recipe, self.scheme)?.into_iter().next();
        Ok(plot.filter(fits_what_is_captured))
    }

    fn answer(&self, measure: &Measure, case: &str) -> Result<Answer, String> {
        let Some(mut plot) = self.plot(measure, case)? else {
            return Ok(Answer::NotAsked("it does not fit this scheme".into()));
        };
        if self.selection.recorder.stopped() {
            return Ok(Answer::NotAsked(INTERRUPTED.into()));
        }
        if self.subjects.seconds_left().is_some_and(|left| left <= 1) {
            return Ok(Answer::NotAsked(TOO_LATE.into()));
        }
        // Randomness follows from the id: each value that is tried has its own nonce.
        let short: String = case.chars().take(24).collect();
        plot.id = format!("{}/{}/{short}", plot.id, case.len());
        let selection = Selection { frozen: None, ..*self.selection };
        let result = one(&plot, &selection, self.subjects, self.redactor);
        if result.outcome != Outcome::Unsupported && result.steps.len() < plot.steps.len() {
            return Ok(Answer::NotAsked(format!("what comes before it failed: {}", result.cause)));
        }
        Ok(read(&result))
    }
}

fn read(result: &VectorResult) -> Answer {
    let last = result.steps.last();
    let status = last.and_then(|s| s.status).map(|s| s.to_string());
    match (last.and_then(|s| s.observed.as_deref()), status, result.outcome) {
        (_, _, Outcome::Unsupported) => Answer::NotAsked(result.cause.clone()),
        (Some("accept"), Some(status), _) => Answer::In(status),
        (Some(_), Some(status), _) if status.starts_with('5') => {
            Answer::Out(format!("the server broke ({status})"))
        }
        (Some(_), Some(status), _) => Answer::Out(format!("refused ({status})")),
        // Nothing more was to be asked.
        (None, None, Outcome::Inconclusive) => Answer::NotAsked(result.cause.clone()),
        // What can't be made was not sent.
        _ if last.is_some_and(|s| s.exchange.is_none()) => Answer::NotAsked(result.cause.clone()),
        _ => Answer::Out(format!("no answer: {}", result.cause)),
    }
}

/// Looks for the largest value that is let in, taking for granted that there is one limit. A limit of more than
/// [`EXACT`] is known to one part in [`EXACT`] of it.
fn search(
    from: u64,
    to: u64,
    unit: Unit,
    ask: &mut dyn FnMut(u64) -> Result<Answer, String>,
) -> Result<String, String> {
    match ask(from)? {
        Answer::NotAsked(why) => return Ok(format!("not asked: {why}")),
        Answer::Out(words) => return Ok(format!("{words} even at {}", unit.words(from))),
        Answer::In(_) => {}
    }
    let (mut inside, mut outside, mut refused) = match ask(to)? {
        Answer::In(_) => return Ok(format!("let in as far as was tried: {}", unit.words(to))),
        Answer::Out(words) => (from, to, words),
        Answer::NotAsked(why) => return Ok(not_further(from, unit, &why)),
    };
    while outside - inside > (inside / EXACT).max(1) {
        // Limits are more often small: first by size, then by half.
        let middle = if outside / (inside + 1) > 4 {
            (inside + 1).saturating_mul((outside / (inside + 1)).isqrt())
        } else {
            inside + (outside - inside) / 2
        };
        match ask(middle)? {
            Answer::In(_) => inside = middle,
            Answer::Out(words) => (outside, refused) = (middle, words),
            Answer::NotAsked(why) => return Ok(not_further(inside, unit, &why)),
        }
    }
    Ok(format!("let in up to {}, {refused} from {}", unit.words(inside), unit.words(outside)))
}

/// What is known when a search could not go on.
fn not_further(inside: u64, unit: Unit, why: &str) -> String {
    format!("let in up to {} at least; not asked further: {why}", unit.words(inside))
}

/// See [`search`].
const EXACT: u64 = 64;

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;
    use crate::in_process::InProcessSubjects;
    use crate::judgement::{Barrier, Planned};
    use crate::record::Recorder;
    use crate::results::Calibration;
    use crate::suite::{Disk, Suite};

    fn found(limit: u64, from: u64, to: u64) -> (String, u32) {
        let mut asked = 0;
        let seen = search(from, to, Unit::Time, &mut |value| {
            asked += 1;
            Ok(if value <= limit { Answer::In("200".into()) } else { Answer::Out("refused (401)".into()) })
        });
        (seen.unwrap(), asked)
    }

    #[test]
    fn a_small_limit_is_found_exactly() {
        for limit in 0..=64 {
            let (seen, asked) = found(limit, 0, 86_400);
            let (inside, outside) = (Unit::Time.words(limit), Unit::Time.words(limit + 1));
            assert_eq!(seen, format!("let in up to {inside}, refused (401) from {outside}"));
            assert!(asked <= 20, "{asked} requests for {limit}");
        }
    }

    #[test]
    fn what_has_no_limit_takes_two_requests() {
        assert_eq!(found(u64::MAX, 0, 86_400), ("let in as far as was tried: 1 d".into(), 2));
    }

    #[test]
    fn what_is_refused_at_once_takes_one_request() {
        let mut ask = |_| Ok(Answer::Out("refused (401)".into()));
        assert_eq!(search(0, 9, Unit::Time, &mut ask).unwrap(), "refused (401) even at 0 s");
    }

    #[test]
    fn a_large_limit_is_found_nearly() {
        let (seen, asked) = found(1_000_000, 60, 315_360_000);
        assert_eq!(seen, found(1_000_000, 60, 315_360_000).0);
        assert!(seen.starts_with("let in up to 11 d"), "{seen}");
        assert!(asked <= 24, "{asked} requests");
    }

    /// Says after so many questions that the run was interrupted.
    struct Impatient(AtomicUsize);

    impl Recorder for Impatient {
        fn planned(&self, _: &[Planned]) {}
        fn calibrated(&self, _: &Calibration) {}
        fn judged(&self, _: &VectorResult) {}
        fn barrier(&self, _: &Barrier) {}
        fn stopped(&self) -> bool {
            self.0.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_err()
        }
    }

    #[test]
    fn nothing_more_is_asked_of_a_run_that_was_interrupted() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
        let suite = Suite::load(Arc::new(Disk(folder))).unwrap();
        let (measures, scheme) = (suite.measures.as_ref().unwrap(), suite.scheme("hotwax").unwrap());
        let seen = |patience: usize| {
            let recorder = Impatient(AtomicUsize::new(patience));
            let selection = Selection { plots: &[], frozen: None, run: "", seed: 1, recorder: &recorder };
            let redactor = Redactor::of_world(&scheme.default.world);
            measure(measures, scheme, &selection, &InProcessSubjects, &redactor).unwrap()
        };
        let (none, some, all) = (seen(0), seen(3), seen(usize::MAX));
        let not_asked = |rows: &[Behaviour]| rows.iter().filter(|r| r.seen.ends_with(INTERRUPTED)).count();
        assert_eq!((none.len(), not_asked(&none), not_asked(&all)), (all.len(), all.len(), 0));
        assert!(not_asked(&some) < all.len() && not_asked(&some) > all.len() / 2, "{some:?}");
    }
}
