//! Words of the language (vectors/README.md) in schemes that no vendor has. Tokens are made here by hand, after
//! RFC 7515 appendix A.1, not by our signer.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearproof_scheme::{Message, Reference};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::common::{Nothing, reference};

/// What the reference says: `accept`, or the reason.
fn said(reference: &Reference, message: &Message) -> String {
    said_at(1000, reference, message)
}

fn said_at(now: u64, reference: &Reference, message: &Message) -> String {
    let answer = reference.handle(&message.request(), now, &Nothing);
    answer.refused.unwrap_or_else(|| "accept".into())
}

fn call(method: &str, target: &str, fields: &[(&str, &str)], body: &str) -> Message {
    let host = ("Host".to_string(), b"api.example".to_vec());
    let further = fields.iter().map(|(name, value)| ((*name).into(), value.as_bytes().to_vec()));
    Message {
        secure: true,
        method: method.into(),
        target: target.into(),
        fields: std::iter::once(host).chain(further).collect(),
        body: body.as_bytes().to_vec(),
    }
}

const SECRET: &str = "a-fake-secret-of-more-than-32-bytes-1";

fn token(header: &str, claims: &str) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

const BY_HEADER: &str = r#"
format = 1
title = "identity in the JOSE header"
[credential]
key_id = "text"
secret = "secret"
site   = "text"
rights = "list"
[token]
format = "jws"
alg    = "HS256"
key    = "credential.secret"
[header.typ]
constant = "JWT"
[header.form]
constant = "One"
[header.kid]
from       = "credential.key_id"
identifies = true
[header.site]
from     = "credential.site"
optional = true
[header.level]
nonce    = "u32"
optional = true
[claims.exp]
time     = "expires"
lifetime = "1m"
[header.scopes]
from     = "credential.rights"
optional = true
[claims.query]
from = ["request.query", "sha-256", "hex"]
when = ["request.query"]
[claims.method]
from = "request.method"
[claims.host]
from     = "request.host"
optional = true
[field.authorization]
auth-scheme = "Bearer"
from        = "token"
[access.right]
granted  = "credential.rights"
required = "endpoint.rights"
[access.scope]
granted  = "header.scopes"
required = "endpoint.scopes"
[access.level]
granted  = "header.level"
required = "endpoint.level"
[refusal]
"*" = { status = 401 }
"#;

const BY_HEADER_WORLD: &str = r#"
format = 1
origin = "https://api.example"
[credential.primary]
key_id = "k1"
secret = "a-fake-secret-of-more-than-32-bytes-1"
site   = "s1"
rights = ["read", "list"]
[credential.other]
key_id = "k2"
secret = "a-fake-secret-of-more-than-32-bytes-1"
site   = "s2"
rights = ["read"]
[endpoint.read]
method = "GET"
path   = "/things"
rights = ["read", "list"]
level  = "2"
[endpoint.scoped]
method = "GET"
path   = "/scoped"
scopes = ["list", "read"]
[endpoint.open]
method = "GET"
path   = "/open/{id}"
parameters = { id = "7" }
"#;

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT","form":"One","kid":"k1","level":2}"#;
const CLAIMS: &str = r#"{"exp":1060,"method":"GET"}"#;

#[track_caller]
fn assert_token(header: &str, claims: &str, method: &str, target: &str, expected: &str) {
    let line = format!("Bearer {}", token(header, claims));
    let message = call(method, target, &[("authorization", &line)], "");
    assert_eq!(said(&reference(BY_HEADER, BY_HEADER_WORLD), &message), expected, "{header} {claims}");
}

