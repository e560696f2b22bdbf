//! What must hold for any request: what the signer signs verifies, and each byte is bound or free as the
//! description says. The description speaks through the signer's own values, never through the verifier.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at the first broken assumption, and the share of bound bytes is printed"
)]

use std::path::Path;
use std::sync::{Arc, LazyLock};

use bearproof_conform::entropy::Published;
use bearproof_conform::properties::{ROLES, bound_values, refused, signer};
use bearproof_conform::resolve::carrier;
use bearproof_conform::suite::{Disk, Suite, Variant};
use bearproof_scheme::description::{Place, Source};
use bearproof_scheme::request::Message;
use bearproof_scheme::sign::{Draft, sign, signed};
use proptest::prelude::*;
use proptest::sample::Index;

static SUITE: LazyLock<Suite> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
    Suite::load(Arc::new(Disk(folder))).map_err(|e| e.to_string()).unwrap()
});

/// Scheme, endpoint and the primary caller's draft for it.
fn drafts() -> Vec<(Variant, Draft)> {
    let mut all = Vec::new();
    for scheme in &SUITE.schemes {
        let variant = scheme.default.clone();
        for endpoint in &variant.world.endpoints {
            if ROLES.contains(&endpoint.role.as_str()) {
                all.push((variant.clone(), Draft::of(&variant.world, endpoint)));
            }
        }
    }
    all
}

/// The decoded parameters of a path that fits a template.
fn parameters(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let (wanted, given): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    let mut found = Vec::new();
    for (wanted, given) in wanted.iter().zip(&given) {
        match wanted.strip_prefix('{').and_then(|w| w.strip_suffix('}')) {
            Some(name) if !given.is_empty() => {
                found.push((name.to_string(), bearproof_scheme::request::percent_decode(given)?));
            }
            None if wanted == given => {}
            _ => return None,
        }
    }
    (wanted.len() == given.len()).then_some(found)
}

fn json(depth: u32) -> impl Strategy<Value = String> {
    let text = "[ -~é😀\u{2028}]{0,12}".prop_map(|s| serde_json::to_string(&s).unwrap());
    let number = prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        Just("1.0".into()),
        Just("-0".into()),
        Just("1E400".into())
    ];
    let leaf = prop_oneof![text, number, Just("true".to_string()), Just("null".to_string())];
    leaf.prop_recursive(depth, 24, 4, |inner| {
        let space = prop_oneof![Just(""), Just(" "), Just("\n\t")];
        prop_oneof![
            (prop::collection::vec(inner.clone(), 0..4), space.clone())
                .prop_map(|(items, s)| format!("[{s}{}{s}]", items.join(&format!("{s},{s}")))),
            (prop::collection::vec(inner, 0..4), space).prop_map(|(items, s)| {
                let members: Vec<String> =
                    items.iter().enumerate().map(|(i, v)| format!("\"m{i}\"{s}:{s}{v}")).collect();
                format!("{{{s}{}{s}}}", members.join(&format!(",{s}")))
            }),
        ]
    })
}

