//! Servers that are right about authentication and wrong as servers, or wrong in a way of servers: the run finds what is
//! there, nothing else, and names the cause. It must not test single checks.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first broken assumption"
)]

use std::collections::BTreeSet;
use std::io::{Result, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use bearproof_conform::entropy::Published;
use bearproof_conform::suite::{Disk, Suite};
use bearproof_scheme::{Reference, Request};

use crate::common::seen::Seen;
use crate::common::server::Server;
use crate::common::vectors;

// Servers that are right.

/// An answer of the reference.
pub(crate) struct Answer {
    status: u16,
    fields: String,
    body: Vec<u8>,
}

impl Answer {
    fn of(status: u16, fields: &str, body: &str) -> Self {
        Self { status, fields: fields.into(), body: body.into() }
    }

    /// In one piece, with its length.
    pub(crate) fn send(&self, stream: &mut TcpStream) -> Result<bool> {
        let head = format!(
            "HTTP/1.1 {} X\r\n{}Content-Length: {}\r\n\r\n",
            self.status,
            self.fields,
            self.body.len()
        );
        stream.write_all(&[head.as_bytes(), &self.body].concat()).map(|()| true)
    }
}

/// An answer with this status and nothing in it.
pub(crate) fn refusal(status: u16) -> Answer {
    Answer::of(status, "", "")
}

/// The reference for a scheme, without sockets.
struct Right(Reference);

impl Right {
    fn new(scheme: &str) -> Self {
        let suite = Suite::load(Arc::new(Disk(vectors()))).map_err(|e| e.to_string()).unwrap();
        let variant = suite.scheme(scheme).map_err(|e| e.to_string()).unwrap().default.clone();
        Self(Reference::strict(variant.description.as_ref().clone(), variant.world.as_ref().clone()))
    }

    /// Answers these bytes by a clock that is ahead of ours by some seconds.
    fn answer(&self, request: &[u8], ahead: i64) -> Answer {
        let end = request.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        let (head, body) = (&request[..end], &request[end + 4..]);
        let mut lines =
            head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let first = String::from_utf8(lines.next().unwrap().to_vec()).unwrap();
        let mut words = first.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let field = |line: &[u8]| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = String::from_utf8(line[..colon].to_ascii_lowercase()).ok()?;
            Some((name, line[colon + 1..].trim_ascii().to_vec()))
        };
        let Some(fields) = lines.map(field).collect::<Option<Vec<_>>>() else {
            return Answer::of(400, "", "");
        };
        let request = Request { secure: true, method, target, fields: &fields, body };
        let entropy = Published::new("a wrong server", 0);
        let answer = self.0.handle(&request, clock(ahead), &entropy);
        let fields = answer.fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let body = if method == "HEAD" { Vec::new() } else { answer.body };
        Answer { status: answer.status, fields, body }
    }
}

/// Starts a server that asks the reference for its answer, and does with it what it likes.
pub(crate) fn around(
    scheme: &str,
    react: impl Fn(&[u8], Answer, &mut TcpStream) -> Result<bool> + Send + Sync + 'static,
) -> Server {
    let right = Right::new(scheme);
    Server::start_raw(move |request, stream| {
        let answer = right.answer(request, 0);
        react(request, answer, stream)
    })
}

/// Counts the requests.
fn counter() -> impl Fn() -> usize {
    let calls = AtomicUsize::new(0);
    move || calls.fetch_add(1, Ordering::SeqCst)
}

// What is asserted.

impl Seen {
    /// Asserts the code and each of these texts on the terminal, whose lines are as broken as they like.
    #[track_caller]
    fn assert_says(&self, code: i32, texts: &[&str]) {
        assert_eq!(self.ended.code, Some(code), "{}", self.ended.stdout);
        let words = self.ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        for text in texts {
            assert!(words.contains(text), "`{text}` is not in {}", self.ended.stdout);
        }
    }

    /// The ids with this outcome.
    fn with(&self, outcome: &str) -> BTreeSet<&str> {
        let all = self.results["vectors"].as_array().unwrap().iter();
        all.filter(|v| v["outcome"] == outcome).map(|v| v["id"].as_str().unwrap()).collect()
    }

