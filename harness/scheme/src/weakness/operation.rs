//! Weaknesses of operations: proofs that are not compared, inputs that may be absent, ends without effect.

use super::{Class, List};
use crate::description::{Lifetime, Operation, OperationKind, Place, Rule, TimeRule, Type};
use crate::plan::Plan;
use crate::verdict::Reason;
use crate::verify::operation::{Effect, Prove, prove};
use crate::world::State;

pub(super) fn add(list: &mut List<'_>) {
    let operations = list.d().operations.clone();
    for (position, operation) in operations.iter().enumerate() {
        if operation.guarded {
            let says = format!("does not ask who calls `{}`", operation.name);
            change(list, position, "unguarded", &says, |o| o.guarded = false);
        }
        inputs(list, position, operation);
        match operation.kind {
            OperationKind::Issue => issue(list, position, operation),
            OperationKind::Register => register(list, operation),
            OperationKind::Revoke => revoke(list, operation),
        }
    }
    lifetimes(list);
}

/// Adds one that changes the operation's description.
fn change(
    list: &mut List<'_>,
    position: usize,
    what: &str,
    says: &str,
    edit: impl Fn(&mut Operation) + Send + Sync + 'static,
) {
    let Some(operation) = list.d().operations.get(position).cloned() else { return };
    let id = format!("{}/{what}", operation.name);
    list.add(Class::Accepts, &id, says, operation.reference.as_ref(), move |plan| {
        if let Some(operation) = plan.description.operations.get_mut(position) {
            edit(operation);
        }
    });
}

/// Adds one that checks a request to this operation in another way.
fn instead(
    list: &mut List<'_>,
    class: Class,
    operation: &Operation,
    what: &str,
    says: &str,
    make: impl Fn() -> Prove + Send + Sync + 'static,
) {
    let (id, name) = (format!("{}/{what}", operation.name), operation.name.clone());
    list.add(class, &id, says, operation.reference.as_ref(), move |plan| {
        let (name, weak) = (name.clone(), make());
        plan.prove = Box::new(move |plan, operation, request, context| {
            if operation.name == name {
                weak(plan, operation, request, context)
            } else {
                prove(plan, operation, request, context)
            }
        });
    });
}

/// Each input: not needed, of any type.
fn inputs(list: &mut List<'_>, position: usize, operation: &Operation) {
    for (index, part) in operation.parts.iter().enumerate() {
        if operation.kind == OperationKind::Revoke && part.identifies {
            let what = format!("without-{}", part.name.to_ascii_lowercase());
            let says = format!("does without `{}`, and takes it for all", part.path());
            instead(list, Class::Accepts, operation, &what, &says, || {
                Box::new(|plan, operation, request, context| {
                    prove(plan, operation, request, context).or_else(|refusal| match refusal.reason {
                        Reason::ProofMissing => Ok(Effect::Revoke(context.credentials.all().into_vec())),
                        _ => Err(refusal),
                    })
                })
            });
        } else if !part.optional && matches!(part.place, Place::Body | Place::Field) {
            let (what, says) = (
                format!("without-{}", part.name.to_ascii_lowercase()),
                format!("does without `{}`", part.path()),
            );
            change(list, position, &what, &says, move |o| {
                // What must be there keeps the body read.
                if let Some(part) = o.parts.get_mut(index) {
                    part.optional = true;
                }
            });
        }
        if part.place == Place::Body && part.types == [Type::String] {
            let says = format!("takes a list for `{}`", part.path());
            let what = format!("any-type-of-{}", part.name.to_ascii_lowercase());
            change(list, position, &what, &says, move |o| {
                if let Some(part) = o.parts.get_mut(index) {
                    part.types.push(Type::List);
                }
            });
        }
        if part.place == Place::Body && part.types.contains(&Type::HttpsUrl) {
            let says = format!("takes any text for `{}`", part.path());
            change(list, position, &format!("any-{}", part.name), &says, move |o| {
                if let Some(part) = o.parts.get_mut(index) {
                    part.types = vec![Type::String];
                }
            });
        }
    }
}

