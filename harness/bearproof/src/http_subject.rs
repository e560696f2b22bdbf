//! A target over HTTP or HTTPS as a subject. It must not judge, and it sends what it is given.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bearproof_conform::login::Logins;
use bearproof_conform::plot::Plot;
use bearproof_conform::results::Via;
use bearproof_conform::run::{Subjects, changes_state};
use bearproof_conform::subject::{Observation, Subject, SubjectError};
use bearproof_scheme::request::Message;
use bearproof_scheme::time::parse_rfc3339;
use bearproof_scheme::world::{Hook, Hooks};

use crate::clock::{Stopwatch, system_now, wait_for_start};
use crate::hooks;
use crate::marked::Marked;
use crate::pace::Pace;
use crate::progress::Progress;
use crate::wire::{ExchangeError, Lanes, Origin, Response};

/// A live target.
pub(crate) struct Http {
    pub(crate) lanes: Lanes,
    pub(crate) origin: Origin,
    /// The same API over plain HTTP, where there is one.
    pub(crate) plain: Option<Origin>,
    /// Whether what ends with a second is sent at its start.
    pub(crate) waits: bool,
    /// What else than asking can be done, where something can.
    pub(crate) hooks: Hooks,
    /// Seconds by which the target's clock was moved.
    pub(crate) ahead: AtomicI64,
    /// What its answers told and its hooks did not do.
    pub(crate) learnt: Learnt,
    /// How fast and how much is asked.
    pub(crate) pace: Pace,
    /// Who is told how it goes, if somebody is.
    pub(crate) progress: Option<Progress>,
}

/// What a target showed of itself beside its verdicts.
#[derive(Default)]
pub(crate) struct Learnt {
    /// Seconds by which the `Date` of the last answer was ahead of our clock.
    pub(crate) date: AtomicI64,
    /// Whether any answer had one.
    dated: AtomicBool,
    /// Seconds by which its clock is ahead by itself.
    clock: AtomicI64,
    /// Why it could not be put back as it was.
    not_forgotten: Mutex<Option<String>>,
}

impl Learnt {
    /// Whether an answer told the server's time.
    pub(crate) fn seen_date(&self) -> bool {
        self.dated.load(Ordering::Relaxed)
    }
}

/// Clocks that differ by no more than this are one, in seconds.
const SAME_TIME: i64 = 30;

/// The longest `Retry-After` that is obeyed, in seconds, and how often; a longer one is told.
const LONGEST_WAIT: u64 = 5;
const MOST_WAITS: u32 = 3;

impl Http {
    /// Why the target could not be put back as it was, if so.
    pub(crate) fn not_forgotten(&self) -> Option<String> {
        self.learnt.not_forgotten.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn exchange(&self, origin: &Origin, bytes: &[u8], head: bool) -> Result<Response, SubjectError> {
        self.pace.turn()?;
        let watch = Stopwatch::start();
        let result = self.lanes.run(async |client| client.exchange(origin, bytes, head).await);
        if let Some(progress) = &self.progress {
            progress.exchanged(watch.elapsed());
        }
        if let Ok(response) = &result {
            self.pace.answered(response.status, field(response, "retry-after"));
        }
        result.map_err(|error| match &error {
            ExchangeError::NotAllowed { .. } => SubjectError::Unreachable(error.to_string()),
            ExchangeError::Reset { partial: false } => SubjectError::Closed,
            _ if error.is_unreachable() => SubjectError::Unreachable(error.to_string()),
            _ if error.is_timeout() => SubjectError::Hang(error.to_string()),
            _ => SubjectError::Broken(error.to_string()),
        })
    }

    /// Does what a hook says, with a value in its place.
    fn hook(&self, hook: Option<&Hook>, value: (&str, &str)) -> Result<(), SubjectError> {
        let hook = hook.ok_or_else(|| SubjectError::Unsupported("the target has no such hook".into()))?;
        match hooks::filled(hook, value) {
            Hook::Command(words) => hooks::command(&words).map_err(SubjectError::Broken),
            Hook::Request { method, url } => {
                let (origin, request) = hooks::request(&method, &url).map_err(SubjectError::Broken)?;
                match self.exchange(&origin, &request, false)?.status {
                    200..=299 => Ok(()),
                    status => {
                        Err(SubjectError::Broken(format!("the hook `{method} {url}` answered {status}")))
                    }
                }
            }
        }
    }

    /// Puts the target back as it was at the start, where it has hooks.
    fn forget(&self) {
        let Some(hook) = &self.hooks.forget else { return };
        match self.hook(Some(hook), ("", "")) {
            Ok(()) => self.ahead.store(0, Ordering::Relaxed),
            Err(error) => {
                let mut why = self.learnt.not_forgotten.lock().unwrap_or_else(PoisonError::into_inner);
                why.get_or_insert_with(|| error.words().into());
            }
        }
    }

    /// Sends a message, with more field lines after its own.
    pub(crate) fn ask<'m>(
        &self,
        message: &Message,
        more: impl IntoIterator<Item = (&'m str, &'m [u8])>,
    ) -> Result<Observation, SubjectError> {
        let origin = if message.secure {
            &self.origin
        } else {
            self.plain
                .as_ref()
                .ok_or_else(|| SubjectError::Unsupported("the target has no plain HTTP".into()))?
        };
        let (request, head) = (message.wire_with(more), message.method == "HEAD");
        let mut response = self.exchange(origin, &request, head)?;
        for _ in 0..MOST_WAITS {
            let Some(seconds) = asked_to_wait(&response) else { break };
            std::thread::sleep(Duration::from_secs(seconds));
            response = self.exchange(origin, &request, head)?;
        }
        if let Some(date) = field(&response, "date").and_then(parse_http_date) {
            let ahead = i64::try_from(date).unwrap_or(i64::MAX).saturating_sub_unsigned(system_now());
            self.learnt.date.store(ahead, Ordering::Relaxed);
            self.learnt.dated.store(true, Ordering::Relaxed);
        }
        Ok(Observation {
            status: response.status,
            fields: response.fields,
            body: response.body,
            reason: None,
        })
    }
}

