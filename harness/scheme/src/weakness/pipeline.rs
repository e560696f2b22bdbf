//! Weaknesses of bindings: computed with one thing wrong, or taken in a wrong form beside the right one, or compared
//! carelessly. The wrong forms are those of [`crate::mistake`].

use super::compare::{DIGEST, PATH};
use super::{Class, List, Touches, part_label};
use crate::compute::evaluate;
use crate::description::{Binding, Rule};
use crate::encoding::{JsonError, JsonErrorKind, JsonRules, Limits, Members, Value, parse_object};
use crate::mistake::alternatives;
use crate::plan::{Row, match_path};
use crate::request::Request;
use crate::verdict::Reason;
use crate::verify::case::Case;
use crate::verify::checks::{binding_by, same};
use crate::verify::values::{plain, typed};

pub(super) fn add(list: &mut List<'_>) {
    for (row, position, part) in list.part_rows("binding") {
        let Some(pipeline) = part.pipeline().cloned() else { continue };
        let label = part_label(list.d(), &part);
        for wrong in alternatives(&pipeline) {
            let says = format!("computes `{}` {}", part.path(), wrong.says);
            let (id, changed) = (format!("{label}/{}", wrong.id), wrong.pipeline.clone());
            list.add(Class::Refuses, &id, &says, part.reference.as_ref(), move |plan| {
                if let Some(part) = plan.description.parts.get_mut(position) {
                    part.rule = Rule::From(changed.clone());
                }
            });
            list.touches(Touches::Reaching(row));
            if wrong.open {
                continue;
            }
            let says = format!("also takes `{}` {}", part.path(), wrong.says);
            let (what, part) = (format!("also-{}", wrong.id), part.clone());
            list.forgive(row, &what, &says, move |case, _, reason| {
                let found = case.members(part.place).and_then(|m| m.find(&part.name));
                let sent = found.and_then(|value| typed(value, &part.types));
                let made = evaluate(&wrong.pipeline, case, &mut |_, _| {}).ok();
                match (sent, made) {
                    // What is no text travels in JSON with replacement characters.
                    (Some(sent), Some(made)) if same(String::from_utf8_lossy(&made).as_bytes(), &sent) => {
                        Ok(())
                    }
                    _ => Err(reason),
                }
            });
        }
        let path = part.binds() == Some(Binding::Path) && pipeline.steps.is_empty();
        let table = if path { PATH.as_slice() } else { DIGEST.as_slice() };
        for (what, says, lax) in table.iter().copied() {
            list.replace(Class::Accepts, row, what, says, move |case, row| binding_by(case, row, &lax));
        }
        loose(list, row, &part.name);
        if part.binds() == Some(Binding::Body) {
            requests(list, row);
        }
        if part.when.is_empty() {
            half(list, row);
        }
    }
}

/// Values that count as false, or hold the right one inside.
fn loose(list: &mut List<'_>, row: usize, name: &str) {
    let member = name.to_string();
    list.forgive(row, "empty-suffices", "takes an empty value", move |case, row, reason| {
        let place = case.plan.part(row.part).map(|p| p.place);
        let found = place.and_then(|p| case.members(p)).and_then(|m| m.find(&member));
        if found.and_then(Value::as_str).is_some_and(str::is_empty) { Ok(()) } else { Err(reason) }
    });
    type Counts = fn(&Value<'_>) -> bool;
    let counts: [(&str, &str, Counts); 4] = [
        ("false-suffices", "takes a value that counts as false", |v| match v {
            Value::Null | Value::Bool(false) => true,
            Value::Number(text) => text.parse() == Ok(0.0),
            _ => false,
        }),
        ("null-suffices", "takes `null` for absent", |v| *v == Value::Null),
        (
            "zero-suffices",
            "takes zero for any value",
            |v| matches!(v, Value::Number(text) if text.parse() == Ok(0.0)),
        ),
        (
            "empty-list-suffices",
            "takes an empty list for any value",
            |v| matches!(v, Value::Array(items) if items.is_empty()),
        ),
    ];
    for (what, says, fits) in counts {
        let member = name.to_string();
        list.forgive(row, what, says, move |case, row, reason| {
            let place = case.plan.part(row.part).map(|p| p.place);
            let found = place.and_then(|p| case.members(p)).and_then(|m| m.find(&member));
            if found.is_some_and(fits) { Ok(()) } else { Err::<(), Reason>(reason) }
        });
    }
    let member = name.to_string();
    list.forgive(
        row,
        "one-of-a-list",
        "takes the right value in a list or object",
        move |case, row, reason| {
            let Some(part) = case.plan.part(row.part) else { return Err(reason) };
            let Some(pipeline) = part.pipeline() else { return Err(reason) };
            let found = case.members(part.place).and_then(|m| m.find(&member));
            let inside: Vec<Value<'_>> = match found {
                Some(Value::Array(items)) => items.iter().collect(),
                Some(Value::Object(members)) => members.iter().map(|(_, v)| v.clone()).collect(),
                _ => return Err(reason),
            };
            let want = evaluate(pipeline, case, &mut |_, _| {}).ok();
            let fits = inside.iter().any(|v| plain(v).is_some_and(|sent| want.as_deref() == Some(&*sent)));
            if fits { Ok(()) } else { Err(reason) }
        },
    );
}

