//! What a world takes from a captured request (vectors/README.md, "One captured request"): what the caller holds, where
//! the request went, and nothing that belongs to its connection.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearproof_scheme::document::Fault;
use bearproof_scheme::world::{Resolver, Value, value};
use bearproof_scheme::{Message, World, description, world};

use crate::common::{described, signer};

/// Reads a request line, field lines and a body, each on a line of its own.
struct Lines;

impl Resolver for Lines {
    fn file(&self, _: &str) -> Result<Vec<u8>, String> {
        Err("no files here".into())
    }
    fn variable(&self, _: &str) -> Result<String, String> {
        Err("no variables here".into())
    }
    fn request(&self, bytes: &[u8]) -> Result<Message, Fault> {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
        let mut lines = head.trim().lines();
        let (method, target) = lines.next().unwrap().split_once(' ').unwrap();
        let field = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_string(), value.as_bytes().to_vec())
        };
        Ok(Message {
            secure: false,
            method: method.into(),
            target: target.into(),
            fields: lines.map(field).collect(),
            body: body.trim().as_bytes().to_vec(),
        })
    }
}

const BY_TOKEN: &str = r#"
format = 1
title = "a token of the platform"
[credential]
account = "text"
number  = "integer"
rights  = "list"
site    = "text"
[platform]
key = "secret"
[token]
format = "jws"
alg    = "HS256"
key    = "platform.key"
[claims.sub]
from = "credential.account"
[claims.no]
from = "credential.number"
type = "integer"
[claims.scope]
from = "credential.rights"
type = "list"
[claims.site]
from     = "credential.site"
optional = true
[field.authorization]
auth-scheme = "Bearer"
from        = "token"
[field.x-digest]
from     = ["request.target", "sha-256", "hex"]
optional = true
[refusal]
"*" = { status = 401 }
"#;

const BY_KEY: &str = r#"
format = 1
title = "a bare key"
[credential]
name   = "text"
key    = "key"
number = "integer"
rights = "list"
region = "text"
[field.x-region]
from     = "credential.region"
optional = true
[field.x-name]
from       = "credential.name"
identifies = true
[field.x-key]
prefix = "Key-"
from   = "credential.key"
[field.x-number]
from     = "credential.number"
optional = true
[field.x-rights]
from     = "credential.rights"
optional = true
[field.x-version]
constant = "2"
[refusal]
"*" = { status = 401 }
"#;

fn read(scheme: &str, origin: &str, request: &str) -> Result<World, Fault> {
    let d = described(scheme);
    let text = format!(
        "format = 1\norigin = \"{origin}\"\n[credential.primary]\ncaptured-request = '''\n{request}'''\n"
    );
    world::load(&d, "world.toml", &text, &Lines)
}

fn token(claims: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", part(r#"{"alg":"HS256"}"#), part(claims), part("a signature"))
}

/// A captured call with this token and these further lines.
fn with_token(token: &str, more: &str) -> String {
    format!("GET /things?x=1\nHost: api.example\nAuthorization: Bearer {token}\n{more}")
}

fn names(world: &World) -> Vec<String> {
    let request = world.credential("primary").unwrap().request.as_ref().unwrap();
    request.message.fields.iter().map(|(name, _)| name.to_ascii_lowercase()).collect()
}

#[track_caller]
fn assert_refused(read: Result<World, Fault>, message: &str, remedy: &str) {
    let fault = read.err().unwrap_or_else(|| panic!("it was read; expected `{message}`"));
    assert!(fault.message.contains(message), "`{}` says `{message}`", fault.message);
    assert!(fault.remedy.contains(remedy), "`{}` says `{remedy}`", fault.remedy);
    assert_eq!((fault.file.as_str(), fault.line), ("world.toml", 4), "{fault}");
}

#[test]
fn claims_of_a_readable_token_say_who_called() {
    let claims = r#"{"sub":"acme","no":-7,"scope":["read","write"],"site":5}"#;
    let world = read(BY_TOKEN, "https://api.example", &with_token(&token(claims), "")).unwrap();
    let caller = world.credential("primary").unwrap();
    let text =
        |name: &str| value(&caller.values, name).and_then(Value::bytes).map(std::borrow::Cow::into_owned);
    assert_eq!(text("account").as_deref(), Some(&b"acme"[..]));
    assert!(matches!(value(&caller.values, "number"), Some(Value::Integer(-7))));
    assert!(
        matches!(value(&caller.values, "rights"), Some(Value::List(items)) if items[..] == ["read".into(), "write".into()])
    );
    assert!(value(&caller.values, "site").is_none(), "a number is no text");
    assert_eq!(caller.captured.as_ref().unwrap().expose(), token(claims).as_bytes());
    assert_eq!(caller.private.len(), 1, "the token is not to be shown");
}