    /// The causes of this outcome.
    fn causes(&self, outcome: &str) -> BTreeSet<&str> {
        let all = self.results["vectors"].as_array().unwrap().iter();
        all.filter(|v| v["outcome"] == outcome).map(|v| v["cause"].as_str().unwrap()).collect()
    }

    /// Asserts that nothing but passes came, apart from what a profile without hooks lacks.
    #[track_caller]
    fn assert_all_pass(&self) {
        self.assert_says(0, &["everything as expected"]);
        assert!(self.with("pass").len() > 20, "{}", self.ended.stdout);
        assert!(self.outcomes().is_subset(&BTreeSet::from(["pass", "unsupported"])), "{}", self.ended.stdout);
    }
}

const OPEN_LATER: &str =
    "a request without any credential was let in, though not before the run: the server lets everybody in";

/// All other tests stand on this one.
#[test]
fn the_server_that_all_others_are_made_of_is_right() {
    let server = around("annexcloud", |_, answer, stream| answer.send(stream));
    Seen::of("annexcloud", &server.url(), &[]).assert_all_pass();
}

#[test]
fn everything_in_after_the_first_hundred_is_one_critical_finding() {
    let next = counter();
    let server = around("annexcloud", move |_, answer, stream| {
        if next() < 100 { answer.send(stream) } else { Answer::of(200, "", "").send(stream) }
    });
    let seen = Seen::of("annexcloud", &server.url(), &[]);
    seen.assert_says(1, &[OPEN_LATER, "1 finding: 1 critical"]);
    assert_eq!(seen.with("pass"), BTreeSet::new());
    let nothing_else = "the server lets everybody in, so nothing else can be judged";
    assert_eq!(seen.causes("inconclusive"), BTreeSet::from([OPEN_LATER, nothing_else]));
    let requests = server.requests().len();
    assert!(requests < 300, "{requests} requests to a server that lets everybody in");
}

#[test]
fn a_login_page_instead_of_a_refusal_is_no_hole() {
    let server = around("annexcloud", |_, answer, stream| match answer.status {
        200 => answer.send(stream),
        _ => Answer::of(200, "Content-Type: text/html\r\n", "<!doctype html><title>Sign in</title>")
            .send(stream),
    });
    let seen = Seen::of("annexcloud", &server.url(), &["annexcloud/carrier", "annexcloud/signature"]);
    seen.assert_says(4, &["an HTML page with 200: a login page or a proxy stands before the API"]);
    assert_eq!(seen.with("fail"), BTreeSet::new());
    assert_eq!(seen.causes("inconclusive").len(), 1, "{}", seen.ended.stdout);
}

#[test]
fn a_short_wait_that_a_429_asks_for_is_waited() {
    let asked = AtomicBool::new(false);
    let next = counter();
    let server = around("annexcloud", move |_, answer, stream| {
        if next() >= 20 && !asked.swap(true, Ordering::SeqCst) {
            return Answer::of(429, "Retry-After: 1\r\n", "").send(stream);
        }
        answer.send(stream)
    });
    Seen::of("annexcloud", &server.url(), &["annexcloud/carrier", "annexcloud/signature"]).assert_all_pass();
}

#[test]
fn a_rate_limit_that_stays_is_named_with_the_wait_that_it_asks_for() {
    let next = counter();
    let server = around("annexcloud", move |_, answer, stream| {
        if next() < 150 {
            answer.send(stream)
        } else {
            Answer::of(429, "Retry-After: 600\r\n", "").send(stream)
        }
    });
    let seen = Seen::of("annexcloud", &server.url(), &[]);
    let stop =
        "the run was stopped: 25 answers in a row were 429 or 5xx, the last 429 with `Retry-After: 600`";
    seen.assert_says(4, &[&format!("the good request was let in before the run and refused later: {stop}")]);
    assert_eq!(seen.with("fail"), BTreeSet::new());
    assert!(server.requests().len() < 400, "{} requests", server.requests().len());
}

#[test]
fn a_refusal_that_sends_the_secret_back_is_a_leak_and_no_wrong_verdict() {
    let server = around("bursagb-apikey", |request, answer, stream| {
        let text = String::from_utf8_lossy(request).into_owned();
        let sent = text.lines().find(|line| line.to_ascii_lowercase().starts_with("apikey:")).unwrap_or("");
        match answer.status {
            401 => {
                let body = String::from_utf8(answer.body).unwrap();
                let body = body.replacen('{', &format!("{{\"sent\":{},", serde_json::Value::from(sent)), 1);
                Answer { body: body.into(), ..answer }.send(stream)
            }
            _ => answer.send(stream),
        }
    });
    let seen = Seen::of("bursagb-apikey", &server.url(), &[]);
    seen.assert_says(1, &["the answer contains a secret"]);
    assert_eq!(seen.causes("fail"), BTreeSet::from(["the answer contains a secret"]));
}

