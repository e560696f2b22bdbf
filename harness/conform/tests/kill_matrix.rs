//! The kill matrix bites: what only one vector notices lives without it, and excuses that are none are told.
//! All schemes are judged by `bearproof defects`, which takes longer; here are the two quickest.

#![expect(clippy::unwrap_used, reason = "a test stops at the first broken assumption")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bearproof_conform::equivalent::Equivalent;
use bearproof_conform::freeze::plots;
use bearproof_conform::frozen;
use bearproof_conform::matrix::{Matrix, State, matrix};
use bearproof_conform::plot::Plot;
use bearproof_conform::suite::{Disk, Scheme, Suite};
use bearproof_conform::vector::Vector;
use bearproof_scheme::weakness::Class;

struct Ground {
    scheme: Scheme,
    plots: Vec<Plot>,
    frozen: BTreeMap<String, Vector>,
}

impl Ground {
    fn new(id: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
        let suite = Suite::load(Arc::new(Disk(folder))).map_err(|e| e.to_string()).unwrap();
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
