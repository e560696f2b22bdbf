//! Recipes meet schemes: each recipe becomes a plot for each scheme that it applies to, and each rejecting plot
//! gets its control. It must not sign anything.

use bearproof_scheme::description::{Format, Part, Pipeline, Source};
use bearproof_scheme::mistake::alternatives;
use bearproof_scheme::world::{Endpoint, Permission};

use crate::recipe::{Action, Edit, Expect, Given, KeyOf, Line, Mistakes, Piece, Recipe, Spot, Step, Target};
use crate::resolve::{each, find, has, token_operation};
use crate::results::{Level, Severity};
use crate::suite::{Scheme, Variant};

/// A recipe for one scheme: everything generic is resolved.
#[derive(Clone)]
pub struct Plot {
    /// `<scheme>/<family>/<name>`.
    pub id: String,
    /// Why it matters.
    pub why: String,
    /// How binding it is.
    pub level: Level,
    /// How severe it is to get it wrong.
    pub severity: Severity,
    /// RFC clauses and catalogue entries, then the scheme's requirements.
    pub refs: Vec<String>,
    /// What else than asking it does to a careless server, by its recipe.
    pub risk: Option<Permission>,
    /// What it shows that other vectors, which notice the same weaknesses, do not.
    pub differs: Option<String>,
    /// Options that differ from the world's.
    pub choose: Vec<(String, String)>,
    /// Description and world for these options.
    pub variant: Variant,
    /// Caller's role.
    pub role: String,
    /// Endpoint's role.
    pub endpoint: String,
    /// Whether the recipe leaves the endpoint open.
    pub usual: bool,
    /// The exchanges.
    pub steps: Vec<Step>,
    /// Id of the control.
    pub twin: Option<String>,
}

impl Plot {
    /// One step of this caller, which no recipe has.
    pub(crate) fn of_step(id: String, variant: &Variant, role: &str, step: Step) -> Self {
        Self {
            id,
            why: String::new(),
            level: Level::Must,
            severity: Severity::Medium,
            refs: Vec::new(),
            risk: None,
            differs: None,
            choose: Vec::new(),
            variant: variant.clone(),
            role: role.into(),
            endpoint: String::new(),
            usual: false,
            steps: vec![step],
            twin: None,
        }
    }
}

/// Plots of one recipe for one scheme; empty if it does not apply.
///
/// # Errors
/// Why the recipe can't be meant for this scheme at all, in words.
pub fn expand(recipe: &Recipe, scheme: &Scheme) -> Result<Vec<Plot>, String> {
    let known = &scheme.default.description.choices;
    let fits = |(name, option): &(String, String)| {
        known.iter().any(|c| c.name == *name && c.options.contains(option))
    };
    if !recipe.choose.iter().all(fits) {
        return Ok(Vec::new());
    }
    let variant = scheme.variant(&recipe.choose).map_err(|f| f.to_string())?;
    let (d, world) = (&variant.description, &variant.world);
    let holds = |word: &String| match word.strip_prefix('!') {
        Some(word) => !has(d, world, word),
        None => has(d, world, word),
    };
    if !recipe.conditions.iter().all(holds) || world.credential(&recipe.role).is_none() {
        return Ok(Vec::new());
    }
    let mut plots = Vec::new();
    for (endpoint, suffix) in endpoints(recipe, &variant) {
        for branch in branches(recipe, &variant, &endpoint) {
            let Branch { steps, part, why, level } = branch;
            if !steps.iter().all(|s| applies(s, &variant, &endpoint)) {
                continue;
            }
            let mut name = recipe.name.clone();
            for extra in [&suffix, &part] {
                if !extra.is_empty() {
                    name = format!("{name}-{extra}");
                }
            }
            plots.push(Plot {
                id: format!("{}/{}/{name}", scheme.id, recipe.family),
                why,
                level,
                severity: recipe.severity,
                refs: recipe.refs.clone(),
                risk: recipe.risk,
                differs: recipe.differs.clone(),
                choose: recipe.choose.clone(),
                variant: variant.clone(),
                role: recipe.role.clone(),
                endpoint: endpoint.clone(),
                usual: recipe.endpoint.is_none(),
                steps,
                twin: None,
            });
        }
    }
    Ok(plots)
}

