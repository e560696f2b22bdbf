//! Schemes that are no part of the suite run from their folders: the families' vectors and no line of Rust.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first broken assumption"
)]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn run(scheme: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(scheme);
    let out = std::env::temp_dir().join(format!("bearproof-{scheme}-{}", std::process::id()));
    let mut command = Command::new(env!("CARGO_BIN_EXE_bearproof"));
    let ended = command.arg("run").arg("--scheme").arg(folder).arg("--out").arg(&out).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert_eq!(ended.status.code(), Some(0), "{said}");
    let results: Value =
        serde_json::from_str(&std::fs::read_to_string(out.join("results.json")).unwrap()).unwrap();
    std::fs::remove_dir_all(&out).unwrap();
    let vectors = results["vectors"].as_array().unwrap();
    for via in ["in-process", "http", "https"] {
        let passed = vectors.iter().filter(|v| v["via"] == via && v["outcome"] == "pass").count();
        assert!(passed > 100, "{scheme} {via}: only {passed} passed");
    }
    for family in ["signature", "algorithm", "time", "token-syntax", "carrier", "path-binding"] {
        let prefix = format!("{scheme}/{family}/");
        assert!(
            vectors.iter().any(|v| v["id"].as_str().unwrap().starts_with(&prefix)),
            "no {prefix} vectors"
        );
    }
    // Nobody wrote requirements for these, and the report says so instead of inventing some.
    assert!(results["targets"][0]["requirements"].as_array().unwrap().is_empty());
}

#[test]
fn fireblocks_runs_from_its_folder() {
    run("fireblocks");
}

#[test]
fn coinbase_cdp_runs_from_its_folder() {
    run("coinbase-cdp");
}
