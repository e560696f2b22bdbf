//! Files that are wrong: the fault names the place, what was expected and what to do. In the cases below `«` marks
//! the place (none: the word that is gone or not found has none); the words that a message and its remedy must have are those of the documentation (vectors/README.md).

use bearproof_scheme::document::{Fault, check_text, nearest, parse};
use bearproof_scheme::world::Resolver;
use bearproof_scheme::{Description, World, description, world};

const SCHEME: &str = r#"format = 1
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

const WORLD: &str = r#"format = 1
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

fn scheme(text: &str, choices: &[(String, String)]) -> Result<Description, Fault> {
    description::load("every", "file.toml", text, choices)
}

fn load_world(text: &str) -> Result<World, Fault> {
    let choices = [("form".into(), "HS384".into())];
    world::load(&scheme(SCHEME, &choices).unwrap(), "file.toml", text, &Files)
}

/// The text with `old` replaced, and the place that `«` marks: line and column from 1, in characters.
#[track_caller]
fn broken(good: &str, old: &str, new: &str) -> (String, usize, usize) {
    assert_eq!(good.matches(old).count(), 1, "`{old}` stands once");
    let text = good.replacen(old, new, 1);
    let before = text.split('«').next().filter(|_| text.contains('«')).map(String::from);
    let (line, column) = before.map_or((0, 0), |before| {
        (before.matches('\n').count() + 1, before.rsplit('\n').next().unwrap().chars().count() + 1)
    });
    (text.replace('«', ""), line, column)
}

#[track_caller]
fn assert_fault<T>(read: Result<T, Fault>, line: usize, column: usize, message: &str, remedy: &str) {
    let Err(fault) = read else { panic!("it was read; expected the fault `{message}`") };
    assert_eq!((fault.file.as_str(), fault.line, fault.column), ("file.toml", line, column), "{fault}");
    assert!(fault.message.contains(message), "`{}` says `{message}`", fault.message);
    assert!(fault.remedy.contains(remedy), "`{}` says `{remedy}`", fault.remedy);
}

