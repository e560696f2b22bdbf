//! Weaknesses in how claims, header parameters and copies are compared and typed.

use std::borrow::Cow;

use super::compare::TEXT;
use super::{Class, List};
use crate::description::{Part, Place, Rule, Type};
use crate::encoding::Value;
use crate::verdict::Reason;
use crate::verify::case::Case;
use crate::verify::checks::{claim_by, compared, copy_by, same};
use crate::verify::values::plain;

pub(super) fn add(list: &mut List<'_>) {
    let callers = list.d().caller_key();
    for (row, _, part) in list.part_rows("claims") {
        if compared(list.d(), &part) {
            // A platform writes whole values of its own; another environment's may differ by case or be empty.
            let own = |what: &str| list_has(&["any-case", "empty-suffices"], what) || callers;
            for (what, says, lax) in TEXT.into_iter().filter(|t| own(t.0)) {
                list.replace(Class::Accepts, row, what, says, move |case, row| claim_by(case, row, &lax));
            }
            if callers {
                loose(list, row, &part);
            }
        }
        if !part.identifies && (callers || compared(list.d(), &part)) {
            null(list, row, &part);
        }
    }
    for stage in ["carrier", "header"] {
        for (row, _, part) in list.part_rows(stage) {
            let copies = list.plan.rows().get(row).is_some_and(|r| {
                r.reasons.contains(&Reason::CarrierMismatch)
                    || r.stage == "header" && r.reasons == [Reason::HeaderMismatch]
            });
            if copies && part.place != Place::Answer {
                let own = |what: &str| ["by-prefix", "contained"].contains(&what) || !part.optional;
                for (what, says, lax) in TEXT.into_iter().filter(|t| own(t.0)) {
                    list.replace(Class::Accepts, row, what, says, move |case, row| copy_by(case, row, &lax));
                }
            }
        }
    }
}

fn list_has(words: &[&str], word: &str) -> bool {
    words.contains(&word)
}

/// A value of another JSON type that reads the same, or that counts as true.
fn loose(list: &mut List<'_>, row: usize, part: &Part) {
    let reasons = [Reason::ClaimsWrongType, Reason::ClaimsMismatch];
    let member = part.clone();
    list.forgive(row, "true-suffices", "takes `true` for any value", move |case, _, reason| {
        let found = case.members(Place::Claims).and_then(|m| m.find(&member.name));
        if reasons.contains(&reason) && found == Some(&Value::Bool(true)) { Ok(()) } else { Err(reason) }
    });
    let member = part.clone();
    list.forgive(row, "one-of-a-list", "takes a list with the right value in it", move |case, _, reason| {
        let found = case.members(Place::Claims).and_then(|m| m.find(&member.name));
        let Some(Value::Array(items)) = found else { return Err(reason) };
        let fits = items.iter().any(|item| {
            plain(&item).is_some_and(|sent| expected(case, &member).is_some_and(|want| same(&want, &sent)))
        });
        if fits { Ok(()) } else { Err(reason) }
    });
    if part.types.contains(&Type::Integer) || matches!(part.rule, Rule::Constant(_)) {
        let member = part.clone();
        list.forgive(row, "as-a-number", "compares as numbers", move |case, _, reason| {
            let number =
                |bytes: &[u8]| std::str::from_utf8(bytes).ok().and_then(|t| t.trim().parse::<f64>().ok());
            let found = case.members(Place::Claims).and_then(|m| m.find(&member.name)).and_then(plain);
            let sent = found.as_deref().and_then(number);
            let want = expected(case, &member).as_deref().and_then(number);
            if sent.is_some() && sent == want { Ok(()) } else { Err(reason) }
        });
    }
}

/// `null` is as good as absent.
fn null(list: &mut List<'_>, row: usize, part: &Part) {
    let member = part.clone();
    list.forgive(row, "null-suffices", "reads `null` as any value", move |case, _, reason| {
        let found = case.members(Place::Claims).and_then(|m| m.find(&member.name));
        if found == Some(&Value::Null) { Ok(()) } else { Err(reason) }
    });
}

/// What the strict comparison expects.
fn expected(case: &Case<'_>, part: &Part) -> Option<Vec<u8>> {
    match &part.rule {
        Rule::Constant(text) => Some(text.clone().into_bytes()),
        Rule::From(pipeline) => crate::compute::value(pipeline, case).ok().map(Cow::into_owned),
        Rule::Time(_) | Rule::Nonce(_) => None,
    }
}
