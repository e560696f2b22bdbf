//! The command lines that show a finding once more. It must not run them.

use std::path::Path;

use bearproof_conform::plot::Plot;
use bearproof_conform::results::{Outcome, VectorResult};
use bearproof_conform::signing;
use bearproof_conform::written::{curl_to, quoted};

use super::target::Reach;

/// What has to be known of a target to write its command lines.
pub(super) struct Repeat<'a> {
    /// As the user gave it.
    pub(super) profile: &'a Path,
    pub(super) reach: &'a Reach,
    pub(super) plots: &'a [Plot],
    pub(super) now: u64,
}

/// Adds their command lines to the results of the reference.
pub(super) fn of_reference(results: &mut [VectorResult]) {
    for result in results.iter_mut().filter(unexpected) {
        result.repeat = vec![format!("bearproof run --filter {}", result.id)];
    }
}

/// Whether a result is a finding, or hides one.
fn unexpected(result: &&mut VectorResult) -> bool {
    matches!(result.outcome, Outcome::Fail | Outcome::Xfail | Outcome::Hang)
}

impl Repeat<'_> {
    /// Adds its command lines to each result that is or hides a finding.
    pub(super) fn add(&self, results: &mut [VectorResult]) {
        for result in results.iter_mut().filter(unexpected) {
            result.repeat = self.lines(&result.id);
        }
    }

    pub(super) fn lines(&self, id: &str) -> Vec<String> {
        let profile = quoted_if_needed(&self.profile.display().to_string());
        let target = format!("--target {profile}");
        let plot = self.plots.iter().find(|p| p.id == *id);
        let message = plot.and_then(|plot| signing::of_vector(plot, "repeat", self.now).ok());
        let Some(message) = message else {
            // Several steps, or a token that has to be asked for first.
            return vec![format!("bearproof run {target}{} --filter {id}", self.reach.options)];
        };
        let origin = if message.secure { Some(&self.reach.origin) } else { self.reach.plain.as_ref() };
        let curl = self.reach.curl && origin.is_some_and(|origin| curl_to(&message, origin, None).is_ok());
        let second = if curl {
            format!("bearproof sign {target} --vector {id} --format curl | sh")
        } else {
            format!("bearproof send {target}{} req.http", self.reach.options)
        };
        vec![format!("bearproof sign {target} --vector {id} --out req.http"), second]
    }
}

/// A path as a shell reads it: as it is, or in quotes.
fn quoted_if_needed(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if path.chars().all(plain) { path.to_owned() } else { quoted(path) }
}
