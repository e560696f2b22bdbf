//! A profile with one captured request and no key: what can be asked with it is asked, with it as the control, before it
//! ends. It must not test how requests are read; `explain_program` does.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first broken assumption"
)]

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bearproof_scheme::encoding::{Rules, decode_url, encode_url};
use serde_json::Value;

use crate::common::server::{Server, answer};
use crate::common::{Ended, Temp, bearproof};
use crate::serve::{Served, serve};

/// A request that `sign` makes for a served reference, in one of its forms.
fn captured(served: &Served, scheme: &str, endpoint: &str, form: &str) -> String {
    let profile = served.folder.join(format!("{scheme}.toml"));
    let temp = Temp::new();
    let arguments = ["sign", "--target", profile.to_str().unwrap(), "--endpoint", endpoint, "--format", form];
    let ended = bearproof(&temp, &arguments);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    ended.stdout
}

/// A profile for a server that knows nothing but the request.
fn profile(temp: &Temp, scheme: &str, head: &str, request: &str, more: &str) -> String {
    fs::write(temp.path("request.http"), request).unwrap();
    let text = format!(
        "format = 1\nscheme = \"{scheme}\"\n{head}\n[credential.primary]\ncaptured-request = {{ file = \"request.http\" }}\n{more}"
    );
    fs::write(temp.path("captured.toml"), text).unwrap();
    temp.path("captured.toml").to_str().unwrap().into()
}

/// `origin` and `address` of a served reference, as its own profile has them.
fn head(served: &Served, scheme: &str) -> String {
    let text = fs::read_to_string(served.folder.join(format!("{scheme}.toml"))).unwrap();
    let line = |start: &str| text.lines().find(|l| l.starts_with(start)).unwrap();
    format!("{}\n[connect]\n{}", line("origin"), line("address"))
}

/// What a run on a profile gave.
struct Seen {
    ended: Ended,
    vectors: Vec<Value>,
}

impl Seen {
    fn of(temp: &Temp, profile: &str) -> Self {
        Self::read(temp, bearproof(temp, &["run", "--target", profile, "--out", "out"]))
    }

    fn read(temp: &Temp, ended: Ended) -> Self {
        let text = fs::read_to_string(temp.path("out/results.json")).unwrap_or_else(|_| panic!("{ended:?}"));
        let results: Value = serde_json::from_str(&text).unwrap();
        Self { ended, vectors: results["vectors"].as_array().unwrap().clone() }
    }

    /// The ids with this outcome.
    fn with(&self, outcome: &str) -> BTreeSet<&str> {
        let of = |v: &&Value| v["outcome"] == outcome;
        self.vectors.iter().filter(of).map(|v| v["id"].as_str().unwrap()).collect()
    }

    /// The causes of this outcome.
    fn causes(&self, outcome: &str) -> BTreeSet<&str> {
        let of = |v: &&Value| v["outcome"] == outcome;
        self.vectors.iter().filter(of).map(|v| v["cause"].as_str().unwrap()).collect()
    }

    /// The families of what passed and refuses something.
    fn families(&self) -> BTreeSet<&str> {
        self.with("pass")
            .into_iter()
            .filter_map(|id| id.split('/').nth(1))
            .filter(|f| *f != "control")
            .collect()
    }

