//! Weaknesses of times: windows widened, units mistaken, numbers that are too small for them.

use super::{Class, List};
use crate::description::{Place, Rule, TimeRule};
use crate::encoding::Value;
use crate::verdict::Reason;
use crate::verify::times::time;

/// Whether a refused time passes all the same: its text, whether it stood as text, and now.
type Passes = fn(&str, bool, u64) -> bool;

const EXPIRES: [(&str, &str, Passes); 6] = [
    ("as-text", "takes a time as text", |text, quoted, now| {
        quoted && text.parse::<f64>().is_ok_and(|t| t.is_finite() && t > seconds(now))
    }),
    ("past-as-text", "does not look at a time that is text", |text, quoted, _| quoted && !text.is_empty()),
    ("zero-is-never", "takes zero as no end", |text, _, _| text.parse::<f64>() == Ok(0.0)),
    ("negative-is-never", "takes a negative time as no end", |text, _, _| text.starts_with('-')),
    ("fraction-dropped-late", "compares whole minutes", |text, _, now| {
        text.parse::<f64>().is_ok_and(|t| (t / 60.0).floor() * 60.0 + 60.0 > seconds(now))
    }),
    ("empty-is-never", "takes an empty text as no end", |text, quoted, _| quoted && text.is_empty()),
];

fn seconds(now: u64) -> f64 {
    now.to_string().parse().unwrap_or(0.0)
}

pub(super) fn add(list: &mut List<'_>) {
    for (row, _, part) in list.part_rows("time") {
        let Rule::Time(rule) = part.rule else { continue };
        let mut shifts: Vec<(&str, &str, i64)> = match rule {
            TimeRule::Expires => vec![
                ("boundary", "takes the very second of expiry", 1),
                ("leeway-of-five-minutes", "has a leeway of five minutes", 300),
                ("leeway-of-a-quarter", "has a leeway of a quarter of an hour", 900),
                ("leeway-of-an-hour", "has a leeway of two hours", 7200),
                ("leeway-of-a-day", "reads a time of day in another time zone", 13 * 3600),
            ],
            TimeRule::NotBefore => vec![("leeway-of-an-hour", "has a leeway of two hours", -7200)],
            TimeRule::Issued => Vec::new(),
        };
        if rule != TimeRule::Issued {
            shifts.push(("late", "has a clock that is a day ahead", -86_400));
        }
        for (what, says, back) in shifts {
            let class = if rule == TimeRule::Expires && back < 0 { Class::Refuses } else { Class::Accepts };
            list.replace(class, row, what, says, move |case, row| {
                let now = case.context.now;
                case.context.now = now.saturating_add_signed(-back);
                let result = time(case, row);
                case.context.now = now;
                result
            });
        }
        if rule == TimeRule::Expires {
            // A platform writes times of its own, and none of these forms.
            let own = ["negative-is-never", "empty-is-never"];
            let callers = list.d().caller_key();
            for (what, says, passes) in EXPIRES.into_iter().filter(|e| callers || !own.contains(&e.0)) {
                let name = part.name.clone();
                list.forgive(row, what, says, move |case, _, reason| {
                    let found = case.members(Place::Claims).and_then(|m| m.find(&name));
                    let (text, quoted) = match found {
                        Some(Value::Number(text)) => ((*text).to_string(), false),
                        Some(Value::String(text)) => (text.to_string(), true),
                        _ => return Err(reason),
                    };
                    if passes(&text, quoted, case.context.now) { Ok(()) } else { Err(reason) }
                });
            }
            if callers {
                other_types(list, row, &part.name);
            }
        }
        if matches!(rule, TimeRule::Expires) {
            date(list, row);
            reads(list, row, &part.name);
        }
    }
    let registered = list.rows("time", "registered claim nbf");
    for row in registered {
        list.replace(Class::Accepts, row, "unchecked", "does not look at `nbf`", |_, _| Ok(()));
    }
}

fn other_types(list: &mut List<'_>, row: usize, name: &str) {
    type Fits = fn(&Value<'_>) -> bool;
    let table: [(&str, &str, Fits); 3] = [
        ("list-passed", "does not look at a time that is a list", |v| matches!(v, Value::Array(_))),
        ("false-is-never", "takes `false` as no end", |v| *v == Value::Bool(false)),
        ("null-is-never", "takes `null` as no end", |v| *v == Value::Null),
    ];
    for (what, says, fits) in table {
        let name = name.to_string();
        list.forgive(row, what, says, move |case, _, reason| {
            let found = case.members(Place::Claims).and_then(|m| m.find(&name));
            if found.is_some_and(fits) { Ok(()) } else { Err(reason) }
        });
    }
}

/// The sender says what time it is.
fn date(list: &mut List<'_>, row: usize) {
    list.replace(
        Class::Accepts,
        row,
        "time-of-the-request",
        "believes the `Date` of the request",
        |case, row| {
            let said = case.request.values("date").next().and_then(|v| std::str::from_utf8(v).ok());
            let now = case.context.now;
            if let Some(date) = said.and_then(crate::time::parse_http_date) {
                case.context.now = date;
            }
            let result = time(case, row);
            case.context.now = now;
            result
        },
    );
    list.replace(Class::Accepts, row, "not-for-reads", "checks the time of writes only", |case, row| {
        if case.request.method == "GET" { Ok::<(), Reason>(()) } else { time(case, row) }
    });
}

/// Numbers read in a type that is too small, or only in one spelling.
fn reads(list: &mut List<'_>, row: usize, name: &str) {
    let member = name.to_string();
    list.replace(Class::Refuses, row, "whole-numbers-only", "takes whole numbers only", move |case, row| {
        let found = case.members(Place::Claims).and_then(|m| m.find(&member));
        match found {
            Some(Value::Number(text)) if !text.bytes().all(|b| b.is_ascii_digit()) => {
                Err(Reason::TimeWrongType)
            }
            _ => time(case, row),
        }
    });
    let member = name.to_string();
    list.replace(Class::Refuses, row, "of-31-bits", "keeps times in 31 bits", move |case, row| {
        let found = case.members(Place::Claims).and_then(|m| m.find(&member));
        match found {
            Some(Value::Number(text)) if text.parse::<f64>().is_ok_and(|t| t > 2_147_483_647.0) => {
                Err(Reason::TimeExpired)
            }
            _ => time(case, row),
        }
    });
}
