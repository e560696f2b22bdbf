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
    if list.d().token.is_none() {
        echoes(list);
    }
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
