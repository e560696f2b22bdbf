//! Weaknesses of the field that carries the credential: looked for elsewhere, cut out of anything, one of two
//! taken, or not needed. Each reads the request as a careless program before the verifier would.

use super::{Class, List, carrying};
use crate::description::{Part, Place, Source};
use crate::request::{Message, percent_decode};
use crate::verdict::Reason;

/// How a careless reader changes the message before it is checked.
type Reading = fn(&mut Message, &Part);

pub(super) fn add(list: &mut List<'_>) {
    let Some(part) = carrying(list.d()).cloned() else { return };
    let scheme = part.auth_scheme.is_some();
    let token = part.pipeline().and_then(|p| p.single()) == Some(&Source::Token);
    let mut table: Vec<(&str, &str, Reading)> = vec![
        ("first-of-two", "takes the first of two lines", |m, p| keep(m, p, false)),
        ("last-of-two", "takes the last of two lines", |m, p| keep(m, p, true)),
        ("first-of-a-list", "takes what stands before a comma", |m, p| {
            edit(m, p, |line| line.split(|b| *b == b',').next().unwrap_or_default().trim_ascii().to_vec());
        }),
        ("same-twice", "passes over a second line that says the same", |m, p| {
            let first = m.request().values(&p.name).next().map(<[u8]>::to_vec).unwrap_or_default();
            if m.request().values(&p.name).all(|line| line == first) {
                keep(m, p, false);
            }
        }),
        ("in-quotes", "takes the credential in quotes", |m, p| {
            edit(m, p, |line| line.iter().copied().filter(|b| *b != b'"').collect());
        }),
        ("cut-at-nul", "reads the credential up to a NUL", |m, p| {
            edit(m, p, |line| line.split(|b| *b == 0).next().unwrap_or_default().to_vec());
        }),
        ("in-the-query", "takes the credential from the query", in_query),
        ("in-a-cookie", "takes the credential from a cookie", in_cookie),
        ("in-the-body", "takes the credential from the body", in_body),
    ];
    if scheme {
        table.extend::<[(&str, &str, Reading); 9]>([
            ("second-word", "takes the second word of the field, whatever follows", |m, p| {
                let word = word(p);
                edit(m, p, |line| match line.split(|b| *b == b' ').nth(1) {
                    Some(second) if line.starts_with(&word) => [&word, second].concat(),
                    _ => line.to_vec(),
                });
            }),
            ("word-by-prefix", "takes any word that begins with `Bearer`", |m, p| {
                let word = word(p);
                edit(m, p, |line| match line.iter().position(|b| *b == b' ') {
                    Some(at) if line.to_ascii_lowercase().starts_with(b"bearer") => {
                        [&word, line.get(at + 1..).unwrap_or_default()].concat()
                    }
                    _ => line.to_vec(),
                });
            }),
            ("any-ascii-blank", "takes a vertical tab for a blank", |m, p| {
                edit(m, p, |line| line.iter().map(|b| if *b == 0x0b { b' ' } else { *b }).collect());
            }),
            ("no-scheme-word", "does without the word `Bearer`", |m, p| {
                let word = word(p);
                edit(m, p, |line| if line.contains(&b' ') { line.to_vec() } else { [&word, line].concat() });
            }),
            ("any-scheme-word", "takes any word before the credential", |m, p| {
                let word = word(p);
                edit(m, p, |line| match line.iter().rposition(|b| *b == b' ') {
                    Some(at) if line.split(|b| *b == b' ').count() == 2 => {
                        [&word, line.get(at + 1..).unwrap_or_default()].concat()
                    }
                    _ => line.to_vec(),
                });
            }),
            ("cut-by-length", "cuts off seven bytes without looking at them", |m, p| {
                let word = word(p);
                let length = word.len();
                edit(m, p, |line| match line.get(length - 1..) {
                    Some(rest)
                        if !line.contains(&b' ') && line.to_ascii_lowercase().starts_with(b"bearer") =>
                    {
                        [&word, rest].concat()
                    }
                    _ => line.to_vec(),
                });
            }),
            ("word-replaced", "drops every `Bearer ` it finds", |m, p| {
                let word = word(p);
                edit(m, p, |line| match line.windows(word.len()).rposition(|w| w == word) {
                    Some(at) => line.get(at..).unwrap_or_default().to_vec(),
                    None => line.to_vec(),
                });
            }),
            ("any-blank", "takes any white space after the word", |m, p| {
                let word = word(p);
                edit(m, p, |line| {
                    let text = String::from_utf8_lossy(line).into_owned();
                    match text.split_once(char::is_whitespace) {
                        Some((first, rest)) if first.eq_ignore_ascii_case("bearer") => {
                            [&word, rest.trim_start().as_bytes()].concat()
                        }
                        _ => line.to_vec(),
                    }
                });
            }),
            ("as-a-parameter", "takes the credential as a parameter `token=`", |m, p| {
                let word = word(p);
                edit(m, p, |line| match line.windows(6).position(|w| w == b"token=") {
                    Some(at) => [&word, line.get(at + 6..).unwrap_or_default()].concat(),
                    None => line.to_vec(),
                });
            }),
        ]);
    }
    let other: &[&str] = if token {
        &["X-Authorization", "Proxy-Authorization"]
    } else {
        &["Authorization", "X-Api-Key", "Api_Key"]
    };
    // Where the body is bound, a credential that moves into it breaks the binding.
    let bound = list.d().binds_body();
    for (what, says, reading) in table.into_iter().filter(|t| t.0 != "in-the-body" || !bound) {
        front(list, &part, what, says, reading);
    }
    for name in other.iter().filter(|n| !n.eq_ignore_ascii_case(&part.name)) {
        elsewhere(list, &part, name);
    }
    if !token && !scheme {
        front(list, &part, "after-a-scheme-word", "drops a word before the key", |m, p| {
            edit(m, p, |line| line.split(|b| *b == b' ').next_back().unwrap_or_default().to_vec());
        });
    }
    anonymous(list, &part);
    // Further fields: what identifies beside a token.
    let further: Vec<Part> = list
        .d()
        .parts
        .iter()
        .filter(|p| p.place == Place::Field && p.path() != part.path())
        .cloned()
        .collect();
    for part in further {
        front(list, &part, "first-of-two", "takes the first of two lines", |m, p| keep(m, p, false));
        if !part.optional {
            front(list, &part, "last-of-two", "takes the last of two lines", |m, p| keep(m, p, true));
            front(list, &part, "in-the-query", "takes it from the query", in_query);
        }
    }
}

