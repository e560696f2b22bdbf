//! The property of what `explain` reads and says. It must not correct an input before it is read.

use super::ensure;
use super::files::{FILE, placed};
use super::ground::Ground;
use crate::captured::read;
use crate::explain::explain;

pub(super) fn captured(ground: &Ground, data: &[u8]) -> Result<(), String> {
    let Some((stand, rest)) = ground.stand(data) else { return Ok(()) };
    let message = match read(FILE, rest) {
        Ok(message) => message,
        Err(fault) => {
            // A place counts characters, so that a text that is none is read as a reader would show it.
            return placed(&fault, &String::from_utf8_lossy(rest));
        }
    };
    let now = stand.variant.world.clock.unwrap_or(0);
    let explanation = explain(&stand.variant, &message, now);
    let text = explanation.text(&stand.variant);
    ensure(!text.is_empty(), || "it says nothing".into())?;
    ensure(!stand.redactor.finds(&text), || "the explanation shows a secret".into())?;
    let again = explain(&stand.variant, &message, now).text(&stand.variant);
    ensure(text == again, || "a second explanation differs".into())
}
