//! What a run against one server gave, and what may be asserted of it. It must not say what is right.

#![expect(clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first broken assumption")]

use std::collections::BTreeSet;
use std::fs;

use super::{Ended, Temp, bearproof, profile};

/// What a run against one server gave.
pub(crate) struct Seen {
    pub(crate) ended: Ended,
    pub(crate) results: serde_json::Value,
}

impl Seen {
    /// Judges the server at `address` by the vectors of `scheme` that pass the filters; all without any.
    pub(crate) fn of(scheme: &str, address: &str, filters: &[&str]) -> Self {
        let more: Vec<&str> = filters.iter().flat_map(|filter| ["--filter", filter]).collect();
        Self::asked(scheme, address, &more)
    }

    /// The same with all vectors, one request after the other.
    pub(crate) fn one_by_one(scheme: &str, address: &str) -> Self {
        Self::asked(scheme, address, &["--concurrency", "1"])
    }

    fn asked(scheme: &str, address: &str, more: &[&str]) -> Self {
        let temp = Temp::new();
        let file = profile(&temp.0, scheme, address);
        let mut arguments = vec!["run", "--target", file.to_str().unwrap(), "--out", "out"];
        arguments.extend(more);
        let ended = bearproof(&temp, &arguments);
        let text = fs::read_to_string(temp.path("out/results.json"));
        let text = text.unwrap_or_else(|e| panic!("{e}: {ended:?}"));
        Self { ended, results: serde_json::from_str(&text).unwrap() }
    }

    /// What calibration found: state and message.
    pub(crate) fn calibration(&self) -> (&str, &str) {
        let calibration = &self.results["targets"][0]["calibration"];
        (calibration["state"].as_str().unwrap(), calibration["message"].as_str().unwrap())
    }

    pub(crate) fn outcomes(&self) -> BTreeSet<&str> {
        self.results["vectors"].as_array().unwrap().iter().map(|v| v["outcome"].as_str().unwrap()).collect()
    }

    pub(crate) fn requests(&self) -> u64 {
        self.results["run"]["requests"].as_u64().unwrap()
    }

    /// Asserts code, state and message, that the terminal says the message too, and that nothing was judged.
    #[track_caller]
    pub(crate) fn assert(&self, code: i32, state: &str, message: &str) {
        assert_eq!(self.calibration(), (state, message), "{}", self.ended.stdout);
        assert_eq!(self.ended.code, Some(code), "{}", self.ended.stdout);
        let words = self.ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(message), "{}", self.ended.stdout);
        assert_eq!(self.outcomes(), BTreeSet::from(["inconclusive"]));
        assert!(self.results["vectors"].as_array().unwrap().len() > 20);
        // What is to come is told before the run, in one line.
        let told = self.ended.stderr.trim_end();
        assert!(told.is_empty() || (told.starts_with("about ") && !told.contains('\n')), "{told}");
    }
}
