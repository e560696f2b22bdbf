//! Recipes that nobody wrote: composed from the vocabulary of edits, for whatever a description has. Each word knows
//! by the description whether it changes something bound. It must not read a recipe or a vector, or ask a verifier.

mod access;
mod carrier;
mod hunt;
mod message;
mod parts;
mod sequences;
mod times;
mod token;

use std::collections::BTreeSet;

use bearproof_scheme::description::Part;
use bearproof_scheme::world::{Endpoint, Permission, State};

pub use hunt::{Wrong, order, smaller, wrong};

use crate::freeze::CONTROL;
use crate::plot::{Plot, applies};
use crate::recipe::{Action, Edit, Expect, Given, KeyOf, Line, Step};
use crate::results::{Level, Severity};
use crate::suite::Variant;

/// The family in the ids of composed vectors: `<scheme>/fuzz/<role>+<endpoint>+<word>+…`.
pub const FAMILY: &str = "fuzz";

/// One thing that can be done to a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// Its name, unique among the words of an endpoint.
    pub id: String,
    /// What it changes: two words of one request never change the same. `*`: no other word goes with it.
    pub slot: String,
    /// Whether it changes something bound, so that the request must be refused.
    pub breaks: bool,
    /// Whether it stands for all that break the same thing.
    pub plain: bool,
    /// How binding it is that the request is refused.
    pub level: Level,
    /// Exchanges before the request.
    before: Vec<Step>,
    /// The edit of the request.
    edit: Option<Edit>,
    /// What else than asking it does to a careless server.
    risk: Option<Permission>,
    /// The step whose answered token the request carries.
    token_of: Option<usize>,
}

impl Word {
    /// A change of something bound.
    fn breaking(slot: &str, id: &str, edit: Edit) -> Self {
        Self {
            id: id.into(),
            slot: slot.into(),
            breaks: true,
            plain: false,
            level: Level::Must,
            before: Vec::new(),
            edit: Some(edit),
            risk: None,
            token_of: None,
        }
    }

    /// A change that nothing binds.
    fn free(slot: &str, id: &str, edit: Edit) -> Self {
        Self { breaks: false, ..Self::breaking(slot, id, edit) }
    }

    /// Whether it takes something of another caller. Two of these together may be the other's own good request.
    fn names_another(&self) -> bool {
        matches!(
            &self.edit,
            Some(
                Edit::SetPart { value: Given::OfRole(_), .. }
                    | Edit::DuplicateMember { value: Given::OfRole(_), .. }
                    | Edit::Sign { key: Some(KeyOf::Role(_)), .. }
                    | Edit::SignBinding { .. }
                    | Edit::Duplicate { with: Line::OfRole(_), .. }
            )
        )
    }

    fn plain(self) -> Self {
        Self { plain: true, ..self }
    }

    /// Refusing it is good practice, and accepting it loses nothing directly.
    fn should(self) -> Self {
        Self { level: Level::Should, ..self }
    }
}

/// Where requests go, and who sends them.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// Caller's role.
    pub role: String,
    /// Endpoint's role.
    pub endpoint: String,
    /// Whether this caller may use this endpoint.
    pub open: bool,
    /// What can be done to a request there.
    pub words: Vec<Word>,
}

/// All sites of a world, the primary caller's first.
pub fn sites(variant: &Variant) -> Vec<Site> {
    let world = &variant.world;
    let mut sites = Vec::new();
    for credential in &world.credentials {
        for endpoint in &world.endpoints {
            let guarded = variant.description.operation(&endpoint.role).is_none_or(|o| o.guarded);
            // What the primary caller can show of an operation is enough.
            let primary = credential.role == "primary";
            if !guarded && !primary && credential.state == State::Active {
                continue;
            }
            let (role, to) = (credential.role.clone(), endpoint.role.clone());
            let open = credential.state == State::Active && access::granted(variant, credential, endpoint);
            // Words are about the primary caller. Where a caller may not call at all, what nothing binds is worth a try.
            let mut words = if open && !primary { Vec::new() } else { vocabulary(variant, endpoint) };
            words.retain(|word| open || !word.breaks && word.before.is_empty());
            sites.push(Site { role, endpoint: to, open, words });
        }
    }
    sites.sort_by_key(|site| site.role != "primary");
    sites
}

