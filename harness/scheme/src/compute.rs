//! Computes pipelines: a source, then steps. Signer and verifier share it; it must not know who asks.

mod short_cut;

use std::borrow::Cow;

use sha2::{Digest, Sha256, Sha512};

use crate::description::{Alg, Pipeline, Segment, Source, Step, Template};
use crate::encoding::{
    Limits, compact, encode_hex, encode_standard, encode_url, encode_url_padded, string_literal,
};
use crate::key::{Secret, mac};

/// Gives the bytes of sources.
pub trait Sources {
    /// The bytes, or `None` if there is no such value here.
    fn bytes(&self, source: &Source) -> Option<Cow<'_, [u8]>>;

    /// The secret that the source is, where it is one and prepared as a key.
    fn secret(&self, _: &Source) -> Option<&Secret> {
        None
    }
}

/// Why a value can't be computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// A source has no value.
    Missing(Source),
    /// The bytes are not JSON, so they can't be compacted.
    NotJson,
    /// The bytes are not UTF-8, so they are no JSON string.
    NotText,
}

/// Computes a value. `trace` is told each step's name and result.
///
/// # Errors
/// See [`Failure`].
pub fn evaluate(
    pipeline: &Pipeline,
    sources: &dyn Sources,
    trace: &mut dyn FnMut(&str, &[u8]),
) -> Result<Vec<u8>, Failure> {
    let mut value = fill(&pipeline.start, sources)?;
    for step in &pipeline.steps {
        value = apply(step, value, sources)?;
        trace(&step.name(), &value);
    }
    Ok(value)
}

/// Computes a value for comparison: what [`evaluate`] computes, without a copy of a single source and without the
/// intermediate texts where a short cut is known.
///
/// # Errors
/// See [`Failure`].
pub(crate) fn value<'s>(pipeline: &Pipeline, sources: &'s dyn Sources) -> Result<Cow<'s, [u8]>, Failure> {
    if let Some(source) = pipeline.single() {
        return read(source, sources);
    }
    let (mut value, steps) = match short_cut::take(pipeline, sources)? {
        Some((value, steps)) => (value, steps),
        None => (fill(&pipeline.start, sources)?, pipeline.steps.as_slice()),
    };
    for step in steps {
        value = apply(step, value, sources)?;
    }
    Ok(Cow::Owned(value))
}

/// Replaces the sources of a template.
pub(crate) fn fill(template: &Template, sources: &dyn Sources) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    for segment in &template.0 {
        match segment {
            Segment::Literal(text) => out.extend_from_slice(text.as_bytes()),
            Segment::Source(source) => out.extend_from_slice(&read(source, sources)?),
        }
    }
    Ok(out)
}

pub(crate) fn read<'s>(source: &Source, sources: &'s dyn Sources) -> Result<Cow<'s, [u8]>, Failure> {
    sources.bytes(source).ok_or_else(|| Failure::Missing(source.clone()))
}

/// The HMAC of a value. Without one there is no value, rather than an empty one.
fn keyed(alg: Alg, key: &Source, value: &[u8], sources: &dyn Sources) -> Result<Vec<u8>, Failure> {
    mac(alg, &read(key, sources)?, value).ok_or_else(|| Failure::Missing(key.clone()))
}

fn apply(step: &Step, value: Vec<u8>, sources: &dyn Sources) -> Result<Vec<u8>, Failure> {
    Ok(match step {
        Step::Base64 => encode_standard(&value).into_bytes(),
        Step::Base64Url => encode_url(&value).into_bytes(),
        Step::Base64UrlPadded => encode_url_padded(&value).into_bytes(),
        Step::Hex => encode_hex(&value).into_bytes(),
        Step::JsonString => {
            string_literal(std::str::from_utf8(&value).map_err(|_| Failure::NotText)?).into_bytes()
        }
        // No body has nothing to compact: the document's POST without a body has the digest of the nonce alone.
        Step::JsonCompact if value.is_empty() => value,
        Step::JsonCompact => compact(&value, &Limits::DEFAULT).map_err(|_| Failure::NotJson)?.into_owned(),
        Step::Sha256 => Sha256::digest(&value).to_vec(),
        Step::Sha512 => Sha512::digest(&value).to_vec(),
        Step::HmacSha256(key) => keyed(Alg::Hs256, key, &value, sources)?,
        Step::HmacSha512(key) => keyed(Alg::Hs512, key, &value, sources)?,
        Step::Append(template) => {
            let mut value = value;
            value.extend(fill(template, sources)?);
            value
        }
        Step::Mistaken(mistake) => mistake.apply(value, sources)?,
    })
}
