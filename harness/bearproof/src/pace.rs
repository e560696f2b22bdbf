//! How fast and how much a target is asked, and when nothing more is asked of it. It must not know what is asked.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bearproof_conform::subject::SubjectError;
use clap::Args;

use crate::clock::Stopwatch;

/// What the user says of pace.
#[derive(Args, Clone, Debug)]
pub(crate) struct Pacing {
    /// Send at most so many requests a second.
    #[arg(long, value_name = "R", value_parser = rate)]
    pub(crate) rate: Option<f64>,
    /// Send at most so many requests in all; what is left then is inconclusive.
    #[arg(long, value_name = "N")]
    pub(crate) max_requests: Option<u64>,
    /// Send at most so many requests at once.
    #[arg(long, value_name = "N", default_value_t = CONCURRENCY)]
    pub(crate) concurrency: NonZeroUsize,
}

impl Default for Pacing {
    fn default() -> Self {
        Self { rate: None, max_requests: None, concurrency: CONCURRENCY }
    }
}

/// Requests that are sent at once unless the user says otherwise.
const CONCURRENCY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(7);

/// Requests a second, as users write it.
pub(crate) fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok().filter(|rate| (0.001..=1_000_000.0).contains(rate));
    rate.ok_or_else(|| "write requests a second, such as 20 or 0.5".into())
}

/// So many answers in a row that say "too much" or "broken" end a run: a server in trouble is left alone.
const TROUBLE: u32 = 25;

/// The pace of one target.
#[derive(Default)]
pub(crate) struct Pace {
    rate: Option<f64>,
    most: Option<u64>,
    sent: AtomicU64,
    /// Answers in a row that were 429 or 5xx.
    trouble: AtomicU32,
    /// What the last of them said.
    last: Mutex<String>,
    started: Mutex<Option<Stopwatch>>,
}

impl Pace {
    pub(crate) fn new(pacing: &Pacing) -> Self {
        Self { rate: pacing.rate, most: pacing.max_requests, ..Self::default() }
    }

    /// Requests sent so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Waits for the turn of a request.
    ///
    /// # Errors
    /// Why nothing more is sent.
    pub(crate) fn turn(&self) -> Result<(), SubjectError> {
        if self.trouble.load(Ordering::Relaxed) >= TROUBLE {
            let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            let why = format!("{TROUBLE} answers in a row were 429 or 5xx, the last {last}");
            return Err(SubjectError::Broken(format!("the run was stopped: {why}")));
        }
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        if let Some(most) = self.most.filter(|most| number >= *most) {
            self.sent.fetch_sub(1, Ordering::Relaxed);
            return Err(SubjectError::Stopped(format!("the limit of {most} requests was reached")));
        }
        if let Some(rate) = self.rate {
            std::thread::sleep(self.until(number, rate));
        }
        Ok(())
    }

    /// How long the request with this number, counted from 0, has to wait.
    fn until(&self, number: u64, rate: f64) -> Duration {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = started.get_or_insert_with(Stopwatch::start).elapsed();
        #[expect(clippy::cast_precision_loss, reason = "2^53 requests are never sent")]
        let due = Duration::try_from_secs_f64(number as f64 / rate).unwrap_or(Duration::MAX);
        due.saturating_sub(elapsed)
    }

    /// Takes note of an answer, and of the time that it asks to wait (RFC 9110 section 10.2.3).
    pub(crate) fn answered(&self, status: u16, retry_after: Option<&str>) {
        if status == 429 || status >= 500 {
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = match retry_after {
                Some(wait) => format!("{status} with `Retry-After: {wait}`"),
                None => status.to_string(),
            };
            self.trouble.fetch_add(1, Ordering::Relaxed);
        } else {
            self.trouble.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(rate: Option<f64>, most: Option<u64>) -> Pace {
        Pace { rate, most, ..Pace::default() }
    }

    #[test]
    fn the_limit_holds_and_is_named() {
        let pace = pace(None, Some(2));
        assert!(pace.turn().is_ok() && pace.turn().is_ok());
        let Err(SubjectError::Stopped(why)) = pace.turn() else { panic!("expected a stop") };
        assert_eq!((why.as_str(), pace.sent()), ("the limit of 2 requests was reached", 2));
    }

    #[test]
    fn each_request_has_its_time() {
        let pace = pace(Some(10.0), None);
        // The first call starts the clock, so that what has passed since is next to nothing.
        pace.until(0, 10.0);
        let wait = pace.until(20, 10.0);
        assert!(wait > Duration::from_millis(1_500) && wait <= Duration::from_secs(2), "{wait:?}");
    }

    #[test]
    fn a_server_in_trouble_is_left_alone_and_one_that_recovers_is_not() {
        let pace = Pace::default();
        for status in [429, 503].into_iter().cycle().take(24) {
            pace.answered(status, None);
        }
        assert!(pace.turn().is_ok());
        pace.answered(200, None);
        for _ in 0..24 {
            pace.answered(500, None);
        }
        assert!(pace.turn().is_ok());
        pace.answered(429, Some("600"));
        let Err(SubjectError::Broken(why)) = pace.turn() else { panic!("expected a stop") };
        let words = "25 answers in a row were 429 or 5xx, the last 429 with `Retry-After: 600`";
        assert_eq!(why, format!("the run was stopped: {words}"));
    }

    #[test]
    fn a_rate_is_a_number_above_zero() {
        assert_eq!(rate("0.5"), Ok(0.5));
        for bad in ["0", "-1", "NaN", "inf", "fast"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }
}
