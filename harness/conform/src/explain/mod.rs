//! Explains a request: what the reference says of it, and which wrong signer makes exactly this one.
//! It must not read input forms or send anything.
//!
//! A request that was sent is taken apart ([`reading`]), made again as our signer would make it ([`base`]), and
//! compared value by value ([`observe`]); then every wrong signer is asked for the same ([`search`]).

mod base;
mod observe;
mod reading;
mod seals;
mod search;
mod text;
mod verdict;

use bearproof_scheme::description::Part;
use bearproof_scheme::request::Message;
use bearproof_scheme::sign::Trace;
use bearproof_scheme::wrong_signer::{Signing, make};

use crate::redact::Redactor;
use crate::suite::Variant;
use base::Base;
pub use observe::Difference;
use observe::{difference, observe, sent};
pub use search::Hit;
pub use verdict::Verdict;
use verdict::verdict;

/// What is known of a request.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// What the reference says of it.
    pub verdict: Verdict,
    /// Role of the caller that it is compared with.
    pub role: String,
    /// Whether the request names that caller; else it is a guess.
    pub named: bool,
    /// When our signer would have made it, in seconds since 1970 UTC.
    pub signed_at: u64,
    /// When it is looked at.
    pub now: u64,
    /// What could not be checked, in words.
    pub unchecked: Vec<String>,
    /// Values that differ from ours.
    pub differences: Vec<Difference>,
    /// Steps of the values that differ.
    pub trace: Trace,
    /// The wrong signers that explain it, likeliest first.
    pub hits: Vec<Hit>,
    /// The token, a secret as long as it lives.
    token: Option<String>,
}

/// Explains a request at a time, in seconds since 1970 UTC.
pub fn explain(variant: &Variant, message: &Message, now: u64) -> Explanation {
    let (d, world) = (&variant.description, &variant.world);
    let entropy = crate::entropy::Published::new("explain", 0);
    let found = reading::read(variant, message);
    let base = Base::of(variant, message, &found, now, &entropy);
    let verdict = verdict(variant, message, &base, now);
    let there = sent(&base, message, &found);
    let right = make(&base.start, &[], Signing::Sketch).ok();
    let differences = right.as_ref().map(|r| difference(&there, &observe(&base, r))).unwrap_or_default();
    let hits = search::search(&base, &there, d, world, &verdict, now);
    let touched = |name: &str| differences.iter().any(|d| name.starts_with(&format!("{}:", d.name)));
    let trace = right.map(|r| r.trace).unwrap_or_default();
    let trace = trace.into_iter().filter(|(name, _)| touched(name)).collect();
    Explanation {
        verdict,
        role: base.start.signer.credential.role.clone(),
        named: base.named,
        signed_at: base.start.signer.now,
        now,
        unchecked: base.unchecked.clone(),
        differences,
        trace,
        hits,
        token: found.token,
    }
}

impl Explanation {
    /// The explanation for people, without secrets.
    pub fn text(&self, variant: &Variant) -> String {
        let mut redactor = Redactor::of_world(&variant.world);
        if let Some(token) = &self.token {
            redactor.register(token.as_bytes());
        }
        crate::redact::mask_tokens(&redactor.redact(&text::write(self, &variant.description)))
    }
}

/// Whether a part is the one that a value's name names.
fn names(part: &Part, name: &str) -> bool {
    part.path() == name
}
