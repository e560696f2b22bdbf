//! What the reference says of a request: in, or out by which row. It must not say why the sender did so.

use std::sync::Arc;

use bearproof_scheme::key::Secret;
use bearproof_scheme::request::Message;
use bearproof_scheme::world::{Platform, Value, Values, World, value};
use bearproof_scheme::{Description, Reference, weakness};

use super::base::Base;
use crate::suite::Variant;

/// In or out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The reason code; `None` if it is let in.
    pub refused: Option<String>,
    /// Number and name of the row that refused, from 1.
    pub row: Option<(usize, String)>,
    /// The requirement of that row.
    pub requirement: Option<String>,
    /// Status that the reference answers.
    pub status: u16,
}

/// Asks the reference; what can't be checked here is left out.
pub(super) fn verdict(variant: &Variant, message: &Message, base: &Base<'_>, now: u64) -> Verdict {
    let mut description = variant.description.as_ref().clone();
    let mut index = 0;
    description.parts.retain(|_| {
        let keep = !base.blind.contains(&index);
        index += 1;
        keep
    });
    let mut world = Arc::unwrap_or_clone(Arc::clone(&variant.world));
    if !base.has_key {
        stand_in(&description, &mut world);
    }
    let unchecked =
        || weakness::all(&description, &world).into_iter().find(|w| w.id.ends_with("/signature-unchecked"));
    let reference = match unchecked().filter(|_| !base.has_key) {
        Some(weakness) => Reference::weak(description, world, &weakness),
        None => Reference::strict(description, world),
    };
    let entropy = crate::entropy::Published::new("explain", 1);
    let answer = reference.handle(&message.request(), now, &entropy);
    // What is sealed can't be opened with a key that is not here: nothing is known of it.
    let refused = answer.refused.filter(|code| base.has_key || code != "token.undecryptable");
    let row = answer
        .row
        .filter(|_| refused.is_some())
        .and_then(|i| reference.plan().rows().get(i).map(|row| (i, row)));
    Verdict {
        refused,
        requirement: row.and_then(|(_, row)| row.reference.clone()),
        row: row.map(|(i, row)| (i + 1, row.name.clone())),
        status: answer.status,
    }
}

/// Puts any key where there is none: the row of the signature is passed over, and still looks for one.
fn stand_in(d: &Description, world: &mut World) {
    let Some(full) = d.token.as_ref().map(|t| t.key.name()) else { return };
    let Some((side, name)) = full.split_once('.') else { return };
    let key = || (name.into(), Value::Secret(Secret::new(vec![0; 32])));
    if side == "credential" {
        for credential in world.credentials.iter_mut().filter(|c| value(&c.values, name).is_none()) {
            credential.values.push(key());
        }
        return;
    }
    if world.platform("primary").is_none() {
        world.platforms.insert(0, Platform { role: "primary".into(), values: Values::new() });
    }
    for platform in world.platforms.iter_mut().filter(|p| value(&p.values, name).is_none()) {
        platform.values.push(key());
    }
}
