//! Reads where a target wants more than its scheme says: claims beside the documented ones, another of the types that
//! the document allows. It must not let a profile contradict the scheme.

use crate::description::{Description, Part, Place, Type};
use crate::document::{Fault, Item, Table, nearest};

/// `[extra-claims]`, as parts that each token has.
pub(super) fn extra_claims(root: &Table<'_>, d: &Description) -> Result<Vec<Part>, Fault> {
    let Some(item) = root.get("extra-claims") else { return Ok(Vec::new()) };
    if d.token.is_none() {
        return Err(item.fault("this scheme has no token that claims could stand in", "remove them"));
    }
    item.table(|table| table.entries().iter().map(|(name, item)| claim(name, item, d)).collect())
}

fn claim(name: &str, item: &Item<'_>, d: &Description) -> Result<Part, Fault> {
    if d.parts.iter().any(|p| p.place == Place::Claims && p.name == name) {
        return Err(item.fault(
            format!("the scheme itself says what `{name}` is"),
            "leave it out; a claim of the scheme follows from credentials and choices",
        ));
    }
    let (text, kind) = if item.is_array() {
        (item.words()?.join(" "), Type::List)
    } else if item.is_integer() {
        (item.integer()?.to_string(), Type::Integer)
    } else {
        (item.text()?, Type::String)
    };
    Ok(Part::constant(Place::Claims, name, text, kind))
}

/// `[types]`: which of several types a part is written with.
pub(super) fn types(root: &Table<'_>, d: &Description) -> Result<Vec<(String, Type)>, Fault> {
    let Some(item) = root.get("types") else { return Ok(Vec::new()) };
    item.table(|table| table.entries().iter().map(|(path, item)| written_type(path, item, d)).collect())
}

fn written_type(path: &str, item: &Item<'_>, d: &Description) -> Result<(String, Type), Fault> {
    let free = || d.parts.iter().filter(|p| p.types.len() > 1);
    let Some(part) = free().find(|p| p.path() == path) else {
        let paths: Vec<String> = free().map(Part::path).collect();
        let remedy = match paths.as_slice() {
            [] => "remove it: this scheme says one type for each part".into(),
            paths => nearest(path, paths.iter().map(String::as_str)),
        };
        return Err(item.fault(format!("the scheme leaves no choice of a type for `{path}`"), remedy));
    };
    let words: Vec<(&str, Type)> = part.types.iter().map(|t| (t.name(), *t)).collect();
    Ok((path.into(), item.word(&words)?))
}
