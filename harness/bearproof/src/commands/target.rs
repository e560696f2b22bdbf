//! A profile becomes a target: a world with an address. It must not send anything.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use bearproof_conform::deviation::Deviations;
use bearproof_conform::keyless::of_captured;
use bearproof_conform::life::{Life, captured_life, used_up};
use bearproof_conform::login::Logins;
use bearproof_conform::plot::Plot;
use bearproof_conform::results::VectorResult;
use bearproof_conform::suite::{Disk, Folder, Scheme, Suite, Variant, load_profile, read_text};
use bearproof_scheme::world;
use tokio::runtime::Handle;

use super::Failure;
use crate::http_subject::{Http, Learnt};
use crate::wire::{Client, ClientConfig, Origin};

/// Exit code of a run in which nothing could be judged.
const NOTHING_JUDGED: u8 = 4;

/// A profile, read.
pub(super) struct Profile {
    pub(super) scheme: Scheme,
    pub(super) variant: Variant,
    pub(super) name: String,
    folder: Disk,
}

/// Where requests of a target go.
pub(super) struct Reach {
    pub(super) origin: String,
    pub(super) plain: Option<String>,
    /// A PEM file.
    pub(super) ca: Option<String>,
}

/// Reads a profile.
pub(super) fn read(suite: &Suite, path: &Path) -> Result<Profile, Failure> {
    // Whatever has a file name has a parent, if only the empty one of a bare name.
    let (Some(folder), Some(file)) = (path.parent(), path.file_name()) else {
        return Err(Failure::input(format!("{}: not a file", path.display())));
    };
    let (folder, file) = (Disk(folder.to_path_buf()), file.to_string_lossy().into_owned());
    let text = read_text(&folder, &file)?;
    let name = folder.name(&file);
    let scheme = world::read_scheme(&name, &text, suite.schemes.iter().map(|s| s.id.as_str()))?;
    let scheme = suite.scheme(&scheme)?.clone();
    let variant = load_profile(&scheme, &name, &text, &folder)?;
    Ok(Profile { scheme, variant, name: file, folder })
}

impl Profile {
    /// The client and the addresses of the target.
    pub(super) fn http(&self, runtime: &Handle, timeout: Duration) -> Result<Http, Failure> {
        let connect = &self.variant.world.connect;
        let input = |e: String| Failure::input(format!("{}: {e}", self.name));
        let origin = |text: &String| Origin::parse(text).map_err(input);
        let roots = match &connect.ca {
            None => Vec::new(),
            Some(file) => read_text(&self.folder, file)?.into_bytes(),
        };
        let client = Client::new(ClientConfig {
            exchange_timeout: timeout,
            connect_timeout: timeout,
            extra_roots_pem: roots,
            allowed_hosts: connect.allow.clone(),
            max_connections: super::reference::CONCURRENCY,
        });
        Ok(Http {
            client: client.map_err(input)?,
            runtime: runtime.clone(),
            origin: origin(connect.address.as_ref().unwrap_or(&self.variant.world.origin))?,
            plain: connect.plain.as_ref().map(origin).transpose()?,
            control: connect.control.as_ref().map(origin).transpose()?,
            ahead: AtomicI64::new(0),
            learnt: Learnt::default(),
            requests: AtomicU64::new(0),
        })
    }

    /// Where requests go, as a command line says it.
    pub(super) fn reach(&self) -> Reach {
        let connect = &self.variant.world.connect;
        Reach {
            origin: connect.address.clone().unwrap_or_else(|| self.variant.world.origin.clone()),
            plain: connect.plain.clone(),
            ca: connect.ca.as_ref().map(|file| self.folder.0.join(file).display().to_string()),
        }
    }

    /// The published plots, played with the target's credentials and endpoints. What needs other choices than the
    /// target's is marked by its choices.
    pub(super) fn plots(&self, published: Vec<Plot>) -> Vec<Plot> {
        let taken = |(name, option): &(String, String)| {
            self.variant.description.choices.iter().any(|c| c.name == *name && c.chosen == *option)
        };
        let plots = published
            .into_iter()
            .map(|mut plot| {
                plot.choose.retain(|choice| !taken(choice));
                plot.variant = Variant {
                    description: Arc::clone(&self.variant.description),
                    world: Arc::clone(&self.variant.world),
                };
                plot
            })
            .collect();
        of_captured(plots, &self.variant.description, &self.variant.world)
    }

