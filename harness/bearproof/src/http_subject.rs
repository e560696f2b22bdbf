//! A target over HTTP or HTTPS as a subject. It must not judge, and it sends what it is given.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use bearproof_conform::plot::Plot;
use bearproof_conform::results::Via;
use bearproof_conform::run::{Subjects, changes_state};
use bearproof_conform::subject::{Observation, Subject, SubjectError};
use bearproof_scheme::request::Message;
use tokio::runtime::Handle;

use crate::clock::system_now;
use crate::wire::{Client, ExchangeError, Origin, Response};

/// A live target.
pub(crate) struct Http {
    pub(crate) client: Client,
    pub(crate) runtime: Handle,
    pub(crate) origin: Origin,
    /// The same API over plain HTTP, where there is one.
    pub(crate) plain: Option<Origin>,
    /// Hooks, where there are some.
    pub(crate) control: Option<Origin>,
    /// Seconds by which the target's clock was moved.
    pub(crate) ahead: AtomicI64,
    /// Requests sent.
    pub(crate) requests: AtomicU64,
}

impl Http {
    fn exchange(&self, origin: &Origin, bytes: &[u8], head: bool) -> Result<Response, SubjectError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let result = self.runtime.block_on(self.client.exchange(origin, bytes, head));
        result.map_err(|error| match &error {
            ExchangeError::NotAllowed { .. } => SubjectError::Unreachable(error.to_string()),
            _ if error.is_unreachable() => SubjectError::Unreachable(error.to_string()),
            _ if error.is_timeout() => SubjectError::Hang(error.to_string()),
            _ => SubjectError::Broken(error.to_string()),
        })
    }

    fn hook(&self, target: &str) -> Result<(), SubjectError> {
        let control = self
            .control
            .as_ref()
            .ok_or_else(|| SubjectError::Unsupported("the target has no hooks".into()))?;
        let request =
            format!("POST {target} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\r\n", control.authority());
        match self.exchange(control, request.as_bytes(), false)? {
            answer if answer.status == 200 => Ok(()),
            answer => Err(SubjectError::Broken(format!("the hook `{target}` answered {}", answer.status))),
        }
    }

    /// Puts the target back as it was at the start, where it has hooks.
    pub(crate) fn forget(&self) {
        if self.control.is_some() && self.hook("/forget").is_ok() {
            self.ahead.store(0, Ordering::Relaxed);
        }
    }
}

impl Subject for Http {
    fn send(&self, message: &Message, _: usize) -> Result<Observation, SubjectError> {
        let origin = if message.secure {
            &self.origin
        } else {
            self.plain
                .as_ref()
                .ok_or_else(|| SubjectError::Unsupported("the target has no plain HTTP".into()))?
        };
        let response = self.exchange(origin, &message.wire(), message.method == "HEAD")?;
        Ok(Observation {
            status: response.status,
            fields: response.fields,
            body: response.body,
            reason: None,
        })
    }

    fn revoke(&self, role: &str) -> Result<(), SubjectError> {
        self.hook(&format!("/revoke?role={role}"))
    }

    fn wait(&self, seconds: u64) -> Result<(), SubjectError> {
        self.hook(&format!("/clock?advance={seconds}"))?;
        self.ahead.fetch_add(i64::try_from(seconds).unwrap_or(i64::MAX), Ordering::Relaxed);
        Ok(())
    }

    fn now(&self) -> u64 {
        system_now().saturating_add_signed(self.ahead.load(Ordering::Relaxed))
    }
}

/// The ways to reach one scheme, one for each set of choices.
pub(crate) struct HttpSubjects<'a> {
    /// The choices that differ from the world's, and the target that took them.
    pub(crate) targets: Vec<(Vec<(String, String)>, &'a Http)>,
    pub(crate) via: Via,
    pub(crate) lacks: &'a (dyn Fn(&str) -> Option<String> + Sync),
    pub(crate) concurrency: usize,
}

impl Subjects for HttpSubjects<'_> {
    fn with(&self, plot: &Plot, with: &mut dyn FnMut(&dyn Subject)) {
        if let Some((_, http)) = self.targets.iter().find(|(choose, _)| *choose == plot.choose) {
            with(*http);
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
}
