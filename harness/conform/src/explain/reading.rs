//! Takes the token of a request apart, leniently: whoever signs wrongly writes wrongly. It must not trust anything.

use bearproof_scheme::description::{Format, Part, Place, Source};
use bearproof_scheme::encoding::{JsonRules, Limits, Rules, Value, decode_url, parse_object, string_literal};
use bearproof_scheme::key::Key;
use bearproof_scheme::request::Message;
use bearproof_scheme::sign::Texts;
use bearproof_scheme::token::{open_jwe, open_opaque};
use bearproof_scheme::world::value;
use bearproof_scheme::wrong_signer::KeyUse;

use crate::suite::Variant;

/// What was found of the token.
#[derive(Debug, Clone, Default)]
pub(super) struct Reading {
    /// The token, without anything around it.
    pub(super) token: Option<String>,
    /// Header and claims, where they can be read.
    pub(super) texts: Option<Texts>,
    /// Which key opens a sealed token.
    pub(super) opened: Option<KeyUse>,
}

/// Members of a JSON object: name and JSON text.
pub(super) fn members(text: &str) -> Vec<(String, String)> {
    let Ok(members) = parse_object(text.as_bytes(), &JsonRules::STRICT, &Limits::DEFAULT) else {
        return Vec::new();
    };
    members.iter().map(|(name, value)| (name.to_string(), value.to_text())).collect()
}

/// The plain text of a JSON value: a string's content, else the text as it stands.
pub(super) fn plain(json: &str) -> String {
    match bearproof_scheme::encoding::parse_value(json.as_bytes(), &JsonRules::STRICT, &Limits::DEFAULT) {
        Ok(Value::String(text)) => text.into_owned(),
        _ => json.into(),
    }
}

/// The part that carries the token.
pub(super) fn carrier(parts: &[Part]) -> Option<&Part> {
    let is_token = |p: &&Part| p.pipeline().and_then(|p| p.single()) == Some(&Source::Token);
    parts.iter().filter(|p| p.place == Place::Field).find(is_token)
}

/// Finds and opens the token of a request.
pub(super) fn read(variant: &Variant, message: &Message) -> Reading {
    let d = &variant.description;
    let (Some(rule), Some(part)) = (&d.token, carrier(&d.parts)) else { return Reading::default() };
    let Some(token) = find(message, part) else { return Reading::default() };
    let segments: Vec<&str> = token.split('.').collect();
    let json = |segment: &str| String::from_utf8(decode(segment)?).ok();
    let mut found = Reading { token: Some(token.clone()), texts: None, opened: None };
    if rule.format == Format::Jws {
        if let [header, payload, ..] = segments.as_slice()
            && let (Some(header), Some(claims)) = (json(header), json(payload))
        {
            found.texts = Some(Texts { header, claims });
        }
        return found;
    }
    let full = rule.key.name();
    let name = full.split_once('.').map_or("", |(_, name)| name);
    for platform in &variant.world.platforms {
        let Some(Key::Secret(key)) =
            value(&platform.values, name).and_then(bearproof_scheme::world::Value::key)
        else {
            continue;
        };
        let opened = match (rule.format, segments.as_slice()) {
            (Format::Jwe, [a, b, c, d, e]) => {
                let parts = [a.as_bytes(), b.as_bytes(), c.as_bytes(), d.as_bytes(), e.as_bytes()];
                open_jwe(&parts, key.expose(), &Rules::STRICT, &Rules::STRICT).ok()
            }
            (Format::Opaque, [one]) => open_opaque(one.as_bytes(), key.expose(), &Rules::STRICT).ok(),
            _ => None,
        };
        if let Some(claims) = opened.and_then(|bytes| String::from_utf8(bytes).ok()) {
            let header = segments.first().and_then(|h| json(h)).unwrap_or_default();
            found.texts = Some(Texts { header, claims });
            let role = platform.role.clone();
            found.opened = Some(if role == "primary" { KeyUse::Right } else { KeyUse::Platform(role) });
            break;
        }
    }
    found
}

