//! Descriptions: what one says is kept, and one that is wrong is refused at its place ([`crate::faults`]).

use crate::faults::{SCHEME, assert_fault, broken, scheme};

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
