//! What a profile may say of a target, and what `profile new` and `doctor` make of it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first broken assumption")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::common::server::{Server, answer};
use crate::common::{Ended, Temp, bearproof, profile, vectors};
use crate::serve::{Served, serve};

/// The profile that `serve` wrote, with more under `[connect]` and more at the end.
fn changed(served: &Served, scheme: &str, connect: &str, end: &str) -> PathBuf {
    let text = fs::read_to_string(served.folder.join(format!("{scheme}.toml"))).unwrap();
    let text = text.replace("[connect]\n", &format!("[connect]\n{connect}"));
    let file = served.folder.join("changed.toml");
    fs::write(&file, format!("{text}\n{end}")).unwrap();
    file
}

fn run(folder: &Temp, profile: &Path, more: &[&str]) -> (Ended, Value) {
    let mut arguments = vec!["run", "--target", profile.to_str().unwrap(), "--out", "out"];
    arguments.extend(more);
    let ended = bearproof(folder, &arguments);
    let text = fs::read_to_string(folder.path("out/results.json")).unwrap_or("null".into());
    (ended, serde_json::from_str(&text).unwrap())
}

fn outcome<'r>(results: &'r Value, id: &str) -> (&'r str, &'r str) {
    let all = results["vectors"].as_array().unwrap();
    let found = all.iter().find(|v| v["id"] == id).unwrap_or_else(|| panic!("no {id}"));
    // What passed has no cause.
    let cause = found.get("cause").map_or("", |cause| cause.as_str().unwrap());
    (found["outcome"].as_str().unwrap(), cause)
}

/// Secrets of the published world, under the names that a new profile asks the environment for.
fn environment(scheme: &str) -> Vec<(&'static str, String)> {
    let world = fs::read_to_string(vectors().join(scheme).join("world.toml")).unwrap();
    let value = |role: &str, name: &str| {
        let block = world.split("\n[").find(|b| b.starts_with(&format!("{role}]"))).unwrap();
        let line = block.lines().find(|l| l.split('=').next().unwrap().trim() == name).unwrap();
        line.split('"').nth(1).unwrap().to_owned()
    };
    match scheme {
        "hexsafe" => {
            let file = value("credential.primary", "private_key");
            let key = fs::read_to_string(vectors().join(scheme).join(file)).unwrap();
            vec![("HEXSAFE_PRIMARY_PRIVATE_KEY", key)]
        }
        "annexcloud" => vec![("ANNEXCLOUD_PRIMARY_SECRET", value("credential.primary", "secret"))],
        "hotwax" => vec![("HOTWAX_PRIMARY_PASSWORD", value("credential.primary", "password"))],
        _ => vec![("BURSAGB_APIKEY_PRIMARY_API_KEY", value("credential.primary", "api_key"))],
    }
}

#[test]
fn a_new_profile_is_complete_when_its_secrets_are_there() {
    for scheme in ["hexsafe", "annexcloud", "bursagb-apikey", "hotwax"] {
        let folder = Temp::new();
        let served = serve(&format!("new-{scheme}"), scheme, &[]);
        let made = bearproof(&folder, &["profile", "new", "--scheme", scheme, "--out", "new.toml"]);
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        let missing = bearproof(&folder, &["doctor", "new.toml"]);
        assert_eq!(missing.code, Some(2), "{}", missing.stdout);
        assert!(missing.stderr.contains("environment variable"), "{}", missing.stderr);

        // The server's address, and the name that it is known by.
        let ready = fs::read_to_string(served.folder.join(format!("{scheme}.toml"))).unwrap();
        let of = |text: &str, word: &str| {
            text.lines().find(|l| l.starts_with(word)).unwrap_or_else(|| panic!("{word}")).to_owned()
        };
        let text = fs::read_to_string(folder.path("new.toml")).unwrap();
        let text = text.replace(&of(&text, "origin"), &of(&ready, "origin"));
        let text = text.replace("[connect]\n", &format!("[connect]\n{}\n", of(&ready, "address")));
        fs::write(folder.path("new.toml"), text).unwrap();
        let run = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_bearproof"));
            let output = command.args(arguments).current_dir(&folder.0).envs(environment(scheme)).output();
            let output = output.unwrap();
            (output.status.code(), String::from_utf8(output.stdout).unwrap())
        };
        let (code, said) = run(&["doctor", "new.toml"]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("lets the good credential in (200)"), "{said}");
        assert!(environment(scheme).iter().all(|(_, secret)| !said.contains(secret.as_str())), "{said}");
        let (code, said) = run(&["run", "--target", "new.toml", "--filter", "carrier"]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("everything as expected"), "{said}");
    }
}

