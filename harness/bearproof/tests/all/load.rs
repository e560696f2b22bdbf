//! `load` sends at the rate that is asked for, signs each request anew and counts the time from when it was due; `feed`
//! gives others the requests. It must not assert how fast anything is.

#![expect(clippy::panic, reason = "a test stops at the first broken assumption")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::common::{Ended, Temp, bearproof, profile};
use crate::serve::serve;
use crate::wrong_servers::{around, refusal};

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{}{}", ended.stdout, ended.stderr))
}

/// A header of all requests that a server saw.
fn lines(requests: &[String], name: &str) -> Vec<String> {
    let line = |request: &String| {
        let found = request.lines().find_map(|line| line.strip_prefix(name));
        found.unwrap_or_else(|| panic!("no {name} in {request}")).to_string()
    };
    requests.iter().map(line).collect()
}

#[test]
fn each_request_is_signed_anew_sent_once_and_let_in() {
    // Hexsafe's nonce may be used once, and its digest covers it.
    let server = around("hexsafe", |_, answer, stream| answer.send(stream));
    let folder = Temp::new();
    profile(&folder.0, "hexsafe", &server.url());
    let load = ["load", "--target", "hexsafe.toml", "--endpoint", "write", "--rate", "40", "--time", "1s"];
    let ended = bearproof(&folder, &[&load[..], &["--format", "json"]].concat());
    let seen = json(&ended);
    assert_eq!(
        (ended.code, &seen["outcome"]["sent"], &seen["outcome"]["let_in"]),
        (Some(0), &40.into(), &40.into())
    );
    assert_eq!(seen["outcome"]["signed_us"]["count"], 40);
    // One more is sent to see that the caller is let in at all.
    let requests = server.requests();
    let tokens: BTreeSet<String> = lines(&requests, "authorization: ").into_iter().collect();
    assert_eq!((requests.len(), tokens.len()), (41, 41));
    let agents: BTreeSet<String> = lines(&requests, "User-Agent: ").into_iter().collect();
    assert_eq!(agents.len(), 1, "{agents:?}");
    // The secret is nowhere.
    assert!(!ended.stdout.contains("hsk_") && !ended.stderr.contains("hsk_"));
}

/// A server that stalls keeps waiting whoever is due meanwhile. Who counts from when a request could be sent sees one
/// slow answer (coordinated omission).
#[test]
fn a_stall_counts_for_every_request_that_was_due_in_it() {
    let calls = AtomicUsize::new(0);
    let server = around("bursagb-apikey", move |_, answer, stream| {
        if calls.fetch_add(1, Ordering::SeqCst) == 10 {
            std::thread::sleep(Duration::from_millis(900));
        }
        answer.send(stream)
    });
    let folder = Temp::new();
    profile(&folder.0, "bursagb-apikey", &server.url());
    let load =
        ["load", "--target", "bursagb-apikey.toml", "--rate", "50", "--time", "2s", "--connections", "1"];
    let ended = bearproof(&folder, &[&load[..], &["--format", "json"]].concat());
    let seen = json(&ended);
    assert_eq!(seen["outcome"]["let_in"], 100, "{seen}");
    let microseconds = |name: &str| seen["outcome"]["signed_us"][name].as_u64().unwrap();
    // 45 of 100 were due in the 900 ms, and 25 of them waited at least 400 ms.
    assert!(microseconds("p90") >= 400_000, "{seen}");
    assert!(microseconds("max") >= 900_000, "{seen}");
}

