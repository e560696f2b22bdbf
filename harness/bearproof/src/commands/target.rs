//! A profile becomes a target: a world with an address. It must not send anything.

use std::fs::OpenOptions;
use std::io::Write;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use bearproof_conform::deviation::Deviations;
use bearproof_conform::keyless::of_captured;
use bearproof_conform::life::{Life, captured_life, used_up};
use bearproof_conform::login::Logins;
use bearproof_conform::plot::Plot;
use bearproof_conform::results::VectorResult;
use bearproof_conform::suite::{Disk, Folder, Scheme, Suite, Variant, load_profile, read_text};
use bearproof_conform::written::quoted;
use bearproof_scheme::world::{self, World};
use clap::Args;

use super::Failure;
use crate::http_subject::{Http, Learnt};
use crate::open_loop::fresh::Caller;
use crate::pace::{Pace, Pacing};
use crate::wire::{Client, ClientConfig, Lanes, Origin, TlsOptions};

/// Exit code of a run in which nothing could be judged.
const NOTHING_JUDGED: u8 = 4;

/// A profile, read.
pub(super) struct Profile {
    pub(super) scheme: Scheme,
    pub(super) variant: Variant,
    pub(super) name: String,
    folder: Disk,
}

/// What the user says of the way to a target.
#[derive(Args, Clone, Debug)]
pub(crate) struct Reaching {
    /// Contact this host although it is not loopback; once for each host.
    #[arg(long, value_name = "HOST")]
    pub(crate) allow_host: Vec<String>,
    /// Trust this certificate authority (PEM) beside the system's.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Wait so long for a connection, and so long for an answer.
    #[arg(long, value_name = "SECONDS", default_value_t = TIMEOUT)]
    pub(crate) timeout: NonZeroU64,
}

impl Default for Reaching {
    fn default() -> Self {
        Self { allow_host: Vec::new(), ca: None, timeout: TIMEOUT }
    }
}

/// Seconds that are waited unless the user says otherwise.
const TIMEOUT: NonZeroU64 = NonZeroU64::MIN.saturating_add(4);

/// Where requests of a target go.
pub(super) struct Reach {
    pub(super) origin: String,
    pub(super) plain: Option<String>,
    /// A PEM file.
    pub(super) ca: Option<String>,
    /// Whether curl gets there with these alone.
    pub(super) curl: bool,
    /// Options that `send` needs beside the profile, each with a blank before it.
    pub(super) options: String,
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
    pub(super) fn http(&self, reaching: &Reaching, pacing: &Pacing) -> Result<Http, Failure> {
        let connect = &self.variant.world.connect;
        let origin = |text: &String| Origin::parse(text).map_err(|e| self.fault(&e));
        Ok(Http {
            lanes: Lanes::new(self.client(reaching, pacing.concurrency.get())?),
            origin: origin(connect.address.as_ref().unwrap_or(&self.variant.world.origin))?,
            plain: connect.plain.as_ref().map(origin).transpose()?,
            waits: true,
            hooks: connect.all_hooks(),
            ahead: AtomicI64::new(0),
            learnt: Learnt::default(),
            pace: Pace::new(pacing),
            progress: None,
        })
    }

    /// A client that keeps so many connections.
    pub(super) fn client(&self, reaching: &Reaching, connections: usize) -> Result<Client, Failure> {
        let timeout = Duration::from_secs(reaching.timeout.get());
        let client = Client::new(ClientConfig {
            exchange_timeout: timeout,
            connect_timeout: timeout,
            tls: self.tls(reaching)?,
            allowed_hosts: self
                .variant
                .world
                .connect
                .allow
                .iter()
                .chain(&reaching.allow_host)
                .cloned()
                .collect(),
            max_connections: connections,
        });
        client.map_err(|e| self.fault(&e))
    }

    /// The caller with this role, and the endpoint that it asks.
    pub(super) fn caller(&self, role: &str, endpoint: Option<&str>) -> Result<Caller, Failure> {
        Caller::of(&self.variant, role, endpoint).map_err(|why| self.fault(&why))
    }

