//! What of the answers holds: a refusal counts only beside a control that was let in, and only if the good request is
//! let in afterwards too. A run and a journal that is read go through it alike; it must not know where answers come from.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::drive::LEAK;
use crate::freeze::CONTROL;
use crate::plot::Plot;
use crate::recipe::{Edit, Given};
use crate::resolve::find;
use crate::results::{Calibration, CalibrationState, Outcome, StepResult, VectorResult};

/// After so many failed barriers in a row the run stops.
const FAILED_BARRIERS: u32 = 2;

const OPEN: &str = "the server lets everybody in, so nothing else can be judged";

const OPEN_AFTERWARDS: &str =
    "a request without any credential was let in, though not before the run: the server lets everybody in";

const REFUSED_AFTERWARDS: &str = "the good request was refused afterwards";

/// The cause of what could not be asked before the captured token's end.
pub const TOO_LATE: &str = "the captured token ends before this could be asked";

const ENDED: &str = "the captured token ended before the good request could be let in once more";

const FIXED: &str = "its value may be used once and is fixed: the target may have seen it in an earlier run";

/// How the cause ends of a result after which no good request was sent any more.
pub const PROVISIONAL: &str = "provisional: the run ended before the good request was sent again";

/// A vector that is to be judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// Its result as long as there is none.
    pub result: VectorResult,
    /// What decides how far a result may be believed.
    pub basis: Basis,
}

/// What decides how far the result of a vector may be believed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    /// The id of its control.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    twin: Option<String>,
    /// It is a control that was made for a vector (in another spelling, of another kind) and that no document shows.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    made: bool,
    /// It says the very value of a part that may be used once, and is sent anew in each run.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    once: bool,
}

impl Basis {
    /// The basis of a plot that is played with values of this run (`live`) or with frozen ones.
    pub(crate) fn of(plot: &Plot, live: bool) -> Self {
        Self {
            twin: plot.twin.clone(),
            made: is_control(plot) && plot.steps.iter().any(|s| !s.edits.is_empty()),
            once: live && fixes_what_is_used_once(plot),
        }
    }
}

/// What the requests between two blocks showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Barrier {
    /// As before the run.
    Held,
    /// It was not to be asked any more: why.
    Stopped(String),
    /// The good request was refused: why.
    Refused(String),
    /// The good request was refused, and the captured token had ended by then.
    Ended,
    /// The request without a credential was let in.
    Open,
}

/// The results of one target while they come in.
#[derive(Debug)]
pub struct Judgement {
    plan: BTreeMap<String, Planned>,
    calibration: Calibration,
    /// What a barrier has confirmed or made void.
    settled: Vec<VectorResult>,
    /// What came since the last barrier.
    pending: Vec<VectorResult>,
    failed_barriers: u32,
    stopped: Option<String>,
}

impl Judgement {
    /// Nothing has been answered yet.
    pub fn new(calibration: Calibration, plan: Vec<Planned>) -> Self {
        let stopped = match calibration.state {
            CalibrationState::Ready => None,
            CalibrationState::LetsEverybodyIn => Some(OPEN.into()),
            _ => Some(calibration.message.clone()),
        };
        let plan = plan.into_iter().map(|p| (p.result.id.clone(), p)).collect();
        let (settled, pending) = (Vec::new(), Vec::new());
        Self { plan, calibration, settled, pending, failed_barriers: 0, stopped }
    }

    /// Why nothing more is to be asked, if so.
    pub fn stopped(&self) -> Option<&str> {
        self.stopped.as_deref()
    }

    /// How many results a barrier has settled.
    pub fn settled(&self) -> usize {
        self.settled.len()
    }

    /// Takes a result in.
    pub fn judged(&mut self, result: VectorResult) {
        self.pending.push(result);
    }

    /// Takes in what the good request showed after the results that came since the last time.
    pub fn barrier(&mut self, barrier: &Barrier) {
        match barrier {
            Barrier::Held => self.failed_barriers = 0,
            // Nothing confirms what came before, and nothing speaks against it.
            Barrier::Stopped(cause) => {
                self.stopped = Some(cause.clone());
                return;
            }
            Barrier::Refused(cause) => {
                self.failed_barriers = self.failed_barriers.saturating_add(1);
                let pending = self.pending.iter_mut().filter(|r| !stands(r));
                void(pending, &format!("{REFUSED_AFTERWARDS}: {cause}"));
                let message =
                    format!("the good request was let in before the run and refused later: {cause}");
                self.calibration = Calibration { state: CalibrationState::GoodRefused, message };
                if self.failed_barriers == FAILED_BARRIERS {
                    let cause = "the run was stopped: the good request was refused time and again";
                    self.stopped = Some(cause.into());
                }
            }
            Barrier::Ended => {
                // What comes is not stopped: that it is too late, or can't be asked at all, is said of each.
                void(self.pending.iter_mut().filter(|r| !stands(r) && !r.steps.is_empty()), ENDED);
            }
            Barrier::Open => {
                // Each request that was let in is the one hole, and not a fault in the check that it was to try.
                void(self.pending.iter_mut().filter(|r| r.cause != LEAK), OPEN_AFTERWARDS);
                let message = OPEN_AFTERWARDS.into();
                self.calibration = Calibration { state: CalibrationState::LetsEverybodyIn, message };
                self.stopped = Some(OPEN.into());
            }
        }
        self.settled.append(&mut self.pending);
    }

