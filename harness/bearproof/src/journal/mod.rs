//! The journal of a run: a file of JSON lines to which each result is appended as soon as there is one, so that nothing
//! that was judged is lost, however the run ends. It must not judge.

mod read;
mod write;

use bearproof_conform::judgement::{Barrier, Planned};
use bearproof_conform::results::{Calibration, Run, Suite, Target, VectorResult};
use serde::{Deserialize, Serialize};

pub(crate) use read::{Read, assembled, read};
pub(crate) use write::{Journal, Record};

/// The name of the file beside the reports.
pub(crate) const NAME: &str = "journal.jsonl";

/// The format of the file; another number means another shape.
const FORMAT: u32 = 1;

/// A line, in the order in which lines come. From `Target` to `Done` all belong to one target.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Line {
    /// The first line; what is known of a run when it starts.
    Journal { format: u32, suite: Suite, run: Run },
    /// What is to be judged.
    Target { target: Target, plan: Vec<Planned> },
    /// What calibration found.
    Calibrated(Calibration),
    /// As it was answered: before a barrier, its control and the known deviations have their say.
    Vector(VectorResult),
    /// What the good request showed after the vectors before.
    Barrier(Barrier),
    /// The target with all that was found of it.
    Done(Target),
    /// The last line: the run came to its end, if only because it was interrupted.
    End(Run),
}

/// Whether this is the text of a journal, and not of results.
pub(crate) fn is_journal(text: &str) -> bool {
    text.starts_with("{\"journal\":")
}
