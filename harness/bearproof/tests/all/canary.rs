//! Secrets never come out: not in the reports, on the terminal or in a message, in no spelling, whatever a server
//! sends back. It must not use the program's own redactor to look for them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first broken assumption"
)]

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::thread;

use crate::common::server::{Server, answer};
use crate::common::{Temp, bearproof, profile, vectors};

const SCHEMES: [&str; 7] =
    ["annexcloud", "bursagb-apikey", "bursagb-jwt", "hexsafe", "hotwax", "masonhub", "masonhub-callback"];

/// What the server issues where a token is asked for.
const ISSUED: &str = "LiveTokenThatTheEchoServerIssues-0123456789-abcdefghijkl";

// What is looked for.

/// The secrets of a scheme's published world, as bytes: values of the kinds `secret` and `key`, and each line of a
/// private key.
fn secrets(scheme: &str) -> Vec<Vec<u8>> {
    let folder = vectors().join(scheme);
    let description = fs::read_to_string(folder.join("scheme.toml")).unwrap();
    let names: BTreeSet<&str> = description.lines().filter_map(secret_name).collect();
    let world = fs::read_to_string(folder.join("world.toml")).unwrap();
    let mut found: Vec<Vec<u8>> = world.lines().filter_map(|line| secret_value(line, &names)).collect();
    for entry in fs::read_dir(folder.join("keys")).into_iter().flatten() {
        let pem = fs::read_to_string(entry.unwrap().path()).unwrap();
        found.extend(
            pem.lines().filter(|l| !l.starts_with("-----") && l.len() > 20).map(|l| l.as_bytes().into()),
        );
    }
    found
}

/// `name` of `name = "secret"`.
fn secret_name(line: &str) -> Option<&str> {
    let (name, kind) = line.split_once('=')?;
    let kind = kind.split('#').next()?.trim();
    ["\"secret\"", "\"key\""].contains(&kind).then(|| name.trim())
}

/// The value of `name = "value"` or `name = { base64 = "value" }`, if the name is one of those.
fn secret_value(line: &str, names: &BTreeSet<&str>) -> Option<Vec<u8>> {
    let (name, value) = line.split_once('=')?;
    if !names.contains(name.trim()) {
        return None;
    }
    let text = value.split('"').nth(1)?;
    Some(if value.trim().starts_with("{ base64") { unbase64(text) } else { text.as_bytes().to_vec() })
}

/// A secret in every spelling: as it is, in hex, and in Base64 at each of the three offsets that it can have inside
/// a longer text.
fn spellings(secret: &[u8]) -> Vec<String> {
    let hex: String = secret.iter().map(|b| format!("{b:02x}")).collect();
    let mut all = vec![hex.to_uppercase(), hex];
    all.extend(String::from_utf8(secret.to_vec()));
    for offset in 0..3 {
        let text = base64(&[vec![0; offset], secret.to_vec()].concat());
        // The characters at the ends depend on the neighbours too.
        let inner =
            text.trim_end_matches('=').get([0, 2, 3][offset]..(offset + secret.len()) * 4 / 3).unwrap();
        all.extend([inner.to_string(), inner.replace('+', "-").replace('/', "_")]);
    }
    all
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8]) -> String {
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0_usize, |bits, i| bits << 8 | usize::from(*group.get(i).unwrap_or(&0)));
        for i in 0..4 {
            let letter = ALPHABET[bits >> (18 - 6 * i) & 63];
            out.push(if i <= group.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

fn unbase64(text: &str) -> Vec<u8> {
    let (mut out, mut bits, mut count) = (Vec::new(), 0_usize, 0);
    for letter in text.bytes().filter(|b| *b != b'=') {
        bits = bits << 6 | ALPHABET.iter().position(|a| *a == letter).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 255).unwrap());
        }
    }
    out
}

