//! The property of sequences: what was used once, what was ended and what is over lets nobody in, and nothing else is
//! refused. The expected verdicts come from a list of all that happened, which shares no code with the memory.

use arbitrary::Unstructured;
use bearproof_scheme::description::{Lifetime, Part, Rule, TimeRule};
use bearproof_scheme::world::{Credential, State, Value, value};

use super::ensure;
use super::ground::{Ground, Stand};
use crate::entropy::Published;
use crate::in_process::InProcess;
use crate::play::{Done, Moment, Next, play};
use crate::plot::Plot;
use crate::recipe::{Action, Edit, Expect, Given, Meaning, Step, Target};
use crate::subject::Subject;

/// Longest sequence.
const LONGEST: usize = 12;

/// A request that was made, and what became of it.
struct Made {
    done: Done,
    role: String,
    /// When its token is over, in seconds since 1970 UTC; `None` where nothing ends it.
    over: Option<u64>,
    /// The request that first had its nonce.
    nonce_of: usize,
}

pub(super) fn sequence(ground: &Ground, data: &[u8]) -> Result<(), String> {
    let Some((stand, rest)) = ground.stand(data) else { return Ok(()) };
    let mut input = Unstructured::new(rest);
    let d = &stand.variant.description;
    let roles = ["primary", "other", "next"];
    let usable = |c: &&Credential| roles.contains(&c.role.as_str()) && c.state == State::Active;
    let callers: Vec<&Credential> = stand.variant.world.credentials.iter().filter(usable).collect();
    let once = d.parts.iter().any(|p| {
        p.single_use
            && stand.drafts.first().is_some_and(|draft| {
                p.applies(&draft.method, !draft.body.is_empty(), !draft.query.is_empty())
            })
    });
    let subject = InProcess::new(&stand.variant, "sequence");
    let (mut made, mut ended): (Vec<Made>, Vec<String>) = (Vec::new(), Vec::new());
    // Nonces, and until when each is remembered.
    let mut spent: Vec<(usize, Option<u64>)> = Vec::new();
    for number in 0..LONGEST {
        let Ok(verb) = input.int_in_range(0..=4_u8) else { break };
        if input.is_empty() {
            break;
        }
        let Ok(caller) = input.choose(&callers) else { break };
        let now = subject.now();
        let next = match verb {
            0 => call(stand, caller, now, number, None),
            1 | 2 => {
                let Ok(of) = input.choose_index(made.len()) else { continue };
                let Some(before) = made.get(of) else { continue };
                if verb == 1 {
                    let done = before.done.clone();
                    Ok(Made { done, role: before.role.clone(), over: before.over, nonce_of: before.nonce_of })
                } else if once && before.role == caller.role {
                    call(stand, caller, now, number, Some(before))
                } else {
                    continue;
                }
            }
            3 => {
                subject.revoke(&caller.role).map_err(|e| e.words().to_string())?;
                ended.push(caller.role.clone());
                continue;
            }
            _ => {
                let seconds = *input.choose(&[0, 1, 59, 60, 3599, 86_400]).unwrap_or(&0);
                subject.wait(seconds).map_err(|e| e.words().to_string())?;
                continue;
            }
        };
        let mut next = next?;
        // A fresh nonce is its own first.
        let first = if next.nonce_of == usize::MAX { number } else { next.nonce_of };
        next.nonce_of = first;
        let over =
            |at: Option<u64>| at.is_some_and(|at| now >= at.saturating_add(stand.variant.world.leeway));
        let used = spent.iter().any(|(nonce, until)| once && *nonce == first && !over(*until));
        let expected = ended.contains(&next.role) || over(next.over) || used;
        let message = next.done.message.clone().ok_or("no message was made")?;
        let found = subject.ask(&message, number).refused;
        ensure(found.is_some() == expected, || {
            let id = &d.id;
            format!(
                "{id}: exchange {number} of `{}`: expected refused {expected}, found {found:?}",
                next.role
            )
        })?;
        if found.is_none() {
            spent.push((first, next.over));
        }
        made.push(next);
    }
    Ok(())
}

/// The good request of a caller, with the nonce of an earlier one if that is given.
fn call(
    stand: &Stand,
    caller: &Credential,
    now: u64,
    number: usize,
    nonce: Option<&Made>,
) -> Result<Made, String> {
    let mut step = Step::new(Action::Call, Expect::Any);
    let earlier: Vec<Done> = nonce.iter().map(|made| made.done.clone()).collect();
    if nonce.is_some() {
        let target = Target::Meaning(Meaning::Nonce);
        step.edits.push(Edit::SetPart { target, value: Given::OfStep(1) });
    }
    let mut plot = Plot::of_step(String::new(), &stand.variant, &caller.role, step);
    let endpoint =
        stand.variant.world.endpoints.iter().find(|e| {
            stand.drafts.first().is_some_and(|draft| e.path == draft.path && e.method == draft.method)
        });
    plot.endpoint = endpoint.ok_or("no endpoint")?.role.clone();
    let entropy = Published::new("sequence", number);
    let moment = Moment { now, entropy: &entropy, fresh: 0, traced: false };
    let Next::Send(sent) = play(&plot, 0, moment, &earlier)? else { return Err("nothing was sent".into()) };
    let over = lifetime(stand, caller).map(|seconds| now.saturating_add(seconds));
    let done = Done { message: Some(sent.message), written: sent.written, token: None };
    let nonce_of = nonce.map_or(usize::MAX, |made| made.nonce_of);
    Ok(Made { done, role: caller.role.clone(), over, nonce_of })
}

/// How long a caller's token lives, by the description; `None` where there is no expiry.
fn lifetime(stand: &Stand, caller: &Credential) -> Option<u64> {
    let expires = |p: &&Part| matches!(p.rule, Rule::Time(TimeRule::Expires));
    let part = stand.variant.description.parts.iter().find(expires)?;
    Some(match &part.lifetime {
        Some(Lifetime::Fixed(seconds)) => *seconds,
        Some(Lifetime::Credential(name)) => match value(&caller.values, name) {
            Some(Value::Integer(seconds)) => u64::try_from(*seconds).ok()?,
            _ => 60,
        },
        None => 60,
    })
}
