//! A profile without the platform's key: the run logs in, and judges what a holder of tokens can ask.

use std::fs;

use crate::common::{Temp, bearproof};
use crate::serve::serve;

#[test]
fn a_profile_that_can_only_log_in_is_judged_with_the_tokens_it_gets() {
    let folder = Temp::new();
    let served = serve("login", "hotwax", &[]);
    let written = fs::read_to_string(served.folder.join("hotwax.toml")).unwrap();
    let mut keep = true;
    let without_key: Vec<&str> = written
        .lines()
        .filter(|line| {
            if line.starts_with('[') {
                keep = !line.starts_with("[platform");
            }
            keep
        })
        .collect();
    let profile = served.folder.join("login.toml");
    fs::write(&profile, without_key.join("\n")).unwrap();
    let ended = bearproof(&folder, &["run", "--target", profile.to_str().unwrap(), "--level", "must"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(ended.stdout.contains("unsupported: the profile has no platform primary"), "{}", ended.stdout);
    let results = fs::read_to_string(folder.path("reports/latest/results.json")).unwrap();
    let results: serde_json::Value = serde_json::from_str(&results).unwrap();
    let passed = |id: &str| {
        let all = results["vectors"].as_array().unwrap();
        let of = all.iter().find(|v| v["id"] == id).unwrap_or_else(|| panic!("no {id}"));
        of["outcome"] == "pass"
    };
    // The right request, a damaged token, another caller's token, the carrier.
    for id in ["hotwax/control/primary-write", "hotwax/signature/payload-changed", "hotwax/carrier/missing"] {
        assert!(passed(id), "{id}");
    }
}