    /// Asserts that what could be asked passed, and that each of these is among it.
    #[track_caller]
    fn assert_passes(&self, scheme: &str, names: &[&str]) {
        let outcomes: BTreeSet<&str> = self.vectors.iter().map(|v| v["outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes, BTreeSet::from(["pass", "unsupported"]), "{}", self.ended.stdout);
        assert_eq!(self.ended.code, Some(0), "{}", self.ended.stdout);
        let passed = self.with("pass");
        for name in names {
            assert!(passed.contains(format!("{scheme}/{name}").as_str()), "{name}: {}", self.ended.stdout);
        }
    }
}

#[test]
fn one_get_is_enough_for_five_families() {
    let served = serve("captured-get", "annexcloud", &[]);
    for form in ["http", "curl", "json"] {
        let temp = Temp::new();
        let request = captured(&served, "annexcloud", "read", form);
        let profile = profile(&temp, "annexcloud", &head(&served, "annexcloud"), &request, "");
        let seen = Seen::of(&temp, &profile);
        seen.assert_passes(
            "annexcloud",
            &[
                "control/primary-read",
                "token-syntax/segments-two",
                "algorithm/none",
                "signature/empty",
                "key/secret-is-a-sample",
                "carrier/missing",
                "carrier/in-query-access-token",
                "framing/the-right-line-twice",
                "path-binding/changed-for-a-read",
                "method-binding/read-sent-as-delete",
                "confusion/damaged-token-beside-cookie",
            ],
        );
        assert!(seen.families().len() >= 5, "{:?}", seen.families());
        // What was not asked says why.
        let causes = seen.causes("unsupported");
        assert!(
            causes.contains("only a captured request of `primary` is here, and this takes a key to make")
        );
        let token = token_of(&request);
        for file in ["out/results.json", "out/report.html", "out/junit.xml"] {
            assert!(!fs::read_to_string(temp.path(file)).unwrap().contains(&token), "{file} has the token");
        }
        assert!(!seen.ended.stdout.contains(&token));
    }
}

/// The token in a request, whatever its form.
fn token_of(request: &str) -> String {
    let start = request.split("Bearer ").nth(1).unwrap();
    start.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).next().unwrap().into()
}

#[test]
fn all_kinds_of_schemes_are_asked_with_one_request() {
    for (scheme, names) in [
        ("hexsafe", &["algorithm/none", "api-key/nearly-twice", "carrier/missing-for-a-read"][..]),
        ("hotwax", &["algorithm/none", "signature/empty", "token-syntax/segments-two"]),
        ("bursagb-jwt", &["algorithm/none", "key/secret-is-empty", "carrier/missing"]),
        ("masonhub", &["carrier/missing", "framing/the-right-line-twice"]),
        ("bursagb-apikey", &["carrier/missing", "framing/the-right-line-twice", "api-key/in-query-apikey"]),
    ] {
        let served = serve(&format!("captured-{scheme}"), scheme, &[]);
        let temp = Temp::new();
        let request = captured(&served, scheme, "read", "http");
        let profile = profile(&temp, scheme, &head(&served, scheme), &request, "");
        let seen = Seen::of(&temp, &profile);
        seen.assert_passes(scheme, names);
        assert!(seen.families().len() >= 4, "{scheme}: {:?}", seen.families());
    }
}

#[test]
fn a_token_at_another_endpoint_is_asked_where_the_profile_names_one() {
    // With a write beside it: nobody here can sign one, so it changes nothing.
    let other = "[endpoint.other-read]\nmethod = \"GET\"\npath = \"/v1/transactions\"\n\
                 [endpoint.write]\nmethod = \"POST\"\npath = \"/v1/validate\"\n";
    let at = |name: &str, more: &[&str]| {
        let served = serve(name, "hexsafe", more);
        let temp = Temp::new();
        let request = captured(&served, "hexsafe", "read", "http");
        let profile = profile(&temp, "hexsafe", &head(&served, "hexsafe"), &request, other);
        Seen::of(&temp, &profile)
    };
    let changed = "path-binding/changed-for-a-read";
    at("captured-other", &[]).assert_passes("hexsafe", &[changed, "signature/empty"]);
    let seen = at("captured-other-weak", &["--defect", "hexsafe/claims.uri/unchecked"]);
    assert_eq!(seen.ended.code, Some(1), "{}", seen.ended.stdout);
    assert!(seen.with("fail").contains("hexsafe/path-binding/changed-for-a-read"), "{}", seen.ended.stdout);
}

#[test]
fn a_hole_is_found_with_one_request_and_its_lines_show_it_once_more() {
    for (defect, found) in [
        ("annexcloud/jws/none", "annexcloud/algorithm/none"),
        ("annexcloud/claims.hmac.get/unchecked", "annexcloud/path-binding/changed-for-a-read"),
    ] {
        let served = serve(&defect.replace('/', "-"), "annexcloud", &["--defect", defect]);
        let temp = Temp::new();
        let request = captured(&served, "annexcloud", "read", "http");
        let profile = profile(&temp, "annexcloud", &head(&served, "annexcloud"), &request, "");
        let seen = Seen::of(&temp, &profile);
        assert_eq!(seen.ended.code, Some(1), "{}", seen.ended.stdout);
        assert!(seen.with("fail").contains(found), "{}", seen.ended.stdout);
        let sign = bearproof(&temp, &["sign", "--target", &profile, "--vector", found, "--out", "req.http"]);
        assert_eq!(sign.code, Some(0), "{}", sign.stderr);
        let sent = bearproof(&temp, &["send", "--target", &profile, "req.http"]);
        assert!(sent.stdout.starts_with("HTTP/1.1 200"), "{}", sent.stdout);
    }
}

#[expect(clippy::disallowed_methods, reason = "a token of this test ends by the real clock")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A JWS that nobody verifies, which ends so many seconds from now.
fn token(seconds: i64) -> String {
    let claims = format!("{{\"sub\":\"EXAMPLE_SITE\",\"exp\":{}}}", now().saturating_add_signed(seconds));
    format!(
        "{}.{}.{}",
        encode_url(b"{\"alg\":\"HS256\"}"),
        encode_url(claims.as_bytes()),
        encode_url(&[7; 32])
    )
}

/// The lines of a request with a field that was spelt by hand, and with what is not the caller's.
fn by_hand(token: &str) -> String {
    [
        "GET /api/3.0/users/u%2d1?a=b HTTP/1.1",
        "x-first: 1",
        "AUTHORIZATION: bearer  TOKEN",
        "Cookie: session=1234567890",
        "If-None-Match: \"1\"",
        "Content-Length: 0",
        "User-Agent: by hand",
        "",
        "",
    ]
    .join("\r\n")
    .replace("TOKEN", token)
}

/// A server that lets in this token once, behind `Bearer` in any case, at this path, until it ends, and says so after
/// some time.
fn only(token: &str, time: Duration) -> Server {
    let token = token.to_string();
    let claims = decode_url(token.split('.').nth(1).unwrap().as_bytes(), &Rules::STRICT).unwrap();
    let ends = serde_json::from_slice::<Value>(&claims).unwrap()["exp"].as_u64().unwrap();
    Server::start(move |request, stream| {
        sleep(time);
        let line = |line: &str| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("authorization").then(|| value.trim().to_string())
        };
        let lines: Vec<String> = request.lines().filter_map(line).collect();
        let good = |line: &String| {
            line.split_once(' ')
                .is_some_and(|(word, rest)| word.eq_ignore_ascii_case("bearer") && rest.trim() == token)
        };
        let place = request.split(' ').nth(1) == Some("/api/3.0/users/u%2d1?a=b");
        let method = request.starts_with("GET ") || request.starts_with("HEAD ");
        let inside = now() < ends && place && method && lines.len() == 1 && lines.iter().all(good);
        answer(request, stream, if inside { 200 } else { 401 }, "WWW-Authenticate: Bearer\r\n", b"")
    })
}

