//! Shards that are merged are one run; what is not of one run is refused.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first broken assumption")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::common::{Ended, Temp, bearproof};
use crate::serve::{Served, serve};

/// A run, its three shards, and their merger, each in a folder below.
struct Judged {
    folder: Temp,
    _served: Served,
    whole: Value,
    shards: Vec<Value>,
}

const SHARDS: [&str; 3] = ["1", "2", "3"];

/// Judges a server with a weakness, of which some deviations are known.
fn judged(name: &str) -> Judged {
    let defect = "bursagb-jwt/field.authorization/first-of-two";
    let (served, folder) = (serve(name, "bursagb-jwt", &["--defect", defect]), Temp::new());
    let profile = served.folder.join("known.toml");
    let written = fs::read_to_string(served.folder.join("bursagb-jwt.toml")).unwrap();
    fs::write(&profile, format!("known = \"deviations.toml\"\n{written}")).unwrap();
    let entry = |vector: &str, observed: &str| {
        format!(
            "[[deviation]]\nvector = \"bursagb-jwt/{vector}\"\nobserved = \"{observed}\"\nreason = \"r\"\nuntil = 9999-12-31\n"
        )
    };
    // Seen, gone, seen otherwise, and one that covers too much.
    let known = [
        entry("framing/a-*", "accept 200"),
        entry("carrier/missing", "accept 200"),
        entry("framing/the-right-line-twice", "reject 403"),
        entry("time/*", "accept 200"),
    ];
    fs::write(served.folder.join("deviations.toml"), format!("format = 1\n{}", known.concat())).unwrap();
    let run = |out: &str, more: &[&str]| {
        let ended = bearproof(
            &folder,
            &[&["run", "--target", profile.to_str().unwrap(), "--out", out], more].concat(),
        );
        assert!(ended.code.is_some_and(|code| code < 2), "{} {}", ended.stdout, ended.stderr);
        read(&folder, out)
    };
    let whole = run("whole", &[]);
    let shard = |number: &str| run(number, &["--shard", &format!("{number}/3"), "--seed", "7"]);
    let shards = SHARDS.map(shard).to_vec();
    Judged { folder, _served: served, whole, shards }
}

fn read(folder: &Temp, out: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.path(out).join("results.json")).unwrap()).unwrap()
}

