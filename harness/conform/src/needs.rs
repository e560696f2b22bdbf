//! What follows from a plot: what a live target must offer, and which requirements it is about.
//! Nobody types these by hand.

use std::collections::BTreeSet;

use bearproof_scheme::Description;
use bearproof_scheme::description::{OperationKind, Part, Place};
use bearproof_scheme::world::Permission;

use crate::keyless::{anybody, takes_key};
use crate::plot::{Plot, target_of};
use crate::recipe::{Action, Edit, Expect, Given, KeyOf, Line, Spot, Target};
use crate::resolve::{carrier, find, has};

/// What a live target must offer.
pub fn needs(plot: &Plot) -> Vec<String> {
    let (d, world) = (&plot.variant.description, &plot.variant.world);
    let mut needs: BTreeSet<String> = BTreeSet::new();
    let mut role = |name: &str| {
        needs.insert(format!("credential {name}"));
    };
    role(&plot.role);
    for step in &plot.steps {
        if let Some(name) = &step.role {
            role(name);
        }
        for edit in step.edits.iter().chain(&step.fault) {
            match edit {
                Edit::SetPart { value: Given::OfRole(name), .. }
                | Edit::DuplicateMember { value: Given::OfRole(name), .. }
                | Edit::Sign { key: Some(KeyOf::Role(name)), .. }
                | Edit::SignBinding { role: name }
                | Edit::Duplicate { with: Line::OfRole(name), .. } => role(name),
                _ => {}
            }
        }
    }
    for step in &plot.steps {
        match &step.action {
            Action::Wait(_) => {
                needs.insert("hook clock".into());
            }
            Action::Revoke if d.revocation().is_none() => {
                needs.insert("hook revoke".into());
            }
            Action::Call | Action::Obtain(_) | Action::Revoke => {}
        }
        let endpoint = match (&step.action, d.revocation()) {
            (Action::Wait(_), _) | (Action::Revoke, None) => continue,
            (Action::Revoke, Some(revoke)) => revoke.name.clone(),
            (Action::Obtain(Some(name)), _) => name.clone(),
            (Action::Obtain(None), _) => crate::resolve::token_operation(d).unwrap_or_default().into(),
            (Action::Call, _) => step.endpoint.clone().unwrap_or_else(|| plot.endpoint.clone()),
        };
        needs.insert(format!("endpoint {endpoint}"));
        let own_token = step.token_of.is_none();
        let caller = step.role.as_ref().unwrap_or(&plot.role);
        if let Some(held) = world.credential(caller)
            && takes_key(d, held, step, &endpoint)
        {
            needs.insert(format!("key {caller}"));
        }
        let ordinary = d.operation(&endpoint).is_none_or(|o| o.guarded);
        if has(d, world, "platform-key") && ordinary {
            // What is captured can be taken apart and put together by anybody.
            let captured = world.platform("primary").is_none()
                && world.credential(caller).is_some_and(|c| c.captured.is_some());
            let edits = || step.edits.iter().chain(&step.fault);
            if edits().any(|e| inside_token(d, e) && !(captured && anybody(d, e))) {
                needs.insert("platform primary".into());
            } else if own_token {
                needs.insert(format!("token {caller}"));
            }
            for edit in edits() {
                if let Edit::Duplicate { with: Line::OfRole(role), .. } = edit {
                    needs.insert(format!("token {role}"));
                }
            }
        }
        for edit in step.edits.iter().chain(&step.fault) {
            match edit {
                Edit::Transport { secure: false } => {
                    needs.insert("plain http".into());
                }
                Edit::Sign { key: Some(KeyOf::Platform(name)), .. } => {
                    needs.insert(format!("platform {name}"));
                }
                _ => {}
            }
        }
    }
    for permission in plot.risk.into_iter().chain(has_side_effects(plot).then_some(Permission::SideEffects)) {
        needs.insert(format!("permission {}", permission.name()));
    }
    for (name, option) in &plot.choose {
        needs.insert(format!("choice {name}={option}"));
    }
    needs.into_iter().collect()
}

/// Whether a plot makes the target record or end something by its API; who has hooks for that knows what they do.
fn has_side_effects(plot: &Plot) -> bool {
    let d = &plot.variant.description;
    let kind = |name: &str| d.operation(name).map(|o| o.kind);
    plot.steps.iter().any(|step| {
        let kind = match &step.action {
            Action::Wait(_) => None,
            Action::Revoke => d.revocation().map(|o| o.kind),
            Action::Obtain(name) => {
                name.as_deref().or_else(|| crate::resolve::token_operation(d)).and_then(kind)
            }
            Action::Call => kind(step.endpoint.as_deref().unwrap_or(&plot.endpoint)),
        };
        kind.is_some_and(|kind| kind != OperationKind::Issue)
    })
}

