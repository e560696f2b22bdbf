//! A raw HTTP/1.1 request (RFC 9112). Lines may end in LF alone, as editors leave them.
//! A request in origin form is taken to have come over TLS; an absolute target says how it came.

use bearproof_scheme::Fault;
use bearproof_scheme::request::{Message, is_token};

use super::place::Text;
use super::url;

const EXPECTED: &str =
    "begin with a line such as `POST /v1/orders HTTP/1.1`, then fields, an empty line and the body";

/// Reads it from `start` on.
pub(super) fn read(text: &Text<'_>, start: usize) -> Result<Message, Fault> {
    let (line, mut at) = line(text, start);
    let request_line = text.utf8(line, start, "the request line")?;
    let words: Vec<&str> = request_line.split(' ').collect();
    let [method, target, version] = words.as_slice() else {
        let message = format!("a request line has three words, this one has {}", words.len());
        return Err(text.fault(start, message, EXPECTED));
    };
    if !is_token(method) {
        return Err(text.fault(start, format!("`{}` is no method", method.escape_debug()), EXPECTED));
    }
    let target_at = start + method.len() + 1;
    if !version.starts_with("HTTP/1.") {
        let at = target_at + target.len() + 1;
        let message = format!("`{}` is no version, expected `HTTP/1.1`", version.escape_debug());
        return Err(text.fault(at, message, EXPECTED));
    }
    let (secure, host, target) = match url::split(target) {
        Some((secure, host, target)) => (secure, Some(host.to_string()), target),
        None if target.starts_with('/') => (true, None, (*target).to_string()),
        None => {
            let message = format!("`{}` is no target, expected a path or a URL", target.escape_debug());
            return Err(text.fault(target_at, message, EXPECTED));
        }
    };
    let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
    loop {
        let (line, next) = self::line(text, at);
        if line.is_empty() {
            at = next;
            break;
        }
        fields.push(field(text, line, at)?);
        at = next;
    }
    if let Some(host) = host.filter(|_| !fields.iter().any(|(n, _)| n.eq_ignore_ascii_case("host"))) {
        fields.insert(0, ("Host".into(), host.into_bytes()));
    }
    let body = body(text, &fields, at)?;
    Ok(Message { secure, method: (*method).into(), target, fields, body })
}

/// The line at an offset without its end, and the offset of the next.
fn line<'t>(text: &Text<'t>, at: usize) -> (&'t [u8], usize) {
    let rest = text.from(at);
    let end = rest.iter().position(|b| *b == b'\n');
    let (line, next) = match end.and_then(|end| rest.split_at_checked(end)) {
        Some((line, _)) => (line, at + line.len() + 1),
        None => (rest, at + rest.len()),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), next)
}

fn field(text: &Text<'_>, line: &[u8], at: usize) -> Result<(String, Vec<u8>), Fault> {
    let remedy = "write a field as `Name: value`, and an empty line before the body";
    let mut halves = line.splitn(2, |b| *b == b':');
    let (Some(name), Some(value)) = (halves.next(), halves.next()) else {
        return Err(text.fault(at, "this line has no colon, expected a field", remedy));
    };
    let value_at = at + name.len() + 1;
    let name = text.utf8(name, at, "the name of the field")?;
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(text.fault(at, format!("`{}` is no name of a field", name.escape_debug()), remedy));
    }
    if let Some(odd) = value.iter().position(|b| *b == 0 || *b == b'\r') {
        let message = "a field can't have this control character in its value";
        return Err(text.fault(value_at + odd, message, remedy));
    }
    Ok((name.into(), value.trim_ascii().to_vec()))
}

fn body(text: &Text<'_>, fields: &[(String, Vec<u8>)], at: usize) -> Result<Vec<u8>, Fault> {
    let values = |name: &str| {
        let name = name.to_string();
        fields.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(&name)).map(|(_, v)| v)
    };
    let rest = text.from(at);
    if values("transfer-encoding").next().is_some() {
        let remedy = "paste the body as it was before, and leave `Transfer-Encoding` out";
        return Err(text.fault(at, "the body is cut into chunks, expected it in one piece", remedy));
    }
    let Some(length) = values("content-length").next() else { return Ok(rest.to_vec()) };
    let stated = std::str::from_utf8(length).ok().and_then(|t| t.parse::<usize>().ok());
    let Some(stated) = stated else {
        let message = format!("`Content-Length: {}` is no number", length.escape_ascii());
        return Err(text.fault(at, message, "leave the field out: the body ends with the input"));
    };
    // An editor adds a line end; more than that is another length.
    match rest.split_at_checked(stated) {
        Some((body, after)) if after.trim_ascii().is_empty() => Ok(body.to_vec()),
        _ => {
            let message = format!("the body has {} bytes, `Content-Length` says {stated}", rest.len());
            let remedy = "paste the body byte for byte, or leave the field out";
            Err(text.fault(at + stated.min(rest.len()), message, remedy))
        }
    }
}