    /// All results of the plan, ordered by id. What was not asked is inconclusive; `why` says what ended the run if
    /// nothing else had stopped it.
    pub fn end(self, why: &str) -> (Calibration, Vec<VectorResult>) {
        let Self { plan, mut calibration, settled, pending, stopped, .. } = self;
        let judged = |r: &&VectorResult| matches!(r.outcome, Outcome::Pass | Outcome::Fail | Outcome::Hang);
        let unsettled = pending.iter().filter(judged).filter(|r| !stands(r));
        let unsettled: BTreeSet<String> = unsettled.map(|r| r.id.clone()).collect();
        let mut results: BTreeMap<String, VectorResult> =
            settled.into_iter().chain(pending).map(|r| (r.id.clone(), r)).collect();
        judge_by_control(&plan, &mut results);
        for result in results.values_mut().filter(|r| unsettled.contains(&r.id)) {
            add(&mut result.cause, PROVISIONAL);
        }
        if !unsettled.is_empty() {
            let count = unsettled.len();
            let words =
                format!("provisional results, with no good request after them that confirms them: {count}");
            add(&mut calibration.message, &words);
        }
        let cause = stopped.as_deref().unwrap_or(why);
        let not_asked = plan.into_values().filter(|p| !results.contains_key(&p.result.id)).map(|planned| {
            let outcome = Outcome::Inconclusive;
            VectorResult { outcome, cause: cause.into(), ..planned.result }
        });
        let mut all: Vec<VectorResult> = not_asked.collect();
        all.extend(results.into_values());
        all.sort_by(|a, b| a.id.cmp(&b.id));
        (calibration, all)
    }
}

fn add(text: &mut String, words: &str) {
    if !text.is_empty() {
        text.push_str("; ");
    }
    text.push_str(words);
}

/// Whether a finding stands even if the good request is refused afterwards: a bad request was let in, or a secret
/// came back.
pub fn stands(result: &VectorResult) -> bool {
    let let_in = |s: &StepResult| s.expected == "reject" && s.observed.as_deref() == Some("accept");
    result.outcome == Outcome::Fail && (result.steps.iter().any(let_in) || result.cause == LEAK)
}

fn void<'a>(results: impl Iterator<Item = &'a mut VectorResult>, cause: &str) {
    for result in results {
        result.outcome = Outcome::Inconclusive;
        result.cause = cause.into();
    }
}

/// A rejection counts only if the same request without the fault was let in. A control that was made for a vector and
/// is refused says that this vector can't be judged here, and no more.
fn judge_by_control(plan: &BTreeMap<String, Planned>, results: &mut BTreeMap<String, VectorResult>) {
    let basis = |id: &str| plan.get(id).map(|planned| &planned.basis);
    for result in results.values_mut().filter(|r| r.outcome == Outcome::Fail) {
        let Some(basis) = basis(&result.id) else { continue };
        let refused = result.steps.iter().any(|s| s.observed.as_deref() == Some("reject"));
        if basis.made && refused && result.cause != LEAK {
            result.outcome = Outcome::Inconclusive;
            result.cause =
                format!("{}; no document shows it, so only its vector is not judged", result.cause);
            continue;
        }
        let refused = |s: &StepResult| s.expected == "accept" && s.observed.as_deref() == Some("reject");
        let wrong = result.wrong_step().and_then(|number| result.steps.get(number));
        if basis.once && wrong.is_some_and(refused) {
            result.outcome = Outcome::Inconclusive;
            result.cause = format!("{}; {FIXED}", result.cause);
        }
    }
    let inside: BTreeMap<String, bool> = results.values().map(|r| (r.id.clone(), let_in(r))).collect();
    for result in results.values_mut().filter(|r| r.outcome == Outcome::Pass) {
        let Some(twin) = basis(&result.id).and_then(|b| b.twin.as_ref()) else { continue };
        let what = match inside.get(twin) {
            Some(true) => continue,
            Some(false) => "let in",
            None => "asked",
        };
        result.outcome = Outcome::Inconclusive;
        result.cause = format!("its control `{twin}` was not {what}, so the refusal proves nothing");
    }
}

/// Whether a vector says the very value of a part that may be used once.
fn fixes_what_is_used_once(plot: &Plot) -> bool {
    let d = &plot.variant.description;
    let fixes = |edit: &Edit| match edit {
        Edit::SetPart { target, value: Given::Json(json) } => {
            find(d, target).is_some_and(|part| part.single_use) && !json.contains("fresh}")
        }
        _ => false,
    };
    plot.steps.iter().any(|step| step.edits.iter().any(fixes))
}

pub(crate) fn is_control(plot: &Plot) -> bool {
    plot.id.split('/').nth(1) == Some(CONTROL)
}