/// The endpoints that a recipe is for, with the suffix of the name.
fn endpoints(recipe: &Recipe, variant: &Variant) -> Vec<(String, String)> {
    let (d, world) = (&variant.description, &variant.world);
    let ordinary = || world.endpoints.iter().filter(|e| d.operation(&e.role).is_none());
    match recipe.endpoint.as_deref() {
        Some("each") => ordinary()
            .filter(|e| !e.role.starts_with("forbidden"))
            .map(|e| (e.role.clone(), e.role.clone()))
            .collect(),
        Some(role) => world.endpoint(role).map(|e| (e.role.clone(), String::new())).into_iter().collect(),
        None => {
            let usual =
                world.endpoint("write").or_else(|| world.endpoint("read")).or_else(|| ordinary().next());
            usual.map(|e| (e.role.clone(), String::new())).into_iter().collect()
        }
    }
}

/// A recipe with its `each` made exact.
struct Branch {
    steps: Vec<Step>,
    /// The suffix of the name.
    part: String,
    why: String,
    level: Level,
}

/// The steps with `each` targets made exact, one set for each part.
fn branches(recipe: &Recipe, variant: &Variant, endpoint: &str) -> Vec<Branch> {
    let d = &variant.description;
    let edits = || recipe.steps.iter().flat_map(|s| s.edits.iter().chain(&s.fault));
    if let Some(which) = edits().find_map(|edit| match edit {
        Edit::Mistake { which, of: None } => Some(which),
        _ => None,
    }) {
        return mistakes(recipe, variant, endpoint, which);
    }
    let plain =
        |steps: Vec<Step>, part: String| Branch { steps, part, why: recipe.why.clone(), level: recipe.level };
    let targets = recipe.steps.iter().find_map(|step| {
        let operation = match &step.action {
            Action::Obtain(name) => name.as_deref().or_else(|| token_operation(d)),
            _ => recipe.endpoint.as_deref(),
        };
        let edits = step.edits.iter().chain(&step.fault);
        edits.filter_map(target_of).find_map(|target| each(d, operation, target))
    });
    let Some(targets) = targets else { return vec![plain(recipe.steps.clone(), String::new())] };
    targets
        .into_iter()
        .map(|target| {
            let Target::Exact(_, name) = &target else { return plain(recipe.steps.clone(), String::new()) };
            let mut steps = recipe.steps.clone();
            for step in &mut steps {
                for edit in step.edits.iter_mut().chain(step.fault.as_mut()) {
                    replace_each(edit, &target);
                }
            }
            plain(steps, slug(name))
        })
        .collect()
}

/// A name as it stands in ids.
fn slug(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    name.chars().map(plain).collect::<String>().trim_matches('-').to_string()
}

/// One branch for each binding and each way to compute it wrong.
fn mistakes(recipe: &Recipe, variant: &Variant, endpoint: &str, which: &Mistakes) -> Vec<Branch> {
    let (d, world) = (&variant.description, &variant.world);
    let Some(endpoint) = world.endpoint(endpoint) else { return Vec::new() };
    let applies = |p: &Part, endpoint: &Endpoint| {
        p.applies(&endpoint.method, !endpoint.body.is_empty(), !endpoint.query.is_empty())
    };
    let usual = world.endpoint("write").filter(|_| *which == Mistakes::EachOfReads);
    let wanted = |p: &Part| {
        p.binds().is_some() && applies(p, endpoint) && !usual.is_some_and(|write| applies(p, write))
    };
    let bindings = d.parts.iter().enumerate().filter(|(_, p)| wanted(p));
    let mut all = Vec::new();
    for (position, part) in bindings {
        let Some(pipeline) = part.pipeline() else { continue };
        let asked = |id: &str| match which {
            Mistakes::Each | Mistakes::EachOfReads => true,
            Mistakes::Named(name) => name == id,
        };
        for wrong in alternatives(pipeline).into_iter().filter(|a| !a.open && asked(&a.id)) {
            let mut steps = recipe.steps.clone();
            for edit in steps.iter_mut().flat_map(|s| s.edits.iter_mut().chain(s.fault.as_mut())) {
                if let Edit::Mistake { of, .. } = edit {
                    *of = Some((position, wrong.pipeline.clone()));
                }
            }
            // What is computed without something that it must cover leaves that thing unbound.
            let covers = |p: &Pipeline| p.sources().cloned().collect::<Vec<_>>();
            let (right, left) = (covers(pipeline), covers(&wrong.pipeline));
            let unbound = wrong.loses || right.iter().any(|source| !left.contains(source));
            all.push(Branch {
                steps,
                part: format!("{}-{}", slug(&part.name), wrong.id),
                why: format!("it computes `{}` {}: {}", part.path(), wrong.says, recipe.why),
                level: if unbound { Level::Must } else { recipe.level },
            });
        }
    }
    all
}

