//! What both benches measure: the published schemes, signed requests, and requests that are refused early or late.
//! Nothing is measured here, and no figure is kept.

use std::path::Path;
use std::sync::Arc;

use bearproof_conform::entropy::Published;
use bearproof_conform::properties::ROLES;
use bearproof_conform::resolve::carrier;
use bearproof_conform::suite::{Disk, Suite, Variant};
use bearproof_scheme::description::{Place, Rule, TimeRule};
use bearproof_scheme::plan::Plan;
use bearproof_scheme::request::Message;
use bearproof_scheme::sign::{self, Draft, Entropy, Signer};
use bearproof_scheme::store::{Credentials, ReplayMemory};
use bearproof_scheme::verify::{Context, verify};

pub mod instructions;
pub mod limits;
pub mod making;
pub mod matrix;
pub mod paired;
pub mod peers;
pub mod table;

/// Reads the vectors of this repository.
///
/// # Errors
/// What is wrong with their files.
pub fn suite() -> Result<Suite, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    Suite::load(Arc::new(Disk(folder))).map_err(|fault| fault.to_string())
}

/// The server side of a scheme, compiled and prepared once.
pub struct Server {
    /// Description and world.
    pub variant: Variant,
    plan: Plan,
    credentials: Credentials,
    replay: ReplayMemory,
    /// Whether requests spend something.
    spends: bool,
}

impl Server {
    /// Compiles the plan and prepares the credentials.
    pub fn new(variant: &Variant) -> Self {
        let (description, world) = (variant.description.as_ref(), variant.world.as_ref());
        Self {
            plan: Plan::strict(description.clone(), world),
            credentials: Credentials::prepare(description, world),
            replay: ReplayMemory::new(1000),
            spends: description.parts.iter().any(|part| part.single_use),
            variant: variant.clone(),
        }
    }

    /// Whether a request is let in. What was spent before is forgotten, so that one request can be measured often.
    pub fn lets_in(&self, message: &Message) -> bool {
        if self.spends {
            self.replay.forget();
        }
        let now = self.variant.world.clock.unwrap_or(0);
        let context = Context { now, credentials: &self.credentials, replay: &self.replay };
        verify(&self.plan, &message.request(), &context).is_ok()
    }
}

/// The primary caller as a signer at the published clock.
pub fn signer<'a>(variant: &'a Variant, entropy: &'a dyn Entropy) -> Option<Signer<'a>> {
    Some(Signer {
        description: &variant.description,
        credential: variant.world.credential("primary")?,
        platform: variant.world.platform("primary"),
        now: variant.world.clock.unwrap_or(0),
        entropy,
    })
}

/// The draft of the primary caller for an endpoint: with a body if the scheme has such an endpoint and `body` says one.
pub fn draft(variant: &Variant, body: Option<Vec<u8>>) -> Option<Draft> {
    let endpoints = variant.world.endpoints.iter().filter(|e| ROLES.contains(&e.role.as_str()));
    let mut drafts = endpoints.map(|e| Draft::of(&variant.world, e));
    match body {
        None => drafts.next(),
        Some(body) => {
            let mut draft = drafts.find(|d| !d.body.is_empty())?;
            draft.body = body;
            Some(draft)
        }
    }
}

/// The draft signed by the primary caller; `late` seconds after the published clock.
///
/// # Errors
/// Why it can't be signed.
pub fn signed(variant: &Variant, draft: &Draft, late: i64) -> Result<Message, String> {
    let entropy = Published::new("benches", 0);
    let mut signer = signer(variant, &entropy).ok_or("the world has no primary credential")?;
    signer.now = signer.now.saturating_add_signed(late);
    sign::signed(&signer, draft).map_err(|e| e.to_string())
}

/// The request without the field that carries its credential; `None` where a member of the body does.
pub fn refused_early(variant: &Variant, message: &Message) -> Option<Message> {
    let part = carrier(&variant.description).filter(|part| part.place == Place::Field)?;
    let mut without = message.clone();
    without.fields.retain(|(name, _)| !name.eq_ignore_ascii_case(&part.name));
    Some(without)
}

/// A request whose token was good until long ago: everything before its time is checked first. `None` where a scheme
/// has no expiry that must be there.
///
/// # Errors
/// Why it can't be signed.
pub fn refused_late(variant: &Variant, draft: &Draft) -> Option<Result<Message, String>> {
    let expires = |rule: &Rule| matches!(rule, Rule::Time(TimeRule::Expires));
    variant.description.parts.iter().find(|p| expires(&p.rule))?;
    Some(signed(variant, draft, -1_000_000_000))
}

/// A JSON object of about `size` bytes, with white space between its tokens.
pub fn body(size: usize) -> Vec<u8> {
    let item = "{ \"item\": \"A-1\", \"count\": 2, \"note\": \"Zo\u{eb} \\u00e9\" }";
    let items = vec![item; size / (item.len() + 2)];
    format!("{{ \"items\": [ {} ] }}", items.join(", ")).into_bytes()
}