impl Subject for Http {
    fn send(&self, message: &Message, _: usize) -> Result<Observation, SubjectError> {
        self.ask(message, [])
    }

    fn revoke(&self, role: &str) -> Result<(), SubjectError> {
        self.hook(self.hooks.revoke.as_ref(), ("{role}", role))
    }

    fn wait(&self, seconds: u64) -> Result<(), SubjectError> {
        self.hook(self.hooks.clock.as_ref(), ("{seconds}", &seconds.to_string()))?;
        self.ahead.fetch_add(i64::try_from(seconds).unwrap_or(i64::MAX), Ordering::Relaxed);
        Ok(())
    }

    fn now(&self) -> u64 {
        let moved = self.ahead.load(Ordering::Relaxed);
        system_now().saturating_add_signed(moved.saturating_add(self.learnt.clock.load(Ordering::Relaxed)))
    }

    fn now_at_start(&self) -> u64 {
        if self.waits {
            wait_for_start();
        }
        self.now()
    }
}

/// The seconds that a 429 asks to wait (RFC 9110 section 10.2.3), if they are few.
fn asked_to_wait(response: &Response) -> Option<u64> {
    let after = field(response, "retry-after").filter(|_| response.status == 429)?;
    after.parse().ok().filter(|seconds| *seconds <= LONGEST_WAIT)
}

fn field<'r>(response: &'r Response, name: &str) -> Option<&'r str> {
    let found = response.fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
    found.and_then(|(_, value)| std::str::from_utf8(value).ok())
}

/// An IMF-fixdate (RFC 9110 section 5.6.7) in seconds since 1970 UTC.
fn parse_http_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split(' ').skip(1);
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    parse_rfc3339(&format!("{year}-{month:02}-{day}T{time}Z"))
}

/// The ways to reach one scheme, one for each set of choices.
pub(crate) struct HttpSubjects<'a> {
    /// The choices that differ from the world's, and the target that took them.
    pub(crate) targets: Vec<(Vec<(String, String)>, &'a Http)>,
    pub(crate) via: Via,
    pub(crate) lacks: &'a (dyn Fn(&str) -> Option<String> + Sync),
    pub(crate) concurrency: usize,
    /// Where the profile has no key to make tokens with.
    pub(crate) logins: Option<Logins>,
    /// When what a profile has captured ends, where that is known, in seconds since 1970 UTC.
    pub(crate) ends: Option<u64>,
    /// Id of the run, which each request carries.
    pub(crate) run: &'a str,
    /// A field that carries run and vector, where the profile names one.
    pub(crate) tag: Option<&'a str>,
}

impl Subjects for HttpSubjects<'_> {
    fn with(&self, plot: &Plot, with: &mut dyn FnMut(&dyn Subject)) {
        if let Some((_, http)) = self.targets.iter().find(|(choose, _)| *choose == plot.choose) {
            with(&Marked::new(http, self.run, &plot.id, self.tag));
            if changes_state(plot) {
                http.forget();
            }
        }
    }

    fn via(&self) -> Via {
        self.via
    }

    fn lacks(&self, need: &str) -> Option<String> {
        (self.lacks)(need)
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    fn logins(&self) -> Option<&Logins> {
        self.logins.as_ref()
    }

    fn seconds_left(&self) -> Option<i64> {
        let (ends, (_, http)) = (self.ends?, self.targets.first()?);
        let now = i64::try_from(http.now()).unwrap_or(i64::MAX);
        Some(i64::try_from(ends).unwrap_or(i64::MAX).saturating_sub(now))
    }

    fn learn_clock(&self) -> Option<i64> {
        let (_, http) = self.targets.first()?;
        let ahead = http.learnt.date.load(Ordering::Relaxed);
        if ahead.abs() <= SAME_TIME {
            return None;
        }
        http.learnt.clock.store(ahead, Ordering::Relaxed);
        Some(ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_http_date_is_read() {
        assert_eq!(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), None);
        assert_eq!(parse_http_date("Sun, 06 Nov 1994"), None);
    }
}
