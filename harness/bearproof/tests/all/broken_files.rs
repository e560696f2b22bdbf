//! Input files that are broken: each ends with code 2 and one message that says where, what was expected and what
//! to do. It must not test files that are right.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first broken assumption")]

use std::fs;
use std::path::Path;

use crate::common::{Temp, bearproof, copy, profile, vectors};

/// A whole copy of the vectors, without the frozen files.
fn suite(temp: &Temp) {
    copy(&vectors().join("families"), &temp.path("vectors/families"));
    copy(&vectors().join("annexcloud"), &temp.path("vectors/annexcloud"));
}

/// Replaces `old`, which must stand once, in a file.
#[track_caller]
fn edit(file: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert_eq!(text.matches(old).count(), 1, "`{old}` in {}", file.display());
    fs::write(file, text.replacen(old, new, 1)).unwrap();
}

/// Asserts code 2 and the whole message, with `DIR` for the folder of the test.
#[track_caller]
fn assert_refused(temp: &Temp, arguments: &[&str], message: &str) {
    let ended = bearproof(temp, arguments);
    assert_eq!(ended.stderr, format!("error: {message}\n"));
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
}

/// A scheme of one's own with a broken file, as `run`, `show` and `list` read it.
#[track_caller]
fn assert_scheme(break_it: impl Fn(&Path), message: &str) {
    let temp = Temp::new();
    let folder = temp.path("annexcloud");
    copy(&vectors().join("annexcloud"), &folder);
    break_it(&folder);
    let name = folder.to_str().unwrap();
    for arguments in [&["run", "--scheme", name][..], &["show", name], &["list", "--scheme", name]] {
        assert_refused(&temp, arguments, message);
    }
}

/// A broken file in the folder of the vectors.
#[track_caller]
fn assert_vectors(break_it: impl Fn(&Path), message: &str) {
    let temp = Temp::new();
    suite(&temp);
    break_it(&temp.path("vectors"));
    assert_refused(&temp, &["--vectors", temp.path("vectors").to_str().unwrap(), "list"], message);
}

/// A broken profile.
#[track_caller]
fn assert_profile(break_it: impl Fn(&Path), message: &str) {
    let temp = Temp::new();
    let file = profile(&temp.0, "annexcloud", "http://127.0.0.1:9");
    break_it(&file);
    assert_refused(&temp, &["run", "--target", file.to_str().unwrap()], message);
}

/// The first recipe of a scheme's own, to be broken.
const RECIPES: &str = r#"format = 1

[[recipe]]
name   = "time/early"
expect = "accept"
"#;

fn write_recipes(folder: &Path, more: &str) {
    fs::write(folder.join("recipes.toml"), format!("{RECIPES}{more}")).unwrap();
}

#[test]
fn an_unknown_word_names_the_nearest() {
    assert_scheme(
        |d| edit(&d.join("scheme.toml"), "[header.typ]\n", "[header.typ]\noptinal = true\n"),
        "DIR/annexcloud/scheme.toml:21:1: unknown word `optinal` in `header.typ`\n  help: did you mean `optional`?",
    );
    assert_vectors(
        |d| {
            edit(
                &d.join("families/time.toml"),
                "name     = \"expired\"\nwhere ",
                "name     = \"expired\"\nwheer ",
            );
        },
        "DIR/vectors/families/time.toml:7:1: unknown word `wheer` in `recipe[0]`\n  help: did you mean `where`?",
    );
    assert_profile(
        |f| edit(f, "[connect]\naddress", "[connect]\nadress"),
        "DIR/annexcloud.toml:7:1: unknown word `adress` in `connect`\n  help: did you mean `address`?",
    );
}

#[test]
fn a_wrong_type_says_the_right_one() {
    assert_scheme(
        |d| edit(&d.join("scheme.toml"), "title  = \"Annex Cloud Loyalty API\"", "title  = 7"),
        "DIR/annexcloud/scheme.toml:2:10: `title` must be text in quotes, found a whole number\n  help: write text in quotes",
    );
    assert_scheme(
        |d| edit(&d.join("world.toml"), "leeway = \"0s\"", "leeway = 0"),
        "DIR/annexcloud/world.toml:4:10: `leeway` must be text in quotes, found a whole number\n  help: write text in quotes",
    );
    assert_scheme(
        |d| write_recipes(d, "where  = \"expiry\"\n"),
        "DIR/annexcloud/recipes.toml:6:10: `recipe[0].where` must be a list in brackets, found text\n  help: write a list in brackets",
    );
    assert_profile(
        |f| edit(f, "site_id   = 87654321\n", "site_id   = \"1\"\n"),
        "DIR/annexcloud.toml:16:13: `credential.other.site_id` must be a whole number, found text\n  help: write a whole number",
    );
}

