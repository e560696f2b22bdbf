//! Weaknesses of nonces: what is remembered, of whom, when and for how long; and which forms are taken.

use super::{Class, List};
use crate::encoding::Value;
use crate::verdict::Reason;
use crate::verify::case::Case;
use crate::verify::checks::{Remembered, replay_by};

/// What a careless memory keeps.
type Remember = fn(&Case<'_>, Remembered) -> Remembered;

pub(super) fn add(list: &mut List<'_>) {
    let table: [(Class, &str, &str, Remember); 8] =
        [
            (Class::Accepts, "by-token-text", "remembers the token and not the nonce", |case, r| {
                Remembered { value: case.token.unwrap_or_default().to_vec(), ..r }
            }),
            (Class::Accepts, "by-field-line", "remembers the line and not the nonce", |case, r| Remembered {
                value: case.request.values("authorization").flatten().copied().collect(),
                ..r
            }),
            (Class::Accepts, "by-target", "remembers the nonce of each address apart", |case, r| {
                Remembered { value: [r.value, case.request.target.as_bytes().to_vec()].concat(), ..r }
            }),
            (Class::Accepts, "forgotten-at-once", "forgets the nonce after a second", |case, r| Remembered {
                until: case.context.now.saturating_add(1),
                ..r
            }),
            (Class::Refuses, "shared", "keeps the nonces of all callers together", |_, r| Remembered {
                credential: 0,
                ..r
            }),
            (Class::Refuses, "as-a-double", "keeps nonces as doubles", |_, r| Remembered {
                value: number(&r.value).map_or(r.value, |n| n.to_string().into_bytes()),
                ..r
            }),
            (Class::Refuses, "in-32-bits", "keeps nonces in 32 bits", |_, r| Remembered {
                value: std::str::from_utf8(&r.value)
                    .ok()
                    .and_then(|t| t.parse::<u64>().ok())
                    .map_or(r.value, |n| (n % (1 << 32)).to_string().into_bytes()),
                ..r
            }),
            (Class::Refuses, "for-ever-per-caller", "takes one nonce for each caller", |_, r| Remembered {
                value: Vec::new(),
                ..r
            }),
        ];
    for row in list.rows("replay", "single use") {
        for (class, what, says, remember) in table {
            list.replace(class, row, what, says, move |case, row| replay_by(case, row, &remember));
        }
        order(list, row);
        rising(list, row);
    }
    forms(list);
}

fn number(bytes: &[u8]) -> Option<f64> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// The nonce is spent before something else of the token is checked.
fn order(list: &mut List<'_>, row: usize) {
    for (what, says, stage, name) in [
        ("before-signature", "spends the nonce before the signature is verified", "signature", "signature"),
        ("before-time", "spends the nonce before the time is checked", "time", ""),
        ("before-binding", "spends the nonce before the body is compared", "binding", ""),
    ] {
        let reference = list.plan.rows().get(row).and_then(|r| r.reference.clone());
        list.add(Class::Refuses, &format!("single-use/{what}"), says, reference.as_ref(), move |plan| {
            let target =
                plan.rows.iter().position(|r| r.stage == stage && (name.is_empty() || r.name == name));
            let Some(target) = target.filter(|t| *t < row) else { return };
            if stage == "signature" {
                early(plan, target, row);
                return;
            }
            let moved = plan.rows.remove(row);
            plan.rows.insert(target, moved);
        });
    }
}

/// Before the signature nothing is parsed yet: claims are parsed, and the nonce is spent, first.
fn early(plan: &mut crate::plan::Plan, target: usize, row: usize) {
    let Some(spend) = plan.rows.get(row).and_then(|r| r.part) else { return };
    let Some(signature) = plan.rows.get_mut(target) else { return };
    let strict = std::mem::replace(&mut signature.check, Box::new(|_, _| Ok(())));
    signature.check = Box::new(move |case, row| {
        let result = strict(case, row);
        if result.is_err() {
            let token = case.compact;
            if let Some(crate::token::Compact::Jws([_, payload, _])) = token
                && let Ok(bytes) = crate::encoding::decode_url(payload, &case.plan.base64.payload)
            {
                let limits = crate::encoding::Limits::DEFAULT;
                let parsed = crate::encoding::parse_object(&bytes, &case.plan.json.claims, &limits);
                let part = case.plan.part(Some(spend));
                let value = parsed.ok().zip(part).and_then(|(m, p)| {
                    m.find(&p.name).and_then(crate::verify::values::plain).map(std::borrow::Cow::into_owned)
                });
                if let (Some(value), Some(credential)) = (value, case.candidates.first()) {
                    case.context.replay.spend(*credential, &value, u64::MAX, case.context.now);
                }
            }
        }
        result
    });
}

/// Only a nonce above the last one is taken.
fn rising(list: &mut List<'_>, row: usize) {
    list.replace(Class::Refuses, row, "must-rise", "takes rising nonces only", |case, row| {
        let part = case.plan.part(row.part);
        let value = part
            .and_then(|p| case.claims.as_ref()?.find(&p.name))
            .and_then(crate::verify::values::plain)
            .and_then(|v| std::str::from_utf8(&v).ok().and_then(|t| t.parse::<u64>().ok()));
        let Some(value) = value else { return replay_by(case, row, &|_, r| r) };
        // The memory has one number for each caller: its key is the caller, its end is the number.
        let credential = case.candidates.first().copied().unwrap_or_default();
        match case.context.replay.spend(credential, b"last", value, value.saturating_sub(1)) {
            crate::store::Spent::Fresh => Ok(()),
            _ => Err(Reason::NonceReused),
        }
    });
}

/// Forms of a nonce that the strict check refuses, each taken alone. Numbers in another spelling, or as text, are
/// recorded and not judged.
fn forms(list: &mut List<'_>) {
    type Fits = fn(&Value<'_>) -> bool;
    let table: [(&str, &str, Fits); 4] = [
        ("any-text", "takes any text", |v| {
            v.as_str().is_some_and(|t| t.bytes().any(|b| b.is_ascii_alphabetic()))
        }),
        ("empty-text", "takes an empty text", |v| v.as_str() == Some("")),
        ("null", "takes `null`", |v| *v == Value::Null),
        ("anything-else", "takes a list, an object or `true`", |v| {
            matches!(v, Value::Array(_) | Value::Object(_) | Value::Bool(_))
        }),
    ];
    for (row, _, part) in list.part_rows("replay") {
        for (what, says, fits) in table {
            let name = part.name.clone();
            list.forgive(row, what, says, move |case, _, reason| {
                let found = case.claims.as_ref().and_then(|c| c.find(&name));
                if found.is_some_and(fits) { Ok(()) } else { Err(reason) }
            });
        }
    }
}
