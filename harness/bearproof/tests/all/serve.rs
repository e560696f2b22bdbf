//! `serve` answers as the reference does in process, at a real address, until it is told to stop.

#![expect(clippy::unwrap_used, reason = "a test stops at the first broken assumption")]

use bearproof_conform::entropy::Published;
use bearproof_conform::suite::{Disk, Suite};
use bearproof_scheme::sign::{Draft, Signer, signed};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

pub(crate) struct Served {
    child: Child,
    lines: BufReader<ChildStdout>,
    /// What was said before `ready`.
    words: Vec<String>,
    pub(crate) folder: PathBuf,
}

pub(crate) fn serve(name: &str, scheme: &str, more: &[&str]) -> Served {
    let folder = std::env::temp_dir().join(format!("bearproof-serve-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_bearproof"));
    command.arg("serve").args(["--scheme", scheme, "--profiles"]).arg(&folder);
    command.arg("--ca-out").arg(folder.join("ca.pem")).args(more);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut said = Vec::new();
    loop {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).unwrap() > 0, "serve ended: {said:?}");
        if line.trim() == "ready" {
            break;
        }
        said.push(line);
    }
    Served { child, lines, words: said, folder }
}

/// A test that fails must not leave a server behind.
impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Served {
    /// What follows a word of the lines before `ready`.
    pub(crate) fn said(&self, word: &str) -> String {
        let text = self.words.join(" ");
        let start = text.find(word).unwrap() + word.len();
        text.split_at(start).1.split_whitespace().next().unwrap().to_string()
    }

    /// Tells it to stop and gives the code it ended with and its last words.
    fn stop(mut self) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let code = self.child.wait().unwrap().code();
        let mut last = String::new();
        self.lines.read_to_string(&mut last).unwrap();
        (code, last)
    }
}

fn ask(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_profile_of_the_served_reference_passes_and_the_server_stops_when_told() {
    let served = serve("pass", "hexsafe", &[]);
    assert!(std::fs::read_to_string(served.folder.join("ca.pem")).unwrap().contains("BEGIN CERTIFICATE"));
    let run = |filter: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bearproof"));
        command.arg("run").arg("--target").arg(served.folder.join("hexsafe.toml"));
        command.arg("--out").arg(served.folder.join("out")).args(filter);
        let ended = command.output().unwrap();
        (ended.status.code(), String::from_utf8(ended.stdout).unwrap())
    };
    let (code, said) = run(&[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("everything as expected"), "{said}");
    let (code, said) = run(&["--filter", "hexsafe/replay"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(served.stop(), (Some(0), "stopped\n".into()));
}

/// A weakness that only another choice of the scheme has is served with that choice, and the profile makes it too.
#[test]
fn a_weakness_of_another_choice_is_served_and_found() {
    let served = serve("choice", "masonhub", &["--defect", "masonhub/token/standard-alphabet"]);
    let profile = std::fs::read_to_string(served.folder.join("masonhub.toml")).unwrap();
    assert!(profile.contains("choose = { token-format = \"opaque\" }\n"), "{profile}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_bearproof"));
    command.arg("run").arg("--target").arg(served.folder.join("masonhub.toml"));
    command.arg("--out").arg(served.folder.join("out")).args(["--filter", "token-syntax"]);
    let ended = command.output().unwrap();
    let said = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("alphabet"), "{said}");
    served.stop();
}

/// The server's HTTP library refuses such a request before anybody could be weak.
#[test]
fn a_weakness_that_no_request_over_http_shows_is_not_served() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bearproof"));
    let ended =
        command.args(["serve", "--defect", "masonhub/field.authorization/cut-at-nul"]).output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(
        said.contains("a field value has a control character") && said.contains("bearproof defects"),
        "{said}"
    );
}

/// One that every choice has and that a vector notices at another choice only.
#[test]
fn a_weakness_is_served_with_the_choice_at_which_it_is_noticed() {
    let profile = |name: &str, id: &str| {
        let served = serve(name, "hexsafe", &["--defect", id]);
        std::fs::read_to_string(served.folder.join("hexsafe.toml")).unwrap()
    };
    let trimmed = profile("trimmed", "hexsafe/claims.digest/body-trimmed");
    assert!(trimmed.contains("digest-body = \"as-sent\""), "{trimmed}");
    let usual = profile("usual", "hexsafe/state/revoked");
    assert!(!usual.contains("as-sent"), "{usual}");
}

