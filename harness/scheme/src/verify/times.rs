//! The checks of times: `exp`, `nbf`, `iat` and their like. Now comes from the context; nothing here asks a clock.

use crate::description::{Part, Place, Rule, TimeRule, Type};
use crate::plan::Row;
use crate::verdict::Reason;
use crate::verify::case::Case;
use crate::verify::values::read_time;

/// The reasons that a time can refuse with, beside being absent or of the wrong type.
pub(crate) fn time_reasons(rule: TimeRule, at_most: Option<u64>) -> Vec<Reason> {
    match (rule, at_most) {
        (TimeRule::Expires, Some(_)) => vec![Reason::TimeExpired, Reason::TimeTooFar],
        (TimeRule::Expires, None) => vec![Reason::TimeExpired, Reason::TimeTooFar],
        (TimeRule::NotBefore, _) => vec![Reason::TimeNotYet],
        (TimeRule::Issued, Some(_)) => vec![Reason::TimeTooOld, Reason::TimeNotYet],
        (TimeRule::Issued, None) => Vec::new(),
    }
}

pub(crate) fn time(case: &mut Case<'_>, row: &Row) -> Result<(), Reason> {
    let part = case.plan.part_of(row)?;
    let Rule::Time(rule) = &part.rule else { return Err(row.refusal()) };
    let Some(found) = case.claim(row.claim, &part.name) else {
        return if part.optional { Ok(()) } else { Err(Reason::TimeMissing) };
    };
    let time = read_time(found, &part.types).ok_or(Reason::TimeWrongType)?;
    let (now, leeway) = (case.context.now, case.plan.leeway);
    match rule {
        TimeRule::Expires => {
            if now >= time.saturating_add(leeway) {
                return Err(Reason::TimeExpired);
            }
            if time == u64::MAX {
                return Err(Reason::TimeTooFar);
            }
            let Some(limit) = part.at_most else { return Ok(()) };
            let start = issued(case).unwrap_or(now);
            if time.saturating_sub(start) > limit { Err(Reason::TimeTooFar) } else { Ok(()) }
        }
        TimeRule::NotBefore if now.saturating_add(leeway) < time => Err(Reason::TimeNotYet),
        TimeRule::NotBefore => Ok(()),
        TimeRule::Issued => match part.at_most {
            Some(_) if now.saturating_add(leeway) < time => Err(Reason::TimeNotYet),
            Some(limit) if now > time.saturating_add(limit).saturating_add(leeway) => Err(Reason::TimeTooOld),
            _ => Ok(()),
        },
    }
}

/// `nbf` where the scheme does not speak of it: RFC 7519 section 4.1.5 forbids to accept a token before it.
pub(crate) fn registered_not_before(case: &mut Case<'_>, _: &Row) -> Result<(), Reason> {
    // No part has this name, so it has no number.
    let Some(found) = case.claim(None, "nbf") else { return Ok(()) };
    let time = read_time(found, &[Type::Seconds]).ok_or(Reason::TimeWrongType)?;
    if case.context.now.saturating_add(case.plan.leeway) < time { Err(Reason::TimeNotYet) } else { Ok(()) }
}

/// When the token says it was issued; from there its life is counted.
fn issued(case: &Case<'_>) -> Option<u64> {
    let is_issued = |p: &&Part| p.place == Place::Claims && matches!(p.rule, Rule::Time(TimeRule::Issued));
    let part = case.plan.description.parts.iter().find(is_issued)?;
    read_time(case.claims.as_ref()?.find(&part.name)?, &part.types)
}
