//! Reads TOML files with places: every fault names file, line, column, what was expected and what to do.
//! It must not know what the words mean.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::request::is_token;

/// Largest file that is read, in bytes. A description or a vector file is a hundred times smaller.
pub const MAX_FILE: usize = 16 * 1024 * 1024;

/// What is wrong with an input file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Name of the file as the user knows it.
    pub file: String,
    /// Line, from 1; 0 if the fault is about the file as a whole.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong and what was expected.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(f, "{}: {}", self.file, self.message)?;
        } else {
            write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        }
        if self.remedy.is_empty() { Ok(()) } else { write!(f, "\n  help: {}", self.remedy) }
    }
}

impl std::error::Error for Fault {}

impl Fault {
    /// A fault of the file as a whole.
    pub fn whole(file: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { file: file.into(), line: 0, column: 0, message: message.into(), remedy: remedy.into() }
    }

    /// A fault at a byte offset of `text`.
    pub fn at(
        file: &str,
        text: &str,
        offset: usize,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let (line, column) = place(text, offset);
        Self { file: file.into(), line, column, message: message.into(), remedy: remedy.into() }
    }
}

/// Line and column (in characters), both from 1, of a byte offset.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line = before.matches('\n').count().saturating_add(1);
    let column = before.rsplit('\n').next().unwrap_or("").chars().count().saturating_add(1);
    (line, column)
}

/// Checks that `bytes` is text as our files are: UTF-8, not empty, no byte order mark, lines ending in LF.
///
/// Bytes are the point of these files: an editor that adds a mark or turns LF into CRLF changes vectors.
///
/// # Errors
/// A [`Fault`] with the place of the first offence.
pub fn check_text<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, Fault> {
    if bytes.len() > MAX_FILE {
        return Err(Fault::whole(
            file,
            format!("the file has {} bytes, more than the limit of {MAX_FILE}", bytes.len()),
            "split it, or check that this is the file you meant",
        ));
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err(Fault {
            line: 1,
            column: 1,
            ..Fault::whole(
                file,
                "the file begins with a byte order mark",
                "save it as UTF-8 without a byte order mark",
            )
        });
    }
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let good = bytes.get(..e.valid_up_to()).and_then(|b| std::str::from_utf8(b).ok()).unwrap_or("");
        Fault::at(file, good, good.len(), "the file is not valid UTF-8 here", "save it as UTF-8")
    })?;
    if let Some(offset) = text.find('\r') {
        return Err(Fault::at(
            file,
            text,
            offset,
            "carriage return in the file: lines must end in a line feed alone",
            "convert the line ends (for example `sed -i 's/\\r$//' FILE`); write \\r in a string if it is meant",
        ));
    }
    if text.trim().is_empty() {
        return Err(Fault::whole(
            file,
            "the file is empty",
            "start from an existing one; see vectors/README.md",
        ));
    }
    Ok(text)
}

/// Parses `text` as TOML and hands the root table to `read`; words that `read` did not use are faults.
///
/// # Errors
/// A syntax fault, the first fault of `read`, or an unknown word.
pub fn parse<T>(
    file: &str,
    text: &str,
    read: impl FnOnce(&Table<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    check_text(file, text.as_bytes())?;
    let parsed = DeTable::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        let remedy = if message.contains("duplicate") {
            "a key may stand once; rename or remove one of them"
        } else {
            "correct this place: the file is TOML 1.0, `key = value` on each line and texts in quotes"
        };
        Fault::at(file, text, offset, message, remedy)
    })?;
    let source = Source { file, text };
    let table = Table {
        source,
        path: String::new(),
        span: 0..0,
        entries: parsed.get_ref(),
        used: RefCell::default(),
    };
    let value = read(&table)?;
    table.finish()?;
    Ok(value)
}

#[derive(Clone, Copy)]
struct Source<'d> {
    file: &'d str,
    text: &'d str,
}

/// A TOML table with its place. Remembers which keys were asked for.
pub struct Table<'d> {
    source: Source<'d>,
    path: String,
    span: Range<usize>,
    entries: &'d DeTable<'d>,
    used: RefCell<Vec<String>>,
}

/// A TOML value with its place.
#[derive(Clone)]
pub struct Item<'d> {
    source: Source<'d>,
    path: String,
    value: &'d Spanned<DeValue<'d>>,
}

