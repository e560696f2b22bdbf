//! Freshly signed requests at a steady rate, whatever the answers take (an open loop), and what became of them. It must
//! not write for people.

pub(crate) mod fresh;
pub(crate) mod measured;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bearproof_conform::judge::let_in;
use bearproof_conform::subject::Observation;
use bearproof_scheme::world::Success;
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, mpsc};

use crate::clock::Stopwatch;
use crate::progress::Progress;
use crate::wire::{Client, ExchangeError, Origin, Response};
use fresh::Source;
use measured::{Measured, Outcome};

/// Of so many requests the last asks what needs no credential, where there is such a thing.
const OPEN_EVERY: u64 = 10;

/// A request is signed so long before it is due: long enough to be ready, short enough to be fresh.
const AHEAD: Duration = Duration::from_millis(50);

/// Whoever interrupts waits no longer than this.
const NAP: Duration = Duration::from_millis(100);

/// What is sent, where and how fast.
pub(crate) struct Load<'a> {
    pub(crate) client: Client,
    pub(crate) origin: Origin,
    /// Requests a second.
    pub(crate) rate: f64,
    /// For so long.
    pub(crate) time: Duration,
    /// Requests on their way at once; a request that is due waits for one of these to end, and its time runs.
    pub(crate) connections: usize,
    /// Bytes of a request for what needs no credential.
    pub(crate) open: Option<Vec<u8>>,
    /// Whether the signed request is HEAD.
    pub(crate) head: bool,
    /// What a success looks like.
    pub(crate) success: &'a Success,
    /// Becomes true when nothing more is to be sent.
    pub(crate) stop: &'a AtomicBool,
}

/// What all exchanges have in common.
struct Shared {
    client: Client,
    origin: Origin,
    head: bool,
    success: Success,
    started: Stopwatch,
    free: Semaphore,
    measured: Mutex<Measured>,
    progress: Progress,
}

impl Load<'_> {
    /// Requests in all.
    pub(crate) fn requests(&self) -> u64 {
        (1_u64 << 40).min(whole(self.rate * self.time.as_secs_f64()))
    }

    /// Sends from so many threads, each request when it is due, and waits for the answers.
    ///
    /// # Errors
    /// Why a request could not be signed.
    pub(crate) fn run(
        &self,
        runtime: &Runtime,
        source: &Source<'_>,
        threads: usize,
    ) -> Result<Outcome, String> {
        let total = self.requests();
        let width = u64::try_from(self.connections).unwrap_or(u64::MAX);
        let shared = Arc::new(Shared {
            client: self.client.clone(),
            origin: self.origin.clone(),
            head: self.head,
            success: self.success.clone(),
            started: Stopwatch::start(),
            free: Semaphore::new(self.connections),
            measured: Mutex::new(Measured::new()?),
            progress: Progress::new(total, width, Some(self.rate)),
        });
        let threads = threads.max(1);
        // Each exchange holds a sender until it ends; when none is left, all have ended.
        let (held, mut all_ended) = mpsc::channel::<()>(1);
        let dispatched: Vec<Result<(), String>> = std::thread::scope(|scope| {
            let dispatch = |first: u64| {
                let (numbers, shared, held) = ((first..total).step_by(threads), &shared, &held);
                scope.spawn(move || self.dispatch(runtime, source, first, numbers, (shared, held)))
            };
            let all: Vec<_> = (0..).take(threads).map(dispatch).collect();
            all.into_iter()
                .map(|thread| thread.join().unwrap_or_else(|_| Err("a signer broke".into())))
                .collect()
        });
        drop(held);
        runtime.block_on(all_ended.recv());
        dispatched.into_iter().collect::<Result<(), String>>()?;
        let outcome = lock(&shared.measured).outcome();
        Ok(outcome)
    }

    /// Sends the requests with these numbers. Each is signed before it is due, so that signing is not in its time.
    fn dispatch(
        &self,
        runtime: &Runtime,
        source: &Source<'_>,
        thread: u64,
        numbers: impl Iterator<Item = u64>,
        (shared, held): (&Arc<Shared>, &mpsc::Sender<()>),
    ) -> Result<(), String> {
        let mut numbers = numbers.peekable();
        while let Some(first) = numbers.peek() {
            let world = source.world(format!("load/{thread}/{first}"))?;
            let mut signer = source.signer(&world)?;
            while let Some(number) = numbers.next_if(|_| signer.is_good()) {
                let due = due(number, self.rate);
                if !self.waited(shared.started, due.saturating_sub(AHEAD)) {
                    return Ok(());
                }
                let open = self.open.clone().filter(|_| number % OPEN_EVERY == OPEN_EVERY - 1);
                let is_open = open.is_some();
                let bytes = match open {
                    Some(bytes) => bytes,
                    None => {
                        let watch = Stopwatch::start();
                        let bytes = signer.next()?.wire();
                        lock(&shared.measured).signed_in(watch.elapsed());
                        bytes
                    }
                };
                if !self.waited(shared.started, due) {
                    return Ok(());
                }
                lock(&shared.measured).sent(due, shared.started.elapsed().saturating_sub(due));
                let (shared, held) = (Arc::clone(shared), held.clone());
                runtime.spawn(async move {
                    shared.exchange(&bytes, is_open, due).await;
                    drop(held);
                });
            }
        }
        Ok(())
    }

    /// Waits for a moment after the start; whether nobody interrupted.
    fn waited(&self, started: Stopwatch, until: Duration) -> bool {
        while !self.stop.load(Ordering::Relaxed) {
            let left = until.saturating_sub(started.elapsed());
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(NAP));
        }
        false
    }
}

