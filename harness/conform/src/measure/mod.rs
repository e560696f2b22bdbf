//! What no document fixes, asked of a live target: how long after its expiry a token is let in, which spellings are
//! taken, how large a field may be. Shown beside what the document says. It must not judge.

mod load;
mod play;

use crate::recipe::Recipe;
use bearproof_scheme::Fault;

pub use load::load_measures;
pub use play::measure;

/// All questions of a file, with its text: a question is read again for each value that is tried.
#[derive(Debug, Clone)]
pub struct Measures {
    /// The file as the user knows it.
    file: String,
    text: String,
    /// The questions, in the order of the file.
    pub list: Vec<Measure>,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// Its name.
    pub name: String,
    /// What is asked, as the head of a row.
    pub asks: String,
    /// Which values are tried.
    pub tries: Tries,
}

/// The values that are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tries {
    /// The largest value that is let in, between two.
    Search {
        /// The smallest.
        from: u64,
        /// The largest.
        to: u64,
        /// What is counted.
        unit: Unit,
    },
    /// Each of these: how it is called, and what stands for `$case`.
    Cases(Vec<(String, String)>),
}

/// What a search counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Time,
    /// Bytes of filling.
    Bytes,
}

impl Unit {
    /// What stands for `$case` at this value.
    fn case(self, value: u64) -> String {
        match self {
            Self::Time => format!("{value}s"),
            Self::Bytes => "x".repeat(usize::try_from(value).unwrap_or(0)),
        }
    }

    /// The value for people; a duration is rounded to two units.
    fn words(self, value: u64) -> String {
        let Self::Time = self else { return format!("{value} bytes") };
        const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
        let mut rest = value;
        let mut words = Vec::new();
        for (size, name) in UNITS {
            if rest >= size && words.len() < 2 {
                words.push(format!("{} {name}", rest / size));
                rest %= size;
            }
        }
        if words.is_empty() { "0 s".into() } else { words.join(" ") }
    }
}

impl Measures {
    /// The recipe of a question for one value of `$case`.
    ///
    /// # Errors
    /// A [`Fault`] of the file.
    fn recipe(&self, name: &str, case: &str) -> Result<Recipe, Fault> {
        load::recipe(&self.file, &self.text, name, case)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_at_most_two_units() {
        let words = [0, 59, 61, 3_600, 90_061, 315_360_000].map(|n| Unit::Time.words(n));
        assert_eq!(words, ["0 s", "59 s", "1 min 1 s", "1 h", "1 d 1 h", "3650 d"]);
    }
}