#[test]
fn a_new_profile_does_not_overwrite_one() {
    let folder = Temp::new();
    fs::write(folder.path("mine.toml"), "mine").unwrap();
    let made = bearproof(&folder, &["profile", "new", "--scheme", "hexsafe", "--out", "mine.toml"]);
    assert_eq!(made.code, Some(2), "{}", made.stdout);
    assert_eq!(fs::read_to_string(folder.path("mine.toml")).unwrap(), "mine");
}

#[test]
fn a_server_that_wants_more_claims_gets_them() {
    let folder = Temp::new();
    let profile_of = |address: &str, more: &str| {
        let file = profile(&folder.0, "hexsafe", address);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("{text}\n{more}")).unwrap();
        file
    };
    let extra = "[extra-claims]\naud = \"https://api.hexsafe.example\"\nver = 3\nscp = [\"a\", \"b\"]\n";
    let server = Server::start(|request, stream| answer(request, stream, 401, "", b""));
    bearproof(&folder, &["doctor", profile_of(&server.url(), extra).to_str().unwrap()]);
    let tokens: Vec<String> = server
        .requests()
        .iter()
        .filter_map(|r| r.split_once("Bearer ").map(|(_, rest)| rest.lines().next().unwrap().to_owned()))
        .collect();
    assert!(!tokens.is_empty());
    for token in tokens {
        let payload = token.split('.').nth(1).unwrap();
        let decoded = bearproof_scheme::encoding::decode_url(
            payload.as_bytes(),
            &bearproof_scheme::encoding::Rules::STRICT,
        );
        let claims: Value = serde_json::from_slice(&decoded.unwrap()).unwrap();
        assert_eq!(claims["aud"], "https://api.hexsafe.example");
        assert_eq!((&claims["ver"], &claims["scp"]), (&Value::from(3), &serde_json::json!(["a", "b"])));
    }
    for (more, message) in [
        ("[extra-claims]\nuri = \"/x\"\n", "the scheme itself says what `uri` is"),
        ("[extra-claims]\nscp = [\"a b\"]\n", "`a b` can't stand in a list"),
        (
            "[types]\n\"claims.exp\" = \"milliseconds\"\n",
            "the scheme leaves no choice of a type for `claims.exp`",
        ),
    ] {
        let ended = bearproof(&folder, &["doctor", profile_of("http://127.0.0.1:1", more).to_str().unwrap()]);
        assert_eq!(ended.code, Some(2), "{}", ended.stdout);
        assert!(ended.stderr.contains(message), "{}", ended.stderr);
    }
}

