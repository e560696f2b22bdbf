//! Signers whose parts have wrong values: computed otherwise, left out, in another case or type.
//! It must not look at times; those have a file of their own.

use super::{Edit, List, WrongSigner, on_part, words};
use crate::description::{Nonce, Part, Pipeline, Place, Rule, Source, Type};
use crate::encoding::string_literal;
use crate::mistake::alternatives;
use crate::request::Message;
use crate::sign::Written;

pub(super) fn add(list: &mut List<'_>) {
    let parts: Vec<Part> = list.d.parts.clone();
    for part in &parts {
        if let Some(pipeline) = part.pipeline().filter(|p| part.binds().is_some() || p.single().is_none()) {
            let label = list.label(part);
            for wrong in alternatives(pipeline) {
                let id = format!("{label}/{}", wrong.id);
                list.found.push(computed(part, &id, &wrong.says, &wrong.pipeline));
            }
        }
    }
    for part in &parts {
        left_out(list, part);
        match part.place {
            Place::Header | Place::Claims | Place::Body => forms(list, part),
            Place::Field => field_case(list, part),
            Place::Parameter | Place::Answer => {}
        }
    }
}

/// The signer that computes a part by another pipeline.
pub fn computed(part: &Part, id: &str, says: &str, wrong: &Pipeline) -> WrongSigner {
    let (place, name, when, wrong) = (part.place, part.name.clone(), part.when.clone(), wrong.clone());
    let edit = Edit::Start(Box::new(move |start| {
        let same = |p: &&mut Part| p.place == place && p.name == name && p.when == when;
        for each in start.parts.iter_mut().filter(same) {
            each.rule = Rule::From(wrong.clone());
        }
    }));
    let says = format!("computes `{}` {says}", part.path());
    WrongSigner { id: id.into(), says, fix: recipe(part), timed: false, edit }
}

/// How a part is made, in words.
pub fn recipe(part: &Part) -> String {
    let path = part.path();
    match &part.rule {
        Rule::From(pipeline) if pipeline.single().is_some() => {
            format!("`{path}` is {}, as it is", words(pipeline))
        }
        Rule::From(pipeline) => format!("compute `{path}` in these steps: {}", words(pipeline)),
        Rule::Constant(text) => format!("`{path}` is `{text}`"),
        Rule::Time(_) => format!("`{path}` is a time, {}", type_words(part)),
        Rule::Nonce(_) => format!("`{path}` is new for each request, {}", type_words(part)),
    }
}

fn type_words(part: &Part) -> &'static str {
    match (part.types.first(), &part.rule) {
        (_, Rule::Nonce(Nonce::U32)) => "a whole number below 2^32 without quotes",
        (_, Rule::Nonce(Nonce::U64)) => "a whole number below 2^64 without quotes",
        (_, Rule::Nonce(Nonce::Uuid)) => "a UUID in small letters",
        (_, Rule::Nonce(Nonce::Hex32)) => "32 hex digits in small letters",
        (Some(Type::Integer), _) => "a whole number without quotes",
        (Some(Type::List), _) => "a list of texts",
        (Some(Type::Seconds), _) => "seconds since 1970 as a number without quotes",
        (Some(Type::SecondsText), _) => "seconds since 1970 as digits in quotes",
        (Some(Type::Milliseconds), _) => "milliseconds since 1970 as a number without quotes",
        (Some(Type::HttpDate), _) => "a date as HTTP writes it",
        (Some(Type::Rfc3339), _) => "a date as RFC 3339 writes it",
        (Some(Type::String | Type::HttpsUrl) | None, _) => "a text in quotes",
    }
}

