//! What a profile says of a live target (vectors/README.md, "Worlds and profiles"): hooks, permissions, claims that it
//! wants beside the scheme's, and the types that it wants written.

use bearproof_scheme::description::{Place, Type};
use bearproof_scheme::document::Fault;
use bearproof_scheme::sign::{Draft, sign};
use bearproof_scheme::world::{Hook, Hooks, Permission};
use bearproof_scheme::{Description, World, description, world};

use crate::common::{Nothing, signer};

const SCHEME: &str = r#"
format = 1
title = "a target with wishes"
[credential]
name   = "text"
secret = "secret"
[token]
format = "jws"
alg    = "HS256"
key    = "credential.secret"
[claims.sub]
from       = "credential.name"
identifies = true
[claims.exp]
time     = "expires"
lifetime = "1m"
type     = ["seconds", "seconds-text"]
[field.authorization]
auth-scheme = "Bearer"
from        = "token"
[refusal]
"*" = { status = 401 }
"#;

const WORLD: &str = r#"format = 1
origin = "https://api.example"
[credential.primary]
name   = "n"
secret = "a-fake-secret-of-more-than-32-bytes-2"
[endpoint.read]
method = "GET"
path   = "/"
"#;

fn load(more: &str) -> Result<(Description, World), Fault> {
    let mut d = description::load("inline", "scheme.toml", SCHEME, &[])?;
    let w = world::load(&d, "world.toml", &format!("{WORLD}{more}"), &Nothing)?;
    d.adapt(&w);
    Ok((d, w))
}

#[track_caller]
fn assert_refused(more: &str, message: &str, remedy: &str) {
    let fault = load(more).err().unwrap_or_else(|| panic!("it was read; expected `{message}`"));
    assert!(fault.message.contains(message), "`{}` says `{message}`", fault.message);
    assert!(fault.remedy.contains(remedy), "`{}` says `{remedy}`", fault.remedy);
    assert!(fault.line > WORLD.lines().count(), "{fault}");
}

fn request(url: &str) -> Option<Hook> {
    Some(Hook::Request { method: "POST".into(), url: url.into() })
}

#[test]
fn hooks_are_commands_or_requests() {
    let more = "[connect]\ncontrol = \"http://127.0.0.1:9\"\n[connect.hooks]\n\
                revoke = [\"ctl\", \"end\", \"{role}\"]\nclock = \"PUT https://a.example/t?s={seconds}\"\n";
    let (_, w) = load(more).unwrap();
    let command = Hook::Command(["ctl", "end", "{role}"].map(String::from).to_vec());
    let put = Hook::Request { method: "PUT".into(), url: "https://a.example/t?s={seconds}".into() };
    let own = Hooks { revoke: Some(command), clock: Some(put), forget: None };
    assert_eq!(w.connect.hooks, own);
    // Those given one by one go before those of `control`.
    assert_eq!(w.connect.all_hooks(), Hooks { forget: request("http://127.0.0.1:9/forget"), ..own });
    let (_, w) = load("[connect]\ncontrol = \"http://127.0.0.1:9\"\n").unwrap();
    let revoke = request("http://127.0.0.1:9/revoke?role={role}");
    let clock = request("http://127.0.0.1:9/clock?advance={seconds}");
    let forget = request("http://127.0.0.1:9/forget");
    assert_eq!(w.connect.all_hooks(), Hooks { revoke, clock, forget });
    assert_eq!(load("").unwrap().1.connect.all_hooks(), Hooks::default());
}

#[test]
fn what_is_no_hook_is_refused() {
    let remedy = "\"POST https://admin.example/revoke?role={role}\"";
    for (hook, message) in [
        ("[]", "a command without a program"),
        ("[\"\", \"x\"]", "a command without a program"),
        ("\"POST\"", "`POST` is no hook"),
        ("\"post https://a.example\"", "is no hook"),
        ("\" https://a.example\"", "is no hook"),
        ("\"POST ftp://a.example\"", "is no hook"),
        ("\"POST https://a.example/ x\"", "is no hook"),
        ("\"POST https://a.example/#x\"", "is no hook"),
    ] {
        assert_refused(&format!("[connect.hooks]\nrevoke = {hook}\n"), message, remedy);
    }
}

#[test]
fn permissions_are_given_by_name() {
    assert_eq!(Permission::ALL.map(Permission::name), ["side-effects", "denial-of-service", "injection"]);
    let (_, w) = load("[connect]\npermit = [\"injection\", \"side-effects\"]\n").unwrap();
    assert_eq!(w.connect.permit, [Permission::Injection, Permission::SideEffects]);
    assert_refused("[connect]\npermit = [\"everything\"]\n", "unknown word `everything`", "injection");
}

#[test]
fn extra_claims_are_in_each_token_as_they_are_written() {
    let more = "[extra-claims]\naud = \"https://api.example\"\nver = 3\nscopes = [\"a\", \"b\"]\n";
    let (d, w) = load(more).unwrap();
    let kinds: Vec<(&str, Type)> =
        d.parts.iter().filter(|p| p.place == Place::Claims).map(|p| (p.name.as_str(), p.types[0])).collect();
    assert_eq!(
        kinds,
        [
            ("sub", Type::String),
            ("exp", Type::Seconds),
            ("aud", Type::String),
            ("ver", Type::Integer),
            ("scopes", Type::List)
        ]
    );
    let claims = claims(&d, &w);
    assert_eq!(
        claims, r#"{"sub":"n","exp":1060,"aud":"https://api.example","ver":3,"scopes":["a","b"]}"#,
        "in this order, which is that of the profile"
    );
    assert_refused("[extra-claims]\nsub = \"x\"\n", "the scheme itself says what `sub` is", "leave it out");
    for blank in ["\"a b\"", "\"\""] {
        assert_refused(
            &format!("[extra-claims]\nx = [{blank}]\n"),
            "can't stand in a list",
            "without blanks",
        );
    }
    // A field of the same name is no claim.
    assert!(load("[extra-claims]\nauthorization = \"x\"\n").is_ok());
}

#[test]
fn a_type_that_the_document_leaves_open_is_written_as_the_profile_says() {
    let (d, w) = load("[types]\n\"claims.exp\" = \"seconds-text\"\n").unwrap();
    let exp = d.parts.iter().find(|p| p.path() == "claims.exp").unwrap();
    assert_eq!(exp.types, [Type::SecondsText, Type::Seconds], "the other one is read all the same");
    assert_eq!(claims(&d, &w), r#"{"sub":"n","exp":"1060"}"#);
    assert_refused("[types]\n\"claims.exp\" = \"rfc3339\"\n", "unknown word `rfc3339`", "seconds-text");
    let none = "leaves no choice of a type for `claims.sub`";
    assert_refused("[types]\n\"claims.sub\" = \"string\"\n", none, "claims.exp");
}

/// The claims of a fresh token at second 1000.
fn claims(d: &Description, w: &World) -> String {
    let signer = signer(d, w, "primary");
    let (_, trace) =
        sign(&signer, &Draft::of(w, w.endpoint("read").unwrap())).map_err(|e| e.to_string()).unwrap();
    let (_, claims) = trace.into_iter().find(|(name, _)| name == "claims").unwrap();
    String::from_utf8(claims.clone()).unwrap()
}