/// Whether an edit is one of what only the holder of the key can change.
fn inside_token(d: &Description, edit: &Edit) -> bool {
    match edit {
        Edit::ReplaceText { .. }
        | Edit::DuplicateMember { .. }
        | Edit::Sign { .. }
        | Edit::Forge(_)
        | Edit::SignSpelt { .. }
        | Edit::SignBinding { .. }
        | Edit::Mistake { .. } => true,
        Edit::ReplacePiece { with, .. } => with.contains("{other}"),
        _ => target_of(edit).is_some_and(|target| {
            let place = match target {
                Target::Exact(place, _) => Some(*place),
                Target::Meaning(_) => find(d, target).map(|p| p.place),
            };
            matches!(place, Some(Place::Header | Place::Claims))
        }),
    }
}

/// The recipe's own references, then the requirements behind the parts that are edited and the reasons expected.
pub fn references(plot: &Plot) -> Vec<String> {
    let d = &plot.variant.description;
    let mut refs = plot.refs.clone();
    let name = plot.id.split_once('/').map_or("", |(_, name)| name);
    let shown = d.requirements.iter().filter(|r| r.shown_by.iter().any(|v| v == name));
    refs.extend(shown.map(|r| r.id.clone()).filter(|id| !plot.refs.contains(id)));
    let mut add = |id: &Option<String>| {
        if let Some(id) = id
            && !refs.contains(id)
        {
            refs.push(id.clone());
        }
    };
    let part_of = |target: &Target| -> Option<Part> {
        let of_operation =
            |p: &&Part| matches!(target, Target::Exact(place, name) if p.place == *place && p.name == *name);
        find(d, target).or_else(|| d.operations.iter().flat_map(|o| &o.parts).find(of_operation)).cloned()
    };
    let mut edited = false;
    for step in &plot.steps {
        for edit in step.edits.iter().chain(&step.fault) {
            let Some(target) = target_of(edit) else { continue };
            if let Some(part) = part_of(target) {
                edited = true;
                add(&part.reference);
            }
        }
        let operation = match &step.action {
            Action::Obtain(name) => name.as_deref().or_else(|| crate::resolve::token_operation(d)),
            Action::Revoke => d.revocation().map(|o| o.name.as_str()),
            _ => Some(step.endpoint.as_deref().unwrap_or(&plot.endpoint)),
        };
        if let Some(operation) = operation.and_then(|name| d.operation(name)) {
            add(&operation.reference);
            for part in operation.parts.iter().chain(&operation.answers) {
                add(&part.reference);
            }
        }
    }
    let plan = &plot.variant.plan;
    for step in &plot.steps {
        let Expect::Reject(reasons) = &step.expect else { continue };
        for row in plan.rows() {
            let gives = row.reasons.iter().any(|r| reasons.contains(&plan.code(*r)));
            // Many claims share a reason: with an edited part, that part says it all.
            if gives && !(edited && matches!(row.stage, "claims" | "time" | "replay")) {
                add(&row.reference);
            }
        }
        for reason in reasons {
            add(&d.refusal(reason).and_then(|r| r.reference.clone()));
        }
    }
    for (name, _) in &plot.choose {
        add(&d.choices.iter().find(|c| c.name == *name).and_then(|c| c.reference.clone()));
    }
    // A good request as it stands is about every part; an edited one about what it edits.
    let plain = plot.steps.iter().all(|s| s.expect == Expect::Accept && s.edits.is_empty());
    if plain && d.operation(&plot.endpoint).is_none() {
        for part in &d.parts {
            add(&part.reference);
        }
        add(&d.token.as_ref().and_then(|t| t.reference.clone()));
        for choice in &d.choices {
            add(&choice.reference);
        }
    }
    for edit in plot.steps.iter().flat_map(|s| s.edits.iter().chain(&s.fault)) {
        match edit {
            Edit::Request { spot: Spot::Body, .. } | Edit::Replace { spot: Spot::Body, .. } => {
                add(&d.parts.iter().find(|p| p.reads_body()).and_then(|p| p.reference.clone()));
            }
            Edit::Replace { spot: Spot::Carrier, .. } | Edit::Move { .. } => {
                add(&carrier(d).and_then(|p| p.reference.clone()));
            }
            _ => {}
        }
    }
    refs
}
