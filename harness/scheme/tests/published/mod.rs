//! The published schemes and worlds, for the tests of the engine that take them from the vectors. It must not read a vector.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bearproof_scheme::{Description, World, description, world};

/// Where the vectors are.
pub(crate) fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors")
}

struct Folder(PathBuf);

impl world::Resolver for Folder {
    fn file(&self, path: &str) -> Result<Vec<u8>, String> {
        std::fs::read(self.0.join(path)).map_err(|e| e.to_string())
    }
    fn variable(&self, _: &str) -> Result<String, String> {
        Err("no variables in tests".into())
    }
}

/// Description and world of a scheme, with these options before those that the world chooses.
pub(crate) fn load(scheme: &str, choose: &BTreeMap<String, String>) -> (Description, World) {
    let folder = vectors().join(scheme);
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let text = read("world.toml");
    let mut choices = world::read_choices("world.toml", &text).unwrap();
    choices.retain(|(name, _)| !choose.contains_key(name));
    choices.extend(choose.clone());
    let d = description::load(scheme, "scheme.toml", &read("scheme.toml"), &choices).unwrap();
    let w = world::load(&d, "world.toml", &text, &Folder(folder)).unwrap();
    (d, w)
}
