//! Properties of the JSON reader and of the compactor. They must not share code with what they judge.

use std::collections::BTreeSet;
use std::fmt;

use bearproof_scheme::encoding::{JsonErrorKind, JsonRules, Limits, Members, Value, compact, parse_object};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::ensure;
use super::ground::Ground;

pub(super) fn object(_: &Ground, data: &[u8]) -> Result<(), String> {
    let limits = Limits::DEFAULT;
    let ours = parse_object(data, &JsonRules::STRICT, &limits);
    if let Err(error) = &ours {
        ensure(error.offset <= data.len(), || format!("the fault lies beyond the text: {error}"))?;
    }
    let shape = match serde_json::from_slice::<Shape>(data) {
        Err(error) if beyond_f64(&error) => return Ok(()),
        shape => shape.ok(),
    };
    let good = shape
        .is_some_and(|s| s.object && !s.duplicate && s.depth <= limits.depth && s.members <= limits.members);
    ensure(ours.is_ok() == good, || format!("we say {:?}, serde_json says {shape:?}", ours.as_ref().err()))?;
    let Ok(members) = ours else { return Ok(()) };
    let theirs: serde_json::Value = serde_json::from_slice(data).map_err(|e| e.to_string())?;
    let written = Value::Object(Box::new(members)).to_text();
    let back = serde_json::from_str::<serde_json::Value>(&written).ok();
    ensure(back.as_ref() == Some(&theirs), || format!("read and written, it is another value: {written}"))
}

pub(super) fn compacted(_: &Ground, data: &[u8]) -> Result<(), String> {
    let ours = compact(data, &Limits::DEFAULT);
    let shape = match serde_json::from_slice::<Shape>(data) {
        Err(error) if beyond_f64(&error) => return idempotent(data),
        shape => shape.ok(),
    };
    let good = shape.is_some_and(|s| s.depth <= Limits::DEFAULT.depth);
    ensure(ours.is_ok() == good, || format!("we say {:?}, serde_json says {shape:?}", ours.as_ref().err()))?;
    idempotent(data)
}

/// What holds for a text that compacts, without asking serde_json.
fn idempotent(data: &[u8]) -> Result<(), String> {
    let Ok(once) = compact(data, &Limits::DEFAULT) else { return Ok(()) };
    ensure(*once == *naive(data), || "bytes went or stayed that should not".into())?;
    let twice = compact(&once, &Limits::DEFAULT);
    ensure(twice.as_deref() == Ok(&*once), || "compacting twice gives something else".into())?;
    let before = strict(data);
    let other = |e: &JsonErrorKind| {
        !matches!(
            e,
            JsonErrorKind::ExpectedObject
                | JsonErrorKind::DuplicateName
                | JsonErrorKind::TooManyMembers { .. }
        )
    };
    ensure(!before.as_ref().is_err_and(other), || format!("it compacts, but does not read: {before:?}"))?;
    ensure(before == strict(&once), || "compacting changes the value".into())
}

fn strict(text: &[u8]) -> Result<Members<'_>, JsonErrorKind> {
    parse_object(text, &JsonRules::STRICT, &Limits::DEFAULT).map_err(|error| error.kind)
}

/// Removes white space outside strings, byte by byte. Knows nothing else about JSON.
fn naive(text: &[u8]) -> Vec<u8> {
    let (mut in_string, mut after_backslash) = (false, false);
    let mut kept = Vec::with_capacity(text.len());
    for &byte in text {
        if in_string {
            in_string = after_backslash || byte != b'"';
            after_backslash = !after_backslash && byte == b'\\';
        } else if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            continue;
        } else {
            in_string = byte == b'"';
        }
        kept.push(byte);
    }
    kept
}

/// The one thing that serde_json refuses and RFC 8259 does not.
pub(super) fn beyond_f64(error: &serde_json::Error) -> bool {
    error.to_string().starts_with("number out of range")
}

/// What serde_json sees in a text.
#[derive(Debug, Clone, Copy, Default)]
struct Shape {
    object: bool,
    /// Some name stands twice in one object.
    duplicate: bool,
    /// Arrays and objects inside each other.
    depth: usize,
    /// Members of the largest object.
    members: usize,
}

impl Shape {
    fn hold(&mut self, inner: Self) {
        self.duplicate |= inner.duplicate;
        self.depth = self.depth.max(inner.depth + 1);
        self.members = self.members.max(inner.members);
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Shapes)
    }
}

struct Shapes;

impl<'de> Visitor<'de> for Shapes {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
        Ok(Shape::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Shape, E> {
        Ok(Shape::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Shape, E> {
        Ok(Shape::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Shape, E> {
        Ok(Shape::default())
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Shape, A::Error> {
        let mut shape = Shape { depth: 1, ..Shape::default() };
        while let Some(element) = elements.next_element()? {
            shape.hold(element);
        }
        Ok(shape)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Shape, A::Error> {
        let mut shape = Shape { depth: 1, ..Shape::default() };
        let mut names = BTreeSet::new();
        while let Some((name, value)) = members.next_entry::<String, Shape>()? {
            shape.hold(value);
            shape.duplicate |= !names.insert(name);
        }
        shape.object = true;
        shape.members = shape.members.max(names.len());
        Ok(shape)
    }
}
