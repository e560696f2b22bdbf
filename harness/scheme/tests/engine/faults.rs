//! Files that are wrong: the fault names the place, what was expected and what to do. In the cases `«` marks the place
//! (none: the word that is gone or not found has none); the words that a message and its remedy must have are those of the
//! documentation (vectors/README.md). Here are the files that are right, and what every file must be.

use bearproof_scheme::document::{Fault, check_text, nearest, parse};
use bearproof_scheme::world::Resolver;
use bearproof_scheme::{Description, World, description, world};

pub(crate) const SCHEME: &str = r#"format = 1
title = "every word once"
[requirement.R-1]
heading = "Head"
says    = "it must"
level   = "should"
[reading.R-2]
says    = "we read it so"
because = "it is silent"
[choice.form]
options = ["HS256", "HS384"]
ref     = "R-2"
[transport]
https   = true
methods = ["GET", "POST"]
[credential]
name   = "text"
secret = "secret"
days   = "integer"
rights = "list"
[platform]
site = "text"
[token]
format = "jws"
alg    = { choose = "form" }
key    = "credential.secret"
[header.typ]
constant = "JWT"
[claims.sub]
from       = "credential.name"
identifies = true
ref        = "R-1"
[claims.exp]
time     = "expires"
lifetime = "credential.days"
at-most  = "2d"
type     = ["seconds", "seconds-text"]
[claims.body]
from = ["{request.body}x", "sha-256", "hmac-sha-256 credential.secret", "append {claims.sub}", "hex"]
when = ["POST", "request.body"]
[claims.path]
from = { choose = "form", HS256 = "request.path", HS384 = "request.target" }
[field.authorization]
auth-scheme = "Bearer"
from        = "token"
[issue.login]
guarded = false
[issue.login.body.user]
from       = "credential.name"
identifies = true
[issue.login.answer.token]
from = "token"
[access.right]
granted  = "credential.rights"
required = "endpoint.right"
[refusal]
"*" = { status = 401 }
"signature.invalid" = { status = 403, body = { code = -23, more = [true, "x", { y = 1 }] } }
"#;

pub(crate) const WORLD: &str = r#"format = 1
clock  = 2023-11-14T22:13:20Z
origin = "https://api.example:8443"
leeway = "5s"
[choose]
form = "HS384"
[platform.primary]
site = "s"
[credential.primary]
name   = "n"
secret = { base64 = "+/8=" }
days   = 7
rights = ["a", "b"]
[credential.gone]
name  = "g"
state = "revoked"
secret = { file = "key" }
[endpoint.read]
method = "GET"
path   = "/things/{id}"
query  = "x=1"
parameters = { id = "7" }
fields = { Accept = "text/plain" }
right  = ["a"]
success = { status = [200, 204], pointer = "/ok" }
[endpoint.login]
method = "POST"
path   = "/login"
[connect]
address = "http://127.0.0.1:1"
allow   = ["api.example"]
tag     = "X-Test"
"#;

struct Files;

impl Resolver for Files {
    fn file(&self, path: &str) -> Result<Vec<u8>, String> {
        if path == "key" { Ok(b"from a file".to_vec()) } else { Err("not found".into()) }
    }
    fn variable(&self, name: &str) -> Result<String, String> {
        if name == "SET" { Ok("from the environment".into()) } else { Err("not set".into()) }
    }
}

pub(crate) fn scheme(text: &str, choices: &[(String, String)]) -> Result<Description, Fault> {
    description::load("every", "file.toml", text, choices)
}

pub(crate) fn load_world(text: &str) -> Result<World, Fault> {
    let choices = [("form".into(), "HS384".into())];
    world::load(&scheme(SCHEME, &choices).unwrap(), "file.toml", text, &Files)
}

/// The text with `old` replaced, and the place that `«` marks: line and column from 1, in characters.
#[track_caller]
pub(crate) fn broken(good: &str, old: &str, new: &str) -> (String, usize, usize) {
    assert_eq!(good.matches(old).count(), 1, "`{old}` stands once");
    let text = good.replacen(old, new, 1);
    let before = text.split('«').next().filter(|_| text.contains('«')).map(String::from);
    let (line, column) = before.map_or((0, 0), |before| {
        (before.matches('\n').count() + 1, before.rsplit('\n').next().unwrap().chars().count() + 1)
    });
    (text.replace('«', ""), line, column)
}

