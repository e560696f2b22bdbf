//! Words about times. It must not know of other values.

use bearproof_scheme::description::{Place, Rule, TimeRule, Type};
use bearproof_scheme::world::Endpoint;

use super::{Word, stands};
use crate::recipe::{Edit, Given, Target};
use crate::results::Level;
use crate::suite::Variant;

/// How long ago a token ended, in seconds beyond the leeway. Clocks of a good server differ by less than a minute.
const ENDED: [(&str, i64); 6] = [
    ("two-minutes-ago", 120),
    ("ten-minutes-ago", 600),
    ("half-an-hour-ago", 1800),
    ("an-hour-ago", 3601),
    ("half-a-day-ago", 43_200),
    ("a-year-ago", 31_536_000),
];

/// Ends that are none: type or value says that it never comes, or that it is over.
const NO_END: [(&str, &str); 13] = [
    ("null", "null"),
    ("false", "false"),
    ("true", "true"),
    ("empty", r#""""#),
    ("a-word", r#""never""#),
    ("zero", "0"),
    ("zero-with-a-point", "0.0"),
    ("negative", "-1"),
    ("an-empty-list", "[]"),
    ("an-empty-object", "{}"),
    ("in-a-list", "[{now+45s}]"),
    ("past-as-text", r#""{now-1h}""#),
    ("past-fraction", "{now-1h}.5"),
];

pub(super) fn add(variant: &Variant, endpoint: &Endpoint, words: &mut Vec<Word>) {
    let d = &variant.description;
    let leeway = i64::try_from(variant.world.leeway).unwrap_or(i64::MAX);
    for part in d.parts.iter().filter(|p| stands(p, endpoint)) {
        let Rule::Time(rule) = &part.rule else { continue };
        let target = || Target::Exact(part.place, part.name.clone());
        let path = part.path();
        let id = |what: &str| format!("{}-{what}", path.replace('.', "-"));
        let remove = Edit::RemovePart { target: target() };
        words.push(if part.optional {
            Word::free(&path, &id("removed"), remove)
        } else {
            Word::breaking(&path, &id("removed"), remove).plain()
        });
        let set = |value: Given| Edit::SetPart { target: target(), value };
        if *rule == TimeRule::Expires && part.place == Place::Claims {
            let ago = |seconds: i64| Given::Time { offset: -seconds.saturating_add(leeway), scale: 1 };
            for (what, seconds) in ENDED {
                words.push(Word::breaking(&path, &id(what), set(ago(seconds))).plain());
            }
            // By the second, which only a clock that is exactly ours shows.
            words.push(Word::breaking(&path, &id("now"), set(ago(0))).should());
            words.push(Word::breaking(&path, &id("a-moment-ago"), set(ago(5))).should());
            let twice = |before| Edit::DuplicateMember { target: target(), value: ago(3600), before };
            words.push(Word::breaking(&path, &id("twice-before"), twice(true)).should());
            words.push(Word::breaking(&path, &id("twice-after"), twice(false)).should());
            for (what, json) in NO_END {
                words.push(Word::breaking(&path, &id(what), set(Given::Json(json.into()))));
            }
            if !part.types.contains(&Type::SecondsText) {
                let text = Given::Json(r#""{now+45s}""#.into());
                words.push(Word::breaking(&path, &id("as-text"), set(text)).should());
            }
        } else if part.place == Place::Claims {
            for (what, json) in
                NO_END.iter().filter(|(what, _)| ["null", "empty", "a-word", "an-empty-list"].contains(what))
            {
                let word = Word::breaking(&path, &id(what), set(Given::Json((*json).into())));
                words.push(Word { level: Level::Should, ..word });
            }
        }
    }
    if d.token.is_some() && !d.parts.iter().any(|p| p.name == "nbf") {
        // RFC 7519 section 4.1.5, whether or not the document speaks of it.
        for (what, json) in
            [("in-an-hour", "{now+1h}"), ("in-an-hour-as-text", r#""{now+1h}""#), ("null", "null")]
        {
            let target = Target::Exact(Place::Claims, "nbf".into());
            let edit = Edit::SetPart { target, value: Given::Json(json.into()) };
            words.push(Word::breaking("claims.nbf", &format!("claims-nbf-{what}"), edit).should());
        }
        let target = Target::Exact(Place::Claims, "nbf".into());
        let edit = Edit::SetPart { target, value: Given::Json("{now-1h}".into()) };
        words.push(Word::free("claims.nbf", "claims-nbf-over", edit));
    }
}
