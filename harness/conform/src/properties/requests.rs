//! Properties of whole requests. The expected verdict must come from a second way of reading the request.

use bearproof_scheme::description::{Format, Part, Place, Rule, Source, TimeRule, Type};
use bearproof_scheme::key::Key;
use bearproof_scheme::request::Message;
use bearproof_scheme::token::{IV_LEN, make};
use bearproof_scheme::world::{Endpoint, Value, Values, value};

use super::ensure;
use super::ground::{Ground, Stand};
use super::json::beyond_f64;
use super::oracle::Says;
use super::signing::{answer, fresh, refused};
use crate::suite::Variant;

pub(super) fn carrier_field(ground: &Ground, data: &[u8]) -> Result<(), String> {
    let Some((stand, rest)) = ground.stand(data) else { return Ok(()) };
    let Some(part) = stand.carrier() else { return Ok(()) };
    let (good, lines) = (credential(stand, part), lines(stand, part, rest));
    let expected = lines.as_slice().first().is_some_and(|line| lines.len() == 1 && fits(line, part, good));
    let found = refused(&stand.variant, &stand.carrying(part, lines));
    ensure(found.is_none() == expected, || {
        format!("{}: expected accepted {expected}, found {found:?}", stand.variant.description.id)
    })
}

/// The request that an input of a property asks about, and its scheme; `None` where it asks about none.
pub fn asked(ground: &Ground, name: &str, data: &[u8]) -> Option<(Variant, Message)> {
    let (stand, rest) = ground.stand(data)?;
    let message = match name {
        "request" => message(data.first().is_some_and(u8::is_ascii_lowercase), rest)?,
        "carrier" => {
            let part = stand.carrier()?;
            stand.carrying(part, lines(stand, part, rest))
        }
        "signed-token" => {
            let (part, mut texts) = (stand.carrier()?, rest.splitn(2, |byte| *byte == 0xFF));
            let token = signed(stand, texts.next()?, texts.next()?)?;
            stand.carrying(part, vec![line(part, &token)])
        }
        "captured-request" => crate::captured::read(name, rest).ok()?,
        _ => return None,
    };
    Some((stand.variant.clone(), message))
}

/// The lines of the carrier field, with the good credential for NUL.
fn lines(stand: &Stand, part: &Part, text: &[u8]) -> Vec<Vec<u8>> {
    let good = credential(stand, part);
    text.split(|byte| *byte == b'\n')
        .map(|line| line.split(|byte| *byte == 0).collect::<Vec<_>>().join(good))
        .collect()
}

/// The good credential without what stands before it.
fn credential<'s>(stand: &'s Stand, part: &Part) -> &'s [u8] {
    let good = stand.good.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(&part.name));
    let good = good.map_or(&[][..], |(_, value)| value.as_slice());
    let before = match &part.auth_scheme {
        Some(scheme) => scheme.len() + 1,
        None => part.prefix.as_ref().map_or(0, String::len),
    };
    good.get(before..).unwrap_or_default()
}

/// The line that carries a token as documented.
fn line(part: &Part, token: &str) -> Vec<u8> {
    let word = part.auth_scheme.as_ref().map(|s| format!("{s} ")).or_else(|| part.prefix.clone());
    format!("{}{token}", word.unwrap_or_default()).into_bytes()
}

/// Whether a field value carries this credential as documented.
fn fits(line: &[u8], part: &Part, credential: &[u8]) -> bool {
    let (Ok(line), Ok(credential)) = (std::str::from_utf8(line), std::str::from_utf8(credential)) else {
        return false;
    };
    let line = line.trim_matches([' ', '\t']);
    match (&part.auth_scheme, &part.prefix) {
        (Some(scheme), _) => line.split_once(' ').is_some_and(|(word, rest)| {
            word.eq_ignore_ascii_case(scheme) && rest.trim_start_matches(' ') == credential
        }),
        (None, Some(prefix)) => line == format!("{prefix}{credential}"),
        (None, None) => line == credential,
    }
}

