//! The commands, one file each. They must not judge or format results themselves.

pub(crate) mod again;
pub(crate) mod defects;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod feed;
pub(crate) mod freeze;
pub(crate) mod fuzz;
mod interrupt;
pub(crate) mod lint;
pub(crate) mod list;
pub(crate) mod load;
pub(crate) mod merge;
mod outlook;
pub(crate) mod profile;
pub(crate) mod promote;
mod reference;
mod repeat;
mod reports;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod send;
pub(crate) mod serve;
pub(crate) mod show;
pub(crate) mod sign;
pub(crate) mod target;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bearproof_conform::suite::{Disk, Scheme, Suite, Variant};
use bearproof_scheme::Fault;
use bearproof_scheme::encoding::encode_hex;

use crate::embedded::Embedded;

/// Why a command ended: the exit code and what is told to the user.
pub(crate) struct Failure {
    /// See the README: 2 for input, 1 for a check that failed, 5 for a bug.
    pub(crate) code: u8,
    /// What is printed.
    pub(crate) message: String,
}

impl Failure {
    /// Wrong usage, or a file that can't be used.
    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into() }
    }

    /// A check that found something.
    pub(crate) fn check(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }

    /// Something that must not happen.
    pub(crate) fn bug(message: impl Into<String>) -> Self {
        Self { code: 5, message: format!("this is a bug in bearproof: {}", message.into()) }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::input(fault.to_string())
    }
}

/// What a command prints and the code it ends with.
pub(crate) struct Done {
    pub(crate) output: Vec<u8>,
    pub(crate) code: u8,
}

impl Done {
    pub(crate) fn fine(output: impl Into<String>) -> Self {
        Self::bytes(output.into().into_bytes())
    }

    /// What is no text, as a request may be.
    pub(crate) fn bytes(output: Vec<u8>) -> Self {
        Self { output, code: 0 }
    }
}

/// A fresh id of a run: it is in each request, and all randomness of the run follows from it.
struct RunId([u8; 8]);

impl RunId {
    fn fresh() -> Result<Self, Failure> {
        let mut id = [0_u8; 8];
        aws_lc_rs::rand::fill(&mut id).map_err(|_| Failure::bug("no randomness"))?;
        Ok(Self(id))
    }

    /// In hex.
    fn text(&self) -> String {
        encode_hex(&self.0)
    }

    /// A seed for a run that was not given one, short enough to be typed.
    fn seed(&self) -> u64 {
        u64::from_be_bytes(self.0) >> 32
    }
}

/// The suite from a folder, else the embedded one.
pub(crate) fn load_suite(vectors: Option<&Path>) -> Result<Suite, Failure> {
    Ok(match vectors {
        Some(path) => Suite::load(Arc::new(Disk(path.to_path_buf())))?,
        None => Suite::load(Arc::new(Embedded))?,
    })
}

/// The folder that commands write vectors to: the given one, else `vectors` here.
pub(crate) fn vectors_folder(vectors: Option<&Path>) -> Result<PathBuf, Failure> {
    let folder = vectors.map_or_else(|| PathBuf::from("vectors"), Path::to_path_buf);
    if folder.join("families").is_dir() {
        return Ok(folder);
    }
    let message = format!("{}: no vectors here (there is no `families` folder)", folder.display());
    Err(Failure::input(format!(
        "{message}\n  help: run it in the project's root, or name the folder with --vectors DIR"
    )))
}

/// The schemes that an option names: an id of the suite, or a folder; all of the suite without one.
pub(crate) fn pick_schemes(suite: &Suite, wanted: Option<&str>) -> Result<Vec<Scheme>, Failure> {
    let Some(wanted) = wanted else { return Ok(suite.schemes.clone()) };
    let path = Path::new(wanted);
    if path.join("scheme.toml").exists() || wanted.contains('/') {
        // `.` and `..` have no name of their own; the folder that they mean has.
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let id = whole.file_name().map(|n| n.to_string_lossy().into_owned());
        let id = id.ok_or_else(|| {
            Failure::input(format!("{wanted}: a scheme's folder has a name, this is the root of all folders"))
        })?;
        return Ok(vec![Scheme::load(&id, Arc::new(Disk(path.to_path_buf())))?]);
    }
    Ok(vec![suite.scheme(wanted)?.clone()])
}

/// The one world that is meant: a profile's, else the published one of a scheme.
fn pick_world(suite: &Suite, scheme: Option<&str>, target: Option<&Path>) -> Result<Variant, Failure> {
    if let Some(path) = target {
        let profile = target::read(suite, path)?;
        if let Some(wanted) = scheme.filter(|wanted| *wanted != profile.scheme.id) {
            return Err(Failure::input(format!(
                "{}: the profile is of `{}`, not of `{wanted}`\n  help: leave --scheme out",
                profile.name, profile.scheme.id
            )));
        }
        return Ok(profile.variant);
    }
    if scheme.is_none() {
        let ids: Vec<&str> = suite.schemes.iter().map(|s| s.id.as_str()).collect();
        let help = format!("add --scheme ID|DIR or --target PROFILE; ids are {}", ids.join(", "));
        return Err(Failure::input(format!("which scheme is not said\n  help: {help}")));
    }
    let schemes = pick_schemes(suite, scheme)?;
    let first = schemes.first().ok_or_else(|| Failure::bug("no scheme was picked"))?;
    Ok(first.default.clone())
}
