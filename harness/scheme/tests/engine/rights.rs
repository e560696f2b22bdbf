//! What a caller may do, written in every way that access rules have (vectors/README.md): lists in any order, claims as
//! the platform would write them, templates of a value, and what an administrator changes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearproof_scheme::description::Place;
use bearproof_scheme::sign::{Draft, sign};
use bearproof_scheme::{Description, Message, Reference, World, description, world};

use crate::common::{Nothing, described, signer, world_of};

const SCHEME: &str = r#"
format = 1
title = "rights"
[credential]
name   = "text"
secret = "secret"
rights = "list"
level  = "integer"
[token]
format = "jws"
alg    = "HS256"
key    = "credential.secret"
[claims.sub]
from       = "credential.name"
identifies = true
[claims.rights]
from = "credential.rights"
type = "list"
[claims.level]
from = "credential.level"
type = "integer"
[claims.bound]
from = "a{request.method}{request.path}b"
[claims.plain]
from = ["{request.method}", "hex"]
[field.authorization]
auth-scheme = "Bearer"
from        = "token"
[access.right]
granted  = "credential.rights"
required = "endpoint.rights"
[access.said]
granted  = "claims.rights"
required = "endpoint.said"
[access.level]
granted  = "claims.level"
required = "endpoint.level"
[refusal]
"*" = { status = 401 }
"#;

const WORLD: &str = r#"
format = 1
origin = "https://api.example"
[credential.primary]
name   = "n"
secret = "a-fake-secret-of-more-than-32-bytes-5"
rights = ["read", "list"]
level  = 2
[credential.next]
name   = "m"
secret = "a-fake-secret-of-more-than-32-bytes-6"
rights = ["read"]
level  = 1
state  = "disabled"
"#;

fn loaded(attributes: &str) -> (Description, World) {
    let d = described(SCHEME);
    let text = format!("{WORLD}[endpoint.read]\nmethod = \"GET\"\npath = \"/x\"\n{attributes}\n");
    let w = world_of(&d, &text);
    (d, w)
}

/// The good request of a caller, and the claims of its token.
fn signed(d: &Description, w: &World, role: &str) -> (Message, String) {
    let signer = signer(d, w, role);
    let (message, trace) = sign(&signer, &Draft::of(w, w.endpoint("read").unwrap())).unwrap();
    let (_, claims) = trace.into_iter().find(|(name, _)| name == "claims").unwrap();
    (message, String::from_utf8(claims.clone()).unwrap())
}

fn said(reference: &Reference, message: &Message) -> String {
    let answer = reference.handle(&message.request(), 1000, &Nothing);
    answer.refused.unwrap_or_else(|| "accept".into())
}

#[test]
fn a_right_is_found_among_those_that_are_had() {
    for (attributes, expected) in [
        ("", "accept"),
        ("rights = [\"list\", \"read\"]", "accept"),
        ("rights = \"read\"", "accept"),
        ("rights = []", "accept"),
        ("rights = [\"rea\"]", "access.right"),
        ("rights = [\"read\", \"write\"]", "access.right"),
        ("said = [\"list\", \"read\"]", "accept"),
        ("said = [\"write\"]", "access.said"),
        ("level = \"2\"", "accept"),
        ("level = \"3\"", "access.level"),
    ] {
        let (d, w) = loaded(attributes);
        let (message, _) = signed(&d, &w, "primary");
        assert_eq!(said(&Reference::strict(d, w), &message), expected, "{attributes}");
    }
}

