//! Loads frozen vector files, strictly: a file that does not load is an error, never a vector less.

use std::collections::BTreeMap;

use bearproof_scheme::Fault;
use bearproof_scheme::encoding::{JsonErrorKind, JsonRules, Limits, parse_object};

use crate::suite::{Folder, read_text};
use crate::vector::{FORMAT, Vector, VectorFile};

/// Members of one object at the most; a vector file's world has a few dozen.
const LIMITS: Limits = Limits { depth: 32, members: 4096 };

/// The frozen vectors of a scheme's folder by id; empty if none were frozen there.
///
/// # Errors
/// The first [`Fault`] of its files.
pub fn load(scheme: &str, folder: &dyn Folder) -> Result<BTreeMap<String, Vector>, Fault> {
    let mut vectors = BTreeMap::new();
    for file in folder.list("").iter().filter(|name| name.ends_with(".json")) {
        let name = folder.name(file);
        let loaded = parse(&name, &read_text(folder, file)?)?;
        if loaded.scheme != scheme {
            return Err(Fault::whole(
                &name,
                format!("the file says scheme `{}`, its folder says `{scheme}`", loaded.scheme),
                "move it, or run `bearproof freeze`",
            ));
        }
        for vector in loaded.vectors {
            let id = vector.id.clone();
            if vectors.insert(id.clone(), vector).is_some() {
                return Err(Fault::whole(
                    &name,
                    format!("the id `{id}` stands twice"),
                    "ids are permanent and unique; run `bearproof freeze`",
                ));
            }
        }
    }
    Ok(vectors)
}

/// Reads one file.
///
/// # Errors
/// A [`Fault`] with line and column.
pub fn parse(name: &str, text: &str) -> Result<VectorFile, Fault> {
    // Our own parser first: it refuses duplicate members, which the deserialiser may not see.
    if let Err(error) = parse_object(text.as_bytes(), &JsonRules::STRICT, &LIMITS) {
        let remedy = match error.kind {
            JsonErrorKind::DuplicateName => "a member may stand once; run `bearproof freeze`",
            _ => "the file must be JSON (RFC 8259); frozen files are written by `bearproof freeze`",
        };
        return Err(Fault::at(name, text, error.offset, error.to_string(), remedy));
    }
    let file: VectorFile = serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or("").to_string();
        // serde_json counts the bytes that it has read of the line: none, where it stopped at the line's end.
        let line = text.split('\n').nth(error.line().saturating_sub(1)).unwrap_or("");
        let before = line.char_indices().take_while(|(offset, _)| offset + 1 < error.column()).count();
        Fault {
            file: name.into(),
            line: error.line(),
            column: before + 1,
            message,
            remedy: "the shape is in vectors/schema/vectors.schema.json; frozen files are written by `bearproof freeze`".into(),
        }
    })?;
    if file.format == FORMAT {
        return Ok(file);
    }
    let remedy = if file.format > FORMAT { "update bearproof" } else { "run `bearproof freeze`" };
    let message = format!("format {} is not known, this version reads format {FORMAT}", file.format);
    Err(Fault::at(name, text, text.find("\"format\"").unwrap_or(0), message, remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "{\n  \"format\": 1,\n  \"suite\": \"0.1.0\",\n  \"scheme\": \"s\",\n  \"family\": \"f\",\n  \"world\": {\"clock\": 1, \"origin\": \"https://a\", \"leeway\": 0, \"choices\": {}, \"credentials\": {}, \"platforms\": {}, \"endpoints\": {}},\n  \"vectors\": []\n}\n";

    #[test]
    fn a_good_file_loads() {
        assert_eq!(parse("f.json", GOOD).unwrap().family, "f");
    }

    #[test]
    fn faults_say_where() {
        let message = |text: &str| parse("f.json", text).unwrap_err().to_string();
        assert!(message(&GOOD.replace("\"family\"", "\"famly\"")).starts_with("f.json:5:"));
        assert!(message(&GOOD.replace("\"suite\"", "\"scheme\"")).starts_with("f.json:4:"));
        assert!(message(&GOOD.replace("\"format\": 1", "\"format\": 2")).starts_with("f.json:2:3: format 2"));
        assert!(message(GOOD.trim_end().trim_end_matches('}')).starts_with("f.json:"));
    }
}
