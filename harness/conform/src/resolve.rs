//! Resolves meanings against a description: which part is the expiry, what the scheme can do.
//! It must not know any recipe.

use bearproof_scheme::Description;
use bearproof_scheme::description::{Alg, Format, OperationKind, Part, Place, Rule, Source, TimeRule};
use bearproof_scheme::world::World;

use crate::recipe::{Meaning, Target};

/// All words that `where` knows, beside `role NAME` and `endpoint NAME`.
pub const CAPABILITIES: [&str; 40] = [
    "token",
    "jws",
    "jwe",
    "opaque",
    "sealed",
    "expiry",
    "issued-at",
    "not-before",
    "at-most",
    "nonce",
    "single-use",
    "body-binding",
    "path-binding",
    "keyed-binding",
    "caller-key",
    "platform-key",
    "asymmetric",
    "hmac",
    "hs256",
    "identity",
    "identity-copy",
    "optional-copy",
    "identity-in-claims",
    "identity-in-field",
    "auth-scheme",
    "field-carrier",
    "bare-key",
    "body-carrier",
    "issue",
    "register",
    "revoke",
    "token-operation",
    "access",
    "https",
    "get-binding",
    "get-single-use",
    "method-binding",
    "query-binding",
    "rs256",
    "allows-delete",
];

/// Whether the scheme, in its world, has a capability.
pub fn has(d: &Description, world: &World, word: &str) -> bool {
    if let Some(role) = word.strip_prefix("role ") {
        return world.credential(role).is_some();
    }
    if let Some(role) = word.strip_prefix("endpoint ") {
        return world.endpoint(role).is_some();
    }
    let format = |f: Format| d.token.as_ref().is_some_and(|t| t.format == f);
    let alg = d.token.as_ref().map(|t| t.alg);
    let operation = |kind| d.operations.iter().any(|o| o.kind == kind);
    let meaning = |m| find(d, &Target::Meaning(m)).is_some();
    let identity_at = |place| find(d, &Target::Meaning(Meaning::Identity)).is_some_and(|p| p.place == place);
    let reads = |wanted: &[Source]| {
        d.parts.iter().filter_map(Part::pipeline).any(|p| p.sources().any(|s| wanted.contains(s)))
    };
    match word {
        "token" => d.token.is_some(),
        "jws" => format(Format::Jws),
        "jwe" => format(Format::Jwe),
        "opaque" => format(Format::Opaque),
        "sealed" => format(Format::Jwe) || format(Format::Opaque),
        "expiry" => meaning(Meaning::Expiry),
        "issued-at" => meaning(Meaning::IssuedAt),
        "not-before" => meaning(Meaning::NotBefore),
        "at-most" => d.parts.iter().any(|p| p.at_most.is_some()),
        "nonce" => meaning(Meaning::Nonce),
        "single-use" => d.parts.iter().any(|p| p.single_use),
        "body-binding" => meaning(Meaning::BodyBinding),
        "path-binding" => meaning(Meaning::PathBinding),
        "keyed-binding" => {
            binding(d).and_then(Part::pipeline).is_some_and(bearproof_scheme::description::Pipeline::keyed)
        }
        "get-binding" => d.parts.iter().any(|p| p.binds().is_some() && p.applies("GET", false, false)),
        "get-single-use" => d.parts.iter().any(|p| p.single_use && p.applies("GET", false, false)),
        "method-binding" => reads(&[Source::Method]),
        "query-binding" => reads(&[Source::Query, Source::Target]),
        "rs256" => alg == Some(Alg::Rs256),
        "allows-delete" => d.transport.methods.iter().any(|m| m == "DELETE"),
        "caller-key" => d.caller_key(),
        "platform-key" => d.token.is_some() && !d.caller_key(),
        "asymmetric" => alg.is_some_and(|a| !a.is_hmac() && a != Alg::DirA256Gcm),
        "hmac" => alg.is_some_and(Alg::is_hmac),
        "hs256" => alg == Some(Alg::Hs256),
        "identity" => meaning(Meaning::Identity),
        "identity-copy" => meaning(Meaning::IdentityCopy),
        "optional-copy" => find(d, &Target::Meaning(Meaning::IdentityCopy)).is_some_and(|p| p.optional),
        "identity-in-claims" => identity_at(Place::Claims),
        "identity-in-field" => identity_at(Place::Field),
        "auth-scheme" => carrier(d).is_some_and(|p| p.auth_scheme.is_some()),
        "field-carrier" => carrier(d).is_some_and(|p| p.place == Place::Field),
        "bare-key" => d.token.is_none() && carrier(d).is_some_and(|p| p.place == Place::Field),
        "body-carrier" => carrier(d).is_some_and(|p| p.place == Place::Body),
        "issue" => operation(OperationKind::Issue),
        "register" => operation(OperationKind::Register),
        "revoke" => d.revocation().is_some(),
        "token-operation" => token_operation(d).is_some(),
        "access" => !d.access.is_empty(),
        "https" => d.transport.https,
        _ => false,
    }
}

