//! Reads a journal into results by the same judgement as the run's. It must not believe more than the journal shows.

use bearproof_conform::deviation::Deviations;
use bearproof_conform::judgement::{Judgement, Planned};
use bearproof_conform::results::{Results, Run, Suite, Target, VectorResult};
use bearproof_conform::run::INTERRUPTED;
use bearproof_scheme::time::parse_rfc3339;

use super::{FORMAT, Line};

/// The cause of what a run did not ask that was ended from outside.
const KILLED: &str = "the run ended before it was asked";

/// Results of a journal, and what a reader should know of the file.
pub(crate) struct Read {
    pub(crate) results: Results,
    pub(crate) note: Option<String>,
}

/// Reads the text of a journal.
///
/// # Errors
/// In words, with file and line, if a line other than the last is wrong.
pub(crate) fn read(name: &str, text: &str) -> Result<Read, String> {
    let (whole, cut) = text.rsplit_once('\n').unwrap_or(("", text));
    let mut lines = whole.lines().enumerate().map(|(number, line)| {
        serde_json::from_str::<Line>(line)
            .map(|line| (number.saturating_add(1), line))
            .map_err(|e| format!("{name}:{}: not a line of a journal: {e}", number.saturating_add(1)))
    });
    let Some(Line::Journal { format: FORMAT, suite, run }) = lines.next().transpose()?.map(|(_, line)| line)
    else {
        return Err(format!(
            "{name}: not a journal\n  help: a journal of this version begins with a whole line `{{\"journal\":{{\"format\":{FORMAT},…`"
        ));
    };
    let mut reader = Reader { suite, run, of: Vec::new(), ended: false };
    for line in lines {
        let (number, line) = line?;
        let taken = reader.take(line);
        taken.map_err(|what| format!("{name}:{number}: {what} stands where it can't be"))?;
    }
    let note = (!cut.is_empty()).then(|| {
        let (number, length) = (whole.lines().count().saturating_add(1), cut.len());
        format!("{name}:{number}: the last line is cut: its {length} bytes are left out")
    });
    Ok(Read { results: reader.end().map_err(|e| format!("{name}: {e}"))?, note })
}

struct Reader {
    suite: Suite,
    run: Run,
    of: Vec<OfTarget>,
    ended: bool,
}

struct OfTarget {
    target: Target,
    state: State,
    /// Whether all is known of it.
    done: bool,
}

enum State {
    Planned(Vec<Planned>),
    Asked(Judgement),
}

impl Reader {
    fn take(&mut self, line: Line) -> Result<(), &'static str> {
        if self.ended {
            return Err("a line after the end");
        }
        let last = self.of.last_mut();
        match (line, last) {
            (Line::Target { target, plan }, _) => {
                self.of.push(OfTarget { target, state: State::Planned(plan), done: false });
            }
            (Line::Calibrated(calibration), Some(OfTarget { state, .. })) => {
                let State::Planned(plan) = state else { return Err("a second calibration") };
                *state = State::Asked(Judgement::new(calibration, std::mem::take(plan)));
            }
            (Line::Vector(result), Some(OfTarget { state: State::Asked(judgement), .. })) => {
                judgement.judged(result);
            }
            (Line::Barrier(barrier), Some(OfTarget { state: State::Asked(judgement), .. })) => {
                judgement.barrier(&barrier);
            }
            (Line::Done(target), Some(last)) => (last.target, last.done) = (target, true),
            (Line::End(run), _) => (self.run, self.ended) = (run, true),
            (Line::Journal { .. }, _) => return Err("a second beginning"),
            (Line::Calibrated(_) | Line::Vector(_) | Line::Barrier(_) | Line::Done(_), _) => {
                return Err("what belongs to a target");
            }
        }
        Ok(())
    }

    fn end(self) -> Result<Results, String> {
        let why = if self.ended { INTERRUPTED } else { KILLED };
        let now = parse_rfc3339(&self.run.started);
        let now = now.ok_or_else(|| format!("`{}` is no time", self.run.started))?;
        let (mut targets, mut vectors) = (Vec::new(), Vec::new());
        for OfTarget { mut target, state, done } in self.of {
            let judgement = match state {
                State::Asked(judgement) => judgement,
                State::Planned(plan) => Judgement::new(target.calibration.clone(), plan),
            };
            let (calibration, mut results) = judgement.end(why);
            // Of a target that is done more is known than the judgement says.
            if !done {
                target.calibration = calibration;
            }
            Deviations::of_entries(&target.known)?.apply(&mut results, now);
            targets.push(target);
            vectors.extend(results);
        }
        Ok(assembled(self.suite, targets, vectors, self.run))
    }
}

/// Results in the order in which a results file has them.
pub(crate) fn assembled(
    suite: Suite,
    targets: Vec<Target>,
    mut vectors: Vec<VectorResult>,
    run: Run,
) -> Results {
    vectors.sort_by(|a, b| a.id.cmp(&b.id).then(a.via.cmp(&b.via)));
    Results { format: bearproof_conform::results::FORMAT, suite, targets, vectors, run: Some(run) }
}