/// Base64 in any alphabet, padded or not.
pub(super) fn decode(segment: &str) -> Option<Vec<u8>> {
    let text = segment.trim_end_matches('=').replace('+', "-").replace('/', "_");
    decode_url(text.as_bytes(), &Rules::STRICT).ok()
}

/// The longest run of characters of a token, in the carrier's lines, else in the query, in cookies, in any field.
fn find(message: &Message, part: &Part) -> Option<String> {
    let lines = |fits: &dyn Fn(&str) -> bool| -> Vec<String> {
        let fitting = message.fields.iter().filter(|(n, _)| fits(n));
        fitting.map(|(_, v)| String::from_utf8_lossy(v).into_owned()).collect()
    };
    let places = [
        lines(&|n| n.eq_ignore_ascii_case(&part.name)),
        vec![message.request().query().to_string()],
        lines(&|n| n.eq_ignore_ascii_case("cookie")),
        lines(&|n| !n.eq_ignore_ascii_case("host")),
    ];
    places.iter().enumerate().find_map(|(index, texts)| {
        let runs = texts.iter().filter_map(|text| longest(text, part));
        // Elsewhere than where it belongs, only what looks like one.
        let likely = |run: &String| index == 0 || run.starts_with("eyJ") || run.len() >= LIKELY;
        runs.filter(likely).max_by_key(String::len)
    })
}

/// Length from which a text without white space is no ordinary word, in bytes.
const LIKELY: usize = 48;

/// Shortest text that is taken for a token.
const SHORTEST: usize = 16;

fn longest(text: &str, part: &Part) -> Option<String> {
    let inside = |c: char| c.is_ascii_alphanumeric() || "-_.+/=".contains(c);
    let run = text.split(|c| !inside(c)).max_by_key(|run| run.len())?;
    // `name=token` of a query or cookie.
    let run = match run.split_once('=') {
        // Not so the padding of a segment.
        Some((name, rest))
            if !name.contains('.') && !rest.starts_with(['.', '=']) && rest.len() >= SHORTEST =>
        {
            rest
        }
        _ => run,
    };
    let scheme = part.auth_scheme.as_deref().unwrap_or_default();
    let run = match run.split_at_checked(scheme.len()) {
        Some((word, rest)) if word.eq_ignore_ascii_case(scheme) => rest,
        _ => run,
    };
    (run.len() >= SHORTEST).then(|| run.to_string())
}

/// The text of a value as JSON, for a part of this name and place.
pub(super) fn json_of(texts: Option<&Texts>, part: &Part) -> Option<String> {
    let texts = texts?;
    let text = match part.place {
        Place::Header => &texts.header,
        Place::Claims => &texts.claims,
        _ => return None,
    };
    members(text).into_iter().find(|(name, _)| *name == part.name).map(|(_, json)| json)
}

/// The value of a part where the request says it: JSON text for members, the bare line for fields.
pub(super) fn said(d: &[Part], message: &Message, found: &Reading, part: &Part) -> Option<String> {
    match part.place {
        Place::Header | Place::Claims => json_of(found.texts.as_ref(), part),
        Place::Body => {
            let text = String::from_utf8(message.body.clone()).ok()?;
            members(&text).into_iter().find(|(name, _)| *name == part.name).map(|(_, json)| json)
        }
        Place::Field => {
            let own = message.fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(&part.name));
            let known = |n: &str| {
                ["authorization", "cookie", "x-api-key"].contains(&n.to_ascii_lowercase().as_str())
                    && !d.iter().any(|p| p.place == Place::Field && p.name.eq_ignore_ascii_case(n))
            };
            let line = own.or_else(|| message.fields.iter().find(|(n, _)| known(n)));
            let query = message.request().query().to_string();
            let line = line.map_or(query, |(_, v)| String::from_utf8_lossy(v).into_owned());
            Some(string_literal(&line))
        }
        Place::Parameter | Place::Answer => None,
    }
}