/// What travelled as a token: the words of `Authorization`, and wherever it stands anything that looks like a JWT.
fn tokens(requests: &[String]) -> BTreeSet<String> {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || "-_=+/.~".contains(c);
    let mut found = BTreeSet::new();
    for line in requests.iter().flat_map(|request| request.lines()) {
        let in_field = line.to_ascii_lowercase().starts_with("authorization:");
        // In a query or a cookie a token stands behind its name.
        for word in line.split(|c| !is_letter(c)).flat_map(|w| [w, w.split_once('=').map_or("", |(_, v)| v)])
        {
            let parts: Vec<&str> = word.split('.').collect();
            let is_jwt = [3, 5].contains(&parts.len())
                && parts.iter().take(2).all(|p| p.len() >= 16 && !p.contains(['=', '/']));
            // A run of one letter is a vector's and no token.
            let varied = word.bytes().collect::<BTreeSet<_>>().len() > 1;
            if varied && (is_jwt || (in_field && word.len() >= 40)) {
                found.insert(word.to_string());
            }
        }
    }
    found
}

/// Everything that a run puts out, by name.
struct Output {
    texts: Vec<(String, String)>,
    /// Every line of every text once: most are alike, and thousands of spellings are looked for.
    lines: String,
    /// The lines cut into blocks.
    blocks: HashSet<[u8; BLOCK]>,
}

const BLOCK: usize = 8;

impl Output {
    fn new(texts: Vec<(String, String)>) -> Self {
        let lines = texts.iter().flat_map(|(_, text)| text.split('\n')).flat_map(|line| line.split("\\n"));
        let lines = lines.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join("\n");
        let blocks = lines.as_bytes().as_chunks().0.iter().copied().collect();
        Self { texts, lines, blocks }
    }

    /// Whether the lines have `form` in them. Wherever it stood, one of the blocks would be a piece of its beginning.
    fn contains(&self, form: &str) -> bool {
        let mut pieces = form.as_bytes().windows(BLOCK).take(BLOCK);
        let whole_block_inside = form.len() >= 2 * BLOCK - 1;
        (!whole_block_inside || pieces.any(|piece| self.blocks.contains(piece))) && self.lines.contains(form)
    }

    #[track_caller]
    fn assert_silent(&self, about: &[u8]) {
        for form in spellings(about) {
            // Looked for in single lines, so that none may have the end of one in it.
            assert!(!form.contains('\n') && !form.contains("\\n"), "{form}");
            if !self.contains(&form) {
                continue;
            }
            let mut found =
                self.texts.iter().filter_map(|(name, text)| Some((name, text, text.find(&form)?)));
            let (name, text, at) = found.next().unwrap();
            let near = text.get(at.saturating_sub(300)..at + form.len()).unwrap_or(&form);
            panic!("`{form}` in {name}: {near}");
        }
    }

    fn get(&self, name: &str) -> &str {
        self.texts.iter().find(|(n, _)| n == name).map_or("", |(_, text)| text)
    }
}

/// Judges `server` and gathers all output.
fn run(scheme: &str, server: &Server) -> Output {
    let temp = Temp::new();
    let file = profile(&temp.0, scheme, &server.url());
    judge(&temp, &file)
}

/// Judges by a profile and gathers all output.
fn judge(temp: &Temp, file: &Path) -> Output {
    let ended = bearproof(temp, &["run", "--target", file.to_str().unwrap(), "--out", "out"]);
    let mut all = vec![("stdout".to_string(), ended.stdout), ("stderr".to_string(), ended.stderr)];
    for name in ["results.json", "report.html", "junit.xml", "journal.jsonl"] {
        all.push((name.to_string(), fs::read_to_string(temp.path("out").join(name)).unwrap()));
    }
    Output::new(all)
}

// Servers that send everything back.

