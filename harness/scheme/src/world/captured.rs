//! A captured request becomes part of a world: what its caller holds, and the endpoint that it went to. It must not
//! read any form of request; a [`super::Resolver`] does.

use std::fmt;
use std::sync::Arc;

use super::{Credential, Endpoint, State, Success, Value, Values};
use crate::description::{Description, Format, Kind, Part, Place, Source};
use crate::document::{Fault, Item};
use crate::encoding::{JsonRules, Limits, Rules, Value as Json, decode_url, parse_value};
use crate::key::Secret;
use crate::request::Message;

/// A request of a caller as it was captured.
#[derive(Clone, PartialEq, Eq)]
pub struct Captured {
    /// The request, without what belongs to its connection.
    pub message: Message,
    /// The role of the endpoint that it went to.
    pub endpoint: String,
}

/// Its fields have secrets.
impl fmt::Debug for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Captured").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// Fields of one connection (RFC 9110 section 7.6.1, RFC 9112 section 6) or of what its client had at hand: they say
/// nothing of the caller, and would be wrong beside another body, connection or cache.
const OF_THE_CONNECTION: [&str; 15] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "proxy-connection",
    "range",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Fields that may let a caller in by themselves, beside the scheme's.
const OTHER_CREDENTIALS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// The caller of a captured request; `item` is where the world names it.
pub(super) fn caller(
    d: &Description,
    origin: &str,
    mut message: Message,
    item: &Item<'_>,
) -> Result<Credential, Fault> {
    if d.parts.iter().any(|p| !matches!(p.place, Place::Header | Place::Claims | Place::Field)) {
        return Err(item.fault(
            "the credential of this scheme travels in the body",
            "give what the caller holds by name instead of a captured request",
        ));
    }
    check_address(origin, &mut message, item)?;
    let of_scheme =
        |name: &str| d.parts.iter().any(|p| p.place == Place::Field && p.name.eq_ignore_ascii_case(name));
    message.fields.retain(|(name, _)| {
        let lower = name.to_ascii_lowercase();
        of_scheme(name)
            || !(OF_THE_CONNECTION.contains(&lower.as_str()) || OTHER_CREDENTIALS.contains(&lower.as_str()))
    });
    let (mut token, mut values, mut private) = (None, Values::new(), Vec::new());
    for part in d.parts.iter().filter(|p| p.place == Place::Field) {
        let lines: Vec<&[u8]> = message.request().values(&part.name).collect();
        let line = match lines.as_slice() {
            [] if part.optional || !part.travels_as_it_is() => continue,
            [] => {
                let fault = format!("the captured request has no field `{}`", part.name);
                return Err(item.fault(fault, "capture one that the server let in, with all its fields"));
            }
            [line] => *line,
            _ => {
                let fault = format!("the captured request has the field `{}` twice", part.name);
                return Err(item.fault(fault, "capture one that the server let in"));
            }
        };
        let bare = bare(part, line);
        match part.pipeline().and_then(|p| p.single()) {
            Some(Source::Token) => {
                token = Some(whole_token(d, part, bare, item)?);
                private.push(Secret::new(bare.to_vec()));
            }
            Some(Source::Credential(name)) => {
                let value = value(d, part, name, bare, item)?;
                if value.is_secret() || (part.identifies && matches!(value, Value::Text(_))) {
                    private.push(Secret::new(bare.to_vec()));
                }
                if !values.iter().any(|(known, _)| **known == **name) {
                    values.push((name.as_str().into(), value));
                }
            }
            _ if part.travels_as_it_is() => {}
            _ => private.push(Secret::new(line.to_vec())),
        }
    }
    if let Some(token) = &token {
        of_claims(d, token.expose(), &mut values);
    }
    let endpoint = if message.body.is_empty() { "read" } else { "write" };
    Ok(Credential {
        role: super::PRIMARY.into(),
        values,
        state: State::Active,
        captured: token,
        request: Some(Captured { message, endpoint: endpoint.into() }),
        private,
    })
}

/// A request to another host than the profile's would take its credential there.
fn check_address(origin: &str, message: &mut Message, item: &Item<'_>) -> Result<(), Fault> {
    let (secure, authority) = match origin.split_once("://") {
        Some((scheme, authority)) => (scheme == "https", authority.to_ascii_lowercase()),
        None => (true, origin.to_ascii_lowercase()),
    };
    // The default ports (RFC 9110 sections 4.2.1 and 4.2.2) are the same address.
    let port = if secure { ":443" } else { ":80" };
    let plain = |host: &str| host.strip_suffix(port).unwrap_or(host).to_string();
    message.secure = secure;
    if message.request().values("host").next().is_none() {
        message.fields.insert(0, ("Host".into(), authority.clone().into_bytes()));
    }
    let host = message.request().host().map(std::borrow::Cow::into_owned);
    // The profile says where requests go; `secure` means only that it is not its other address, the plain one.
    message.secure = true;
    match host {
        Some(host) if plain(&host) == plain(&authority) => {}
        host => {
            let was = host.map_or("no one host".into(), |host| format!("`{host}`"));
            return Err(item.fault(
                format!("the captured request is for {was}, the origin is `{authority}`"),
                "write the origin that the request was captured at; `address` under `[connect]` says where else to connect",
            ));
        }
    }
    let path = message.request().path();
    if path.split('/').any(|segment| segment.starts_with('{') && segment.ends_with('}')) {
        return Err(item.fault(
            format!("the captured path `{path}` has a parameter without a value"),
            "capture a request that was sent",
        ));
    }
    Ok(())
}

