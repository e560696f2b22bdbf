//! What operations answer, and what a signed message has beside the scheme's parts (vectors/README.md): members by name
//! or JSON Pointer (RFC 6901), claims in a form of their own, and the fields of a body.

use bearproof_scheme::description::Place;
use bearproof_scheme::sign::{Draft, Written, signed};
use bearproof_scheme::{Description, Message, Reference, World};

use crate::common::{Nothing, described, signer, world_of};

const SCHEME: &str = r#"
format = 1
title = "a login with a rich answer"
[credential]
name     = "text"
password = "secret"
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
lifetime = "1m"
[field.authorization]
auth-scheme = "Bearer"
from        = "token"
[issue.login]
guarded = false
body.user     = { from = "credential.name", identifies = true }
body.password = { from = "credential.password" }
answer."/data/token" = { from = "token" }
answer."/data/until" = { from = "claims.exp", type = "rfc3339" }
answer."/data/user/name" = { from = "claims.sub" }
answer.token = { from = "token" }
answer.ends  = { from = "claims.exp", type = "seconds" }
[refusal]
"*" = { status = 401 }
"#;

const WORLD: &str = r#"
format = 1
origin = "https://api.example"
[platform.primary]
key = "a-fake-secret-of-more-than-32-bytes-4"
[credential.primary]
name     = "n"
password = "a-fake-password"
[endpoint.login]
method = "POST"
path   = "/login"
[endpoint.write]
method = "POST"
path   = "/things/{id}"
body   = "{}"
parameters = { id = "a b" }
[endpoint.typed]
method = "PUT"
path   = "/things"
body   = "<x/>"
fields = { content-TYPE = "text/xml" }
[endpoint.read]
method = "GET"
path   = "/things"
"#;

fn loaded() -> (Description, World) {
    let d = described(SCHEME);
    let w = world_of(&d, WORLD);
    (d, w)
}

#[test]
fn an_operation_answers_with_members_by_name_and_by_pointer() {
    let (d, w) = loaded();
    let login = Message {
        secure: true,
        method: "POST".into(),
        target: "/login".into(),
        fields: vec![("Host".into(), b"api.example".to_vec())],
        body: br#"{"user":"n","password":"a-fake-password"}"#.to_vec(),
    };
    let message = signed(&signer(&d, &w, "primary"), &Draft::of(&w, w.endpoint("read").unwrap())).unwrap();
    let answer = Reference::strict(d, w).handle(&login.request(), 1000, &Nothing);
    assert_eq!((answer.status, answer.refused), (200, None));
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    // The same claims at the same second, so the same token as our signer makes.
    let line = message.fields.iter().find(|(name, _)| name == "authorization").unwrap();
    let token = String::from_utf8(line.1.clone()).unwrap().replace("Bearer ", "");
    let until = "1970-01-01T00:17:40Z";
    let expected = serde_json::json!({
        "data": { "token": token, "until": until, "user": { "name": "n" } },
        "token": token,
        "ends": 1060,
    });
    assert_eq!(body, expected);
}

#[test]
fn a_body_has_a_type_and_one_that_is_given_stays() {
    let (d, w) = loaded();
    for (role, expected) in [("write", &["application/json"][..]), ("typed", &["text/xml"]), ("read", &[])] {
        let message = signed(&signer(&d, &w, "primary"), &Draft::of(&w, w.endpoint(role).unwrap())).unwrap();
        let types: Vec<String> = message
            .fields
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("content-type"))
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
            .collect();
        assert_eq!(types, expected, "{role}");
    }
}

#[test]
fn a_parameter_stands_in_the_path_percent_encoded_and_another_value_takes_its_place() {
    let (d, w) = loaded();
    let (signer, draft) = (signer(&d, &w, "primary"), Draft::of(&w, w.endpoint("write").unwrap()));
    assert_eq!(signed(&signer, &draft).unwrap().target, "/things/a%20b");
    let given = Written::given(Place::Parameter, "id", "\"c\\u002Fd\"");
    assert_eq!((given.bytes.as_slice(), given.json.as_str()), (&b"c/d"[..], "\"c\\u002Fd\""));
    assert_eq!(signer.message(&d.parts, &draft, &[given], None).unwrap().target, "/things/c%2Fd");
}

/// What is given as JSON is a text's letters where it is a text, and itself where it is anything else, JSON or not.
#[test]
fn a_given_value_is_the_letters_of_its_text() {
    for (json, bytes) in
        [("\"a\\n\"", "a\n"), ("1.50", "1.50"), ("[\"a\"]", "[\"a\"]"), ("{oops", "{oops"), ("", "")]
    {
        let given = Written::given(Place::Claims, "x", json);
        assert_eq!((given.bytes.as_slice(), given.json.as_str()), (bytes.as_bytes(), json));
    }
}

/// RFC 6750 section 3.1: no error code where no credential was given; RFC 9110 section 15.5.2: a 401 has a challenge.
#[test]
fn a_challenge_says_whether_a_credential_was_wrong() {
    let (d, w) = loaded();
    let good = signed(&signer(&d, &w, "primary"), &Draft::of(&w, w.endpoint("read").unwrap())).unwrap();
    let reference = Reference::strict(d, w);
    let challenge = |line: Option<&str>| {
        let mut message = good.clone();
        message.fields.retain(|(name, _)| name != "authorization");
        message.fields.extend(line.map(|line| ("authorization".to_string(), line.as_bytes().to_vec())));
        let answer = reference.handle(&message.request(), 1000, &Nothing);
        assert_eq!(answer.status, 401);
        answer.fields.into_iter().find(|(name, _)| name == "WWW-Authenticate").map(|(_, value)| value)
    };
    assert_eq!(challenge(None).as_deref(), Some("Bearer"));
    assert_eq!(challenge(Some("Bearer a.b.c")).as_deref(), Some("Bearer error=\"invalid_token\""));
}
