//! The reference's results are the accepted ones: a change of any verdict, status or reason is reviewed.

#![expect(clippy::unwrap_used, reason = "a test stops at the first broken assumption")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn results(text: &str) -> Value {
    let mut results: Value = serde_json::from_str(text).unwrap();
    results.as_object_mut().unwrap().remove("run");
    results
}

#[test]
fn the_reference_gives_the_accepted_results() {
    let out = tempfolder();
    let ended =
        Command::new(env!("CARGO_BIN_EXE_bearproof")).arg("run").arg("--out").arg(&out).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(0), "{said}");
    // The README shows this run: its rows are real.
    let readme = include_str!("../../../../README.md");
    let is_way =
        |line: &&str| ["in-process", "http", "https"].contains(&line.split_whitespace().nth(1).unwrap_or(""));
    let of_run =
        |line: &&str| line.starts_with("annexcloud  ") && is_way(line) || line.starts_with("total  ");
    let rows: Vec<&str> = readme.lines().filter(of_run).collect();
    assert_eq!(rows.len(), 4, "the README shows no excerpt of a run");
    for row in rows {
        assert!(said.lines().any(|line| line == row), "the README is stale: `{row}` was not printed");
    }
    let now = results(&std::fs::read_to_string(out.join("results.json")).unwrap());
    let accepted = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports/reference.json");
    let accepted = results(&std::fs::read_to_string(accepted).unwrap());
    std::fs::remove_dir_all(&out).unwrap();
    for (name, value) in accepted.as_object().unwrap() {
        if name != "vectors" {
            assert_eq!(now.get(name), Some(value), "`{name}` differs: review, then `bearproof run --accept`");
        }
    }
    agree(now["vectors"].as_array().unwrap());
    let (now, accepted) = (now["vectors"].as_array().unwrap(), accepted["vectors"].as_array().unwrap());
    for (now, accepted) in now.iter().zip(accepted) {
        assert_eq!(now, accepted, "a result differs: review, then `bearproof run --accept`");
    }
    assert_eq!(
        now.len(),
        accepted.len(),
        "the number of results differs: review, then `bearproof run --accept`"
    );
}

/// In process, over HTTP and over HTTPS each vector has the same verdicts, also where none is expected.
fn agree(vectors: &[Value]) {
    let mut verdicts: BTreeMap<&str, Vec<Vec<Option<&str>>>> = BTreeMap::new();
    for vector in vectors {
        let steps = vector["steps"].as_array().unwrap();
        let observed = steps.iter().map(|s| s.get("observed").and_then(Value::as_str)).collect();
        verdicts.entry(vector["id"].as_str().unwrap()).or_default().push(observed);
    }
    assert!(verdicts.len() > 1000, "only {} vectors", verdicts.len());
    for (id, ways) in verdicts {
        assert_eq!(ways.len(), 3, "{id} was not run in all three ways");
        assert!(ways.iter().all(|way| Some(way) == ways.first()), "{id}: the ways disagree: {ways:?}");
    }
}

/// A folder of this process alone.
fn tempfolder() -> std::path::PathBuf {
    std::env::temp_dir().join(format!("bearproof-reference-{}", std::process::id()))
}