#[test]
fn a_key_that_stands_twice_is_named_at_its_second_place() {
    assert_scheme(
        |d| edit(&d.join("scheme.toml"), "title  =", "title  = \"Loyalty\"\ntitle  ="),
        "DIR/annexcloud/scheme.toml:3:1: duplicate key\n  help: a key may stand once; rename or remove one of them",
    );
    assert_profile(
        |f| edit(f, "[connect]\n", "[connect]\naddress = \"http://127.0.0.1:8\"\n"),
        "DIR/annexcloud.toml:8:1: duplicate key\n  help: a key may stand once; rename or remove one of them",
    );
}

#[test]
fn an_id_that_stands_twice_is_named() {
    let again = "\n[[recipe]]\nname   = \"time/early\"\nexpect = \"accept\"\n";
    assert_scheme(
        |d| write_recipes(d, again),
        "DIR/annexcloud/recipes.toml:7:1: the recipe `time/early` stands twice\n  help: rename one of them, or let them exclude each other by `where`",
    );
    let requirement = "[reading.ANX-1]\nsays = \"a\"\nbecause = \"b\"\n[requirement.ANX-1]";
    assert_scheme(
        |d| edit(&d.join("scheme.toml"), "[requirement.ANX-1]", requirement),
        "DIR/annexcloud/scheme.toml:58:1: the id `ANX-1` stands twice\n  help: rename one of them",
    );
}

#[test]
fn a_recipe_with_two_faults_is_refused() {
    let steps = r#"
[[recipe]]
name  = "time/late-twice"
why   = "it looks at no time"
steps = [
  { do = "call", expect = "reject", reason = ["time.expired"], fault = { at = "parts", set = "expiry", to = "now" } },
  { do = "call", expect = "reject", reason = ["time.expired"], fault = { at = "parts", set = "expiry", to = "now" } },
]
"#;
    assert_scheme(
        |d| write_recipes(d, steps),
        "DIR/annexcloud/recipes.toml:7:1: the rejecting recipe `late-twice` has 2 faults, expected exactly one\n  help: move what only prepares into `edit`, and keep one `fault`",
    );
}

#[test]
fn a_recipe_whose_control_would_ask_nothing_is_refused() {
    for steps in [
        r#"[{ do = "obtain", expect = "reject", reason = ["proof.mismatch"], fault = true }]"#,
        r#"[{ do = "wait", for = "1h" }, { do = "obtain", expect = "reject", reason = ["proof.mismatch"], fault = true }]"#,
    ] {
        let recipe =
            format!("\n[[recipe]]\nname  = \"issuing/once\"\nwhy   = \"it knows nobody\"\nsteps = {steps}\n");
        assert_scheme(
            |d| write_recipes(d, &recipe),
            "DIR/annexcloud/recipes.toml:7:1: the control of the rejecting recipe `once` would ask nothing\n  help: `fault = true` takes the step away: make the fault an edit, or add a call that must be let in",
        );
    }
}

#[test]
fn bad_toml_is_placed() {
    assert_scheme(
        |d| edit(&d.join("scheme.toml"), "[transport]", "[transport"),
        "DIR/annexcloud/scheme.toml:4:11: unclosed table, expected `]`\n  help: correct this place: the file is TOML 1.0, `key = value` on each line and texts in quotes",
    );
    assert_scheme(
        |d| edit(&d.join("world.toml"), "leeway = \"0s\"", "leeway = \"0s"),
        "DIR/annexcloud/world.toml:4:13: invalid basic string, expected `\"`\n  help: correct this place: the file is TOML 1.0, `key = value` on each line and texts in quotes",
    );
    assert_vectors(
        |d| edit(&d.join("families/valid.toml"), "format = 1", "format ="),
        "DIR/vectors/families/valid.toml:1:9: string values must be quoted, expected literal string\n  help: correct this place: the file is TOML 1.0, `key = value` on each line and texts in quotes",
    );
    assert_profile(
        |f| edit(f, "[connect]\naddress = ", "[connect]\naddress "),
        "DIR/annexcloud.toml:7:9: key with no value, expected `=`\n  help: correct this place: the file is TOML 1.0, `key = value` on each line and texts in quotes",
    );
}