#[test]
fn what_is_not_let_in_is_counted_by_class_and_ends_with_1() {
    let calls = AtomicUsize::new(0);
    let server = around("bursagb-jwt", move |_, answer, stream| match calls.fetch_add(1, Ordering::SeqCst) {
        // The first request and the first of those that count.
        0..2 => answer.send(stream),
        2..5 => refusal(429).send(stream),
        5 => Ok(false),
        _ => refusal(503).send(stream),
    });
    let folder = Temp::new();
    profile(&folder.0, "bursagb-jwt", &server.url());
    let load =
        ["load", "--target", "bursagb-jwt.toml", "--endpoint", "write", "--rate", "50", "--time", "200ms"];
    let ended = bearproof(&folder, &load);
    assert_eq!(ended.code, Some(2), "a time is in whole seconds: {}", ended.stderr);
    let load =
        ["load", "--target", "bursagb-jwt.toml", "--endpoint", "write", "--rate", "10", "--time", "1s"];
    let ended = bearproof(&folder, &load);
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    for line in
        ["sent 10 in ", ", 1 let in, 9 not", "  status 429: 3", "  status 503: 5", "  connection closed: 1"]
    {
        assert!(ended.stdout.contains(line), "no `{line}` in {}", ended.stdout);
    }
}

#[test]
fn what_needs_no_credential_is_asked_by_every_tenth() {
    let server = around("bursagb-jwt", |request, answer, stream| {
        if request.starts_with(b"GET /health ") { refusal(204).send(stream) } else { answer.send(stream) }
    });
    let folder = Temp::new();
    profile(&folder.0, "bursagb-jwt", &server.url());
    let load = ["load", "--target", "bursagb-jwt.toml", "--rate", "50", "--time", "1s", "--open", "/health"];
    let ended = bearproof(&folder, &load);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("(/health answered status 204: 5)"), "{}", ended.stdout);
    assert!(ended.stdout.contains("45 let in, 0 not"), "{}", ended.stdout);
    let open: Vec<String> = server.requests().into_iter().filter(|r| r.starts_with("GET /health ")).collect();
    assert_eq!(open.len(), 5);
    assert!(open.iter().all(|r| !r.to_lowercase().contains("authorization")), "{open:?}");
}

#[test]
fn who_is_not_let_in_measures_nothing() {
    let served = serve("load-refused", "bursagb-jwt", &[]);
    let target = served.folder.join("bursagb-jwt.toml");
    let target = target.to_str().unwrap();
    let folder = Temp::new();
    let load =
        |more: &[&str]| bearproof(&folder, &[&["load", "--target", target, "--rate", "10"], more].concat());
    let ended = load(&["--endpoint", "forbidden"]);
    assert_eq!(ended.code, Some(4), "{}", ended.stdout);
    assert!(ended.stderr.contains("was refused (403), so nothing is measured"), "{}", ended.stderr);
    let ended = load(&["--endpoint", "raed"]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("no endpoint `raed`") && ended.stderr.contains("`read`"),
        "{}",
        ended.stderr
    );
    let ended = load(&["--role", "nobody"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("no credential `nobody`"), "{}", ended.stderr);
    for bad in [&["--open", "health"], &["--open", "/a b"]] {
        assert_eq!(load(bad).code, Some(2), "{bad:?}");
    }
}

#[test]
fn a_feed_gives_a_fresh_request_for_each_line() {
    let server = around("hexsafe", |_, answer, stream| answer.send(stream));
    let folder = Temp::new();
    profile(&folder.0, "hexsafe", &server.url());
    let mut command = Command::new(env!("CARGO_BIN_EXE_bearproof"));
    command.args(["feed", "--target", "hexsafe.toml", "--endpoint", "write"]).current_dir(&folder.0);
    let mut feed = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut ask, mut told) = (feed.stdin.take().unwrap(), BufReader::new(feed.stdout.take().unwrap()));
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        ask.write_all(b"\n").unwrap();
        let mut line = String::new();
        told.read_line(&mut line).unwrap();
        let request: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(request["method"], "POST");
        assert_eq!(request["url"], format!("{}/v1/validate", server.url()));
        assert!(request["headers"]["authorization"].as_str().unwrap().starts_with("Bearer "), "{request}");
        assert!(!request["body"].as_str().unwrap().is_empty());
        seen.insert(line);
    }
    drop(ask);
    assert_eq!((feed.wait().unwrap().code(), seen.len()), (Some(0), 3));
    assert!(server.requests().is_empty(), "it sends nothing");
}
