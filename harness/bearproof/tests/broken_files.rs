//! Input files that are broken: each ends with code 2 and one message that says where, what was expected and what
//! to do. It must not test files that are right.

mod common;

use std::fs;
use std::path::Path;

use common::{Temp, bearproof, copy, profile, vectors};

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
    let ended = bearproof(&temp.0, arguments);
    assert_eq!(temp.hide(&ended.stderr), format!("error: {message}\n"));
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
    assert_scheme(|d| edit(&d.join("scheme.toml"), "[header.typ]\n", "[header.typ]\noptinal = true\n"), "?");
    assert_vectors(
        |d| {
            edit(
                &d.join("families/time.toml"),
                "name     = \"expired\"\nwhere ",
                "name     = \"expired\"\nwheer ",
            )
        },
        "?",
    );
    assert_profile(|f| edit(f, "[connect]\naddress", "[connect]\nadress"), "?");
}

#[test]
fn a_wrong_type_says_the_right_one() {
    assert_scheme(
        |d| edit(&d.join("scheme.toml"), "title  = \"Annex Cloud Loyalty API\"", "title  = 7"),
        "?",
    );
    assert_scheme(|d| edit(&d.join("world.toml"), "leeway = \"0s\"", "leeway = 0"), "?");
    assert_scheme(|d| write_recipes(d, "where  = \"expiry\"\n"), "?");
    assert_profile(|f| edit(f, "site_id   = 12345678\n", "site_id   = \"1\"\n"), "?");
}

#[test]
fn a_key_that_stands_twice_is_named_at_its_second_place() {
    assert_scheme(|d| edit(&d.join("scheme.toml"), "title  =", "title  = \"Loyalty\"\ntitle  ="), "?");
    assert_profile(|f| edit(f, "[connect]\n", "[connect]\naddress = \"http://127.0.0.1:8\"\n"), "?");
}

#[test]
fn an_id_that_stands_twice_is_named() {
    let again = "\n[[recipe]]\nname   = \"time/early\"\nexpect = \"accept\"\n";
    assert_scheme(|d| write_recipes(d, again), "?");
    let requirement = "[reading.ANX-1]\nsays = \"a\"\nbecause = \"b\"\n[requirement.ANX-1]";
    assert_scheme(|d| edit(&d.join("scheme.toml"), "[requirement.ANX-1]", requirement), "?");
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
    assert_scheme(|d| write_recipes(d, steps), "?");
}

#[test]
fn bad_toml_is_placed() {
    assert_scheme(|d| edit(&d.join("scheme.toml"), "[transport]", "[transport"), "?");
    assert_scheme(|d| edit(&d.join("world.toml"), "leeway = \"0s\"", "leeway = \"0s"), "?");
    assert_vectors(|d| edit(&d.join("families/valid.toml"), "format = 1", "format ="), "?");
    assert_profile(|f| edit(f, "[connect]\naddress = ", "[connect]\naddress "), "?");
}

#[test]
fn bad_json_is_placed() {
    let temp = Temp::new();
    suite(&temp);
    edit(&temp.path("vectors/annexcloud/time.json"), "\"family\": \"time\",", "\"family\": \"time\"");
    assert_refused(&temp, &["--vectors", temp.path("vectors").to_str().unwrap(), "run"], "?");
}

#[test]
fn a_byte_order_mark_is_refused() {
    let mark = |file: &Path| {
        let text = fs::read_to_string(file).unwrap();
        fs::write(file, format!("\u{feff}{text}")).unwrap();
    };
    assert_scheme(|d| mark(&d.join("scheme.toml")), "?");
    assert_vectors(|d| mark(&d.join("families/time.toml")), "?");
    assert_profile(mark, "?");
}

