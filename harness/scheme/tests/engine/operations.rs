//! Operations (vectors/README.md): logins that ask access rules, registrations that update or add, revocations, and what
//! is answered where an endpoint does not exist. Times are of second 1000.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearproof_scheme::description::Place;
use bearproof_scheme::sign::{Draft, Trace};
use bearproof_scheme::{Message, Reference, description};

use crate::common::{Nothing, described, reference, signer, world_of};

const SCHEME: &str = r#"
format = 1
title = "logins of tenants"
[credential]
name     = "text"
password = "secret"
tenants  = "list"
days     = "integer"
level    = "integer"
[platform]
key = "secret"
[token]
format = "jws"
alg    = "HS256"
key    = "platform.key"
[claims.sub]
from       = "credential.name"
identifies = true
[claims.exp]
time     = "expires"
lifetime = "credential.days"
[claims.tenants]
from = "credential.tenants"
type = "list"
[claims.level]
from = "credential.level"
type = "integer"
[field.authorization]
auth-scheme = "Bearer"
from        = "token"
[issue.login]
guarded = false
body.user     = { from = "credential.name", identifies = true }
body.password = { from = "credential.password" }
answer.token  = { from = "token" }
[register.life]
guarded = true
body.user = { from = "credential.name", identifies = true }
body.days = { from = "credential.days", type = "integer" }
answer.token = { from = "token" }
[access.tenant]
granted  = "claims.tenants"
required = "request.parameter.tenant"
[access.level]
granted  = "claims.level"
required = "endpoint.level"
[refusal]
"*" = { status = 401 }
"#;

const WORLD: &str = r#"
format = 1
origin = "https://api.example"
[platform.primary]
key = "a-fake-secret-of-more-than-32-bytes-8"
[credential.primary]
name     = "n"
password = "a-fake-password"
tenants  = ["t1", "t2"]
days     = 60
level    = 3
[endpoint.login]
method = "POST"
path   = "/{kind}/{tenant}/login"
parameters = { kind = "x", tenant = "t1" }
[endpoint.life]
method = "PUT"
path   = "/life"
[endpoint.read]
method = "GET"
path   = "/{kind}/{tenant}/read"
parameters = { kind = "x", tenant = "t1" }
"#;

fn call(method: &str, target: &str, token: Option<&str>, body: &str) -> Message {
    let mut fields = vec![("Host".to_string(), b"api.example".to_vec())];
    fields.extend(token.map(|token| ("Authorization".to_string(), format!("Bearer {token}").into_bytes())));
    Message { secure: true, method: method.into(), target: target.into(), fields, body: body.into() }
}

/// Status, reason or `accept`, and the token of the answer.
fn asked(reference: &Reference, message: &Message) -> (u16, String, String) {
    let answer = reference.handle(&message.request(), 1000, &Nothing);
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let token = body.get("token").and_then(|t| t.as_str()).unwrap_or_default().to_string();
    (answer.status, answer.refused.unwrap_or_else(|| "accept".into()), token)
}

fn claims(token: &str) -> serde_json::Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

const LOGIN: &str = r#"{"user":"n","password":"a-fake-password"}"#;

/// What the token would say is compared with what this endpoint wants, and each parameter by its own name.
#[test]
fn a_login_asks_the_access_rules() {
    let reference_with = |attributes: &str| {
        reference(SCHEME, &WORLD.replace("/login\"\n", &format!("/login\"\n{attributes}\n")))
    };
    for (target, attributes, expected) in [
        ("/x/t1/login", "", "accept"),
        ("/t9/t2/login", "", "accept"),
        ("/t1/t3/login", "", "access.tenant"),
        ("/x/t1/login", "level = \"3\"", "accept"),
        ("/x/t1/login", "level = \"4\"", "access.level"),
    ] {
        let (_, seen, token) = asked(&reference_with(attributes), &call("POST", target, None, LOGIN));
        assert_eq!(seen, expected, "{target} {attributes}");
        assert_eq!(token.is_empty(), expected != "accept", "{target}");
    }
}

