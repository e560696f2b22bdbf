//! JSON values that keep what was written: order, number text, borrowed strings. They must not lose or change any of it.

mod read;
mod usual;
mod write;

use std::borrow::Cow;

use arrayvec::ArrayVec;

use super::scan::{Scanner, plain_run};
pub(crate) use read::parse_members;
use read::value;
pub use read::{Duplicates, JsonRules, parse_object, parse_value};
pub(crate) use usual::{INLINE_MEMBERS, Name, Places};
pub use write::string_literal;
use write::write_value;

/// A JSON value (RFC 8259 section 3). Two are equal if they have the same members in the same order and the
/// same number texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it is written: its text is all that a sender and a receiver surely share.
    Number(&'a str),
    /// A string without its escapes; borrowed if it has none.
    String(Cow<'a, str>),
    /// An array.
    Array(Elements<'a>),
    /// An object.
    Object(Box<Members<'a>>),
}

/// The members of an object in the order of the text, each name once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Members<'a> {
    /// The first ones, without an allocation.
    first: ArrayVec<Member<'a>, INLINE_MEMBERS>,
    /// Those for which there is no place.
    more: Vec<Member<'a>>,
}

/// Name and value.
type Member<'a> = (Cow<'a, str>, Value<'a>);

/// The elements of an array. Its text was read and is good; they are made again by whoever asks for them, so that a
/// list among claims costs nothing.
#[derive(Debug, Clone, Copy)]
pub struct Elements<'a> {
    /// What stands between the brackets.
    text: &'a str,
    rules: JsonRules,
    /// Whether all are strings without escapes.
    plain: bool,
}

impl PartialEq for Elements<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Elements<'_> {}

impl<'a> Elements<'a> {
    /// Each element, in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let mut scan = Scanner::again(self.text);
        let rules = self.rules;
        std::iter::from_fn(move || scan.next_element(|scan| value(scan, &rules)))
    }

    /// The elements, if all are strings without escapes: quotes stand around them and nowhere else.
    pub(crate) fn plain_texts(&self) -> Option<impl Iterator<Item = &'a str> + use<'a>> {
        let mut rest = self.text;
        self.plain.then(|| {
            std::iter::from_fn(move || {
                // Most writers put nothing but a comma between them.
                let next = rest.strip_prefix(',').unwrap_or(rest);
                let quoted = match next.strip_prefix('"') {
                    Some(quoted) => quoted,
                    None => rest.get(plain_run(rest.as_bytes()) + 1..)?,
                };
                let text = quoted.get(..plain_run(quoted.as_bytes()))?;
                rest = quoted.get(text.len() + 1..)?;
                Some(text)
            })
        })
    }

    /// Whether all elements are strings without escapes.
    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }

    /// Whether the array is `[]`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

impl<'a> FromIterator<(Cow<'a, str>, Value<'a>)> for Members<'a> {
    /// Whoever collects gives each name once.
    fn from_iter<I: IntoIterator<Item = (Cow<'a, str>, Value<'a>)>>(members: I) -> Self {
        let mut all = Self::default();
        members.into_iter().for_each(|member| all.push(member));
        all
    }
}

impl<'a> Members<'a> {
    /// Name and value of each member, in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.first.iter().chain(&self.more).map(|(name, value)| (name.as_ref(), value))
    }

    /// The value of the member called `name`. Looks at one member after the other.
    #[must_use]
    #[inline(never)]
    pub fn find(&self, name: &str) -> Option<&Value<'a>> {
        self.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.first.len() + self.more.len()
    }

    /// Whether the object is `{}`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    fn push(&mut self, member: Member<'a>) {
        if let Err(full) = self.first.try_push(member) {
            self.more.push(full.element());
        }
    }

    fn value_mut(&mut self, position: usize) -> Option<&mut Value<'a>> {
        self.first.iter_mut().chain(&mut self.more).nth(position).map(|(_, value)| value)
    }
}

impl Value<'_> {
    /// The text of a string; `None` for every other value.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value as JSON without white space; strings as [`string_literal`] writes them, numbers as read.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        write_value(&mut out, self);
        out
    }
}