impl<'d> Table<'d> {
    /// The value of `key`, if there is one.
    pub fn get(&self, key: &str) -> Option<Item<'d>> {
        self.used.borrow_mut().push(key.into());
        let (_, value) = self.entries.iter().find(|(k, _)| k.get_ref() == key)?;
        Some(Item { source: self.source, path: join(&self.path, key), value })
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// If there is none.
    pub fn need(&self, key: &str, what: &str) -> Result<Item<'d>, Fault> {
        self.get(key).ok_or_else(|| {
            let at = if self.path.is_empty() { "the file".into() } else { format!("`{}`", self.path) };
            self.fault(format!("{at} has no `{key}`"), format!("add `{key}`: {what}"))
        })
    }

    /// All entries in file order; they count as used.
    pub fn entries(&self) -> Vec<(String, Item<'d>)> {
        let mut entries: Vec<_> = self
            .entries
            .iter()
            .map(|(key, value)| {
                let item = Item { source: self.source, path: join(&self.path, key.get_ref()), value };
                (key.span().start, key.get_ref().to_string(), item)
            })
            .collect();
        entries.sort_by_key(|(start, ..)| *start);
        self.used.borrow_mut().extend(entries.iter().map(|(_, key, _)| key.clone()));
        entries.into_iter().map(|(_, key, item)| (key, item)).collect()
    }

    /// Refuses the first key that nobody asked for, naming the nearest word.
    ///
    /// # Errors
    /// The unknown word.
    pub fn finish(&self) -> Result<(), Fault> {
        let used = self.used.borrow();
        for key in self.entries.keys() {
            if !used.iter().any(|word| word == key.get_ref()) {
                let at = if self.path.is_empty() { "here".into() } else { format!("in `{}`", self.path) };
                return Err(Fault::at(
                    self.source.file,
                    self.source.text,
                    key.span().start,
                    format!("unknown word `{}` {at}", key.get_ref()),
                    nearest(key.get_ref(), used.iter().map(String::as_str)),
                ));
            }
        }
        Ok(())
    }

    /// A fault at this table; of the file as a whole if this is all of it.
    pub fn fault(&self, message: impl Into<String>, remedy: impl Into<String>) -> Fault {
        if self.path.is_empty() {
            return Fault::whole(self.source.file, message, remedy);
        }
        Fault::at(self.source.file, self.source.text, self.span.start, message, remedy)
    }

    /// A fault at the first text below this table for which `wanted` holds, given the key and the text; else at
    /// this table. For what shows only when all is read: a fault points to the word, not to the whole file.
    pub fn fault_at(
        &self,
        wanted: &dyn Fn(&str, &str) -> bool,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Fault {
        let found = self.entries.iter().filter_map(|(key, value)| first(key.get_ref(), value, wanted)).min();
        match found {
            Some(offset) => Fault::at(self.source.file, self.source.text, offset, message, remedy),
            None => self.fault(message, remedy),
        }
    }
}

/// Offset of the first text for which `wanted` holds.
fn first(key: &str, value: &Spanned<DeValue<'_>>, wanted: &dyn Fn(&str, &str) -> bool) -> Option<usize> {
    match value.get_ref() {
        DeValue::String(text) => wanted(key, text).then(|| value.span().start),
        DeValue::Array(items) => items.iter().filter_map(|item| first(key, item, wanted)).min(),
        DeValue::Table(table) => table.iter().filter_map(|(k, item)| first(k.get_ref(), item, wanted)).min(),
        _ => None,
    }
}

impl<'d> Item<'d> {
    /// Dotted path of the value.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// A fault at this value.
    pub fn fault(&self, message: impl Into<String>, remedy: impl Into<String>) -> Fault {
        Fault::at(self.source.file, self.source.text, self.value.span().start, message, remedy)
    }

    fn expected(&self, what: &str) -> Fault {
        let found = match self.value.get_ref() {
            DeValue::String(_) => "text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a point",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.fault(format!("`{}` must be {what}, found {found}", self.path), format!("write {what}"))
    }

    /// Whether the value is a table.
    pub fn is_table(&self) -> bool {
        self.value.get_ref().is_table()
    }

    /// Whether the value is an array.
    pub fn is_array(&self) -> bool {
        self.value.get_ref().is_array()
    }

    /// Whether the value is a whole number.
    pub fn is_integer(&self) -> bool {
        self.value.get_ref().is_integer()
    }

    /// The value as text.
    ///
    /// # Errors
    /// If it is not text.
    pub fn text(&self) -> Result<String, Fault> {
        self.value.get_ref().as_str().map(Into::into).ok_or_else(|| self.expected("text in quotes"))
    }

    /// The value as text if it is text.
    pub fn as_text(&self) -> Option<&'d str> {
        self.value.get_ref().as_str()
    }

