//! The frozen vectors as an oracle for the engine alone: read as any JSON, no recipe, no judge. It is quick, so that a
//! change of the engine is told within seconds.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first broken assumption; an absent JSON member reads as null"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bearproof_scheme::sign::Entropy;
use bearproof_scheme::{Message, Reference, description, world};
use serde_json::Value;

struct Folder(PathBuf);

impl world::Resolver for Folder {
    fn file(&self, path: &str) -> Result<Vec<u8>, String> {
        std::fs::read(self.0.join(path)).map_err(|e| e.to_string())
    }
    fn variable(&self, _: &str) -> Result<String, String> {
        Err("no variables in tests".into())
    }
}

struct Zeros;

impl Entropy for Zeros {
    fn bytes(&self, _: &str, len: usize) -> Vec<u8> {
        vec![0; len]
    }
}

/// The reference of a scheme with the options that a vector chooses.
fn reference(folder: &Path, scheme: &str, choose: &BTreeMap<String, String>) -> Reference {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let text = read("world.toml");
    let mut choices = world::read_choices("world.toml", &text).unwrap();
    choices.retain(|(name, _)| !choose.contains_key(name));
    choices.extend(choose.clone());
    let d = description::load(scheme, "scheme.toml", &read("scheme.toml"), &choices).unwrap();
    let w = world::load(&d, "world.toml", &text, &Folder(folder.to_path_buf())).unwrap();
    Reference::strict(d, w)
}

fn octets(value: &Value) -> Vec<u8> {
    if let Some(text) = value["utf8"].as_str() {
        return text.as_bytes().to_vec();
    }
    if let Some(text) = value["base64"].as_str() {
        use base64::Engine as _;
        return base64::engine::general_purpose::STANDARD.decode(text).unwrap();
    }
    let part = |name: &str| value["repeat"][name].as_str().unwrap();
    let times = usize::try_from(value["repeat"]["times"].as_u64().unwrap()).unwrap();
    format!("{}{}{}", part("before"), part("unit").repeat(times), part("after")).into_bytes()
}

fn message(request: &Value) -> Message {
    let line = |f: &Value| (f["name"].as_str().unwrap().to_string(), octets(&f["value"]));
    Message {
        secure: request["secure"].as_bool().unwrap(),
        method: request["method"].as_str().unwrap().into(),
        target: request["target"].as_str().unwrap().into(),
        fields: request["fields"].as_array().unwrap().iter().map(line).collect(),
        body: request.get("body").map(octets).unwrap_or_default(),
    }
}

/// What the reference says against what is expected, for each step that is not as expected.
fn differences(reference: &Reference, vector: &Value) -> Vec<String> {
    let mut all = Vec::new();
    for (position, step) in vector["steps"].as_array().unwrap().iter().enumerate() {
        let Some(request) = step.get("request") else {
            if step["action"] == "revoke" {
                reference.revoke(step["role"].as_str().unwrap());
            }
            continue;
        };
        let answer = reference.handle(&message(request).request(), step["clock"].as_u64().unwrap(), &Zeros);
        let said = answer.refused.unwrap_or_else(|| "accept".into());
        let expect = &step["expect"];
        let reasons = expect["reasons"].as_array();
        let right = match expect["verdict"].as_str().unwrap() {
            "accept" => said == "accept",
            "reject" => reasons.unwrap().iter().any(|r| *r == said.as_str()),
            _ => true,
        };
        if !right {
            all.push(format!("{} step {}: expected {expect}, said {said}", vector["id"], position + 1));
        }
    }
    all
}

#[test]
fn the_engine_agrees_with_every_frozen_vector() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
    let index = std::fs::read_to_string(vectors.join("INDEX")).unwrap();
    let (mut judged, mut wrong) = (0, Vec::new());
    let mut files: Vec<(&str, &str)> =
        index.lines().filter_map(|id| id.rsplit_once('/')?.0.split_once('/')).collect();
    files.dedup();
    for (scheme, family) in files {
        let folder = vectors.join(scheme);
        let text = std::fs::read(folder.join(format!("{family}.json"))).unwrap();
        let file: Value = serde_json::from_slice(&text).unwrap();
        let mut references: BTreeMap<BTreeMap<String, String>, Reference> = BTreeMap::new();
        for vector in file["vectors"].as_array().unwrap() {
            let choose: BTreeMap<String, String> =
                vector.get("choose").map(|c| serde_json::from_value(c.clone()).unwrap()).unwrap_or_default();
            let reference =
                references.entry(choose.clone()).or_insert_with(|| reference(&folder, scheme, &choose));
            reference.forget();
            wrong.extend(differences(reference, vector));
            judged += 1;
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(judged, index.lines().count(), "every id of the INDEX was judged");
}
