//! Explains a request: what the reference says of it, and which wrong signer makes exactly this one.
//! It must not read input forms or send anything.
//!
//! A request that was sent is taken apart (`reading`), made again as our signer would make it (`base`), and
//! compared value by value (`observe`); then every wrong signer is asked for the same (`search`).

mod base;
mod observe;
mod reading;
mod seals;
mod search;
mod text;
mod verdict;

use bearproof_scheme::description::{Kind, Part, Source};
use bearproof_scheme::request::Message;
use bearproof_scheme::wrong_signer::{Signing, make};

use crate::redact::{Redactor, mask_tokens};
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
    pub trace: Vec<(String, Vec<u8>)>,
    /// The wrong signers that explain it, likeliest first.
    pub hits: Vec<Hit>,
    /// Whether a token was found where there should be one.
    tokened: bool,
    /// Whether its header and claims can be read.
    readable: bool,
    /// Whether the key is here.
    has_key: bool,
    /// The request's method, the length of its body in bytes, and whether it has a query: parts depend on them.
    method: String,
    body: usize,
    has_query: bool,
    /// What was sent as a credential; not to be shown.
    secrets: Vec<Vec<u8>>,
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
    let steps = right.iter().flat_map(|r| &r.trace);
    let trace = steps.filter(|(name, _)| touched(name)).cloned().collect();
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
        tokened: found.token.is_some(),
        readable: variant.description.token.is_none() || found.texts.is_some(),
        has_key: base.has_key,
        method: message.method.clone(),
        body: message.body.len(),
        has_query: !message.request().query().is_empty(),
        secrets: secrets(variant, message, &found),
    }
}

impl Explanation {
    /// The explanation for people, without secrets.
    pub fn text(&self, variant: &Variant) -> String {
        let mut redactor = Redactor::of_world(&variant.world);
        for secret in &self.secrets {
            redactor.register(secret);
        }
        let clean = |text: &str| mask_tokens(&redactor.redact(text));
        // Values are cut when they are shown, so each is cleaned before; the whole is cleaned once more.
        clean(&text::write(self, &variant.description, &clean))
    }
}

/// What was sent as a credential: a secret, whosever it is.
fn secrets(variant: &Variant, message: &Message, found: &reading::Reading) -> Vec<Vec<u8>> {
    let d = &variant.description;
    let secret = |p: &&Part| match p.pipeline().and_then(|p| p.single()) {
        Some(Source::Credential(name)) => {
            matches!(d.credential_kind(name), Some(Kind::Secret | Kind::Key))
        }
        _ => false,
    };
    let said = d.parts.iter().filter(secret).filter_map(|p| reading::said(&d.parts, message, found, p));
    let said = said.map(|json| reading::plain(&json));
    let words = said.flat_map(|line| line.split([' ', '=', '"']).map(Into::into).collect::<Vec<String>>());
    words.chain(found.token.clone()).map(String::into_bytes).collect()
}

/// Whether a part is the one that a value's name names.
fn names(part: &Part, name: &str) -> bool {
    part.path() == name
}
