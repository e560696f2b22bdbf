//! The values that edits give: of another caller, of an earlier step, over another body, at another time, with a mistake.
//! It must not put them anywhere.

use bearproof_scheme::description::{Part, Pipeline, Place, Rule, Type};
use bearproof_scheme::encoding::string_literal;
use bearproof_scheme::request::Message;
use bearproof_scheme::sign::{Draft, Signer, Trace, Written, field_line, signed, write_time};
use bearproof_scheme::world::Credential;

use super::fill::{fill_fresh, fill_times};
use super::{Done, NO_EFFECT, Stage};
use crate::plot::Plot;
use crate::recipe::{Given, Target};
use crate::resolve::find;

impl Stage<'_> {
    /// The value of a binding that is computed like this instead.
    pub(super) fn mistaken(&self, position: usize, wrong: &Pipeline) -> Result<Written, String> {
        let part = self.signer.description.parts.get(position).ok_or("the scheme has no such binding")?;
        let compute = |parts: &[Part]| {
            let all =
                self.signer.parts(parts, &self.draft, &[], &mut Trace::none()).map_err(|e| e.to_string())?;
            let same = |w: &Written| w.place == part.place && w.name == part.name;
            all.into_iter().find(same).ok_or_else(|| "no such binding for this request".to_string())
        };
        let mut parts = self.parts.clone();
        let same = |p: &Part| p.place == part.place && p.name == part.name && p.when == part.when;
        for each in parts.iter_mut().filter(|p| same(p)) {
            each.rule = Rule::From(wrong.clone());
        }
        let value = compute(&parts)?;
        if value == compute(&self.parts)? { Err(NO_EFFECT.into()) } else { Ok(value) }
    }

    /// Place and name of what a target means.
    pub(crate) fn spot_of(&self, target: &Target) -> Option<(Place, String)> {
        match target {
            Target::Exact(place, name) => Some((*place, name.clone())),
            Target::Meaning(_) => find(self.signer.description, target).map(|p| (p.place, p.name.clone())),
        }
    }

    /// The value that an edit gives.
    pub(crate) fn value(&self, place: Place, name: &str, value: &Given) -> Result<Written, String> {
        let part = self.parts.iter().find(|p| p.place == place && p.name == name);
        let same = |all: Vec<Written>| all.into_iter().find(|w| w.place == place && w.name == name);
        let compute = |signer: &Signer<'_>, draft: &Draft| {
            signer.parts(&self.parts, draft, &[], &mut Trace::none()).map_err(|e| e.to_string())
        };
        match value {
            Given::Time { offset, scale } => {
                let now = i64::try_from(self.signer.now).map_err(|_| "the clock is out of range")?;
                let time = now.saturating_add(*offset).saturating_mul(*scale);
                let form = part.and_then(|p| p.types.first()).copied();
                let json = match (form, u64::try_from(time)) {
                    (Some(form @ (Type::HttpDate | Type::Rfc3339 | Type::SecondsText)), Ok(time)) => {
                        let text = write_time(form, time);
                        string_literal(&String::from_utf8_lossy(&text))
                    }
                    (Some(Type::Milliseconds), _) => time.saturating_mul(1000).to_string(),
                    _ => time.to_string(),
                };
                Ok(Written::given(place, name, &json))
            }
            Given::OfRole(role) => {
                let theirs = Signer { credential: credential(self.plot, role)?, ..self.signer };
                same(compute(&theirs, &self.draft)?).ok_or_else(|| format!("`{role}` has no such part"))
            }
            Given::OfStep(step) => {
                let done = done(self.earlier, *step)?;
                same(done.written.clone()).ok_or_else(|| "that step had no such part".into())
            }
            Given::OverBody(body) => {
                let mut draft = self.draft.clone();
                draft.body.clone_from(body);
                same(compute(&self.signer, &draft)?).ok_or_else(|| "no such part for that body".into())
            }
            Given::Json(template) => {
                let right = same(compute(&self.signer, &self.draft).unwrap_or_default());
                let right = right.map(|w| String::from_utf8_lossy(&w.bytes).into_owned()).unwrap_or_default();
                let filled = fill_fresh(&fill_times(template, self.signer.now), self.fresh);
                Ok(Written::given(place, name, &filled.replace("{value}", &right)))
            }
        }
    }

    /// The line that a field part would have for another caller, or with a given value.
    pub(crate) fn field_line_of(&self, name: &str, value: &Given) -> Result<Vec<u8>, String> {
        let part = self.parts.iter().find(|p| p.place == Place::Field && p.name.eq_ignore_ascii_case(name));
        let part = part.ok_or("the scheme has no such field")?;
        match value {
            Given::OfRole(role) => {
                let message = self.plain_message(role)?;
                let line = message.fields.into_iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
                line.map(|(_, v)| v).ok_or_else(|| format!("`{role}` has no such field"))
            }
            Given::Json(template) => {
                let right = self.plain_message(&self.signer.credential.role)?;
                let right =
                    right.fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.clone());
                let right = String::from_utf8_lossy(&right.unwrap_or_default()).into_owned();
                let bare = Written::given(Place::Field, name, &template.replace("{value}", &right)).bytes;
                Ok(if template.contains("{value}") { bare } else { field_line(part, &bare) })
            }
            Given::Time { .. } | Given::OfStep(_) | Given::OverBody(_) => {
                Err("a field takes `of(ROLE)` or `json`".into())
            }
        }
    }

    /// The good message of another caller to the same endpoint.
    pub(crate) fn plain_message(&self, role: &str) -> Result<Message, String> {
        let signer = Signer { credential: credential(self.plot, role)?, ..self.signer };
        signed(&signer, &self.draft).map_err(|e| e.to_string())
    }
}

pub(super) fn credential<'p>(plot: &'p Plot, role: &str) -> Result<&'p Credential, String> {
    plot.variant.world.credential(role).ok_or_else(|| format!("the world has no credential `{role}`"))
}

pub(super) fn done(earlier: &[Done], step: usize) -> Result<&Done, String> {
    step.checked_sub(1)
        .and_then(|i| earlier.get(i))
        .ok_or_else(|| format!("there is no step {step} before this one"))
}
