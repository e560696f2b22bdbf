//! The kill matrix bites: what only one vector notices lives without it, and excuses that are none are told.
//! All schemes are judged by `bearproof defects`, which takes longer; here are the two quickest.

#![expect(clippy::unwrap_used, reason = "a test stops at the first broken assumption")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use bearproof_conform::equivalent::Equivalent;
use bearproof_conform::freeze::plots;
use bearproof_conform::frozen;
use bearproof_conform::matrix::{Matrix, State, matrix};
use bearproof_conform::plot::Plot;
use bearproof_conform::suite::{Disk, Scheme, Suite};
use bearproof_conform::vector::Vector;
use bearproof_scheme::weakness::{Class, all};

struct Ground {
    scheme: Scheme,
    plots: Vec<Plot>,
    frozen: BTreeMap<String, Vector>,
}

fn suite() -> Suite {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
    Suite::load(Arc::new(Disk(folder))).map_err(|e| e.to_string()).unwrap()
}

/// What each vector catches, as `catches.json` has it.
fn caught() -> BTreeMap<String, BTreeSet<String>> {
    let file: serde_json::Value =
        serde_json::from_slice(&suite().folder.read("catches.json").unwrap()).unwrap();
    serde_json::from_value(file.get("catches").unwrap().clone()).unwrap()
}

impl Ground {
    fn new(id: &str) -> Self {
        let suite = suite();
        let scheme = suite.schemes.iter().find(|s| s.id == id).unwrap().clone();
        let plots = plots(&suite.families, &scheme).unwrap().plots;
        let frozen = frozen::load(id, scheme.folder.as_ref()).map_err(|e| e.to_string()).unwrap();
        Self { scheme, plots, frozen }
    }

    fn matrix(&self, plots: &[Plot]) -> Matrix {
        matrix(&self.scheme, plots, &self.frozen).unwrap()
    }
}

#[test]
fn nothing_lives_unexcused_and_every_repetition_says_what_differs() {
    for id in ["bursagb-apikey", "masonhub-callback"] {
        let ground = Ground::new(id);
        let matrix = ground.matrix(&ground.plots);
        assert_eq!(matrix.problems(), Vec::<String>::new());
        assert!(matrix.distinct() >= 12, "{id}: {} distinct", matrix.distinct());
        for class in [Class::Accepts, Class::Answers] {
            assert!(matrix.lines.iter().any(|l| l.class == class && l.is_killed()), "{id}: {}", class.name());
        }
    }
}

/// `defects` lists what `serve --defect` serves: `catches.json` is its freshest list.
#[test]
fn every_weakness_that_a_vector_catches_is_one_of_some_choice() {
    let (suite, caught) = (suite(), caught());
    for scheme in &suite.schemes {
        let variants = scheme.variants().map_err(|f| f.to_string()).unwrap();
        let known: BTreeSet<String> =
            variants.iter().flat_map(|v| all(&v.description, &v.world)).map(|w| w.id).collect();
        let of_scheme = caught.iter().filter(|(vector, _)| vector.split('/').next() == Some(&scheme.id));
        let caught: BTreeSet<String> = of_scheme.flat_map(|(_, ids)| ids.iter().cloned()).collect();
        assert!(!caught.is_empty(), "{}", scheme.id);
        assert_eq!(caught.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new(), "{}", scheme.id);
    }
}

/// RFC 9110 section 5.5: whether a weakness shows only in a field value with a control character is what its vectors say.
#[test]
fn what_shows_only_in_a_raw_field_is_marked() {
    let (suite, caught) = (suite(), caught());
    let is_raw = |vector: &Vector| {
        let fields = vector.steps.iter().filter_map(|s| s.request.as_ref()).flat_map(|r| &r.fields);
        let control = |b: &u8| b.is_ascii_control() && *b != b'\t';
        fields.filter_map(|f| f.value.bytes()).any(|value| value.iter().any(control))
    };
    let mut marked = 0;
    for scheme in &suite.schemes {
        let frozen = frozen::load(&scheme.id, scheme.folder.as_ref()).map_err(|e| e.to_string()).unwrap();
        let weaknesses: BTreeMap<String, bool> = scheme
            .variants()
            .map_err(|f| f.to_string())
            .unwrap()
            .iter()
            .flat_map(|v| all(&v.description, &v.world))
            .map(|w| (w.id, w.raw_field))
            .collect();
        for (id, raw) in weaknesses {
            let mut by = caught
                .iter()
                .filter(|(_, ids)| ids.contains(&id))
                .filter_map(|(v, _)| frozen.get(v))
                .peekable();
            if by.peek().is_some() {
                assert_eq!(by.all(is_raw), raw, "{}/{id}", scheme.id);
                marked += usize::from(raw);
            }
        }
    }
    assert!(marked > 0);
}

#[test]
fn ids_are_unique_and_plain_and_every_scheme_has_enough() {
    let suite = suite();
    let mut all_schemes = 0;
    for scheme in &suite.schemes {
        let found = all(&scheme.default.description, &scheme.default.world);
        let ids: BTreeSet<&str> = found.iter().map(|w| w.id.as_str()).collect();
        assert_eq!(ids.len(), found.len(), "{}: an id stands twice", scheme.id);
        for weakness in &found {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-._/".contains(c);
            assert!(weakness.id.chars().all(plain) && weakness.id.contains('/'), "{}", weakness.id);
            assert!(!weakness.says.is_empty(), "{}", weakness.id);
        }
        let least = if scheme.default.description.token.is_some() { 30 } else { 12 };
        assert!(found.len() >= least, "{}: {}", scheme.id, found.len());
        all_schemes += found.len();
    }
    assert!(all_schemes >= 250, "{all_schemes}");
}

#[test]
fn a_weakness_lives_without_the_only_vector_that_notices_it() {
    let ground = Ground::new("bursagb-apikey");
    let whole = ground.matrix(&ground.plots);
    let (line, killer) = whole
        .lines
        .iter()
        .find_map(|line| {
            let killers: Vec<&str> = line.killers().collect();
            match killers.as_slice() {
                [only] => Some((line.id.clone(), (*only).to_string())),
                _ => None,
            }
        })
        .unwrap();
    let rest: Vec<Plot> = ground.plots.iter().filter(|p| p.id != killer).cloned().collect();
    let without = ground.matrix(&rest);
    let alive = without.lines.iter().find(|l| l.id == line).unwrap();
    assert_eq!(without.state(alive), State::Alive);
    assert!(without.problems().iter().any(|p| p.contains(&line)), "{:?}", without.problems());
}

#[test]
fn an_excuse_for_what_is_noticed_or_unknown_is_a_problem() {
    let ground = Ground::new("bursagb-apikey");
    let mut matrix = ground.matrix(&ground.plots);
    let excuse = |weakness: &str| Equivalent { weakness: weakness.into(), because: "a test".into() };
    let noticed = matrix.lines.iter().find(|l| l.is_killed()).unwrap().id.clone();
    matrix.equivalent = vec![excuse(&noticed), excuse("nobody/knows")];
    let problems = matrix.problems();
    assert!(problems.iter().any(|p| p.contains(&format!("`{noticed}` is noticed by"))), "{problems:?}");
    assert!(problems.iter().any(|p| p.contains("`nobody/knows` is no weakness")), "{problems:?}");
}
