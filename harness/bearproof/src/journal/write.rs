//! Appends to a journal. A line is written in one piece and is in the file before the next vector is asked for.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bearproof_conform::judgement::{Barrier, Planned};
use bearproof_conform::record::Recorder;
use bearproof_conform::results::{Calibration, Run, Suite, Target, VectorResult};

use super::{FORMAT, Line};

/// A journal that is being written.
pub(crate) struct Journal {
    name: String,
    state: Mutex<State>,
    interrupted: Arc<AtomicBool>,
}

struct State {
    file: std::fs::File,
    /// Why nothing can be written any more.
    failure: Option<String>,
}

impl Journal {
    /// Begins the journal of a run in a new file.
    ///
    /// # Errors
    /// In words, with the file's name, if it can't be written.
    pub(crate) fn begin(
        path: &Path,
        suite: Suite,
        run: Run,
        interrupted: Arc<AtomicBool>,
    ) -> Result<Self, String> {
        let file = std::fs::File::create(path);
        let name = path.display().to_string();
        let file = file.map_err(|e| format!("{name}: can't be written: {e}"))?;
        let journal = Self { name, state: Mutex::new(State { file, failure: None }), interrupted };
        journal.append(&Line::Journal { format: FORMAT, suite, run });
        journal.check().map(|()| journal)
    }

    /// Whether everything was written so far.
    ///
    /// # Errors
    /// In words, with the file's name, if it was not.
    pub(crate) fn check(&self) -> Result<(), String> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failure.clone().map_or(Ok(()), Err)
    }

    /// Whether the user wants the run to end.
    pub(crate) fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// A target is judged, with all that belongs to it.
    pub(crate) fn done(&self, target: &Target) {
        self.append(&Line::Done(target.clone()));
    }

    /// The run is over.
    pub(crate) fn end(&self, run: &Run) {
        self.append(&Line::End(run.clone()));
    }

    fn append(&self, line: &Line) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // After a line that is cut there must be no other.
        if state.failure.is_some() {
            return;
        }
        let written = serde_json::to_vec(line).map_err(std::io::Error::from).and_then(|mut bytes| {
            bytes.push(b'\n');
            state.file.write_all(&bytes)
        });
        if let Err(error) = written {
            state.failure = Some(format!(
                "{}: can't be written: {error}\n  help: what was judged before is in it: make room, then `bearproof report` shows it",
                self.name
            ));
        }
    }
}

/// What a run tells of one target.
pub(crate) struct Record<'a> {
    pub(crate) journal: &'a Journal,
    /// The target as it is known before anything is asked.
    pub(crate) target: Target,
    /// Adds to a result what it has in the reports.
    pub(crate) finish: &'a (dyn Fn(&mut VectorResult) + Sync),
}

impl Recorder for Record<'_> {
    fn planned(&self, plan: &[Planned]) {
        self.journal.append(&Line::Target { target: self.target.clone(), plan: plan.to_vec() });
    }

    fn calibrated(&self, calibration: &Calibration) {
        self.journal.append(&Line::Calibrated(calibration.clone()));
    }

    fn judged(&self, result: &VectorResult) {
        let mut result = result.clone();
        (self.finish)(&mut result);
        self.journal.append(&Line::Vector(result));
    }

    fn barrier(&self, barrier: &Barrier) {
        self.journal.append(&Line::Barrier(barrier.clone()));
    }

    fn stopped(&self) -> bool {
        self.journal.interrupted() || self.journal.check().is_err()
    }
}
