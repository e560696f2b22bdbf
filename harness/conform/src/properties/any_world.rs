//! A world for any description: one value of each kind, and an endpoint for each operation beside a read and a write.
//! It must not know what the description is of.

use std::sync::Arc;

use bearproof_scheme::description::{Description, Kind, Pipeline, Place, Source};
use bearproof_scheme::key::{RsaKey, Secret};
use bearproof_scheme::world::{
    Connect, Credential, Endpoint, Platform, State, Success, Value, Values, World,
};

/// The text of what is text, and of what an endpoint asks for, so that rights suffice.
const TEXT: &str = "text";

/// The seconds of its clock: a token of any life begins after 1970.
const CLOCK: u64 = 1_700_000_000;

/// What is no text here is a secret of as many bytes as every algorithm takes.
const SECRET: [u8; 64] = [b'k'; 64];

/// One caller, one platform; key pairs on P-256 are left out, because none is published.
pub(super) fn any_world(d: &Description, rsa: &Arc<RsaKey>) -> World {
    let values = |kinds: &[(Arc<str>, Kind)]| -> Values {
        let of = |kind: &Kind| match kind {
            Kind::Text => Some(Value::Text(TEXT.into())),
            Kind::Integer => Some(Value::Integer(7)),
            Kind::List => Some(Value::list([TEXT])),
            Kind::Secret | Kind::Key => Some(Value::Secret(Secret::new(SECRET))),
            Kind::Rsa => Some(Value::Rsa(Arc::clone(rsa))),
            Kind::P256 => None,
        };
        kinds.iter().filter_map(|(name, kind)| Some((name.clone(), of(kind)?))).collect()
    };
    let caller = Credential {
        role: "primary".into(),
        values: values(&d.credential),
        state: State::Active,
        captured: None,
        request: None,
        private: Vec::new(),
    };
    let platform = Platform { role: "primary".into(), values: values(&d.platform) };
    let operations = d.operations.iter().map(|o| endpoint(d, &o.name, "POST", b""));
    let usual = [endpoint(d, "read", "GET", b""), endpoint(d, "write", "POST", b"{\"a\": 1}")];
    World {
        scheme: None,
        connect: Connect::default(),
        known: None,
        clock: Some(CLOCK),
        origin: "https://api.example".into(),
        leeway: 0,
        choose: Vec::new(),
        extra_claims: Vec::new(),
        types: Vec::new(),
        inline: Vec::new(),
        platforms: vec![platform],
        credentials: vec![caller],
        endpoints: usual.into_iter().chain(operations).collect(),
    }
}

/// An endpoint with all parameters and attributes that the description reads.
fn endpoint(d: &Description, role: &str, method: &str, body: &[u8]) -> Endpoint {
    let of_parts = d.parts.iter().chain(d.operations.iter().flat_map(|o| &o.parts));
    let read = of_parts.clone().filter_map(|part| part.pipeline()).flat_map(Pipeline::sources);
    let asked = d.access.iter().flat_map(|rule| [&rule.granted, &rule.required]);
    let (mut parameters, mut attributes): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for source in read.chain(asked) {
        match source {
            Source::Parameter(name) => parameters.push(name.clone()),
            Source::Endpoint(name) => attributes.push(name.clone()),
            _ => {}
        }
    }
    parameters.extend(of_parts.filter(|p| p.place == Place::Parameter).map(|p| p.name.clone()));
    parameters.sort();
    parameters.dedup();
    let path: String = parameters.iter().map(|name| format!("/{{{name}}}")).collect();
    Endpoint {
        role: role.into(),
        method: method.into(),
        path: format!("/{role}{path}"),
        query: String::new(),
        parameters: parameters.into_iter().map(|name| (name, TEXT.into())).collect(),
        body: body.to_vec(),
        fields: Vec::new(),
        attributes: attributes.into_iter().map(|name| (name.into(), Value::Text(TEXT.into()))).collect(),
        success: Success::default(),
    }
}
