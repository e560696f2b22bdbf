//! Reads `measures.toml`. It must not know any scheme.

use bearproof_scheme::Fault;
use bearproof_scheme::document::{self, Item, Table};
use bearproof_scheme::time::parse_duration;

use super::{Measure, Measures, Tries, Unit};
use crate::recipe::{Action, Expect, Recipe, Step, check_format, read_conditions, read_edits, read_step};
use crate::results::{Level, Severity};

/// Reads the questions and tries to read each with its first value.
///
/// # Errors
/// The first [`Fault`].
pub fn load_measures(file: &str, text: &str) -> Result<Measures, Fault> {
    let list = document::parse(file, text, |root| {
        check_format(root)?;
        let mut list: Vec<Measure> = Vec::new();
        for item in root.need("measure", "the questions, as `[[measure]]`")?.list()? {
            let measure = item.table(|table| {
                let measure = read_measure(&item, table)?;
                read_recipe(table, &measure.name, &first(&measure.tries))?;
                Ok(measure)
            })?;
            if list.iter().any(|m| m.name == measure.name) {
                return Err(item.fault(format!("the name `{}` stands twice", measure.name), "rename one"));
            }
            list.push(measure);
        }
        Ok(list)
    })?;
    Ok(Measures { file: file.into(), text: text.into(), list })
}

fn first(tries: &Tries) -> String {
    match tries {
        Tries::Search { from, unit, .. } => unit.case(*from),
        Tries::Cases(cases) => cases.first().map(|(_, text)| text.clone()).unwrap_or_default(),
    }
}

/// The recipe of one question, with `case` for `$case`.
///
/// # Errors
/// A [`Fault`] of the file.
pub(super) fn recipe(file: &str, text: &str, name: &str, case: &str) -> Result<Recipe, Fault> {
    document::parse(file, text, |root| {
        let _ = root.entries();
        let mut found = None;
        for item in root.need("measure", "the questions, as `[[measure]]`")?.list()? {
            item.table(|table| {
                let _ = table.entries();
                if table.need("name", "the name")?.text()? == name {
                    found = Some(read_recipe(table, name, case)?);
                }
                Ok(())
            })?;
        }
        found.ok_or_else(|| Fault::whole(file, format!("no question `{name}`"), "name one of the file"))
    })
}

fn read_measure(item: &Item<'_>, table: &Table<'_>) -> Result<Measure, Fault> {
    let name = table.need("name", "the name")?.text()?;
    let asks = table.need("asks", "what is asked, as the head of a row")?.text()?;
    let tries = match (table.get("between"), table.get("cases")) {
        (Some(between), None) => read_search(&between)?,
        (None, Some(cases)) => Tries::Cases(cases.table(|t| {
            t.entries().into_iter().map(|(name, item)| Ok((name, item.text()?))).collect::<Result<_, _>>()
        })?),
        _ => {
            return Err(item.fault(
                format!("`{name}` must say what is tried"),
                "write `between = [LEAST, MOST]`, or `cases`",
            ));
        }
    };
    Ok(Measure { name, asks, tries })
}

fn read_search(item: &Item<'_>) -> Result<Tries, Fault> {
    let wrong = || {
        item.fault("no two values in order", "write two durations or two numbers of bytes, the least first")
    };
    let ends = item.list()?;
    let [from, to] = ends.as_slice() else { return Err(wrong()) };
    let time = |item: &Item<'_>| item.text().ok().and_then(|text| parse_duration(&text));
    let bytes = |item: &Item<'_>| item.integer().ok().and_then(|n| u64::try_from(n).ok());
    let (from, to, unit) = match (time(from), time(to), bytes(from), bytes(to)) {
        (Some(from), Some(to), _, _) => (from, to, Unit::Time),
        (_, _, Some(from), Some(to)) => (from, to, Unit::Bytes),
        _ => return Err(wrong()),
    };
    if from >= to {
        return Err(wrong());
    }
    Ok(Tries::Search { from, to, unit })
}

fn read_recipe(table: &Table<'_>, name: &str, case: &str) -> Result<Recipe, Fault> {
    let steps = match table.get("steps") {
        Some(list) => list.list()?.iter().map(|i| read_step(i, case)).collect::<Result<Vec<_>, _>>()?,
        None => vec![Step { edits: read_edits(table, case)?, ..Step::new(Action::Call, Expect::Any) }],
    };
    Ok(Recipe {
        family: "behaviour".into(),
        name: name.into(),
        place: String::new(),
        conditions: read_conditions(table)?,
        role: "primary".into(),
        endpoint: table.get("endpoint").map(|i| i.text()).transpose()?,
        choose: Vec::new(),
        why: String::new(),
        level: Level::May,
        severity: Severity::Low,
        refs: table.get("refs").map_or(Ok(Vec::new()), |i| i.texts())?,
        risk: None,
        differs: None,
        steps,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(measure: &str) -> String {
        let text = format!("format = 1\n[[measure]]\n{measure}");
        load_measures("m.toml", &text).expect_err("it must be refused").to_string()
    }

    #[test]
    fn a_question_is_read_anew_for_each_value() {
        let text = r#"
format = 1
[[measure]]
name    = "late"
asks    = "how late"
between = ["0s", "1d"]
where   = ["expiry"]
edit    = [{ at = "parts", set = "expiry", to = "now-$case" }]
"#;
        let measures = load_measures("m.toml", text).unwrap();
        let at = |case| measures.recipe("late", case).unwrap().steps;
        assert_ne!(at("1s"), at("2s"));
        assert_eq!(measures.list[0].tries, Tries::Search { from: 0, to: 86_400, unit: Unit::Time });
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        assert!(refused("name = \"a\"\nasks = \"b\"\n").contains("must say what is tried"));
        assert!(refused("name = \"a\"\nasks = \"b\"\nbetween = [\"1d\", \"1s\"]\n").contains("m.toml:5:"));
        let unknown = "name = \"a\"\nasks = \"b\"\nbetween = [0, 9]\nedit = [{ at = \"parts\", set = \"expiri\", to = \"now\" }]\n";
        assert!(refused(unknown).contains("unknown target `expiri`"));
        let twice = "name = \"a\"\nasks = \"b\"\nbetween = [0, 9]\n[[measure]]\nname = \"a\"\nasks = \"b\"\nbetween = [0, 9]\n";
        assert!(refused(twice).contains("stands twice"));
    }
}
