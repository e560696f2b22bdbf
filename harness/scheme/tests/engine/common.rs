//! What the tests of the engine share: descriptions and worlds from texts alone, without files or variables, a caller at
//! second 1000, and randomness that is none. It must not assert anything.

use bearproof_scheme::sign::{Entropy, Signer};
use bearproof_scheme::world::Resolver;
use bearproof_scheme::{Description, Reference, World, description, world};

/// There are no files and no variables, and all random bytes are 7.
pub(crate) struct Nothing;

impl Resolver for Nothing {
    fn file(&self, _: &str) -> Result<Vec<u8>, String> {
        Err("no files here".into())
    }
    fn variable(&self, _: &str) -> Result<String, String> {
        Err("no variables here".into())
    }
}

impl Entropy for Nothing {
    fn bytes(&self, purpose: &str, len: usize) -> Vec<u8> {
        Filled(7).bytes(purpose, len)
    }
}

/// All random bytes are this one.
pub(crate) struct Filled(pub(crate) u8);

impl Entropy for Filled {
    fn bytes(&self, _: &str, len: usize) -> Vec<u8> {
        vec![self.0; len]
    }
}

/// The description in a text that is right.
pub(crate) fn described(scheme: &str) -> Description {
    description::load("inline", "scheme.toml", scheme, &[]).map_err(|e| e.to_string()).unwrap()
}

/// The world in a text that is right.
pub(crate) fn world_of(d: &Description, text: &str) -> World {
    world::load(d, "world.toml", text, &Nothing).map_err(|e| e.to_string()).unwrap()
}

/// The strict reference of both.
pub(crate) fn reference(scheme: &str, world: &str) -> Reference {
    let d = described(scheme);
    let w = world_of(&d, world);
    Reference::strict(d, w)
}

/// The caller with this role, at second 1000.
pub(crate) fn signer<'a>(d: &'a Description, w: &'a World, role: &str) -> Signer<'a> {
    let (credential, platform) = (w.credential(role).unwrap(), w.platform("primary"));
    Signer { description: d, credential, platform, now: 1000, entropy: &Nothing }
}
