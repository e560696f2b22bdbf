//! Runs a selection of plots on a target: calibration, controls, vectors, and what a refused control means.
//! It must not know how a subject is reached.

mod calibration;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use calibration::Calibrator;
use sha2::{Digest, Sha256};

use crate::drive::{LEAK, Script, drive};
use crate::judgement::{Barrier, Basis, Judgement, Planned, TOO_LATE, is_control, stands};
use crate::life::Reserve;
use crate::login::Logins;
use crate::needs::needs;
use crate::plot::Plot;
use crate::recipe::{Action, Edit, Spot, Step};
use crate::record::{Nobody, Recorder};
use crate::redact::Redactor;
use crate::results::{Calibration, CalibrationState, Outcome, Requirement, Target, VectorResult, Via};
use crate::subject::{CLOSED, Subject};
use crate::suite::Variant;
use crate::vector::Vector;

/// Gives the subject for a vector. Vectors that change shared state ask for it alone.
pub trait Subjects: Sync {
    /// Runs `with` on the subject for this plot.
    fn with(&self, plot: &Plot, with: &mut dyn FnMut(&dyn Subject));
    /// How the subject is reached.
    fn via(&self) -> Via;
    /// Why the target can't offer this need, if it can't.
    fn lacks(&self, need: &str) -> Option<String>;
    /// How many vectors may run at once.
    fn concurrency(&self) -> usize;
    /// Seconds by which the target's clock is ahead of ours, as its answers say, if that is much; from then on the
    /// target's time is read from its own clock.
    fn learn_clock(&self) -> Option<i64> {
        None
    }
    /// Seconds by the target's clock until what it is asked with ends; `None` if that has no known end.
    fn seconds_left(&self) -> Option<i64> {
        None
    }
    /// Where tokens come from that nobody here can make.
    fn logins(&self) -> Option<&Logins> {
        None
    }
}

/// What to run.
#[derive(Clone, Copy)]
pub struct Selection<'a> {
    /// Plots of one scheme, controls among them.
    pub plots: &'a [Plot],
    /// The frozen vectors by id, for running the frozen bytes.
    pub frozen: Option<&'a BTreeMap<String, Vector>>,
    /// Id of the run, for live randomness.
    pub run: &'a str,
    /// Decides the order, and nothing else: state that leaks from one vector into the next shows in some orders.
    pub seed: u64,
    /// Is told what is seen, and may end the run.
    pub recorder: &'a dyn Recorder,
}

/// After so many vectors the good request is sent again: what was judged since counts only if it is let in.
pub const BARRIER: usize = 100;

/// The cause of what an interrupted run did not ask.
pub const INTERRUPTED: &str = "interrupted";

/// Runs the selection.
pub fn run(
    selection: &Selection<'_>,
    subjects: &dyn Subjects,
    redactor: &Redactor,
) -> (Calibration, Vec<VectorResult>) {
    let recorder = selection.recorder;
    let calibrator = Calibrator::new(selection, subjects, redactor);
    let plan = plan(selection, subjects.via());
    recorder.planned(&plan);
    let calibration = if recorder.stopped() {
        let message = "the run was interrupted before anything was asked".into();
        Calibration { state: CalibrationState::NotAsked, message }
    } else {
        calibrator.calibrate()
    };
    recorder.calibrated(&calibration);
    let mut judgement = Judgement::new(calibration, plan);
    let left = subjects.seconds_left();
    let reserve = Reserve::of(left);
    let ask = |plot: &Plot| {
        let (before, waits) = (subjects.seconds_left(), waits(plot));
        let late = before.is_some_and(|left| !reserve.allows(left.saturating_sub_unsigned(waits)));
        if late && lacking(plot, subjects).is_none() {
            let outcome = Outcome::Inconclusive;
            return VectorResult { outcome, cause: TOO_LATE.into(), ..empty(plot, subjects.via()) };
        }
        let result = steadily(plot, selection, subjects, redactor);
        if let (Some(before), Some(after), 0) = (before, subjects.seconds_left(), waits) {
            reserve.took(before.saturating_sub(after));
        }
        result
    };
    let (shared, alone): (Vec<&Plot>, Vec<&Plot>) =
        ordered(selection, left.is_some()).into_iter().partition(|p| !changes_state(p));
    let mut blocks: Vec<(&[&Plot], usize)> =
        shared.chunks(BARRIER).map(|b| (b, subjects.concurrency())).collect();
    // What changes shared state runs alone.
    blocks.extend(alone.chunks(BARRIER).map(|b| (b, 1)));
    for (block, threads) in blocks {
        if judgement.stopped().is_some() || recorder.stopped() {
            break;
        }
        let of_block = parallel(block, threads, &|plot| {
            if recorder.stopped() {
                return None;
            }
            let result = ask(plot);
            recorder.judged(&result);
            Some(result)
        });
        // Nothing was sent, so nothing needs the good request; it may be over.
        let nothing = left.is_some() && of_block.iter().all(|r| r.steps.is_empty());
        for result in of_block {
            judgement.judged(result);
        }
        if nothing {
            continue;
        }
        let mut barrier = calibrator.barrier(judgement.settled());
        if matches!(barrier, Barrier::Refused(_)) && subjects.seconds_left().is_some_and(|left| left <= 0) {
            barrier = Barrier::Ended;
        }
        recorder.barrier(&barrier);
        judgement.barrier(&barrier);
    }
    judgement.end(INTERRUPTED)
}

