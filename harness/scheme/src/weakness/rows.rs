//! Weaknesses by rule: each check left out, each thing that must be there looked at only if it is, each wrong type
//! passed over. What leaves a request without token or credential is in the tables of other files.

use super::{Class, List};
use crate::description::Level;
use crate::verdict::Reason;
use crate::world::State;

pub(super) fn add(list: &mut List<'_>) {
    let preference = |reference: &Option<String>| {
        let requirement = reference.as_ref().and_then(|id| list.d().requirement(id));
        requirement.is_some_and(|r| r.level == Level::May)
    };
    let identifies = |part: Option<usize>| list.plan.part(part).is_some_and(|p| p.identifies);
    let rows: Vec<(usize, &'static str, String, Vec<Reason>)> = list
        .plan
        .rows()
        .iter()
        .enumerate()
        // What is only our preference is recorded, not judged. The identity is looked up before it is compared.
        .filter(|(_, r)| !(preference(&r.reference) || r.stage == "claims" && identifies(r.part)))
        .map(|(i, r)| (i, r.stage, r.name.clone(), r.reasons.clone()))
        .collect();
    let capped: Vec<String> =
        list.d().parts.iter().filter(|p| p.at_most.is_some()).map(crate::description::Part::path).collect();
    let states: Vec<State> = list.world.credentials.iter().map(|c| c.state).collect();
    for (row, stage, name, reasons) in rows {
        for reason in reasons {
            let Some((what, says)) = words(reason, &name) else { continue };
            // A state that nobody in the world is in, and a life that no document caps, can't be shown.
            let shown = match reason {
                Reason::KeyExpired => states.contains(&State::Expired),
                Reason::KeyDisabled => states.contains(&State::Disabled),
                Reason::TimeTooFar => capped.contains(&name),
                // A body that nothing binds has weaknesses of its own.
                Reason::BindingBody => name != "unbound body",
                // What a platform says of itself has the types that it writes.
                Reason::ClaimsWrongType => list.d().caller_key(),
                Reason::TimeWrongType if name == "registered claim nbf" => list.d().caller_key(),
                _ => true,
            };
            if !shown {
                continue;
            }
            // The identity claim is needed to find anybody at all; `identity` has what is done without.
            if stage == "key" && matches!(reason, Reason::ClaimsMissing | Reason::ClaimsWrongType) {
                continue;
            }
            list.forgive(
                row,
                what,
                &says,
                move |_, _, found| {
                    if found == reason { Ok(()) } else { Err(found) }
                },
            );
        }
    }
    // All of a check at once: absent, of any type, of any value.
    for (row, _, part) in list.part_rows("binding") {
        let says = format!("never looks at `{}`", part.path());
        list.replace(Class::Accepts, row, "unchecked", &says, |_, _| Ok(()));
    }
}

/// What is left out where this reason is not refused, and a sentence for it; nothing where leaving it out needs more
/// than that.
fn words(reason: Reason, name: &str) -> Option<(&'static str, String)> {
    let said = match reason {
        Reason::CarrierMismatch => ("not-compared", format!("does not compare `{name}` with the credential")),
        Reason::CritUnsupported => ("ignored", "ignores critical extensions".into()),
        Reason::HeaderMissing => ("only-if-present", format!("does without `{name}`")),
        Reason::HeaderMismatch => ("not-compared", format!("takes any `{name}`")),
        Reason::HeaderWrongType => ("wrong-type-passed", format!("passes over a `{name}` of a wrong type")),
        Reason::KeyRevoked => ("revoked", "lets revoked credentials in".into()),
        Reason::KeyExpired => ("expired", "lets expired credentials in".into()),
        Reason::KeyDisabled => ("disabled", "lets disabled credentials in".into()),
        Reason::ClaimsMissing => ("only-if-present", format!("does without `{name}`")),
        Reason::ClaimsMismatch => ("not-compared", format!("takes any `{name}`")),
        Reason::ClaimsWrongType => ("wrong-type-passed", format!("passes over a `{name}` of a wrong type")),
        Reason::TimeMissing => ("only-if-present", format!("does without `{name}`")),
        Reason::TimeWrongType => ("wrong-type-passed", format!("passes over a `{name}` that is no time")),
        Reason::TimeExpired => ("expired", format!("does not refuse a `{name}` that is past")),
        Reason::TimeNotYet => ("not-yet", format!("does not refuse a `{name}` in the future")),
        Reason::TimeTooFar => ("too-far", format!("does not refuse a `{name}` far in the future")),
        Reason::TimeTooOld => ("too-old", format!("does not refuse a `{name}` long ago")),
        Reason::BindingMissing => ("only-if-present", format!("does without `{name}`")),
        Reason::BindingWrongType => ("wrong-type-passed", format!("passes over a `{name}` of a wrong type")),
        Reason::BindingBody | Reason::BindingPath | Reason::BindingHost | Reason::BindingQuery => {
            ("not-compared", format!("does not compare `{name}` with the request"))
        }
        Reason::ReplayMissing => ("only-if-present", format!("does without `{name}`")),
        Reason::ReplayWrongType => ("wrong-type-passed", format!("takes a `{name}` of any form")),
        Reason::NonceReused => ("not-remembered", "does not remember nonces".into()),
        Reason::NoEndpoint => return None,
        Reason::Access(_) => ("unchecked", format!("does not check {name}")),
        // Carriers, framing, keys and signatures have tables of their own.
        _ => return None,
    };
    Some(said)
}