#[test]
fn a_server_that_breaks_on_long_tokens_is_found_by_them_alone() {
    let long = |request: &[u8]| {
        let text = String::from_utf8_lossy(request).to_ascii_lowercase();
        text.lines().any(|line| line.starts_with("authorization:") && line.len() > 1000)
    };
    let server = around("annexcloud", move |request, answer, stream| {
        if long(request) { Answer::of(500, "", "").send(stream) } else { answer.send(stream) }
    });
    let seen = Seen::of("annexcloud", &server.url(), &[]);
    seen.assert_says(1, &["the server broke instead of refusing (500)"]);
    let causes = seen.causes("fail");
    assert!(causes.iter().all(|cause| cause.starts_with("the server broke ")), "{causes:?}");
    assert!((1..20).contains(&seen.with("fail").len()), "{:?}", seen.with("fail"));
}

#[test]
fn a_right_server_that_is_slow_passes() {
    let server = around("annexcloud", |_, answer, stream| {
        thread::sleep(Duration::from_millis(300));
        answer.send(stream)
    });
    let seen = Seen::of("annexcloud", &server.url(), &["annexcloud/carrier"]);
    seen.assert_all_pass();
    let duration = seen.results["run"]["duration_ms"].as_u64().unwrap();
    assert!(duration > 900, "it was not slow: {duration} ms");
}

/// Its clock is not ours; which of both is wrong, nobody can tell from here.
#[test]
fn a_clock_that_is_off_is_named_and_nothing_is_judged_wrong_for_it() {
    for (ahead, words) in [(600, "ahead of ours"), (-600, "behind ours")] {
        let right = Right::new("annexcloud");
        let server = Server::start_raw(move |request, stream| {
            let answer = right.answer(request, ahead);
            let fields = format!("{}Date: {}\r\n", answer.fields, http_date(ahead));
            Answer { fields, ..answer }.send(stream)
        });
        let seen = Seen::of("annexcloud", &server.url(), &["annexcloud/time", "annexcloud/carrier"]);
        seen.assert_all_pass();
        let message = seen.calibration().1;
        assert!(message.contains(words), "{message}");
        assert!(message.ends_with("by its Date field: it was judged by its own clock"), "{message}");
        seen.assert_says(0, &["NOTE annexcloud http (annexcloud.toml)", words]);
    }
}

/// Without a Date nobody can know why: nothing passes.
#[test]
fn a_clock_that_is_ahead_and_not_told_is_no_pass() {
    let right = Right::new("annexcloud");
    let server = Server::start_raw(move |request, stream| right.answer(request, 86_400).send(stream));
    let seen = Seen::of("annexcloud", &server.url(), &["annexcloud/time", "annexcloud/carrier"]);
    seen.assert(4, "good-refused", "the good request was refused (401), so nothing can be judged");
}

#[test]
fn a_server_that_wants_bearer_in_this_case_is_found_by_the_other_cases_alone() {
    let server = around("annexcloud", |request, answer, stream| {
        let text = String::from_utf8_lossy(request);
        let word = text.lines().filter_map(|line| line.split_once(": ")).find_map(|(name, value)| {
            name.eq_ignore_ascii_case("authorization").then(|| value.split(' ').next().unwrap().to_string())
        });
        let other = word.is_some_and(|word| word.eq_ignore_ascii_case("Bearer") && word != "Bearer");
        if other { Answer::of(401, "", "").send(stream) } else { answer.send(stream) }
    });
    let seen = Seen::of("annexcloud", &server.url(), &[]);
    seen.assert_says(1, &["expected accept, observed reject, status 401", "2 findings: 2 low"]);
    let cases = ["annexcloud/valid/scheme-word-in-capitals", "annexcloud/valid/scheme-word-in-small-letters"];
    assert_eq!(seen.with("fail"), BTreeSet::from(cases));
}

