//! Says in each request who sends it, so that the owner of the target finds it in the logs. It must not change what
//! the request already says.

use bearproof_conform::subject::{Observation, Subject, SubjectError};
use bearproof_scheme::request::Message;

use crate::http_subject::Http;

/// What a request of this run says of its sender.
pub(crate) fn agent(run: &str) -> String {
    format!("bearproof/{} run={run}", env!("CARGO_PKG_VERSION"))
}

/// A live target whose requests carry marks.
pub(crate) struct Marked<'a> {
    http: &'a Http,
    marks: Vec<(String, Vec<u8>)>,
}

impl<'a> Marked<'a> {
    /// `User-Agent` (RFC 9110 section 10.1.5) with the run, and in the field `tag`, if one is named, run and vector.
    pub(crate) fn new(http: &'a Http, run: &str, vector: &str, tag: Option<&str>) -> Self {
        let tag = tag.map(|name| (name.to_owned(), format!("run={run} vector={vector}").into_bytes()));
        let marks = [("User-Agent".to_owned(), agent(run).into_bytes())].into_iter().chain(tag).collect();
        Self { http, marks }
    }
}

impl Subject for Marked<'_> {
    fn send(&self, message: &Message, _: usize) -> Result<Observation, SubjectError> {
        let request = message.request();
        let missing = self.marks.iter().filter(|(name, _)| request.values(name).next().is_none());
        self.http.ask(message, missing.map(|(name, value)| (name.as_str(), value.as_slice())))
    }

    fn revoke(&self, role: &str) -> Result<(), SubjectError> {
        self.http.revoke(role)
    }

    fn wait(&self, seconds: u64) -> Result<(), SubjectError> {
        self.http.wait(seconds)
    }

    fn now(&self) -> u64 {
        self.http.now()
    }

    fn now_at_start(&self) -> u64 {
        self.http.now_at_start()
    }
}
