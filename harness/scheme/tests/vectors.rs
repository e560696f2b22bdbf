//! The frozen vectors as an oracle for the engine alone: read as any JSON, no recipe, no judge. It is quick, so that a
//! change of the engine is told within seconds; mutation testing (MUTANTS.md) asks it first.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first broken assumption; an absent JSON member reads as null"
)]

mod published;

use std::collections::{BTreeMap, BTreeSet};

use bearproof_scheme::sign::{Draft, Entropy, Signer, sign};
use bearproof_scheme::{Answer, Message, Reference};
use serde_json::Value;
use sha2::{Digest, Sha256};

use published::load;

/// The published randomness: who asks is hashed with the vector and the step.
struct Published(String);

impl Published {
    fn new(id: &str, step: usize) -> Self {
        Self(format!("bearproof\0\0{id}\0{step}\0"))
    }
}

impl Entropy for Published {
    fn bytes(&self, purpose: &str, len: usize) -> Vec<u8> {
        let block = |counter: u32| {
            Sha256::digest([format!("{}{purpose}", self.0).as_bytes(), &counter.to_be_bytes()].concat())
        };
        (0..).flat_map(block).take(len).collect()
    }
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

/// The steps of a vector, each with its number.
fn steps(vector: &Value) -> impl Iterator<Item = (usize, &Value)> {
    vector["steps"].as_array().unwrap().iter().enumerate()
}

/// What the reference says against what is expected, for each step that is not as expected.
/// `given` notes which row refused with which reason.
fn differences(reference: &Reference, vector: &Value, given: &mut BTreeSet<(String, String)>) -> Vec<String> {
    let (mut all, mut issued) = (Vec::new(), Vec::new());
    let id = vector["id"].as_str().unwrap();
    for (index, step) in steps(vector) {
        let Some(request) = step.get("request") else {
            if step["action"] == "revoke" {
                assert!(reference.revoke(step["role"].as_str().unwrap()), "{id}: nobody to revoke");
            }
            continue;
        };
        let entropy = Published::new(&format!("{id} server"), index);
        let answer = reference.handle(&message(request).request(), step["clock"].as_u64().unwrap(), &entropy);
        if let (Some(row), Some(reason)) = (answer.row, &answer.refused) {
            given.insert((reference.plan().rows()[row].name.clone(), reason.clone()));
        }
        if !is_right(&step["expect"], &answer) {
            all.push(format!("{id} step {}: expected {}, found {answer:?}", index + 1, step["expect"]));
        }
        // A call of the same caller that is accepted right after it carries a token that was issued.
        let accepted =
            |step: &Value, action: &str| step["action"] == action && step["expect"]["verdict"] == "accept";
        let next = steps(vector).skip(index + 1).find(|(_, later)| later.get("request").is_some());
        if accepted(step, "obtain") {
            issued.push(answer.body);
            if let Some((_, next)) =
                next.filter(|(_, next)| accepted(next, "call") && next["role"] == step["role"])
                && !issued.iter().any(|body| carries(next, body))
            {
                all.push(format!(
                    "{id} step {}: the next call has a token that its caller was not given",
                    index + 1
                ));
            }
        }
    }
    all
}

/// Whether a call has a text of a JSON body in one of its fields.
fn carries(call: &Value, body: &[u8]) -> bool {
    fn texts(value: &Value) -> Vec<&str> {
        match value {
            Value::String(text) => vec![text],
            Value::Object(members) => members.values().flat_map(texts).collect(),
            _ => Vec::new(),
        }
    }
    let body = serde_json::from_slice(body).unwrap();
    let fields = message(&call["request"]).fields;
    let lines: Vec<String> =
        fields.iter().map(|(_, line)| String::from_utf8_lossy(line).into_owned()).collect();
    texts(&body).iter().any(|text| lines.iter().any(|line| line.ends_with(text)))
}

/// Whether an answer is what the vector expects: verdict and reason, and where a document names them status and body.
fn is_right(expect: &Value, answer: &Answer) -> bool {
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    let reason = |reason: &Value| Some(reason.as_str().unwrap()) == answer.refused.as_deref();
    let verdict = match expect["verdict"].as_str().unwrap() {
        "accept" => answer.refused.is_none() && answer.status == 200,
        "reject" => expect["reasons"].as_array().unwrap().iter().any(reason),
        _ => true,
    };
    let statuses = expect["status"].as_array();
    let member = |(name, json): (&String, &Value)| {
        body[name] == serde_json::from_str::<Value>(json.as_str().unwrap()).unwrap()
    };
    verdict
        && statuses.is_none_or(|all| all.iter().any(|status| *status == answer.status))
        && expect["body"].as_object().is_none_or(|members| members.iter().all(member))
}

/// Each family of each scheme.
fn families(mut each: impl FnMut(&str, &Value)) {
    let vectors = published::vectors();
    let index = std::fs::read_to_string(vectors.join("INDEX")).unwrap();
    let (mut judged, mut files) = (0, Vec::new());
    files.extend(index.lines().filter_map(|id| id.rsplit_once('/')?.0.split_once('/')));
    files.dedup();
    for (scheme, family) in files {
        let text = std::fs::read(vectors.join(scheme).join(format!("{family}.json"))).unwrap();
        let file: Value = serde_json::from_slice(&text).unwrap();
        each(scheme, &file);
        judged += file["vectors"].as_array().unwrap().len();
    }
    assert_eq!(judged, index.lines().count(), "every id of the INDEX was judged");
}

#[test]
fn the_engine_agrees_with_every_frozen_vector() {
    let mut given: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    let mut named = given.clone();
    families(|scheme, file| {
        let mut references: BTreeMap<BTreeMap<String, String>, Reference> = BTreeMap::new();
        let given = given.entry(scheme.into()).or_default();
        let mut wrong = Vec::new();
        for vector in file["vectors"].as_array().unwrap() {
            let choose: BTreeMap<String, String> =
                vector.get("choose").map(|c| serde_json::from_value(c.clone()).unwrap()).unwrap_or_default();
            let reference = references.entry(choose.clone()).or_insert_with(|| {
                let (d, w) = load(scheme, &choose);
                Reference::strict(d, w)
            });
            reference.forget();
            wrong.extend(differences(reference, vector, given));
        }
        for plan in references.values().map(Reference::plan) {
            let reasons = plan
                .rows()
                .iter()
                .flat_map(|row| row.reasons.iter().map(|r| (row.name.clone(), plan.code(*r))));
            named.entry(scheme.into()).or_default().extend(reasons);
        }
        assert_eq!(wrong, Vec::<String>::new());
    });
    for (scheme, given) in &given {
        let never: Vec<_> = named[scheme].difference(given).filter(|named| !is_excused(named)).collect();
        assert!(never.is_empty(), "{scheme}: no vector is refused with {never:?}");
        let unnamed: Vec<_> = given.difference(&named[scheme]).collect();
        assert!(unnamed.is_empty(), "{scheme}: rows refuse with what they do not name: {unnamed:?}");
    }
}

/// Reasons that rows name and no frozen vector brings about.
fn is_excused((row, reason): &(String, String)) -> bool {
    match (row.as_str(), reason.as_str()) {
        // Not every world has such a credential.
        ("state", "key.expired" | "key.disabled") => true,
        // It takes a million requests; the store has a test.
        ("single use", "replay.memory-full") => true,
        // The method or the binding of the path refuses before.
        ("endpoint", "access.no-endpoint") => true,
        // `typ` is asked for by readings of level may (RFC 7519 section 5.1: its use is optional).
        ("header.typ", "header.mismatch" | "header.wrong-type") => true,
        // The credential was looked up by it before.
        ("claims.site_id" | "claims.CustomerID" | "claims.userLoginId" | "claims.phrase", _) => true,
        // Only the platform could sign such a token.
        ("registered claim nbf" | "claims.purpose", "time.wrong-type" | "claims.wrong-type") => true,
        _ => false,
    }
}

/// The bytes of an entry of a trace; of a long one its digest and length are known.
fn is_traced(value: &Value, bytes: &[u8]) -> bool {
    if let Some(digest) = value.get("digest") {
        let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        return digest["sha256"] == hex && digest["length"] == bytes.len();
    }
    octets(value) == bytes
}

/// The good requests of the controls, which other languages verify without our code (vectors/opinions).
#[test]
fn the_signer_makes_every_good_request_again() {
    let mut made = Vec::new();
    families(|scheme, file| {
        if file["family"] != "control" {
            return;
        }
        let (d, w) = load(scheme, &BTreeMap::new());
        for vector in file["vectors"].as_array().unwrap() {
            let id = vector["id"].as_str().unwrap();
            let step = &vector["steps"][0];
            let role = step["role"].as_str().unwrap();
            let endpoint = id.rsplit('/').next().and_then(|name| name.strip_prefix(role)?.strip_prefix('-'));
            let Some(endpoint) = endpoint.and_then(|name| w.endpoint(name)) else { continue };
            if d.operation(&endpoint.role).is_some() {
                continue;
            }
            let entropy = Published::new(id, 0);
            let now = step["clock"].as_u64().unwrap();
            let (credential, platform) = (w.credential(role).unwrap(), w.platform("primary"));
            let signer = Signer { description: &d, credential, platform, now, entropy: &entropy };
            let (signed, trace) = sign(&signer, &Draft::of(&w, endpoint)).unwrap();
            assert_eq!(signed, message(&step["request"]), "{id}");
            let frozen = step.get("trace").map_or(&[][..], |trace| trace.as_array().unwrap());
            assert_eq!(trace.iter().len(), frozen.len(), "{id}: {trace:?}");
            for ((name, bytes), entry) in trace.iter().zip(frozen) {
                assert_eq!(entry["name"], name.as_str(), "{id}");
                assert!(is_traced(&entry["value"], bytes), "{id}: {name}");
            }
            made.push((scheme.to_string(), endpoint.role.clone()));
        }
    });
    // Every scheme has a `write`, or nothing was compared.
    assert_eq!(made.iter().filter(|(_, endpoint)| endpoint == "write").count(), 7, "{made:?}");
}
