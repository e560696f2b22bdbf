//! The edits of the finished message. It must not know how the message came to be.

use std::io::Write;

use bearproof_scheme::description::{Place, Source};
use bearproof_scheme::encoding::string_literal;
use bearproof_scheme::request::Message;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::play::Stage;
use crate::recipe::{Edit, Line, Spot};
use crate::resolve::carrier;

/// Whether an edit is one of the finished message.
pub(crate) fn is_message_edit(edit: &Edit) -> bool {
    matches!(
        edit,
        Edit::Replace { .. }
            | Edit::Change { .. }
            | Edit::Remove { .. }
            | Edit::Move { .. }
            | Edit::Duplicate { .. }
            | Edit::Pack { first: false }
    )
}

/// Applies one edit.
pub(crate) fn edit(
    stage: &Stage<'_>,
    edit: &Edit,
    token: Option<&str>,
    message: &mut Message,
) -> Result<(), String> {
    match edit {
        Edit::SetPart { target, value } => {
            if let Some((Place::Field, name)) = stage.spot_of(target) {
                let line = stage.field_line_of(&name, value)?;
                set_field(message, &name, Some(line));
            }
        }
        Edit::RemovePart { target } => {
            if let Some((Place::Field, name)) = stage.spot_of(target) {
                set_field(message, &name, None);
            }
        }
        Edit::RenamePart { target, to } => {
            if let Some((Place::Field, name)) = stage.spot_of(target) {
                for (n, _) in message.fields.iter_mut().filter(|(n, _)| n.eq_ignore_ascii_case(&name)) {
                    n.clone_from(to);
                }
            }
        }
        Edit::Replace { spot, with } => {
            let right = read(stage, spot, message)?;
            let credential = bare(stage, token, message)?;
            let new = replace(&fill(with, &right, &credential), b"{escaped}", &escaped(&right));
            write(stage, spot, message, new)?;
        }
        Edit::Change { spot } => change(stage, spot, message)?,
        Edit::Remove { spot } => {
            let name = field_name(stage, spot)?;
            set_field(message, &name, None);
        }
        Edit::Move { to } => move_carrier(stage, to, token, message)?,
        Edit::Pack { first: false } => {
            message.body = packed(&message.body)?;
            let [name, value] = PACKED;
            message.fields.push((name.into(), value.into()));
        }
        Edit::Duplicate { spot, with, before } => {
            let name = field_name(stage, spot)?;
            let right = read(stage, spot, message)?;
            let line = match with {
                Line::OfRole(role) => {
                    let other = stage.plain_message(role)?;
                    let found = other.fields.into_iter().find(|(n, _)| n.eq_ignore_ascii_case(&name));
                    found.map(|(_, v)| v).ok_or_else(|| format!("`{role}` has no such field"))?
                }
                Line::Template(template) => fill(template, &right, &bare(stage, token, message)?),
            };
            let position = message.fields.iter().position(|(n, _)| n.eq_ignore_ascii_case(&name));
            let position = position.ok_or("the message has no such field")?;
            message.fields.insert(if *before { position } else { position + 1 }, (name, line));
        }
        _ => {}
    }
    Ok(())
}

/// The field of a packed body.
pub(crate) const PACKED: [&str; 2] = ["Content-Encoding", "gzip"];

/// The bytes packed with gzip, without a time, so that the same bytes give the same.
pub(crate) fn packed(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).map_err(|e| format!("gzip: {e}"))
}

fn fill(template: &[u8], value: &[u8], token: &[u8]) -> Vec<u8> {
    replace(&replace(template, b"{value}", value), b"{token}", token)
}

/// The same with its last letter percent-encoded, which RFC 3986 section 6.2.2.2 holds to be the same.
fn escaped(text: &[u8]) -> Vec<u8> {
    let Some(at) = text.iter().rposition(u8::is_ascii_alphabetic) else { return text.to_vec() };
    let (before, rest) = text.split_at_checked(at).unwrap_or((text, &[]));
    let letter = rest.first().map_or_else(String::new, |letter| format!("%{letter:02X}"));
    [before, letter.as_bytes(), rest.get(1..).unwrap_or(&[])].concat()
}

fn replace(text: &[u8], word: &[u8], with: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + with.len());
    let mut copied = 0;
    for at in memchr::memmem::find_iter(text, word) {
        out.extend_from_slice(text.get(copied..at).unwrap_or(&[]));
        out.extend_from_slice(with);
        copied = at + word.len();
    }
    out.extend_from_slice(text.get(copied..).unwrap_or(&[]));
    out
}

/// The bare credential: the token, or the secret that travels.
fn bare(stage: &Stage<'_>, token: Option<&str>, message: &Message) -> Result<Vec<u8>, String> {
    if let Some(token) = token {
        return Ok(token.as_bytes().to_vec());
    }
    let part = carrier(stage.signer.description).ok_or("the scheme has no carrier")?;
    if part.place != Place::Field {
        return Ok(Vec::new());
    }
    let line = read(stage, &Spot::Carrier, message)?;
    let scheme = part.auth_scheme.as_ref().map_or(0, |s| s.len() + 1);
    Ok(line.get(scheme..).unwrap_or(&[]).to_vec())
}

fn field_name(stage: &Stage<'_>, spot: &Spot) -> Result<String, String> {
    match spot {
        Spot::Field(name) => Ok(name.clone()),
        Spot::Carrier => {
            let part = carrier(stage.signer.description).filter(|p| p.place == Place::Field);
            part.map(|p| p.name.clone()).ok_or_else(|| "the credential travels in no field".into())
        }
        _ => Err("only fields can be removed or stand twice".into()),
    }
}

