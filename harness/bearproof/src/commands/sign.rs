//! `sign`: prints one request, right or with a named mistake, at the real time. It must not send it.

use std::path::PathBuf;

use bearproof_conform::entropy::Published;
use bearproof_conform::redact::Redactor;
use bearproof_conform::signing::{Wanted, signed};
use bearproof_conform::written;
use bearproof_scheme::encoding::encode_hex;
use bearproof_scheme::wrong_signer::Made;

use super::{Done, Failure, load_suite, pick_world};
use crate::clock::system_now;

/// What `sign` is asked for.
pub(crate) struct Options {
    pub(crate) vectors: Option<PathBuf>,
    pub(crate) scheme: Option<String>,
    pub(crate) target: Option<PathBuf>,
    pub(crate) role: String,
    pub(crate) endpoint: Option<String>,
    pub(crate) mutate: Option<String>,
    pub(crate) form: Form,
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
    let suite = load_suite(options.vectors.as_deref())?;
    let variant = pick_world(&suite, options.scheme.as_deref(), options.target.as_deref())?;
    let mut id = [0_u8; 16];
    aws_lc_rs::rand::fill(&mut id).map_err(|_| Failure::bug("no randomness"))?;
    let entropy = Published::of_run(&encode_hex(&id), "sign", 0);
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
