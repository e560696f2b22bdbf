//! Signers that put a right credential in the wrong place or the wrong words around it.
//! It must not change the credential.

use super::{Edit, List, parts};
use crate::description::{Part, Pipeline, Place, Source};
use crate::request::Message;
use crate::sign::field_line;

pub(super) fn add(list: &mut List<'_>) {
    let fields: Vec<Part> = list.d.parts.iter().filter(|p| p.place == Place::Field).cloned().collect();
    for part in &fields {
        around(list, part);
        // A copy of something that the token says as well is no credential: nobody moves it.
        if part.identifies || is_token(part) {
            elsewhere(list, part);
        }
    }
}

fn is_token(part: &Part) -> bool {
    part.pipeline().and_then(Pipeline::single) == Some(&Source::Token)
}

/// The name under which a credential travels in a query or a cookie.
pub(super) fn other_name(part: &Part) -> String {
    if is_token(part) { "access_token".into() } else { part.name.to_ascii_lowercase() }
}

/// What a line says, without its auth-scheme or prefix.
fn bare(part: &Part, line: &[u8]) -> Vec<u8> {
    let before = field_line(part, b"");
    line.strip_prefix(before.as_slice()).unwrap_or(line).to_vec()
}

fn on_line(part: &Part, change: impl Fn(&str, Vec<u8>) -> Vec<u8> + Send + Sync + 'static) -> Edit {
    let part = part.clone();
    Edit::Message(Box::new(move |message: &mut Message| {
        let scheme = part.auth_scheme.clone().unwrap_or_default();
        for (_, line) in message.fields.iter_mut().filter(|(n, _)| n.eq_ignore_ascii_case(&part.name)) {
            *line = change(&scheme, bare(&part, line));
        }
    }))
}

type Line = fn(&str, Vec<u8>) -> Vec<u8>;

fn joined(pieces: &[&[u8]]) -> Vec<u8> {
    pieces.concat()
}

fn around(list: &mut List<'_>, part: &Part) {
    let with_word: [(&str, &str, Line); 8] = [
        ("no-scheme-word", "without the word before it", |_, v| v),
        ("scheme-word-twice", "with the word before it twice", |s, v| {
            joined(&[s.as_bytes(), b" ", s.as_bytes(), b" ", &v])
        }),
        ("scheme-word-token", "with the word `Token` before it", |_, v| joined(&[b"Token ", &v])),
        ("scheme-word-jwt", "with the word `JWT` before it", |_, v| joined(&[b"JWT ", &v])),
        ("scheme-word-basic", "with the word `Basic` before it", |_, v| joined(&[b"Basic ", &v])),
        ("scheme-word-and-colon", "with a colon after the word", |s, v| joined(&[s.as_bytes(), b": ", &v])),
        ("scheme-word-without-blank", "with no blank after the word", |s, v| joined(&[s.as_bytes(), &v])),
        ("quoted", "in double quotes", |s, v| joined(&[s.as_bytes(), b" \"", &v, b"\""])),
    ];
    let bare_value: [(&str, &str, Line); 2] = [
        ("scheme-word-bearer", "with the word `Bearer` before it", |_, v| joined(&[b"Bearer ", &v])),
        ("quoted", "in double quotes", |_, v| joined(&[b"\"", &v, b"\""])),
    ];
    let all: Vec<(&str, &str, Line)> =
        if part.auth_scheme.is_some() { with_word.to_vec() } else { bare_value.to_vec() };
    let fix = match &part.auth_scheme {
        Some(scheme) => format!("write `{scheme}`, one blank, then the value, and nothing else"),
        None => format!("write the value alone: {}", parts::recipe(part)),
    };
    for (what, says, change) in all {
        let says = format!("sends `{}` {says}", part.path());
        list.add(&format!("{}/{what}", list.label(part)), &says, &fix, on_line(part, change));
    }
    let line = part.clone();
    // U+200B, as it comes along when a text is copied from a web page.
    let hidden = on_line(part, move |_, v| joined(&[&field_line(&line, &v), "\u{200b}".as_bytes()]));
    let says = format!("sends `{}` with a hidden character at its end", part.path());
    list.add(
        &format!("{}/hidden-character", list.label(part)),
        &says,
        "copy the value again as plain text; look at its last bytes",
        hidden,
    );
    let name = part.name.clone();
    let twice = Edit::Message(Box::new(move |message: &mut Message| {
        let line = message.fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(&name)).cloned();
        message.fields.extend(line);
    }));
    let says = format!("sends `{}` twice", part.path());
    list.add(&format!("{}/twice", list.label(part)), &says, "send the field once", twice);
}

/// Takes the lines of a part out of a message; the bare value of the first.
fn take(message: &mut Message, part: &Part) -> Option<Vec<u8>> {
    let same = |n: &str| n.eq_ignore_ascii_case(&part.name);
    let line = message.fields.iter().find(|(n, _)| same(n)).map(|(_, v)| bare(part, v));
    message.fields.retain(|(n, _)| !same(n));
    line
}

fn elsewhere(list: &mut List<'_>, part: &Part) {
    let (label, path) = (list.label(part), part.path());
    let fix = format!("send it in the field `{}`", part.name);
    let mut add = |what: &str, says: &str, change: fn(&mut Message, &str, String)| {
        let (moved, name) = (part.clone(), other_name(part));
        let edit = Edit::Message(Box::new(move |message: &mut Message| {
            if let Some(value) = take(message, &moved) {
                change(message, &name, String::from_utf8_lossy(&value).into_owned());
            }
        }));
        list.add(&format!("{label}/{what}"), &format!("sends `{path}` {says}"), &fix, edit);
    };
    add("in-query", "in the query instead", |message, name, value| {
        let joint = if message.target.contains('?') { '&' } else { '?' };
        message.target = format!("{}{joint}{name}={value}", message.target);
    });
    add("in-cookie", "in a cookie instead", |message, name, value| {
        message.fields.push(("Cookie".into(), format!("{name}={value}").into_bytes()));
    });
    if !part.name.eq_ignore_ascii_case("x-api-key") {
        add("in-x-api-key", "in `X-Api-Key` instead", |message, _, value| {
            message.fields.push(("X-Api-Key".into(), value.into_bytes()));
        });
    }
    if !part.name.eq_ignore_ascii_case("authorization") {
        add("in-authorization", "in `Authorization` instead", |message, _, value| {
            message.fields.push(("Authorization".into(), format!("Bearer {value}").into_bytes()));
        });
    }
}
