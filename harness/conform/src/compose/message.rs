//! Words about the message: transport, method, path, query, host, body, and fields that nothing binds.
//! It must not know of tokens.

use bearproof_scheme::description::{Binding, Pipeline, Source};
use bearproof_scheme::world::{Endpoint, Value, value};

use super::{Word, stands};
use crate::recipe::{Edit, Spot};
use crate::suite::Variant;

/// Bodies that a sender may bind as he likes. The last letter or digit of each is one of a value.
const BODIES: [(&str, &str); 9] = [
    ("null", "null"),
    ("an-empty-object", "{}"),
    ("a-list", "[1]"),
    ("no-json", "a=1&b=2"),
    ("with-a-nul", "{\"a\":\"\u{0}\",\"b\":1}"),
    ("after-a-mark", "\u{feff}{\"a\":1}"),
    ("with-a-name-twice", r#"{"amount":1,"amount":2}"#),
    ("with-an-escaped-name", r#"{"amount":1,"\u0061mount":2}"#),
    ("of-many-forms", "{ \"b\" : \"Zo\\u00eb \\/ <ë>\",\r\n \"a\": 1.0 }"),
];

const MEDIA: [(&str, &str); 6] = [
    ("text", "text/plain"),
    ("a-form", "application/x-www-form-urlencoded"),
    ("multipart", "multipart/form-data; boundary=b"),
    ("a-vendor-type", "application/vnd.api+json"),
    ("latin-1", "application/json; charset=iso-8859-1"),
    ("octets", "application/octet-stream"),
];

/// Fields that only a proxy or a framework should say. No description knows them.
const FIELDS: [(&str, &str); 18] = [
    ("X-Forwarded-User", "admin"),
    ("X-Remote-User", "admin"),
    ("X-Authenticated-User", "admin"),
    ("x-middleware-subrequest", "middleware:middleware:middleware:middleware:middleware"),
    ("X-Forwarded-For", "127.0.0.1"),
    ("X-Real-IP", "127.0.0.1"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Ssl", "on"),
    ("Front-End-Https", "on"),
    ("Forwarded", "proto=https;for=127.0.0.1"),
    ("X-HTTP-Method-Override", "OPTIONS"),
    ("X-HTTP-Method", "GET"),
    ("X-Authorization", "Basic YWRtaW46YWRtaW4="),
    ("Proxy-Authorization", "Basic YWRtaW46YWRtaW4="),
    ("Cookie", "session=admin; token=admin"),
    ("X-Debug", "1"),
    ("Date", "Thu, 01 Jan 2015 00:00:00 GMT"),
    ("Origin", "https://page.example"),
];

/// Fields by which frameworks take another path or host.
const PATH_FIELDS: [&str; 4] = ["X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Path", "X-Forwarded-Uri"];
const HOST_FIELDS: [&str; 3] = ["X-Forwarded-Host", "X-Original-Host", "X-Host"];

pub(super) fn add(variant: &Variant, endpoint: &Endpoint, words: &mut Vec<Word>) {
    let d = &variant.description;
    let bound = |wanted: Binding| d.parts.iter().any(|p| p.binds() == Some(wanted) && stands(p, endpoint));
    let reads = |source: &Source| {
        let parts = d.parts.iter().filter(|p| stands(p, endpoint)).filter_map(|p| p.pipeline());
        parts.flat_map(Pipeline::sources).any(|s| s == source)
    };
    if d.transport.https {
        words.push(Word::breaking("transport", "plain-http", Edit::Transport { secure: false }).plain());
    }
    fields(variant, endpoint, words);
    methods(variant, endpoint, bound(Binding::Method), words);
    let operation = d.operation(&endpoint.role).is_some();
    let in_body = d.parts.iter().any(|p| p.place == bearproof_scheme::description::Place::Body);
    if !endpoint.body.is_empty() && !operation && !in_body {
        bodies(bound(Binding::Body), words);
    }
    let whole = reads(&Source::Path) || reads(&Source::Target);
    let path = Edit::Change { spot: Spot::Path };
    if whole {
        words.push(Word::breaking("path", "path-of-another-endpoint", path).plain());
        let climbs = |with: &str| Edit::Replace { spot: Spot::Path, with: with.into() };
        words.push(Word::breaking("path", "path-that-climbs", climbs("{value}/../x")));
        words.push(Word::breaking("path", "path-that-climbs-encoded", climbs("{value}/%2e%2e/x")));
        words.push(Word::breaking("path", "path-with-a-slash", climbs("{value}/")).should());
    } else if bound(Binding::Path) {
        words.push(Word::breaking("path", "path-parameter-changed", path).plain());
    }
    parameters(variant, endpoint, words);
    let query = Edit::Change { spot: Spot::Query };
    words.push(if reads(&Source::Query) || reads(&Source::Target) {
        Word::breaking("query", "query-changed", query).plain()
    } else {
        Word::free("query", "query-changed", query)
    });
}

fn field(name: &str, to: &str) -> Edit {
    Edit::Request { spot: Spot::Field(name.into()), to: to.into() }
}

fn fields(variant: &Variant, endpoint: &Endpoint, words: &mut Vec<Word>) {
    let (d, world) = (&variant.description, &variant.world);
    let mut add = |name: &str, to: &str| {
        let id = format!("field-{}", name.to_ascii_lowercase());
        if !to.is_empty()
            && !words.iter().any(|w| w.id == id)
            && !d.parts.iter().any(|p| p.name.eq_ignore_ascii_case(name))
        {
            words.push(Word::free(&id, &id, field(name, to)));
        }
    };
    for (name, to) in FIELDS {
        add(name, to);
    }
    for name in PATH_FIELDS.iter().filter(|_| !endpoint.path.contains('{')) {
        add(name, &endpoint.path);
    }
    for name in HOST_FIELDS {
        add(name, &world.host());
    }
    // What the request claims of itself where an access rule asks for it.
    for rule in &d.access {
        let wanted = match &rule.required {
            Source::Endpoint(name) => value(&endpoint.attributes, name).map(plain),
            Source::Parameter(name) => {
                endpoint.parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone())
            }
            _ => None,
        };
        let Some(wanted) = wanted else { continue };
        let sources = [rule.granted.name(), rule.required.name()];
        let names = sources.iter().filter_map(|full| full.rsplit_once('.').map(|(_, name)| name.to_string()));
        for name in names.chain([rule.name.clone(), format!("{}s", rule.name)]) {
            let mut letters = name.chars();
            let first = letters.next().map(|c| c.to_ascii_uppercase()).into_iter();
            add(&format!("X-{}", first.chain(letters).collect::<String>()), &wanted);
        }
    }
}

/// A public value as a field says it.
fn plain(value: &Value) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        Value::List(items) => items.join(" "),
        _ => String::new(),
    }
}