#[test]
fn line_ends_of_another_system_are_refused() {
    let convert = |file: &Path| {
        let text = fs::read_to_string(file).unwrap();
        fs::write(file, text.replace('\n', "\r\n")).unwrap();
    };
    assert_scheme(|d| convert(&d.join("world.toml")), "?");
    assert_vectors(|d| convert(&d.join("families/time.toml")), "?");
    assert_profile(convert, "?");
}

#[test]
fn an_empty_file_is_refused() {
    for nothing in ["", " \n\t\n"] {
        assert_scheme(|d| fs::write(d.join("scheme.toml"), nothing).unwrap(), "?");
        assert_scheme(|d| fs::write(d.join("recipes.toml"), nothing).unwrap(), "?");
        assert_vectors(|d| fs::write(d.join("families/time.toml"), nothing).unwrap(), "?");
        assert_profile(|f| fs::write(f, nothing).unwrap(), "?");
    }
}

#[test]
fn a_folder_where_a_file_is_expected_is_refused() {
    let folder = |file: &Path| {
        let _ = fs::remove_file(file);
        fs::create_dir(file).unwrap();
    };
    assert_scheme(|d| folder(&d.join("world.toml")), "?");
    assert_vectors(|d| folder(&d.join("families/time.toml")), "?");
    assert_profile(folder, "?");
}

#[test]
fn a_huge_file_is_not_read() {
    let grow =
        |file: &Path| fs::OpenOptions::new().write(true).open(file).unwrap().set_len(100 << 20).unwrap();
    assert_scheme(|d| grow(&d.join("scheme.toml")), "?");
    assert_vectors(|d| grow(&d.join("families/time.toml")), "?");
    assert_profile(grow, "?");
}

#[test]
fn a_newer_format_asks_for_an_update() {
    let newer = |file: &Path| edit(file, "format = 1\n", "format = 2\n");
    assert_scheme(|d| newer(&d.join("scheme.toml")), "?");
    assert_scheme(|d| newer(&d.join("world.toml")), "?");
    assert_vectors(|d| newer(&d.join("families/time.toml")), "?");
    assert_profile(newer, "?");
}

#[test]
fn an_unknown_scheme_names_the_nearest() {
    assert_profile(|f| edit(f, "scheme = \"annexcloud\"", "scheme = \"anexcloud\""), "?");
    let temp = Temp::new();
    for command in ["run", "list"] {
        assert_refused(&temp, &[command, "--scheme", "anexcloud"], "?");
    }
    assert_refused(&temp, &["show", "anexcloud"], "?");
}

/// What no single word can tell is placed at the word all the same.
#[test]
fn a_word_that_fits_to_nothing_is_placed() {
    let reference =
        "[token]\nformat = \"jws\"\nalg    = \"HS256\"\nkey    = \"credential.secret\"\nref    = \"ANX-";
    assert_scheme(
        |d| edit(&d.join("scheme.toml"), &format!("{reference}22\""), &format!("{reference}222\"")),
        "?",
    );
    assert_scheme(
        |d| edit(&d.join("scheme.toml"), "from = \"credential.site_name\"", "from = \"credential.sitename\""),
        "?",
    );
    assert_scheme(
        |d| edit(&d.join("scheme.toml"), "\"PUT\", \"PATCH\"] #", "\"PUT\", \"PATCH\", \"DELETE\"] #"),
        "?",
    );
    assert_scheme(
        |d| edit(&d.join("world.toml"), "leeway = ", "choose = { digest = \"x\" }\nleeway = "),
        "?",
    );
}

#[test]
fn what_is_missing_is_named() {
    assert_scheme(|d| fs::remove_file(d.join("world.toml")).unwrap(), "?");
    assert_scheme(|d| edit(&d.join("scheme.toml"), "title  = \"Annex Cloud Loyalty API\"\n", ""), "?");
    assert_profile(|f| edit(f, "scheme = \"annexcloud\"\n", ""), "?");
    assert_profile(|f| edit(f, "\n[endpoint.write]\nmethod = \"POST\"", "\n[endpoint.write]"), "?");
}