/// What is registered for a token is said in that token; what is not answered with one is kept.
#[test]
fn a_registration_changes_the_token_that_it_answers_or_those_that_come_later() {
    let kept = SCHEME.replace(
        "body.days = { from = \"credential.days\", type = \"integer\" }\nanswer.token = { from = \"token\" }",
        "body.days = { from = \"credential.days\", type = \"integer\" }",
    );
    assert_ne!(kept, SCHEME);
    for (scheme, answered, later) in [(SCHEME, Some(1090), 1060), (kept.as_str(), None, 1090)] {
        let reference = reference(scheme, WORLD);
        let login = call("POST", "/x/t1/login", None, LOGIN);
        let (_, _, token) = asked(&reference, &login);
        let said = serde_json::json!({ "sub": "n", "exp": 1060, "tenants": ["t1", "t2"], "level": 3 });
        assert_eq!(claims(&token), said);
        let life = |days: &str| {
            let body = format!(r#"{{"user":"n","days":{days}}}"#);
            asked(&reference, &call("PUT", "/life", Some(&token), &body))
        };
        // A lifetime is a whole number of seconds above zero that a token can have.
        for wrong in ["0", "-5", "\"90\"", "9.5", "99999999999999999999", "253402300799"] {
            assert_eq!(life(wrong).1, "proof.malformed", "{wrong}");
        }
        assert_eq!(claims(&asked(&reference, &login).2)["exp"], 1060);
        let (status, seen, token) = life("90");
        assert_eq!((status, seen.as_str()), (200, "accept"));
        assert_eq!((!token.is_empty()).then(|| claims(&token)["exp"].as_u64().unwrap()), answered);
        assert_eq!(claims(&asked(&reference, &login).2)["exp"], later);
        assert_eq!(life("253402299799").1, "accept", "the last second of the year 9999");
    }
}

/// Every scheme answers 404 to a good request for what does not exist, unless it says otherwise.
#[test]
fn what_does_not_exist_is_404_unless_the_scheme_says_otherwise() {
    let good = |scheme: &str, target: &str, status: u16| {
        let reference = reference(scheme, WORLD);
        let (_, _, token) = asked(&reference, &call("POST", "/x/t1/login", None, LOGIN));
        let (seen, reason, _) = asked(&reference, &call("GET", target, Some(&token), ""));
        assert_eq!((seen, reason.as_str()), (status, "access.no-endpoint"));
    };
    good(SCHEME, "/nowhere", 404);
    let more = |refusal: &str| SCHEME.replace("\"*\" =", &format!("{refusal}\n\"*\" ="));
    good(&more("\"access.no-endpoint\" = { status = 410 }"), "/nowhere", 410);
    good(&more("\"access.*\" = { status = 403 }"), "/nowhere", 403);
}

/// What a path parameter is computed to be stands in the path, and what is bound to the path sees it there.
#[test]
fn a_computed_parameter_takes_the_place_of_the_worlds() {
    let scheme = SCHEME
        .replace("[field.authorization]", "[claims.path]\nfrom = \"request.path\"\n[field.authorization]")
        .replace("[refusal]", "[revoke.end]\nguarded = true\nparameter.id = { from = \"credential.name\", identifies = true }\nbody.why = { from = \"credential.name\", optional = true }\n[refusal]");
    let world = format!(
        "{WORLD}[endpoint.end]\nmethod = \"DELETE\"\npath = \"/{{kind}}/{{id}}\"\nbody = \"{{}}\"\n\
         parameters = {{ kind = \"x\", id = \"other\" }}\n"
    );
    let d = described(&scheme);
    let w = world_of(&d, &world);
    let signer = signer(&d, &w, "primary");
    let draft = Draft::of(&w, w.endpoint("end").unwrap());
    let parts = signer.operation_parts(d.operation("end").unwrap());
    let paths: Vec<String> = parts.iter().map(description::Part::path).collect();
    let own = ["parameter.id", "body.why"];
    let all =
        ["claims.sub", "claims.exp", "claims.tenants", "claims.level", "claims.path", "field.authorization"];
    assert_eq!(paths, [&own[..], &all[..]].concat());
    let login: Vec<String> =
        signer.operation_parts(d.operation("login").unwrap()).iter().map(description::Part::path).collect();
    assert_eq!(login, ["body.user", "body.password"], "it is not guarded");
    let written = signer.parts(&parts, &draft, &[], &mut Trace::none()).unwrap();
    let claim = written.iter().find(|w| w.place == Place::Claims && w.name == "path").unwrap();
    assert_eq!(claim.bytes, b"/x/n");
    assert_eq!(signer.message(&parts, &draft, &written, Some("t")).unwrap().target, "/x/n");
}
