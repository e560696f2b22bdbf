//! Known deviations: what is written and reasoned is borne, and nothing else.

#![expect(clippy::unwrap_used, reason = "a test stops at the first broken assumption")]

use std::fs;

use crate::common::{Ended, Temp, bearproof};
use crate::serve::{Served, serve};

const DEFECT: &str = "bursagb-jwt/field.authorization/first-of-two";

/// Runs a part of the suite on a server that takes the first of two fields, with these known deviations.
fn run(served: &Served, folder: &Temp, known: Option<&str>, more: &[&str]) -> Ended {
    let profile = served.folder.join("known.toml");
    let written = fs::read_to_string(served.folder.join("bursagb-jwt.toml")).unwrap();
    fs::write(&profile, format!("known = \"deviations.toml\"\n{written}")).unwrap();
    let file = served.folder.join("deviations.toml");
    if let Some(known) = known {
        fs::write(&file, known).unwrap();
    }
    let mut arguments =
        vec!["run", "--target", profile.to_str().unwrap(), "--filter", "framing", "--filter", "carrier"];
    arguments.extend(more);
    bearproof(folder, &arguments)
}

#[test]
fn what_deviates_is_written_needs_a_reason_and_is_then_borne() {
    let (served, folder) = (serve("deviations", "bursagb-jwt", &["--defect", DEFECT]), Temp::new());
    let file = served.folder.join("deviations.toml");
    let ended = run(&served, &folder, None, &["--update"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert!(ended.stdout.contains("write the reason of each new one"), "{}", ended.stdout);
    let written = fs::read_to_string(&file).unwrap();
    assert!(written.starts_with("format = 1\n\n[[deviation]]\n"), "{written}");
    assert!(written.contains("observed = \"accept 200\""), "{written}");

    let ended = run(&served, &folder, None, &[]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("deviations.toml:6:12: a known deviation needs its reason"),
        "{}",
        ended.stderr
    );

    let reasoned = written.replace("reason   = \"\"", "reason   = \"the proxy takes the first\"");
    let ended = run(&served, &folder, Some(&reasoned), &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(ended.stdout.contains("known deviation"), "{}", ended.stdout);

    // Another observation is another deviation.
    let ended = run(&served, &folder, Some(&reasoned.replace("accept 200", "reject 500")), &[]);
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    let page = fs::read_to_string(folder.path("reports/latest/report.html")).unwrap();
    assert!(page.contains("known is `reject 500` and not `accept 200`"));

    // What is gone is a finding.
    let stale = format!(
        "{reasoned}\n[[deviation]]\nvector = \"bursagb-jwt/carrier/missing\"\nobserved = \"accept 200\"\nreason = \"r\"\n"
    );
    let ended = run(&served, &folder, Some(&stale), &[]);
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert!(ended.stdout.contains("1 stale known deviation"), "{}", ended.stdout);
}
