//! The command lines of a finding show it once more.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first broken assumption"
)]

use std::fs;
use std::process::Command;

use crate::common::{Temp, bearproof};
use crate::serve::serve;

/// What the shell says to a line, with our binary on its path.
fn shell(folder: &Temp, line: &str) -> String {
    let ours = std::path::Path::new(env!("CARGO_BIN_EXE_bearproof")).parent().unwrap();
    let path = format!("{}:{}", ours.display(), std::env::var("PATH").unwrap());
    let output =
        Command::new("sh").args(["-c", line]).env("PATH", path).current_dir(&folder.0).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The lines of each finding, by id, after a run on a server with this defect.
fn lines(folder: &Temp, defect: &str) -> Vec<(String, u64, Vec<String>)> {
    let (scheme, _) = defect.split_once('/').unwrap();
    let served = serve(&defect.replace('/', "-"), scheme, &["--defect", defect]);
    let profile = served.folder.join(format!("{scheme}.toml"));
    let ended = bearproof(folder, &["run", "--target", profile.to_str().unwrap(), "--out", "out"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    let results: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.path("out/results.json")).unwrap()).unwrap();
    let vectors = results["vectors"].as_array().unwrap().iter().filter(|v| v["outcome"] == "fail");
    let found: Vec<_> = vectors
        .map(|v| {
            let lines = v["repeat"].as_array().unwrap().iter().map(|l| l.as_str().unwrap().to_string());
            let last = v["steps"].as_array().unwrap().last().unwrap();
            (
                v["id"].as_str().unwrap().to_string(),
                last["status"].as_u64().unwrap(),
                lines.collect::<Vec<_>>(),
            )
        })
        .collect();
    for (id, status, lines) in &found {
        assert!(!lines.is_empty(), "{id}");
        let terminal = ended.stdout.replace("DIR", folder.0.to_str().unwrap());
        let html = fs::read_to_string(folder.path("out/report.html")).unwrap();
        for line in lines {
            assert!(terminal.contains(line), "{line}: {terminal}");
            assert!(html.contains(line), "{line}");
        }
        let [sign, second] = lines.as_slice() else {
            // More than one step: the run itself shows it.
            continue;
        };
        assert!(sign.starts_with("bearproof sign ") && sign.contains(id.as_str()), "{sign}");
        shell(folder, sign);
        let send = format!("bearproof send --target {} req.http", profile.display());
        let answer = shell(folder, &send);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{id}: {answer}");
        // Real curl has its turn in CI; here it need not be installed.
        if let Some(sign) = second.strip_suffix(" | sh") {
            assert!(shell(folder, sign).starts_with("curl "), "{second}");
        } else {
            assert_eq!(second, &send);
        }
    }
    found
}

#[test]
fn the_lines_of_a_finding_give_the_answer_that_was_found() {
    let folder = Temp::new();
    let with = |defect: &str, words: &str| {
        let found = lines(&folder, defect);
        assert!(
            found.iter().any(|(_, _, lines)| lines.iter().any(|l| l.contains(words))),
            "{defect}: {found:?}"
        );
    };
    with("bursagb-jwt/field.authorization/first-of-two", " --format curl | sh");
    // Bytes that no command line can have.
    with("annexcloud/claims.hmac.post-put-patch/not-for-nuls", "bearproof send ");
    // What takes several steps is played by the run.
    with("annexcloud/state/revoked", "bearproof run ");
}