impl Shared {
    async fn exchange(&self, bytes: &[u8], open: bool, due: Duration) {
        // A semaphore that nobody closes gives its permit.
        let _permit = self.free.acquire().await;
        let begin = self.started.elapsed();
        let result = self.client.exchange(&self.origin, bytes, self.head && !open).await;
        let took = self.started.elapsed().saturating_sub(due);
        let ended = match result {
            Ok(response) if open => Ended::Answered(response.status),
            Ok(response) => self.judged(response),
            Err(error) => Ended::Broken(class(&error)),
        };
        lock(&self.measured).ended(open, &ended, took);
        self.progress.exchanged(self.started.elapsed().saturating_sub(begin));
    }

    fn judged(&self, response: Response) -> Ended {
        let Response { status, fields, body, .. } = response;
        let observation = Observation { status, fields, body, reason: None };
        if let_in(&self.success, &observation) { Ended::LetIn } else { Ended::Answered(status) }
    }
}

/// What became of a request.
pub(crate) enum Ended {
    /// A signed request was let in.
    LetIn,
    /// A signed request was not, or it was one that needs no credential.
    Answered(u16),
    /// No answer, for a reason of this class.
    Broken(&'static str),
}

fn class(error: &ExchangeError) -> &'static str {
    match error {
        ExchangeError::TimedOut { .. } => "no answer in time",
        ExchangeError::Reset { .. } => "connection closed",
        _ if error.is_unreachable() => "no connection",
        _ => "answer that is no HTTP/1.1",
    }
}

fn lock(measured: &Mutex<Measured>) -> MutexGuard<'_, Measured> {
    measured.lock().unwrap_or_else(PoisonError::into_inner)
}

/// When the request with this number, counted from 0, is due after the start.
fn due(number: u64, rate: f64) -> Duration {
    #[expect(clippy::cast_precision_loss, reason = "2^53 requests are never sent")]
    Duration::try_from_secs_f64(number as f64 / rate).unwrap_or(Duration::MAX)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the conversion saturates, and a rate and a time are positive"
)]
fn whole(number: f64) -> u64 {
    number.round() as u64
}