#[test]
fn header_parameters_are_compared() {
    for (old, new, expected) in [
        ("", "", "accept"),
        // RFC 7519 section 5.1: `typ` is a media type, compared without case. No other text is.
        ("JWT", "jwt", "accept"),
        ("JWT", "JOSE", "header.mismatch"),
        (r#""JWT""#, "7", "header.wrong-type"),
        (r#""typ":"JWT","#, "", "header.missing"),
        ("One", "one", "header.mismatch"),
        (r#""One""#, "1", "header.wrong-type"),
        (r#""k1""#, r#""k3""#, "key.unknown"),
        (r#""k1""#, "1", "header.wrong-type"),
        (r#""kid":"k1","#, "", "header.missing"),
        (r#""kid""#, r#""site":"s1","kid""#, "accept"),
        (r#""kid""#, r#""site":"s2","kid""#, "header.mismatch"),
        (r#""kid""#, r#""site":null,"kid""#, "header.wrong-type"),
    ] {
        assert_token(&HEADER.replacen(old, new, 1), CLAIMS, "GET", "/things", expected);
    }
}

#[test]
fn access_is_what_an_endpoint_asks_for() {
    let other = HEADER.replace("k1", "k2");
    assert_token(&other, CLAIMS, "GET", "/things", "access.right");
    assert_token(&other, CLAIMS, "GET", "/open/9", "accept");
    let scoped = |scopes: &str| HEADER.replace("\"level\"", &format!("\"scopes\":{scopes},\"level\""));
    assert_token(&scoped(r#"["read","list"]"#), CLAIMS, "GET", "/scoped", "accept");
    assert_token(&scoped(r#""read list""#), CLAIMS, "GET", "/scoped", "header.wrong-type");
    assert_token(HEADER, CLAIMS, "GET", "/scoped", "access.scope");
    assert_token(&HEADER.replace(":2", ":3"), CLAIMS, "GET", "/things", "access.level");
    assert_token(&HEADER.replace(":2", ":4294967296"), CLAIMS, "GET", "/things", "header.wrong-type");
    assert_token(&HEADER.replace(r#","level":2"#, ""), CLAIMS, "GET", "/things", "access.level");
    assert_token(&HEADER.replace(r#","level":2"#, ""), CLAIMS, "GET", "/open/9", "accept");
}

#[test]
fn an_endpoint_is_found_by_method_and_whole_path() {
    for target in ["/open", "/open/", "/open/9/", "/open/9/x", "/opens/9", "/thing", "/open/%zz", "//open/9"]
    {
        assert_token(HEADER, CLAIMS, "GET", target, "access.no-endpoint");
    }
    for target in ["/open/9", "/open/%2F", "/open/{id}"] {
        assert_token(HEADER, CLAIMS, "GET", target, "accept");
    }
}

#[test]
fn query_method_and_host_are_bound() {
    let hex = |text: &str| Sha256::digest(text).iter().map(|b| format!("{b:02x}")).collect::<String>();
    let with_query = |text: &str| CLAIMS.replacen('{', &format!(r#"{{"query":"{}","#, hex(text)), 1);
    assert_token(HEADER, &with_query("x=1"), "GET", "/things?x=1", "accept");
    assert_token(HEADER, &with_query("x=1"), "GET", "/things?x=2", "binding.query");
    assert_token(HEADER, &with_query("x=1"), "GET", "/things", "accept");
    assert_token(HEADER, CLAIMS, "GET", "/things?x=1", "binding.missing");
    assert_token(HEADER, CLAIMS, "HEAD", "/things", "binding.method");
    assert_token(HEADER, &CLAIMS.replace("GET", "PUT"), "GET", "/things", "binding.method");
    assert_token(HEADER, &CLAIMS.replace(r#""GET""#, "1"), "GET", "/things", "binding.wrong-type");
    let with_host = |host: &str| CLAIMS.replacen('{', &format!(r#"{{"host":"{host}","#), 1);
    assert_token(HEADER, &with_host("api.example"), "GET", "/things", "accept");
    assert_token(HEADER, &with_host("api.example:443"), "GET", "/things", "binding.host");
}

const BY_BODY: &str = r#"
format = 1
title = "a key and an account in the body"
[credential]
account = "text"
key     = "secret"
label   = "text"
[body.account]
from       = "credential.account"
identifies = true
[body.key]
from = "credential.key"
[body.label]
from     = "credential.label"
optional = true
[refusal]
"*" = { status = 401 }
"#;

const BY_BODY_WORLD: &str = r#"
format = 1
origin = "https://api.example"
[credential.first]
account = "a1"
key     = "fake-key-one"
label   = "blue"
state   = "revoked"
[credential.second]
account = "a1"
key     = "fake-key-two"
label   = "red"
[credential.third]
account = "a1"
key     = "fake-key-three"
[credential.fourth]
account = "a1"
key     = "fake-key-four"
label   = "green"
[endpoint.write]
method = "POST"
path   = "/things"
"#;

/// Several keys of one account, as during a rotation: each is found by its own key, and what is optional may be absent.
#[test]
fn one_account_has_several_keys() {
    for (body, expected) in [
        (r#"{"account":"a1","key":"fake-key-two"}"#, "accept"),
        (r#"{"account":"a1","key":"fake-key-three","label":"any"}"#, "carrier.mismatch"),
        (r#"{"account":"a1","key":"fake-key-two","label":"red"}"#, "accept"),
        (r#"{"account":"a1","key":"fake-key-two","label":"blue"}"#, "carrier.mismatch"),
        (r#"{"account":"a1","key":"fake-key-one","label":"blue"}"#, "key.revoked"),
        (r#"{"account":"a1","key":"fake-key-four"}"#, "accept"),
        (r#"{"account":"a1","key":"fake-key-five"}"#, "carrier.mismatch"),
        (r#"{"account":"a2","key":"fake-key-two"}"#, "key.unknown"),
        (r#"{"key":"fake-key-two"}"#, "carrier.missing"),
        (r#"{"account":"a1"}"#, "carrier.missing"),
        (r#"{"account":"a1","key":""}"#, "carrier.missing"),
        (r#"{"account":"a1","key":7}"#, "carrier.malformed"),
        (r#"["account"]"#, "carrier.malformed"),
        ("", "carrier.missing"),
    ] {
        let message = call("POST", "/things", &[], body);
        assert_eq!(said(&reference(BY_BODY, BY_BODY_WORLD), &message), expected, "{body}");
    }
}

/// The same with field lines: body members become fields.
#[test]
fn one_account_has_several_keys_in_fields() {
    let reference = reference(&BY_BODY.replace("[body.", "[field.x-"), BY_BODY_WORLD);
    for (account, key, expected) in [
        ("a1", "fake-key-two", "accept"),
        ("a1", "fake-key-four", "accept"),
        ("a1", "fake-key-one", "key.revoked"),
        ("a1", "fake-key-five", "carrier.mismatch"),
        ("a2", "fake-key-two", "key.unknown"),
    ] {
        let message = call("POST", "/things", &[("X-Account", account), ("x-key", key)], "");
        assert_eq!(said(&reference, &message), expected, "{account} {key}");
    }
}

/// Nobody is found by what is not there, also where a description lets it be absent.
#[test]
fn who_is_not_named_is_not_found() {
    let optional = |text: &str| text.replace("identifies = true", "identifies = true\noptional = true");
    let reference_of_body = reference(&optional(BY_BODY), BY_BODY_WORLD);
    let message = call("POST", "/things", &[], r#"{"key":"fake-key-two"}"#);
    assert_eq!(said(&reference_of_body, &message), "carrier.missing");
    let reference_of_header = reference(&optional(BY_HEADER), BY_HEADER_WORLD);
    let line = format!("Bearer {}", token(&HEADER.replace(r#""kid":"k1","#, ""), CLAIMS));
    let message = call("GET", "/things", &[("authorization", &line)], "");
    assert_eq!(said(&reference_of_header, &message), "header.missing");
}

/// Who has ended does not come back by registering himself; who is there may have one key more.
#[test]
fn a_registration_does_not_bring_back_who_has_ended() {
    let scheme = BY_BODY.replace(
        "[refusal]",
        "[register.add.body.account]\nfrom = \"credential.account\"\n\
         [register.add.body.key]\nfrom = \"credential.key\"\n[refusal]",
    );
    let world = format!(
        "{BY_BODY_WORLD}[endpoint.add]\nmethod = \"POST\"\npath = \"/keys\"\n\
         [credential.ended]\naccount = \"a9\"\nkey = \"fake-key-nine\"\nstate = \"revoked\"\n"
    );
    let reference = reference(&scheme, &world);
    let body = |account: &str, key: &str| format!(r#"{{"account":"{account}","key":"{key}"}}"#);
    let add = |account: &str| call("POST", "/keys", &[], &body(account, "fake-key-new"));
    let with_new = |account: &str| call("POST", "/things", &[], &body(account, "fake-key-new"));
    assert_eq!(said(&reference, &with_new("a1")), "carrier.mismatch");
    assert_eq!(said(&reference, &add("a1")), "accept");
    assert_eq!(said(&reference, &with_new("a1")), "accept");
    assert_eq!(said(&reference, &add("a9")), "proof.mismatch");
    assert_eq!(said(&reference, &call("POST", "/keys", &[], &body("a9", "fake-key-nine"))), "proof.mismatch");
}

const BY_NONCE: &str = r#"
format = 1
title = "a body that is bound for POST, and a nonce"
[transport]
methods = ["GET", "POST", "DELETE"]
[transport.unbound]
DELETE = "the document knows no body there"
[credential]
key_id = "text"
secret = "secret"
[token]
format = "jws"
alg    = "HS256"
key    = "credential.secret"
[claims.sub]
from       = "credential.key_id"
identifies = true
[claims.exp]
time     = "expires"
lifetime = "1m"
[claims.jti]
nonce      = "u32"
optional   = true
single-use = true
[claims.digest]
from = ["request.body", "sha-256", "hex"]
when = ["POST"]
[field.authorization]
auth-scheme = "Bearer"
from        = "token"
[refusal]
"*" = { status = 401 }
"#;

const BY_NONCE_WORLD: &str = r#"
format = 1
origin = "https://api.example"
[credential.primary]
key_id = "k1"
secret = "a-fake-secret-of-more-than-32-bytes-1"
[endpoint.read]
method = "GET"
path   = "/things"
[endpoint.write]
method = "POST"
path   = "/things"
[endpoint.remove]
method = "DELETE"
path   = "/things"
"#;

fn claims_call(method: &str, claims: &str, body: &str) -> Message {
    let line = format!("bearer  {}", token(r#"{"alg":"HS256"}"#, claims));
    call(method, "/things", &[("Authorization", &line)], body)
}

/// A method that can carry a body must bind it, unless the description excuses it.
#[test]
fn a_body_that_nothing_binds_is_refused() {
    let reference = reference(BY_NONCE, BY_NONCE_WORLD);
    let empty = r#"{"sub":"k1","exp":1060}"#;
    let digest = Sha256::digest("{}").iter().map(|b| format!("{b:02x}")).collect::<String>();
    let bound = format!(r#"{{"sub":"k1","exp":1060,"digest":"{digest}"}}"#);
    for (method, claims, body, expected) in [
        ("GET", empty, "", "accept"),
        ("GET", empty, "{}", "binding.body"),
        ("DELETE", empty, "{}", "accept"),
        ("POST", &bound, "{}", "accept"),
        ("POST", &bound, "{ }", "binding.body"),
        ("POST", &bound, "", "binding.body"),
        ("POST", empty, "{}", "binding.missing"),
        ("PUT", empty, "", "binding.method"),
    ] {
        assert_eq!(
            said(&reference, &claims_call(method, claims, body)),
            expected,
            "{method} {claims} {body}"
        );
    }
}

#[test]
fn a_part_may_depend_on_whether_there_is_a_body() {
    let reference = reference(&BY_NONCE.replace(r#"["POST"]"#, r#"["request.body"]"#), BY_NONCE_WORLD);
    let claims = r#"{"sub":"k1","exp":1060}"#;
    assert_eq!(said(&reference, &claims_call("POST", claims, "")), "accept");
    assert_eq!(said(&reference, &claims_call("POST", claims, "{}")), "binding.missing");
    assert_eq!(said(&reference, &claims_call("GET", claims, "{}")), "binding.missing");
}

/// RFC 7519 section 4.1.5: a token must not be accepted before its `nbf`, whatever else a scheme has.
#[test]
fn a_start_of_another_name_does_not_free_nbf() {
    let scheme = BY_NONCE.replace("[claims.jti]", "[claims.start]\ntime = \"not-before\"\n[claims.jti]");
    let reference = reference(&scheme, BY_NONCE_WORLD);
    for (times, expected) in [
        (r#""start":1000"#, "accept"),
        (r#""start":1001"#, "time.not-yet"),
        (r#""start":1000,"nbf":1000"#, "accept"),
        (r#""start":1000,"nbf":1001"#, "time.not-yet"),
        (r#""start":1000,"nbf":"1""#, "time.wrong-type"),
        (r#""nbf":1000"#, "time.missing"),
    ] {
        let claims = format!(r#"{{"sub":"k1","exp":1060,{times}}}"#);
        assert_eq!(said(&reference, &claims_call("GET", &claims, "")), expected, "{claims}");
    }
}

#[test]
fn a_nonce_is_spent_once_and_only_by_a_good_request() {
    let reference = reference(BY_NONCE, BY_NONCE_WORLD);
    let with = |nonce: &str| format!(r#"{{"sub":"k1","exp":1060,"jti":{nonce}}}"#);
    for (claims, body, expected) in [
        (with("1"), "{}", "binding.body"),
        (with("1"), "", "accept"),
        (with("1"), "", "replay.nonce-reused"),
        (with("2"), "", "accept"),
        (with("4294967295"), "", "accept"),
        (with("4294967296"), "", "replay.wrong-type"),
        (with("\"3\""), "", "replay.wrong-type"),
        (with("3.0"), "", "replay.wrong-type"),
    ] {
        assert_eq!(said(&reference, &claims_call("GET", &claims, body)), expected, "{claims}");
    }
    let without = r#"{"sub":"k1","exp":1060}"#;
    assert_eq!(said(&reference, &claims_call("GET", without, "")), "accept");
    assert_eq!(said(&reference, &claims_call("GET", without, "")), "accept");
}

/// `single-use`: remembered until the token can no longer be accepted, and no longer.
#[test]
fn a_nonce_is_free_again_when_its_token_is_over() {
    let reference = reference(BY_NONCE, BY_NONCE_WORLD);
    let with = |exp: u64| claims_call("GET", &format!(r#"{{"sub":"k1","exp":{exp},"jti":1}}"#), "");
    assert_eq!(said_at(1000, &reference, &with(1060)), "accept");
    assert_eq!(said_at(1059, &reference, &with(1119)), "replay.nonce-reused");
    assert_eq!(said_at(1060, &reference, &with(1060)), "time.expired");
    assert_eq!(said_at(1060, &reference, &with(1120)), "accept");
    assert_eq!(said_at(1119, &reference, &with(1179)), "replay.nonce-reused");
}

/// An operation reads its inputs where the description says: a path parameter needs no body, and an input that is
/// optional narrows what ends where it is there.
#[test]
fn an_operation_has_the_inputs_that_are_sent() {
    let scheme = BY_NONCE.replace(
        "[refusal]",
        "[revoke.end.parameter.id]\nfrom = \"credential.key_id\"\nidentifies = true\n\
         [revoke.end.body.secret]\nfrom = \"credential.secret\"\noptional = true\n[refusal]",
    );
    let world = format!("{BY_NONCE_WORLD}[endpoint.end]\nmethod = \"DELETE\"\npath = \"/keys/{{id}}\"\n");
    let reference = reference(&scheme, &world);
    let end = |id: &str, body: &str| call("DELETE", &format!("/keys/{id}"), &[], body);
    assert_eq!(said(&reference, &end("k2", "")), "proof.mismatch");
    assert_eq!(said(&reference, &end("k1", r#"{"secret":"another"}"#)), "proof.mismatch");
    assert_eq!(said(&reference, &end("k1", r#"{"secret":7}"#)), "proof.malformed");
    assert_eq!(said(&reference, &end("k1", "secret")), "proof.malformed");
    let good = claims_call("GET", r#"{"sub":"k1","exp":1060}"#, "");
    assert_eq!(said(&reference, &good), "accept");
    assert_eq!(said(&reference, &end("k1", "")), "accept");
    assert_eq!(said(&reference, &good), "key.revoked");
    assert_eq!(said(&reference, &end("k1", "")), "proof.mismatch", "it has ended");
}
