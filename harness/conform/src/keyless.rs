//! What can be asked with one captured request, or with a captured token, and no key: edits of the finished token and
//! message, and whatever nothing signed covers. It must not make anything.

use std::collections::BTreeSet;

use bearproof_scheme::Description;
use bearproof_scheme::description::{Binding, Format, Part, Place, Source};
use bearproof_scheme::request::Message;
use bearproof_scheme::world::{Captured, Credential, World};

use crate::freeze::CONTROL;
use crate::plot::Plot;
use crate::recipe::{Action, Edit, KeyOf, Spot, Step, Target};
use crate::resolve::find;
use crate::suite::Variant;

/// Whether anybody can make this edit of a token that he saw: nothing signs it, or a key that everybody can guess.
pub(crate) fn anybody(d: &Description, edit: &Edit) -> bool {
    let jws = d.token.as_ref().is_some_and(|t| t.format == Format::Jws);
    match edit {
        Edit::Sign { alg: Some(alg), key: None, .. } if alg == "none" => jws,
        Edit::Sign { key: Some(KeyOf::Literal(_)), .. } => jws,
        _ => false,
    }
}

/// Whether a call of this caller takes the key that its captured request was made with.
pub(crate) fn takes_key(d: &Description, caller: &Credential, step: &Step, endpoint: &str) -> bool {
    let Some(captured) = &caller.request else { return false };
    let edits = || step.edits.iter().chain(&step.fault);
    (is_bound(d) && endpoint != captured.endpoint) || edits().any(|edit| edit_takes_key(d, edit))
}

/// Whether a request's credential is good for this request alone.
pub(crate) fn is_bound(d: &Description) -> bool {
    d.parts.iter().any(|p| p.binds().is_some())
}

fn edit_takes_key(d: &Description, edit: &Edit) -> bool {
    let reads = |wanted: &dyn Fn(&Source) -> bool| {
        d.parts.iter().filter_map(Part::pipeline).any(|p| p.sources().any(wanted))
    };
    let conditional = || d.parts.iter().any(|p| !p.when.is_empty());
    match edit {
        Edit::Request { spot, .. } => match spot {
            Spot::Body => reads(&|s| *s == Source::Body) || conditional(),
            Spot::Method => reads(&|s| *s == Source::Method) || conditional(),
            Spot::Query => reads(&|s| matches!(s, Source::Query | Source::Target)) || conditional(),
            Spot::Path => d.parts.iter().any(|p| p.binds() == Some(Binding::Path)),
            Spot::Field(name) => name.eq_ignore_ascii_case("host") && reads(&|s| *s == Source::Host),
            Spot::Carrier => false,
        },
        Edit::Pack { first: true } => reads(&|s| *s == Source::Body),
        // A captured path has its parameters filled in.
        Edit::Parameter { .. }
        | Edit::Mistake { .. }
        | Edit::ReplaceText { .. }
        | Edit::DuplicateMember { .. }
        | Edit::Forge(_)
        | Edit::SignSpelt { .. }
        | Edit::SignBinding { .. } => true,
        Edit::Sign { .. } => !anybody(d, edit),
        Edit::ReplacePiece { with, .. } => with.contains("{other}"),
        Edit::SetPart { target, .. } | Edit::RemovePart { target } | Edit::RenamePart { target, .. } => {
            let place = match target {
                Target::Exact(place, _) => Some(*place),
                Target::Meaning(_) => find(d, target).map(|p| p.place),
            };
            let computed = || find(d, target).is_some_and(|p| !p.travels_as_it_is());
            place != Some(Place::Field) || computed()
        }
        _ => false,
    }
}

/// The plots as they can be asked where the world has one captured request and no write can be made: those that are
/// about the credential alone, whatever the request, are sent as that request.
pub fn of_captured(mut plots: Vec<Plot>, d: &Description, world: &World) -> Vec<Plot> {
    let Some((role, captured)) = instead_of_a_write(d, world) else { return plots };
    let at = |plot: &Plot| format!("{}/{CONTROL}/{role}-{}", plot.variant.description.id, plot.endpoint);
    // A control goes where its vector goes.
    let control = |plot: &Plot| plot.id.split('/').nth(1) == Some(CONTROL);
    let moves = |plot: &Plot| plot.usual && !control(plot) && plot.role == *role && of_any_request(plot);
    let mut twins = Vec::new();
    for plot in plots.iter_mut().filter(|p| moves(p)) {
        let plain = plot.twin == Some(at(plot));
        plot.endpoint.clone_from(&captured.endpoint);
        if plain {
            plot.twin = Some(at(plot));
        }
        twins.extend(plot.twin.clone().filter(|_| !plain));
    }
    for twin in plots.iter_mut().filter(|p| twins.contains(&p.id)) {
        twin.endpoint.clone_from(&captured.endpoint);
    }
    plots
}

