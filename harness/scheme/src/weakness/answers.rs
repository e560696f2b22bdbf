//! Weaknesses of answers: the decision is right, what is said of it is not.

use super::{Class, List};
use crate::reference::Answer;

/// Changes a refusal.
type Change = fn(&mut Answer);

pub(super) fn add(list: &mut List<'_>) {
    let table: [(&str, &str, Change); 6] = [
        ("status-500", "answers a refusal with 500", |a| a.status = 500),
        ("status-200", "answers a refusal with 200 and an error in the body", |a| a.status = 200),
        ("status-400", "answers every refusal with 400", |a| a.status = 400),
        ("status-403", "answers every refusal with 403", |a| a.status = 403),
        ("status-401", "answers every refusal with 401", |a| a.status = 401),
        ("no-body", "answers a refusal without the documented body", |a| a.body = b"{}".to_vec()),
    ];
    let documented = |list: &List<'_>| {
        let of_document = |r: &crate::description::RefusalRule| {
            r.reference.as_ref().and_then(|id| list.d().requirement(id)).is_some_and(|r| r.heading.is_some())
        };
        list.d().refusals.iter().filter(|r| of_document(r)).cloned().collect::<Vec<_>>()
    };
    let rules = documented(list);
    for (what, says, change) in table {
        // What no document says of a refusal is not judged.
        let judged = match what {
            "status-500" | "status-200" => true,
            "no-body" => rules.iter().any(|r| !r.body.is_empty()),
            "status-401" => rules.iter().any(|r| r.status != 401),
            "status-403" => rules.iter().any(|r| r.status != 403),
            _ => !rules.is_empty(),
        };
        if !judged {
            continue;
        }
        let class = if what == "status-200" { Class::Accepts } else { Class::Answers };
        list.add(class, &format!("refusal/{what}"), says, None, move |plan| {
            plan.back = Some(Box::new(move |_, mut answer| {
                if answer.refused.is_some() {
                    change(&mut answer);
                }
                answer
            }));
        });
    }
    list.add(Class::Answers, "refusal/breaks-on-form", "breaks on what is malformed", None, |plan| {
        plan.back = Some(Box::new(|_, mut answer| {
            let form = answer
                .refused
                .as_deref()
                .is_some_and(|r| r.ends_with(".malformed") || r.ends_with("wrong-type"));
            if form {
                answer.status = 500;
            }
            answer
        }));
    });
    breaks(list);
    if list.d().token.is_none() {
        echoes(list);
    }
}

/// Whether a refusal is about a form.
fn of_form(answer: &Answer) -> bool {
    answer.refused.as_deref().is_some_and(|r| r.ends_with(".malformed") || r.ends_with("wrong-type"))
}

/// Programs that break at one check, or on one kind of token that is none.
fn breaks(list: &mut List<'_>) {
    let rows: Vec<(usize, String)> =
        list.plan.rows().iter().enumerate().map(|(i, r)| (i, super::label(list.d(), r))).collect();
    for (row, label) in rows {
        let reasons = list.plan.rows().get(row).map(|r| r.reasons.clone()).unwrap_or_default();
        let form = |r: &crate::verdict::Reason| {
            matches!(
                r,
                crate::verdict::Reason::ClaimsWrongType
                    | crate::verdict::Reason::TimeWrongType
                    | crate::verdict::Reason::BindingWrongType
                    | crate::verdict::Reason::ReplayWrongType
            )
        };
        // Who a caller is, is looked up before the type of its name is looked at.
        let identity =
            list.plan.rows().get(row).and_then(|r| list.plan.part(r.part)).is_some_and(|p| p.identifies);
        if !list.d().caller_key() || identity || !reasons.iter().any(form) {
            continue;
        }
        let says = format!("breaks on a `{label}` of a wrong type");
        list.add(Class::Answers, &format!("refusal/breaks-at-{label}"), &says, None, move |plan| {
            plan.back = Some(Box::new(move |_, mut answer| {
                if answer.row == Some(row) && of_form(&answer) {
                    answer.status = 500;
                }
                answer
            }));
        });
        list.touches(super::Touches::RefusedBy(row));
    }
    let Some(format) = list.d().token.as_ref().map(|t| t.format) else { return };
    for (what, says) in KINDS {
        // Only a caller who signs writes such claims.
        let signer = ["no-text", "nothing", "no-object"].contains(&what);
        if format != crate::description::Format::Jws || signer && !list.d().caller_key() {
            continue;
        }
        list.add(Class::Answers, &format!("refusal/breaks-on-{what}"), says, None, move |plan| {
            plan.back = Some(Box::new(move |request, mut answer| {
                if of_form(&answer) && kind(request) == Some(what) {
                    answer.status = 500;
                }
                answer
            }));
        });
    }
}

/// Kinds of tokens that are none.
const KINDS: [(&str, &str); 9] = [
    ("bytes", "breaks on a field that is no UTF-8"),
    ("many-segments", "breaks on thousands of segments"),
    ("few-segments", "breaks on a token of fewer than three segments"),
    ("no-base64", "breaks on what is no base64url"),
    ("nothing", "breaks on a segment that is empty"),
    ("no-text", "breaks on JSON that is no UTF-8"),
    ("depth", "breaks on deep nesting"),
    ("no-object", "breaks on JSON that is no object"),
    ("no-json", "breaks on what is no JSON"),
];

/// What is wrong with the form of the token in a request.
fn kind(request: &crate::Request<'_>) -> Option<&'static str> {
    let line = request.values("authorization").next()?;
    if std::str::from_utf8(line).is_err() {
        return Some("bytes");
    }
    let token = line.strip_prefix(b"Bearer ")?;
    let segments: Vec<&[u8]> = token.split(|b| *b == b'.').collect();
    match segments.len() {
        1..=2 => return Some("few-segments"),
        1000.. => return Some("many-segments"),
        _ => {}
    }
    let texts: Result<Vec<Vec<u8>>, _> =
        segments.iter().map(|s| crate::encoding::decode_url(s, &crate::encoding::Rules::STRICT)).collect();
    let Ok(texts) = texts else { return Some("no-base64") };
    let json: Vec<&Vec<u8>> = texts.iter().take(2).collect();
    if json.iter().any(|t| t.is_empty()) {
        return Some("nothing");
    }
    if json.iter().any(|t| std::str::from_utf8(t).is_err()) {
        return Some("no-text");
    }
    if json.iter().any(|t| t.windows(40).any(|w| w.iter().all(|b| *b == b'['))) {
        return Some("depth");
    }
    if json.iter().any(|t| t.starts_with(b"[")) {
        return Some("no-object");
    }
    let limits = crate::encoding::Limits::DEFAULT;
    let rules = crate::encoding::JsonRules::STRICT;
    json.iter().any(|t| crate::encoding::parse_object(t, &rules, &limits).is_err()).then_some("no-json")
}

/// A bare secret that comes back in an answer is in every log on the way.
fn echoes(list: &mut List<'_>) {
    list.add(Class::Answers, "refusal/echoes", "says in a refusal what was sent", None, |plan| {
        plan.back = Some(Box::new(|request, mut answer| {
            if answer.refused.is_some() {
                let lines = request.fields.iter().flat_map(|(_, v)| [v.as_slice(), b" "].concat());
                answer.body.extend(lines.chain(request.body.iter().copied()));
            }
            answer
        }));
    });
}
