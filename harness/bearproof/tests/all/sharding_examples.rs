//! The examples for several machines do what they say: read as YAML, run by the shell as there.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first broken assumption")]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::common::{Temp, copy};
use crate::serve::serve;

fn example(name: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/sharding").join(name);
    serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// What an array holds at a place.
fn list<'v>(value: &'v Value, place: &str) -> &'v Vec<Value> {
    value.pointer(place).and_then(Value::as_array).unwrap_or_else(|| panic!("no list {place} in {value}"))
}

fn text<'v>(value: &'v Value, place: &str) -> &'v str {
    value.pointer(place).and_then(Value::as_str).unwrap_or_else(|| panic!("no text {place} in {value}"))
}

/// Runs a line as a machine would, and gives code and output.
fn shell(folder: &Temp, line: &str, variables: &[(String, String)]) -> (Option<i32>, String) {
    let ours = Path::new(env!("CARGO_BIN_EXE_bearproof")).parent().unwrap();
    let path = format!("{}:{}", ours.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("sh");
    command.args(["-c", line]).env("PATH", path).current_dir(&folder.0);
    let output = command.envs(variables.iter().cloned()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

/// A folder with the profile of a served reference as `staging.toml`. It has a weakness: a shard that finds something has
/// done its work.
fn staging(served: &Path) -> Temp {
    let folder = Temp::new();
    copy(served, &folder.0);
    fs::rename(folder.path("bursagb-apikey.toml"), folder.path("staging.toml")).unwrap();
    folder
}

const DEFECT: &[&str] = &["--defect", "bursagb-apikey/field.ApiKey/first-of-two"];

fn whole(folder: &Temp, out: &str) {
    let results = fs::read_to_string(folder.path(out).join("results.json")).unwrap();
    let results: Value = serde_json::from_str(&results).unwrap();
    assert_eq!(results.pointer("/suite/shard"), None);
    assert!(list(&results, "/vectors").len() > 50);
    assert!(list(&results, "/vectors").iter().any(|v| v["outcome"] == "fail"), "nothing was found");
}

#[test]
fn the_workflow_runs_its_shards_and_merges_them() {
    let served = serve("workflow", "bursagb-apikey", DEFECT);
    let folder = staging(&served.folder);
    let workflow = example("github-actions.yml");
    let run = |job: &str, name: &str| {
        let steps = list(&workflow, &format!("/jobs/{job}/steps"));
        text(steps.iter().find(|s| s["name"] == name).unwrap(), "/run").to_owned()
    };
    let shards = list(&workflow, "/jobs/shard/strategy/matrix/shard");
    assert_eq!(shards.len(), 3);
    for shard in shards {
        let line = run("shard", "judge");
        let line = line.replace("${{ matrix.shard }}", &shard.to_string());
        let line = line.replace("${{ github.run_id }}", "17000000001");
        assert!(!line.contains("${{"), "{line}");
        let (code, said) = shell(&folder, &line, &[]);
        assert_eq!(code, Some(0), "{said}");
        // What is uploaded under this name is downloaded into a folder of this name.
        let uploads = list(&workflow, "/jobs/shard/steps");
        let with = &uploads.iter().find(|s| s["uses"] == "actions/upload-artifact@v4").unwrap()["with"];
        assert_eq!(with["name"], with["path"]);
        let path = text(with, "/path").replace("${{ matrix.shard }}", &shard.to_string());
        assert!(folder.path(&path).join("results.json").exists(), "{path}");
    }
    assert_eq!(workflow["jobs"]["merge"]["needs"], "shard");
    let (code, said) = shell(&folder, &run("merge", "merge"), &[]);
    assert_eq!(code, Some(1), "{said}");
    whole(&folder, "merged");

    // Anything else than findings fails the shard.
    fs::remove_file(folder.path("staging.toml")).unwrap();
    let line = run("shard", "judge").replace("${{ matrix.shard }}", "1").replace("${{ github.run_id }}", "1");
    assert_eq!(shell(&folder, &line, &[]).0, Some(1));
}

#[test]
fn the_indexed_job_runs_its_shards_and_merges_them() {
    let served = serve("indexed", "bursagb-apikey", DEFECT);
    let folder = staging(&served.folder);
    let (job, merge) = (example("kubernetes-shards.yml"), example("kubernetes-merge.yml"));
    let container = |job: &Value| list(job, "/spec/template/spec/containers").first().unwrap().clone();
    let line = |job: &Value| {
        let container = container(job);
        let command: Vec<&str> = list(&container, "/command").iter().map(|v| v.as_str().unwrap()).collect();
        assert_eq!(command, ["sh", "-c"]);
        text(&container, "/args/0").to_owned()
    };
    assert_eq!(text(&job, "/spec/completionMode"), "Indexed");
    let completions = job["spec"]["completions"].as_u64().unwrap();
    for index in 0..completions {
        let shards = container(&job);
        let own = list(&shards, "/env").iter();
        let own = own.map(|v| (text(v, "/name").to_owned(), text(v, "/value").to_owned()));
        let variables: Vec<_> = own.chain([("JOB_COMPLETION_INDEX".to_owned(), index.to_string())]).collect();
        let (code, said) = shell(&folder, &line(&job), &variables);
        assert_eq!(code, Some(0), "{said}");
    }
    let (code, said) = shell(&folder, &line(&merge), &[]);
    assert_eq!(code, Some(1), "{said}");
    whole(&folder, "results/merged");
}