fn issue(list: &mut List<'_>, position: usize, operation: &Operation) {
    for (index, part) in operation.parts.iter().enumerate().filter(|(_, p)| !p.identifies) {
        let says = format!("does not compare `{}`", part.path());
        change(list, position, &format!("{}-unchecked", part.name.to_ascii_lowercase()), &says, move |o| {
            if index < o.parts.len() {
                o.parts.remove(index);
            }
        });
    }
    type Proof = fn(&[u8], &[u8]) -> bool;
    let table: [(&str, &str, Proof); 6] = [
        ("proof-by-prefix", "takes a proof that begins with the right one", |want, sent| {
            sent.starts_with(want)
        }),
        ("proof-any-case", "compares proofs without case", <[u8]>::eq_ignore_ascii_case),
        ("proof-trimmed", "trims a proof", |want, sent| want == sent.trim_ascii()),
        ("proof-cut-at-nul", "compares proofs up to a NUL", |want, sent| {
            sent.split(|b| *b == 0).next() == Some(want)
        }),
        ("proof-star", "reads `*` as any proof", |want, sent| sent == b"*" || want == sent),
        ("proof-of-anybody", "takes the proof of another caller", |_, _| false),
    ];
    // One login code serves all logins.
    let first = list.d().operations.iter().find(|o| o.kind == OperationKind::Issue).map(|o| o.name.clone());
    let table = table.into_iter().filter(|_| first.as_ref() == Some(&operation.name));
    for (what, says, same) in table {
        instead(list, Class::Accepts, operation, what, says, move || {
            Box::new(move |plan, operation, request, context| {
                let strict = prove(plan, operation, request, context);
                let Err(refusal) = strict else { return strict };
                if refusal.reason != Reason::ProofMismatch {
                    return Err(refusal);
                }
                careless(plan, operation, request, context, what == "proof-of-anybody", same).ok_or(refusal)
            })
        });
    }
    for (state, what, says) in [
        (State::Revoked, "revoked", "issues to revoked credentials"),
        (State::Disabled, "disabled", "issues to disabled credentials"),
        (State::Expired, "expired", "issues to expired credentials"),
    ] {
        if !list.world.credentials.iter().any(|c| c.state == state) {
            continue;
        }
        instead(list, Class::Accepts, operation, what, says, move || {
            Box::new(move |plan, operation, request, context| {
                let mut credentials = context.credentials.clone();
                for position in credentials.all() {
                    if credentials.get(position).is_some_and(|c| c.state == state) {
                        credentials.set_state(position, State::Active);
                    }
                }
                let context = crate::verify::Context { credentials: &credentials, ..*context };
                prove(plan, operation, request, &context)
            })
        });
    }
}

/// Finds whose identity and proofs fit, carelessly.
fn careless(
    plan: &Plan,
    operation: &Operation,
    request: &crate::Request<'_>,
    context: &crate::verify::Context<'_>,
    anybody: bool,
    same: fn(&[u8], &[u8]) -> bool,
) -> Option<Effect> {
    use crate::encoding::{Limits, Value as Json, parse_object};
    let body = parse_object(request.body, &plan.json.body, &Limits::DEFAULT).ok()?;
    let sent = |name: &str| body.find(name).and_then(Json::as_str).map(str::as_bytes);
    let platform = plan.platform.as_ref();
    let all = context.credentials.all();
    let own = |position: usize, part: &crate::description::Part| {
        crate::store::of_credential(part, &context.credentials.get(position)?.values, platform)
    };
    let parts: Vec<_> = operation.parts.iter().filter(|p| p.place == Place::Body).collect();
    let found = all.iter().copied().find(|i| {
        parts.iter().all(|part| {
            let (Some(sent), Some(want)) = (sent(&part.name), own(*i, part)) else { return part.optional };
            if part.identifies {
                return sent == want;
            }
            sent == want
                || same(&want, sent)
                || anybody && all.iter().any(|other| own(*other, part).as_deref() == Some(sent))
        })
    });
    let active = found.filter(|i| context.credentials.get(*i).is_some_and(|c| c.state == State::Active));
    active.map(Effect::Issue)
}