/// Whether a good request was let in, even if the answer has a fault of its own (a secret in it, say).
pub(crate) fn let_in(result: &VectorResult) -> bool {
    let as_expected = || result.steps.iter().all(|s| s.observed.as_ref() == Some(&s.expected));
    result.outcome == Outcome::Pass || (result.outcome == Outcome::Fail && as_expected())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Level, Severity, Via};

    fn step(expected: &str, observed: &str) -> StepResult {
        StepResult {
            expected: expected.into(),
            observed: Some(observed.into()),
            status: None,
            reason: None,
            assertions: vec![],
            exchange: None,
        }
    }

    fn result(id: &str, outcome: Outcome, steps: Vec<StepResult>) -> VectorResult {
        VectorResult {
            id: id.into(),
            via: Via::Http,
            level: Level::Must,
            severity: Severity::High,
            outcome,
            cause: String::new(),
            why: String::new(),
            refs: vec![],
            repeat: vec![],
            steps,
        }
    }

    /// A refusal that was expected, on the control `s/control/c`.
    fn refused(id: &str) -> VectorResult {
        result(id, Outcome::Pass, vec![step("reject", "reject")])
    }

    fn control(observed: &str) -> VectorResult {
        let outcome = if observed == "accept" { Outcome::Pass } else { Outcome::Fail };
        result("s/control/c", outcome, vec![step("accept", observed)])
    }

    /// A bad request that was let in.
    fn let_in(id: &str) -> VectorResult {
        result(id, Outcome::Fail, vec![step("reject", "accept")])
    }

    fn judgement() -> Judgement {
        let calibration = Calibration { state: CalibrationState::Ready, message: String::new() };
        let plan = |id: &str| {
            let twin = (id != "s/control/c").then(|| "s/control/c".to_owned());
            let result = result(id, Outcome::Inconclusive, vec![]);
            Planned { result, basis: Basis { twin, ..Basis::default() } }
        };
        Judgement::new(calibration, ["s/control/c", "s/f/1", "s/f/2"].map(plan).to_vec())
    }

    /// What is left of these results after these barriers: outcome and cause.
    fn ended(parts: Vec<(Vec<VectorResult>, Option<Barrier>)>) -> (Calibration, Vec<(Outcome, String)>) {
        let mut judgement = judgement();
        for (results, barrier) in parts {
            results.into_iter().for_each(|result| judgement.judged(result));
            if let Some(barrier) = barrier {
                judgement.barrier(&barrier);
            }
        }
        let (calibration, results) = judgement.end("it was over");
        (calibration, results.into_iter().map(|r| (r.outcome, r.cause)).collect())
    }

    #[test]
    fn a_refusal_counts_beside_a_control_that_was_let_in() {
        let (_, all) =
            ended(vec![(vec![control("accept"), refused("s/f/1"), refused("s/f/2")], Some(Barrier::Held))]);
        assert!(all.iter().all(|(outcome, cause)| *outcome == Outcome::Pass && cause.is_empty()), "{all:?}");
        let (_, all) = ended(vec![(vec![control("reject"), refused("s/f/1")], Some(Barrier::Held))]);
        let cause = "its control `s/control/c` was not let in, so the refusal proves nothing";
        assert_eq!(all[1], (Outcome::Inconclusive, cause.into()));
        let (_, all) = ended(vec![(vec![refused("s/f/1")], Some(Barrier::Held))]);
        let cause = "its control `s/control/c` was not asked, so the refusal proves nothing";
        assert_eq!(all[1], (Outcome::Inconclusive, cause.into()));
    }

    #[test]
    fn after_the_last_good_request_everything_but_a_hole_is_provisional() {
        let (calibration, all) = ended(vec![
            (vec![control("accept")], Some(Barrier::Held)),
            (vec![refused("s/f/1"), let_in("s/f/2")], None),
        ]);
        assert_eq!(all[0], (Outcome::Pass, String::new()));
        assert_eq!(all[1], (Outcome::Pass, PROVISIONAL.into()));
        assert_eq!(all[2], (Outcome::Fail, String::new()));
        assert!(calibration.message.ends_with("that confirms them: 1"), "{}", calibration.message);
    }

    #[test]
    fn what_was_not_asked_is_there_and_says_why() {
        let (_, all) = ended(vec![(vec![control("accept"), refused("s/f/1")], Some(Barrier::Held))]);
        assert_eq!(all[2], (Outcome::Inconclusive, "it was over".into()));
    }

    #[test]
    fn two_refused_barriers_stop_the_run_and_a_hole_stands() {
        let refusal = || Some(Barrier::Refused("why".into()));
        let (calibration, all) =
            ended(vec![(vec![control("accept")], refusal()), (vec![let_in("s/f/1")], refusal())]);
        assert_eq!(calibration.state, CalibrationState::GoodRefused);
        let void = "the good request was refused afterwards: why";
        assert_eq!(all[0], (Outcome::Inconclusive, void.into()));
        assert_eq!(all[1], (Outcome::Fail, String::new()));
        let stopped = "the run was stopped: the good request was refused time and again";
        assert_eq!(all[2], (Outcome::Inconclusive, stopped.into()));
    }
}
