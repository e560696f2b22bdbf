//! Reads recipe files. It must not know any scheme.

use bearproof_scheme::Fault;
use bearproof_scheme::document::{self, Item, Table};
use bearproof_scheme::time::parse_duration;
use bearproof_scheme::verdict::is_code;
use bearproof_scheme::world::Permission;

use super::read::read_edit;
use super::{Action, Edit, Expect, Recipe, Step};
use crate::resolve::CAPABILITIES;
use crate::results::{Level, Severity};

/// What a recipe file holds.
pub struct Loaded {
    /// Its recipes, one for each case.
    pub recipes: Vec<Recipe>,
}

/// Reads a recipe file. `family` is given for family files; a scheme's own file says it in each name
/// (`family/name`).
///
/// # Errors
/// The first [`Fault`].
pub fn load_recipes(file: &str, text: &str, family: Option<&str>) -> Result<Loaded, Fault> {
    document::parse(file, text, |root| {
        check_format(root)?;
        let mut recipes: Vec<Recipe> = Vec::new();
        let items = root.get("recipe").map_or(Ok(Vec::new()), |i| i.list())?;
        for item in items {
            for case in cases(&item)? {
                let recipe = item.table(|table| read_recipe(&item, table, family, &case))?;
                if recipes.iter().any(|r| r.is_beside(&recipe)) {
                    let id = format!("{}/{}", recipe.family, recipe.name);
                    let remedy = "rename one of them, or let them exclude each other by `where`";
                    return Err(item.fault(format!("the recipe `{id}` stands twice"), remedy));
                }
                recipes.push(recipe);
            }
        }
        Ok(Loaded { recipes })
    })
}

/// Refuses a file of another format.
pub(crate) fn check_format(root: &Table<'_>) -> Result<(), Fault> {
    let format = root.need("format", "write `format = 1`")?;
    let number = format.integer()?;
    if number == 1 {
        return Ok(());
    }
    let remedy = if number > 1 { "update bearproof" } else { "write `format = 1`" };
    Err(format.fault(format!("format {number} is not known, this version reads format 1"), remedy))
}

/// One of several vectors of a recipe.
#[derive(Default)]
struct Case {
    /// Appended to the recipe's name.
    name: String,
    /// What stands for `$case`.
    text: String,
    /// References beside the recipe's.
    refs: Vec<String>,
}

/// The cases of a recipe; one nameless case where there are none.
fn cases(item: &Item<'_>) -> Result<Vec<Case>, Fault> {
    let mut cases = Vec::new();
    item.table(|table| {
        let _ = table.entries();
        if let Some(item) = table.get("cases") {
            item.table(|t| {
                for (name, item) in t.entries() {
                    if !item.is_table() {
                        cases.push(Case { name, text: item.text()?, refs: Vec::new() });
                        continue;
                    }
                    cases.push(item.table(|t| {
                        let text = t.need("text", "what stands for `$case`")?.text()?;
                        let refs = t.need("refs", "references of this case alone")?.texts()?;
                        Ok(Case { name, text, refs })
                    })?);
                }
                Ok(())
            })?;
        } else {
            cases.push(Case::default());
        }
        Ok(())
    })?;
    Ok(cases)
}