/// A list of nothing is covered by any list, but not by what is no list: who has no such claim may do nothing.
#[test]
fn a_list_of_nothing_is_covered_by_any_list_and_by_nothing_else() {
    let scheme = SCHEME
        .replace("rights = \"list\"\n", "rights = \"list\"\nmore   = \"list\"\n")
        .replace("[field.authorization]", "[claims.more]\nfrom = \"credential.more\"\ntype = \"list\"\noptional = true\n[field.authorization]")
        .replace("[access.said]\ngranted  = \"claims.rights\"", "[access.said]\ngranted  = \"claims.more\"");
    let d = described(&scheme);
    for (more, said_of, expected) in [
        ("more = [\"x\"]", "said = []", "accept"),
        ("more = []", "said = []", "accept"),
        ("", "said = []", "access.said"),
        ("", "", "accept"),
    ] {
        let world = WORLD.replacen("level  = 2", &format!("level  = 2\n{more}"), 1);
        let text = format!("{world}[endpoint.read]\nmethod = \"GET\"\npath = \"/x\"\n{said_of}\n");
        let w = world_of(&d, &text);
        let (message, claims) = signed(&d, &w, "primary");
        assert_eq!(claims.contains("more"), !more.is_empty(), "{claims}");
        assert_eq!(said(&Reference::strict(d.clone(), w), &message), expected, "{more} {said_of}");
    }
}

/// The strict reference reads every message as it is.
#[test]
fn nothing_stands_in_front_of_the_strict_reference() {
    let (d, w) = loaded("");
    let (message, _) = signed(&d, &w, "primary");
    assert_eq!(Reference::strict(d, w).reads_otherwise(&message), None);
}

/// A weak one that takes the carrier from the first of two lines reads a message with one as it is.
#[test]
fn a_weak_reference_says_whether_it_reads_another_message() {
    let (d, w) = loaded("");
    let (message, _) = signed(&d, &w, "primary");
    let mut twice = message.clone();
    let line = twice.fields.iter().find(|(name, _)| name == "authorization").unwrap().clone();
    twice.fields.push((line.0, b"Bearer another".to_vec()));
    let weakness =
        bearproof_scheme::weakness::all(&d, &w).into_iter().find(|w| w.id.ends_with("/first-of-two"));
    let weak = Reference::weak(d, w, &weakness.unwrap());
    assert_eq!((weak.reads_otherwise(&message), weak.reads_otherwise(&twice)), (Some(false), Some(true)));
}

/// What the caller lacks is named, unless the part may be left out.
#[test]
fn what_can_not_be_signed_says_why() {
    let world = |lacks: &str| {
        let text = format!("{WORLD}[endpoint.read]\nmethod = \"GET\"\npath = \"/x\"\n");
        let d = described(SCHEME);
        let mut w = world_of(&d, &text);
        for credential in &mut w.credentials {
            credential.values.retain(|(name, _)| **name != *lacks);
        }
        (d, w)
    };
    let why = |lacks: &str| {
        let (d, w) = world(lacks);
        let signer = signer(&d, &w, "primary");
        sign(&signer, &Draft::of(&w, w.endpoint("read").unwrap())).err().map(|e| e.to_string())
    };
    assert_eq!(why("nothing"), None);
    assert_eq!(
        why("level").as_deref(),
        Some("`claims.level` needs `credential.level`, which has no value here")
    );
    assert_eq!(why("secret").as_deref(), Some("the key does not fit the algorithm"));
}

/// A field that need not be there is not missing where it is empty: it has no documented form. The reason is one that the
/// check lists.
#[test]
fn an_optional_field_that_is_empty_is_malformed() {
    let scheme = SCHEME.replace(
        "[access.right]",
        "[field.x-name]\nfrom = \"credential.name\"\noptional = true\n[access.right]",
    );
    let d = described(&scheme);
    let text = format!("{WORLD}[endpoint.read]\nmethod = \"GET\"\npath = \"/x\"\n");
    let w = world_of(&d, &text);
    let (message, _) = signed(&d, &w, "primary");
    let reference = Reference::strict(d, w);
    let with = |line: Option<&str>| {
        let mut message = message.clone();
        message.fields.retain(|(name, _)| name != "x-name");
        message.fields.extend(line.map(|line| ("x-name".to_string(), line.as_bytes().to_vec())));
        said(&reference, &message)
    };
    assert_eq!((with(None), with(Some("n"))), ("accept".to_string(), "accept".to_string()));
    assert_eq!((with(Some("")), with(Some(" \t"))), ("carrier.malformed".into(), "carrier.malformed".into()));
    let row = reference.plan().rows().iter().find(|row| row.name == "field.x-name").unwrap();
    let listed: Vec<String> = row.reasons.iter().map(|reason| reference.plan().code(*reason)).collect();
    assert!(
        listed.contains(&"carrier.malformed".to_string()) && !listed.contains(&"carrier.missing".to_string())
    );
}

