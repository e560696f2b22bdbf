//! Words about the field that carries the credential. It must not know what the credential is.

use bearproof_scheme::description::Place;

use super::Word;
use crate::recipe::{Edit, Line, Spot};
use crate::resolve::carrier;
use crate::suite::Variant;

/// Values without a credential; `W` is the scheme word.
const EMPTY: [(&str, &str); 8] = [
    ("empty", ""),
    ("a-blank", " "),
    ("the-word-alone", "W"),
    ("the-word-and-blanks", "W   "),
    ("null", "W null"),
    ("undefined", "W undefined"),
    ("quotes", "W \"\""),
    ("a-password", "Basic YWRtaW46YWRtaW4="),
];

/// The credential, and something around it that is not as documented.
const AROUND: [(&str, &str); 15] = [
    ("without-the-word", "{token}"),
    ("after-basic", "Basic {token}"),
    ("after-token", "Token {token}"),
    ("after-a-longer-word", "Ws {token}"),
    ("after-the-word-twice", "W W {token}"),
    ("joined-to-the-word", "W{token}"),
    ("after-a-no-break-space", "W\u{a0}{token}"),
    ("after-a-vertical-tab", "W\u{b}{token}"),
    ("in-quotes", "W \"{token}\""),
    ("as-a-parameter", "W token={token}"),
    ("before-a-nul", "W {token}\u{0}"),
    ("before-a-word", "W {token} x"),
    ("before-a-comma", "W {token},x"),
    ("in-a-list", "{value}, W x"),
    ("last-of-a-list", "W x, {value}"),
];

const ELSEWHERE: [&str; 9] = [
    "query access_token",
    "query token",
    "cookie token",
    "cookie access_token",
    "body access_token",
    "field X-Authorization",
    "field Proxy-Authorization",
    "field X-Api-Key",
    "field Api_Key",
];

pub(super) fn add(variant: &Variant, words: &mut Vec<Word>) {
    let d = &variant.description;
    fields_twice(variant, words);
    let Some(part) = carrier(d).filter(|part| part.place == Place::Field) else { return };
    let spot = || Spot::Carrier;
    words.push(Word::breaking("carrier", "carrier-removed", Edit::Remove { spot: spot() }).plain());
    for (position, (id, text)) in EMPTY.iter().chain(&AROUND).enumerate() {
        let with = match &part.auth_scheme {
            None => text.replace("W ", "").replace('W', ""),
            Some(scheme) => text.replace('W', scheme),
        };
        // Without a scheme word some of these are the right value, or blank around it, which no field value has.
        if matches!(with.trim(), "{token}" | "{value}") {
            continue;
        }
        let id = format!("carrier-{id}");
        let word = Word::breaking("carrier", &id, Edit::Replace { spot: spot(), with: with.into_bytes() });
        words.push(if position < EMPTY.len() { word } else { word.should() });
    }
    let own_name = [format!("query {}", part.name), format!("cookie {}", part.name)];
    for to in ELSEWHERE.iter().map(ToString::to_string).chain(own_name) {
        if to
            .split_once(' ')
            .is_some_and(|(place, name)| place == "field" && name.eq_ignore_ascii_case(&part.name))
        {
            continue;
        }
        let id = format!("carrier-in-{}", to.to_ascii_lowercase().replace([' ', '_'], "-"));
        if !words.iter().any(|w| w.id == id) {
            words.push(Word::breaking("carrier", &id, Edit::Move { to }).should());
        }
    }
}

/// Each field of the scheme in two lines, and under a name that is nearly its own.
fn fields_twice(variant: &Variant, words: &mut Vec<Word>) {
    for part in variant.description.parts.iter().filter(|p| p.place == Place::Field) {
        let name = part.name.to_ascii_lowercase();
        let spot = || Spot::Field(part.name.clone());
        for (id, line) in [
            ("of-another", Line::OfRole("other".into())),
            ("the-same", Line::Template(b"{value}".to_vec())),
            ("of-no-use", Line::Template(b"x".to_vec())),
        ] {
            for (before, place) in [(true, "before"), (false, "after")] {
                let id = format!("field-{name}-twice-{id}-{place}");
                let edit = Edit::Duplicate { spot: spot(), with: line.clone(), before };
                // Of two lines one is left if the field is removed, so both words change the part.
                words.push(Word::breaking(&part.path(), &id, edit).should());
            }
        }
    }
}