    /// One of a closed set of words.
    ///
    /// # Errors
    /// If it is not one of them, naming the nearest.
    pub fn word<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, Fault> {
        let text = self.text()?;
        words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
            self.fault(
                format!("unknown word `{text}` in `{}`", self.path),
                nearest(&text, words.iter().map(|(word, _)| *word)),
            )
        })
    }

    /// The value as a decimal integer.
    ///
    /// # Errors
    /// If it is not a decimal integer of 64 bits.
    pub fn integer(&self) -> Result<i64, Fault> {
        let integer = self.value.get_ref().as_integer().ok_or_else(|| self.expected("a whole number"))?;
        i64::from_str_radix(integer.as_str(), integer.radix())
            .map_err(|_| self.expected("a whole number of 64 bits"))
    }

    /// The value as true or false.
    ///
    /// # Errors
    /// If it is neither.
    pub fn boolean(&self) -> Result<bool, Fault> {
        self.value.get_ref().as_bool().ok_or_else(|| self.expected("true or false"))
    }

    /// The value as a date and time with offset, in seconds since 1970 UTC.
    ///
    /// # Errors
    /// If it is not one, or has no offset, or lies before 1970.
    pub fn timestamp(&self) -> Result<u64, Fault> {
        let what = "a date and time such as 2023-11-14T22:13:20Z";
        let datetime = self.value.get_ref().as_datetime().ok_or_else(|| self.expected(what))?;
        crate::time::parse_rfc3339(&datetime.to_string()).ok_or_else(|| self.expected(what))
    }

    /// The value as a date alone, `2027-01-31`.
    ///
    /// # Errors
    /// If it is not one.
    pub fn date(&self) -> Result<String, Fault> {
        let date = self.value.get_ref().as_datetime().filter(|d| d.time.is_none()).and_then(|d| d.date);
        date.map(|date| date.to_string()).ok_or_else(|| self.expected("a date such as 2027-01-31"))
    }

    /// The value as a list of values.
    ///
    /// # Errors
    /// If it is not a list.
    pub fn list(&self) -> Result<Vec<Item<'d>>, Fault> {
        let array = self.value.get_ref().as_array().ok_or_else(|| self.expected("a list in brackets"))?;
        let items = array.iter().enumerate();
        Ok(items
            .map(|(i, value)| Item { source: self.source, path: format!("{}[{i}]", self.path), value })
            .collect())
    }

    /// The value as a list of texts.
    ///
    /// # Errors
    /// If it is not a list, or an element is not text.
    pub fn texts(&self) -> Result<Vec<String>, Fault> {
        self.list()?.iter().map(Item::text).collect()
    }

    /// The value as a list of words: a list is written with blanks between its items where it is no JSON.
    ///
    /// # Errors
    /// If it is no list of texts, or an item is empty or has a blank.
    pub fn words(&self) -> Result<Vec<String>, Fault> {
        let items = self.texts()?;
        match items.iter().find(|item| item.is_empty() || item.contains(' ')) {
            None => Ok(items),
            Some(blank) => {
                Err(self.fault(format!("`{blank}` can't stand in a list"), "write items without blanks"))
            }
        }
    }

    /// The value as a token (RFC 9110 section 5.6.2): `what` it is, and an example.
    ///
    /// # Errors
    /// If it is not text, or has other letters.
    pub fn token(&self, what: &str, example: &str) -> Result<String, Fault> {
        let text = self.text()?;
        if is_token(&text) {
            return Ok(text);
        }
        Err(self.fault(format!("`{text}` is no {what}"), format!("write for example `{example}`")))
    }

    /// The value as a table, read by `read`; words that `read` did not use are faults.
    ///
    /// # Errors
    /// If it is not a table, the first fault of `read`, or an unknown word.
    pub fn table<T>(&self, read: impl FnOnce(&Table<'d>) -> Result<T, Fault>) -> Result<T, Fault> {
        let entries = self.value.get_ref().as_table().ok_or_else(|| self.expected("a table"))?;
        let table = Table {
            source: self.source,
            path: self.path.clone(),
            span: self.value.span(),
            entries,
            used: RefCell::default(),
        };
        let value = read(&table)?;
        table.finish()?;
        Ok(value)
    }

    /// The value as compact JSON text.
    ///
    /// # Errors
    /// If it has dates or non-finite numbers, which JSON can't say.
    pub fn json(&self) -> Result<String, Fault> {
        use crate::encoding::string_literal;
        match self.value.get_ref() {
            DeValue::String(text) => Ok(string_literal(text)),
            DeValue::Integer(_) => Ok(self.integer()?.to_string()),
            DeValue::Boolean(value) => Ok(value.to_string()),
            DeValue::Array(_) => {
                let items: Result<Vec<_>, _> = self.list()?.iter().map(Self::json).collect();
                Ok(format!("[{}]", items?.join(",")))
            }
            DeValue::Table(_) => self.table(|table| {
                let members: Result<Vec<_>, _> = table
                    .entries()
                    .iter()
                    .map(|(name, item)| Ok(format!("{}:{}", string_literal(name), item.json()?)))
                    .collect();
                Ok(format!("{{{}}}", members?.join(",")))
            }),
            DeValue::Float(_) | DeValue::Datetime(_) => {
                Err(self.expected("text, a whole number, true, false, a list or a table"))
            }
        }
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.into() } else { format!("{path}.{key}") }
}

/// A remedy that names the nearest of `words`, or all of them if none is near.
pub fn nearest<'w>(word: &str, words: impl Iterator<Item = &'w str>) -> String {
    let mut words: Vec<&str> = words.collect();
    words.sort_unstable();
    words.dedup();
    let best = words.iter().map(|w| (strsim::jaro_winkler(word, w), *w)).max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((score, near)) if score > 0.75 => format!("did you mean `{near}`?"),
        Some(_) => format!("one of: {}", words.join(", ")),
        None => "nothing may stand here".into(),
    }
}