pub(super) fn whole_request(ground: &Ground, data: &[u8]) -> Result<(), String> {
    let Some((stand, rest)) = ground.stand(data) else { return Ok(()) };
    let secure = data.first().is_some_and(u8::is_ascii_lowercase);
    let Some(message) = message(secure, rest) else { return Ok(()) };
    let variant = &stand.variant;
    let reference = fresh(variant);
    let given = answer(&reference, variant, &message);
    ensure(given == answer(&fresh(variant), variant, &message), || "a second verdict differs".into())?;

    match (&given.refused, given.row.and_then(|row| reference.plan().rows().get(row))) {
        (None, _) => ensure(given.status == 200, || format!("let in with status {}", given.status))?,
        (Some(code), Some(row)) => {
            let listed = row.reasons.iter().any(|reason| reference.plan().code(*reason) == *code);
            ensure(listed, || format!("the check `{}` does not list `{code}`", row.name))?;
        }
        (Some(code), None) => ensure(!code.is_empty(), || "refused without a code".into())?,
    }
    if let Some(code) = &given.refused {
        // A document may refuse with 200 and a body that says so.
        let written = variant.description.refusal(code).map(|rule| rule.status);
        ensure(given.status >= 400 || written == Some(given.status), || {
            format!("refused with status {}", given.status)
        })?;
        let text = String::from_utf8_lossy(&given.body);
        ensure(!stand.redactor.finds(&text), || "the refusal shows a secret".into())?;
    } else if let Some(token) = token_of(stand, &message) {
        to_others_too(ground, stand, &token)?;
    }

    let varied = answer(&fresh(variant), variant, &with_other_names(&message)).refused;
    ensure(varied == given.refused, || {
        format!("{:?}, with other case and order of field names {varied:?}", given.refused)
    })
}

/// Reads `METHOD target[ HTTP/1.1]`, field lines, an empty line and a body, as they stand; `None` where that is no
/// message that a server would hand on.
pub(super) fn message(secure: bool, data: &[u8]) -> Option<Message> {
    let cut = data.windows(4).position(|four| four == b"\r\n\r\n")?;
    let (head, rest) = data.split_at_checked(cut)?;
    let mut lines = std::str::from_utf8(head).ok()?.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?.to_string(), words.next()?.to_string());
    let field = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_string(), value.trim_matches([' ', '\t']).as_bytes().to_vec()))
    };
    let fields = lines.map(field).collect::<Option<_>>()?;
    Some(Message { secure, method, target, fields, body: rest.get(4..)?.to_vec() })
}

/// The message with its field names in the other case, lines of different names in another order.
fn with_other_names(message: &Message) -> Message {
    let flip = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    let mut fields = message.fields.clone();
    fields.sort_by_key(|(name, _)| std::cmp::Reverse(name.to_ascii_lowercase()));
    for (name, _) in &mut fields {
        *name = name.chars().map(flip).collect();
    }
    Message { fields, ..message.clone() }
}

pub(super) fn signed_token(ground: &Ground, data: &[u8]) -> Result<(), String> {
    let Some((stand, rest)) = ground.stand(data) else { return Ok(()) };
    let Some(part) = stand.carrier() else { return Ok(()) };
    let mut texts = rest.splitn(2, |byte| *byte == 0xFF);
    let (Some(header), Some(claims)) = (texts.next(), texts.next()) else { return Ok(()) };
    let Some(token) = signed(stand, header, claims) else { return Ok(()) };
    if refused(&stand.variant, &stand.carrying(part, vec![line(part, &token)])).is_some() {
        return Ok(());
    }
    to_others_too(ground, stand, &token)?;
    match serde_json::from_slice(claims) {
        Ok(claims) => still_valid(stand, &claims),
        Err(error) if beyond_f64(&error) => Ok(()),
        Err(error) => Err(format!("let in with claims that are no JSON: {error}")),
    }
}

