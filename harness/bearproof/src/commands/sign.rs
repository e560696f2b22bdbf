//! `sign`: writes one request, right, with a named mistake or as a vector has it, at the real time. It must not send it.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use bearproof_conform::compose;
use bearproof_conform::entropy::Published;
use bearproof_conform::needs::needs;
use bearproof_conform::plot::Plot;
use bearproof_conform::redact::Redactor;
use bearproof_conform::signing::{self, Wanted, signed};
use bearproof_conform::suite::Variant;
use bearproof_conform::written;
use bearproof_scheme::document::nearest;
use bearproof_scheme::wrong_signer::Made;

use super::target::Reaching;
use super::{Done, Failure, RunId, load_suite, pick_schemes, pick_world, run, target};
use crate::clock::system_now;

/// What `sign` is asked for.
pub(crate) struct Options {
    pub(crate) vectors: Option<PathBuf>,
    pub(crate) scheme: Option<String>,
    pub(crate) target: Option<PathBuf>,
    pub(crate) role: String,
    pub(crate) endpoint: Option<String>,
    pub(crate) mutate: Option<String>,
    pub(crate) vector: Option<String>,
    pub(crate) form: Form,
    pub(crate) out: Option<PathBuf>,
}

/// How the request is written.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    Http,
    Curl,
    Json,
    Trace,
}

/// Signs and writes.
pub(crate) fn sign(options: &Options) -> Result<Done, Failure> {
    let written = match &options.vector {
        Some(vector) => of_vector(options, vector)?,
        None => of_world(options)?,
    };
    let Some(out) = &options.out else { return Ok(written) };
    private_file(out, &written.output)?;
    Ok(Done::fine(format!("{} is written; it has secrets\n", out.display())))
}

/// The request that a vector sends, to the target of a profile or in the published world.
fn of_vector(options: &Options, vector: &str) -> Result<Done, Failure> {
    let suite = load_suite(options.vectors.as_deref())?;
    let run = RunId::fresh()?.text();
    let (plot, reach) = match &options.target {
        Some(path) => {
            let profile = target::read(&suite, path)?;
            let plots = profile.plots(run::all_of(&suite, &profile.scheme)?.plots);
            let plot = pick(plots, vector, &profile.variant)?;
            if let Some(lack) = needs(&plot).iter().find_map(|need| profile.lacks(need)) {
                return Err(Failure::input(format!("`{vector}` can't be made for this target: {lack}")));
            }
            let reach = profile.reach(&Reaching::default());
            (plot, Some(reach))
        }
        None => {
            let scheme = vector.split('/').next().unwrap_or(vector);
            let scheme = pick_schemes(&suite, Some(options.scheme.as_deref().unwrap_or(scheme)))?;
            let first = scheme.first().ok_or_else(|| Failure::bug("no scheme was picked"))?;
            (pick(run::all_of(&suite, first)?.plots, vector, &first.default)?, None)
        }
    };
    let message = signing::of_vector(&plot, &run, system_now()).map_err(Failure::input)?;
    Ok(match (options.form, reach) {
        (Form::Http, _) => Done::bytes(written::http(&message)),
        (Form::Curl, Some(reach)) => {
            let origin = if message.secure { Some(reach.origin) } else { reach.plain };
            let origin = origin.ok_or_else(|| Failure::input("the profile has no plain HTTP"))?;
            Done::fine(written::curl_to(&message, &origin, reach.ca.as_deref()).map_err(Failure::input)?)
        }
        (Form::Curl, None) => Done::fine(written::curl(&message).map_err(Failure::input)?),
        (Form::Json, _) => Done::fine(written::json(&message).map_err(Failure::input)?),
        (Form::Trace, _) => {
            return Err(Failure::input(
                "a vector has no trace here\n  help: `bearproof show ID` prints the frozen one",
            ));
        }
    })
}

fn pick(plots: Vec<Plot>, id: &str, variant: &Variant) -> Result<Plot, Failure> {
    if compose::is_composed(id) {
        return compose::by_id(variant, id).map_err(Failure::input);
    }
    let near = nearest(id, plots.iter().map(|p| p.id.as_str()));
    let found = plots.into_iter().find(|p| p.id == id);
    found.ok_or_else(|| Failure::input(format!("there is no vector `{id}`\n  help: {near}")))
}

/// The right request of a world, or one with a named mistake.
fn of_world(options: &Options) -> Result<Done, Failure> {
    let suite = load_suite(options.vectors.as_deref())?;
    let variant = pick_world(&suite, options.scheme.as_deref(), options.target.as_deref())?;
    let entropy = Published::of_run(&RunId::fresh()?.text(), "sign", 0);
    let wanted = Wanted {
        role: &options.role,
        endpoint: options.endpoint.as_deref(),
        mutate: options.mutate.as_deref(),
    };
    let made = signed(&variant, &wanted, system_now(), &entropy).map_err(Failure::input)?;
    Ok(match options.form {
        Form::Http => Done::bytes(written::http(&made.message)),
        Form::Curl => Done::fine(written::curl(&made.message).map_err(Failure::input)?),
        Form::Json => Done::fine(written::json(&made.message).map_err(Failure::input)?),
        // A trace is for reading, and for showing to others: no secret, but what was computed from it.
        Form::Trace => Done::fine(Redactor::of_world(&variant.world).redact(&trace(&made))),
    })
}

fn trace(made: &Made) -> String {
    let line = |(name, bytes): &(String, Vec<u8>)| format!("{name}\n    {}\n", bytes.escape_ascii());
    made.trace.iter().map(line).collect()
}

/// Writes a file that only its owner can read.
fn private_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut open = OpenOptions::new();
    open.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    let written = open.open(path).and_then(|mut file| file.write_all(bytes));
    written.map_err(|e| Failure::input(format!("{}: can't be written: {e}", path.display())))
}
