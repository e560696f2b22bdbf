//! `sign` and `explain` as a program: the forms in which a request comes in, what is no request, a profile without the
//! secret, and the README's example.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first broken assumption")]

use bearproof_conform::captured::read;
use bearproof_conform::written::{curl, http, json};
use bearproof_scheme::request::Message;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::explain::{LATER, clock, explained, now, request, suite};

#[test]
fn three_forms_say_the_same_request() {
    let same = |a: &Message, b: &Message| {
        let fields = |m: &Message| {
            let mut fields: Vec<_> = m.fields.clone();
            fields.retain(|(n, _)| !n.eq_ignore_ascii_case("content-length"));
            fields
        };
        (a.secure, &a.method, &a.target, fields(a), &a.body)
            == (b.secure, &b.method, &b.target, fields(b), &b.body)
    };
    for scheme in &suite().schemes {
        let variant = &scheme.default;
        for wrong in [None, Some("field.authorization/quoted"), Some("request/plain-http")] {
            let Some(message) = request(variant, wrong) else { continue };
            for form in
                [http(&message), curl(&message).unwrap().into_bytes(), json(&message).unwrap().into_bytes()]
            {
                let again = read("test", &form).unwrap();
                assert!(same(&message, &again), "{message:?}\n{again:?}");
            }
        }
    }
}

#[test]
fn a_shell_reads_the_command_as_it_was_meant() {
    let message = Message {
        secure: true,
        method: "POST".into(),
        target: "/a'b$(c)`d`?e=\"f\"".into(),
        fields: vec![("Host".into(), b"h.example".to_vec()), ("X-A".into(), b"it's $HOME \\ \"q\"".to_vec())],
        body: "{\"n\": \"it's\\n\u{eb} $1 `x`\"}\n\n".into(),
    };
    let command = curl(&message).unwrap();
    let script = format!("curl() {{ for word; do printf '%s\\0' \"$word\"; done; }}\n{command}");
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let words: Vec<&[u8]> = output.stdout.split(|b| *b == 0).collect();
    assert!(words.contains(&message.body.as_slice()), "{command}");
    assert!(words.contains(&b"https://h.example/a'b$(c)`d`?e=\"f\"".as_slice()), "{command}");
    assert!(words.contains(&b"X-A: it's $HOME \\ \"q\"".as_slice()), "{command}");
}

/// How a run of the binary ended.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn piped(arguments: &[&str], input: &[u8]) -> Ended {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bearproof"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn the_binary_signs_and_explains_at_once() {
    for (scheme, id, format) in [
        ("hexsafe", "claims.digest/without-append", "http"),
        ("annexcloud", "claims.hmac.post-put-patch/prepended-nothing", "http"),
        ("annexcloud", "jws/key-base64-decoded", "curl"),
        ("bursagb-apikey", "field.apikey/in-query", "curl"),
        ("masonhub-callback", "body.token/left-out", "http"),
        ("hotwax", "clock/behind", "curl"),
    ] {
        let made = piped(&["sign", "--scheme", scheme, "--mutate", id, "--format", format], b"");
        if id.ends_with("nothing") {
            assert_eq!(made.code, Some(2));
            assert!(made.stderr.contains("the nearest are `claims.hmac.post-put-patch/"), "{}", made.stderr);
            continue;
        }
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        let before = clock();
        let said = piped(&["explain", "--scheme", scheme], made.stdout.as_bytes());
        assert!(before().as_millis() < 3000, "alone it is a tenth of that; other tests run beside it");
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        assert!(said.stdout.contains(id), "{}", said.stdout);
        assert!(said.stdout.contains("what to change:"), "{}", said.stdout);
    }
    for format in ["http", "curl"] {
        let made = piped(&["sign", "--scheme", "hexsafe", "--format", format], b"");
        let said = piped(&["explain", "--scheme", "hexsafe"], made.stdout.as_bytes());
        assert!(said.stdout.starts_with("accepted\n"), "{}", said.stdout);
    }
}

#[test]
fn the_readme_shows_what_is_printed() {
    let readme =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap();
    let id = "claims.hmac.post-put-patch/body-numbers-as-doubles";
    let command = format!("bearproof sign --scheme annexcloud --mutate {id} > request.http\n");
    assert!(readme.contains(&command));
    let made = piped(&["sign", "--scheme", "annexcloud", "--mutate", id], b"");
    let said = piped(&["explain", "--scheme", "annexcloud"], made.stdout.as_bytes());
    assert!(readme.contains(&format!("```\n{}```", said.stdout)), "{}", said.stdout);
}