#[track_caller]
pub(crate) fn assert_fault<T>(
    read: Result<T, Fault>,
    line: usize,
    column: usize,
    message: &str,
    remedy: &str,
) {
    let Err(fault) = read else { panic!("it was read; expected the fault `{message}`") };
    assert_eq!((fault.file.as_str(), fault.line, fault.column), ("file.toml", line, column), "{fault}");
    assert!(fault.message.contains(message), "`{}` says `{message}`", fault.message);
    assert!(fault.remedy.contains(remedy), "`{}` says `{remedy}`", fault.remedy);
}

/// What every file must be: UTF-8, no byte order mark, line feeds alone, not empty.
#[test]
fn a_file_that_is_no_text_is_refused_at_its_place() {
    let check = |bytes: &[u8]| check_text("file.toml", bytes).map(String::from);
    assert_eq!(check("a = \"é\"\n".as_bytes()).unwrap(), "a = \"é\"\n");
    assert_fault(check(b"\xEF\xBB\xBFa = 1\n"), 1, 1, "byte order mark", "without");
    assert_fault(check(b"a = 1\nb = \"\xC3\xA9\xFF\"\n"), 2, 7, "not valid UTF-8", "UTF-8");
    assert_fault(check(b"a = 1\nb = 2\r\n"), 2, 6, "carriage return", "line end");
    assert_fault(check(b" \n\t\n"), 0, 0, "empty", "README");
    assert_fault(check(b""), 0, 0, "empty", "README");
    let largest = 16 * 1024 * 1024;
    assert!(check(&vec![b'#'; largest]).is_ok());
    assert_fault(check(&vec![b'#'; largest + 1]), 0, 0, "16777217 bytes", "split");
}

/// Where several kinds of value may stand, who reads asks whether it is text.
#[test]
fn a_value_is_asked_whether_it_is_text() {
    let text = |text: &str| {
        parse("file.toml", text, |root| Ok(root.need("a", "anything")?.as_text().map(String::from))).unwrap()
    };
    assert_eq!((text("a = \"b\"\n").as_deref(), text("a = 1\n")), (Some("b"), None));
}

#[test]
fn syntax_and_words_are_placed() {
    let read = |text: &str| parse("file.toml", text, |root| root.need("a", "a number")?.integer());
    assert_eq!(read("a = 0x10\n").unwrap(), 16);
    assert_eq!(read("a = -9223372036854775808\n").unwrap(), i64::MIN);
    assert_fault(read("a = 1\na = 2\n"), 2, 1, "duplicate", "may stand once");
    assert_fault(read("a = 1\nb = [\n"), 2, 6, "expected `]`", "TOML 1.0");
    assert_fault(read("a = 1\naa = 2\n"), 2, 1, "unknown word `aa` here", "`a`");
    assert_fault(read("b = 2\n"), 0, 0, "the file has no `a`", "a number");
    assert_fault(read("a = 9223372036854775808\n"), 1, 5, "64 bits", "64 bits");
    let date = |text: &str| parse("file.toml", text, |root| root.need("a", "a date")?.date());
    assert_eq!(date("a = 2027-01-31\n").unwrap(), "2027-01-31");
    assert_fault(date("a = 2027-01-31T00:00:00Z\n"), 1, 5, "must be a date such as", "2027-01-31");
    assert_fault(date("a = 00:00:00\n"), 1, 5, "must be a date such as", "2027-01-31");
    let json = |text: &str| parse("file.toml", text, |root| root.need("a", "anything")?.json());
    assert_eq!(json("a = { b = [1, false, \"é\\\"\"] }\n").unwrap(), r#"{"b":[1,false,"é\""]}"#);
    assert_fault(json("a = [nan]\n"), 1, 6, "", "");
    assert_fault(json("a = 2027-01-31\n"), 1, 5, "", "");
}

#[test]
fn a_fault_is_written_with_place_and_help() {
    let fault = Fault::at("file.toml", "a = 1\néb = 2", 9, "wrong", "mend it");
    assert_eq!(fault.to_string(), "file.toml:2:3: wrong\n  help: mend it");
    assert_eq!(Fault::at("f", "a", 99, "wrong", "").to_string(), "f:1:2: wrong");
    assert_eq!(Fault::whole("f", "wrong", "").to_string(), "f: wrong");
    assert_eq!(nearest("heder", ["header", "claims"].into_iter()), "did you mean `header`?");
    assert_eq!(nearest("zzz", ["header", "claims", "claims"].into_iter()), "one of: claims, header");
    assert_eq!(nearest("zzz", std::iter::empty()), "nothing may stand here");
}