/// The part that an edit is about.
pub(crate) fn target_of(edit: &Edit) -> Option<&Target> {
    match edit {
        Edit::SetPart { target, .. }
        | Edit::RemovePart { target }
        | Edit::RenamePart { target, .. }
        | Edit::DuplicateMember { target, .. } => Some(target),
        _ => None,
    }
}

fn replace_each(edit: &mut Edit, exact: &Target) {
    use crate::recipe::Meaning::{EachClaim, EachInput, EachProof, EachRequired};
    let (Edit::SetPart { target: slot, .. }
    | Edit::RemovePart { target: slot }
    | Edit::RenamePart { target: slot, .. }
    | Edit::DuplicateMember { target: slot, .. }) = edit
    else {
        return;
    };
    if matches!(slot, Target::Meaning(EachClaim | EachInput | EachProof | EachRequired)) {
        *slot = exact.clone();
    }
}

/// Whether each edit of a step has something to edit here.
pub(crate) fn applies(step: &Step, variant: &Variant, endpoint: &str) -> bool {
    let (d, world) = (&variant.description, &variant.world);
    let role = |name: &String| world.credential(name).is_some();
    if !step.role.iter().all(role) || !step.endpoint.iter().all(|e| world.endpoint(e).is_some()) {
        return false;
    }
    let operation = match &step.action {
        Action::Obtain(Some(name)) if d.operation(name).is_none() => return false,
        Action::Obtain(None) if token_operation(d).is_none() => return false,
        Action::Obtain(name) => name.as_deref().or_else(|| token_operation(d)),
        Action::Call => d.operation(step.endpoint.as_deref().unwrap_or(endpoint)).map(|o| o.name.as_str()),
        Action::Revoke | Action::Wait(_) => None,
    };
    let unguarded = operation.and_then(|name| d.operation(name)).filter(|o| !o.guarded);
    let format = d.token.as_ref().map(|t| t.format);
    let has_word = |word: &str| has(d, world, word);
    // A part of the operation, else of every request; what no scheme knows can be added where there is a token.
    let target_fits = |target: &Target, adding: bool| {
        let Target::Exact(place, name) = target else {
            return unguarded.is_none() && find(d, target).is_some();
        };
        let of_operation = operation
            .and_then(|o| d.operation(o))
            .is_some_and(|o| o.parts.iter().any(|p| p.place == *place && p.name == *name));
        use bearproof_scheme::description::Place;
        let addable = adding
            && match place {
                Place::Claims => format.is_some(),
                Place::Header => matches!(format, Some(Format::Jws | Format::Jwe)),
                Place::Body => true,
                _ => false,
            };
        of_operation || find(d, target).is_some() || addable
    };
    let piece_fits = |piece: &Piece| match (piece, format) {
        (_, None) => false,
        (Piece::Token, _) | (_, Some(Format::Jwe)) => true,
        (Piece::Header | Piece::Payload | Piece::Signature, Some(Format::Jws)) => true,
        _ => false,
    };
    let spot_fits = |spot: &Spot| match spot {
        Spot::Carrier => has_word("field-carrier") && unguarded.is_none(),
        _ => true,
    };
    let given_fits = |value: &Given| match value {
        Given::OfRole(name) => role(name),
        _ => true,
    };
    let key_fits = |key: &KeyOf| match key {
        KeyOf::Role(name) => d.caller_key() && role(name),
        KeyOf::Platform(name) => {
            d.token.as_ref().is_some_and(|t| matches!(t.key, Source::Platform(_)))
                && world.platform(name).is_some()
        }
        KeyOf::Public(_) => has_word("asymmetric"),
        KeyOf::Changed(_) => has_word("hmac"),
        KeyOf::Literal(_) => true,
    };
    step.edits.iter().chain(&step.fault).all(|edit| match edit {
        Edit::Transport { .. } | Edit::SendAgain { .. } | Edit::Mistake { .. } | Edit::Pack { .. } => true,
        Edit::Request { spot, .. }
        | Edit::Replace { spot, .. }
        | Edit::Remove { spot }
        | Edit::Change { spot } => spot_fits(spot),
        Edit::Parameter { name, .. } => {
            let role = step.endpoint.as_deref().unwrap_or(endpoint);
            world.endpoint(role).is_some_and(|e| e.path.contains(&format!("{{{name}}}")))
        }
        Edit::SetPart { target, value } => target_fits(target, true) && given_fits(value),
        Edit::DuplicateMember { target, value, .. } => target_fits(target, false) && given_fits(value),
        Edit::RemovePart { target } | Edit::RenamePart { target, .. } => target_fits(target, false),
        Edit::ReplaceText { of, .. } => {
            format.is_some_and(|f| f != Format::Opaque || *of == crate::recipe::TextOf::Claims)
                && unguarded.is_none()
        }
        Edit::Sign { alg, declare, key } => {
            let jws = format == Some(Format::Jws);
            let framed = format.is_some_and(|f| f != Format::Opaque);
            unguarded.is_none()
                && format.is_some()
                && (alg.is_none() || jws)
                && (declare.is_none() || framed)
                && key.iter().all(key_fits)
        }
        Edit::Forge(_) => has_word("rs256") && unguarded.is_none(),
        Edit::SignSpelt { .. } => format == Some(Format::Jws) && unguarded.is_none(),
        Edit::SignBinding { role: other } => has_word("keyed-binding") && role(other),
        Edit::Encode { piece, .. } | Edit::ReplacePiece { piece, .. } => {
            piece_fits(piece) && unguarded.is_none()
        }
        Edit::Move { .. } => has_word("field-carrier") && unguarded.is_none(),
        Edit::Duplicate { spot, with, .. } => {
            spot_fits(spot)
                && match with {
                    Line::OfRole(name) => role(name),
                    Line::Template(_) => true,
                }
        }
    })
}