/// What can be done to a request to this endpoint.
fn vocabulary(variant: &Variant, endpoint: &Endpoint) -> Vec<Word> {
    let d = &variant.description;
    let operation = d.operation(&endpoint.role);
    let mut words = Vec::new();
    message::add(variant, endpoint, &mut words);
    if operation.is_none_or(|o| o.guarded) {
        carrier::add(variant, &mut words);
        token::add(variant, endpoint, &mut words);
        parts::add(variant, endpoint, &d.parts, None, &mut words);
        times::add(variant, endpoint, &mut words);
        sequences::add(variant, endpoint, &mut words);
    }
    if let Some(operation) = operation {
        parts::add(variant, endpoint, &operation.parts, Some(operation.kind), &mut words);
    }
    for word in &mut words {
        word.risk = word.edit.as_ref().and_then(risk);
    }
    words.retain(|word| {
        let step =
            Step { edits: word.edit.iter().cloned().collect(), ..Step::new(Action::Call, Expect::Any) };
        applies(&step, variant, &endpoint.role)
    });
    words
}

/// What an edit does to a server that is careless of more than authentication.
fn risk(edit: &Edit) -> Option<Permission> {
    let injects =
        |text: &str| ["' OR", "'OR'", "UNION", "$ne", "__proto__", "../"].iter().any(|w| text.contains(w));
    match edit {
        Edit::Request { to, .. } if to.len() > LARGE => Some(Permission::DenialOfService),
        Edit::SetPart { value: Given::Json(json), .. } if injects(json) => Some(Permission::Injection),
        _ => None,
    }
}

/// A body of more bytes is a burden.
const LARGE: usize = 64 * 1024;

/// Whether a part stands in the usual request to this endpoint.
fn stands(part: &Part, endpoint: &Endpoint) -> bool {
    part.applies(&endpoint.method, !endpoint.body.is_empty(), !endpoint.query.is_empty())
}

/// A request as it is composed.
#[derive(Debug, Clone, PartialEq)]
pub struct Composition<'w> {
    /// Who and where.
    pub site: &'w Site,
    /// What is done to the request.
    pub words: Vec<&'w Word>,
}

impl<'w> Composition<'w> {
    /// Adds a word; `false` if it does not go with those that are there.
    pub fn add(&mut self, word: &'w Word) -> bool {
        let meet = |other: &&Word| {
            let same = other.slot == word.slot || other.slot == "*" || word.slot == "*";
            same || other.names_another() && word.names_another()
        };
        let risks = |other: &&'w Word| other.risk.is_some() && word.risk.is_some() && other.risk != word.risk;
        let fits = !self.words.iter().any(meet) && !self.words.iter().any(risks);
        if fits {
            self.words.push(word);
        }
        fits
    }

    /// Whether something bound changes, so that the request must be refused.
    pub fn breaks(&self) -> bool {
        !self.site.open || self.words.iter().any(|word| word.breaks)
    }

    /// How binding that is: as the most binding of its words.
    fn level(&self) -> Level {
        let breaking = self.words.iter().filter(|w| w.breaks).map(|w| w.level).min();
        if self.site.open { breaking.unwrap_or(Level::Must) } else { Level::Must }
    }

    /// Its name, from which it can be made again.
    fn name(&self) -> String {
        let mut name = format!("{}+{}", self.site.role, self.site.endpoint);
        for word in &self.words {
            name.push('+');
            name.push_str(&word.id);
        }
        name
    }

    /// The recipe, for the scheme of a variant.
    pub fn plot(&self, variant: &Variant) -> Plot {
        let mut steps: Vec<Step> = self.words.iter().flat_map(|w| w.before.iter().cloned()).collect();
        let breaks = self.breaks();
        let expect = if breaks { Expect::Reject(Vec::new()) } else { Expect::Accept };
        let mut last = Step::new(Action::Call, expect);
        last.token_of = self.words.iter().find_map(|w| w.token_of);
        for word in &self.words {
            last.edits.extend(word.edit.clone());
        }
        steps.push(last);
        let id = format!("{}/{FAMILY}/{}", variant.description.id, self.name());
        let says: Vec<String> = self.words.iter().map(|w| w.id.replace('-', " ")).collect();
        let what = if says.is_empty() { "a caller who may not call".into() } else { says.join("; ") };
        let mut plot = Plot::of_step(id, variant, &self.site.role, Step::new(Action::Call, Expect::Any));
        plot.why = if breaks { format!("it lets in a request that must be refused: {what}") } else { what };
        plot.level = self.level();
        plot.severity = if plot.level == Level::Must { Severity::High } else { Severity::Medium };
        plot.endpoint.clone_from(&self.site.endpoint);
        plot.steps = steps;
        plot.risk = self.words.iter().find_map(|word| word.risk);
        plot.twin = self.twin().map(|twin| format!("{}/{FAMILY}/{}", variant.description.id, twin.name()));
        plot
    }