#[test]
fn what_a_description_says_is_kept() {
    use bearproof_scheme::description::*;
    let d = scheme(SCHEME, &[]).unwrap();
    assert_eq!((d.id.as_str(), d.title.as_str()), ("every", "every word once"));
    let kinds = [
        ("name", Some(Kind::Text)),
        ("secret", Some(Kind::Secret)),
        ("days", Some(Kind::Integer)),
        ("site", None),
    ];
    for (name, kind) in kinds {
        assert_eq!(d.credential_kind(name), kind, "{name}");
    }
    let [first, second] = d.requirements.as_slice() else { panic!("two") };
    assert_eq!(
        (first.id.as_str(), first.heading.as_deref(), first.level),
        ("R-1", Some("Head"), Level::Should)
    );
    assert_eq!((second.because.as_deref(), second.level), (Some("it is silent"), Level::Must));
    assert_eq!(
        (d.transport.https, d.transport.methods.as_slice()),
        (true, &["GET".into(), "POST".into()][..])
    );
    let token = d.token.as_ref().unwrap();
    assert_eq!(
        (token.format, token.alg, &token.key),
        (Format::Jws, Alg::Hs256, &Source::Credential("secret".into()))
    );
    let part = |path: &str| d.parts.iter().find(|p| p.path() == path).unwrap();
    assert_eq!(part("claims.exp").types, [Type::Seconds, Type::SecondsText]);
    assert_eq!(part("claims.exp").at_most, Some(172_800));
    assert!(matches!(&part("claims.exp").lifetime, Some(Lifetime::Credential(name)) if name == "days"));
    assert_eq!(part("claims.body").when, [Condition::Method("POST".into()), Condition::Body]);
    assert_eq!(part("claims.path").pipeline().unwrap().single(), Some(&Source::Path));
    assert!(
        part("claims.body").pipeline().unwrap().keyed() && !part("claims.path").pipeline().unwrap().keyed()
    );
    assert!(part("claims.sub").identifies && !part("claims.exp").identifies);
    assert_eq!(part("field.authorization").auth_scheme.as_deref(), Some("Bearer"));
    let names: Vec<String> = part("claims.body").pipeline().unwrap().steps.iter().map(Step::name).collect();
    assert_eq!(names, ["sha-256", "hmac-sha-256 credential.secret", "append {claims.sub}", "hex"]);
    let sources: Vec<String> = part("claims.body").pipeline().unwrap().sources().map(Source::name).collect();
    assert_eq!(sources, ["request.body", "credential.secret", "claims.sub"]);
    let body = &d.refusal("signature.invalid").unwrap().body;
    assert_eq!(body, &[("code".into(), "-23".into()), ("more".into(), r#"[true,"x",{"y":1}]"#.into())]);
    assert_eq!(d.refusal("key.unknown").unwrap().status, 401);
    let other = scheme(SCHEME, &[("form".into(), "HS384".into())]).unwrap();
    assert_eq!(other.token.unwrap().alg, Alg::Hs384);
    let path = other.parts.iter().find(|p| p.path() == "claims.path").unwrap();
    assert_eq!(path.pipeline().unwrap().single(), Some(&Source::Target));
}

/// A credential ends by the operation that revokes, whatever else stands before it.
#[test]
fn the_operation_that_ends_a_credential_is_found() {
    assert!(scheme(SCHEME, &[]).map_err(|e| e.to_string()).unwrap().revocation().is_none());
    let more = "[revoke.end]\nguarded = true\nbody.user = { from = \"credential.name\", identifies = true }\n[access.right]";
    let d = scheme(&SCHEME.replace("[access.right]", more), &[]).map_err(|e| e.to_string()).unwrap();
    assert_eq!(d.revocation().map(|o| o.name.as_str()), Some("end"));
}

/// The type in JSON is that of the value which a part takes over, whoever holds it.
#[test]
fn a_part_has_the_type_of_what_it_takes_over() {
    use bearproof_scheme::description::Type;
    for (table, kind, expected) in [
        ("credential", "integer", Type::Integer),
        ("credential", "list", Type::List),
        ("credential", "text", Type::String),
        ("platform", "integer", Type::Integer),
        ("platform", "list", Type::List),
        ("platform", "text", Type::String),
    ] {
        let text =
            SCHEME.replace(&format!("[{table}]\n"), &format!("[{table}]\nmore = \"{kind}\"\n")).replace(
                "[field.authorization]",
                &format!("[claims.more]\nfrom = \"{table}.more\"\n[field.authorization]"),
            );
        let d = scheme(&text, &[]).map_err(|e| e.to_string()).unwrap();
        let part = d.parts.iter().find(|p| p.path() == "claims.more").unwrap();
        assert_eq!(part.types, [expected], "{table} {kind}");
    }
}

#[test]
fn a_description_that_is_wrong_is_refused_at_its_place() {
    for (old, new, message, remedy) in [
        ("format = 1\ntitle", "title", "no `format`", "`format = 1`"),
        ("format = 1\n", "format = «2\n", "format 2", "update"),
        ("format = 1\n", "format = «0\n", "format 0", "`format = 1`"),
        ("title = \"every word once\"\n", "", "no `title`", "the name"),
        ("\"it must\"", "\"it must\"\n«sais = \"x\"", "unknown word `sais`", "`says`"),
        ("says    = \"it must\"\n", "", "no `says`", "sentence"),
        ("\"should\"", "«\"shuold\"", "unknown word `shuold`", "`should`"),
        (
            "[reading.R-2]",
            "[reading.R-1]\nsays = \"x\"\nbecause = \"y\"\n[reading.R-2]",
            "`R-1` stands twice",
            "rename",
        ),
        ("[\"HS256\", \"HS384\"]", "«[]", "a choice needs options", "the default first"),
        ("\"R-2\"\n[transport]", "«\"R-3\"\n[transport]", "names no requirement", "did you mean"),
        ("ref        = \"R-1\"", "ref        = «\"R-9\"", "names no requirement", "did you mean"),
        (
            "granted  = \"credential.rights\"",
            "granted  = «\"header.scope\"",
            "`access.right` reads `header.scope`",
            "typ",
        ),
        ("\"GET\", \"POST\"", "\"GET\", «\"PO ST\"", "`PO ST` is no method", "`POST`"),
        ("= \"Bearer\"", "= «\"\"", "`` is no auth-scheme", "`Bearer`"),
        ("days   = \"integer\"", "days   = «\"int\"", "unknown word `int`", "integer"),
        ("\"jws\"", "\"jwe\"", "does not fit the token format", "jws"),
        ("{ choose = \"form\" }", "«\"dir+A256GCM\"", "`dir+A256GCM` does not fit", "jws"),
        ("{ choose = \"form\" }", "{ choose = «\"from\" }", "unknown choice `from`", "`form`"),
        ("\"HS384\"]", "\"HS348\"]", "has no `HS348`", "for this option"),
        ("= \"credential.secret\"\n", "= «\"request.path\"\n", "a key is a value", "name one"),
        (
            "[platform]\nsite = \"text\"\n[token]\nformat = \"jws\"\nalg    = { choose = \"form\" }\nkey    = \"credential.secret\"\n",
            "[platform]\nkey = \"secret\"\nsite = \"text\"\n[token]\nformat = \"jws\"\nalg    = \"HS256\"\nkey    = «\"platform.site\"\n",
            "`platform.site` is public",
            "`secret`",
        ),
        (
            "= \"credential.secret\"\n",
            "= «\"credential.secrets\"\n",
            "`token.key` reads `credential.secrets`",
            "`secret`",
        ),
        (
            "constant = \"JWT\"",
            "constant = \"JWT\"\ntime = \"issued\"",
            "2 rules for its value, expected exactly one",
            "from, constant, time, nonce",
        ),
        ("constant = \"JWT\"", "optional = true", "0 rules", "from, constant, time, nonce"),
        (
            "identifies = true\nref",
            "identifies = «\"yes\"\nref",
            "must be true or false, found text",
            "true or false",
        ),
        ("\"expires\"", "«\"expire\"", "unknown word `expire`", "`expires`"),
        ("\"2d\"", "«\"2w\"", "`2w` is no duration", "`90s`"),
        ("\"credential.days\"", "«\"7\"", "`7` is no duration", "`90s`"),
        ("[\"seconds\", \"seconds-text\"]", "«[]", "empty list", "at least one"),
        ("\"seconds-text\"]", "«\"second\"]", "unknown word `second`", "`seconds`"),
        ("\"sha-256\", ", "«\"sha256\", ", "unknown step `sha256` in `claims.body.from", "`sha-256`"),
        ("\"sha-256\", ", "«\"sha-256 x\", ", "takes no argument", "remove"),
        ("hmac-sha-256 credential.secret\"", "hmac-sha-256 secret\"", "unknown source `secret`", ""),
        ("append {claims.sub}", "append {claims.sub", "without `}`", "close the brace"),
        (
            "{request.body}x",
            "{request.boddy}x",
            "unknown source `request.boddy` in `claims.body.from",
            "`request.body`",
        ),
        ("append {claims.sub}", "append {claims.sup}", "reads `claims.sup`", "`sub`"),
        ("append {claims.sub}", "append {platform.sites}", "reads `platform.sites`", "`site`"),
        ("[\"POST\", \"request.body\"]", "[\"POST\", «\"post\"]", "unknown condition `post`", "capitals"),
        ("[\"POST\", \"request.body\"]", "[\"POST\", «\"\"]", "unknown condition ``", "capitals"),
        ("HS384 = \"request.target\"", "HS348 = \"request.target\"", "no `HS384`", "for this option"),
        (
            "from        = \"token\"",
            "from        = \"credential.name\"",
            "no part carries the token",
            "from = \"token\"",
        ),
        ("guarded = false", "guarded = «0", "found a whole number", "true or false"),
        ("required = \"endpoint.right\"", "", "no `required`", "asks for"),
        (
            "\"credential.rights\"",
            "«\"credential.right\"",
            "`access.right` reads `credential.right`",
            "`rights`",
        ),
        ("\"*\" = { status = 401 }\n", "", "no refusal for `*`", "status = 401"),
        ("status = 403", "status = «99", "between 200 and 599", "documented"),
        ("status = 403", "status = «600", "between 200 and 599", "documented"),
        ("\"signature.invalid\" =", "\"signature.wrong\" =", "unknown reason `signature.wrong`", ""),
        ("-23", "«1.5", "code", ""),
        (
            "[platform]\nsite = \"text\"",
            "[platform]\nsite = «7",
            "text in quotes, found a whole number",
            "text in quotes",
        ),
    ] {
        let (text, line, column) = broken(SCHEME, old, new);
        let fault = scheme(&text, &[]).err().unwrap_or_else(|| panic!("`{new}` was read"));
        if line > 0 {
            assert_eq!((fault.line, fault.column), (line, column), "{fault}");
        }
        assert_fault::<()>(Err(fault.clone()), fault.line, fault.column, message, remedy);
    }
}

#[test]
fn every_option_of_a_choice_is_a_word() {
    let (text, ..) = broken(
        SCHEME,
        "{ choose = \"form\", HS256 = \"request.path\", HS384 = \"request.target\" }",
        "\"request.path\"",
    );
    let (text, line, column) =
        broken(&text.replace("\"HS384\"]", "\"HS348\"]"), "= \"form\" }", "= «\"form\" }");
    assert_fault(scheme(&text, &[]), line, column, "unknown word `HS348` in choice `form`", "`HS384`");
}

#[test]
fn a_method_whose_body_nothing_binds_is_refused() {
    let (text, ..) = broken(SCHEME, ", \"request.body\"]", "]");
    assert!(scheme(&text, &[]).is_ok());
    for method in ["PUT", "DELETE", "PATCH"] {
        let (text, line, column) =
            broken(&text, "\"POST\"]\n[cred", &format!("\"POST\", «\"{method}\"]\n[cred"));
        assert_fault(scheme(&text, &[]), line, column, "can carry a body, and no part binds it", method);
        let excused = format!("[transport.unbound]\n{method} = \"no body there\"\n[credential]");
        assert!(scheme(&text.replace("[credential]", &excused), &[]).is_ok());
    }
    for method in ["HEAD", "OPTIONS", "TRACE"] {
        let (text, ..) = broken(&text, "\"POST\"]\n[cred", &format!("\"POST\", \"{method}\"]\n[cred"));
        assert!(scheme(&text, &[]).is_ok(), "{method}");
    }
}

#[test]
fn a_choice_that_the_scheme_does_not_have_is_refused() {
    let choose = |name: &str, option: &str| scheme(SCHEME, &[(name.into(), option.into())]);
    assert_fault(choose("from", "HS256"), 0, 0, "no choice `from`", "`form`");
    assert_fault(choose("form", "HS512"), 11, 11, "no option `HS512`", "HS");
}

#[test]
fn what_a_world_says_is_kept() {
    use bearproof_scheme::world::*;
    let w = load_world(WORLD).unwrap();
    assert_eq!((w.clock, w.leeway, w.host().as_str()), (Some(1_700_000_000), 5, "api.example:8443"));
    assert_eq!(w.choose, [("form".into(), "HS384".into())]);
    let bytes =
        |role: &str, name: &str| value(&w.credential(role).unwrap().values, name).and_then(Value::bytes);
    assert_eq!(bytes("primary", "secret").as_deref(), Some(&[0xfb, 0xff][..]));
    assert_eq!(bytes("gone", "secret").as_deref(), Some(&b"from a file"[..]));
    assert_eq!(bytes("primary", "days").as_deref(), Some(&b"7"[..]));
    assert_eq!(bytes("primary", "rights").as_deref(), Some(&b"a b"[..]));
    assert_eq!(w.credential("gone").unwrap().state, State::Revoked);
    assert_eq!(w.credential("primary").unwrap().state, State::Active);
    let private = |role: &str| w.credential(role).unwrap().private.len();
    assert_eq!((private("primary"), private("gone")), (1, 1), "values from elsewhere are not to be shown");
    assert_eq!(
        value(&w.platform("primary").unwrap().values, "site").and_then(Value::bytes).as_deref(),
        Some(&b"s"[..])
    );
    let read = w.endpoint("read").unwrap();
    assert_eq!(
        (read.method.as_str(), read.path.as_str(), read.query.as_str()),
        ("GET", "/things/{id}", "x=1")
    );
    assert_eq!(read.parameters, [("id".into(), "7".into())]);
    assert_eq!(read.fields, [("Accept".into(), "text/plain".into())]);
    let rights = value(&read.attributes, "right").and_then(Value::items).unwrap();
    assert_eq!(rights.as_slice(), [&b"a"[..]]);
    assert_eq!(
        (read.success.status.as_slice(), read.success.pointer.as_deref()),
        (&[200, 204][..], Some("/ok"))
    );
    assert_eq!(w.connect.address.as_deref(), Some("http://127.0.0.1:1"));
    assert_eq!(
        (w.connect.allow.as_slice(), w.connect.tag.as_deref()),
        (&["api.example".into()][..], Some("X-Test"))
    );
    let secret = |value: &Value| value.is_secret();
    let of = |name: &str| value(&w.credential("primary").unwrap().values, name).map(secret);
    assert_eq!((of("secret"), of("name")), (Some(true), Some(false)));
    let variable = WORLD.replace("{ base64 = \"+/8=\" }", "{ env = \"SET\" }");
    let w = load_world(&variable).unwrap();
    let secret = value(&w.credential("primary").unwrap().values, "secret").and_then(Value::bytes);
    assert_eq!(secret.as_deref(), Some(&b"from the environment"[..]));
}

#[test]
fn a_world_that_is_wrong_is_refused_at_its_place() {
    for (old, new, message, remedy) in [
        ("2023-11-14T22:13:20Z", "«2023-11-14", "clock", "2023-11-14T22:13:20Z"),
        ("2023-11-14T22:13:20Z", "«1969-12-31T00:00:00Z", "clock", "2023-11-14T22:13:20Z"),
        ("2023-11-14T22:13:20Z", "«1700000000", "found a whole number", "date and time"),
        (
            "\"https://api.example:8443\"",
            "«\"api.example\"",
            "`api.example` is no origin",
            "scheme, host and port",
        ),
        ("\"https://api.example:8443\"", "«\"https://\"", "is no origin", "scheme, host and port"),
        (
            "\"https://api.example:8443\"",
            "«\"https://api.example/v1\"",
            "is no origin",
            "scheme, host and port",
        ),
        (
            "\"https://api.example:8443\"",
            "«\"https://u@api.example\"",
            "is no origin",
            "scheme, host and port",
        ),
        ("\"5s\"", "«\"5\"", "`5` is no duration", "`90s`"),
        ("\"+/8=\"", "«\"+/9=\"", "no base64", "standard base64"),
        ("{ base64 = \"+/8=\" }", "«{ base64 = \"+/8=\", env = \"SET\" }", "exactly one place", "file"),
        ("{ base64 = \"+/8=\" }", "«{}", "exactly one place", "file"),
        ("{ base64 = \"+/8=\" }", "{ env = «\"UNSET\" }", "`UNSET`: not set", "set it"),
        ("\"key\"", "«\"keys\"", "`keys`: not found", "relative"),
        ("days   = 7", "days   = «\"7\"", "must be a whole number, found text", "whole number"),
        ("days   = 7", "days   = «7.5", "found a number with a point", "whole number"),
        ("[\"a\", \"b\"]", "«\"a\"", "must be a list in brackets, found text", "list"),
        ("[\"a\", \"b\"]", "[«1]", "`credential.primary.rights[0]` must be text", "text"),
        ("\"revoked\"", "«\"active\"", "unknown word `active`", ""),
        ("name   = \"n\"", "name   = \"n\"\n«nmae = \"n\"", "unknown word `nmae`", "`name`"),
        ("name   = \"n\"", "name   = \"n\"\ncaptured-token = «\"t\"", "sign their own", "key"),
        ("\"/things/{id}\"", "«\"things/{id}\"", "is no path", "`/`"),
        ("\"/things/{id}\"", "«\"/things?x\"", "is no path", "`query`"),
        ("\"/things/{id}\"", "«\"/things/{ident}\"", "`ident` has no value", ""),
        ("method = \"GET\"\n", "", "no `method`", "GET"),
        ("path   = \"/login\"\n", "", "no `path`", "path"),
        ("[200, 204]", "[200, «99]", "between 100 and 599", "success"),
        ("[200, 204]", "[200, «600]", "between 100 and 599", "success"),
        ("\"X-Test\"", "«\"X Test\"", "no name of a field", "X-Test-Request"),
        ("\"X-Test\"", "«\"\"", "no name of a field", "X-Test-Request"),
        ("[endpoint.login]\n", "[endpoint.login]\nbody = «true\n", "found true or false", "text"),
        ("right  = [\"a\"]", "right  = «1", "found a whole number", "text"),
        (
            "[credential.gone]",
            "[credential.gone]\nname = «1979-05-27\n[credential.more]",
            "found a date or time",
            "text",
        ),
    ] {
        let (text, line, column) = broken(WORLD, old, new);
        let fault = load_world(&text).err().unwrap_or_else(|| panic!("`{new}` was read"));
        if line > 0 {
            assert_eq!((fault.line, fault.column), (line, column), "{fault}");
        }
        assert_fault::<()>(Err(fault.clone()), fault.line, fault.column, message, remedy);
    }
    assert_fault(load_world("format = 1\norigin = \"http://a\"\n"), 0, 0, "no `credential`", "primary");
}

#[test]
fn the_choices_of_a_world_are_those_of_its_scheme() {
    let d = scheme(SCHEME, &[]).unwrap();
    assert_eq!(world::read_choices("file.toml", WORLD).unwrap(), [("form".into(), "HS384".into())]);
    assert!(world::check_choices("file.toml", WORLD, &d).is_ok());
    let (text, line, column) = broken(WORLD, "\"HS384\"", "«\"HS348\"");
    assert_fault(world::check_choices("file.toml", &text, &d), line, column, "no option `HS348`", "`HS384`");
    let (text, line, column) = broken(WORLD, "form = \"HS384\"", "from = «\"HS384\"");
    assert_fault(world::check_choices("file.toml", &text, &d), line, column, "no choice `from`", "`form`");
    let schemes = ["alpha", "beta"];
    let read = |text: &str| world::read_scheme("file.toml", text, schemes.into_iter());
    assert_eq!(read("format = 1\nscheme = \"beta\"\nelse = 1\n").unwrap(), "beta");
    assert_fault(read("format = 1\nscheme = \"betta\"\n"), 2, 10, "unknown scheme `betta`", "`beta`");
    assert_fault(read("format = 1\n"), 0, 0, "no `scheme`", "id of the scheme");
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