/// Answers with the whole request, as it is and in other spellings, in the body and in fields.
fn echo(request: &str, stream: &mut TcpStream, status: u16) -> std::io::Result<bool> {
    // Some requests are huge; what is looked for stands at their beginning.
    let text = request.chars().take(8192).collect::<String>();
    let standard = base64(text.as_bytes());
    let hex: String = text.bytes().map(|b| format!("{b:02x}")).collect();
    let lines = text.lines().skip(1).take_while(|line| !line.is_empty());
    let fields: String = lines.map(|line| format!("X-Echo-{line}\r\n")).collect();
    if status != 200 {
        let body = format!("you sent:\n{text}\n{standard}\n{hex}\n");
        return answer(request, stream, status, &fields, body.as_bytes());
    }
    let url = standard.replace('+', "-").replace('/', "_");
    let mut json = serde_json::json!({ "echo": text, "base64": standard, "base64url": url, "hex": hex });
    if asks_for_a_token(request) {
        json["token"] = ISSUED.into();
        json["encrypted_token"] = ISSUED.into();
        json["data"] = serde_json::json!({ "Token": ISSUED });
    }
    answer(request, stream, status, &fields, json.to_string().as_bytes())
}

/// Whether the body is that of a login or of another request for a token.
fn asks_for_a_token(request: &str) -> bool {
    let words = ["PASSWORD", "Password", "secret_phrase", "purpose"];
    words.iter().any(|word| request.contains(word)) && !request.contains("/delete_secrets")
}

/// Lets in whoever has any credential at all, and sends everything back to everybody.
fn echo_naively(
    scheme: &'static str,
) -> impl Fn(&str, &mut TcpStream) -> std::io::Result<bool> + Send + Sync + 'static {
    move |request, stream| {
        let lower = request.to_ascii_lowercase();
        let credential = match scheme {
            "bursagb-apikey" => lower.contains("\r\napikey: "),
            "masonhub-callback" => lower.contains("\"token\""),
            _ => lower.contains("\r\nauthorization: ") || asks_for_a_token(request),
        };
        echo(request, stream, if credential { 200 } else { 401 })
    }
}

/// Judges `server` by a scheme and asserts that nothing came out; gives the output and the number of different tokens.
fn run_silently(scheme: &str, server: &Server) -> (Output, usize) {
    let output = run(scheme, server);
    let secrets = secrets(scheme);
    assert!(secrets.len() >= 4, "{scheme}: {}", secrets.len());
    for secret in &secrets {
        output.assert_silent(secret);
    }
    let tokens = tokens(&server.requests());
    for token in &tokens {
        output.assert_silent(token.as_bytes());
    }
    output.assert_silent(ISSUED.as_bytes());
    (output, tokens.len())
}

#[test]
fn a_server_that_lets_all_in_and_sends_all_back_gets_no_secret_into_a_report() {
    for scheme in SCHEMES {
        let server = Server::start(|request: &str, stream: &mut TcpStream| echo(request, stream, 200));
        let (output, _) = run_silently(scheme, &server);
        assert!(output.get("stdout").contains("lets everybody in"), "{scheme}: {}", output.get("stdout"));
    }
}

#[test]
fn a_server_that_refuses_all_and_sends_all_back_gets_no_secret_into_a_report() {
    for scheme in SCHEMES {
        let server = Server::start(|request: &str, stream: &mut TcpStream| echo(request, stream, 401));
        let (output, _) = run_silently(scheme, &server);
        assert!(
            output.get("stdout").contains("nothing could be judged"),
            "{scheme}: {}",
            output.get("stdout")
        );
    }
}

#[test]
fn exchanges_are_shown_with_marks_where_the_secrets_stood() {
    let test = |scheme| {
        let (output, tokens) = run_silently(scheme, &Server::start(echo_naively(scheme)));
        assert!(tokens > 0 || scheme == "bursagb-apikey", "{scheme} sent no token");
        for name in ["results.json", "report.html"] {
            let marks = output.get(name).matches("[redacted]").count();
            assert!(marks > 10, "{scheme}: {marks} marks in {name}");
        }
    };
    thread::scope(|scope| {
        for scheme in SCHEMES {
            scope.spawn(move || test(scheme));
        }
    });
}