fn front(list: &mut List<'_>, part: &Part, what: &str, says: &str, reading: Reading) {
    let (id, reference, part) = (format!("{}/{what}", part.path()), part.reference.clone(), part.clone());
    list.add(Class::Accepts, &id, says, reference.as_ref(), move |plan| {
        let part = part.clone();
        plan.front = Some(Box::new(move |_, mut message| {
            reading(&mut message, &part);
            message
        }));
    });
    if let (true, Some(last)) = (RAW.contains(&what), list.found.last_mut()) {
        last.raw_field = true;
    }
}

/// See [`super::Weakness::raw_field`].
const RAW: [&str; 2] = ["cut-at-nul", "any-ascii-blank"];

/// Taken from another field where the right one is absent.
fn elsewhere(list: &mut List<'_>, part: &Part, name: &'static str) {
    let id = format!("{}/in-{}", part.path(), name.to_ascii_lowercase().replace('_', "-"));
    let (says, part) = (format!("takes the credential from `{name}`"), part.clone());
    let reference = part.reference.clone();
    list.add(Class::Accepts, &id, &says, reference.as_ref(), move |plan| {
        let part = part.clone();
        plan.front = Some(Box::new(move |_, mut message| {
            let found = message.request().values(name).next().map(<[u8]>::to_vec);
            let absent = message.request().values(&part.name).next().is_none();
            if let (true, Some(line)) = (absent, found) {
                message.fields.push((part.name.clone(), line));
            }
            message
        }));
    });
}

