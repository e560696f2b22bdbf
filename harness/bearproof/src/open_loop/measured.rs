//! What a load run measured: latencies from the moment a request was due, so that a server which stalls does not hide
//! what it kept waiting (coordinated omission). It must not write for people.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::Ended;

/// Times in microseconds, three digits exact, up to an hour.
type Times = Histogram<u64>;

const LONGEST: u64 = 3_600_000_000;

/// What was measured so far.
pub(crate) struct Measured {
    /// From due to answered, of signed requests.
    signed: Times,
    /// From due to answered, of those that need no credential.
    open: Times,
    /// From due to handed to the network, of all: what this program itself added.
    late: Times,
    signing: Duration,
    signatures: u32,
    sent: u64,
    let_in: u64,
    others: BTreeMap<String, u64>,
    open_answers: BTreeMap<String, u64>,
    /// From the start to the last request.
    until: Duration,
}

/// A latency distribution, in microseconds.
#[derive(Serialize, Debug, Clone, PartialEq, Eq)]
pub(crate) struct Distribution {
    pub(crate) count: u64,
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    pub(crate) p999: u64,
    pub(crate) max: u64,
}

/// What a load run has shown.
#[derive(Serialize, Debug)]
pub(crate) struct Outcome {
    pub(crate) sent: u64,
    pub(crate) let_in: u64,
    /// Signed requests that were not let in, by class: `status 401`, `no answer in time`.
    pub(crate) others: BTreeMap<String, u64>,
    /// Seconds until the last request was sent.
    pub(crate) seconds: f64,
    /// Requests a second that were sent.
    pub(crate) rate: f64,
    pub(crate) signed_us: Option<Distribution>,
    pub(crate) open_us: Option<Distribution>,
    /// What the open requests were answered, by status or class.
    pub(crate) open: BTreeMap<String, u64>,
    pub(crate) late_us: Option<Distribution>,
    /// Mean time to sign one request, in microseconds.
    pub(crate) signing_us: f64,
}

impl Measured {
    /// Nothing yet.
    ///
    /// # Errors
    /// What the library says of [`LONGEST`] and of three digits, which it takes.
    pub(crate) fn new() -> Result<Self, String> {
        let times = Times::new_with_bounds(1, LONGEST, 3).map_err(|e| e.to_string())?;
        Ok(Self {
            signed: times.clone(),
            open: times.clone(),
            late: times,
            signing: Duration::ZERO,
            signatures: 0,
            sent: 0,
            let_in: 0,
            others: BTreeMap::new(),
            open_answers: BTreeMap::new(),
            until: Duration::ZERO,
        })
    }

    /// A request was signed.
    pub(crate) fn signed_in(&mut self, took: Duration) {
        self.signing += took;
        self.signatures += 1;
    }

    /// A request was handed over, so long after it was due.
    pub(crate) fn sent(&mut self, due: Duration, late: Duration) {
        self.sent += 1;
        self.until = self.until.max(due + late);
        record(&mut self.late, late);
    }

    /// An exchange ended, so long after its request was due.
    pub(crate) fn ended(&mut self, open: bool, ended: &Ended, took: Duration) {
        record(if open { &mut self.open } else { &mut self.signed }, took);
        let class = match ended {
            Ended::LetIn => {
                self.let_in += 1;
                return;
            }
            Ended::Answered(status) => format!("status {status}"),
            Ended::Broken(class) => (*class).into(),
        };
        let all = if open { &mut self.open_answers } else { &mut self.others };
        *all.entry(class).or_default() += 1;
    }

    /// What all of it has shown.
    pub(crate) fn outcome(&self) -> Outcome {
        let seconds = self.until.as_secs_f64();
        // Between so many requests there is one gap less.
        #[expect(clippy::cast_precision_loss, reason = "2^53 requests are never sent")]
        let gaps = self.sent.saturating_sub(1) as f64;
        Outcome {
            sent: self.sent,
            let_in: self.let_in,
            others: self.others.clone(),
            seconds,
            rate: if seconds > 0.0 { gaps / seconds } else { 0.0 },
            signed_us: distribution(&self.signed),
            open_us: distribution(&self.open),
            open: self.open_answers.clone(),
            late_us: distribution(&self.late),
            signing_us: self.signing.as_secs_f64() * 1e6 / f64::from(self.signatures.max(1)),
        }
    }
}

fn record(times: &mut Times, took: Duration) {
    times.saturating_record(u64::try_from(took.as_micros()).unwrap_or(LONGEST).max(1));
}

/// `None` where nothing was measured.
fn distribution(times: &Times) -> Option<Distribution> {
    (!times.is_empty()).then(|| Distribution {
        count: times.len(),
        p50: times.value_at_quantile(0.5),
        p90: times.value_at_quantile(0.9),
        p99: times.value_at_quantile(0.99),
        p999: times.value_at_quantile(0.999),
        max: times.max(),
    })
}
