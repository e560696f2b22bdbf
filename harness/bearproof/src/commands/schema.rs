//! `schema`: writes the JSON schemas of our formats, or checks that they are fresh.

use std::path::Path;

use bearproof_conform::results::Results;
use bearproof_conform::vector::VectorFile;

use super::{Done, Failure, vectors_folder};

/// Writes `schema/*.schema.json` below the vectors; with `check`, only compares.
pub(crate) fn schema(vectors: Option<&Path>, check: bool) -> Result<Done, Failure> {
    let folder = vectors_folder(vectors)?.join("schema");
    let schemas = [
        ("vectors.schema.json", schemars::schema_for!(VectorFile)),
        ("results.schema.json", schemars::schema_for!(Results)),
    ];
    let mut stale = Vec::new();
    for (name, schema) in schemas {
        let text = serde_json::to_string_pretty(&schema).map_err(|e| Failure::bug(e.to_string()))? + "\n";
        let path = folder.join(name);
        if std::fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            if !check {
                std::fs::create_dir_all(&folder)
                    .and_then(|()| std::fs::write(&path, &text))
                    .map_err(|e| Failure::input(format!("{}: can't be written: {e}", path.display())))?;
            }
            stale.push(name);
        }
    }
    if check && !stale.is_empty() {
        let list = stale.join(", ");
        return Err(Failure::check(format!(
            "schemas differ from the types: {list}\n  help: run `bearproof schema`"
        )));
    }
    Ok(Done::fine(format!("2 schemas are {}\n", if check { "fresh" } else { "written" })))
}