fn read_recipe(
    item: &Item<'_>,
    table: &Table<'_>,
    family: Option<&str>,
    case: &Case,
) -> Result<Recipe, Fault> {
    let _ = table.get("cases");
    let name = table.need("name", "the name, after the one fault")?;
    let full = name.text()?;
    let (family, short) = match (family, full.split_once('/')) {
        (Some(family), None) => (family.to_string(), full.clone()),
        (None, Some((family, short))) => (family.to_string(), short.to_string()),
        (Some(_), Some(_)) => return Err(name.fault("the family is the file's name", "write the name alone")),
        (None, None) => return Err(name.fault("the name lacks its family", "write `family/name`")),
    };
    let kebab = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if !kebab(&short) || !kebab(&family) {
        return Err(name.fault(format!("`{full}` is no name"), "small letters, digits and hyphens"));
    }
    let Case { name: case_name, text: case_text, refs: case_refs } = case;
    let steps = match table.get("steps") {
        Some(list) => list.list()?.iter().map(|i| read_step(i, case_text)).collect::<Result<Vec<_>, _>>()?,
        None => vec![single_step(item, table, case_text)?],
    };
    let rejects = steps.iter().any(|s| matches!(s.expect, Expect::Reject(_)));
    let why = table.get("why").map(|i| i.text()).transpose()?;
    if rejects && why.is_none() {
        return Err(item.fault(
            format!("the rejecting recipe `{short}` has no `why`"),
            "say in one sentence what a server does that gets this wrong",
        ));
    }
    let faults =
        steps.iter().map(|s| usize::from(s.fault.is_some()) + usize::from(s.is_fault)).sum::<usize>();
    if rejects && faults != 1 {
        return Err(item.fault(
            format!("the rejecting recipe `{short}` has {faults} faults, expected exactly one"),
            "move what only prepares into `edit`, and keep one `fault`",
        ));
    }
    let asked = |(position, step): (usize, &Step)| {
        !matches!(step.action, Action::Wait(_)) && !step.falls_away(position + 1 == steps.len())
    };
    if rejects && !steps.iter().enumerate().any(asked) {
        return Err(item.fault(
            format!("the control of the rejecting recipe `{short}` would ask nothing"),
            "`fault = true` takes the step away: make the fault an edit, or add a call that must be let in",
        ));
    }
    if !rejects && faults != 0 {
        return Err(item.fault(
            format!("the recipe `{short}` has a fault and expects no rejection"),
            "write `edit` for a variation that is right",
        ));
    }
    let levels = [("must", Level::Must), ("should", Level::Should), ("may", Level::May)];
    let level = table.get("level").map_or(Ok(Level::Must), |i| i.word(&levels))?;
    let undecided = steps.iter().any(|s| s.expect == Expect::Any);
    if undecided != (level == Level::May) {
        return Err(item.fault(
            "`expect = \"any\"` and `level = \"may\"` belong together",
            "a `may` recipe records behaviour and expects nothing",
        ));
    }
    let severities = [
        ("critical", Severity::Critical),
        ("high", Severity::High),
        ("medium", Severity::Medium),
        ("low", Severity::Low),
    ];
    let default = if rejects { Severity::High } else { Severity::Medium };
    Ok(Recipe {
        family,
        name: if case_name.is_empty() { short } else { format!("{short}-{case_name}") },
        place: item.fault("", "").to_string().trim_end_matches(": ").to_string(),
        conditions: read_conditions(table)?,
        role: table.get("as").map_or(Ok("primary".into()), |i| i.text())?,
        endpoint: table.get("endpoint").map(|i| i.text()).transpose()?,
        choose: table.get("choose").map_or(Ok(Vec::new()), |i| {
            i.table(|t| t.entries().into_iter().map(|(n, o)| Ok((n, o.text()?))).collect())
        })?,
        why: why.unwrap_or_default(),
        level,
        severity: table.get("severity").map_or(Ok(default), |i| i.word(&severities))?,
        refs: {
            let mut refs = table.get("refs").map_or(Ok(Vec::new()), |i| i.texts())?;
            refs.extend(case_refs.iter().cloned());
            refs
        },
        risk: table.get("risk").map(|i| i.word(&RISKS)).transpose()?,
        differs: table.get("differs").map(|i| i.text()).transpose()?,
        steps,
    })
}

/// What a recipe says of itself; that it changes what the target keeps follows from its steps.
const RISKS: [(&str, Permission); 2] =
    [("denial-of-service", Permission::DenialOfService), ("injection", Permission::Injection)];

/// The capabilities that a scheme must have or lack.
pub(crate) fn read_conditions(table: &Table<'_>) -> Result<Vec<String>, Fault> {
    let Some(item) = table.get("where") else { return Ok(Vec::new()) };
    for word in item.list()? {
        let text = word.text()?;
        let plain = text.trim_start_matches('!');
        if !CAPABILITIES.contains(&plain) && !plain.starts_with("role ") && !plain.starts_with("endpoint ") {
            let remedy = document::nearest(plain, CAPABILITIES.iter().copied());
            return Err(word.fault(format!("unknown capability `{plain}`"), remedy));
        }
    }
    item.texts()
}

/// A recipe without `steps` is one call.
fn single_step(item: &Item<'_>, table: &Table<'_>, case: &str) -> Result<Step, Fault> {
    Ok(Step {
        edits: read_edits(table, case)?,
        fault: table.get("fault").map(|i| read_edit(&i, case)).transpose()?,
        ..Step::new(Action::Call, read_expect(item, table, None)?)
    })
}