/// What a field carries, without its auth-scheme or prefix.
fn bare<'l>(part: &Part, line: &'l [u8]) -> &'l [u8] {
    let before = match (&part.auth_scheme, &part.prefix) {
        (Some(scheme), _) => scheme.len(),
        (None, Some(prefix)) => prefix.len(),
        (None, None) => 0,
    };
    line.get(before..).unwrap_or_default().trim_ascii()
}

fn whole_token(d: &Description, part: &Part, token: &[u8], item: &Item<'_>) -> Result<Secret, Fault> {
    let pieces = token.split(|b| *b == b'.').count();
    let (wanted, form) = match d.token.as_ref().map(|t| t.format) {
        Some(Format::Jws) => (3, "a JWS has 3 pieces"),
        Some(Format::Jwe) => (5, "a JWE has 5 pieces"),
        _ => (pieces, ""),
    };
    if token.is_empty() || pieces != wanted || !token.iter().all(u8::is_ascii_graphic) {
        let seen = if form.is_empty() { String::new() } else { format!(": {form}, this has {pieces}") };
        return Err(item.fault(
            format!("the field `{}` of the captured request has no token{seen}", part.name),
            "capture a request that the server let in",
        ));
    }
    Ok(Secret::new(token.to_vec()))
}

/// Adds what the claims of a readable token say of its caller: it is compared with, never believed.
fn of_claims(d: &Description, token: &[u8], values: &mut Values) {
    let payload = token.split(|b| *b == b'.').nth(1).unwrap_or_default();
    let payload = decode_url(payload, &Rules::STRICT).unwrap_or_default();
    let Ok(Json::Object(claims)) = parse_value(&payload, &JsonRules::STRICT, &Limits::DEFAULT) else {
        return;
    };
    for part in d.parts.iter().filter(|p| p.place == Place::Claims) {
        let Some(Source::Credential(name)) = part.pipeline().and_then(|p| p.single()) else { continue };
        if values.iter().any(|(known, _)| **known == **name) {
            continue;
        }
        let value = match (d.credential_kind(name), claims.find(&part.name)) {
            (Some(Kind::Integer), Some(Json::Number(text))) => text.parse().ok().map(Value::Integer),
            (Some(Kind::Text), Some(Json::String(text))) => Some(Value::Text((&**text).into())),
            (Some(Kind::List), Some(Json::Array(items))) => {
                let texts: Option<Vec<Arc<str>>> = items.iter().map(|i| i.as_str().map(Into::into)).collect();
                texts.map(Value::list)
            }
            _ => None,
        };
        values.extend(value.map(|value| (name.as_str().into(), value)));
    }
}

fn value(d: &Description, part: &Part, name: &str, bare: &[u8], item: &Item<'_>) -> Result<Value, Fault> {
    let unfit = |what: &str| {
        item.fault(
            format!("the field `{}` of the captured request is no {what}", part.name),
            "capture a request that the server let in",
        )
    };
    let text = || std::str::from_utf8(bare).ok().filter(|t| !t.is_empty()).ok_or_else(|| unfit("UTF-8 text"));
    Ok(match d.credential_kind(name) {
        Some(Kind::Integer) => Value::Integer(text()?.parse().map_err(|_| unfit("whole number"))?),
        Some(Kind::List) => Value::list(text()?.split(' ')),
        Some(Kind::Text) | None => Value::Text(text()?.into()),
        Some(Kind::Secret | Kind::Key | Kind::Rsa | Kind::P256) => {
            text()?;
            Value::Secret(Secret::new(bare.to_vec()))
        }
    })
}

/// The endpoint that a captured request went to.
pub(super) fn endpoint(captured: &Captured, attributes: Values, success: Success) -> Endpoint {
    let request = captured.message.request();
    Endpoint {
        role: captured.endpoint.clone(),
        method: request.method.into(),
        path: request.path().into(),
        query: request.query().into(),
        parameters: Vec::new(),
        body: request.body.to_vec(),
        fields: Vec::new(),
        attributes,
        success,
    }
}
