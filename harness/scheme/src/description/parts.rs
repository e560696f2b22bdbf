//! Reads parts, as they stand in `[header]`, `[claims]`, `[field]`, `[body]` and in operations.
//! It must not look at other parts.

use super::{Choice, Condition, Lifetime, Nonce, Part, Pipeline, Place, Rule, Source, TimeRule, Type};
use crate::document::{Fault, Item, Table, nearest};
use crate::time::parse_duration;

/// Reads the parts of one place: `[place.name]`, or `[[place.name]]` for alternatives.
pub(super) fn read_place(
    table: &Table<'_>,
    place: Place,
    choices: &[Choice],
    parts: &mut Vec<Part>,
) -> Result<(), Fault> {
    let Some(item) = table.get(place.name()) else { return Ok(()) };
    item.table(|table| {
        for (name, item) in table.entries() {
            if item.is_array() {
                for alternative in item.list()? {
                    parts.push(read_part(&alternative, place, &name, choices)?);
                }
            } else {
                parts.push(read_part(&item, place, &name, choices)?);
            }
        }
        Ok(())
    })
}

fn read_part(item: &Item<'_>, place: Place, name: &str, choices: &[Choice]) -> Result<Part, Fault> {
    item.table(|table| {
        let rule = read_rule(item, table, choices)?;
        let words = Type::ALL.map(|t| (t.name(), t));
        let types = match table.get("type") {
            None => vec![default_type(&rule)],
            Some(item) if item.is_array() => {
                let types: Result<Vec<_>, _> = item.list()?.iter().map(|i| i.word(&words)).collect();
                let types = types?;
                if types.is_empty() {
                    return Err(item.fault("`type` is an empty list", "name at least one type"));
                }
                types
            }
            Some(item) => vec![item.word(&words)?],
        };
        let flag = |key: &str| table.get(key).map_or(Ok(false), |i| i.boolean());
        let text = |key: &str| table.get(key).map(|i| i.text()).transpose();
        Ok(Part {
            place,
            name: name.to_string(),
            rule,
            types,
            lifetime: table.get("lifetime").map(|i| read_lifetime(&i)).transpose()?,
            at_most: table.get("at-most").map(|i| duration(&i)).transpose()?,
            when: table
                .get("when")
                .map_or(Ok(Vec::new()), |i| i.list()?.iter().map(read_condition).collect())?,
            optional: flag("optional")?,
            identifies: flag("identifies")?,
            single_use: flag("single-use")?,
            auth_scheme: table.get("auth-scheme").map(|i| i.token("auth-scheme", "Bearer")).transpose()?,
            prefix: text("prefix")?,
            reference: text("ref")?,
        })
    })
}

fn read_rule(item: &Item<'_>, table: &Table<'_>, choices: &[Choice]) -> Result<Rule, Fault> {
    let rules = [table.get("from"), table.get("constant"), table.get("time"), table.get("nonce")];
    let given = rules.iter().filter(|r| r.is_some()).count();
    if given != 1 {
        return Err(item.fault(
            format!("`{}` has {given} rules for its value, expected exactly one", item.path()),
            "write one of: from, constant, time, nonce",
        ));
    }
    let [from, constant, time, nonce] = rules;
    Ok(if let Some(item) = from {
        Rule::From(choose(&item, choices, Pipeline::read)?)
    } else if let Some(item) = constant {
        Rule::Constant(item.text()?)
    } else if let Some(item) = time {
        Rule::Time(item.word(&[
            ("expires", TimeRule::Expires),
            ("issued", TimeRule::Issued),
            ("not-before", TimeRule::NotBefore),
        ])?)
    } else if let Some(item) = nonce {
        Rule::Nonce(item.word(&[
            ("u32", Nonce::U32),
            ("u64", Nonce::U64),
            ("uuid", Nonce::Uuid),
            ("hex-32", Nonce::Hex32),
        ])?)
    } else {
        return Err(item.fault("a part needs a rule", "write one of: from, constant, time, nonce"));
    })
}

/// Reads a value that may depend on a choice: `{ choose = NAME, option = value, … }`.
///
/// All options are read, so that a fault in one that is not taken shows as well.
pub(super) fn choose<T>(
    item: &Item<'_>,
    choices: &[Choice],
    read: impl Fn(&Item<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    if !item.is_table() {
        return read(item);
    }
    item.table(|table| {
        let choice = chosen(&table.need("choose", "the name of the choice that decides")?, choices)?;
        let mut value = None;
        for option in &choice.options {
            let read = read(&table.need(option, "the value for this option of the choice")?)?;
            if *option == choice.chosen {
                value = Some(read);
            }
        }
        value.ok_or_else(|| item.fault("the choice has no option", "give the choice options"))
    })
}

/// The choice that an item names.
pub(super) fn chosen<'c>(item: &Item<'_>, choices: &'c [Choice]) -> Result<&'c Choice, Fault> {
    let name = item.text()?;
    choices.iter().find(|c| c.name == name).ok_or_else(|| {
        item.fault(
            format!("unknown choice `{name}`"),
            nearest(&name, choices.iter().map(|c| c.name.as_str())),
        )
    })
}

/// The type where none is written; that of a credential value is set when the kinds are known.
fn default_type(rule: &Rule) -> Type {
    match rule {
        Rule::Time(_) => Type::Seconds,
        Rule::Nonce(Nonce::U32 | Nonce::U64) => Type::Integer,
        Rule::From(_) | Rule::Constant(_) | Rule::Nonce(_) => Type::String,
    }
}

fn duration(item: &Item<'_>) -> Result<u64, Fault> {
    let text = item.text()?;
    parse_duration(&text).ok_or_else(|| {
        item.fault(format!("`{text}` is no duration"), "write a whole number and s, m, h or d, such as `90s`")
    })
}

fn read_lifetime(item: &Item<'_>) -> Result<Lifetime, Fault> {
    let text = item.text()?;
    match text.strip_prefix("credential.") {
        Some(name) => Ok(Lifetime::Credential(name.into())),
        None => Ok(Lifetime::Fixed(duration(item)?)),
    }
}

fn read_condition(item: &Item<'_>) -> Result<Condition, Fault> {
    let text = item.text()?;
    match text.as_str() {
        "request.body" => Ok(Condition::Body),
        "request.query" => Ok(Condition::Query),
        _ if text.bytes().all(|b| b.is_ascii_uppercase()) && !text.is_empty() => Ok(Condition::Method(text)),
        _ => Err(item.fault(
            format!("unknown condition `{text}` in `{}`", item.path()),
            "write a method in capitals, `request.body` or `request.query`",
        )),
    }
}

/// Reads a source that stands alone.
pub(super) fn read_source(item: &Item<'_>) -> Result<Source, Fault> {
    Source::read(item, &item.text()?)
}
