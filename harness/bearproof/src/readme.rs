//! The generated list of requirements in a scheme's README. It must not touch the rest of the file.

use bearproof_conform::freeze::Frozen;
use bearproof_conform::suite::{Scheme, read_text};

use crate::commands::Failure;

const BEGIN: &str = "<!-- generated: requirements -->";
const END: &str = "<!-- /generated -->";

/// The README of a scheme with a fresh list.
pub(crate) fn fresh(scheme: &Scheme) -> Result<Frozen, Failure> {
    let text = read_text(scheme.folder.as_ref(), "README.md")?;
    let name = scheme.folder.name("README.md");
    let missing = || {
        Failure::input(format!(
            "{name}: the marks `{BEGIN}` and `{END}` are missing\n  help: add both, in this order"
        ))
    };
    let (before, rest) = text.split_once(BEGIN).ok_or_else(missing)?;
    let (_, after) = rest.split_once(END).ok_or_else(missing)?;
    let mut list = String::from("\n| id | level | says | from |\n|---|---|---|---|\n");
    for requirement in &scheme.default.description.requirements {
        let level = match requirement.level {
            bearproof_scheme::description::Level::Must => "must",
            bearproof_scheme::description::Level::Should => "should",
            bearproof_scheme::description::Level::May => "may",
        };
        let from = match (&requirement.heading, &requirement.because) {
            (Some(heading), _) => format!("“{heading}”"),
            (None, Some(because)) => format!("our reading: {because}"),
            (None, None) => "our reading".into(),
        };
        let unshown = match &requirement.unshown {
            Some(why) => format!(" (no request shows it: {why})"),
            None => String::new(),
        };
        let cell = |text: &str| text.replace('|', "\\|");
        list.push_str(&format!(
            "| {} | {level} | {}{} | {} |\n",
            requirement.id,
            cell(&requirement.says),
            cell(&unshown),
            cell(&from)
        ));
    }
    let text = format!("{before}{BEGIN}{list}{END}{after}");
    Ok(Frozen { path: format!("{}/README.md", scheme.id), text, ids: Vec::new() })
}