/// A token of these texts under the key that the scheme names.
fn signed(stand: &Stand, header: &[u8], claims: &[u8]) -> Option<String> {
    let rule = stand.variant.description.token.as_ref()?;
    let segments = make(rule.format, Some(rule.alg), *keys(stand).first()?, header, claims, &[7; IV_LEN])?;
    Some(segments.join("."))
}

/// The keys of a scheme with tokens: the primary caller's first, or the one of the platform.
fn keys(stand: &Stand) -> Vec<Key<'_>> {
    fn of<'v>(values: &'v Values, name: &str) -> Option<Key<'v>> {
        value(values, name).and_then(Value::key)
    }
    let world = &stand.variant.world;
    match stand.variant.description.token.as_ref().map(|rule| &rule.key) {
        Some(Source::Platform(name)) => {
            world.platform("primary").and_then(|p| of(&p.values, name)).into_iter().collect()
        }
        Some(Source::Credential(name)) => {
            let (own, others): (Vec<_>, Vec<_>) = world.credentials.iter().partition(|c| c.role == "primary");
            own.into_iter().chain(others).filter_map(|c| of(&c.values, name)).collect()
        }
        _ => Vec::new(),
    }
}

/// The token of a message that was let in; `None` where the scheme has none, or an operation let it in by proof.
fn token_of(stand: &Stand, message: &Message) -> Option<String> {
    let (d, world) = (&stand.variant.description, &stand.variant.world);
    d.token.as_ref()?;
    let request = message.request();
    let here = |e: &&Endpoint| e.method == request.method && e.path == request.path();
    let operation = world.endpoints.iter().find(here).and_then(|e| d.operation(&e.role));
    // Whatever else such a request carries, nobody looked at it.
    if operation.is_some_and(|o| !o.guarded) {
        return None;
    }
    let line = request.values(&stand.carrier()?.name).next()?;
    std::str::from_utf8(line).ok()?.trim().split(' ').next_back().map(Into::into)
}

/// What we let in, the peer must too, with the key of one of the callers.
fn to_others_too(ground: &Ground, stand: &Stand, token: &str) -> Result<(), String> {
    let Some(rule) = stand.variant.description.token.as_ref().filter(|r| r.format == Format::Jws) else {
        return Ok(());
    };
    let mut refusal = "no key to ask with".to_string();
    for key in keys(stand) {
        match (ground.peer)(token, rule.alg, key) {
            Says::Accepts(claims) => return still_valid(stand, &claims),
            Says::Refuses(why) => refusal = why,
            Says::Excepted => return Ok(()),
        }
    }
    Err(format!("{}: only we accept: {refusal}", stand.variant.description.id))
}

/// Whether the expiry is to come and `nbf` is over, read by serde_json.
fn still_valid(stand: &Stand, claims: &serde_json::Value) -> Result<(), String> {
    let world = &stand.variant.world;
    // The published clocks are far below 2^32.
    let exact = |seconds: u64| u32::try_from(seconds).map(f64::from).map_err(|e| e.to_string());
    let (now, leeway) = (exact(world.clock.unwrap_or(0))?, exact(world.leeway)?);
    // A NumericDate may have a fraction (RFC 7519 section 2); a double has all seconds that are meant.
    let seconds = |value: &serde_json::Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
    let expires = |p: &&Part| {
        let in_seconds = p.types.iter().all(|t| matches!(t, Type::Seconds | Type::SecondsText));
        p.place == Place::Claims && matches!(p.rule, Rule::Time(TimeRule::Expires)) && in_seconds
    };
    if let Some(part) = stand.variant.description.parts.iter().find(expires) {
        match claims.get(&part.name) {
            None => ensure(part.optional, || "let in without an expiry".into())?,
            Some(time) => {
                let future = seconds(time).is_some_and(|time| now < time + leeway);
                ensure(future, || format!("let in at {now} with expiry {time}"))?;
            }
        }
    }
    let begun = claims.get("nbf").is_none_or(|t| seconds(t).is_some_and(|t| t <= now + leeway));
    ensure(begun, || format!("let in at {now} with claims {claims}"))
}