    /// The same without what breaks something, where a caller may be let in.
    fn twin(&self) -> Option<Self> {
        let words = self.words.iter().filter(|word| !word.breaks).copied().collect();
        (self.breaks() && self.site.open).then_some(Self { site: self.site, words })
    }

    /// What it breaks: the slots of its words, or the place itself.
    pub fn breaks_what(&self) -> String {
        let slots: BTreeSet<&str> = self.words.iter().filter(|w| w.breaks).map(|w| w.slot.as_str()).collect();
        if self.site.open { slots.into_iter().collect::<Vec<_>>().join(", ") } else { "who may call".into() }
    }
}

/// The plain good request of the primary caller, for calibration.
pub fn good(variant: &Variant, sites: &[Site]) -> Option<Plot> {
    let open = || sites.iter().filter(|s| s.open && s.role == "primary");
    let ordinary = |s: &&Site| variant.description.operation(&s.endpoint).is_none();
    let site = open().filter(ordinary).find(|s| s.endpoint == "write").or_else(|| open().find(ordinary))?;
    let mut plot = Composition { site, words: Vec::new() }.plot(variant);
    plot.id = format!("{}/{CONTROL}/{}-{}", variant.description.id, site.role, site.endpoint);
    Some(plot)
}

/// The composition with this id.
///
/// # Errors
/// Which of its words is unknown.
pub fn by_id(variant: &Variant, id: &str) -> Result<Plot, String> {
    let name = id.rsplit('/').next().unwrap_or(id);
    let mut names = name.split('+');
    let (Some(role), Some(endpoint)) = (names.next(), names.next()) else {
        return Err(format!("`{id}`: expected a role, an endpoint and words, with `+` between them"));
    };
    let all = sites(variant);
    let site = all.iter().find(|p| p.role == role && p.endpoint == endpoint);
    let site = site.ok_or_else(|| format!("`{id}`: the world has no `{role}` or no `{endpoint}`"))?;
    let mut composition = Composition { site, words: Vec::new() };
    for name in names {
        let word = site.words.iter().find(|w| w.id == name);
        let word = word.ok_or_else(|| format!("`{id}`: there is no word `{name}`"))?;
        if !composition.add(word) {
            return Err(format!("`{id}`: `{name}` does not go with the words before it"));
        }
    }
    Ok(composition.plot(variant))
}

/// Whether an id is one of a composition.
pub fn is_composed(id: &str) -> bool {
    id.split('/').nth(1) == Some(FAMILY)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::suite::{Disk, Suite};

    #[test]
    fn an_id_gives_its_composition_or_says_what_is_wrong_with_it() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
        let suite = Suite::load(Arc::new(Disk(root))).map_err(|f| f.to_string()).unwrap();
        let variant = &suite.scheme("annexcloud").map_err(|f| f.to_string()).unwrap().default;
        let all = sites(variant);
        let site = all.iter().find(|s| s.role == "primary" && s.endpoint == "write").unwrap();
        let word = site.words.first().unwrap();
        let mut composition = Composition { site, words: Vec::new() };
        assert!(composition.add(word));
        let plot = composition.plot(variant);
        assert_eq!(by_id(variant, &plot.id).unwrap().id, plot.id);
        for (id, expected) in [
            ("fuzz/primary".to_string(), "expected a role, an endpoint and words"),
            ("primary+nowhere".into(), "no `nowhere`"),
            ("nobody+write".into(), "no `nobody`"),
            ("primary+write+no-such-word".into(), "there is no word `no-such-word`"),
            (format!("primary+write+{}+{}", word.id, word.id), "does not go with the words before it"),
        ] {
            let said = by_id(variant, &id).err().unwrap();
            assert!(said.starts_with(&format!("`{id}`: ")) && said.contains(expected), "{said}");
        }
    }
}