#[test]
fn a_type_that_the_document_allows_is_written_where_the_profile_says_so() {
    let folder = Temp::new();
    let server = Server::start(|request, stream| answer(request, stream, 401, "", b""));
    let file = profile(&folder.0, "annexcloud", &server.url());
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}\n[types]\n\"claims.exp\" = \"seconds-text\"\n")).unwrap();
    let signed = bearproof(&folder, &["sign", "--target", file.to_str().unwrap(), "--format", "trace"]);
    assert_eq!(signed.code, Some(0), "{}", signed.stderr);
    // A trace escapes quotes.
    assert!(signed.stdout.contains(r#"\"exp\":\"1"#), "{}", signed.stdout);
    let usual = bearproof(&folder, &["sign", "--scheme", "annexcloud", "--format", "trace"]);
    assert!(usual.stdout.contains(r#"\"exp\":1"#), "{}", usual.stdout);
}

#[test]
fn what_changes_a_target_or_may_hurt_it_needs_its_name_in_the_profile() {
    let folder = Temp::new();
    let served = serve("permit", "masonhub", &[]);
    let text = fs::read_to_string(served.folder.join("masonhub.toml")).unwrap();
    let permit = text.lines().find(|l| l.starts_with("permit")).unwrap();
    let file = served.folder.join("asking.toml");
    fs::write(&file, text.replace(permit, "")).unwrap();
    let (ended, results) = run(&folder, &file, &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    for (id, word) in [
        ("masonhub/lifecycle/after-revocation", "side-effects"),
        ("masonhub/token-syntax/twenty-thousand-letters", "denial-of-service"),
    ] {
        let why = format!("the profile does not permit {word}; `permit` under [connect] does");
        assert_eq!(outcome(&results, id), ("unsupported", why.as_str()));
    }
    let changes = results["targets"][0]["changes"].as_array().unwrap();
    assert!(changes.iter().all(|c| !c.as_str().unwrap().contains("delete-secrets")), "{changes:?}");

    fs::write(&file, text).unwrap();
    let (ended, results) = run(&folder, &file, &[]);
    assert_eq!(outcome(&results, "masonhub/lifecycle/after-revocation"), ("pass", ""), "{}", ended.stdout);
    let changes = results["targets"][0]["changes"].as_array().unwrap();
    let ended_one = |c: &Value| c.as_str().unwrap().starts_with("`delete-secrets` ended a credential: ");
    assert!(changes.iter().any(ended_one), "{changes:?}");
}

#[test]
fn an_admins_command_moves_the_clock_and_a_failing_one_is_named() {
    let folder = Temp::new();
    let served = serve("hooks", "hexsafe", &[]);
    let control = {
        let text = fs::read_to_string(served.folder.join("hexsafe.toml")).unwrap();
        text.lines().find(|l| l.starts_with("control")).unwrap().split('"').nth(1).unwrap().to_owned()
    };
    let id = "hexsafe/time/expired-by-the-clock";
    let post = |path: &str| format!("curl -sf -X POST {control}{path}");
    let hooks = format!(
        "[connect.hooks]\nclock = [\"sh\", \"-c\", \"{}\"]\nforget = \"POST {control}/forget\"\n",
        post("/clock?advance={seconds}")
    );
    let without_control = |file: &Path| {
        let text = fs::read_to_string(file).unwrap();
        let kept: Vec<&str> = text.lines().filter(|l| !l.starts_with("control")).collect();
        fs::write(file, kept.join("\n")).unwrap();
    };
    let file = changed(&served, "hexsafe", "", &hooks);
    without_control(&file);
    let (ended, results) = run(&folder, &file, &["--filter", id]);
    assert_eq!(outcome(&results, id), ("pass", ""), "{}{}", ended.stdout, ended.stderr);

    let file = changed(&served, "hexsafe", "", "[connect.hooks]\nclock = [\"false\"]\n");
    without_control(&file);
    let (_, results) = run(&folder, &file, &["--filter", id]);
    assert_eq!(outcome(&results, id), ("error", "the hook's command `false`: exit status: 1"));

    let file = changed(&served, "hexsafe", "", "");
    without_control(&file);
    let (_, results) = run(&folder, &file, &["--filter", id]);
    assert_eq!(outcome(&results, id), ("unsupported", "the profile has no hook clock"));
}

#[test]
fn a_secret_in_the_profile_is_warned_of_and_not_shown() {
    let folder = Temp::new();
    let file = profile(&folder.0, "annexcloud", "http://127.0.0.1:1");
    let fine = bearproof(&folder, &["doctor", file.to_str().unwrap()]);
    assert!(!fine.stdout.contains("stands in the profile"), "the published one is none: {}", fine.stdout);
    let text = fs::read_to_string(&file).unwrap();
    let line = text.lines().find(|l| l.starts_with("secret ") || l.starts_with("secret=")).unwrap();
    fs::write(&file, text.replacen(line, "secret = \"a-secret-that-somebody-really-uses-0001\"", 1)).unwrap();
    let warned = bearproof(&folder, &["doctor", file.to_str().unwrap()]);
    assert!(
        warned.stdout.contains("the secret `credential.primary.secret` stands in the profile itself"),
        "{}",
        warned.stdout
    );
    assert!(!warned.stdout.contains("really-uses"), "{}", warned.stdout);
}

#[test]
fn a_host_whose_certificate_is_not_checked_is_in_every_report() {
    let folder = Temp::new();
    let served = serve("insecure", "bursagb-apikey", &[]);
    let text = fs::read_to_string(served.folder.join("bursagb-apikey.toml")).unwrap();
    let address = text.lines().find(|l| l.starts_with("address")).unwrap().to_owned();
    let https = served.said("https://");
    let file = served.folder.join("https.toml");
    let over = text.replace(&address, &format!("address = \"https://{https}\""));
    fs::write(&file, &over).unwrap();
    let (ended, _) = run(&folder, &file, &["--filter", "carrier"]);
    assert_eq!(ended.code, Some(3), "{}", ended.stdout);
    assert!(ended.stdout.contains("no trusted root"), "{}", ended.stdout);
    let ca = served.folder.join("ca.pem");
    let (ended, _) = run(&folder, &file, &["--filter", "carrier", "--ca", ca.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);

    fs::write(&file, over.replace("[connect]\n", "[connect]\ninsecure = [\"127.0.0.1\"]\n")).unwrap();
    let (ended, results) = run(&folder, &file, &["--filter", "carrier"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    let note = "the certificate of `127.0.0.1` was not checked";
    assert!(results["targets"][0]["notes"][0].as_str().unwrap().starts_with(note));
    assert!(ended.stdout.contains(note), "{}", ended.stdout);
    assert!(fs::read_to_string(folder.path("out/report.html")).unwrap().contains(note));
}

#[test]
fn a_run_keeps_to_its_limits_and_a_dry_one_sends_nothing() {
    let folder = Temp::new();
    let dead = profile(&folder.0, "bursagb-apikey", "http://127.0.0.1:9");
    let dry = bearproof(&folder, &["run", "--target", dead.to_str().unwrap(), "--dry-run", "--rate", "2"]);
    assert_eq!(dry.code, Some(0), "{}{}", dry.stdout, dry.stderr);
    assert!(dry.stdout.contains("with 2 requests a second that is about"), "{}", dry.stdout);
    assert!(dry.stdout.ends_with("nothing was sent\n"), "{}", dry.stdout);

    let served = serve("limits", "bursagb-apikey", &[]);
    let file = changed(&served, "bursagb-apikey", "", "");
    let (ended, results) = run(&folder, &file, &["--max-requests", "20"]);
    assert_eq!((ended.code, results["run"]["requests"].as_u64()), (Some(4), Some(20)), "{}", ended.stdout);
    let all = results["vectors"].as_array().unwrap();
    let stopped = |v: &&Value| v["cause"] == "the limit of 20 requests was reached";
    assert!(all.iter().filter(stopped).count() > 20);
    assert!(!ended.stdout.contains("no answer"), "{}", ended.stdout);
    assert!(ended.stderr.contains(" requests, 8 at once; the first was answered in "), "{}", ended.stderr);
}

#[test]
fn a_host_that_is_not_loopback_is_contacted_only_by_name() {
    let folder = Temp::new();
    // RFC 5737: nobody is there, and nothing is sent.
    let file = profile(&folder.0, "bursagb-apikey", "http://192.0.2.1:9");
    let ended = bearproof(&folder, &["doctor", file.to_str().unwrap()]);
    assert_eq!(ended.code, Some(3), "{}", ended.stdout);
    assert!(ended.stdout.contains("192.0.2.1"), "{}", ended.stdout);
    assert!(ended.stdout.contains("0 requests were sent"), "{}", ended.stdout);
}

#[test]
fn doctor_asks_each_endpoint_as_a_caller_who_may_call_it() {
    let (folder, served) = (Temp::new(), serve("doctor", "bursagb-jwt", &[]));
    let ended = bearproof(&folder, &["doctor", served.folder.join("bursagb-jwt.toml").to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    for says in [
        "GET /Basket/Details lets the good credential of `other-surface` in (200)",
        "endpoint forbidden    no caller of the profile may call it",
    ] {
        assert!(ended.stdout.contains(says), "{says}: {}", ended.stdout);
    }
}

/// The server binds to the compact body, the profile says that it binds to what is sent: a body with white space is
/// refused.
#[test]
fn doctor_finds_an_endpoint_that_refuses_and_bears_it_where_that_is_known() {
    let (folder, served) = (Temp::new(), serve("doctor-known", "hexsafe", &[]));
    let file = served.folder.join("hexsafe.toml");
    let profile = fs::read_to_string(&file).unwrap().replacen("compact", "as-sent", 1);
    let doctor = |text: &str| {
        fs::write(&file, text).unwrap();
        bearproof(&folder, &["doctor", file.to_str().unwrap()])
    };
    let found = doctor(&profile);
    assert_eq!(found.code, Some(1), "the other endpoints can be judged: {}", found.stdout);
    let refused = "BAD   endpoint write-spaced POST /v1/validate answers 401";
    assert!(found.stdout.contains(refused), "{}", found.stdout);
    fs::write(
        served.folder.join("known.toml"),
        "format = 1\n[[deviation]]\nvector = \"hexsafe/valid/body-as-sent\"\nobserved = \"reject 401\"\nreason = \"a test\"\n",
    )
    .unwrap();
    let known = doctor(&profile.replacen("format = 1\n", "format = 1\nknown = \"known.toml\"\n", 1));
    assert_eq!(known.code, Some(0), "{}", known.stdout);
    let note = "answers 401: known, a deviation of hexsafe/valid/body-as-sent";
    assert!(known.stdout.contains(note), "{}", known.stdout);
}

#[test]
fn doctor_names_what_is_wrong_with_a_server() {
    let folder = Temp::new();
    let cases = [
        (200, 1, "open to everybody: without any credential it lets in (200)"),
        (401, 4, "answers 401: the good credential is refused"),
        (403, 4, "answers 403: the good credential is refused"),
        (404, 4, "answers 404: there is nothing at this path"),
        (405, 4, "answers 405: the path exists, the method does not"),
        (302, 4, "answers 302: a redirect"),
        (500, 4, "answers 500: the server broke on the good request"),
    ];
    for (status, code, says) in cases {
        let server = Server::start(move |request, stream| answer(request, stream, status, "", b"{}"));
        let file = profile(&folder.0, "bursagb-apikey", &server.url());
        let ended = bearproof(&folder, &["doctor", file.to_str().unwrap()]);
        assert_eq!(ended.code, Some(code), "{}", ended.stdout);
        assert!(ended.stdout.contains(says), "{says}: {}", ended.stdout);
    }
}
