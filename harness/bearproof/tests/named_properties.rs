//! The named properties on stable: for random bytes, for edited seeds, and for all that the fuzz workspace holds.
//! Also checks that names, targets and the table in `fuzz/README.md` agree.

#![expect(clippy::unwrap_used, reason = "a test stops at the first broken assumption")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use bearproof::properties::{all, ground};
use bearproof_conform::properties::{Ground, Property};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use toml::Table;

static ALL: LazyLock<Vec<&'static Property>> = LazyLock::new(|| all().collect());

static GROUND: LazyLock<Ground> = LazyLock::new(|| ground().unwrap());

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The committed files of a property: folder and content, in order.
fn committed(folder: &str, property: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(root().join("fuzz").join(folder).join(property)).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| (file.clone(), fs::read(file).unwrap())).collect()
}

#[test]
fn every_seed_and_every_old_crash_holds() {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut replayed = 0;
        while let Some(property) = ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
            for (file, data) in
                ["seeds", "corpus", "regressions"].into_iter().flat_map(|f| committed(f, property.name))
            {
                if let Err(broken) = property.check(&GROUND, &data) {
                    panic!("{}: {}: {broken}", property.name, file.display());
                }
                replayed += 1;
            }
        }
        replayed
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let replayed: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert!(replayed > 60, "only {replayed} files were replayed");
}

#[test]
fn every_property_has_seeds_and_no_folder_is_nobodys() {
    let names: BTreeSet<&str> = ALL.iter().map(|p| p.name).collect();
    for name in &names {
        assert!(!committed("seeds", name).is_empty(), "fuzz/seeds/{name} is missing");
    }
    for folder in ["seeds", "corpus", "regressions"] {
        for entry in fs::read_dir(root().join("fuzz").join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(
                name.ends_with(".md") || names.contains(name.as_str()),
                "fuzz/{folder}/{name} is replayed by nobody"
            );
        }
    }
}

#[test]
fn each_property_is_a_target_and_a_row_of_the_table() {
    let manifest: Table = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap().parse().unwrap();
    let targets: Vec<&str> =
        manifest["bin"].as_array().unwrap().iter().map(|bin| bin["name"].as_str().unwrap()).collect();
    assert_eq!(targets, ALL.iter().map(|p| p.name).collect::<Vec<_>>(), "[[bin]] of fuzz/Cargo.toml");
    for name in targets {
        let shim = fs::read_to_string(root().join(format!("fuzz/fuzz_targets/{name}.rs"))).unwrap();
        assert!(
            shim.contains(&format!("hold(\"{name}\", data)")),
            "fuzz_targets/{name}.rs calls another property"
        );
    }
    let readme = fs::read_to_string(root().join("fuzz/README.md")).unwrap();
    let rows: String = ALL
        .iter()
        .map(|p| format!("| `{}` | {} | {} | {} |\n", p.name, p.input, p.holds, p.oracle))
        .collect();
    let table = format!("| target | input | property | oracle |\n|---|---|---|---|\n{rows}\n");
    assert!(readme.contains(&table), "the table of fuzz/README.md should be\n{table}");
    // `.ci/sit` writes the second one: what was run so far.
    let run = readme
        .split_once("<!-- generated: sittings -->")
        .unwrap()
        .1
        .split_once("<!-- /generated -->")
        .unwrap()
        .0;
    let named: Vec<&str> =
        run.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(named, ALL.iter().map(|p| p.name).collect::<Vec<_>>(), "run `.ci/sit` once");
}

/// The keys that sign are published, so that the fuzzer gets past signatures without a weakened verifier: nothing
/// anywhere is compiled otherwise when it is fuzzed.
#[test]
fn nothing_is_laxer_when_it_is_fuzzed() {
    let mut folders = vec![root().join("harness"), root().join("vectors")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["target", "node_modules"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") && name != "named_properties.rs" {
                let text = fs::read_to_string(&path).unwrap();
                assert!(!text.contains("fuzzing"), "{} asks whether it is fuzzed", path.display());
                seen += 1;
            } else if name == "Cargo.toml" {
                let manifest: Table = fs::read_to_string(&path).unwrap().parse().unwrap();
                assert!(!manifest.contains_key("features"), "{} has features", path.display());
            }
        }
    }
    assert!(seen > 150, "only {seen} files were read");
}

/// What differs has a reason: `no_mangle` of the targets counts as unsafe code, and they print nothing themselves.
#[test]
fn the_fuzz_workspace_has_the_lints_of_the_root() {
    let lints = |file: &str, path: &[&str]| {
        let manifest: Table = fs::read_to_string(root().join(file)).unwrap().parse().unwrap();
        let mut value = toml::Value::Table(manifest);
        for key in path {
            value = value[*key].clone();
        }
        value
    };
    let ours = lints("Cargo.toml", &["workspace", "lints", "clippy"]);
    assert_eq!(lints("fuzz/Cargo.toml", &["lints", "clippy"]), ours);
    let mut rust = lints("Cargo.toml", &["workspace", "lints", "rust"]);
    rust.as_table_mut().unwrap().insert("unsafe_code".into(), "deny".into());
    assert_eq!(lints("fuzz/Cargo.toml", &["lints", "rust"]), rust);
}

/// A seed with a few bytes changed, added, cut or repeated.
fn edited() -> impl Strategy<Value = (usize, Vec<u8>)> {
    let seeds: Vec<(usize, Vec<u8>)> = ALL
        .iter()
        .enumerate()
        .flat_map(|(i, property)| {
            committed("seeds", property.name).into_iter().map(move |(_, data)| (i, data))
        })
        .collect();
    let edit = (any::<Index>(), any::<Index>(), 0..5_u8, any::<u8>());
    (select(seeds), prop::collection::vec(edit, 1..4)).prop_map(|((property, mut data), edits)| {
        for (at, to, verb, byte) in edits {
            let (at, to) = (at.index(data.len() + 1), to.index(data.len() + 1));
            match verb {
                0 => data.insert(at, byte),
                1 => data.truncate(at.max(1)),
                2 => drop(data.splice(at.min(to)..at.max(to), [])),
                3 => data.extend_from_within(at.min(to)..at.max(to)),
                _ => data.iter_mut().skip(at).take(1).for_each(|b| *b = byte),
            }
        }
        (property, data)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_property_holds_for_any_bytes(property in 0..ALL.len(), data in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(ALL[property].check(&GROUND, &data), Ok(()), "{}", ALL[property].name);
    }

    #[test]
    fn every_property_holds_for_edited_seeds((property, data) in edited()) {
        prop_assert_eq!(ALL[property].check(&GROUND, &data), Ok(()), "{}", ALL[property].name);
    }
}