/// Seconds that a plot lets pass on the target.
fn waits(plot: &Plot) -> u64 {
    let wait = |step: &Step| if let Action::Wait(seconds) = step.action { seconds } else { 0 };
    plot.steps.iter().map(wait).fold(0, u64::saturating_add)
}

/// Why the target does not offer what a plot needs, if it does not.
fn lacking(plot: &Plot, subjects: &dyn Subjects) -> Option<String> {
    needs(plot).iter().find_map(|need| subjects.lacks(need))
}

/// Every vector of the selection with the result that it has as long as it is not asked.
fn plan(selection: &Selection<'_>, via: Via) -> Vec<Planned> {
    let planned = |plot| {
        let result = VectorResult { outcome: Outcome::Inconclusive, ..empty(plot, via) };
        Planned { result, basis: Basis::of(plot, selection.frozen.is_none()) }
    };
    selection.plots.iter().map(planned).collect()
}

/// The plots as the seed orders them, each control before the first vector that rests on it: a run that ends early has
/// the controls of what it judged. Where time may be short, what matters most comes first.
fn ordered<'a>(selection: &Selection<'a>, short: bool) -> Vec<&'a Plot> {
    let mut shuffled: Vec<&Plot> = selection.plots.iter().collect();
    let rank = |plot: &Plot| short.then(|| (!is_control(plot), plot.level, plot.severity));
    shuffled.sort_by_cached_key(|plot| {
        (rank(plot), Sha256::digest(format!("{} {}", selection.seed, plot.id)).to_vec())
    });
    let by_id: BTreeMap<&str, &Plot> = selection.plots.iter().map(|p| (p.id.as_str(), p)).collect();
    let with_twin =
        |plot: &'a Plot| plot.twin.as_deref().and_then(|t| by_id.get(t).copied()).into_iter().chain([plot]);
    let mut seen = BTreeSet::new();
    shuffled.into_iter().flat_map(with_twin).filter(|plot| seen.insert(plot.id.as_str())).collect()
}

/// How the cause begins of what was answered now so and now otherwise.
pub const UNSTEADY: &str = "answered differently on repetition";

/// How often a failed vector is sent again.
const REPETITIONS: u32 = 2;

/// Runs a vector, and one that failed again: what is answered now so and now otherwise is a fault of its own, and says
/// nothing about the check that the vector was to try.
fn steadily(
    plot: &Plot,
    selection: &Selection<'_>,
    subjects: &dyn Subjects,
    redactor: &Redactor,
) -> VectorResult {
    let fixed = changes_state(plot) || selection.frozen.is_some();
    // A connection that was kept is closed for reasons of its own: then the question is asked anew, with values of its own.
    let ask = |words: &str| {
        let mut result = one(plot, &Selection { run: words, ..*selection }, subjects, redactor);
        for number in 1..=REPETITIONS {
            if fixed || result.outcome != Outcome::Error || result.cause != CLOSED {
                break;
            }
            let run = format!("{words}, connection {number}");
            result = one(plot, &Selection { run: &run, ..*selection }, subjects, redactor);
        }
        result
    };
    let mut first = ask(selection.run);
    // What may be used once is used up when it was let in.
    let used_up = || stands(&first) && plot.variant.description.parts.iter().any(|p| p.single_use);
    if first.outcome != Outcome::Fail || first.cause == LEAK || fixed || used_up() {
        return first;
    }
    let seen = |r: &VectorResult| r.steps.iter().map(|s| (s.observed.clone(), s.status)).collect::<Vec<_>>();
    let other = (1..=REPETITIONS)
        .map(|number| ask(&format!("{}, repetition {number}", selection.run)))
        // Nothing seen because the run was stopped is no answer.
        .filter(|other| {
            other.outcome != Outcome::Inconclusive || other.steps.iter().any(|s| s.status.is_some())
        })
        .find(|other| seen(other) != seen(&first));
    if let Some(other) = other {
        let (before, after) = (answered(&first), answered(&other));
        first.cause = format!("{UNSTEADY}: first {before}, then {after}");
        if !stands(&first) {
            first.outcome = Outcome::Inconclusive;
        }
    }
    first
}

/// What the last exchange of a result showed, in words.
pub fn answered(result: &VectorResult) -> String {
    let last = result.steps.last();
    let status = last.and_then(|s| s.status).map(|s| format!(" ({s})")).unwrap_or_default();
    match last.and_then(|s| s.observed.as_deref()) {
        Some("accept") => format!("let in{status}"),
        Some(_) => format!("refused{status}"),
        None => format!("no answer: {}", result.cause),
    }
}