#[test]
fn hooks_end_rotate_and_forget() {
    let served = serve("hooks", "bursagb-apikey", &[]);
    let control = served.said("control http://");
    let hook = |target: &str| {
        let request =
            format!("POST {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        let answer = ask(&control, &request);
        answer.split(' ').nth(1).unwrap().to_string()
    };
    let world = std::fs::read_to_string(served.folder.join("bursagb-apikey.toml")).unwrap();
    let key = |role: &str| {
        let section = world.split(&format!("[credential.{role}]")).nth(1).unwrap();
        section.split('"').nth(1).unwrap().to_string()
    };
    let status = |role: &str| {
        let request = format!(
            "POST /Supplier/Products/List HTTP/1.1\r\nHost: api.shop-a.example\r\nApiKey: {}\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{{}}",
            key(role)
        );
        ask(&served.said("bursagb-apikey: http://"), &request).split(' ').nth(1).unwrap().to_string()
    };
    assert_eq!(
        (status("primary"), status("next")),
        ("200".into(), "200".into()),
        "both keys during a rotation"
    );
    assert_eq!(hook("/rotate?primary=next"), "200");
    assert_eq!((status("primary"), status("next")), ("401".into(), "200".into()));
    assert_eq!(hook("/revoke?role=next"), "200");
    assert_eq!(status("next"), "401");
    assert_eq!(hook("/forget"), "200");
    assert_eq!((status("primary"), status("next")), ("200".into(), "200".into()));
    assert_eq!((hook("/rotate?primary=nobody"), hook("/clock?advance=soon")), ("404".into(), "400".into()));
    served.stop();
}

/// A value that is kept out of the profile is kept out of the reports, also where its kind is public.
#[test]
fn what_came_from_the_environment_is_not_shown() {
    let served = serve("environment", "hexsafe", &[]);
    let path = served.folder.join("hexsafe.toml");
    let profile = std::fs::read_to_string(&path).unwrap();
    let section = profile.split("[credential.primary]").nth(1).unwrap();
    let line = section.lines().find(|l| l.trim_start().starts_with("api_key")).unwrap();
    let key = line.split('"').nth(1).unwrap().to_string();
    // The other reading of the document than the server's: some vectors fail, and their exchanges are shown.
    let profile = profile.replacen(line, "api_key = { env = \"KEY\" }", 1).replacen("compact", "as-sent", 1);
    std::fs::write(&path, profile).unwrap();
    let out = served.folder.join("out");
    let mut command = Command::new(env!("CARGO_BIN_EXE_bearproof"));
    let ended = command
        .arg("run")
        .arg("--target")
        .arg(&path)
        .arg("--out")
        .arg(&out)
        .env("KEY", &key)
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(1), "{}", String::from_utf8_lossy(&ended.stdout));
    for name in ["results.json", "report.html", "junit.xml"] {
        let text = std::fs::read_to_string(out.join(name)).unwrap();
        assert!(text.contains("[redacted]"), "{name} shows no exchange, so this shows nothing");
        assert!(!text.contains(&key), "{name} shows the key");
    }
    served.stop();
}

#[test]
fn plain_http_is_refused_and_reasons_are_told_only_on_request() {
    let request = "GET /v1/validate HTTP/1.1\r\nHost: api.hexsafe.example\r\nConnection: close\r\n\r\n";
    let quiet = serve("quiet", "hexsafe", &[]);
    let answer = ask(&quiet.said("plain http://"), request);
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(!answer.to_lowercase().contains("x-bearproof-reason"), "{answer}");
    quiet.stop();
    let telling = serve("telling", "hexsafe", &["--explain"]);
    let answer = ask(&telling.said("plain http://"), request).to_lowercase();
    assert!(answer.contains("x-bearproof-reason: transport.https-required"), "{answer}");
    let answer = ask(&telling.said("hexsafe: http://"), request).to_lowercase();
    assert!(answer.contains("x-bearproof-reason: carrier.missing"), "{answer}");
    telling.stop();
}

/// A token of masonhub's primary caller that is good now.
fn masonhub_token() -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
    let suite = Suite::load(std::sync::Arc::new(Disk(folder))).map_err(|e| e.to_string()).unwrap();
    let variant = &suite.scheme("masonhub").map_err(|e| e.to_string()).unwrap().default;
    let now = Command::new("date").arg("+%s").output().unwrap();
    let signer = Signer {
        description: &variant.description,
        credential: variant.world.credential("primary").unwrap(),
        platform: variant.world.platform("primary"),
        now: String::from_utf8(now.stdout).unwrap().trim().parse().unwrap(),
        entropy: &Published::new("a test", 0),
    };
    let draft = Draft::of(&variant.world, variant.world.endpoint("read").unwrap());
    let message = signed(&signer, &draft).unwrap();
    let line = message.fields.into_iter().find(|(name, _)| name == "authorization").unwrap().1;
    String::from_utf8(line).unwrap().trim_start_matches("Bearer ").to_string()
}

/// Only the vendor holds masonhub's key: with a captured token alone, what needs the key is not run, and says so.
#[test]
fn a_captured_token_is_enough_for_what_does_not_need_the_key() {
    let served = serve("captured", "masonhub", &[]);
    let path = served.folder.join("masonhub.toml");
    let profile = std::fs::read_to_string(&path).unwrap();
    let sections =
        profile.split("\n[").filter(|s| !s.starts_with("platform.")).collect::<Vec<_>>().join("\n[");
    let profile = sections
        .replace("[credential.primary]", "[credential.primary]\ncaptured-token = { env = \"TOKEN\" }");
    std::fs::write(&path, profile).unwrap();
    let token = masonhub_token();
    let out = served.folder.join("out");
    let mut command = Command::new(env!("CARGO_BIN_EXE_bearproof"));
    command.arg("run").arg("--target").arg(&path).arg("--out").arg(&out).env("TOKEN", &token);
    let ended = command.output().unwrap();
    let said = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(ended.status.code(), Some(0), "{said} {}", String::from_utf8_lossy(&ended.stderr));
    let text = std::fs::read_to_string(out.join("results.json")).unwrap();
    assert!(!text.contains(&token), "the captured token is in the results");
    let results: serde_json::Value = serde_json::from_str(&text).unwrap();
    let count = |family: &str, outcome: &str| {
        let vectors = results.get("vectors").unwrap().as_array().unwrap();
        let of = |v: &&serde_json::Value| {
            v.get("id").unwrap().as_str().unwrap().starts_with(&format!("masonhub/{family}/"))
                && v.get("outcome").unwrap() == outcome
        };
        vectors.iter().filter(of).count()
    };
    for family in ["carrier", "jwe", "framing"] {
        assert!(count(family, "pass") > 0, "no {family} vector was judged from a captured token: {said}");
    }
    assert!(count("time", "unsupported") > 0, "expiry can't be edited without the key: {said}");
    assert_eq!(count("time", "fail"), 0);
    assert!(said.contains("the profile has no platform primary"), "{said}");
    served.stop();
}
