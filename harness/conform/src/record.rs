//! Who is told what a run sees while it goes on, so that nothing of it is lost. It must not change what is judged.

use crate::judgement::{Barrier, Planned};
use crate::results::{Calibration, VectorResult};

/// Keeps nothing, where no run is.
pub struct Nobody;

impl Recorder for Nobody {
    fn planned(&self, _: &[Planned]) {}
    fn calibrated(&self, _: &Calibration) {}
    fn judged(&self, _: &VectorResult) {}
    fn barrier(&self, _: &Barrier) {}
    fn stopped(&self) -> bool {
        false
    }
}

/// Keeps what a run sees, in the order in which it comes.
pub trait Recorder: Sync {
    /// These are to be judged.
    fn planned(&self, plan: &[Planned]);
    /// What calibration found.
    fn calibrated(&self, calibration: &Calibration);
    /// A vector was answered. A barrier may still make its result void, and so may its control.
    fn judged(&self, result: &VectorResult);
    /// What the good request showed after all results before.
    fn barrier(&self, barrier: &Barrier);
    /// Whether nothing more is to be asked: somebody interrupted the run, or nothing can be kept any more.
    fn stopped(&self) -> bool;
}