/// The captured request that all usual requests are sent as, and its caller.
fn instead_of_a_write<'w>(d: &Description, world: &'w World) -> Option<(&'w String, &'w Captured)> {
    let (role, captured) = world.credentials.iter().find_map(|c| Some((&c.role, c.request.as_ref()?)))?;
    let write = captured.endpoint == "write" || (world.endpoint("write").is_some() && !is_bound(d));
    (!write).then_some((role, captured))
}

/// Whether a plot that leaves its endpoint open shows with the world's one captured request what it shows with a write.
pub(crate) fn fits_what_is_captured(plot: &Plot) -> bool {
    let Variant { description, world, .. } = &plot.variant;
    !plot.usual || instead_of_a_write(description, world).is_none() || of_any_request(plot)
}

/// Whether a plot edits the credential alone, so that any request of its caller shows the same.
fn of_any_request(plot: &Plot) -> bool {
    let d = &plot.variant.description;
    let edits = || plot.steps.iter().flat_map(|s| s.edits.iter().chain(&s.fault));
    let one = matches!(plot.steps.as_slice(), [step] if step.action == Action::Call && step.role.is_none());
    one && edits().next().is_some() && edits().all(|edit| of_the_credential(d, edit))
}

fn of_the_credential(d: &Description, edit: &Edit) -> bool {
    let of_message = |spot: &Spot| matches!(spot, Spot::Carrier | Spot::Field(_));
    match edit {
        Edit::Transport { .. } => true,
        Edit::Request { spot, .. }
        | Edit::Replace { spot, .. }
        | Edit::Remove { spot }
        | Edit::Duplicate { spot, .. } => of_message(spot),
        Edit::Move { to } => !to.starts_with("body "),
        Edit::Encode { .. }
        | Edit::ReplacePiece { .. }
        | Edit::Sign { .. }
        | Edit::SetPart { .. }
        | Edit::RemovePart { .. }
        | Edit::RenamePart { .. } => !edit_takes_key(d, edit),
        _ => false,
    }
}