#[test]
fn bad_json_is_placed() {
    let temp = Temp::new();
    suite(&temp);
    edit(&temp.path("vectors/annexcloud/time.json"), "\"family\": \"time\",", "\"family\": \"time\"");
    assert_refused(
        &temp,
        &["--vectors", temp.path("vectors").to_str().unwrap(), "run"],
        "DIR/vectors/annexcloud/time.json:6:3: expected `,` or `}` after the member at byte 84\n  help: the file must be JSON (RFC 8259); frozen files are written by `bearproof freeze`",
    );
}

#[test]
fn a_byte_order_mark_is_refused() {
    let mark = |file: &Path| {
        let text = fs::read_to_string(file).unwrap();
        fs::write(file, format!("\u{feff}{text}")).unwrap();
    };
    assert_scheme(
        |d| mark(&d.join("scheme.toml")),
        "DIR/annexcloud/scheme.toml:1:1: the file begins with a byte order mark\n  help: save it as UTF-8 without a byte order mark",
    );
    assert_vectors(
        |d| mark(&d.join("families/time.toml")),
        "DIR/vectors/families/time.toml:1:1: the file begins with a byte order mark\n  help: save it as UTF-8 without a byte order mark",
    );
    assert_profile(
        mark,
        "DIR/annexcloud.toml:1:1: the file begins with a byte order mark\n  help: save it as UTF-8 without a byte order mark",
    );
}

#[test]
fn line_ends_of_another_system_are_refused() {
    let convert = |file: &Path| {
        let text = fs::read_to_string(file).unwrap();
        fs::write(file, text.replace('\n', "\r\n")).unwrap();
    };
    assert_scheme(
        |d| convert(&d.join("world.toml")),
        "DIR/annexcloud/world.toml:1:11: carriage return in the file: lines must end in a line feed alone\n  help: convert the line ends (for example `sed -i 's/\\r$//' FILE`); write \\r in a string if it is meant",
    );
    assert_vectors(
        |d| convert(&d.join("families/time.toml")),
        "DIR/vectors/families/time.toml:1:11: carriage return in the file: lines must end in a line feed alone\n  help: convert the line ends (for example `sed -i 's/\\r$//' FILE`); write \\r in a string if it is meant",
    );
    assert_profile(
        convert,
        "DIR/annexcloud.toml:1:11: carriage return in the file: lines must end in a line feed alone\n  help: convert the line ends (for example `sed -i 's/\\r$//' FILE`); write \\r in a string if it is meant",
    );
}

#[test]
fn an_empty_file_is_refused() {
    for nothing in ["", " \n\t\n"] {
        assert_scheme(
            |d| fs::write(d.join("scheme.toml"), nothing).unwrap(),
            "DIR/annexcloud/scheme.toml: the file is empty\n  help: start from an existing one; see vectors/README.md",
        );
        assert_scheme(
            |d| fs::write(d.join("recipes.toml"), nothing).unwrap(),
            "DIR/annexcloud/recipes.toml: the file is empty\n  help: start from an existing one; see vectors/README.md",
        );
        assert_vectors(
            |d| fs::write(d.join("families/time.toml"), nothing).unwrap(),
            "DIR/vectors/families/time.toml: the file is empty\n  help: start from an existing one; see vectors/README.md",
        );
        assert_profile(
            |f| fs::write(f, nothing).unwrap(),
            "DIR/annexcloud.toml: the file is empty\n  help: start from an existing one; see vectors/README.md",
        );
    }
}

#[test]
fn a_folder_where_a_file_is_expected_is_refused() {
    let folder = |file: &Path| {
        let _ = fs::remove_file(file);
        fs::create_dir(file).unwrap();
    };
    assert_scheme(
        |d| folder(&d.join("world.toml")),
        "DIR/annexcloud/world.toml: this is a folder, a file was expected\n  help: check that this is the path of the file you mean",
    );
    assert_vectors(
        |d| folder(&d.join("families/time.toml")),
        "DIR/vectors/families/time.toml: this is a folder, a file was expected\n  help: check that this is the path of the file you mean",
    );
    assert_profile(
        folder,
        "DIR/annexcloud.toml: this is a folder, a file was expected\n  help: check that this is the path of the file you mean",
    );
}

#[test]
fn a_huge_file_is_not_read() {
    let grow =
        |file: &Path| fs::OpenOptions::new().write(true).open(file).unwrap().set_len(100 << 20).unwrap();
    assert_scheme(
        |d| grow(&d.join("scheme.toml")),
        "DIR/annexcloud/scheme.toml: the file has 104857600 bytes, more than the limit of 16777216\n  help: check that this is the path of the file you mean",
    );
    assert_vectors(
        |d| grow(&d.join("families/time.toml")),
        "DIR/vectors/families/time.toml: the file has 104857600 bytes, more than the limit of 16777216\n  help: check that this is the path of the file you mean",
    );
    assert_profile(
        grow,
        "DIR/annexcloud.toml: the file has 104857600 bytes, more than the limit of 16777216\n  help: check that this is the path of the file you mean",
    );
}