/// Before anything is judged: the good request is let in, and the same without a credential is not.
pub fn calibrate(selection: &Selection<'_>, subjects: &dyn Subjects, redactor: &Redactor) -> Calibration {
    Calibrator::new(selection, subjects, redactor).calibrate()
}

/// Asks one question, and asks a failed one again, as [`run`] does.
pub fn ask(plot: &Plot, run: &str, subjects: &dyn Subjects, redactor: &Redactor) -> VectorResult {
    let selection = Selection { plots: &[], frozen: None, run, seed: 0, recorder: &Nobody };
    steadily(plot, &selection, subjects, redactor)
}

pub(crate) fn one(
    plot: &Plot,
    selection: &Selection<'_>,
    subjects: &dyn Subjects,
    redactor: &Redactor,
) -> VectorResult {
    if let Some(cause) = lacking(plot, subjects) {
        return VectorResult { outcome: Outcome::Unsupported, cause, ..empty(plot, subjects.via()) };
    }
    let script = match selection.frozen {
        None => Script::Live { run: selection.run },
        Some(frozen) => match frozen.get(&plot.id) {
            Some(vector) => Script::Frozen(vector),
            None => {
                let cause = "the recipe has no frozen vector; run `bearproof freeze`".into();
                return VectorResult { outcome: Outcome::Error, cause, ..empty(plot, subjects.via()) };
            }
        },
    };
    let mut result = None;
    subjects.with(plot, &mut |subject| {
        let filled = match subjects.logins().map(|logins| logins.filled(plot, selection.run, subject)) {
            Some(Ok(filled)) => filled,
            Some(Err(cause)) => {
                let outcome = Outcome::Inconclusive;
                result = Some(VectorResult { outcome, cause, ..empty(plot, subjects.via()) });
                return;
            }
            None => None,
        };
        let plot = filled.as_ref().unwrap_or(plot);
        result = Some(drive(plot, script, subject, subjects.via(), redactor));
    });
    if let Some(logins) = subjects.logins().filter(|_| changes_state(plot)) {
        logins.forget();
    }
    result.unwrap_or_else(|| VectorResult { outcome: Outcome::Error, ..empty(plot, subjects.via()) })
}

fn empty(plot: &Plot, via: Via) -> VectorResult {
    VectorResult {
        id: plot.id.clone(),
        via,
        level: plot.level,
        severity: plot.severity,
        outcome: Outcome::Error,
        cause: String::new(),
        why: plot.why.clone(),
        refs: crate::needs::references(plot),
        repeat: Vec::new(),
        steps: Vec::new(),
    }
}

/// Whether a plot changes what other vectors see: it ends or records something, or moves the clock.
pub fn changes_state(plot: &Plot) -> bool {
    let d = &plot.variant.description;
    plot.steps.iter().any(|step| match &step.action {
        Action::Revoke | Action::Wait(_) => true,
        Action::Obtain(name) => {
            let name = name.as_deref().or_else(|| crate::resolve::token_operation(d));
            name.and_then(|n| d.operation(n))
                .is_some_and(|o| o.kind != bearproof_scheme::description::OperationKind::Issue)
        }
        Action::Call => {
            let endpoint = step.endpoint.as_deref().unwrap_or(&plot.endpoint);
            d.operation(endpoint)
                .is_some_and(|o| o.kind != bearproof_scheme::description::OperationKind::Issue)
        }
    })
}

fn parallel(
    plots: &[&Plot],
    threads: usize,
    run: &(dyn Fn(&Plot) -> Option<VectorResult> + Sync),
) -> Vec<VectorResult> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(plots.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while let Some(plot) = plots.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let Some(result) = run(plot) else { break };
                    results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(result);
                }
            });
        }
    });
    results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The edits that take every credential out of a request.
pub(crate) fn no_credential(variant: &Variant) -> Vec<Edit> {
    use bearproof_scheme::description::Place;
    variant
        .description
        .parts
        .iter()
        .filter_map(|part| match part.place {
            Place::Field => Some(Edit::Remove { spot: Spot::Field(part.name.clone()) }),
            Place::Body => Some(Edit::RemovePart {
                target: crate::recipe::Target::Exact(Place::Body, part.name.clone()),
            }),
            _ => None,
        })
        .collect()
}

/// The entry of a target in the results.
pub fn target(variant: &Variant, via: Via, name: &str, calibration: Calibration) -> Target {
    let d = &variant.description;
    Target {
        scheme: d.id.clone(),
        title: d.title.clone(),
        via,
        name: name.into(),
        calibration,
        notes: Vec::new(),
        changes: Vec::new(),
        behaviour: Vec::new(),
        origin: None,
        known: Vec::new(),
        choices: d.choices.iter().map(|c| format!("{}={}", c.name, c.chosen)).collect(),
        requirements: d
            .requirements
            .iter()
            .map(|r| Requirement {
                id: r.id.clone(),
                heading: r.heading.clone().unwrap_or_else(|| "our reading".into()),
                says: r.says.clone(),
            })
            .collect(),
    }
}
