//! Properties of the loaders of our files. Nothing named in an input may be opened: files and environment are the
//! published ones or none.

use bearproof_scheme::description::{self, Description};
use bearproof_scheme::document::{MAX_FILE, check_text};
use bearproof_scheme::request::Message;
use bearproof_scheme::sign::{Draft, Signer, signed};
use bearproof_scheme::verdict::STAGES;
use bearproof_scheme::world::{self, Resolver, World};
use bearproof_scheme::{Fault, Reference};

use super::any_world::any_world;
use super::ensure;
use super::ground::{Ground, Stand};
use crate::entropy::Published;
use crate::frozen;
use crate::recipe::load_recipes;

pub(super) const FILE: &str = "file";

pub(super) fn scheme_file(ground: &Ground, data: &[u8]) -> Result<(), String> {
    let Some(text) = text(data)? else { return Ok(()) };
    match description::load("fuzzed", FILE, text, &[]) {
        Err(fault) => placed(&fault, text),
        Ok(description) => {
            let world = any_world(&description, &ground.signed.key);
            works(ground, description, &world)
        }
    }
}

pub(super) fn world_file(ground: &Ground, data: &[u8]) -> Result<(), String> {
    let Some((stand, rest)) = ground.stand(data) else { return Ok(()) };
    let Some(text) = text(rest)? else { return Ok(()) };
    let description = &stand.variant.description;
    let others = [
        world::read_scheme(FILE, text, [description.id.as_str()].into_iter()).err(),
        world::read_choices(FILE, text).err(),
        world::check_choices(FILE, text, description).err(),
    ];
    others.iter().flatten().try_for_each(|fault| placed(fault, text))?;
    match world::load(description, FILE, text, &PublishedKeys(stand)) {
        Err(fault) => placed(&fault, text),
        Ok(world) => works(ground, description.as_ref().clone(), &world),
    }
}

pub(super) fn recipe_file(_: &Ground, data: &[u8]) -> Result<(), String> {
    let Some(text) = text(data)? else { return Ok(()) };
    for family in [None, Some("family")] {
        match load_recipes(FILE, text, family) {
            Err(fault) => placed(&fault, text)?,
            Ok(loaded) => {
                let mut rest = loaded.recipes.as_slice();
                while let Some((first, others)) = rest.split_first() {
                    ensure(!others.iter().any(|r| r.is_beside(first)), || "a name stands twice".into())?;
                    rest = others;
                }
            }
        }
    }
    Ok(())
}

pub(super) fn vector_file(_: &Ground, data: &[u8]) -> Result<(), String> {
    let Some(text) = text(data)? else { return Ok(()) };
    let file = match frozen::parse(FILE, text) {
        Err(fault) => return placed(&fault, text),
        Ok(file) => file,
    };
    let written = serde_json::to_string(&file).map_err(|e| e.to_string())?;
    let again =
        frozen::parse(FILE, &written).map_err(|fault| format!("written, it does not load: {fault}"))?;
    ensure(again == file, || "written and read again, it is another".into())?;
    for request in file.vectors.iter().flat_map(|v| &v.steps).filter_map(|step| step.request.as_ref()) {
        let length = request.body.bytes().map_or(0, |body| body.len());
        ensure(length <= MAX_FILE, || format!("a body of {length} bytes"))?;
    }
    Ok(())
}

/// The bytes as our files are; `None` if they are refused with a place.
fn text(data: &[u8]) -> Result<Option<&str>, String> {
    match check_text(FILE, data) {
        Ok(text) => Ok(Some(text)),
        Err(fault) => {
            let good = data.utf8_chunks().next().map_or("", |chunk| chunk.valid());
            placed(&fault, good).map(|()| None)
        }
    }
}

/// Whether a fault names the file, says something, and its place is in the text.
pub(super) fn placed(fault: &Fault, text: &str) -> Result<(), String> {
    ensure(fault.file == FILE && !fault.message.is_empty(), || {
        format!("a fault that says nothing: {fault:?}")
    })?;
    if fault.line == 0 {
        return Ok(());
    }
    let line = text.split('\n').nth(fault.line - 1);
    let within = line.is_some_and(|line| (1..=line.chars().count() + 1).contains(&fault.column));
    ensure(within, || format!("{}:{} is not in the text: {}", fault.line, fault.column, fault.message))
}

/// Whether what was loaded compiles, signs or says why not, and answers: what it signed itself, and the good requests of
/// all schemes.
fn works(ground: &Ground, description: Description, world: &World) -> Result<(), String> {
    let (entropy, now) = (Published::new("properties", 2), world.clock.unwrap_or(0));
    let mut messages = Vec::new();
    for (endpoint, credential) in world.endpoints.iter().zip(world.credentials.iter().cycle()) {
        let platform = world.platform("primary");
        let signer = Signer { description: &description, credential, platform, now, entropy: &entropy };
        messages.extend(signed(&signer, &Draft::of(world, endpoint)));
    }
    let reference = Reference::strict(description, world.clone());
    let rows = reference.plan().rows();
    ensure(!rows.is_empty(), || "it loads without a check".into())?;
    for row in rows {
        ensure(STAGES.contains(&row.stage), || format!("unknown stage `{}`", row.stage))?;
        ensure(!row.reasons.is_empty(), || format!("the check `{}` has no reason", row.name))?;
    }
    for message in messages.iter().chain(ground.goods()) {
        let answer = reference.handle(&message.request(), now, &entropy);
        let refusal = answer.refused.as_ref().and_then(|code| reference.plan().description().refusal(code));
        // A document may refuse with 200 and a body that says so.
        let written = refusal.is_some_and(|rule| rule.status == answer.status);
        ensure(written || answer.refused.is_some() == (answer.status != 200), || {
            format!("{:?} with status {}", answer.refused, answer.status)
        })?;
    }
    Ok(())
}

/// Gives the published keys of a scheme and nothing else.
struct PublishedKeys<'s>(&'s Stand);

impl Resolver for PublishedKeys<'_> {
    fn file(&self, path: &str) -> Result<Vec<u8>, String> {
        let published = path.strip_prefix("keys/").is_some_and(|name| !name.contains(['/', '\\', '\0']));
        if published { self.0.folder.read(path) } else { Err("there is no such file".into()) }
    }

    fn variable(&self, _: &str) -> Result<String, String> {
        Err("it is not set".into())
    }

    fn request(&self, bytes: &[u8]) -> Result<Message, Fault> {
        crate::captured::read("the captured request", bytes)
    }
}
