//! Weaknesses of bindings: computed with one thing wrong, or taken in a wrong form beside the right one, or compared
//! carelessly. The wrong forms are those of [`crate::mistake`].

use super::compare::{DIGEST, PATH};
use super::{Class, List, Touches, part_label};
use crate::compute::evaluate;
use crate::description::{Binding, Rule};
use crate::encoding::Value;
use crate::mistake::alternatives;
use crate::verdict::Reason;
use crate::verify::checks::{binding_by, same};
use crate::verify::values::plain;

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
            if wrong.unpadded {
                continue;
            }
            let says = format!("also takes `{}` {}", part.path(), wrong.says);
            let (what, member, place) = (format!("also-{}", wrong.id), part.name.clone(), part.place);
            list.forgive(row, &what, &says, move |case, _, reason| {
                let sent = case.members(place).and_then(|m| m.find(&member)).and_then(plain);
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
        if !part.when.is_empty() {
            requests(list, row);
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
    let member = name.to_string();
    list.forgive(row, "false-suffices", "takes a value that counts as false", move |case, row, reason| {
        let place = case.plan.part(row.part).map(|p| p.place);
        match place.and_then(|p| case.members(p)).and_then(|m| m.find(&member)) {
            Some(Value::Null | Value::Bool(false)) => Ok(()),
            Some(Value::Number(text)) if text.parse() == Ok(0.0) => Ok(()),
            _ => Err::<(), Reason>(reason),
        }
    });
    let member = name.to_string();
    list.forgive(
        row,
        "one-of-a-list",
        "takes the right value in a list or object",
        move |case, row, reason| {
            let Some(part) = case.plan.part(row.part) else { return Err(reason) };
            let Some(pipeline) = part.pipeline() else { return Err(reason) };
            let found = case.members(part.place).and_then(|m| m.find(&member));
            let inside: Vec<&Value<'_>> = match found {
                Some(Value::Array(items)) => items.iter().collect(),
                Some(Value::Object(members)) => members.iter().map(|(_, v)| v).collect(),
                _ => return Err(reason),
            };
            let want = evaluate(pipeline, case, &mut |_, _| {}).ok();
            let fits = inside.iter().any(|v| plain(v).is_some_and(|sent| want.as_deref() == Some(&*sent)));
            if fits { Ok(()) } else { Err(reason) }
        },
    );
}

/// Requests whose body is not compared: by its media type, its size, or because it is empty.
fn requests(list: &mut List<'_>, row: usize) {
    list.forgive(row, "not-for-other-media", "compares JSON bodies only", |case, _, reason| {
        let mut types = case.request.values("content-type");
        let json = |v: &[u8]| v.to_ascii_lowercase().starts_with(b"application/json");
        if types.any(|v| !json(v)) { Ok(()) } else { Err(reason) }
    });
    list.forgive(row, "not-for-large-bodies", "does not compare a body of over 32 KiB", |case, _, reason| {
        if case.request.body.len() > 32 * 1024 { Ok(()) } else { Err(reason) }
    });
    list.forgive(row, "not-for-empty-bodies", "does not compare an empty body", |case, _, reason| {
        if case.request.body.is_empty() { Ok(()) } else { Err(reason) }
    });
    list.forgive(
        row,
        "not-for-no-json",
        "does not compare a body that is no JSON object",
        |case, _, reason| {
            let rules = crate::encoding::JsonRules::STRICT;
            let parsed =
                crate::encoding::parse_object(case.request.body, &rules, &crate::encoding::Limits::DEFAULT);
            if parsed.is_err() { Ok(()) } else { Err(reason) }
        },
    );
}