fn set_field(message: &mut Message, name: &str, line: Option<Vec<u8>>) {
    let position = message.fields.iter().position(|(n, _)| n.eq_ignore_ascii_case(name));
    match (position, line) {
        (Some(position), Some(line)) => {
            if let Some((_, value)) = message.fields.get_mut(position) {
                *value = line;
            }
        }
        (Some(_), None) => message.fields.retain(|(n, _)| !n.eq_ignore_ascii_case(name)),
        (None, Some(line)) => message.fields.push((name.into(), line)),
        (None, None) => {}
    }
}

fn read(stage: &Stage<'_>, spot: &Spot, message: &Message) -> Result<Vec<u8>, String> {
    Ok(match spot {
        Spot::Carrier | Spot::Field(_) => {
            let name = field_name(stage, spot)?;
            let found = message.fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(&name));
            found.map(|(_, v)| v.clone()).unwrap_or_default()
        }
        Spot::Method => message.method.clone().into_bytes(),
        Spot::Path => message.request().path().as_bytes().to_vec(),
        Spot::Query => message.request().query().as_bytes().to_vec(),
        Spot::Body => message.body.clone(),
    })
}

fn write(stage: &Stage<'_>, spot: &Spot, message: &mut Message, new: Vec<u8>) -> Result<(), String> {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|_| "the value is not UTF-8".to_string());
    let query = message.request().query().to_string();
    let path = message.request().path().to_string();
    match spot {
        Spot::Carrier | Spot::Field(_) => set_field(message, &field_name(stage, spot)?, Some(new)),
        Spot::Method => message.method = text(new)?,
        Spot::Body => message.body = new,
        Spot::Path => {
            let new = text(new)?;
            message.target = if query.is_empty() { new } else { format!("{new}?{query}") };
        }
        Spot::Query => {
            let new = text(new)?;
            message.target = if new.is_empty() { path } else { format!("{path}?{new}") };
        }
    }
    Ok(())
}

/// The smallest change of what a binding reads: one letter or digit of the body, or of what it reads in the path.
fn change(stage: &Stage<'_>, spot: &Spot, message: &mut Message) -> Result<(), String> {
    match spot {
        Spot::Body => {
            let at = message.body.iter().rposition(u8::is_ascii_alphanumeric);
            match at.and_then(|at| message.body.get_mut(at)) {
                Some(byte) => *byte = other_letter(*byte),
                None => message.body = b"{}".to_vec(),
            }
            Ok(())
        }
        Spot::Path => {
            let d = stage.signer.description;
            let by_parameter = d
                .parts
                .iter()
                .filter_map(|p| p.pipeline())
                .any(|p| p.sources().any(|s| matches!(s, Source::Parameter(_))));
            let path = message.request().path().to_string();
            let new = if by_parameter {
                let at =
                    path.rfind(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()).ok_or("no letter")?;
                let letter = path.as_bytes().get(at).copied().ok_or("no letter")?;
                let (before, after) = path.split_at_checked(at).ok_or("no letter")?;
                format!("{before}{}{}", char::from(other_letter(letter)), after.get(1..).unwrap_or(""))
            } else {
                let mut others = stage.plot.variant.world.endpoints.iter();
                let other = others.find(|e| {
                    e.method == message.method
                        && e.path != path
                        && e.role.starts_with("other-")
                        && !e.path.contains('{')
                });
                other.map_or_else(|| format!("{path}x"), |e| e.path.clone())
            };
            write(stage, &Spot::Path, message, new.into_bytes())
        }
        Spot::Query => {
            let query = message.request().query();
            let new = if query.is_empty() { "x=1".to_string() } else { format!("{query}&x=1") };
            write(stage, &Spot::Query, message, new.into_bytes())
        }
        _ => Err("only body, path and query can be changed; use `replace`".into()),
    }
}

/// Another letter or digit of the same class.
fn other_letter(byte: u8) -> u8 {
    match byte {
        b'9' => b'8',
        b'z' => b'y',
        b'Z' => b'Y',
        _ => byte + 1,
    }
}

fn move_carrier(
    stage: &Stage<'_>,
    to: &str,
    token: Option<&str>,
    message: &mut Message,
) -> Result<(), String> {
    let (place, name) = to.split_once(' ').ok_or("say where: query, cookie, body or field, and a name")?;
    let credential = bare(stage, token, message)?;
    let text = String::from_utf8(credential).map_err(|_| "the credential is not text")?;
    let line = read(stage, &Spot::Carrier, message)?;
    set_field(message, &field_name(stage, &Spot::Carrier)?, None);
    match place {
        "query" => {
            let query = message.request().query();
            let joint = if query.is_empty() { String::new() } else { format!("{query}&") };
            write(stage, &Spot::Query, message, format!("{joint}{name}={text}").into_bytes())?;
        }
        "cookie" => message.fields.push(("Cookie".into(), format!("{name}={text}").into_bytes())),
        "field" => message.fields.push((name.into(), line)),
        "body" => {
            let body = String::from_utf8(message.body.clone()).map_err(|_| "the body is not text")?;
            let inner = body.trim().strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or("");
            let joint = if inner.trim().is_empty() { "" } else { "," };
            let member = format!("{}:{}", string_literal(name), string_literal(&text));
            message.body = format!("{{{inner}{joint}{member}}}").into_bytes();
        }
        _ => return Err(format!("`{place}` is no place: query, cookie, body or field")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_letter_is_escaped_and_nothing_else() {
        assert_eq!(escaped(b"/v1/users/42"), b"/v1/user%73/42");
        assert_eq!(escaped(b"/1/2"), b"/1/2");
    }
}