#[test]
fn a_secret_in_an_answer_is_a_finding() {
    let output = run("bursagb-apikey", &Server::start(echo_naively("bursagb-apikey")));
    let results: serde_json::Value = serde_json::from_str(output.get("results.json")).unwrap();
    let leaks = |v: &&serde_json::Value| v["cause"] == "the answer contains a secret";
    let found: Vec<_> = results["vectors"].as_array().unwrap().iter().filter(leaks).collect();
    assert!(!found.is_empty(), "{}", output.get("stdout"));
    assert!(found.iter().all(|v| v["outcome"] == "fail"));
    assert!(output.get("stdout").contains(" findings: "), "{}", output.get("stdout"));
}

/// A captured token is a secret of the profile like any other: sent back, it is a leak, and it is not shown.
#[test]
fn a_captured_token_that_comes_back_is_a_finding_and_not_shown() {
    const TOKEN: &str = "CapturedFakeTokenOfTheSandbox-0123456789-abcdefgh";
    // Only the line with the token comes back: nothing else can be the leak.
    let server = Server::start(|request: &str, stream: &mut TcpStream| {
        let line = request.lines().find(|line| line.to_ascii_lowercase().starts_with("authorization:"));
        answer(request, stream, if line.is_some() { 200 } else { 401 }, "", line.unwrap_or("").as_bytes())
    });
    let temp = Temp::new();
    let file = profile(&temp.0, "masonhub", &server.url());
    replace(&file, "[credential.primary]", &format!("[credential.primary]\ncaptured-token = \"{TOKEN}\""));
    let text = fs::read_to_string(&file).unwrap();
    let kept: Vec<&str> = text.split("\n[").filter(|section| !section.starts_with("platform.")).collect();
    fs::write(&file, kept.join("\n[")).unwrap();
    let output = judge(&temp, &file);
    assert!(output.get("results.json").contains("[redacted]"), "no exchange is shown, so this shows nothing");
    assert!(output.get("results.json").contains("the answer contains a secret"), "{}", output.get("stdout"));
    output.assert_silent(TOKEN.as_bytes());
}

/// Long answers are cut. Cut before the secrets are out, the half of one would stay.
#[test]
fn a_secret_at_the_place_where_an_answer_is_cut_does_not_stay_by_half() {
    let server = Server::start(|request: &str, stream: &mut TcpStream| {
        let mut fields = request.lines().filter_map(|line| line.split_once(": "));
        let key = fields.find(|(name, _)| name.eq_ignore_ascii_case("apikey")).map(|(_, value)| value);
        let body = format!("{}{}{}", "x".repeat(2028), key.unwrap_or(""), "y".repeat(3000));
        answer(request, stream, if key.is_some() { 200 } else { 401 }, "", body.as_bytes())
    });
    let output = run("bursagb-apikey", &server);
    assert!(output.get("results.json").contains(&"x".repeat(2000)), "{}", output.get("stdout"));
    for secret in secrets("bursagb-apikey") {
        output.assert_silent(secret.get(..16).unwrap());
    }
}

// Profiles that are broken at the place of a secret.

/// Runs with a profile that `break_it` broke, and asserts that the message keeps the secret.
#[track_caller]
fn assert_kept(scheme: &str, break_it: impl Fn(&Path, &Path), message: &str) {
    let temp = Temp::new();
    let file = profile(&temp.0, scheme, "http://127.0.0.1:9");
    break_it(&temp.0, &file);
    let ended = bearproof(&temp, &["run", "--target", file.to_str().unwrap(), "--out", "out"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains(message), "{}", ended.stderr);
    let output = Output::new(vec![("stdout".into(), ended.stdout), ("stderr".into(), ended.stderr)]);
    for secret in secrets(scheme) {
        output.assert_silent(&secret);
    }
    output.assert_silent(INLINE.as_bytes());
}

const INLINE: &str = "Kp2fakeAnnexSecretOfThePrimarySiteXv63bTq9Rd";

fn replace(file: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(old), "`{old}` in {}", file.display());
    fs::write(file, text.replacen(old, new, 1)).unwrap();
}