#[test]
fn garbage_is_refused_with_its_place() {
    for (what, input, place) in [
        ("nothing", b"".as_slice(), "1:1"),
        ("words", b"hello there", "1:1"),
        ("a method that is none", b"P OST / HTTP/1.1\r\n\r\n", "1:1"),
        ("an odd version", b"GET /a SPDY/3\r\n\r\n", "1:8"),
        ("a line without a colon", b"GET /a HTTP/1.1\r\nHost h.example\r\n\r\n", "2:1"),
        ("a wrong length", b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n{}", "5:3"),
        ("chunks", b"POST /a HTTP/1.1\nTransfer-Encoding: chunked\n\n0\n\n", "4:1"),
        ("an open quote", b"curl https://h.example/ \\\n  -H 'a: b", "2:6"),
        ("an unknown option", b"curl https://h.example/ --teleport", "1:25"),
        ("a variable", b"curl https://h.example/ -H \"Authorization: Bearer $TOKEN\"", "1:51"),
        ("a body in a file", b"curl https://h.example/ -d @body.json", "1:28"),
        ("no address", b"curl -X POST", "1:1"),
        ("broken JSON", b"{\"log\": {\"entries\": [}}", "1:22"),
        ("a HAR without entries", b"{\"log\": {\"entries\": []}}", "1:1"),
        ("a HAR whose entries are no list", b"{\"log\": {\"entries\": {}}}", "1:1"),
        (
            "a HAR whose fields are no list",
            b"{\"method\": \"GET\", \"url\": \"http://localhost/\", \"headers\": {}}",
            "1:1",
        ),
        (
            "a HAR whose body is no text",
            b"{\"method\": \"GET\", \"url\": \"http://localhost/\", \"headers\": [], \"postData\": {\"text\": 1}}",
            "1:1",
        ),
        ("bytes that are no text", b"\xff\xfe\x00\x01 / HTTP/1.1\r\n\r\n", "1:1"),
    ] {
        let ended = piped(&["explain", "--scheme", "hexsafe"], input);
        assert_eq!(ended.code, Some(2), "{what}: {}{}", ended.stdout, ended.stderr);
        let begins = format!("error: standard input:{place}: ");
        assert!(ended.stderr.starts_with(&begins), "{what}: {}", ended.stderr);
        assert!(ended.stderr.contains("\n  help: "), "{what}: {}", ended.stderr);
        assert_eq!(ended.stdout, "", "{what}");
    }
}

#[test]
fn no_cut_or_flipped_request_makes_it_stop() {
    let suite = suite();
    let variant = &suite.scheme("bursagb-jwt").unwrap().default;
    let message = request(variant, None).unwrap();
    for form in [http(&message), curl(&message).unwrap().into_bytes(), json(&message).unwrap().into_bytes()] {
        for at in 0..form.len() {
            let mut flipped = form.clone();
            flipped[at] ^= 0x15;
            for bytes in [&form[..at], &flipped] {
                let Ok(message) = read("test", bytes) else { continue };
                if at % 7 == 0 {
                    let _ = explained(variant, &message).text(variant);
                }
            }
        }
    }
}

/// A scheme's published world as a profile, without the lines of a secret.
fn profile_without(scheme: &str, secret: &str) -> String {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
    let world = std::fs::read_to_string(vectors.join(scheme).join("world.toml")).unwrap();
    let keep = |line: &&str| !line.starts_with(secret) && !line.starts_with("clock");
    let lines: Vec<&str> = world.lines().filter(keep).collect();
    format!("scheme = \"{scheme}\"\n{}", lines.join("\n"))
}

#[test]
fn without_the_secret_it_says_what_it_could_not_check() {
    let suite = suite();
    for (scheme, secret, unknown) in [
        ("hotwax", "signing_key", "`platform.signing_key` is not here"),
        ("annexcloud", "secret", "`credential.secret` is not here"),
        ("hexsafe", "private_key", "`credential.private_key` is not here"),
        ("masonhub", "token_key", "`platform.token_key` is not here"),
    ] {
        let name = format!("bearproof-explain-{}-{scheme}.toml", std::process::id());
        let file = std::env::temp_dir().join(name);
        std::fs::write(&file, profile_without(scheme, secret)).unwrap();
        let variant = &suite.scheme(scheme).unwrap().default;
        let now = (now(variant) + LATER).to_string();
        let explain = |mutate| {
            let input = http(&request(variant, mutate).unwrap());
            piped(&["explain", "--target", file.to_str().unwrap(), "--now", &now], &input)
        };
        let right = explain(None);
        let no_word = explain(Some("field.authorization/no-scheme-word"));
        let milliseconds =
            if scheme == "masonhub" { None } else { Some(explain(Some("claims.exp/milliseconds"))) };
        std::fs::remove_file(&file).unwrap();
        assert_eq!(right.code, Some(0), "{}", right.stderr);
        assert!(right.stdout.starts_with("accepted, as far as it could be checked"), "{}", right.stdout);
        assert!(right.stdout.contains("could not be checked: "), "{}", right.stdout);
        assert!(right.stdout.contains(unknown), "{}", right.stdout);
        assert!(no_word.stdout.contains("field.authorization/no-scheme-word"), "{}", no_word.stdout);
        if let Some(said) = milliseconds {
            assert!(said.stdout.contains("claims.exp/milliseconds"), "{}", said.stdout);
        }
    }
}