    /// Until when what the profile has captured is good, the shortest life first; nothing where it has keys or logs in.
    pub(super) fn life(&self, now: u64) -> Result<Option<Life>, Failure> {
        let Variant { description: d, world } = &self.variant;
        let stop = |why: String, help: &str| {
            let message = format!("{}: no control is possible: {why}\n  help: {help}", self.name);
            Err(Failure { code: NOTHING_JUDGED, message })
        };
        let mut lives = Vec::new();
        for caller in world.credentials.iter().filter(|c| c.request.is_some() || world.platforms.is_empty()) {
            if let Some(why) = used_up(d, caller) {
                let help =
                    "capture a request that may be sent twice, such as a GET, or give the caller's key";
                return stop(why, help);
            }
            let Some(life) = captured_life(d, world, &caller.role) else { continue };
            if life.left(now).is_some_and(|left| left <= 0) {
                let why = format!("the captured token of `{}` is over, {}", caller.role, life.words(now));
                return stop(why, "capture it anew");
            }
            lives.push(life);
        }
        Ok(lives.into_iter().min_by_key(|life| life.ends.unwrap_or(u64::MAX)))
    }

    /// The known deviations, where the profile names a file; `plots` are all of the scheme. A file that `update` is to
    /// write need not be there yet.
    pub(super) fn deviations(&self, plots: &[Plot], update: bool) -> Result<Deviations, Failure> {
        let Some(file) = &self.variant.world.known else { return Ok(Deviations::default()) };
        if update && !self.folder.0.join(file).exists() {
            return Ok(Deviations::default());
        }
        let ids: Vec<&str> = plots.iter().map(|p| p.id.as_str()).collect();
        Ok(Deviations::load(&self.folder.name(file), &read_text(&self.folder, file)?, &ids)?)
    }

    /// Puts entries for what is not known yet at the end of the file, and says where that is.
    pub(super) fn update(&self, known: &Deviations, results: &[VectorResult]) -> Result<PathBuf, Failure> {
        let Some(file) = &self.variant.world.known else {
            let help = "name one in the profile: `known = \"deviations.toml\"`";
            return Err(Failure::input(format!("{}: there is no file to update\n  help: {help}", self.name)));
        };
        let path = self.folder.0.join(file);
        let failed = |e: std::io::Error| Failure::input(format!("{}: can't be written: {e}", path.display()));
        let start = if path.exists() { "" } else { "format = 1\n" };
        let mut open = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        open.write_all(format!("{start}{}", known.update(results)).as_bytes()).map_err(failed)?;
        Ok(path)
    }

    /// Why the target can't offer a need.
    pub(super) fn lacks(&self, need: &str) -> Option<String> {
        let world = &self.variant.world;
        let (kind, name) = need.split_once(' ').unwrap_or((need, ""));
        let there = match kind {
            "credential" => world.credential(name).is_some(),
            "platform" => world.platform(name).is_some(),
            "token" => {
                let captured = world.credential(name).is_some_and(|c| c.captured.is_some());
                if captured || world.platform("primary").is_some() {
                    return None;
                }
                return Logins::offered(&self.variant, name).err().map(|why| {
                    format!(
                        "the profile has neither the platform's key nor a captured token of `{name}`, nor a login: {why}"
                    )
                });
            }
            "key" => {
                return Some(format!(
                    "only a captured request of `{name}` is here, and this takes a key to make"
                ));
            }
            "endpoint" => world.endpoint(name).is_some(),
            "hook" => world.connect.control.is_some(),
            "plain" => world.connect.plain.is_some(),
            // What the target chose was taken out of the needs before.
            "choice" => return Some(format!("the target chose otherwise than {name}")),
            _ => true,
        };
        (!there).then(|| format!("the profile has no {need}"))
    }
}