/// A JSON object, as every scheme takes for a body.
fn body() -> impl Strategy<Value = String> {
    (json(3), "[ \n]{0,3}").prop_map(|(value, space)| format!("{space}{{\"a\":{space}{value}}}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_signer_signs_verifies(pick: Index, body in body(), id in "[^/\u{0}]{1,20}", seed: u32) {
        let drafts = drafts();
        let (variant, draft) = pick.get(&drafts);
        let mut draft = draft.clone();
        if !draft.body.is_empty() {
            draft.body = body.into_bytes();
        }
        // An identifier is free text; the account of a path is not.
        for (name, value) in &mut draft.parameters {
            if name == "id" {
                value.clone_from(&id);
            }
        }
        let entropy = Published::new(&format!("properties {seed}"), 0);
        // Step by step, as a trace is kept: the verifier takes the short cuts.
        let (message, _) = sign(&signer(variant, &entropy).unwrap(), &draft).unwrap();
        prop_assert_eq!(refused(variant, &message), None, "{} {:?}", variant.description.id, message);
    }

    #[test]
    fn a_changed_body_byte_is_refused_if_and_only_if_a_bound_value_changes(pick: Index, body in body(), at: Index, new: u8) {
        let drafts: Vec<_> = drafts().into_iter().filter(|(_, d)| !d.body.is_empty()).collect();
        let (variant, draft) = pick.get(&drafts);
        // A body that itself carries the credential is another property's.
        if carrier(&variant.description).is_some_and(|p| p.place == Place::Body) {
            return Ok(());
        }
        let mut draft = draft.clone();
        draft.body = body.into_bytes();
        let entropy = Published::new("properties", 0);
        let mut message = signed(&signer(variant, &entropy).unwrap(), &draft).unwrap();
        let position = at.index(message.body.len());
        prop_assume!(message.body[position] != new);
        message.body[position] = new;
        let before = bound_values(variant, &entropy, &draft);
        let after = bound_values(variant, &entropy, &Draft { body: message.body.clone(), ..draft });
        let changed = before != after;
        let refused = refused(variant, &message);
        prop_assert_eq!(refused.is_some(), changed, "{}: {:?}", variant.description.id, refused);
    }

    #[test]
    fn a_changed_credential_byte_is_refused(pick: Index, at: Index, new in 0x21_u8..0x7f) {
        let drafts = drafts();
        let (variant, draft) = pick.get(&drafts);
        let Some(part) = carrier(&variant.description).filter(|p| p.place == Place::Field) else { return Ok(()) };
        let entropy = Published::new("properties", 0);
        let mut message = signed(&signer(variant, &entropy).unwrap(), draft).unwrap();
        let line = message.fields.iter_mut().find(|(n, _)| n.eq_ignore_ascii_case(&part.name)).unwrap();
        let start = part.auth_scheme.as_ref().map_or(0, |s| s.len() + 1);
        let position = start + at.index(line.1.len() - start);
        prop_assume!(line.1[position] != new);
        line.1[position] = new;
        prop_assert!(refused(variant, &message).is_some(), "{}: let in", variant.description.id);
    }

    #[test]
    fn what_the_description_does_not_name_is_free(pick: Index, value in "[!-~]{1,20}", query in "[a-z]{1,5}=[a-z0-9]{0,5}") {
        let drafts = drafts();
        let (variant, draft) = pick.get(&drafts);
        let entropy = Published::new("properties", 0);
        let mut message = signed(&signer(variant, &entropy).unwrap(), draft).unwrap();
        message.fields.push(("X-Unknown".into(), value.into_bytes()));
        message.target = format!("{}?{query}", message.target);
        let after = Draft { query, ..draft.clone() };
        let changed = bound_values(variant, &entropy, draft) != bound_values(variant, &entropy, &after);
        prop_assert_eq!(refused(variant, &message).is_some(), changed, "{}", variant.description.id);
    }

    /// A path leads to an endpoint: another path is bound, or nothing at all, or a parameter that nobody binds
    /// (an annexcloud PATCH binds its body and not the id in its path).
    #[test]
    fn a_changed_byte_of_path_or_method_is_refused(pick: Index, at: Index, new in "[a-zA-Z0-9._~-]") {
        let drafts = drafts();
        let (variant, draft) = pick.get(&drafts);
        let entropy = Published::new("properties", 0);
        let message = signed(&signer(variant, &entropy).unwrap(), draft).unwrap();
        let line = format!("{} {}", message.method, message.request().path());
        let position = at.index(line.len());
        prop_assume!(line.as_bytes()[position] != new.as_bytes()[0] && line.as_bytes()[position] != b' ');
        let mut bytes = line.into_bytes();
        bytes[position] = new.as_bytes()[0];
        let line = String::from_utf8(bytes).unwrap();
        let (method, target) = line.split_once(' ').unwrap();
        // `/` itself may change: then the target is no path any more.
        let query = message.request().query();
        let target = if query.is_empty() { target.to_string() } else { format!("{target}?{query}") };
        let changed = Message { method: method.into(), target, ..message.clone() };
        // Still the same endpoint by the same method, with another parameter: free unless something reads that.
        let path = changed.request().path();
        let parameters = if method == draft.method { parameters(&draft.path, path) } else { None };
        let free = parameters.is_some_and(|parameters| {
            let d = &variant.description;
            let after = Draft { parameters, ..draft.clone() };
            let read = d.access.iter().any(|a| matches!(a.required, Source::Parameter(_)));
            !read && bound_values(variant, &entropy, draft) == bound_values(variant, &entropy, &after)
        });
        prop_assert_eq!(refused(variant, &changed).is_some(), !free, "{}: {}", variant.description.id, line);
    }

    #[test]
    fn the_host_is_bound_where_a_rule_reads_it(pick: Index, host in "[a-z]{3,9}\\.example") {
        let drafts = drafts();
        let (variant, draft) = pick.get(&drafts);
        let entropy = Published::new("properties", 0);
        let mut message = signed(&signer(variant, &entropy).unwrap(), draft).unwrap();
        prop_assume!(host != draft.host);
        message.fields[0].1 = host.into_bytes();
        let d = &variant.description;
        let reads = d.parts.iter().filter_map(|p| p.pipeline()).any(|p| p.sources().any(|s| *s == Source::Host))
            || d.access.iter().any(|a| a.required == Source::Host);
        prop_assert_eq!(refused(variant, &message).is_some(), reads, "{}", d.id);
    }
}

/// Prints, for each scheme and endpoint, how many bytes of its good request are bound: those whose change is refused.
#[test]
fn the_share_of_bound_bytes_is_printed() {
    for (variant, draft) in drafts() {
        let entropy = Published::new("properties", 0);
        let message = signed(&signer(&variant, &entropy).unwrap(), &draft).unwrap();
        let (mut bound, mut all) = (0, 0);
        let mut count = |changed: Message| {
            all += 1;
            bound += usize::from(refused(&variant, &changed).is_some());
        };
        for position in 0..message.target.len() {
            let mut target = message.target.clone().into_bytes();
            target[position] ^= 1;
            count(Message { target: String::from_utf8(target).unwrap(), ..message.clone() });
        }
        for field in 0..message.fields.len() {
            for position in 0..message.fields[field].1.len() {
                let mut changed = message.clone();
                changed.fields[field].1[position] ^= 1;
                count(changed);
            }
        }
        for position in 0..message.body.len() {
            let mut changed = message.clone();
            changed.body[position] ^= 1;
            count(changed);
        }
        println!("{} {} {}: {bound} of {all} bytes bound", variant.description.id, draft.method, draft.path);
        // Content-Type and the like are free everywhere, a credential nowhere.
        assert!(bound > 20 && (bound < all || draft.body.is_empty()), "{bound} of {all}");
    }
}
