//! Servers that say nothing about authentication: each is told apart and named, and none of them passes.
//! It must not test single vectors.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first broken assumption")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, OnceLock};
use std::time::Duration;

use crate::common::seen::Seen;
use crate::common::server::{React, Server, answer};

const LOGIN_PAGE: &[u8] = b"<!doctype html><title>Sign in</title><form action=\"/login\"></form>";

/// What came of a server that answers everybody with this status: judged once, whichever tests look at it.
fn of_status(scheme: &'static str, code: u16) -> &'static Seen {
    static RUNS: Mutex<BTreeMap<(&str, u16), &OnceLock<Seen>>> = Mutex::new(BTreeMap::new());
    let run = *RUNS.lock().unwrap().entry((scheme, code)).or_insert_with(|| Box::leak(Box::default()));
    run.get_or_init(|| always(scheme, status(code)))
}

/// What came of a server that never answers, and how many requests it got.
static SILENT_RUN: LazyLock<(Seen, usize)> = LazyLock::new(|| {
    let server = Server::start(silence);
    let seen = Seen::of("annexcloud", &server.url(), &[]);
    (seen, server.requests().len())
});

/// What came of an address where nobody listens, and that address.
static CLOSED_RUN: LazyLock<(Seen, String)> = LazyLock::new(|| {
    let address = closed_port();
    (Seen::of("hexsafe", &address, &[]), address)
});

/// Runs against a server that does the same with every request.
fn always(scheme: &str, react: impl React) -> Seen {
    Seen::of(scheme, &Server::start(react).url(), &[])
}

/// Answers with a status.
fn status(status: u16) -> impl React {
    move |request: &str, stream: &mut TcpStream| {
        let body = format!("{{\"status\":{status}}}");
        answer(request, stream, status, "Content-Type: application/json\r\n", body.as_bytes())
    }
}

/// Accepts, reads, and says nothing until the client gives up.
fn silence(_: &str, stream: &mut TcpStream) -> std::io::Result<bool> {
    stream.read_to_end(&mut Vec::new()).map(|_| false)
}

/// Sends these bytes and closes.
fn bytes(bytes: &'static [u8]) -> impl React {
    move |_: &str, stream: &mut TcpStream| stream.write_all(bytes).map(|()| false)
}

/// An address where nobody listens.
fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

const REFUSED: &str = "the good request was refused (401), so nothing can be judged";
const OPEN: &str = "a request without any credential was let in: the server lets everybody in";
const BROKEN: &str =
    "the good request was not answered: the server broke on a good request (500); so nothing can be judged";
const SILENT: &str = "the server does not answer: no answer within 5 s";

#[test]
fn a_server_that_refuses_everything_passes_nothing() {
    for scheme in ["annexcloud", "hexsafe"] {
        let seen = of_status(scheme, 401);
        seen.assert(4, "good-refused", REFUSED);
        assert_eq!(seen.requests(), 1);
    }
}

#[test]
fn a_server_that_lets_everybody_in_is_one_critical_finding() {
    for scheme in ["annexcloud", "hexsafe"] {
        let seen = of_status(scheme, 200);
        seen.assert(1, "lets-everybody-in", OPEN);
        assert_eq!(seen.ended.stdout.to_lowercase().matches("critical").count(), 2, "{}", seen.ended.stdout);
        assert!(seen.ended.stdout.starts_with("CRITICAL  "));
        assert!(seen.ended.stdout.contains("\n1 finding: 1 critical; "), "{}", seen.ended.stdout);
        assert_eq!(seen.requests(), 2);
        let cause = "the server lets everybody in, so nothing else can be judged";
        for vector in seen.results["vectors"].as_array().unwrap() {
            assert_eq!(vector["cause"], cause);
        }
    }
}

#[test]
fn a_server_that_breaks_on_everything_passes_nothing() {
    for scheme in ["annexcloud", "hexsafe"] {
        of_status(scheme, 500).assert(4, "not-answering", BROKEN);
    }
}

#[test]
fn a_server_that_never_answers_ends_the_run_soon_and_is_left_in_peace() {
    let (seen, requests) = &*SILENT_RUN;
    seen.assert(3, "hanging", SILENT);
    let duration = Duration::from_millis(seen.results["run"]["duration_ms"].as_u64().unwrap());
    assert!(duration < Duration::from_secs(15), "{duration:?}");
    assert!((1..=3).contains(requests), "{requests} requests");
}

#[test]
fn a_closed_port_is_unreachable() {
    let (seen, address) = &*CLOSED_RUN;
    let host = address.strip_prefix("http://").unwrap();
    let message = format!("the server can't be reached: connection refused by {host}");
    seen.assert(3, "unreachable", &message);
}

#[test]
fn the_five_commonest_reasons_to_judge_nothing_read_differently() {
    let runs = [401, 200, 500].map(|code| of_status("annexcloud", code));
    let runs: Vec<&Seen> = runs.into_iter().chain([&SILENT_RUN.0, &CLOSED_RUN.0]).collect();
    let messages: BTreeSet<&str> = runs.iter().map(|seen| seen.calibration().1).collect();
    assert_eq!(messages.len(), 5, "{messages:?}");
    let codes: Vec<_> = runs.iter().map(|seen| seen.ended.code.unwrap()).collect();
    assert_eq!(codes, [4, 1, 4, 3, 3]);
}

#[test]
fn a_wrong_path_is_named() {
    of_status("annexcloud", 404).assert(
        4,
        "not-answering",
        "the good request was not answered: 404: the path of the endpoint is wrong, or a proxy answered; \
         so nothing can be judged",
    );
}

#[test]
fn a_wrong_method_is_named() {
    of_status("annexcloud", 405).assert(
        4,
        "not-answering",
        "the good request was not answered: 405: the method of the endpoint is wrong; so nothing can be judged",
    );
}

#[test]
fn a_rate_limit_is_named() {
    of_status("annexcloud", 429).assert(
        4,
        "not-answering",
        "the good request was not answered: 429: the server limits the rate; raise its limit for this run; \
         so nothing can be judged",
    );
}

#[test]
fn a_redirect_to_a_login_page_is_named_and_not_followed() {
    let server = Server::start(|request: &str, stream: &mut TcpStream| {
        answer(request, stream, 302, "Location: /login\r\n", b"")
    });
    Seen::of("annexcloud", &server.url(), &[]).assert(
        4,
        "not-answering",
        "the good request was not answered: a redirect: the endpoint moved, or a login page stands before it; \
         so nothing can be judged",
    );
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_login_page_with_200_is_no_success() {
    let page = |request: &str, stream: &mut TcpStream| {
        answer(request, stream, 200, "Content-Type: text/html\r\n", LOGIN_PAGE)
    };
    always("annexcloud", page).assert(
        4,
        "not-answering",
        "the good request was not answered: an HTML page with 200: a login page or a proxy stands before the API; \
         if the API itself answers with pages, say so by `success` of the endpoint; so nothing can be judged",
    );
}

#[test]
fn a_server_that_hangs_up_is_no_refusal() {
    let seen = always("annexcloud", bytes(b""));
    let message = "the server can't be reached: the connection was closed without an answer";
    seen.assert(3, "unreachable", message);
}

#[test]
fn what_is_no_http_is_named_with_its_beginning() {
    let seen = always("annexcloud", bytes(b"SSH-2.0-Example_1.0\r\n\r\n"));
    let message = "the server can't be reached: the answer is not HTTP/1.1, it has no HTTP/1 status line: \
                   it begins `SSH-2.0-Example_1.0\\r\\n\\r\\n`";
    seen.assert(3, "unreachable", message);
}

/// What was let in was let in, also if the server refuses everybody afterwards.
#[test]
fn a_hole_stays_a_finding_after_a_lock_out() {
    let server = Server::start(|request: &str, stream: &mut TcpStream| {
        static CALLS: AtomicUsize = AtomicUsize::new(0);
        let early = CALLS.fetch_add(1, Ordering::SeqCst) < 60;
        let carried = request.to_ascii_lowercase().contains("\nauthorization:");
        answer(request, stream, if early && carried { 200 } else { 401 }, "", b"")
    });
    let seen = Seen::of("annexcloud", &server.url(), &[]);
    assert!(seen.outcomes().contains("fail"), "{}", seen.ended.stdout);
    assert_eq!(seen.ended.code, Some(1), "{}", seen.ended.stdout);
}

/// A server that locks the caller out in the middle is left alone after two barriers.
#[test]
fn a_server_that_locks_out_is_asked_no_further() {
    let server = Server::start(|request: &str, stream: &mut TcpStream| {
        static CALLS: AtomicUsize = AtomicUsize::new(0);
        let first = CALLS.fetch_add(1, Ordering::SeqCst) == 0;
        answer(request, stream, if first { 200 } else { 401 }, "", b"")
    });
    let seen = Seen::of("annexcloud", &server.url(), &[]);
    assert_eq!(seen.ended.code, Some(4), "{}", seen.ended.stdout);
    assert!(seen.ended.stdout.contains("the run was stopped"), "{}", seen.ended.stdout);
    let requests = server.requests().len();
    // Two blocks of a hundred vectors in any order, some of several requests; a good request that fails is asked thrice.
    assert!(requests < 400, "{requests} requests to a server that refuses everything, for over 500 vectors");
}

/// A server that begins well and ends badly: nothing that it refused at the end counts.
#[test]
fn a_server_that_refuses_the_good_request_at_the_end_passes_nothing() {
    let calls = AtomicUsize::new(0);
    let seen = always("annexcloud", move |request: &str, stream: &mut TcpStream| {
        let first = calls.fetch_add(1, Ordering::SeqCst) == 0;
        answer(request, stream, if first { 200 } else { 401 }, "", b"")
    });
    assert_eq!(seen.ended.code, Some(4), "{}", seen.ended.stdout);
    assert_eq!(seen.calibration().0, "good-refused");
    assert_eq!(seen.outcomes(), BTreeSet::from(["inconclusive"]));
}

#[test]
fn a_server_in_trouble_is_left_alone() {
    // Right at first, then broken for whoever asks.
    let good =
        |request: &str| request.contains("\r\nApiKey: ak_test_1A7c_fake_key_of_the_first_tenant_aQ91\r\n");
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |request, stream| {
        let broken = asked.fetch_add(1, Ordering::Relaxed) >= 10;
        let status = if broken {
            503
        } else if good(request) {
            200
        } else {
            401
        };
        answer(request, stream, status, "", b"{\"code\":-23}")
    });
    // One after the other: several at once may overtake the last right one, and are then counted anew.
    let seen = Seen::one_by_one("bursagb-apikey", &server.url());
    assert_eq!(seen.requests(), 10 + 25);
    let why = "the run was stopped: 25 answers in a row were 429 or 5xx";
    assert!(seen.ended.stdout.replace("\n  ", " ").contains(why), "{}", seen.ended.stdout);
    // What it answered then is no finding about authentication.
    let all = seen.results["vectors"].as_array().unwrap();
    let broke = |v: &&serde_json::Value| v["outcome"] == "fail" && v["steps"][0]["status"] == 503;
    assert_eq!(all.iter().find(broke), None);
}