/// Where it is no JSON, a list is written with blanks between its items: one with a blank would become two.
#[test]
fn an_item_of_a_list_has_no_blank() {
    let d = described(SCHEME);
    for (old, new) in [("[\"read\"]", "[\"read all\"]"), ("[\"read\"]", "[\"\"]")] {
        let text = format!("{WORLD}[endpoint.read]\nmethod = \"GET\"\npath = \"/x\"\n");
        assert_eq!(text.matches(old).count(), 1);
        let fault = world::load(&d, "w.toml", &text.replace(old, new), &Nothing).err().unwrap();
        assert!(fault.message.contains("can't stand in a list"), "{fault}");
        assert_eq!((fault.line, fault.remedy.as_str()), (12, "write items without blanks"), "{fault}");
    }
}

#[test]
fn a_template_keeps_its_literals_and_its_order() {
    let (d, w) = loaded("");
    let (_, claims) = signed(&d, &w, "primary");
    let hex = "474554";
    assert_eq!(
        claims,
        format!(r#"{{"sub":"n","rights":["read","list"],"level":2,"bound":"aGET/xb","plain":"{hex}"}}"#)
    );
    let part = |name: &str| d.parts.iter().find(|p| p.place == Place::Claims && p.name == name).unwrap();
    assert!(part("sub").pipeline().unwrap().single().is_some());
    assert!(part("bound").pipeline().unwrap().single().is_none(), "it has literals");
    assert!(part("plain").pipeline().unwrap().single().is_none(), "it has a step");
    assert!(
        d.parts.iter().all(|p| p.pipeline().is_none_or(|pipeline| !pipeline.keyed())),
        "no part has a key"
    );
}

#[test]
fn an_administrator_ends_rotates_and_puts_back() {
    let (d, w) = loaded("");
    let ((old, _), (new, _)) = (signed(&d, &w, "primary"), signed(&d, &w, "next"));
    let reference = Reference::strict(d, w);
    let both = |reference: &Reference| (said(reference, &old), said(reference, &new));
    let pair = |one: &str, two: &str| (one.to_string(), two.to_string());
    assert_eq!(both(&reference), pair("accept", "key.disabled"));
    assert!(!reference.rotate("primary", "nobody") && !reference.rotate("nobody", "next"));
    assert_eq!(both(&reference), pair("accept", "key.disabled"), "who is not there changes nothing");
    assert!(reference.rotate("primary", "next"));
    assert_eq!(both(&reference), pair("key.revoked", "accept"));
    assert!(reference.revoke("next") && !reference.revoke("nobody"));
    assert_eq!(both(&reference), pair("key.revoked", "key.revoked"));
    reference.forget();
    assert_eq!(both(&reference), pair("accept", "key.disabled"));
}

/// A caller with a captured token makes nothing of the token himself.
#[test]
fn a_captured_token_brings_its_claims_along() {
    let scheme = SCHEME
        .replace("[token]", "[platform]\nkey = \"secret\"\n[token]")
        .replace("key    = \"credential.secret\"", "key    = \"platform.key\"");
    let d = described(&scheme);
    let token = format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode("{}"), URL_SAFE_NO_PAD.encode("{}"));
    let text = format!(
        "format = 1\norigin = \"https://api.example\"\n[credential.primary]\nname = \"n\"\n\
         captured-token = \"{token}\"\n[endpoint.read]\nmethod = \"GET\"\npath = \"/x\"\n"
    );
    let w = world_of(&d, &text);
    let signer = signer(&d, &w, "primary");
    let own: Vec<String> = signer.own_parts(&d.parts).iter().map(description::Part::path).collect();
    assert_eq!(own, ["field.authorization"]);
    let (message, _) = sign(&signer, &Draft::of(&w, w.endpoint("read").unwrap())).unwrap();
    let line = message.request().values("authorization").next().unwrap().to_vec();
    assert_eq!(line, format!("Bearer {token}").into_bytes());
}