#[test]
fn a_secret_of_the_wrong_type_is_not_shown() {
    let line = format!("secret    = \"{INLINE}\"");
    let cases = [
        (format!("secret    = [\"{INLINE}\"]"), "`credential.primary.secret` must be text in quotes"),
        (
            format!("secret    = {{ value = \"{INLINE}\" }}"),
            "`credential.primary.secret` must say exactly one place",
        ),
        (format!("secret    = {{ base64 = \"{INLINE}!\" }}"), "no base64"),
        (
            format!("secret    = {{ env = [\"{INLINE}\"] }}"),
            "`credential.primary.secret.env` must be text in quotes",
        ),
        (format!("secrte    = \"{INLINE}\""), "unknown word `secrte`"),
        (format!("site_id   = \"{INLINE}\""), "duplicate key"),
    ];
    for (broken, message) in cases {
        assert_kept("annexcloud", |_, file| replace(file, &line, &broken), message);
    }
    assert_kept(
        "annexcloud",
        |_, file| replace(file, "site_id   = 12345678", &format!("site_id   = \"{INLINE}\"")),
        "`credential.primary.site_id` must be a whole number",
    );
}

#[test]
fn a_line_with_a_secret_that_is_no_toml_is_not_shown() {
    let line = format!("secret    = \"{INLINE}\"");
    let broken = [
        format!("secret    = \"{INLINE}"),
        format!("secret    = {INLINE}"),
        format!("secret      \"{INLINE}\""),
        format!("secret    = \"{INLINE}\" \"{INLINE}\""),
        format!("secret    = \"\\q{INLINE}\""),
        INLINE.to_string(),
        format!("secret    = {{ base64 = \"{INLINE}\""),
        format!("secret    = [\"{INLINE}\""),
        format!("secret    = \"{INLINE}\"\n\"{INLINE}\" = 1\n\"{INLINE}\" = 2"),
    ];
    for broken in broken {
        assert_kept("annexcloud", |_, file| replace(file, &line, &broken), "DIR/annexcloud.toml:");
    }
}

#[test]
fn a_key_file_that_is_no_key_is_not_shown() {
    let key = |folder: &Path| folder.join("keys/primary-4096.pem");
    let cut = |folder: &Path, _: &Path| {
        let text = fs::read_to_string(key(folder)).unwrap();
        let half =
            text.lines().take(20).chain(["-----END PRIVATE KEY-----", ""]).collect::<Vec<_>>().join("\n");
        fs::write(key(folder), half).unwrap();
    };
    assert_kept("hexsafe", cut, "no usable RSA key");
    let bare = |folder: &Path, _: &Path| {
        let text = fs::read_to_string(key(folder)).unwrap();
        fs::write(key(folder), text.lines().filter(|l| !l.starts_with("-----")).collect::<String>()).unwrap();
    };
    assert_kept("hexsafe", bare, "not PEM text");
    let public = |folder: &Path, _: &Path| {
        let text = fs::read_to_string(key(folder)).unwrap();
        fs::write(key(folder), text.replace("PRIVATE KEY", "PUBLIC KEY")).unwrap();
    };
    assert_kept("hexsafe", public, "expected a PEM block `PRIVATE KEY` (PKCS#8), found `PUBLIC KEY`");
    let inline = |folder: &Path, file: &Path| {
        let text = fs::read_to_string(key(folder)).unwrap();
        replace(
            file,
            "private_key = { file = \"keys/primary-4096.pem\" }",
            &format!("private_key = '{text}'"),
        );
    };
    assert_kept("hexsafe", inline, "DIR/hexsafe.toml:");
    let wrong = |folder: &Path, file: &Path| {
        let text = fs::read_to_string(key(folder)).unwrap().replace("MII", "NII");
        replace(
            file,
            "private_key = { file = \"keys/primary-4096.pem\" }",
            &format!("private_key = '''{text}'''"),
        );
    };
    assert_kept("hexsafe", wrong, "no usable RSA key");
}