/// The control of a rejecting plot: the same without the fault, everything accepted.
pub fn control(plot: &Plot) -> Plot {
    let mut steps = Vec::new();
    // Steps that fall away move those after them; 0 stands for a step that is gone.
    let mut moved: Vec<usize> = Vec::new();
    for (position, step) in plot.steps.iter().enumerate() {
        let last = position + 1 == plot.steps.len();
        let dropped = step.falls_away(last);
        moved.push(if dropped { 0 } else { steps.len() + 1 });
        if dropped {
            continue;
        }
        let mut step = step.clone();
        step.fault = None;
        if step.is_fault {
            // A call that is the fault as a whole: its control is the plain call of the recipe's own caller.
            step.edits.clear();
            step.role = None;
        }
        step.is_fault = false;
        step.expect = Expect::Accept;
        let now_at = |n: usize| n.checked_sub(1).and_then(|i| moved.get(i)).copied().filter(|n| *n > 0);
        step.token_of = step.token_of.and_then(now_at);
        step.edits.retain_mut(|edit| {
            let (Edit::SendAgain { step: of } | Edit::SetPart { value: Given::OfStep(of), .. }) = edit else {
                return true;
            };
            let there = now_at(*of);
            *of = there.unwrap_or(0);
            there.is_some()
        });
        steps.push(step);
    }
    Plot {
        why: String::new(),
        level: Level::Must,
        severity: Severity::Medium,
        refs: Vec::new(),
        // Without its edits it is the plain good request.
        risk: plot.risk.filter(|_| steps.iter().any(|step| !step.edits.is_empty())),
        differs: None,
        steps,
        twin: None,
        ..plot.clone()
    }
}