fn register(list: &mut List<'_>, operation: &Operation) {
    instead(list, Class::Accepts, operation, "revives", "makes an ended credential live again", || {
        Box::new(|plan, operation, request, context| {
            let mut credentials = context.credentials.clone();
            for position in credentials.all() {
                if credentials.get(position).is_some_and(|c| c.state == State::Revoked) {
                    credentials.forget(position);
                }
            }
            let context = crate::verify::Context { credentials: &credentials, ..*context };
            prove(plan, operation, request, &context)
        })
    });
    instead(
        list,
        Class::Accepts,
        operation,
        "for-disabled",
        "registers for a disabled or unentitled user",
        || {
            Box::new(|plan, operation, request, context| {
                let strict = prove(plan, operation, request, context);
                let mut credentials = context.credentials.clone();
                for position in credentials.all() {
                    credentials.set_state(position, State::Active);
                }
                let context = crate::verify::Context { credentials: &credentials, ..*context };
                strict.or_else(|_| prove(plan, operation, request, &context))
            })
        },
    );
    for part in &operation.parts {
        if !part.types.contains(&Type::Integer) {
            continue;
        }
        let name = part.name.clone();
        let says = format!("takes any number for `{}`", part.path());
        instead(
            list,
            Class::Accepts,
            operation,
            &format!("any-{}", name.to_ascii_lowercase()),
            &says,
            move || {
                let name = name.clone();
                Box::new(move |plan, operation, request, context| {
                    let strict = prove(plan, operation, request, context);
                    let text = String::from_utf8_lossy(request.body).into_owned();
                    let Some(body) = replaced(&text, &name) else { return strict };
                    let message = crate::Message { body: body.into_bytes(), ..request.to_message() };
                    strict.or_else(|_| prove(plan, operation, &message.request(), context))
                })
            },
        );
    }
}

/// The JSON text with a decent number for this member.
fn replaced(text: &str, name: &str) -> Option<String> {
    let (before, rest) = text.split_once(&format!("\"{name}\""))?;
    let (colon, rest) = rest.split_once(':')?;
    let end = rest.find([',', '}'])?;
    let (_, after) = rest.split_at_checked(end)?;
    Some(format!("{before}\"{name}\"{colon}:3600{after}"))
}

fn revoke(list: &mut List<'_>, operation: &Operation) {
    instead(list, Class::Accepts, operation, "without-effect", "says that it ended and ends nothing", || {
        Box::new(|plan, operation, request, context| {
            prove(plan, operation, request, context).map(|_| Effect::Revoke(Vec::new()))
        })
    });
    instead(list, Class::Refuses, operation, "ends-everybody", "ends the credentials of everybody", || {
        Box::new(|plan, operation, request, context| {
            let all = context.credentials.all();
            prove(plan, operation, request, context).map(|_| Effect::Revoke(all.into_vec()))
        })
    });
    instead(list, Class::Accepts, operation, "of-anybody", "ends credentials of other accounts", || {
        Box::new(|plan, operation, request, context| {
            let strict = prove(plan, operation, request, context);
            let mut narrow = operation.clone();
            narrow.parts.retain(|p| p.place == Place::Body || p.place == Place::Field);
            strict.or_else(|_| prove(plan, &narrow, request, context))
        })
    });
    instead(list, Class::Accepts, operation, "says-done", "says that it ended what it does not know", || {
        Box::new(|plan, operation, request, context| {
            prove(plan, operation, request, context).or_else(|refusal| match refusal.reason {
                Reason::ProofMismatch => Ok(Effect::Revoke(Vec::new())),
                _ => Err(refusal),
            })
        })
    });
}

/// Tokens that live longer or shorter than what was asked for.
fn lifetimes(list: &mut List<'_>) {
    if list.d().caller_key() {
        return;
    }
    let parts: Vec<_> = list.d().parts.iter().cloned().enumerate().collect();
    for (position, part) in parts {
        if part.place != Place::Claims || !matches!(part.rule, Rule::Time(TimeRule::Expires)) {
            continue;
        }
        for (class, what, says, lifetime) in [
            (Class::Accepts, "issued-for-years", "issues tokens that live ten years", 315_360_000),
            (Class::Refuses, "issued-expired", "issues tokens that are over", 0),
        ] {
            let id = format!("{}/{what}", part.path());
            list.add(class, &id, says, part.reference.as_ref(), move |plan| {
                if let Some(part) = plan.description.parts.get_mut(position) {
                    part.lifetime = Some(Lifetime::Fixed(lifetime));
                }
            });
        }
    }
}
