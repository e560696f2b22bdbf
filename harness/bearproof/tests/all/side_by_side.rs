//! Results beside results: what changed between two, and several servers in one matrix.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first broken assumption")]

use std::fs;

use crate::common::{Temp, bearproof};
use crate::serve::serve;

const DEFECT: &str = "bursagb-jwt/field.authorization/first-of-two";

/// Judges a part of the suite on the reference for `scheme`, with a defect if one is named.
fn judge(folder: &Temp, scheme: &str, out: &str, defect: &[&str]) {
    let served = serve(&format!("side-{out}-{}", folder.0.file_name().unwrap().display()), scheme, defect);
    let profile = served.folder.join(format!("{scheme}.toml"));
    let profile = profile.to_str().unwrap();
    let ended = bearproof(
        folder,
        &[
            "run", "--target", profile, "--out", out, "--filter", "carrier", "--filter", "framing",
            "--filter", "time",
        ],
    );
    assert_eq!(ended.code, Some(i32::from(!defect.is_empty())), "{}", ended.stdout);
}

#[test]
fn diff_says_what_got_worse_and_what_better_and_nothing_of_the_same() {
    let folder = Temp::new();
    judge(&folder, "bursagb-jwt", "good", &[]);
    judge(&folder, "bursagb-jwt", "once-more", &[]);
    judge(&folder, "bursagb-jwt", "bad", &["--defect", DEFECT]);
    let diff = |old: &str, new: &str| {
        let file = |out: &str| format!("{out}/results.json");
        bearproof(&folder, &["diff", &file(old), &file(new)])
    };
    // Another seed, another port, another time.
    let ended = diff("good", "once-more");
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(ended.stdout.ends_with(" results, all the same\n"), "{}", ended.stdout);

    let results: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.path("bad/results.json")).unwrap()).unwrap();
    let failed = results["vectors"].as_array().unwrap().iter().filter(|v| v["outcome"] == "fail").count();
    assert!(failed > 0);
    let ended = diff("good", "bad");
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert!(ended.stdout.contains(&format!("\n{failed} worse, 0 better, ")), "{}", ended.stdout);
    assert!(ended.stdout.contains("  http  pass (reject 401) -> fail (accept 200)"), "{}", ended.stdout);
    let ended = diff("bad", "good");
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert!(ended.stdout.contains(&format!("\n0 worse, {failed} better, ")), "{}", ended.stdout);
    // A journal is as good as results.
    let ended = bearproof(&folder, &["diff", "good/results.json", "good/journal.jsonl"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
}

#[test]
fn a_matrix_of_servers_has_the_differences_first() {
    let folder = Temp::new();
    judge(&folder, "bursagb-jwt", "good", &[]);
    judge(&folder, "bursagb-jwt", "bad", &["--defect", DEFECT]);
    // Of another scheme: what has the same name is made by the same recipe.
    judge(&folder, "annexcloud", "other", &[]);
    let files = ["good/results.json", "bad/results.json", "other/results.json"];
    let ended = bearproof(&folder, &[&["report"], files.as_slice(), &["--out", "matrix"]].concat());
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(1), ""), "{}", ended.stdout);
    let at = |text: &str, words: &str| text.find(words).unwrap_or_else(|| panic!("no `{words}`: {text}"));
    let out = &ended.stdout;
    assert!(out.contains("   1  bursagb-jwt.toml  bursagb-jwt http  0 wrong of "), "{out}");
    assert!(out.contains("   3  annexcloud.toml  annexcloud http  0 wrong of "), "{out}");
    assert!(at(out, "families in which they differ") < at(out, "\nframing"), "{out}");
    assert!(at(out, "\nframing") < at(out, "families in which they agree"), "{out}");
    assert!(at(out, "families in which they agree") < at(out, "\ntime"), "{out}");
    assert!(out.ends_with("matrix: matrix/matrix.html\n"), "{out}");

    let page = fs::read_to_string(folder.path("matrix/matrix.html")).unwrap();
    assert!(at(&page, "<th scope=\"row\">framing</th>") < at(&page, "<th scope=\"row\">time</th>"));
    assert!(page.contains("<span class=\"outcome fail\">fail</span> accept 200"), "{page}");
}
