//! `send`: sends the bytes of a file to a target as they are, and shows what comes back. It must not judge.

use std::path::{Path, PathBuf};

use bearproof_conform::redact::{Redactor, mask_tokens};

use super::{Done, Failure, load_suite, target};
use crate::pace::Pacing;
use crate::wire::Response;

/// What `send` is asked for.
pub(crate) struct Options {
    pub(crate) vectors: Option<PathBuf>,
    pub(crate) target: PathBuf,
    pub(crate) file: PathBuf,
    pub(crate) reaching: target::Reaching,
}

/// Sends, and writes the answer without secrets.
pub(crate) fn send(options: &Options) -> Result<Done, Failure> {
    let suite = load_suite(options.vectors.as_deref())?;
    let profile = target::read(&suite, &options.target)?;
    let bytes = std::fs::read(&options.file)
        .map_err(|e| Failure::input(format!("{}: can't be read: {e}", options.file.display())))?;
    let request = Raw::read(&bytes).ok_or_else(|| no_request(&options.file))?;
    let http = profile.http(&options.reaching, &Pacing::default())?;
    let origin = if request.plain { http.plain.as_ref() } else { Some(&http.origin) };
    let origin =
        origin.ok_or_else(|| Failure::input(format!("{}: the profile has no plain HTTP", profile.name)))?;
    let answer = http.lanes.run(async |client| client.exchange(origin, &request.bytes, request.head).await);
    let answer = answer.map_err(|e| Failure { code: 3, message: e.to_string() })?;
    let redactor = Redactor::of_world(&profile.variant.world);
    Ok(Done::fine(mask_tokens(&redactor.redact(&shown(&answer)))))
}

fn no_request(file: &Path) -> Failure {
    let remedy =
        "write one with `bearproof sign --out FILE`: a request line, field lines, an empty line, the body";
    Failure::input(format!("{}: no HTTP/1.1 request\n  help: {remedy}", file.display()))
}

/// A request as it goes over the wire.
struct Raw {
    bytes: Vec<u8>,
    /// Over plain HTTP: the file has the whole address as its target (see `written::http`).
    plain: bool,
    head: bool,
}

impl Raw {
    fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
        let (line, rest) = bytes.split_at_checked(end)?;
        let mut words = line.splitn(3, |b| *b == b' ');
        let (method, target, version) = (words.next()?, words.next()?, words.next()?);
        if !version.starts_with(b"HTTP/1.1") {
            return None;
        }
        let whole = target.strip_prefix(b"http://");
        let path = match whole {
            Some(address) => address.get(address.iter().position(|b| *b == b'/')?..)?,
            None => target,
        };
        let line = [method, path, version].join(&b' ');
        Some(Self { bytes: [&line, rest].concat(), plain: whole.is_some(), head: method == b"HEAD" })
    }
}

fn shown(answer: &Response) -> String {
    let mut text = format!("HTTP/1.1 {}\n", answer.status);
    for (name, value) in &answer.fields {
        text.push_str(&format!("{name}: {}\n", value.escape_ascii()));
    }
    text.push_str(&format!("\n{}\n", String::from_utf8_lossy(&answer.body)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_address_means_plain_http_and_goes_as_a_path() {
        let raw = Raw::read(b"GET http://h.example/a?b HTTP/1.1\r\nHost: h.example\r\n\r\n").unwrap();
        assert_eq!(raw.bytes, b"GET /a?b HTTP/1.1\r\nHost: h.example\r\n\r\n");
        assert!(raw.plain);
    }

    #[test]
    fn no_other_byte_is_touched() {
        let bytes = b"HEAD /a HTTP/1.1\r\nA:  \xff\r\n\r\n\x00\r\n";
        let raw = Raw::read(bytes).unwrap();
        assert_eq!(raw.bytes, bytes);
        assert!(raw.head && !raw.plain);
    }

    #[test]
    fn what_is_no_request_is_refused() {
        assert!(Raw::read(b"hello\r\n\r\n").is_none());
        assert!(Raw::read(b"").is_none());
    }
}
