//! What all fuzz targets share: the embedded schemes, the peer, and the stop at a broken property. No property may
//! live here: `bearproof_conform::properties` has them.

#![forbid(unsafe_code)]

// The vectors that the targets carry, so that they run on any machine.
#[path = "../../harness/bearproof/src/embedded.rs"]
mod embedded;
#[path = "../../harness/conform/tests/peer/mod.rs"]
mod peer;

use std::sync::{Arc, LazyLock};

use bearproof::properties::all;
use bearproof_conform::properties::Ground;
use bearproof_conform::suite::Suite;

static GROUND: LazyLock<Result<Ground, String>> =
    LazyLock::new(|| Ground::new(&suite()?, peer::jsonwebtoken));

/// The published schemes.
///
/// # Errors
/// What is wrong with their files.
pub fn suite() -> Result<Suite, String> {
    Suite::load(Arc::new(embedded::Embedded)).map_err(|fault| fault.to_string())
}

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