/// A binding of every request, not looked at for some.
fn half(list: &mut List<'_>, row: usize) {
    list.forgive(row, "not-for-reads", "compares it where something is written only", |case, _, reason| {
        if case.request.method == "GET" { Ok(()) } else { Err(reason) }
    });
    list.forgive(row, "not-for-writes", "compares it where something is read only", |case, _, reason| {
        if case.request.method == "GET" { Err(reason) } else { Ok(()) }
    });
}

/// Whether a careless verifier skips a request.
type Skips = fn(&Request<'_>) -> bool;

/// Requests whose body is not compared: by its media type, its size or what is in it.
const SKIPPED: [(&str, &str, Skips); 18] = [
    ("not-for-other-media", "compares JSON bodies only", |r| {
        r.values("content-type").any(|v| !v.to_ascii_lowercase().starts_with(b"application/json"))
    }),
    ("not-for-forms", "does not compare the body of a form", |r| media(r, b"application/x-www-form")),
    ("not-for-multipart", "does not compare a body in several parts", |r| media(r, b"multipart/")),
    ("not-for-text", "does not compare a body that is plain text", |r| media(r, b"text/")),
    ("not-for-vendor-types", "does not compare JSON of a vendor's type", |r| media(r, b"application/vnd.")),
    ("not-for-charsets", "does not compare a body in a named character set", |r| {
        r.values("content-type").any(|v| v.windows(8).any(|w| w.eq_ignore_ascii_case(b"charset=")))
    }),
    ("not-for-huge-bodies", "does not compare a body of over 512 KiB", |r| r.body.len() > 512 * 1024),
    ("not-for-named-methods", "believes a field that names a method without a body", |r| {
        r.values("x-http-method-override").any(|v| v == b"GET")
    }),
    ("not-for-null", "does not compare a body that is null", |r| r.body == b"null"),
    ("not-for-empty-objects", "does not compare an empty object", |r| r.body == b"{}"),
    ("not-for-nuls", "does not compare a body with a NUL in it", |r| r.body.contains(&0)),
    ("not-for-marks", "does not compare a body behind a byte order mark", |r| {
        r.body.starts_with(b"\xef\xbb\xbf")
    }),
    ("not-for-packed-bodies", "does not compare a body that was packed", |r| r.body.starts_with(b"\x1f\x8b")),
    ("not-for-second-members", "does not compare a body in which a member stands twice", |r| {
        object(r).is_err_and(|e| e.kind == JsonErrorKind::DuplicateName)
    }),
    ("not-for-escaped-names", "does not compare a body with an escape in a member's name", |r| {
        // A name ends where a quote and a colon stand; its text begins after the quote before.
        let text = String::from_utf8_lossy(r.body);
        text.split("\":").any(|before| before.rsplit('"').next().is_some_and(|name| name.contains('\\')))
    }),
    ("not-for-large-bodies", "does not compare a body of over 32 KiB", |r| r.body.len() > 32 * 1024),
    ("not-for-empty-bodies", "does not compare an empty body", |r| r.body.is_empty()),
    ("not-for-no-json", "does not compare a body that is no JSON object", |r| object(r).is_err()),
];

fn requests(list: &mut List<'_>, row: usize) {
    for (what, says, skips) in SKIPPED {
        let second = move |case: &mut Case<'_>, _: &Row, reason| {
            if skips(case.request) { Ok(()) } else { Err(reason) }
        };
        list.forgive(row, what, says, second);
    }
    let first = list.world.endpoints.iter().find(|e| e.role == "write").map(|e| e.path.clone());
    let says = "compares the bodies of one operation and forgets the others";
    list.forgive(row, "one-operation-only", says, move |case, _, reason| {
        let path = case.request.path();
        let other = first.as_ref().is_some_and(|first| match_path(first, path).is_none());
        if other && case.request.method == "POST" { Ok(()) } else { Err(reason) }
    });
}

/// Whether a request names a media type that begins so.
fn media(request: &Request<'_>, begin: &[u8]) -> bool {
    request.values("content-type").any(|v| v.to_ascii_lowercase().starts_with(begin))
}

fn object<'r>(request: &Request<'r>) -> Result<Members<'r>, JsonError> {
    parse_object(request.body, &JsonRules::STRICT, &Limits::DEFAULT)
}