fn left_out(list: &mut List<'_>, part: &Part) {
    if part.optional {
        return;
    }
    let (place, name) = (part.place, part.name.clone());
    let edit = match place {
        Place::Field => Edit::Message(Box::new(move |message: &mut Message| {
            message.fields.retain(|(n, _)| !n.eq_ignore_ascii_case(&name));
        })),
        Place::Parameter | Place::Answer => return,
        Place::Header | Place::Claims | Place::Body => Edit::Parts(Box::new(move |_, written| {
            written.retain(|w| w.place != place || w.name != name);
        })),
    };
    let (id, says) = (format!("{}/left-out", list.label(part)), format!("leaves `{}` out", part.path()));
    // Alternatives of one part are left out together.
    if list.found.iter().all(|w| w.id != id) {
        list.add(&id, &says, &format!("send it: {}", recipe(part)), edit);
    }
}

type Change = fn(&mut Written);

fn forms(list: &mut List<'_>, part: &Part) {
    let first = part.types.first().copied().unwrap_or(Type::String);
    let text = matches!(first, Type::String | Type::HttpsUrl) && !matches!(part.rule, Rule::Nonce(_));
    let number = first == Type::Integer;
    let path = part.path();
    let mut table: Vec<(&str, String, Change)> = Vec::new();
    if text {
        table.push(("in-small-letters", format!("writes `{path}` in small letters"), |w| {
            w.json = w.json.to_lowercase();
        }));
        table.push(("in-capitals", format!("writes `{path}` in capitals"), |w| {
            w.json = string_literal(&String::from_utf8_lossy(&w.bytes).to_uppercase());
        }));
        table.push(("and-line-feed", format!("writes `{path}` with a line feed at its end"), |w| {
            w.json = string_literal(&format!("{}\n", String::from_utf8_lossy(&w.bytes)));
        }));
        table.push(("as-a-number", format!("writes `{path}` as a number"), |w| {
            let digits = w.bytes.iter().all(u8::is_ascii_digit) && !w.bytes.starts_with(b"0");
            if digits && !w.bytes.is_empty() {
                w.json = String::from_utf8_lossy(&w.bytes).into_owned();
            }
        }));
        table.push(("as-a-list", format!("writes `{path}` as a list with one item"), |w| {
            w.json = format!("[{}]", w.json);
        }));
    }
    if number {
        table.push(("as-text", format!("writes `{path}` in quotes"), |w| {
            w.json = string_literal(&w.json);
        }));
        table.push(("as-double", format!("writes `{path}` as a floating point number"), |w| {
            if let Ok(double) = w.json.parse::<f64>() {
                w.json = format!("{double:e}");
            }
        }));
    }
    if first == Type::List {
        table.push(("as-text", format!("writes `{path}` as one text"), |w| {
            w.json = string_literal(&String::from_utf8_lossy(&w.bytes));
        }));
    }
    // What a computed value looks like in another case is a mistake of its pipeline, and it is no number.
    let pipeline_has_it = part.pipeline().is_some_and(|p| p.single().is_none());
    for (what, says, change) in table {
        let id = format!("{}/{what}", list.label(part));
        if (pipeline_has_it && (what.starts_with("in-") || what == "as-a-number"))
            || list.found.iter().any(|w| w.id == id)
        {
            continue;
        }
        list.add(&id, &says, &recipe(part), on_part(part.place, &part.name, change));
    }
}

fn field_case(list: &mut List<'_>, part: &Part) {
    if part.pipeline().and_then(Pipeline::single) == Some(&Source::Token) {
        return;
    }
    let path = part.path();
    for (what, says, change) in [
        ("in-small-letters", "in small letters", <[u8]>::to_ascii_lowercase as fn(&[u8]) -> Vec<u8>),
        ("in-capitals", "in capitals", <[u8]>::to_ascii_uppercase),
    ] {
        let name = part.name.clone();
        let edit = Edit::Message(Box::new(move |message: &mut Message| {
            for (n, value) in &mut message.fields {
                if n.eq_ignore_ascii_case(&name) {
                    *value = change(value);
                }
            }
        }));
        let (id, says) = (format!("{}/{what}", list.label(part)), format!("writes `{path}` {says}"));
        list.add(&id, &says, &recipe(part), edit);
    }
}
