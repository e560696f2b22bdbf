//! `fuzz` composes requests, finds what a weak server lets in, and blames no strict one.

use std::fs;

use crate::common::{Temp, bearproof, copy, vectors};
use crate::serve::serve;

#[test]
fn what_a_weak_server_lets_in_is_found_shrunk_and_shown_once_more() {
    let served = serve("fuzz-weak", "hotwax", &["--defect", "hotwax/claims.exp/only-if-present"]);
    let profile = served.folder.join("hotwax.toml");
    let (profile, folder) = (profile.to_str().unwrap(), Temp::new());
    let ended = bearproof(&folder, &["fuzz", "--target", profile, "--seed", "1", "--time", "4s"]);
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    let line = ended.stdout.lines().find(|line| line.ends_with("+claims-exp-removed  (must)"));
    let id = line.unwrap_or_else(|| panic!("{}", ended.stdout)).split_whitespace().nth(1).unwrap();
    assert!(ended.stdout.contains("let in, and it must be refused (200)"), "{}", ended.stdout);

    // The lines of the finding.
    let sign = ["sign", "--target", profile, "--vector", id, "--out", "req.http"];
    assert!(ended.stdout.contains(&format!("bearproof {}", sign.join(" "))), "{}", ended.stdout);
    assert_eq!(bearproof(&folder, &sign).code, Some(0));
    let sent = bearproof(&folder, &["send", "--target", profile, "req.http"]);
    assert!(sent.stdout.starts_with("HTTP/1.1 200"), "{}", sent.stdout);
    let run = bearproof(&folder, &["run", "--target", profile, "--filter", id, "--out", "out"]);
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains(id), "{}", run.stdout);

    // Its vector is of the published world.
    let vector = ended.stdout.split(&format!("--vector {id} --out")).nth(1).unwrap();
    let vector = vector.lines().find_map(|line| line.strip_prefix("  vector: ")).unwrap();
    let vector: serde_json::Value = serde_json::from_str(vector).unwrap();
    assert_eq!(vector.pointer("/id").and_then(|id| id.as_str()), Some(id));
    assert_eq!(vector.pointer("/steps/0/expect/verdict").unwrap(), "reject");
    assert!(vector.pointer("/twin").unwrap().as_str().unwrap().starts_with("hotwax/fuzz/primary+"));
}

#[test]
fn the_strict_reference_is_not_blamed_and_no_recipe_is_read() {
    let folder = Temp::new();
    for file in ["scheme.toml", "world.toml"] {
        fs::create_dir_all(folder.path("bare/annexcloud")).unwrap();
        let from = vectors().join("annexcloud").join(file);
        fs::copy(from, folder.path("bare/annexcloud").join(file)).unwrap();
    }
    let keys = vectors().join("annexcloud/keys");
    if keys.is_dir() {
        copy(&keys, &folder.path("bare/annexcloud/keys"));
    }
    let served = serve("fuzz-strict", "annexcloud", &[]);
    let profile = served.folder.join("annexcloud.toml");
    let ended = bearproof(
        &folder,
        &["--vectors", "bare", "fuzz", "--target", profile.to_str().unwrap(), "--seed", "1", "--time", "3s"],
    );
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("annexcloud.toml: 0 findings; seed 1, "), "{}", ended.stdout);
    let asked = ended.stdout.split("seed 1, ").nth(1).unwrap().split(' ').next().unwrap();
    assert!(asked.parse::<u32>().unwrap() > 50, "only {asked} questions");
}

/// What is asked a second time is made anew: with its nonce the strict reference would answer otherwise.
#[test]
fn a_nonce_is_not_sent_again_with_a_question_that_comes_again() {
    let served = serve("fuzz-nonce", "hexsafe", &[]);
    let (profile, folder) = (served.folder.join("hexsafe.toml"), Temp::new());
    let profile = profile.to_str().unwrap();
    let ended = bearproof(&folder, &["fuzz", "--target", profile, "--seed", "1", "--time", "4s"]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
}

#[test]
fn a_word_that_is_none_is_named() {
    let folder = Temp::new();
    let ended = bearproof(&folder, &["sign", "--vector", "hotwax/fuzz/primary+write+nonsense"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("there is no word `nonsense`"), "{}", ended.stderr);
}