#[test]
fn claims_that_are_no_list_of_texts_say_nothing() {
    let claims = r#"{"sub":"acme","scope":["read",5]}"#;
    let world = read(BY_TOKEN, "https://api.example", &with_token(&token(claims), "")).unwrap();
    assert!(value(&world.credential("primary").unwrap().values, "rights").is_none());
    let world = read(BY_TOKEN, "https://api.example", &with_token("eyJ.not-json.c2ln", "")).unwrap();
    assert!(world.credential("primary").unwrap().values.is_empty());
}

#[test]
fn the_endpoint_is_where_the_request_went() {
    let world = read(BY_TOKEN, "https://api.example", &with_token(&token("{}"), "")).unwrap();
    let endpoint = world.endpoint("read").unwrap();
    assert_eq!(
        (endpoint.method.as_str(), endpoint.path.as_str(), endpoint.query.as_str()),
        ("GET", "/things", "x=1")
    );
    let write = format!("POST /things\nAuthorization: Bearer {}\n\nbody", token("{}"));
    let world = read(BY_TOKEN, "https://api.example", &write).unwrap();
    let endpoint = world.endpoint("write").unwrap();
    assert_eq!((endpoint.method.as_str(), endpoint.body.as_slice()), ("POST", &b"body"[..]));
    assert_eq!(names(&world), ["host", "authorization"], "the host that was left out is the origin's");
}

/// Other endpoints may stand beside the one that was captured, and the profile may say more of that one.
#[test]
fn endpoints_beside_the_captured_one_are_kept() {
    let with = |endpoints: &str| {
        let d = described(BY_TOKEN);
        let request = with_token(&token("{}"), "");
        let text = format!(
            "format = 1\norigin = \"https://api.example\"\n[credential.primary]\ncaptured-request = '''\n{request}'''\n{endpoints}"
        );
        world::load(&d, "world.toml", &text, &Lines)
    };
    let seen = |endpoints: &str| {
        let world = with(endpoints).map_err(|e| e.to_string()).unwrap();
        let all = world.endpoints.iter();
        all.map(|e| format!("{} {} {} {:?}", e.role, e.method, e.path, e.success.status)).collect::<Vec<_>>()
    };
    let other = "[endpoint.other-read]\nmethod = \"GET\"\npath = \"/others\"\n";
    assert_eq!(seen(""), ["read GET /things []"]);
    assert_eq!(seen(other), ["other-read GET /others []", "read GET /things []"]);
    let own = "[endpoint.read]\nsuccess = { status = [302] }\n";
    assert_eq!(seen(own), ["read GET /things [302]"]);
    assert_eq!(seen(&format!("{other}{own}")), ["other-read GET /others []", "read GET /things [302]"]);
    let said = with("[endpoint.read]\nmethod = \"GET\"\n").err().unwrap();
    assert!(said.message.contains("`method` of this endpoint is in the captured request"), "{said}");
}

#[test]
fn a_captured_request_and_the_platforms_key_are_not_given_both() {
    let d = described(BY_TOKEN);
    let text = format!(
        "format = 1\norigin = \"https://api.example\"\n[credential.primary]\ncaptured-request = '''\n{}'''\n\
         [platform.primary]\nkey = \"a-fake-secret-of-more-than-32-bytes-1\"\n",
        with_token(&token("{}"), "")
    );
    let refused = world::load(&d, "world.toml", &text, &Lines);
    assert_refused(refused, "a captured request beside the platform's key", "remove one of them");
}

/// What is computed takes a key, which who captured a request does not have.
#[test]
fn the_holder_of_a_captured_request_makes_only_what_travels_as_it_is() {
    let own = |scheme: &str, request: &str| {
        let d = described(scheme);
        let world = read(scheme, "https://api.example", request).unwrap();
        let signer = signer(&d, &world, "primary");
        signer.own_parts(&d.parts).iter().map(description::Part::path).collect::<Vec<_>>()
    };
    assert_eq!(own(BY_TOKEN, &with_token(&token("{}"), "")), ["field.authorization"]);
    let by_key = "GET /\nHost: api.example\nX-Name: n\nX-Key: Key-secret\nX-Version: 2\n";
    let fields = [
        "field.x-region",
        "field.x-name",
        "field.x-key",
        "field.x-number",
        "field.x-rights",
        "field.x-version",
    ];
    assert_eq!(own(BY_KEY, by_key), fields);
}

/// RFC 9110 section 7.6.1: these speak of one connection; and other credentials would let the caller in by themselves.
#[test]
fn fields_of_the_connection_and_other_credentials_are_dropped() {
    let more = "Accept: */*\nConnection: close\nContent-Length: 0\nTE: trailers\nIf-None-Match: \"a\"\nRange: bytes=0-1\n\
                Cookie: session=1\nProxy-Authorization: Basic eDp5\nX-Digest: ab\n";
    let world = read(BY_TOKEN, "https://api.example", &with_token(&token("{}"), more)).unwrap();
    assert_eq!(names(&world), ["host", "authorization", "accept", "x-digest"]);
    let caller = world.credential("primary").unwrap();
    assert_eq!(caller.private.len(), 2, "what is computed from secrets is not to be shown either");
    assert!(!format!("{caller:?}").contains("eyJ"), "{caller:?}");
    let shown = format!("{:?}", caller.request.as_ref().unwrap());
    assert!(shown.starts_with("Captured { endpoint: \"read\"") && !shown.contains("eyJ"), "{shown}");
}

