//! Scheme folders: a description, its world and its recipes, from a disk or embedded. It must not run anything.

use std::path::PathBuf;
use std::sync::Arc;

use bearproof_scheme::description::{self, Description};
use bearproof_scheme::document::{MAX_FILE, check_text};
use bearproof_scheme::request::Message;
use bearproof_scheme::world::{self, Resolver, World};
use bearproof_scheme::{Fault, Plan, document};

use crate::measure::{Measures, load_measures};
use crate::recipe::{Recipe, load_recipes};

/// A place that files are read from.
pub trait Folder: Send + Sync {
    /// Content of a file, by a path relative to the folder.
    ///
    /// # Errors
    /// Why it can't be read, in words.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;
    /// Names of files and folders directly below `path`, sorted.
    fn list(&self, path: &str) -> Vec<String>;
    /// The name of a file as the user knows it.
    fn name(&self, path: &str) -> String;
}

/// A folder on disk.
#[derive(Debug, Clone)]
pub struct Disk(pub PathBuf);

impl Folder for Disk {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let file = self.0.join(path);
        let meta = std::fs::metadata(&file).map_err(|e| describe(&e))?;
        if meta.is_dir() {
            return Err("this is a folder, a file was expected".into());
        }
        if meta.len() > u64::try_from(MAX_FILE).unwrap_or(u64::MAX) {
            return Err(format!("the file has {} bytes, more than the limit of {MAX_FILE}", meta.len()));
        }
        std::fs::read(&file).map_err(|e| describe(&e))
    }

    fn list(&self, path: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.join(path)).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.filter_map(|e| e.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    fn name(&self, path: &str) -> String {
        self.0.join(path).display().to_string()
    }
}

/// An error of the operating system without its number.
fn describe(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".into(),
        std::io::ErrorKind::PermissionDenied => "reading it is not permitted".into(),
        _ => error.to_string(),
    }
}

/// A folder inside another.
pub struct Below {
    /// The outer folder.
    pub outer: Arc<dyn Folder>,
    /// The path of the inner one.
    pub path: String,
}

impl Folder for Below {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.outer.read(&format!("{}/{path}", self.path))
    }

    fn list(&self, path: &str) -> Vec<String> {
        let path = if path.is_empty() { self.path.clone() } else { format!("{}/{path}", self.path) };
        self.outer.list(&path)
    }

    fn name(&self, path: &str) -> String {
        self.outer.name(&format!("{}/{path}", self.path))
    }
}

/// Reads a file as our files are.
///
/// # Errors
/// A [`Fault`] that names the file.
pub fn read_text(folder: &dyn Folder, path: &str) -> Result<String, Fault> {
    let name = folder.name(path);
    let remedy = "check that this is the path of the file you mean";
    let bytes = folder.read(path).map_err(|e| Fault::whole(&name, e, remedy))?;
    check_text(&name, &bytes).map(Into::into)
}

/// A scheme with its default choices.
#[derive(Clone)]
pub struct Scheme {
    /// Folder name.
    pub id: String,
    /// Where it was read from.
    pub folder: Arc<dyn Folder>,
    /// Description and world with the world's choices.
    pub default: Variant,
    /// Recipes that only this scheme has.
    pub recipes: Vec<Recipe>,
}

/// A description and a world for one set of choices.
#[derive(Clone)]
pub struct Variant {
    /// The description.
    pub description: Arc<Description>,
    /// The world.
    pub world: Arc<World>,
    /// The strict plan of both: which check gives which reason, by which requirement.
    pub plan: Arc<Plan>,
}

impl Variant {
    fn new(description: Description, world: World) -> Self {
        let plan = Plan::strict(description.clone(), &world);
        Self { description: Arc::new(description), world: Arc::new(world), plan: Arc::new(plan) }
    }
}

impl Scheme {
    /// Reads a scheme folder.
    ///
    /// # Errors
    /// The first [`Fault`] of its files.
    pub fn load(id: &str, folder: Arc<dyn Folder>) -> Result<Self, Fault> {
        let default = load_variant(id, folder.as_ref(), "world.toml", &[])?;
        let recipes = if folder.list("").iter().any(|n| n == "recipes.toml") {
            let name = folder.name("recipes.toml");
            load_recipes(&name, &read_text(folder.as_ref(), "recipes.toml")?, None)?.recipes
        } else {
            Vec::new()
        };
        Ok(Self { id: id.into(), folder, default, recipes })
    }

    /// The scheme with other options.
    ///
    /// # Errors
    /// A [`Fault`] if there is no such choice or option.
    pub fn variant(&self, choose: &[(String, String)]) -> Result<Variant, Fault> {
        if choose.is_empty() {
            Ok(self.default.clone())
        } else {
            load_variant(&self.id, self.folder.as_ref(), "world.toml", choose)
        }
    }