#[test]
fn an_endless_body_is_cut_and_judged_by_its_head() {
    let server = around("annexcloud", |_, answer, stream| {
        let head = format!("HTTP/1.1 {} X\r\n{}Connection: close\r\n\r\n", answer.status, answer.fields);
        stream.write_all(head.as_bytes())?;
        loop {
            stream.write_all(&[b' '; 65536])?;
        }
    });
    let seen = Seen::of("annexcloud", &server.url(), &["annexcloud/carrier"]);
    seen.assert_all_pass();
}

#[test]
fn garbage_now_and_then_is_no_refusal() {
    let next = counter();
    let server = around("annexcloud", move |_, answer, stream| {
        // Some refusals alone: a control that gets no answer takes its vectors with it.
        if answer.status == 401 && next() % 4 == 3 {
            return stream.write_all(b"\x00\x01\x02 garbage\r\n\r\n").map(|()| false);
        }
        answer.send(stream)
    });
    let seen = Seen::of("annexcloud", &server.url(), &["annexcloud/carrier", "annexcloud/signature"]);
    seen.assert_says(
        4,
        &["the answer is not HTTP/1.1, it has no HTTP/1 status line: it begins `\\x00\\x01\\x02 garbage"],
    );
    assert_eq!(seen.with("fail"), BTreeSet::new());
    assert!(seen.with("error").len() > 3, "{}", seen.ended.stdout);
}

#[test]
fn a_server_that_closes_after_each_answer_passes() {
    let server = around("annexcloud", |_, answer, stream| answer.send(stream).map(|_| false));
    Seen::of("annexcloud", &server.url(), &[]).assert_all_pass();
}

/// One of two nodes refuses what the other lets in.
#[test]
fn a_good_request_that_is_refused_and_then_let_in_is_named_and_no_finding() {
    let refused = AtomicBool::new(false);
    let server = around("annexcloud", move |request, answer, stream| {
        let list = request.windows(5).any(|w| w == b"\r\n\r\n[");
        if list && answer.status == 200 && !refused.swap(true, Ordering::SeqCst) {
            return Answer::of(401, "", "").send(stream);
        }
        answer.send(stream)
    });
    let id = "annexcloud/valid/body-array";
    let seen = Seen::of("annexcloud", &server.url(), &[id]);
    let cause = "answered differently on repetition: first refused (401), then let in (200)";
    seen.assert_says(4, &[&format!("1 inconclusive: {cause} (for example {id})")]);
    assert_eq!((seen.with("fail"), seen.with("inconclusive")), (BTreeSet::new(), BTreeSet::from([id])));
    assert_eq!(seen.calibration(), ("ready", ""));
}

/// One of two nodes lets in what the other refuses.
#[test]
fn a_bad_request_that_is_let_in_and_then_refused_is_a_finding_and_says_so() {
    let next = counter();
    let server = around("annexcloud", move |request, answer, stream| {
        let carried = String::from_utf8_lossy(request).to_ascii_lowercase().contains("\nauthorization:");
        let let_in = carried && answer.status == 401 && next() == 0;
        if let_in { Answer::of(200, "", "{}").send(stream) } else { answer.send(stream) }
    });
    let id = "annexcloud/signature/damaged-first-bit";
    let seen = Seen::of("annexcloud", &server.url(), &[id]);
    let cause = "answered differently on repetition: first let in (200), then refused (401)";
    seen.assert_says(1, &[&format!("http: fail: {cause}")]);
    assert_eq!(seen.with("fail"), BTreeSet::from([id]));
    assert_eq!(seen.causes("fail"), BTreeSet::from([cause]));
}

/// Seconds since 1970 by a clock that is ahead of ours.
#[expect(clippy::disallowed_methods, reason = "these servers have clocks, some of them wrong ones")]
fn clock(ahead: i64) -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    now.saturating_add_signed(ahead)
}

/// Now, by a clock that is ahead of ours, as RFC 9110 section 5.6.7 writes it.
fn http_date(ahead: i64) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = bearproof_scheme::time::rfc3339(clock(ahead));
    let parts: Vec<&str> = text.trim_end_matches('Z').split(['-', 'T']).collect();
    let month = MONTHS[parts[1].parse::<usize>().unwrap() - 1];
    // Nobody reads the day of the week.
    format!("Mon, {} {month} {} {} GMT", parts[2], parts[0], parts[3])
}