#[test]
fn a_newer_format_asks_for_an_update() {
    let newer = |file: &Path| edit(file, "format = 1\n", "format = 2\n");
    assert_scheme(
        |d| newer(&d.join("scheme.toml")),
        "DIR/annexcloud/scheme.toml:1:10: format 2 is not known, this version reads format 1\n  help: update bearproof",
    );
    assert_scheme(
        |d| newer(&d.join("world.toml")),
        "DIR/annexcloud/world.toml:1:10: format 2 is not known, this version reads format 1\n  help: update bearproof",
    );
    assert_vectors(
        |d| newer(&d.join("families/time.toml")),
        "DIR/vectors/families/time.toml:1:10: format 2 is not known, this version reads format 1\n  help: update bearproof",
    );
    assert_profile(
        newer,
        "DIR/annexcloud.toml:1:10: format 2 is not known, this version reads format 1\n  help: update bearproof",
    );
}

#[test]
fn an_unknown_scheme_names_the_nearest() {
    assert_profile(
        |f| edit(f, "scheme = \"annexcloud\"", "scheme = \"anexcloud\""),
        "DIR/annexcloud.toml:4:10: unknown scheme `anexcloud`\n  help: did you mean `annexcloud`?",
    );
    let temp = Temp::new();
    for command in ["run", "list"] {
        assert_refused(
            &temp,
            &[command, "--scheme", "anexcloud"],
            "--scheme: unknown scheme `anexcloud`\n  help: did you mean `annexcloud`?",
        );
    }
    assert_refused(
        &temp,
        &["show", "anexcloud"],
        "--scheme: unknown scheme `anexcloud`\n  help: did you mean `annexcloud`?",
    );
}

/// What no single word can tell is placed at the word all the same.
#[test]
fn a_word_that_fits_to_nothing_is_placed() {
    let reference =
        "[token]\nformat = \"jws\"\nalg    = \"HS256\"\nkey    = \"credential.secret\"\nref    = \"ANX-";
    assert_scheme(
        |d| edit(&d.join("scheme.toml"), &format!("{reference}22\""), &format!("{reference}222\"")),
        "DIR/annexcloud/scheme.toml:18:10: `ref = \"ANX-222\"` names no requirement and no reading\n  help: did you mean `ANX-22`?",
    );
    assert_scheme(
        |d| edit(&d.join("scheme.toml"), "from = \"credential.site_name\"", "from = \"credential.sitename\""),
        "DIR/annexcloud/scheme.toml:25:8: `claims.sub` reads `credential.sitename`, which the scheme does not have\n  help: did you mean `site_name`?",
    );
    assert_scheme(
        |d| edit(&d.join("scheme.toml"), "\"PUT\", \"PATCH\"] #", "\"PUT\", \"PATCH\", \"DELETE\"] #"),
        "DIR/annexcloud/scheme.toml:6:43: `DELETE` can carry a body, and no part binds it\n  help: name DELETE in a `when`, or give the reason in `[transport.unbound] DELETE = \"…\"`",
    );
    assert_scheme(
        |d| edit(&d.join("world.toml"), "leeway = ", "choose = { digest = \"x\" }\nleeway = "),
        "DIR/annexcloud/world.toml:4:21: the scheme has no choice `digest`\n  help: remove it: this scheme leaves no choice",
    );
}

#[test]
fn what_is_missing_is_named() {
    assert_scheme(
        |d| fs::remove_file(d.join("world.toml")).unwrap(),
        "DIR/annexcloud/world.toml: there is no such file\n  help: check that this is the path of the file you mean",
    );
    assert_scheme(
        |d| edit(&d.join("scheme.toml"), "title  = \"Annex Cloud Loyalty API\"\n", ""),
        "DIR/annexcloud/scheme.toml: the file has no `title`\n  help: add `title`: the name of the scheme in reports",
    );
    assert_profile(
        |f| edit(f, "scheme = \"annexcloud\"\n", ""),
        "DIR/annexcloud.toml: the file has no `scheme`\n  help: add `scheme`: the id of the scheme that the target speaks",
    );
    assert_profile(
        |f| edit(f, "\n[endpoint.write]\nmethod = \"POST\"", "\n[endpoint.write]"),
        "DIR/annexcloud.toml:30:1: `endpoint.write` has no `method`\n  help: add `method`: the method, such as `GET`",
    );
}
