//! However a run ends, what was judged is kept, and a report of it claims no more than was seen.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first broken assumption")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::common::server::Server;
use crate::common::{Temp, bearproof, profile};
use crate::serve::serve;
use crate::wrong_servers::around;

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The reference for annexcloud that takes its time for each answer.
fn slow(milliseconds: u64) -> Server {
    around("annexcloud", move |_, answer, stream| {
        sleep(Duration::from_millis(milliseconds));
        answer.send(stream)
    })
}

/// A run on a server, in the background; its reports go to `out`.
fn start(folder: &Temp, server: &Server) -> Child {
    let file = profile(&folder.0, "annexcloud", &server.url());
    let mut command = Command::new(env!("CARGO_BIN_EXE_bearproof"));
    command.args(["run", "--target", file.to_str().unwrap(), "--out", "out"]).current_dir(&folder.0);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The journal's lines that are whole and of this kind.
fn lines(folder: &Temp, kind: &str) -> Vec<Value> {
    let file = folder.path("out/journal.jsonl");
    // The run begins it after its own start, for which some callers wait here.
    if !file.exists() {
        return Vec::new();
    }
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter_map(|mut line| line.as_object_mut()?.remove(kind)).collect()
}

/// Waits until so many vectors are judged, and sends the process a signal.
fn signal_after(folder: &Temp, mut child: Child, vectors: usize, signal: &str) -> Output {
    for _ in 0..1000 {
        if lines(folder, "vector").len() >= vectors {
            break;
        }
        assert!(child.try_wait().unwrap().is_none(), "the run ended by itself");
        sleep(Duration::from_millis(20));
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    child.wait_with_output().unwrap()
}

/// Makes the reports of the journal in `again`.
fn again(folder: &Temp) -> (Option<i32>, String, Value) {
    let ended = bearproof(folder, &["report", "out/journal.jsonl", "--out", "again"]);
    assert_eq!(ended.stderr, "");
    (ended.code, ended.stdout, json(&folder.path("again/results.json")))
}

/// The results by id.
fn by_id(results: &Value) -> BTreeMap<&str, &Value> {
    let vectors = results["vectors"].as_array().unwrap().iter();
    vectors.map(|v| (v["id"].as_str().unwrap(), v)).collect()
}

/// What a bad request from a bad server is not: the outcomes of a right one.
fn outcomes<'a>(results: &'a Value, of: &BTreeSet<String>) -> BTreeSet<&'a str> {
    let all = by_id(results).into_iter().filter(|(id, _)| of.contains(*id));
    all.map(|(_, v)| v["outcome"].as_str().unwrap()).collect()
}

fn ids(vectors: &[Value]) -> BTreeSet<String> {
    vectors.iter().map(|v| v["id"].as_str().unwrap().to_string()).collect()
}