fn methods(variant: &Variant, endpoint: &Endpoint, bound: bool, words: &mut Vec<Word>) {
    let known = &variant.description.transport.methods;
    let known: Vec<&str> = if known.is_empty() {
        variant.world.endpoints.iter().map(|e| e.method.as_str()).collect()
    } else {
        known.iter().map(String::as_str).collect()
    };
    let replace = |method: &str| Edit::Replace { spot: Spot::Method, with: method.into() };
    for method in ["PUT", "PATCH", "DELETE", "QUERY", "FOO"].iter().filter(|m| !known.contains(m)) {
        let id = format!("method-{}", method.to_ascii_lowercase());
        words.push(Word::breaking("method", &id, replace(method)).should());
    }
    let small = endpoint.method.to_ascii_lowercase();
    words.push(Word::breaking("method", "method-in-small-letters", replace(&small)).should());
    if endpoint.method == "GET" && !bound {
        words.push(Word::free("method", "method-head", replace("HEAD")));
    }
}

fn bodies(bound: bool, words: &mut Vec<Word>) {
    let body = |to: &str| Edit::Request { spot: Spot::Body, to: to.into() };
    for (id, text) in BODIES {
        words.push(Word::free("body", &format!("body-{id}"), body(text)));
    }
    for (id, times) in [("long", 200), ("huge", 5000), ("of-a-megabyte", 66_000)] {
        let text = format!("{{\"blob\":\"{}a\"}}", "0123456789abcdef".repeat(times));
        words.push(Word::free("body", &format!("body-{id}"), body(&text)));
    }
    for (id, text) in MEDIA {
        words.push(Word::free("content-type", &format!("media-{id}"), field("content-type", text)));
    }
    words.push(Word::free("body", "body-packed", Edit::Pack { first: true }));
    let change = Edit::Change { spot: Spot::Body };
    if !bound {
        words.push(Word::free("body-after", "body-changed", change));
        return;
    }
    words.push(Word::breaking("body-after", "body-changed", change).plain());
    for (id, with) in [
        ("emptied", ""),
        ("of-nothing-much", "{}"),
        ("now-null", "null"),
        ("with-a-letter-more", "{value}x"),
        ("twice", "{value}{value}"),
        ("with-a-nul-more", "{value}\u{0}"),
        ("with-a-member-more", r#"{"amount":1,"amount":3}"#),
    ] {
        let edit = Edit::Replace { spot: Spot::Body, with: with.into() };
        words.push(Word::breaking("body-after", &format!("body-{id}"), edit));
    }
}

/// Path parameters and the host: what access is asked for is not the caller's, all else is his to choose.
fn parameters(variant: &Variant, endpoint: &Endpoint, words: &mut Vec<Word>) {
    let (d, world) = (&variant.description, &variant.world);
    for (name, own) in &endpoint.parameters {
        let asked = d.access.iter().any(|rule| rule.required == Source::Parameter(name.clone()));
        let edit = |to: &str| Edit::Parameter { name: name.clone(), to: to.into() };
        if !asked {
            for (id, to) in [("with-marks", "a b~é&+%41"), ("of-capitals", "ABC-1")] {
                words.push(Word::free("path", &format!("parameter-{name}-{id}"), edit(to)));
            }
            continue;
        }
        for (id, to) in others(variant, own) {
            words.push(Word::breaking("path", &format!("parameter-{name}-{id}"), edit(&to)).plain());
        }
    }
    if d.access.iter().any(|rule| rule.required == Source::Host) {
        for (id, to) in others(variant, &world.host()).into_iter().filter(|(id, _)| *id != "in-capitals") {
            words.push(Word::breaking("host", &format!("host-{id}"), field("host", &to)).plain());
        }
    }
}

/// Values near this one that are not it, those of other callers first.
fn others(variant: &Variant, own: &str) -> Vec<(&'static str, String)> {
    let texts = variant.world.credentials.iter().flat_map(|c| &c.values).filter_map(|(_, v)| match v {
        Value::Text(text) if **text != *own && text.starts_with(own) => Some(text.to_string()),
        _ => None,
    });
    let mut all: Vec<(&'static str, String)> = texts.take(1).map(|text| ("of-another", text)).collect();
    all.extend([
        ("in-capitals", own.to_ascii_uppercase()),
        ("longer", format!("{own}x")),
        ("after-a-letter", format!("x{own}")),
    ]);
    // There is none if the middle of the bytes is inside a character.
    all.extend(own.get(..own.len() / 2).map(|half| ("half", half.to_string())));
    all.push(("foreign", "other.example".into()));
    all.retain(|(_, text)| text != own && !text.is_empty());
    all
}
