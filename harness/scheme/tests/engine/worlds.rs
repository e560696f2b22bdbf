//! Worlds: what one says is kept, and one that is wrong is refused at its place ([`crate::faults`]).

use bearproof_scheme::world;

use crate::faults::{SCHEME, WORLD, assert_fault, broken, load_world, scheme};

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