#[test]
fn the_journal_of_a_whole_run_gives_the_same_results_and_reports() {
    let served =
        serve("journal", "bursagb-jwt", &["--defect", "bursagb-jwt/field.authorization/first-of-two"]);
    let folder = Temp::new();
    let written = fs::read_to_string(served.folder.join("bursagb-jwt.toml")).unwrap();
    let file = served.folder.join("known.toml");
    fs::write(&file, format!("known = \"deviations.toml\"\n{written}")).unwrap();
    let entry = |vector: &str, observed: &str| {
        format!("[[deviation]]\nvector = \"{vector}\"\nobserved = \"{observed}\"\nreason = \"r\"\n")
    };
    // One that is gone, so that known deviations leave a trace whatever else is found.
    let known = format!("format = 1\n{}", entry("bursagb-jwt/carrier/missing", "accept 200"));
    fs::write(served.folder.join("deviations.toml"), known).unwrap();
    let ended = bearproof(&folder, &["run", "--target", file.to_str().unwrap(), "--out", "out"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let results = json(&folder.path("out/results.json"));
    let outcomes: BTreeSet<&str> = by_id(&results).values().map(|v| v["outcome"].as_str().unwrap()).collect();
    assert!(outcomes.is_superset(&BTreeSet::from(["pass", "fail", "xpass"])), "{outcomes:?}");

    let (code, _, of_journal) = again(&folder);
    assert_eq!(code, Some(1));
    assert_eq!(of_journal, results);
    for name in ["report.html", "junit.xml"] {
        let read = |out: &str| fs::read_to_string(folder.path(out).join(name)).unwrap();
        assert_eq!(read("again"), read("out"), "{name}");
    }
    // Results are read as well as a journal.
    let ended = bearproof(&folder, &["report", "out/results.json", "--out", "third"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert_eq!(json(&folder.path("third/results.json")), results);
}

#[test]
fn the_journal_of_the_reference_has_all_ways() {
    let folder = Temp::new();
    let ended = bearproof(&folder, &["run", "--scheme", "masonhub-callback", "--out", "out"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let (code, _, of_journal) = again(&folder);
    assert_eq!(code, Some(0));
    assert_eq!(of_journal["targets"].as_array().unwrap().len(), 3);
    assert_eq!(of_journal, json(&folder.path("out/results.json")));
}

#[test]
fn ctrl_c_writes_reports_of_what_was_judged_and_asks_no_more() {
    let (folder, server) = (Temp::new(), slow(20));
    let output = signal_after(&folder, start(&folder, &server), 40, "-INT");
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("\ninterrupted: "), "{output:?}");

    let results = json(&folder.path("out/results.json"));
    let judged = ids(&lines(&folder, "vector"));
    assert!((40..400).contains(&judged.len()), "{} vectors", judged.len());
    assert!(outcomes(&results, &judged).is_subset(&BTreeSet::from(["pass", "unsupported"])));
    // Calibration, repetitions and the good request at the end; not the rest of the suite.
    let requests = server.requests().len();
    assert!(requests < judged.len() * 2, "{requests} requests for {} vectors", judged.len());
    let rest = by_id(&results).into_iter().filter(|(id, _)| !judged.contains(*id));
    let rest: Vec<&Value> = rest.map(|(_, vector)| vector).collect();
    assert!(rest.len() > 100, "{} not judged", rest.len());
    for vector in rest {
        assert_eq!((&vector["outcome"], &vector["cause"]), (&"inconclusive".into(), &"interrupted".into()));
    }
    assert!(folder.path("out/report.html").exists() && folder.path("out/junit.xml").exists());
    assert_eq!(again(&folder).2, results);
}

#[test]
fn after_kill_the_journal_has_what_was_judged_and_says_what_nothing_confirms() {
    let (folder, server) = (Temp::new(), slow(5));
    // More than a block of 100, so that some results are confirmed and some are not.
    let output = signal_after(&folder, start(&folder, &server), 130, "-KILL");
    assert_eq!(output.status.code(), None, "{output:?}");
    assert!(!folder.path("out/results.json").exists());

    let judged = ids(&lines(&folder, "vector"));
    let (code, stdout, results) = again(&folder);
    assert_eq!(code, Some(4), "{stdout}");
    let all = by_id(&results);
    let with = |words: &str| -> BTreeSet<String> {
        let with = all.iter().filter(|(_, v)| v["cause"].as_str().unwrap_or("").contains(words));
        with.map(|(id, _)| (*id).to_string()).collect()
    };
    let not_asked = with("the run ended before it was asked");
    let provisional = with("provisional: the run ended before the good request was sent again");
    assert_eq!(not_asked, all.keys().map(|id| (*id).to_string()).filter(|id| !judged.contains(id)).collect());
    assert!(provisional.is_subset(&judged), "{provisional:?}");
    let confirmed: BTreeSet<String> = judged.difference(&provisional).cloned().collect();
    assert!(provisional.len() >= 20 && confirmed.len() >= 100, "{} {}", provisional.len(), confirmed.len());
    assert!(outcomes(&results, &confirmed).is_subset(&BTreeSet::from(["pass", "unsupported"])));
    // At most the controls that were on their way when it ended.
    let without = with("was not asked, so the refusal proves nothing").len();
    assert!(without <= 8, "{without} vectors were judged before their controls");
    let words = "provisional results, with no good request after them that confirms them: ";
    assert!(results["targets"][0]["calibration"]["message"].as_str().unwrap().contains(words), "{stdout}");
    assert!(stdout.contains("NOTE"), "{stdout}");
}

/// Runs a line of shell with the program as `$0` and its arguments behind.
fn shell(folder: &Temp, line: &str, file: &Path) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", line, env!("CARGO_BIN_EXE_bearproof"), "run", "--out", "out", "--target"]);
    command.arg(file).current_dir(&folder.0).output().unwrap()
}

#[test]
fn on_a_full_disk_the_file_is_named_and_what_was_written_stays_readable() {
    let (folder, server) = (Temp::new(), slow(0));
    let file = profile(&folder.0, "annexcloud", &server.url());
    assert_eq!(shell(&folder, "exec \"$0\" \"$@\"", &file).status.code(), Some(0));
    let whole = fs::read_to_string(folder.path("out/journal.jsonl")).unwrap();
    let before = fs::read_to_string(folder.path("out/results.json")).unwrap();
    let start: usize = whole.lines().take(3).map(|line| line.len() + 1).sum();

    // A limit for files fails as a full disk does, in the middle of a line. It counts in 512 bytes (POSIX `ulimit`).
    let blocks = start.midpoint(whole.len()) / 512;
    let line = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let requests = server.requests().len();
    let output = shell(&folder, &line, &file);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("\nerror: out/journal.jsonl: can't be written: File too large"), "{stderr}");
    assert!(stderr.contains("`bearproof report` shows it"), "{stderr}");
    // Nothing is asked that can't be kept, and the results of the run before are still whole.
    assert!(server.requests().len() - requests < requests, "it went on");
    assert_eq!(fs::read_to_string(folder.path("out/results.json")).unwrap(), before);

    let judged = ids(&lines(&folder, "vector"));
    let (code, stdout, results) = again(&folder);
    assert_eq!(code, Some(4), "{stdout}");
    let number = fs::read_to_string(folder.path("out/journal.jsonl")).unwrap().lines().count();
    let note = format!("note: out/journal.jsonl:{number}: the last line is cut: its ");
    assert!(stdout.starts_with(&note), "{stdout}");
    assert!(judged.len() > 100, "{} vectors", judged.len());
    let passed = by_id(&results).into_values().filter(|v| v["outcome"] == "pass").count();
    assert!(passed > judged.len() / 2, "{passed} of {} passed", judged.len());
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_disk_that_is_full_from_the_start_nothing_is_asked() {
    let (folder, server) = (Temp::new(), slow(0));
    let file = profile(&folder.0, "annexcloud", &server.url());
    fs::create_dir(folder.path("out")).unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.path("out/journal.jsonl")).unwrap();
    let output = shell(&folder, "exec \"$0\" \"$@\"", &file);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.starts_with("error: out/journal.jsonl: can't be written: No space left on device"),
        "{stderr}"
    );
    assert_eq!(server.requests(), Vec::<String>::new());
}

#[test]
fn what_is_no_journal_and_no_results_is_refused_at_its_place() {
    let folder = Temp::new();
    let ended =
        bearproof(&folder, &["run", "--scheme", "masonhub-callback", "--filter", "valid", "--out", "out"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let journal = fs::read_to_string(folder.path("out/journal.jsonl")).unwrap();
    let results = fs::read_to_string(folder.path("out/results.json")).unwrap();
    let refused = |text: &str, words: &str| {
        fs::write(folder.path("file"), text).unwrap();
        let ended = bearproof(&folder, &["report", "file"]);
        assert_eq!(ended.code, Some(2), "{words}: {}", ended.stdout);
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    };
    let lines: Vec<&str> = journal.lines().collect();
    let without = |number: usize| {
        let kept = (0..).zip(&lines).filter(|(at, _)| *at != number);
        kept.map(|(_, line)| format!("{line}\n")).collect::<String>()
    };
    refused("", "file: not results: EOF");
    refused("{}", "file: not results: missing field `format`");
    refused(&results.replacen("\"format\": 1", "\"format\": 2", 1), "file: results of format 2");
    refused(
        &results.replacen("\"outcome\": \"pass\"", "\"outcome\": \"good\"", 1),
        "file: not results: unknown variant `good`",
    );
    refused(
        &journal.replacen("{\"vector\":", "{\"vectr\":", 1),
        "file:4: not a line of a journal: unknown variant `vectr`",
    );
    refused(&journal.replacen("\"format\":1", "\"format\":9", 1), "file: not a journal");
    refused(&without(1), "file:2: what belongs to a target stands where it can't be");
    refused(&without(2), "file:3: what belongs to a target stands where it can't be");
    refused(&format!("{journal}{}\n", lines[1]), "a line after the end stands where it can't be");
    refused(&format!("{}\n{}\n", lines[0], lines[0]), "file:2: a second beginning");
    let ended = bearproof(&folder, &["report", "nowhere.json"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.starts_with("error: nowhere.json: can't be read: "), "{}", ended.stderr);
}
