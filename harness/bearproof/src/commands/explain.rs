//! `explain`: reads a request and says why it is refused. It must not send anything.

use std::io::Read;
use std::path::PathBuf;

use bearproof_conform::captured::{LARGEST, read};
use bearproof_conform::explain;

use super::{Done, Failure, load_suite, pick_world};
use crate::clock::system_now;

/// What `explain` is asked for.
pub(crate) struct Options {
    pub(crate) vectors: Option<PathBuf>,
    pub(crate) scheme: Option<String>,
    pub(crate) target: Option<PathBuf>,
    pub(crate) now: Option<u64>,
}

/// Reads standard input and explains it.
pub(crate) fn execute(options: &Options) -> Result<Done, Failure> {
    let suite = load_suite(options.vectors.as_deref())?;
    let variant = pick_world(&suite, options.scheme.as_deref(), options.target.as_deref())?;
    let mut input = Vec::new();
    // One byte more than is read shows that there is too much.
    let limit = u64::try_from(LARGEST).unwrap_or(u64::MAX).saturating_add(1);
    std::io::stdin()
        .lock()
        .take(limit)
        .read_to_end(&mut input)
        .map_err(|e| Failure::input(format!("standard input can't be read: {e}")))?;
    let message = read("standard input", &input)?;
    let now = options.now.unwrap_or_else(system_now);
    Ok(Done::fine(explain::explain(&variant, &message, now).text(&variant)))
}
