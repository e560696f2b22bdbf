//! Signers with wrong times: other units, other types, no lifetime, a clock that is off. It must not ask a clock.

use super::{Edit, List, on_part, parts};
use crate::description::{Lifetime, Part, Rule, TimeRule, Type};
use crate::encoding::string_literal;
use crate::sign::{Written, write_time};
use crate::time::rfc3339;
use crate::world::{Value, value};

/// How long a clock that is off lets a token be over, in seconds.
const HOUR: u64 = 3600;

pub(super) fn add(list: &mut List<'_>) {
    let times: Vec<Part> = list.d.parts.iter().filter(|p| matches!(p.rule, Rule::Time(_))).cloned().collect();
    for part in &times {
        units(list, part);
        if matches!(part.rule, Rule::Time(TimeRule::Expires)) {
            no_lifetime(list, part);
        }
    }
    if let Some(longest) = times.iter().filter_map(|p| lifetime(list, p)).max() {
        behind(list, longest);
    }
    let looks_ahead = |p: &Part| match p.rule {
        Rule::Time(TimeRule::NotBefore) => true,
        Rule::Time(_) => p.at_most.is_some(),
        _ => false,
    };
    if times.iter().any(looks_ahead) {
        let edit = Edit::Start(Box::new(|start| {
            start.signer.now = start.signer.now.saturating_add(HOUR);
        }));
        let fix = "set the clock of the signing machine, for example by NTP";
        list.add("clock/ahead", "has a clock that is ahead", fix, edit);
        list.timed();
    }
}

fn units(list: &mut List<'_>, part: &Part) {
    let (label, fix) = (list.label(part), parts::recipe(part));
    let first = part.types.first().copied().unwrap_or(Type::Seconds);
    let seconds = move |w: &Written| match first {
        Type::Seconds | Type::SecondsText => String::from_utf8_lossy(&w.bytes).parse::<u64>().ok(),
        Type::Milliseconds => String::from_utf8_lossy(&w.bytes).parse::<u64>().ok().map(|ms| ms / 1000),
        _ => None,
    };
    let path = part.path();
    let mut add = |what: &str, says: &str, json: fn(u64) -> String| {
        let edit = on_part(part.place, &part.name, move |w| {
            if let Some(seconds) = seconds(w) {
                w.json = json(seconds);
            }
        });
        list.add(&format!("{label}/{what}"), &format!("writes `{path}` {says}"), &fix, edit);
        list.timed();
    };
    if first == Type::Milliseconds {
        add("in-seconds", "in seconds instead of milliseconds", |s| s.to_string());
    } else {
        add("milliseconds", "in milliseconds", |s| s.saturating_mul(1000).to_string());
        add("microseconds", "in microseconds", |s| s.saturating_mul(1_000_000).to_string());
    }
    if first != Type::SecondsText {
        add("as-text", "as digits in quotes", |s| string_literal(&s.to_string()));
    }
    add("as-a-date", "as a date", |s| string_literal(&rfc3339(s)));
}

fn no_lifetime(list: &mut List<'_>, part: &Part) {
    let (place, name) = (part.place, part.name.clone());
    let form = part.types.first().copied().unwrap_or(Type::Seconds);
    let edit = Edit::Parts(Box::new(move |start, written| {
        for each in written.iter_mut().filter(|w| w.place == place && w.name == name) {
            let bytes = write_time(form, start.signer.now);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            each.json = if each.json.starts_with('"') { string_literal(&text) } else { text };
            each.bytes = bytes;
        }
    }));
    let says = format!("writes the time of signing as `{}`", part.path());
    let fix = format!("add the lifetime: {}", parts::recipe(part));
    list.add(&format!("{}/now", list.label(part)), &says, &fix, edit);
    list.timed();
}

/// The lifetime of a part in seconds, for the first caller.
fn lifetime(list: &List<'_>, part: &Part) -> Option<u64> {
    if !matches!(part.rule, Rule::Time(TimeRule::Expires)) {
        return part.at_most;
    }
    match &part.lifetime {
        None => Some(60),
        Some(Lifetime::Fixed(seconds)) => Some(*seconds),
        Some(Lifetime::Credential(name)) => match value(&list.world.credential("primary")?.values, name)? {
            Value::Integer(seconds) => u64::try_from(*seconds).ok(),
            _ => None,
        },
    }
}

fn behind(list: &mut List<'_>, longest: u64) {
    let shift = longest.saturating_add(HOUR);
    let edit = Edit::Start(Box::new(move |start| {
        start.signer.now = start.signer.now.saturating_sub(shift);
    }));
    let says = "has a clock that is behind, or sends a token that was made earlier";
    let fix =
        "make a new token for each request, and set the clock of the signing machine, for example by NTP";
    list.add("clock/behind", says, fix, edit);
    list.timed();
}