#[test]
fn what_a_bare_key_scheme_needs_is_read_from_its_fields() {
    let request = "GET /\nHost: api.example\nX-Name: n\nX-Key: Key-secret\nX-Number: 12\nX-Rights: a b\nX-Version: 2\nX-Region: eu\n";
    let world = read(BY_KEY, "https://api.example", request).unwrap();
    let caller = world.credential("primary").unwrap();
    let bytes = |name: &str| value(&caller.values, name).and_then(Value::bytes).unwrap().into_owned();
    assert_eq!((bytes("name"), bytes("key"), bytes("number")), (b"n".into(), b"secret".into(), b"12".into()));
    assert!(
        matches!(value(&caller.values, "rights"), Some(Value::List(items)) if items[..] == ["a".into(), "b".into()])
    );
    assert!(value(&caller.values, "key").unwrap().is_secret());
    let private: Vec<&[u8]> = caller.private.iter().map(bearproof_scheme::key::Secret::expose).collect();
    assert_eq!(
        private,
        [&b"n"[..], b"secret"],
        "identity and key; number, rights, region and the constant say nothing"
    );
}

#[test]
fn a_request_that_lacks_what_lets_in_is_refused() {
    let of_key =
        |lines: &str| read(BY_KEY, "https://api.example", &format!("GET /\nHost: api.example\n{lines}"));
    let let_in = "capture one that the server let in";
    assert_refused(of_key("X-Key: Key-k\nX-Version: 2\n"), "has no field `x-name`", let_in);
    assert_refused(of_key("X-Name: n\nX-Key: Key-k\n"), "has no field `x-version`", let_in);
    let twice = "X-Name: n\nX-Name: n\nX-Key: Key-k\nX-Version: 2\n";
    assert_refused(of_key(twice), "has the field `x-name` twice", let_in);
    let number = "X-Name: n\nX-Key: Key-k\nX-Version: 2\nX-Number: 1.5\n";
    assert_refused(of_key(number), "`x-number` of the captured request is no whole number", "let in");
    assert_refused(
        of_key("X-Name: n\nX-Key: Key-\nX-Version: 2\n"),
        "`x-key` of the captured request is no",
        "let in",
    );
    let of_token = |token: &str| read(BY_TOKEN, "https://api.example", &with_token(token, ""));
    for (token, seen) in [("a.b", "this has 2"), ("a.b.c.d", "this has 4"), ("a.b.c d", "a JWS has 3 pieces")]
    {
        assert_refused(of_token(token), seen, "let in");
    }
}

#[test]
fn sealed_and_opaque_tokens_have_their_own_number_of_pieces() {
    let sealed = BY_TOKEN.replace("\"jws\"", "\"jwe\"").replace("\"HS256\"", "\"dir+A256GCM\"");
    let opaque = BY_TOKEN.replace("\"jws\"", "\"opaque\"").replace("\"HS256\"", "\"dir+A256GCM\"");
    let read = |scheme: &str, token: &str| read(scheme, "https://api.example", &with_token(token, ""));
    assert!(read(&sealed, "a..b.c.d").is_ok());
    assert_refused(read(&sealed, "a.b.c"), "a JWE has 5 pieces, this has 3", "let in");
    assert!(read(&opaque, "abc").is_ok());
    assert!(read(&opaque, "a.b").is_ok(), "what an opaque token looks like is the platform's own business");
}

#[test]
fn a_request_for_another_address_is_refused() {
    let at = |origin: &str, host: &str| {
        let lines = with_token(&token("{}"), "").replace("api.example", host);
        read(BY_TOKEN, origin, &lines)
    };
    assert!(at("https://api.example", "API.example:443").is_ok(), "the default port is the same address");
    assert!(at("http://api.example", "api.example:80").is_ok());
    assert!(at("https://api.example:8443", "api.example:8443").is_ok());
    let remedy = "write the origin that the request was captured at";
    for (origin, host) in [
        ("https://api.example", "api.example:80"),
        ("http://api.example", "api.example:443"),
        ("https://api.example", "other.example"),
    ] {
        assert_refused(at(origin, host), &format!("is for `{host}`"), remedy);
    }
}

#[test]
fn a_path_that_is_still_a_template_was_never_sent() {
    let request = with_token(&token("{}"), "").replace("/things?x=1", "/things/{id}");
    assert_refused(
        read(BY_TOKEN, "https://api.example", &request),
        "a parameter without a value",
        "was sent",
    );
    let braces = with_token(&token("{}"), "").replace("/things?x=1", "/things/{id/x}");
    assert!(read(BY_TOKEN, "https://api.example", &braces).is_ok(), "braces alone are no template");
}
