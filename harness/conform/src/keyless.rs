//! What can be asked with one captured request, or with a captured token, and no key: edits of the finished token and
//! message, and whatever nothing signed covers. It must not make anything.

use bearproof_scheme::Description;
use bearproof_scheme::description::{Binding, Format, Part, Place, Source};
use bearproof_scheme::request::Message;
use bearproof_scheme::world::{Credential, World};

use crate::freeze::CONTROL;
use crate::plot::Plot;
use crate::recipe::{Action, Edit, KeyOf, Spot, Step, Target};
use crate::resolve::find;

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
    let bound = d.parts.iter().any(|p| p.binds().is_some());
    let edits = || step.edits.iter().chain(&step.fault);
    (bound && endpoint != captured.endpoint) || edits().any(|edit| edit_takes_key(d, edit))
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

/// The plots as they can be asked where the world has one captured request and no `write`: those that are about the
/// credential alone, whatever the request, are sent as that request.
pub fn of_captured(mut plots: Vec<Plot>, world: &World) -> Vec<Plot> {
    let captured = world.credentials.iter().find_map(|c| Some((&c.role, c.request.as_ref()?)));
    let captured = captured.filter(|_| world.endpoint("write").is_none());
    let Some((role, captured)) = captured else { return plots };
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

/// Whether a plot that leaves its endpoint open shows with the world's one captured request what it shows with a write.
pub(crate) fn fits_what_is_captured(plot: &Plot) -> bool {
    let world = &plot.variant.world;
    let captured = world.credentials.iter().any(|c| c.request.is_some());
    !captured || !plot.usual || world.endpoint("write").is_some() || of_any_request(plot)
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
pub(crate) fn with_changes(captured: &Message, right: &Message, edited: Message) -> Message {
    let mut message = captured.clone();
    message.secure = edited.secure;
    if edited.method != right.method {
        message.method = edited.method;
    }
    if edited.target != right.target {
        message.target = edited.target;
    }
    if edited.body != right.body {
        message.body = edited.body;
    }
    for (name, value) in edited.fields {
        if right.request().values(&name).next() == Some(value.as_slice()) {
            continue;
        }
        match message.fields.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
            Some((_, line)) => *line = value,
            None => message.fields.push((name, value)),
        }
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
        let captured = of_captured(all.iter().map(here).collect(), &variant.world);
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
        assert_eq!(with_changes(&captured, &right, right.clone()), captured);
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
        assert_eq!(with_changes(&captured, &right, edited), wanted);
    }
}
