//! The one place that asks the system's clocks. Everything else is told the time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Seconds since 1970 UTC.
pub(crate) fn system_now() -> u64 {
    since_1970().as_secs()
}

/// A system that thinks it is before 1970 is taken to be at its first second: every token is then from the future, and
/// `doctor` tells how far the target's clock is ahead.
#[expect(clippy::disallowed_methods, reason = "the live binding's clock is the system's, read here alone")]
fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO)
}

/// So much of a second may be over when a request that ends with it is made.
const START: Duration = Duration::from_millis(100);

/// Waits for the start of a second, unless it has just begun.
pub(crate) fn wait_for_start() {
    let over = Duration::from_nanos(since_1970().subsec_nanos().into());
    if over > START {
        std::thread::sleep(Duration::from_secs(1).saturating_sub(over));
    }
}

/// Measures how long something takes.
#[derive(Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts.
    #[expect(clippy::disallowed_methods, reason = "durations in results are measured, read here alone")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// Microseconds since the start.
    pub(crate) fn microseconds(self) -> u64 {
        u64::try_from(self.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Milliseconds since the start.
    pub(crate) fn milliseconds(self) -> u64 {
        u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