    /// A failure that names the profile.
    pub(super) fn fault(&self, what: &str) -> Failure {
        Failure::input(format!("{}: {what}", self.name))
    }

    fn tls(&self, reaching: &Reaching) -> Result<TlsOptions, Failure> {
        let connect = &self.variant.world.connect;
        let mut roots = match &connect.ca {
            None => Vec::new(),
            Some(file) => read_text(&self.folder, file)?.into_bytes(),
        };
        if let Some(file) = &reaching.ca {
            let failed =
                |e: std::io::Error| Failure::input(format!("{}: can't be read: {e}", file.display()));
            roots.push(b'\n');
            roots.extend(std::fs::read(file).map_err(failed)?);
        }
        let client_pem = match (&connect.client_certificate, &connect.client_key) {
            (Some(file), Some(key)) => {
                Some((read_text(&self.folder, file)?.into_bytes(), key.expose().to_vec()))
            }
            _ => None,
        };
        Ok(TlsOptions { extra_roots_pem: roots, client_pem, insecure: connect.insecure.clone() })
    }

    /// What should be known of the profile beside the results.
    pub(super) fn notes(&self) -> Vec<String> {
        let world = &self.variant.world;
        let unchecked = world.connect.insecure.iter().map(|host| {
            format!(
                "the certificate of `{host}` was not checked: whoever stood between could read and change all"
            )
        });
        let inline = world.inline.iter().filter(|path| !self.is_published(path)).map(|path| {
            format!(
                "the secret `{path}` stands in the profile itself: take it from the environment or a file, \
                 with {{ env = \"NAME\" }} or {{ file = \"PATH\" }}"
            )
        });
        unchecked.chain(inline).collect()
    }

    /// Whether the secret at this path is the published one, and so none.
    fn is_published(&self, path: &str) -> bool {
        let find = |world: &World| {
            let (place, rest) = path.split_once('.')?;
            let (role, name) = rest.split_once('.')?;
            let values = match place {
                "credential" => &world.credential(role)?.values,
                "platform" => &world.platform(role)?.values,
                _ => return None,
            };
            world::value(values, name)?.bytes().map(std::borrow::Cow::into_owned)
        };
        let ours = find(&self.variant.world);
        ours.is_some() && ours == find(&self.scheme.default.world)
    }

    /// Where requests go, as a command line says it.
    pub(super) fn reach(&self, reaching: &Reaching) -> Reach {
        let connect = &self.variant.world.connect;
        let mut options = String::new();
        for host in &reaching.allow_host {
            options.push_str(&format!(" --allow-host {host}"));
        }
        if let Some(file) = &reaching.ca {
            options.push_str(&format!(" --ca {}", quoted(&file.display().to_string())));
        }
        Reach {
            origin: connect.address.clone().unwrap_or_else(|| self.variant.world.origin.clone()),
            plain: connect.plain.clone(),
            ca: connect.ca.as_ref().map(|file| self.folder.0.join(file).display().to_string()),
            curl: options.is_empty() && connect.client_key.is_none() && connect.insecure.is_empty(),
            options,
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
                plot.variant = self.variant.clone();
                plot
            })
            .collect();
        of_captured(plots, &self.variant.description, &self.variant.world)
    }

    /// Until when what the profile has captured is good, the shortest life first; nothing where it has keys or logs in.
    pub(super) fn life(&self, now: u64) -> Result<Option<Life>, Failure> {
        let Variant { description: d, world, .. } = &self.variant;
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
            "hook" => {
                let hooks = world.connect.all_hooks();
                if name == "clock" { hooks.clock.is_some() } else { hooks.revoke.is_some() }
            }
            "permission" => {
                let permitted = world.connect.permit.iter().any(|p| p.name() == name);
                let why = || format!("the profile does not permit {name}; `permit` under [connect] does");
                return (!permitted).then(why);
            }
            "plain" => world.connect.plain.is_some(),
            // What the target chose was taken out of the needs before.
            "choice" => return Some(format!("the target chose otherwise than {name}")),
            _ => true,
        };
        (!there).then(|| format!("the profile has no {need}"))
    }
}
