//! Ties requirements to vectors and finds those that nothing shows, or that claim what is not so. It must not
//! expand a recipe.

use bearproof_scheme::Description;
use bearproof_scheme::description::{Level, Requirement};

use crate::needs::references;
use crate::plot::Plot;
use crate::recipe::Expect;

/// A vector as far as requirements go.
pub(super) struct Tied {
    /// `family/name`, without the scheme.
    name: String,
    /// What it refers to, requirements among them.
    refs: Vec<String>,
    /// It expects something, so it can fail.
    judges: bool,
}

impl Tied {
    /// What a plot is tied to.
    pub(super) fn of(plot: &Plot) -> Self {
        Self {
            name: plot.id.split_once('/').map_or("", |(_, name)| name).into(),
            refs: references(plot),
            judges: plot.steps.iter().any(|s| s.expect != Expect::Any),
        }
    }
}

/// What is wrong with the requirements of a scheme.
pub(super) fn problems(scheme: &str, d: &Description, vectors: &[Tied]) -> Vec<String> {
    let mut problems = Vec::new();
    for requirement in &d.requirements {
        let id = &requirement.id;
        for name in &requirement.shown_by {
            if !vectors.iter().any(|v| v.name == *name) {
                problems.push(format!(
                    "{scheme}: {id} is said to be shown by `{name}`, and there is no such vector"
                ));
            }
        }
        let mut showing = vectors.iter().filter(|v| v.refs.contains(id));
        if requirement.unshown.is_some() {
            let by = showing.next().map(|v| format!("`{}` refers to it", v.name));
            let part = d.references().any(|r| r == id).then(|| "a `ref` names it".to_string());
            if let Some(what) = by.or(part) {
                problems.push(format!("{scheme}: {id} says that no request can show it, and {what}"));
            }
        } else if requirement.level == Level::May {
            if showing.next().is_none() {
                problems.push(format!("{scheme}: requirement {id} has no vector"));
            }
        } else if !showing.any(|v| v.judges) {
            problems.push(format!("{scheme}: requirement {id} has no vector that can fail"));
        }
    }
    problems
}

/// One line of figures.
pub(super) fn counts(scheme: &str, d: &Description, vectors: &[Tied]) -> String {
    let shown = |r: &&Requirement| vectors.iter().any(|v| v.refs.contains(&r.id));
    format!(
        "{scheme}: {} requirements and readings, {} with vectors, {} that no request can show",
        d.requirements.len(),
        d.requirements.iter().filter(shown).count(),
        d.requirements.iter().filter(|r| r.unshown.is_some()).count()
    )
}

/// References of a recipe that are neither an RFC clause nor a catalogue entry, nor a requirement of its scheme.
pub(super) fn unknown_refs(place: &str, refs: &[String], d: Option<&Description>) -> Vec<String> {
    let known = |r: &&String| {
        r.starts_with("RFC ") || r.starts_with("defect:") || d.is_some_and(|d| d.requirement(r).is_some())
    };
    let what = if d.is_some() { "no requirement of the scheme" } else { "nothing that a family may name" };
    refs.iter()
        .filter(|r| !known(r))
        .map(|r| format!("{place}: `{r}` is {what}, no `RFC …` and no `defect:…`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bearproof_scheme::description::load;

    const HEAD: &str = r#"
format = 1
title = "t"
[credential]
key = "secret"
[field.X-Key]
from = "credential.key"
identifies = true
ref = "X-1"
[refusal]
"*" = { status = 401 }
[requirement.X-1]
heading = "h"
says = "s"
"#;

    fn description(more: &str) -> Description {
        load("x", "scheme.toml", &format!("{HEAD}{more}"), &[]).unwrap()
    }

    fn vector(name: &str, refs: &[&str], judges: bool) -> Tied {
        Tied { name: name.into(), refs: refs.iter().map(|r| (*r).to_string()).collect(), judges }
    }

    #[test]
    fn a_requirement_without_a_vector_is_a_problem() {
        let d = description("");
        assert_eq!(problems("x", &d, &[]), ["x: requirement X-1 has no vector that can fail"]);
        assert!(problems("x", &d, &[vector("valid/write", &["X-1"], true)]).is_empty());
    }

    #[test]
    fn a_vector_without_an_expectation_is_enough_for_may_alone() {
        let d = description("[requirement.X-2]\nheading = \"h\"\nsays = \"s\"\nlevel = \"may\"\n");
        let recorded = vector("valid/write", &["X-1", "X-2"], false);
        assert_eq!(problems("x", &d, &[recorded]), ["x: requirement X-1 has no vector that can fail"]);
    }

    #[test]
    fn what_no_request_can_show_has_no_vector_and_no_part() {
        let advice = "[requirement.X-2]\nheading = \"h\"\nsays = \"s\"\nunshown = \"advice\"\n";
        let shown = vector("valid/write", &["X-1"], true);
        assert!(problems("x", &description(advice), std::slice::from_ref(&shown)).is_empty());
        let contradicted = vector("valid/read", &["X-2"], true);
        let message = "x: X-2 says that no request can show it, and `valid/read` refers to it";
        assert_eq!(problems("x", &description(advice), &[shown, contradicted]), [message]);
        let of_part = description("unshown = \"advice\"\n");
        let message = "x: X-1 says that no request can show it, and a `ref` names it";
        assert_eq!(problems("x", &of_part, &[]), [message]);
    }

    #[test]
    fn a_vector_that_is_named_exists() {
        let d = description("shown-by = [\"valid/none\"]\n");
        let message = "x: X-1 is said to be shown by `valid/none`, and there is no such vector";
        assert_eq!(problems("x", &d, &[vector("valid/write", &["X-1"], true)]), [message]);
    }

    #[test]
    fn a_recipe_refers_to_what_exists() {
        let d = description("");
        let refs = ["RFC 7515 section 4", "defect:x", "X-1", "X-9"].map(String::from);
        assert_eq!(unknown_refs("p", &refs, Some(&d)).len(), 1);
        assert_eq!(unknown_refs("p", &refs, None).len(), 2);
    }

    #[test]
    fn the_figures_add_up() {
        let advice =
            |id: u8| format!("[requirement.X-{id}]\nheading = \"h\"\nsays = \"s\"\nunshown = \"a\"\n");
        let d = description(&format!("{}{}", advice(2), advice(3)));
        let line = "x: 3 requirements and readings, 1 with vectors, 2 that no request can show";
        assert_eq!(counts("x", &d, &[vector("valid/write", &["X-1"], true)]), line);
    }
}