/// The captured request with what `edited` has otherwise than `right`.
pub(crate) fn with_changes(captured: &Message, right: &Message, edited: &Message) -> Message {
    let mut message = captured.clone();
    message.secure = edited.secure;
    if edited.method != right.method {
        message.method.clone_from(&edited.method);
    }
    if edited.target != right.target {
        message.target.clone_from(&edited.target);
    }
    if edited.body != right.body {
        message.body.clone_from(&edited.body);
    }
    let names = edited.fields.iter().chain(&right.fields).map(|(name, _)| name.to_ascii_lowercase());
    for name in names.collect::<BTreeSet<String>>() {
        let lines = |of: &Message| -> Vec<(String, Vec<u8>)> {
            of.fields.iter().filter(|(n, _)| n.eq_ignore_ascii_case(&name)).cloned().collect()
        };
        let (new, old, spelt) = (lines(edited), lines(right), lines(captured));
        if new == old {
            continue;
        }
        let first = message.fields.iter().position(|(n, _)| n.eq_ignore_ascii_case(&name));
        message.fields.retain(|(n, _)| !n.eq_ignore_ascii_case(&name));
        let at = first.unwrap_or(message.fields.len());
        // A name that the edit left alone stays as it was spelt.
        let named = |n: String| match (old.iter().any(|(o, _)| *o == n), spelt.first()) {
            (true, Some((spelt, _))) => spelt.clone(),
            _ => n,
        };
        message.fields.splice(at..at, new.into_iter().map(|(n, value)| (named(n), value)));
    }
    message
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::needs::needs;
    use crate::suite::{Disk, Suite, load_profile};

    fn message(fields: &[(&str, &str)]) -> Message {
        let fields = fields.iter().map(|(n, v)| ((*n).into(), v.as_bytes().to_vec())).collect();
        Message { secure: true, method: "GET".into(), target: "/a".into(), fields, body: Vec::new() }
    }

    /// The plots of a scheme, and those for a world that has one captured GET of it.
    fn plots(id: &str, request: &str) -> (Vec<Plot>, Vec<Plot>) {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
        let suite = Suite::load(Arc::new(Disk(folder))).unwrap();
        let scheme = suite.scheme(id).unwrap();
        let profile = format!(
            "format = 1\nscheme = \"{id}\"\norigin = \"https://h.example\"\n[credential.primary]\ncaptured-request = '''{request}'''\n"
        );
        let variant = load_profile(scheme, "profile", &profile, scheme.folder.as_ref()).unwrap();
        let all = crate::freeze::plots_beside(&suite.families, scheme, &|_| true).unwrap().plots;
        let here = |plot: &Plot| Plot { variant: variant.clone(), ..plot.clone() };
        let captured = of_captured(all.iter().map(here).collect(), &variant.description, &variant.world);
        (all, captured)
    }

    #[test]
    fn what_is_about_the_credential_is_asked_with_what_is_there_and_nothing_else_is() {
        let (all, captured) = plots(
            "hexsafe",
            "GET /v1/validate HTTP/1.1\nHost: h.example\nX-Api-Key: k\nAuthorization: Bearer e30.e30.AA\n\n",
        );
        let needs_of = |name: &str| {
            let plot = captured.iter().find(|p| p.id == format!("hexsafe/{name}")).unwrap();
            (needs(plot).join(", "), plot.twin.clone().unwrap_or_default())
        };
        let read = "credential primary, endpoint read";
        let plain = "hexsafe/control/primary-read".to_string();
        for name in
            ["signature/empty", "algorithm/none", "carrier/missing", "path-binding/changed-for-a-read"]
        {
            assert_eq!(needs_of(name), (read.to_string(), plain.clone()), "{name}");
        }
        let with_key = "credential primary, endpoint read, key primary";
        for name in ["path-binding/binding-is-empty", "time/expired-for-a-read"] {
            assert_eq!(needs_of(name).0, with_key, "{name}");
        }
        // About the body, or a nonce that a read has not: never asked with a read.
        for name in ["body-binding/body-changed", "replay/same-request-twice", "claims/missing-uri"] {
            assert!(needs_of(name).0.contains("endpoint write"), "{name}: {}", needs_of(name).0);
        }
        // What was published is not touched.
        let sent = |plots: &[Plot]| plots.iter().filter(|p| p.endpoint == "read").count();
        assert!(sent(&captured) > sent(&all) + 50);
        assert!(all.iter().all(|p| !needs(p).iter().any(|n| n.starts_with("key "))));
    }

    #[test]
    fn what_was_not_edited_stays_as_it_was_captured() {
        let captured = message(&[("AUTHORIZATION", "bearer  x.y.z"), ("Accept", "*/*"), ("host", "h")]);
        let right = message(&[("Host", "h"), ("authorization", "Bearer x.y.z")]);
        assert_eq!(with_changes(&captured, &right, &right), captured);
        let edited = Message {
            target: "/b".into(),
            ..message(&[("Host", "h"), ("X-Forwarded-User", "admin"), ("authorization", "Bearer x.y.")])
        };
        let wanted = Message {
            target: "/b".into(),
            ..message(&[
                ("AUTHORIZATION", "Bearer x.y."),
                ("Accept", "*/*"),
                ("host", "h"),
                ("X-Forwarded-User", "admin"),
            ])
        };
        assert_eq!(with_changes(&captured, &right, &edited), wanted);
        let without = message(&[("Host", "h")]);
        let wanted = message(&[("Accept", "*/*"), ("host", "h")]);
        assert_eq!(with_changes(&captured, &right, &without), wanted);
        let twice =
            message(&[("Host", "h"), ("authorization", "Bearer x.y.z"), ("Authorization", "Bearer a")]);
        let wanted = message(&[
            ("AUTHORIZATION", "Bearer x.y.z"),
            ("Authorization", "Bearer a"),
            ("Accept", "*/*"),
            ("host", "h"),
        ]);
        assert_eq!(with_changes(&captured, &right, &twice), wanted);
    }
}