#[test]
fn the_control_is_the_request_as_it_was_captured() {
    let (temp, token) = (Temp::new(), token(600));
    let server = only(&token, Duration::ZERO);
    let head = format!("origin = \"{}\"", server.url());
    let profile = profile(&temp, "annexcloud", &head, &by_hand(&token), "");
    let ended = bearproof(&temp, &["run", "--target", &profile, "--filter", "annexcloud/carrier/missing"]);
    let first = &server.requests()[0];
    let host = server.url().replace("http://", "");
    let wanted = [
        "GET /api/3.0/users/u%2d1?a=b HTTP/1.1",
        &format!("Host: {host}"),
        "x-first: 1",
        &format!("AUTHORIZATION: bearer  {token}"),
        "User-Agent: by hand",
        "",
        "",
    ];
    assert_eq!(first, &wanted.join("\r\n"), "{}", ended.stdout);
    assert!(ended.stdout.contains("asked with what was captured: its claim `exp` says "), "{}", ended.stdout);
    let doctor = bearproof(&temp, &["doctor", &profile]);
    let line = doctor.stdout.lines().find(|l| l.contains("captured  "));
    let line = line.unwrap_or_else(|| panic!("{doctor:?}"));
    let left: u64 = line.split("good for ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!((500..=600).contains(&left) && line.contains(" s more (its claim `exp` says "), "{line}");
}

/// A body and no nonce: the request may be sent again, with another body too.
#[test]
fn a_captured_write_is_asked_about_its_body() {
    let served = serve("captured-post", "annexcloud", &[]);
    let temp = Temp::new();
    let request = captured(&served, "annexcloud", "write", "curl");
    let profile = profile(&temp, "annexcloud", &head(&served, "annexcloud"), &request, "");
    let names =
        ["control/primary-write", "body-binding/body-changed", "body-binding/body-null", "algorithm/none"];
    Seen::of(&temp, &profile).assert_passes("annexcloud", &names);
}

#[test]
fn sign_gives_the_captured_request_and_explain_reads_it() {
    let (temp, token) = (Temp::new(), token(600));
    let head = "origin = \"https://h.example\"";
    let request = by_hand(&token).replace("x-first", "Host: h.example\r\nx-first");
    let profile = profile(&temp, "annexcloud", head, &request, "");
    let signed = bearproof(&temp, &["sign", "--target", &profile]);
    let kept = ["Cookie: ", "If-None-Match: ", "Content-Length: "];
    let lines = request.split_inclusive("\r\n").filter(|l| !kept.iter().any(|k| l.starts_with(k)));
    assert_eq!(signed.stdout, lines.collect::<String>(), "{}", signed.stderr);
    let mutated = bearproof(&temp, &["sign", "--target", &profile, "--mutate", "field.authorization/quoted"]);
    let quoted = signed.stdout.replace(&format!("bearer  {token}"), &format!("Bearer \"{token}\""));
    assert_eq!(mutated.stdout, quoted, "{}", mutated.stderr);
    let explained = std::process::Command::new(env!("CARGO_BIN_EXE_bearproof"))
        .args(["explain", "--target", &profile])
        .stdin(fs::File::open(temp.path("request.http")).unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8(explained.stdout).unwrap();
    assert!(said.contains("could not be checked: the signature of the token"), "{said}");
    assert!(!said.contains("claims.mismatch"), "{said}");
}

#[test]
fn what_a_token_leaves_no_time_for_is_inconclusive() {
    let (temp, token) = (Temp::new(), token(12));
    let server = only(&token, Duration::from_millis(700));
    let head = format!("origin = \"{}\"", server.url());
    let profile = profile(&temp, "annexcloud", &head, &by_hand(&token), "");
    let seen = Seen::of(&temp, &profile);
    assert_eq!(seen.ended.code, Some(4), "{}", seen.ended.stdout);
    assert_eq!(seen.with("fail"), BTreeSet::new(), "{}", seen.ended.stdout);
    let judged = |outcome: &str| {
        let of = |v: &&Value| v["outcome"] == outcome && !v["id"].as_str().unwrap().contains("/control/");
        let rank =
            |v: &Value, name: &str, words: &[&str]| words.iter().position(|word| v[name] == *word).unwrap();
        let ranks = seen.vectors.iter().filter(of).map(|v| {
            let severity = rank(v, "severity", &["critical", "high", "medium", "low"]);
            (rank(v, "level", &["must", "should", "may"]), severity)
        });
        ranks.collect::<BTreeSet<_>>()
    };
    // What matters most was asked first.
    let (asked, late) = (judged("pass"), judged("inconclusive"));
    assert!(asked.last().unwrap() <= late.first().unwrap(), "{asked:?} {late:?}");
    // The last good request was let in in time: else these would say so.
    let late = "the captured token ends before this could be asked";
    assert_eq!(seen.causes("inconclusive"), BTreeSet::from([late]));
}

/// Asserts that `run` and `doctor` end before they send anything.
#[track_caller]
fn assert_stops(scheme: &str, request: &str, more: &str, code: i32, says: &str) {
    let temp = Temp::new();
    let seen = Arc::new(Mutex::new(0));
    let count = Arc::clone(&seen);
    let server = Server::start(move |request, stream| {
        *count.lock().unwrap() += 1;
        answer(request, stream, 200, "", b"")
    });
    let head = format!("origin = \"{}\"", server.url());
    let request = request.replace("HOST", &server.url().replace("http://", ""));
    let profile = profile(&temp, scheme, &head, &request, more);
    let ended = bearproof(&temp, &["run", "--target", &profile]);
    assert_eq!(ended.code, Some(code), "{ended:?}");
    assert!(ended.stderr.contains(says), "{}", ended.stderr);
    let doctor = bearproof(&temp, &["doctor", &profile]);
    assert_eq!(doctor.code, Some(code), "{doctor:?}");
    assert!(doctor.stdout.contains(says) || doctor.stderr.contains(says), "{doctor:?}");
    assert_eq!(*seen.lock().unwrap(), 0);
}

/// Eight requests under way, each waiting for its turn of half a second: what was asked last is let in before the end.
#[test]
fn a_slow_rate_keeps_more_time() {
    let (temp, token) = (Temp::new(), token(14));
    let server = only(&token, Duration::ZERO);
    let head = format!("origin = \"{}\"", server.url());
    let profile = profile(&temp, "annexcloud", &head, &by_hand(&token), "");
    let ended = bearproof(&temp, &["run", "--target", &profile, "--rate", "2", "--out", "out"]);
    let seen = Seen::read(&temp, ended);
    let late = "the captured token ends before this could be asked";
    assert_eq!(seen.causes("inconclusive"), BTreeSet::from([late]));
    assert_eq!(seen.with("fail"), BTreeSet::new());
    assert!(seen.with("pass").len() > 5, "{}", seen.ended.stdout);
}

#[test]
fn a_token_that_is_over_stops_the_run() {
    let says = "no control is possible: the captured token of `primary` is over, it ended 6";
    assert_stops("annexcloud", &by_hand(&token(-60)), "", 4, says);
}

#[test]
fn a_request_that_is_good_once_stops_the_run() {
    let post = format!(
        "POST /v1/validate HTTP/1.1\r\nHost: HOST\r\nX-Api-Key: hsk_1a\r\nAuthorization: Bearer {}\r\n\r\n{{}}",
        token(60)
    );
    let says = "no control is possible: `claims.nonce` of a POST is good once, and the captured request has used it up";
    assert_stops("hexsafe", &post, "", 4, says);
}

#[test]
fn a_captured_request_that_can_t_be_used_is_refused_with_its_place() {
    let get = |more: &str| format!("GET /a HTTP/1.1\r\nHost: HOST\r\n{more}\r\n");
    let bearer = format!("Authorization: Bearer {}\r\n", token(60));
    for (request, more, says) in [
        (
            "no request".into(),
            "",
            "captured.toml:5:20: the captured request, line 1, column 1: a request line has",
        ),
        (get(""), "", "the captured request has no field `authorization`"),
        (get(&format!("{bearer}{bearer}")), "", "the captured request has the field `authorization` twice"),
        (get("Authorization: Bearer a.b\r\n"), "", "a JWS has 3 pieces, this has 2"),
        (
            get(&bearer).replace("HOST", "h.example"),
            "",
            "the captured request is for `h.example`, the origin is",
        ),
        (get(&bearer), "secret = \"x\"\n", "`secret` stands beside a captured request"),
        (
            get(&bearer),
            "[endpoint.read]\npath = \"/b\"\n",
            "`path` of this endpoint is in the captured request",
        ),
        (get(&bearer), "[credential.other]\ncaptured-request = \"x\"\n", "is of `primary`, not of `other`"),
    ] {
        assert_stops("annexcloud", &request, more, 2, says);
    }
    let key = "[platform.primary]\nsigning_key = \"a secret of thirty-two bytes or more\"\n";
    assert_stops(
        "bursagb-jwt",
        &get(&bearer),
        key,
        2,
        "there is a captured request beside the platform's key",
    );
}