    /// The scheme as its world chooses, then with each other option of each choice, one at a time.
    ///
    /// # Errors
    /// A [`Fault`] if the world does not go with an option.
    pub fn variants(&self) -> Result<Vec<Variant>, Fault> {
        let mut variants = vec![self.default.clone()];
        for choice in &self.default.description.choices {
            for option in choice.options.iter().filter(|option| **option != choice.chosen) {
                variants.push(self.variant(&[(choice.name.clone(), option.clone())])?);
            }
        }
        Ok(variants)
    }
}

/// Reads description and world of a folder; `choose` goes before the world's own choices.
fn load_variant(
    id: &str,
    folder: &dyn Folder,
    world_file: &str,
    choose: &[(String, String)],
) -> Result<Variant, Fault> {
    let world_text = read_text(folder, world_file)?;
    let world_name = folder.name(world_file);
    let mut choices = world::read_choices(&world_name, &world_text)?;
    for (name, option) in choose {
        choices.retain(|(n, _)| n != name);
        choices.push((name.clone(), option.clone()));
    }
    let description = load_description(id, folder, &choices, &world_name, &world_text)?;
    let mut world = world::load(&description, &world_name, &world_text, &Files(folder))?;
    world.choose = choices;
    Ok(Variant::new(description, world))
}

/// Reads a description with the choices of a world. A wrong choice is a fault of the world that takes it.
fn load_description(
    id: &str,
    folder: &dyn Folder,
    choices: &[(String, String)],
    world_name: &str,
    world_text: &str,
) -> Result<Description, Fault> {
    let text = read_text(folder, "scheme.toml")?;
    let load = |choices| description::load(id, &folder.name("scheme.toml"), &text, choices);
    load(choices).map_err(|fault| {
        let by_default = load(&[]);
        by_default.ok().and_then(|d| world::check_choices(world_name, world_text, &d).err()).unwrap_or(fault)
    })
}

/// Reads a profile: a world of a target, for a scheme that is already known.
///
/// # Errors
/// The first [`Fault`].
pub fn load_profile(scheme: &Scheme, file: &str, text: &str, folder: &dyn Folder) -> Result<Variant, Fault> {
    let choices = world::read_choices(file, text)?;
    let mut description = load_description(&scheme.id, scheme.folder.as_ref(), &choices, file, text)?;
    let world = world::load(&description, file, text, &Files(folder))?;
    description.adapt(&world);
    Ok(Variant::new(description, world))
}

struct Files<'f>(&'f dyn Folder);

impl Resolver for Files<'_> {
    fn file(&self, path: &str) -> Result<Vec<u8>, String> {
        self.0.read(path)
    }

    fn variable(&self, name: &str) -> Result<String, String> {
        std::env::var(name).map_err(|_| "it is not set".into())
    }

    fn request(&self, bytes: &[u8]) -> Result<Message, Fault> {
        crate::captured::read("the captured request", bytes)
    }
}

/// All schemes and the family recipes.
pub struct Suite {
    /// The schemes, sorted by id.
    pub schemes: Vec<Scheme>,
    /// Recipes of the families.
    pub families: Vec<Recipe>,
    /// What is asked of a target beside the vectors, where the folder has such questions.
    pub measures: Option<Measures>,
    /// The folder that all was read from.
    pub folder: Arc<dyn Folder>,
}

impl Suite {
    /// Reads the folder of the vectors: each folder with a `scheme.toml` is a scheme.
    ///
    /// # Errors
    /// The first [`Fault`] of its files.
    pub fn load(folder: Arc<dyn Folder>) -> Result<Self, Fault> {
        let mut schemes = Vec::new();
        for name in folder.list("") {
            if folder.list(&name).iter().any(|n| n == "scheme.toml") {
                let below = Below { outer: Arc::clone(&folder), path: name.clone() };
                schemes.push(Scheme::load(&name, Arc::new(below))?);
            }
        }
        if schemes.is_empty() {
            let at = folder.name("");
            return Err(Fault::whole(&at, "no scheme here", "each scheme is a folder with a `scheme.toml`"));
        }
        let mut families = Vec::new();
        for file in folder.list("families") {
            let path = format!("families/{file}");
            let name = folder.name(&path);
            let Some(family) = file.strip_suffix(".toml") else {
                return Err(Fault::whole(&name, "not a recipe file", "families hold `.toml` files alone"));
            };
            families.extend(load_recipes(&name, &read_text(folder.as_ref(), &path)?, Some(family))?.recipes);
        }
        let measures = if folder.list("").iter().any(|n| n == "measures.toml") {
            let text = read_text(folder.as_ref(), "measures.toml")?;
            Some(load_measures(&folder.name("measures.toml"), &text)?)
        } else {
            None
        };
        Ok(Self { schemes, families, measures, folder })
    }

    /// The scheme with this id.
    ///
    /// # Errors
    /// A [`Fault`] that names the nearest.
    pub fn scheme(&self, id: &str) -> Result<&Scheme, Fault> {
        self.schemes.iter().find(|s| s.id == id).ok_or_else(|| {
            let remedy = document::nearest(id, self.schemes.iter().map(|s| s.id.as_str()));
            Fault::whole("--scheme", format!("unknown scheme `{id}`"), remedy)
        })
    }
}
