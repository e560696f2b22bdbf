//! Weaknesses that no vector can tell from the strict verifier: `equivalent.toml` of a scheme says which and why.
//! It must not excuse a weakness that some vector notices.

use bearproof_scheme::{Fault, document};

use crate::suite::{Folder, read_text};

/// The file, in a scheme's folder.
const FILE: &str = "equivalent.toml";

/// A weakness and the reason why no request shows it.
#[derive(Debug, Clone)]
pub struct Equivalent {
    /// Id of the weakness, without the scheme.
    pub weakness: String,
    /// The reason, one sentence.
    pub because: String,
}

/// Reads the file of a scheme; nothing if it has none.
///
/// # Errors
/// The first [`Fault`] of the file.
pub fn load(folder: &dyn Folder) -> Result<Vec<Equivalent>, Fault> {
    if !folder.list("").iter().any(|n| n == FILE) {
        return Ok(Vec::new());
    }
    read(&folder.name(FILE), &read_text(folder, FILE)?)
}

fn read(file: &str, text: &str) -> Result<Vec<Equivalent>, Fault> {
    document::parse(file, text, |root| {
        let format = root.need("format", "write `format = 1`")?;
        if format.integer()? != 1 {
            return Err(format.fault("this format is not known", "write `format = 1`"));
        }
        let mut all: Vec<Equivalent> = Vec::new();
        for entry in root.need("equivalent", "write `[[equivalent]]`")?.list()? {
            entry.table(|table| {
                let because = table.need("because", "why no request shows it")?.text()?;
                for id in table.need("weaknesses", "their ids, without the scheme")?.list()? {
                    let weakness = id.text()?;
                    if all.iter().any(|e| e.weakness == weakness) {
                        return Err(id.fault(format!("`{weakness}` stands twice"), "keep one of them"));
                    }
                    all.push(Equivalent { weakness, because: because.clone() });
                }
                Ok(())
            })?;
        }
        Ok(all)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weakness_has_one_reason() {
        let entry = "[[equivalent]]\nweaknesses = [\"a/b\"]\nbecause = \"c\"\n";
        let good = read("equivalent.toml", &format!("format = 1\n{entry}"));
        assert_eq!(good.map(|all| all.len()), Ok(1));
        let twice = read("equivalent.toml", &format!("format = 1\n{entry}{entry}"));
        let Err(fault) = twice else { panic!("a weakness has two reasons") };
        let message = fault.to_string();
        assert!(message.starts_with("equivalent.toml:6:15"), "{message}");
        assert!(message.contains("`a/b` stands twice"), "{message}");
    }
}
