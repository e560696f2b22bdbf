//! The property of weak verifiers: a weakness changes what it says, and nothing else. The strict verifier decides what
//! that can be; it must not be asked about a request that the weakness touches.

use bearproof_scheme::request::Message;
use bearproof_scheme::weakness::{Class, Touches, Weakness};
use bearproof_scheme::{Answer, Reference};

use super::ensure;
use super::ground::{Ground, Stand};
use super::requests::message;
use super::signing::{answer, fresh};

pub(super) fn weak_request(ground: &Ground, data: &[u8]) -> Result<(), String> {
    let Some((stand, rest)) = ground.stand(data) else { return Ok(()) };
    let Some(([high, low], rest)) = rest.split_first_chunk() else { return Ok(()) };
    let number = usize::from(u16::from_be_bytes([*high, *low]));
    let Some(weakness) = stand.weaknesses.get(number % stand.weaknesses.len().max(1)) else { return Ok(()) };
    let secure = data.first().is_some_and(u8::is_ascii_lowercase);
    let Some(message) = message(secure, rest) else { return Ok(()) };

    let strict = answer(&fresh(&stand.variant), &stand.variant, &message);
    let reference = weak(stand, weakness);
    let given = answer(&reference, &stand.variant, &message);
    let id = &weakness.id;
    ensure(given == answer(&weak(stand, weakness), &stand.variant, &message), || {
        format!("{id}: a second verdict differs")
    })?;
    if weakness.class == Class::Answers {
        ensure(given.refused.is_none() == strict.refused.is_none(), || {
            format!("{id}: only the answer is weak, and {:?} becomes {:?}", strict.refused, given.refused)
        })?;
    }
    let alike = !touches(weakness.touches, &strict) || reads_alike(&reference, &message);
    ensure(!alike || given == strict, || {
        format!("{id}: can't make a difference, and {:?} becomes {:?}", strict.refused, given.refused)
    })
}

fn weak(stand: &Stand, weakness: &Weakness) -> Reference {
    let (description, world) = (&stand.variant.description, &stand.variant.world);
    Reference::weak(description.as_ref().clone(), world.as_ref().clone(), weakness)
}

fn reads_alike(reference: &Reference, message: &Message) -> bool {
    reference.reads_otherwise(message) == Some(false)
}

/// Whether the weakness can make a difference to what the strict verifier answered so.
fn touches(touches: Touches, strict: &Answer) -> bool {
    match touches {
        Touches::All => true,
        Touches::Refused => strict.refused.is_some(),
        Touches::RefusedBy(row) => strict.row == Some(row),
        Touches::Reaching(row) => strict.row.is_none_or(|by| by >= row),
    }
}
