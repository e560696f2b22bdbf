//! The owner of a target finds each request of a run in the logs.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first broken assumption"
)]

use std::fs;

use crate::common::server::{Server, answer};
use crate::common::{Temp, bearproof, profile};

/// The requests that a run on a server that lets nobody in sends, and the id of that run.
fn sent(folder: &Temp, more: &str) -> (Vec<String>, String) {
    let server = Server::start(|request, stream| answer(request, stream, 401, "", b""));
    let file = profile(&folder.0, "bursagb-apikey", &server.url());
    let text = fs::read_to_string(&file).unwrap().replace("[connect]\n", &format!("[connect]\n{more}"));
    fs::write(&file, text).unwrap();
    let ended = bearproof(folder, &["run", "--target", file.to_str().unwrap(), "--out", "out"]);
    assert_eq!(ended.code, Some(4), "{}{}", ended.stdout, ended.stderr);
    let results = fs::read_to_string(folder.path("out/results.json")).unwrap();
    let results: serde_json::Value = serde_json::from_str(&results).unwrap();
    (server.requests(), results["run"]["id"].as_str().unwrap().to_string())
}

#[test]
fn each_request_says_which_run_it_is_of() {
    let (requests, run) = sent(&Temp::new(), "");
    assert!(!requests.is_empty());
    let line = format!("\r\nUser-Agent: bearproof/{} run={run}\r\n", env!("CARGO_PKG_VERSION"));
    for request in requests {
        assert!(request.contains(&line), "{request}");
        assert!(!request.contains("vector="), "{request}");
    }
}

#[test]
fn where_the_profile_names_a_field_it_says_the_vector_too() {
    let (requests, run) = sent(&Temp::new(), "tag = \"X-Test-Request\"\n");
    let line = format!("\r\nX-Test-Request: run={run} vector=bursagb-apikey/");
    assert!(requests.iter().all(|request| request.contains(&line)), "{requests:?}");
}

#[test]
fn a_tag_that_is_no_field_is_refused_at_its_place() {
    let folder = Temp::new();
    let file = profile(&folder.0, "bursagb-apikey", "http://127.0.0.1:1");
    let text = fs::read_to_string(&file).unwrap().replace("[connect]\n", "[connect]\ntag = \"X Y\"\n");
    fs::write(&file, text).unwrap();
    let ended = bearproof(&folder, &["run", "--target", file.to_str().unwrap()]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("`X Y` is no name of a field"), "{}", ended.stderr);
}