impl Judged {
    /// Merges the shards after something was done to them.
    fn merge(&self, change: impl FnOnce(&mut Vec<Value>)) -> Ended {
        let mut shards = self.shards.clone();
        change(&mut shards);
        let mut arguments = vec!["merge".to_string(), "--out".into(), "merged".into()];
        for (at, shard) in shards.iter().enumerate() {
            let file: PathBuf = self.folder.path(&format!("{at}.json"));
            fs::write(&file, shard.to_string()).unwrap();
            arguments.push(format!("{at}.json"));
        }
        bearproof(&self.folder, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[track_caller]
    fn refused(&self, words: &str, change: impl FnOnce(&mut Vec<Value>)) {
        let ended = self.merge(change);
        assert_eq!(ended.code, Some(2), "{words}: {}", ended.stdout);
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
}

/// What the issue asks to be equal, by id: outcome, cause, and of each step verdict, status and assertions.
fn seen(results: &Value) -> BTreeMap<String, Value> {
    let one = |v: &Value| {
        let steps = v["steps"].as_array().unwrap().iter();
        let steps: Vec<Value> =
            steps.map(|s| json!([s["observed"], s["status"], s["expected"], s["assertions"]])).collect();
        (
            v["id"].as_str().unwrap().to_string(),
            json!([v["outcome"], v["cause"], v["level"], v["repeat"], steps]),
        )
    };
    results["vectors"].as_array().unwrap().iter().map(one).collect()
}

fn ids(results: &Value) -> BTreeSet<String> {
    seen(results).into_keys().collect()
}

fn control(id: &str) -> bool {
    id.contains("/control/")
}

fn position(shard: &Value, id: &str) -> Option<usize> {
    shard["vectors"].as_array().unwrap().iter().position(|v| v["id"] == id)
}

#[test]
fn three_shards_merged_are_one_run() {
    let all = judged("shards");
    let ended = all.merge(|_| {});
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let merged = read(&all.folder, "merged");
    let (one, two) = (seen(&all.whole), seen(&merged));
    for (id, of_whole) in &one {
        assert_eq!(two.get(id), Some(of_whole), "{id}");
    }
    assert_eq!(one.len(), two.len());
    let outcomes: BTreeSet<&str> =
        all.whole["vectors"].as_array().unwrap().iter().map(|v| v["outcome"].as_str().unwrap()).collect();
    assert!(outcomes.is_superset(&BTreeSet::from(["pass", "fail", "xfail", "xpass"])), "{outcomes:?}");
    for part in ["suite", "targets"] {
        // Limits are measured to a second, and a second may pass.
        let without_measures = |results: &Value| {
            let mut part = results[part].clone();
            if let Some(target) = part.get_mut(0) {
                assert!(!target["behaviour"].as_array().unwrap().is_empty());
                target.as_object_mut().unwrap().remove("behaviour");
                // What was changed is told of each shard: several sent the same controls.
                target.as_object_mut().unwrap().remove("changes");
            }
            part
        };
        assert_eq!(without_measures(&merged), without_measures(&all.whole), "{part}");
    }

    // Each vector is sent by one shard, with the control that it needs; together they are the whole.
    let mut senders: BTreeMap<String, usize> = BTreeMap::new();
    for shard in &all.shards {
        let there = ids(shard);
        assert!(there.len() > one.len() / 6, "{} of {} vectors", there.len(), one.len());
        for id in &there {
            *senders.entry(id.clone()).or_default() += 1;
        }
    }
    assert!(senders.iter().all(|(id, count)| *count == 1 || control(id)));
    assert!(senders.iter().any(|(id, count)| *count > 1 && control(id)), "no control was sent twice");
    for cause in seen(&merged).values().filter_map(|v| v[1].as_str()) {
        assert!(!cause.contains("its control"), "{cause}");
    }
    // Requests are those of all.
    let requests = |results: &Value| results["run"]["requests"].as_u64().unwrap();
    assert_eq!(requests(&merged), all.shards.iter().map(requests).sum::<u64>());
    // The order of the files does not matter.
    assert_eq!(all.merge(|shards| shards.reverse()).code, Some(1));
    assert_eq!(seen(&read(&all.folder, "merged")), one);
}

#[test]
fn what_is_not_of_one_run_is_refused() {
    let all = judged("refused");
    let set = |path: &'static str, value: Value| {
        move |shards: &mut Vec<Value>| *shards[1].pointer_mut(path).unwrap() = value
    };
    all.refused(
        "0.json and 1.json are not of one run: they are of different suites",
        set("/suite/version", json!("9.0.0")),
    );
    all.refused("the vectors of their suites differ, by digest", set("/suite/digest", json!("00")));
    all.refused("they have different seeds, 7 and 8", set("/run/seed", json!(8)));
    all.refused("they were made by different versions", set("/run/tool", json!("9.0.0")));
    all.refused("other vectors were selected", set("/suite/shard/ids", json!("00")));
    all.refused("they have different targets", set("/targets/0/origin", json!("https://other.example")));
    all.refused("the targets chose differently", set("/targets/0/choices", json!(["a=b"])));
    all.refused("their known deviations differ, 4 entries and 0 entries", set("/targets/0/known", json!([])));
    all.refused("of 3 shards 2 are there: 2/3 is missing", |shards| drop(shards.remove(1)));
    all.refused("shard 1/3 is there twice: 0.json and 1.json", |shards| shards[1] = shards[0].clone());
    all.refused("1.json: there is no shard 4/3", set("/suite/shard/number", json!(4)));
    all.refused("1.json: these are the results of a whole run and not of a shard", |shards| {
        shards[1] = all.whole.clone();
    });
    let own = ids(&all.shards[1]).into_iter().find(|id| !control(id)).unwrap();
    let at = position(&all.shards[1], &own).unwrap();
    let take = |shards: &mut Vec<Value>| shards[1]["vectors"].as_array_mut().unwrap().remove(at);
    all.refused("the vectors of the shards are not those that were selected", |shards| drop(take(shards)));
    let words = format!("2.json: `{own}` belongs to shard 2/3 and not to 3/3");
    all.refused(&words, |shards| {
        let vector = take(shards);
        shards[2]["vectors"].as_array_mut().unwrap().push(vector);
    });
    all.refused(&format!("1.json: `{own}` is in it twice"), |shards| {
        let vectors = shards[1]["vectors"].as_array_mut().unwrap();
        vectors.push(vectors[at].clone());
    });
    all.refused("1.json: `bursagb-jwt/x/y` by https is of no target in it", |shards| {
        shards[1]["vectors"][at]["id"] = json!("bursagb-jwt/x/y");
        shards[1]["vectors"][at]["via"] = json!("https");
    });
}

#[test]
fn a_control_that_shards_saw_differently_is_not_judged() {
    let all = judged("differ");
    let twice = ids(&all.shards[0])
        .into_iter()
        .find(|id| control(id) && [1, 2].iter().all(|n| position(&all.shards[*n], id).is_some()));
    let id = twice.unwrap();
    let ended = all.merge(|shards| {
        let at = position(&shards[2], &id).unwrap();
        let vector = &mut shards[2]["vectors"][at];
        vector["outcome"] = json!("fail");
        vector["steps"][0]["observed"] = json!("reject");
        vector["steps"][0]["status"] = json!(401);
    });
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let merged = read(&all.folder, "merged");
    let found = &seen(&merged)[&id];
    let cause = "answered differently on repetition: pass in shard 1, fail in shard 3";
    assert_eq!((&found[0], &found[1]), (&json!("inconclusive"), &json!(cause)));
}

#[test]
fn known_deviations_are_recomputed() {
    let all = judged("recomputed");
    let count = |results: &Value, outcome: &str| {
        results["vectors"].as_array().unwrap().iter().filter(|v| v["outcome"] == outcome).count()
    };
    let known = count(&all.whole, "xfail");
    assert!(known > 0);
    // The same entries, over since long before.
    let ended = all.merge(|shards| {
        for entry in shards.iter_mut().flat_map(|s| s["targets"][0]["known"].as_array_mut().unwrap()) {
            entry["until"] = json!("1999-12-31");
        }
    });
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let merged = read(&all.folder, "merged");
    assert_eq!((count(&merged, "xfail"), count(&merged, "xpass")), (0, count(&all.whole, "xpass")));
    let over = |v: &&Value| {
        v["cause"].as_str().is_some_and(|c| c.starts_with("known until 1999-12-31, which is over; "))
    };
    let over: Vec<&Value> = merged["vectors"].as_array().unwrap().iter().filter(over).collect();
    assert!(over.len() >= known && over.iter().all(|v| v["outcome"] == "fail"), "{}", over.len());
    // What a shard had marked is not left beside the new mark.
    assert!(over.iter().all(|v| !v["cause"].as_str().unwrap().contains("known is")), "{over:?}");
}

#[test]
fn a_shard_says_what_is_wrong_with_it() {
    let folder = Temp::new();
    let refused = |arguments: &[&str], words: &str| {
        let ended = bearproof(&folder, &[&["run", "--scheme", "masonhub-callback"], arguments].concat());
        assert_eq!(ended.code, Some(2), "{}", ended.stdout);
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    };
    refused(&["--shard", "4/3", "--seed", "1"], "`2/3` is the second of three");
    refused(&["--shard", "1/3"], "--seed <SEED>");
    refused(
        &["--filter", "masonhub-callback/carrier/token-missing", "--shard", "2/900", "--seed", "1"],
        "falls into shard 2/900\n  help: cut it into fewer shards",
    );
}
