//! Who may go where, read from the description and the world alone. It must not use the verifier's own rules.

use bearproof_scheme::description::{AccessRule, Part, Place, Source};
use bearproof_scheme::world::{Credential, Endpoint, Value, value};

use crate::suite::Variant;

/// Whether every access rule grants this caller this endpoint.
pub(super) fn granted(variant: &Variant, caller: &Credential, endpoint: &Endpoint) -> bool {
    let d = &variant.description;
    d.access.iter().all(|rule| {
        let has = has(variant, rule, caller);
        wanted(variant, rule, endpoint).iter().all(|word| has.contains(word))
    })
}

/// Whether a value is the platform's own statement of a caller: written when the token is made, believed when it comes
/// back, and compared with nothing.
pub(super) fn is_believed(variant: &Variant, part: &Part) -> bool {
    let by_platform =
        variant.description.token.as_ref().is_some_and(|t| matches!(t.key, Source::Platform(_)));
    let of_caller = matches!(part.pipeline().and_then(|p| p.single()), Some(Source::Credential(_)));
    by_platform && of_caller && part.place == Place::Claims && !part.identifies
}

fn has(variant: &Variant, rule: &AccessRule, caller: &Credential) -> Vec<String> {
    match &rule.granted {
        Source::Credential(name) => words(value(&caller.values, name)),
        Source::Claims(name) => {
            let claim =
                variant.description.parts.iter().find(|p| p.place == Place::Claims && p.name == *name);
            match claim.and_then(|p| p.pipeline()).and_then(|p| p.single()) {
                Some(Source::Credential(name)) => words(value(&caller.values, name)),
                _ => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}

/// What an access rule asks of whoever calls this endpoint.
pub(super) fn wanted(variant: &Variant, rule: &AccessRule, endpoint: &Endpoint) -> Vec<String> {
    match &rule.required {
        Source::Endpoint(name) => words(value(&endpoint.attributes, name)),
        Source::Parameter(name) => {
            endpoint.parameters.iter().filter(|(n, _)| n == name).map(|(_, v)| v.clone()).collect()
        }
        Source::Host => {
            let origin = variant.world.origin.trim_start_matches("https://").trim_start_matches("http://");
            vec![origin.trim_end_matches(":443").to_ascii_lowercase()]
        }
        _ => Vec::new(),
    }
}

fn words(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Text(text)) => vec![text.to_string()],
        Some(Value::List(items)) => items.iter().map(ToString::to_string).collect(),
        Some(Value::Integer(number)) => vec![number.to_string()],
        _ => Vec::new(),
    }
}