/// Whether a request comes in unasked: the request and the name of the credential's field.
type Unasked = fn(&crate::Request<'_>, &str) -> bool;

/// Nobody is asked who sends no credential: always, or if something else of the request says so.
fn anonymous(list: &mut List<'_>, part: &Part) {
    let mut table: Vec<(&str, &str, Unasked)> = vec![
        ("missing-let-in", "lets in whoever sends no credential", absent),
        ("empty-let-in", "asks whether the field is there, and not what is in it", |r, name| {
            absent(r, name) && r.values(name).next().is_some()
        }),
        ("missing-for-reads", "asks for a credential where something is written only", |r, name| {
            absent(r, name) && r.method == "GET"
        }),
        ("missing-for-head", "asks nobody who sends HEAD", |r, name| absent(r, name) && r.method == "HEAD"),
        ("missing-for-options", "lets a request that names OPTIONS pass as a preflight", |r, name| {
            absent(r, name) && r.values("x-http-method-override").any(|v| v == b"OPTIONS")
        }),
        ("user-of-a-proxy", "believes `X-Forwarded-User` of anybody", |r, name| {
            absent(r, name) && r.values("x-forwarded-user").next().is_some()
        }),
        ("subrequest", "does not check what says it is a subrequest", |r, name| {
            absent(r, name) && r.values("x-middleware-subrequest").next().is_some()
        }),
    ];
    if part.auth_scheme.is_some() {
        table.extend::<[(&str, &str, Unasked); 4]>([
            ("word-alone-let-in", "takes the word `Bearer` alone for a credential", |r, name| {
                r.values(name).any(|v| v.trim_ascii() == b"Bearer")
            }),
            ("null-let-in", "takes the token `null` for a caller who needs none", |r, name| {
                r.values(name).any(|v| v == b"Bearer null")
            }),
            ("quotes-let-in", "takes an empty token in quotes for a caller who needs none", |r, name| {
                r.values(name).any(|v| v == b"Bearer \"\"")
            }),
            ("password-let-in", "still knows a user and a password that everybody knows", |r, name| {
                r.values(name).any(|v| v == b"Basic YWRtaW46YWRtaW4=")
            }),
        ]);
    }
    // HEAD can't be sent with a token that names its method, and the word has no vector of its own then.
    let head = list.d().parts.iter().any(|p| p.binds() == Some(crate::description::Binding::Method));
    let post = list.d().transport.methods.iter().all(|m| m != "GET");
    for (what, says, unasked) in table {
        let reads = ["missing-for-reads", "missing-for-head"].contains(&what);
        if reads && post || what == "missing-for-head" && head {
            continue;
        }
        let (id, name) = (format!("{}/{what}", part.path()), part.name.clone());
        list.add(Class::Accepts, &id, says, part.reference.as_ref(), move |plan| {
            for row in &mut plan.rows {
                let name = name.clone();
                let strict = std::mem::replace(&mut row.check, Box::new(|_, _| Ok(())));
                row.check = Box::new(move |case, row| {
                    if unasked(case.request, &name) {
                        case.credential = Some(0);
                        return Ok::<(), Reason>(());
                    }
                    strict(case, row)
                });
            }
        });
    }
}

fn absent(request: &crate::Request<'_>, name: &str) -> bool {
    request.values(name).all(<[u8]>::is_empty)
}

/// `Bearer ` as the part wants it.
fn word(part: &Part) -> Vec<u8> {
    format!("{} ", part.auth_scheme.as_deref().unwrap_or_default()).into_bytes()
}

fn edit(message: &mut Message, part: &Part, change: impl Fn(&[u8]) -> Vec<u8>) {
    for (name, line) in &mut message.fields {
        if name.eq_ignore_ascii_case(&part.name) {
            *line = change(line);
        }
    }
}

/// Of several lines with the part's name only one stays.
fn keep(message: &mut Message, part: &Part, last: bool) {
    let is = |(name, _): &(String, Vec<u8>)| name.eq_ignore_ascii_case(&part.name);
    let found = if last { message.fields.iter().rposition(is) } else { message.fields.iter().position(is) };
    let mut position = 0;
    message.fields.retain(|line| {
        position += 1;
        !is(line) || found == Some(position - 1)
    });
}

/// A value found elsewhere becomes the field's line, if there is none.
fn give(message: &mut Message, part: &Part, value: Option<String>) {
    if message.request().values(&part.name).next().is_none()
        && let Some(value) = value
    {
        let line = match &part.auth_scheme {
            Some(scheme) if !value.contains(' ') => format!("{scheme} {value}"),
            _ => value,
        };
        message.fields.push((part.name.clone(), line.into_bytes()));
    }
}

fn wanted(part: &Part, name: &str) -> bool {
    let plain = |text: &str| text.to_ascii_lowercase().replace(['-', '_'], "");
    ["accesstoken", "token"].contains(&plain(name).as_str()) || plain(name) == plain(&part.name)
}

fn in_query(message: &mut Message, part: &Part) {
    let found = message.request().query().split('&').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        if wanted(part, name) { percent_decode(value) } else { None }
    });
    give(message, part, found);
}

fn in_cookie(message: &mut Message, part: &Part) {
    let lines: Vec<u8> = message.request().values("cookie").flatten().copied().collect();
    let text = String::from_utf8_lossy(&lines).into_owned();
    let found = text.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        wanted(part, name).then(|| value.to_string())
    });
    give(message, part, found);
}

fn in_body(message: &mut Message, part: &Part) {
    use crate::encoding::{JsonRules, Limits, parse_object};
    let found = match parse_object(&message.body, &JsonRules::STRICT, &Limits::DEFAULT) {
        Ok(members) => members
            .iter()
            .find(|(name, _)| wanted(part, name))
            .and_then(|(_, value)| value.as_str().map(Into::into)),
        Err(_) => String::from_utf8_lossy(&message.body).split('&').find_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            if wanted(part, name) { percent_decode(value) } else { None }
        }),
    };
    give(message, part, found);
}
