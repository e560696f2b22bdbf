//! The checks of what carries a credential: one field line of the documented form, or a member of the body. They must
//! not look into a token.

use crate::description::{Part, Source};
use crate::encoding::{Limits, Value, is_word, parse_object, same_word};
use crate::plan::Row;
use crate::request::Request;
use crate::verdict::Reason;
use crate::verify::case::Case;
use crate::verify::values::is_typed;

/// One field line, with its auth-scheme or prefix.
pub(crate) fn field(case: &mut Case<'_>, row: &Row) -> Result<(), Reason> {
    let part = case.plan.part_of(row)?;
    let position = row.part.ok_or_else(|| row.refusal())?;
    let Some(text) = field_value(case.request, part)? else { return Ok(()) };
    if part.pipeline().and_then(|p| p.single()) == Some(&Source::Token) {
        case.token = Some(text);
    }
    case.fields.push((position, text));
    Ok(())
}

/// The value that a field part carries: exactly one line, of the documented form. `None` if it is optional and
/// absent.
pub(crate) fn field_value<'r>(request: &Request<'r>, part: &Part) -> Result<Option<&'r [u8]>, Reason> {
    let mut lines = request.values(&part.name);
    let Some(line) = lines.next() else {
        return if part.optional { Ok(None) } else { Err(Reason::CarrierMissing) };
    };
    if lines.next().is_some() {
        return Err(Reason::CarrierDuplicate);
    }
    let line = trim(line);
    if line.is_empty() {
        // What need not be there is there all the same, and in no form that is documented.
        return Err(if part.optional { Reason::CarrierMalformed } else { Reason::CarrierMissing });
    }
    let text = match (&part.auth_scheme, &part.prefix) {
        (Some(scheme), _) => after_scheme(line, scheme)?,
        (None, Some(prefix)) => line.strip_prefix(prefix.as_bytes()).ok_or(Reason::CarrierMalformed)?,
        (None, None) => line,
    };
    // A credential is one word of visible ASCII; a comma would join two field lines (RFC 9110 section 5.3).
    if text.is_empty() || !is_word(text) {
        return Err(Reason::CarrierMalformed);
    }
    Ok(Some(text))
}

/// RFC 9110 section 11.4: auth-scheme in any case, one or more spaces, then the value.
fn after_scheme<'r>(line: &'r [u8], scheme: &str) -> Result<&'r [u8], Reason> {
    let (word, rest) = line.split_at_checked(scheme.len()).ok_or(Reason::CarrierMalformed)?;
    if !same_word(word, scheme.as_bytes()) || !rest.starts_with(b" ") {
        return Err(Reason::CarrierMalformed);
    }
    let start = rest.iter().position(|b| *b != b' ').ok_or(Reason::CarrierMalformed)?;
    rest.get(start..).ok_or(Reason::CarrierMalformed)
}

/// White space around a field value is not part of it (RFC 9110 section 5.5).
fn trim(line: &[u8]) -> &[u8] {
    let blank = |b: &u8| matches!(b, b' ' | b'\t');
    let start = line.iter().position(|b| !blank(b)).unwrap_or(line.len());
    let end = line.iter().rposition(|b| !blank(b)).map_or(start, |i| i + 1);
    line.get(start..end).unwrap_or(&[])
}

/// A member of the JSON body that carries something.
pub(crate) fn body_member(case: &mut Case<'_>, row: &Row) -> Result<(), Reason> {
    let part = case.plan.part_of(row)?;
    if case.body.is_none() {
        let body = case.request.body;
        if body.is_empty() {
            return Err(Reason::CarrierMissing);
        }
        let members = parse_object(body, &case.plan.json.body, &Limits::DEFAULT);
        case.body = Some(members.map_err(|_| Reason::CarrierMalformed)?);
    }
    let found = case.body.as_ref().and_then(|members| members.find(&part.name));
    match found {
        None if part.optional => Ok(()),
        None => Err(Reason::CarrierMissing),
        Some(value) if !is_typed(value, &part.types) => Err(Reason::CarrierMalformed),
        Some(Value::String(text)) if text.is_empty() => Err(Reason::CarrierMissing),
        Some(_) => Ok(()),
    }
}
