//! What all fuzz targets share: the ground of the properties, and the stop at a broken one. No property may live here:
//! `bearproof_conform::properties` and `bearproof::properties` have them.

#![forbid(unsafe_code)]

use std::sync::LazyLock;

use bearproof::properties::{all, ground};
use bearproof_conform::properties::Ground;

static GROUND: LazyLock<Result<Ground, String>> = LazyLock::new(ground);

/// Stops the process if the property with this name is broken for these bytes.
///
/// # Panics
/// That is how a fuzzer is told.
#[expect(clippy::panic, reason = "libFuzzer takes the stop of the process as the finding")]
pub fn hold(name: &str, data: &[u8]) {
    let ground = GROUND.as_ref().unwrap_or_else(|words| panic!("{words}"));
    let property = all().find(|p| p.name == name).unwrap_or_else(|| panic!("no property `{name}`"));
    if let Err(broken) = property.check(ground, data) {
        panic!("{name}: {broken}");
    }
}
