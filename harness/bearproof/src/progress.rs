//! Says how a run on a target goes: how many requests there will be, how long that may take, how far it is. It must not
//! decide anything.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Stopwatch;

/// Lines are at least this far apart.
const EVERY: Duration = Duration::from_secs(5);

/// The progress of one run, told on the standard error.
pub(crate) struct Progress {
    expected: u64,
    /// Requests that are on their way at once.
    width: u64,
    rate: Option<f64>,
    done: AtomicU64,
    started: Stopwatch,
    told: Mutex<Duration>,
}

impl Progress {
    /// `expected`: requests that will be sent if no vector fails; `width`: how many at once.
    pub(crate) fn new(expected: u64, width: u64, rate: Option<f64>) -> Self {
        let (done, told) = (AtomicU64::new(0), Mutex::new(Duration::ZERO));
        Self { expected, width: width.max(1), rate, done, started: Stopwatch::start(), told }
    }

    /// An exchange ended after `took`. The first one tells what is to come.
    pub(crate) fn exchanged(&self, took: Duration) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if done == 1 {
            self.say(&self.estimate(took), false);
            return;
        }
        let elapsed = self.started.elapsed();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if elapsed.saturating_sub(*told) < EVERY {
            return;
        }
        *told = elapsed;
        let left = Duration::try_from_secs_f64(
            elapsed.as_secs_f64() / as_f64(done) * as_f64(self.expected.saturating_sub(done)),
        );
        let left = words(left.unwrap_or(Duration::MAX));
        self.say(&format!("{done} of about {} requests, about {left} left", self.expected), true);
    }

    /// The line before the start.
    fn estimate(&self, took: Duration) -> String {
        let by_answers = took.as_secs_f64() * as_f64(self.expected) / as_f64(self.width);
        let by_rate = self.rate.map_or(0.0, |rate| as_f64(self.expected) / rate);
        let whole = Duration::try_from_secs_f64(by_answers.max(by_rate)).unwrap_or(Duration::MAX);
        let answer = took.as_millis();
        format!(
            "about {} requests, {} at once; the first was answered in {answer} ms: about {}",
            self.expected,
            self.width,
            words(whole)
        )
    }

    /// A line of its own where it is kept, one that is written over on a terminal.
    fn say(&self, line: &str, fleeting: bool) {
        let mut out = std::io::stderr().lock();
        // Nobody to tell is no reason to stop.
        let _ = if fleeting && out.is_terminal() {
            write!(out, "\r{line}\u{1b}[K\r").and_then(|()| out.flush())
        } else {
            writeln!(out, "{line}")
        };
    }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate, and 2^53 requests are never sent")]
fn as_f64(count: u64) -> f64 {
    count as f64
}

/// `under 1 s`, `45 s`, `12 min`, `3 h`.
pub(crate) fn words(time: Duration) -> String {
    match time.as_secs() {
        0 => "under 1 s".into(),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_goes_by_the_first_answer_or_by_the_rate() {
        let fast = Progress::new(800, 8, None);
        let line = "about 800 requests, 8 at once; the first was answered in 50 ms: about 5 s";
        assert_eq!(fast.estimate(Duration::from_millis(50)), line);
        let polite = Progress::new(800, 8, Some(2.0));
        assert!(polite.estimate(Duration::from_millis(50)).ends_with(": about 6 min"));
    }
}