/// The name of the operation that answers with a token; an `issue` before others.
pub fn token_operation(d: &Description) -> Option<&str> {
    let answers = |o: &&bearproof_scheme::description::Operation| {
        o.answers.iter().any(|a| a.pipeline().and_then(|p| p.single()) == Some(&Source::Token))
    };
    let issue = d.operations.iter().filter(answers).find(|o| o.kind == OperationKind::Issue);
    issue.or_else(|| d.operations.iter().find(answers)).map(|o| o.name.as_str())
}

/// The part that carries the token, or the bare secret.
pub fn carrier(d: &Description) -> Option<&Part> {
    let single = |p: &Part| p.pipeline().and_then(|p| p.single()).cloned();
    let outer = |p: &&Part| matches!(p.place, Place::Field | Place::Body);
    let of_token = d.parts.iter().filter(outer).find(|p| single(p) == Some(Source::Token));
    of_token.or_else(|| {
        d.parts.iter().filter(outer).find(|p| match single(p) {
            Some(Source::Credential(name)) => {
                matches!(
                    d.credential_kind(&name),
                    Some(
                        bearproof_scheme::description::Kind::Secret
                            | bearproof_scheme::description::Kind::Key
                    )
                )
            }
            _ => false,
        })
    })
}

fn binding(d: &Description) -> Option<&Part> {
    d.parts.iter().find(|p| p.reads_body())
}

/// The part that a target means; `None` if the scheme has none. `each …` has its own function.
pub fn find<'d>(d: &'d Description, target: &Target) -> Option<&'d Part> {
    let time = |rule: TimeRule| {
        d.parts
            .iter()
            .find(move |p| matches!(&p.rule, Rule::Time(r) if *r == rule) && p.place == Place::Claims)
    };
    match target {
        Target::Exact(place, name) => d.parts.iter().find(|p| p.place == *place && p.name == *name),
        Target::Meaning(meaning) => match meaning {
            Meaning::Expiry => time(TimeRule::Expires),
            Meaning::IssuedAt => time(TimeRule::Issued),
            Meaning::NotBefore => time(TimeRule::NotBefore),
            Meaning::Nonce => d.parts.iter().find(|p| matches!(p.rule, Rule::Nonce(_))),
            Meaning::Identity => d.parts.iter().find(|p| p.identifies),
            Meaning::IdentityCopy => {
                let identity = d.parts.iter().find(|p| p.identifies)?;
                let source = identity.pipeline()?.single()?;
                d.parts
                    .iter()
                    .find(|p| !p.identifies && p.pipeline().and_then(|p| p.single()) == Some(source))
            }
            Meaning::BodyBinding => binding(d),
            Meaning::PathBinding => {
                let path = |p: &&Part| p.binds() == Some(bearproof_scheme::description::Binding::Path);
                d.parts.iter().find(path)
            }
            Meaning::Carrier => carrier(d),
            Meaning::EachRequired | Meaning::EachClaim | Meaning::EachProof | Meaning::EachInput => None,
        },
    }
}

/// The parts that an `each` target means, as exact targets; `None` if the target is no `each`.
pub fn each(d: &Description, operation: Option<&str>, target: &Target) -> Option<Vec<Target>> {
    let Target::Meaning(meaning) = target else { return None };
    let exact = |p: &Part| Target::Exact(p.place, p.name.clone());
    let inputs =
        || operation.and_then(|name| d.operation(name)).map(|o| o.parts.as_slice()).unwrap_or_default();
    let mut found: Vec<Target> = match meaning {
        Meaning::EachRequired => d.parts.iter().filter(|p| !p.optional).map(exact).collect(),
        Meaning::EachClaim => {
            d.parts.iter().filter(|p| !p.optional && p.place == Place::Claims).map(exact).collect()
        }
        Meaning::EachProof => inputs().iter().filter(|p| !p.identifies && !p.optional).map(exact).collect(),
        Meaning::EachInput => {
            inputs().iter().filter(|p| !p.optional && p.place == Place::Body).map(exact).collect()
        }
        _ => return None,
    };
    let mut seen = Vec::new();
    found.retain(|target| {
        let new = !seen.contains(target);
        seen.push(target.clone());
        new
    });
    Some(found)
}
