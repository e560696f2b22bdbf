//! A request as a list of named values, so that two can be compared whatever their order and spelling.
//! It must not know which value is right.

use bearproof_scheme::description::{Format, Place};
use bearproof_scheme::request::Message;
use bearproof_scheme::sign::Texts;
use bearproof_scheme::wrong_signer::{Made, Seal};

use super::base::Base;
use super::reading::{Reading, carrier, json_of, members};

/// Named values; `None` where there is nothing.
pub(super) type Observed = Vec<(String, Option<Vec<u8>>)>;

/// What a request that was sent has.
pub(super) fn sent(base: &Base<'_>, message: &Message, found: &Reading) -> Observed {
    values(base, message, found.token.as_deref(), found.texts.as_ref(), None)
}

/// What a request that we made has.
pub(super) fn observe(base: &Base<'_>, made: &Made) -> Observed {
    let rule = base.start.signer.description.token.as_ref();
    let sealed = rule.is_some_and(|t| t.format != Format::Jws);
    // What nobody here can open can't be compared.
    let opaque = (sealed && !base.has_key)
        || made.seal.spelled == bearproof_scheme::wrong_signer::Spelled::Cut
            && made.token.as_ref().is_some_and(|t| t.split('.').count() != 3);
    // A request without its token says nothing of the token.
    let token = made.token.as_deref().filter(|token| holds(&made.message, token));
    let texts = made.texts.as_ref().filter(|_| !opaque && token.is_some());
    values(base, &made.message, token, texts, Some(&made.seal))
}

fn holds(message: &Message, token: &str) -> bool {
    let line = |(_, value): &(String, Vec<u8>)| String::from_utf8_lossy(value).contains(token);
    message.target.contains(token) || message.fields.iter().any(line)
}

/// A value that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its name.
    pub name: String,
    /// What was sent; `None` where there is nothing.
    pub sent: Option<Vec<u8>>,
    /// What we write; `None` where there is nothing.
    pub ours: Option<Vec<u8>>,
}

/// The values that differ.
pub(super) fn difference(sent: &Observed, ours: &Observed) -> Vec<Difference> {
    let pairs = sent.iter().zip(ours).filter(|(a, b)| a.1 != b.1);
    pairs
        .map(|(sent, ours)| Difference { name: sent.0.clone(), sent: sent.1.clone(), ours: ours.1.clone() })
        .collect()
}

fn values(
    base: &Base<'_>,
    message: &Message,
    token: Option<&str>,
    texts: Option<&Texts>,
    seal: Option<&Seal>,
) -> Observed {
    let request = message.request();
    let d = base.start.signer.description;
    let without_token = |text: &str| match token {
        Some(token) if !token.is_empty() => text.replace(token, "{token}"),
        _ => text.to_string(),
    };
    let text = |value: String| Some(value.into_bytes());
    let secure = if message.secure { "https" } else { "http" };
    let mut all: Observed = vec![
        ("request.scheme".into(), text(secure.into())),
        ("request.method".into(), text(message.method.clone())),
        ("request.host".into(), request.host().map(|host| host.into_owned().into_bytes())),
        ("request.path".into(), text(request.path().into())),
        ("request.query".into(), text(without_token(request.query()))),
    ];
    let fields = d.parts.iter().filter(|p| p.place == Place::Field).map(|p| p.name.to_ascii_lowercase());
    let mut names: Vec<String> = fields.collect();
    for other in ["authorization", "cookie", "x-api-key"] {
        if !names.iter().any(|n| n == other) {
            names.push(other.into());
        }
    }
    let blind = |place: Place, name: &str| {
        let named = |i: &usize| {
            d.parts.get(*i).is_some_and(|p| p.place == place && p.name.eq_ignore_ascii_case(name))
        };
        base.blind.iter().any(named)
    };
    for name in names.iter().filter(|n| !blind(Place::Field, n)) {
        let lines: Vec<String> =
            request.values(name).map(|v| without_token(&String::from_utf8_lossy(v))).collect();
        let value = (!lines.is_empty()).then(|| lines.join("\n").into_bytes());
        all.push((format!("field.{name}"), value));
    }
    let body = String::from_utf8_lossy(&message.body);
    let mut seen: Vec<String> = Vec::new();
    for part in d.parts.iter().filter(|p| !blind(p.place, &p.name)) {
        let own = base.start.parts.iter().any(|p| p.path() == part.path());
        let value = match part.place {
            Place::Body => members(&body).into_iter().find(|(n, _)| *n == part.name).map(|(_, json)| json),
            // A token that was captured has its own claims, which nobody here can make.
            Place::Header | Place::Claims if own || !base.captured() => json_of(texts, part),
            _ => continue,
        };
        if !seen.contains(&part.path()) {
            seen.push(part.path());
            all.push((part.path(), value.map(String::into_bytes)));
        }
    }
    if let Some(captured) = base.start.signer.captured() {
        let which = token.map(|token| match captured.strip_prefix(token) {
            Some("") => "the captured one",
            Some(_) => "the captured one, cut",
            None => "another than the captured one",
        });
        all.push(("token.text".into(), which.map(|w| w.as_bytes().to_vec())));
    }
    if carrier(&d.parts).is_some() && !base.captured() {
        let header = texts.map(|t| members(&t.header)).unwrap_or_default();
        for name in ["alg", "enc"] {
            let value = header.iter().find(|(n, _)| n == name).map(|(_, json)| json.clone().into_bytes());
            all.push((format!("header.{name}"), value));
        }
        all.push(("token.spelling".into(), spelling(token)));
        all.push(("token.signature".into(), token.and_then(|_| signature(base, seal))));
    }
    all
}

/// Characters of header and payload that base64url without padding does not have.
fn spelling(token: Option<&str>) -> Option<Vec<u8>> {
    let segments: Vec<&str> = token?.split('.').collect();
    let [header, payload, _] = segments.as_slice() else { return Some(Vec::new()) };
    let mut odd: Vec<u8> = [*header, *payload].concat().bytes().filter(|b| b"+/=".contains(b)).collect();
    odd.sort_unstable();
    odd.dedup();
    Some(odd)
}

/// How a token was signed: the one that was sent as it was found out, a made one as it says itself. Both are written
/// as one word where they are the same.
fn signature(base: &Base<'_>, seal: Option<&Seal>) -> Option<Vec<u8>> {
    // What the header names is a value of its own.
    let same = |found: &Seal, made: &Seal| {
        Seal { says: String::new(), ..found.clone() } == Seal { says: String::new(), ..made.clone() }
    };
    match seal {
        None => Some(b"as it was found".to_vec()),
        Some(made) if base.seals.iter().any(|found| same(found, made)) => Some(b"as it was found".to_vec()),
        Some(made) if !base.has_key && same(&Seal::right(base.start.signer.description), made) => {
            Some(b"as it was found".to_vec())
        }
        Some(made) => Some(format!("{made:?}").into_bytes()),
    }
}

impl Base<'_> {
    /// Whether the caller has a token that was made for it, and not the key.
    pub(super) fn captured(&self) -> bool {
        self.start.signer.captured().is_some()
    }
}