pub(crate) fn read_edits(table: &Table<'_>, case: &str) -> Result<Vec<Edit>, Fault> {
    table.get("edit").map_or(Ok(Vec::new()), |i| i.list()?.iter().map(|e| read_edit(e, case)).collect())
}

pub(crate) fn read_step(item: &Item<'_>, case: &str) -> Result<Step, Fault> {
    item.table(|table| {
        let verb = table.need("do", "call, obtain, revoke or wait")?;
        let action = match verb.text()?.as_str() {
            "call" => Action::Call,
            "obtain" => Action::Obtain(table.get("operation").map(|i| i.text()).transpose()?),
            "revoke" => Action::Revoke,
            "wait" => {
                let item = table.need("for", "how long, such as `1h`")?;
                let text = item.text()?.replace("$case", case);
                let seconds = parse_duration(&text).ok_or_else(|| {
                    item.fault(format!("`{text}` is no duration"), "write for example `90s`")
                })?;
                Action::Wait(seconds)
            }
            other => {
                let words = ["call", "obtain", "revoke", "wait"];
                return Err(verb
                    .fault(format!("unknown verb `{other}`"), document::nearest(other, words.into_iter())));
            }
        };
        let (mut fault, mut is_fault) = (None, false);
        if let Some(item) = table.get("fault") {
            if item.is_table() {
                fault = Some(read_edit(&item, case)?);
            } else {
                is_fault = item.boolean()?;
            }
        }
        let token_of = match table.get("token") {
            None => None,
            Some(item) => {
                let text = item.text()?;
                let step = text.strip_prefix("of(step ").and_then(|t| t.strip_suffix(')'));
                let step = step.and_then(|n| n.parse().ok());
                Some(step.ok_or_else(|| item.fault(format!("unknown token `{text}`"), "write `of(step N)`"))?)
            }
        };
        Ok(Step {
            expect: read_expect(item, table, Some(Expect::Accept))?,
            role: table.get("as").map(|i| i.text()).transpose()?,
            endpoint: table.get("endpoint").map(|i| i.text()).transpose()?,
            edits: read_edits(table, case)?,
            action,
            fault,
            is_fault,
            token_of,
        })
    })
}

fn read_expect(item: &Item<'_>, table: &Table<'_>, default: Option<Expect>) -> Result<Expect, Fault> {
    let reasons = table.get("reason");
    let Some(expect) = table.get("expect") else {
        return default.ok_or_else(|| {
            item.fault(format!("`{}` has no `expect`", item.path()), "write accept, reject or any")
        });
    };
    match (expect.text()?.as_str(), reasons) {
        ("accept", None) => Ok(Expect::Accept),
        ("any", None) => Ok(Expect::Any),
        ("accept" | "any", Some(reason)) => {
            Err(reason.fault("only a rejection has a reason", "remove `reason`"))
        }
        ("reject", None) => {
            Err(expect.fault("a rejection needs a `reason`", "name one to three reason codes"))
        }
        ("reject", Some(reason)) => {
            let codes = reason.texts()?;
            if codes.is_empty() || codes.len() > 3 {
                return Err(
                    reason.fault(format!("{} reasons, expected one to three", codes.len()), "narrow it")
                );
            }
            if let Some(unknown) = codes.iter().find(|c| !is_code(c)) {
                return Err(reason.fault(format!("unknown reason `{unknown}`"), "write `stage.reason`"));
            }
            Ok(Expect::Reject(codes))
        }
        (other, _) => Err(expect.fault(
            format!("unknown expectation `{other}`"),
            document::nearest(other, ["accept", "reject", "any"].into_iter()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_has_the_references_of_its_recipe_and_its_own() {
        let text = r#"
format = 1
[[recipe]]
name   = "x"
edit   = [{ at = "request", set = "body", to = "$case" }]
expect = "accept"
refs   = ["RFC 1"]
[recipe.cases]
plain = "p"
cited = { text = "c", refs = ["defect:c"] }
"#;
        let recipes = load_recipes("f.toml", text, Some("f")).unwrap().recipes;
        let refs: Vec<(&str, Vec<&str>)> =
            recipes.iter().map(|r| (r.name.as_str(), r.refs.iter().map(String::as_str).collect())).collect();
        assert_eq!(refs, [("x-plain", vec!["RFC 1"]), ("x-cited", vec!["RFC 1", "defect:c"])]);
    }
}
