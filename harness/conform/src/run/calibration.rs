//! What shows that a target answers as an API: the good request is let in, and without its credential it is not. It is
//! asked before anything is judged and again after each block; it must not judge what was asked in between.

use super::{Selection, Subjects, lacking, no_credential, one, steadily};
use crate::judgement::{Barrier, is_control, let_in};
use crate::plot::Plot;
use crate::recipe::{Action, Expect, Step};
use crate::redact::Redactor;
use crate::results::{Calibration, CalibrationState, Level, Outcome, VectorResult};

/// Asks with the good request of the usual caller, where the target offers one.
pub(super) struct Calibrator<'a> {
    good: Option<&'a Plot>,
    /// The selection without frozen bytes: they are good once.
    live: Selection<'a>,
    subjects: &'a dyn Subjects,
    redactor: &'a Redactor,
}

impl<'a> Calibrator<'a> {
    pub(super) fn new(selection: &Selection<'a>, subjects: &'a dyn Subjects, redactor: &'a Redactor) -> Self {
        let live = Selection { frozen: None, ..*selection };
        Self { good: good(selection, subjects), live, subjects, redactor }
    }

    /// The good request under a name of its own: randomness follows from the name, and a nonce may be good once.
    fn named(&self, name: &str) -> Option<Plot> {
        let good = self.good?;
        let id = format!("{}/calibration/{name}", good.variant.description.id);
        Some(Plot { id, ..good.clone() })
    }

    /// Before anything is judged: the good request is let in, and the same without a credential is not.
    pub(super) fn calibrate(&self) -> Calibration {
        let state = |state, message: String| Calibration { state, message };
        let Some(mut plot) = self.named("good") else {
            let message = "the target offers no plain good request, so nothing shows that it answers as an API; \
                           each refusal rests on its own control";
            return state(CalibrationState::Ready, message.into());
        };
        let mut first = one(&plot, &self.live, self.subjects, self.redactor);
        let mut remark = String::new();
        if let Some(ahead) = self.subjects.learn_clock() {
            let side = if ahead > 0 { "ahead of" } else { "behind" };
            let seconds = ahead.unsigned_abs();
            remark = format!(
                "the server's clock is {seconds} s {side} ours by its Date field: it was judged by its own clock"
            );
            plot.id = format!("{}/calibration/good-by-its-clock", plot.variant.description.id);
            first = one(&plot, &self.live, self.subjects, self.redactor);
        }
        let status = first.steps.first().and_then(|s| s.status);
        match first.outcome {
            _ if let_in(&first) => {}
            Outcome::Hang => {
                return state(
                    CalibrationState::Hanging,
                    format!("the server does not answer: {}", first.cause),
                );
            }
            Outcome::Error => {
                return state(
                    CalibrationState::Unreachable,
                    format!("the server can't be reached: {}", first.cause),
                );
            }
            Outcome::Fail if status.is_none_or(|s| s < 500) => {
                let seen = status.map(|s| format!(" ({s})")).unwrap_or_default();
                let message = format!("the good request was refused{seen}, so nothing can be judged");
                return state(CalibrationState::GoodRefused, message);
            }
            _ => {
                let message =
                    format!("the good request was not answered: {}; so nothing can be judged", first.cause);
                return state(CalibrationState::NotAnswering, message);
            }
        }
        if self.is_open("no-credential") {
            let message = "a request without any credential was let in: the server lets everybody in".into();
            return state(CalibrationState::LetsEverybodyIn, message);
        }
        state(CalibrationState::Ready, remark)
    }

    /// The good request once more, after so many results.
    pub(super) fn barrier(&self, after: usize) -> Barrier {
        let Some(good) = self.exchange_good(after) else { return Barrier::Held };
        if good.outcome == Outcome::Inconclusive && good.steps.iter().all(|s| s.status.is_none()) {
            return Barrier::Stopped(good.cause);
        }
        if !let_in(&good) {
            return Barrier::Refused(good.cause);
        }
        if self.is_open(&format!("no-credential-after-{after}")) { Barrier::Open } else { Barrier::Held }
    }

    fn exchange_good(&self, after: usize) -> Option<VectorResult> {
        let plot = self.named(&format!("good-after-{after}"))?;
        let ask = || steadily(&plot, &self.live, self.subjects, self.redactor);
        let good = ask();
        let Some(logins) = self.subjects.logins().filter(|_| !let_in(&good)) else { return Some(good) };
        // The token may have been ended by what was sent since.
        logins.forget();
        Some(ask())
    }

    /// Whether the good request is let in without its credential.
    fn is_open(&self, name: &str) -> bool {
        let Some(mut plot) = self.named(name) else { return false };
        let edits = no_credential(&plot.variant);
        plot.steps = vec![Step { edits, ..Step::new(Action::Call, Expect::Any) }];
        plot.level = Level::May;
        let without = one(&plot, &self.live, self.subjects, self.redactor);
        without.steps.first().and_then(|s| s.observed.as_deref()) == Some("accept")
    }
}

/// The good request of the usual caller, as a plot.
fn good<'a>(selection: &Selection<'a>, subjects: &dyn Subjects) -> Option<&'a Plot> {
    let is_control = |p: &&Plot| is_control(p) && p.steps.len() == 1;
    let plain =
        |p: &&Plot| p.steps.iter().all(|s| s.edits.is_empty()) && p.role == "primary" && p.choose.is_empty();
    let plots = || selection.plots.iter().filter(is_control).filter(plain);
    let ordinary = |p: &&Plot| p.variant.description.operation(&p.endpoint).is_none();
    let offered = |p: &&Plot| lacking(p, subjects).is_none();
    plots().filter(ordinary).find(offered)
}
