//! Reads `world.toml` and profiles. It must not read files or the environment itself; a [`Resolver`] does.

mod adapt;
mod connect;

use std::cell::RefCell;
use std::sync::Arc;

use super::captured::{self, Captured};
use super::{
    Connect, Credential, Endpoint, PRIMARY, Platform, Resolver, State, Success, Value, Values, World,
};
use crate::description::{self, Description, Kind, Source};
use crate::document::{self, Fault, Item, Table, nearest};
use crate::key::{P256Key, RsaKey, Secret};
use crate::time::parse_duration;

/// The scheme that a profile says it is for.
///
/// # Errors
/// A [`Fault`] of the file, or if it names none of `known`.
pub fn read_scheme<'s>(
    file: &str,
    text: &str,
    known: impl Iterator<Item = &'s str>,
) -> Result<String, Fault> {
    document::parse(file, text, |root| {
        let _ = root.entries();
        description::check_format(root)?;
        let item = root.need("scheme", "the id of the scheme that the target speaks")?;
        let scheme = item.text()?;
        let known: Vec<&str> = known.collect();
        if known.contains(&scheme.as_str()) {
            return Ok(scheme);
        }
        Err(item.fault(format!("unknown scheme `{scheme}`"), nearest(&scheme, known.into_iter())))
    })
}

/// The options that a world file takes, read before the description that depends on them.
///
/// # Errors
/// A [`Fault`] of the file.
pub fn read_choices(file: &str, text: &str) -> Result<Vec<(String, String)>, Fault> {
    document::parse(file, text, |root| {
        let _ = root.entries();
        choices(root)
    })
}

/// Refuses a choice or an option that the scheme does not have, at its place in the world file.
///
/// # Errors
/// The first [`Fault`].
pub fn check_choices(file: &str, text: &str, d: &Description) -> Result<(), Fault> {
    document::parse(file, text, |root| {
        let _ = root.entries();
        let Some(item) = root.get("choose") else { return Ok(()) };
        item.table(|table| table.entries().iter().try_for_each(|(name, item)| check_choice(d, name, item)))
    })
}

fn check_choice(d: &Description, name: &str, item: &Item<'_>) -> Result<(), Fault> {
    let Some(choice) = d.choices.iter().find(|c| c.name == name) else {
        let remedy = match d.choices.as_slice() {
            [] => "remove it: this scheme leaves no choice".into(),
            choices => nearest(name, choices.iter().map(|c| c.name.as_str())),
        };
        return Err(item.fault(format!("the scheme has no choice `{name}`"), remedy));
    };
    let option = item.text()?;
    if choice.options.contains(&option) {
        return Ok(());
    }
    let remedy = nearest(&option, choice.options.iter().map(String::as_str));
    Err(item.fault(format!("`{name}` has no option `{option}`"), remedy))
}

fn choices(root: &Table<'_>) -> Result<Vec<(String, String)>, Fault> {
    pairs(root, "choose")
}

/// A table of texts; empty if there is none.
fn pairs(table: &Table<'_>, key: &str) -> Result<Vec<(String, String)>, Fault> {
    let Some(item) = table.get(key) else { return Ok(Vec::new()) };
    item.table(|t| t.entries().into_iter().map(|(name, item)| Ok((name, item.text()?))).collect())
}

/// Reads a world for a scheme.
///
/// # Errors
/// The first [`Fault`], with its place.
pub fn load(d: &Description, file: &str, text: &str, resolver: &dyn Resolver) -> Result<World, Fault> {
    document::parse(file, text, |root| {
        description::check_format(root)?;
        let reader = Reader { description: d, resolver, inline: RefCell::default() };
        let origin = root.need("origin", "scheme, host and port of the API")?;
        let address = origin.text()?;
        let host = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"));
        if host.is_none_or(|h| h.is_empty() || h.contains(['/', '@', '?', '#', ' '])) {
            return Err(origin.fault(
                format!("`{address}` is no origin"),
                "write scheme, host and port alone, such as `https://staging.example:8443`",
            ));
        }
        let connect = |i: Item<'_>| i.table(|t| connect::read(t, &|item| reader.secret(item)));
        let platforms = reader.platforms(root)?;
        let credentials = reader.credentials(root, &address, &platforms)?;
        let request = credentials.iter().find_map(|c| c.request.as_ref());
        let endpoints = reader.endpoints(root, request)?;
        Ok(World {
            scheme: root.get("scheme").map(|i| i.text()).transpose()?,
            connect: root.get("connect").map_or(Ok(Connect::default()), connect)?,
            known: root.get("known").map(|i| i.text()).transpose()?,
            clock: root.get("clock").map(|i| i.timestamp()).transpose()?,
            origin: address,
            leeway: root.get("leeway").map_or(Ok(0), |i| reader.duration(&i))?,
            choose: choices(root)?,
            platforms,
            credentials,
            endpoints,
            extra_claims: adapt::extra_claims(root, d)?,
            types: adapt::types(root, d)?,
            inline: reader.inline.into_inner(),
        })
    })
}

struct Reader<'r> {
    description: &'r Description,
    resolver: &'r dyn Resolver,
    /// Paths of secrets that stand in the file itself.
    inline: RefCell<Vec<String>>,
}

impl Reader<'_> {
    fn duration(&self, item: &Item<'_>) -> Result<u64, Fault> {
        let text = item.text()?;
        parse_duration(&text)
            .ok_or_else(|| item.fault(format!("`{text}` is no duration"), "write for example `90s`"))
    }

    fn platforms(&self, root: &Table<'_>) -> Result<Vec<Platform>, Fault> {
        let Some(item) = root.get("platform") else { return Ok(Vec::new()) };
        item.table(|table| {
            let read = |(role, item): (String, Item<'_>)| {
                item.table(|t| Ok(Platform { values: self.values(t, &self.description.platform)?, role }))
            };
            table.entries().into_iter().map(read).collect()
        })
    }

    fn credentials(
        &self,
        root: &Table<'_>,
        origin: &str,
        platforms: &[Platform],
    ) -> Result<Vec<Credential>, Fault> {
        let item = root.need("credential", "what callers hold, by role; at least `[credential.primary]`")?;
        item.table(|table| {
            let read = |(role, item): (String, Item<'_>)| {
                item.table(|t| match t.get("captured-request") {
                    Some(item) => self.captured_caller(&role, t, &item, origin, platforms),
                    None => self.credential(role, t),
                })
            };
            table.entries().into_iter().map(read).collect()
        })
    }

    fn credential(&self, role: String, t: &Table<'_>) -> Result<Credential, Fault> {
        let states =
            [("revoked", State::Revoked), ("expired", State::Expired), ("disabled", State::Disabled)];
        let state = t.get("state").map_or(Ok(State::Active), |i| i.word(&states))?;
        let captured = match t.get("captured-token") {
            Some(item) if self.description.caller_key() => {
                return Err(item.fault(
                    "callers of this scheme sign their own tokens",
                    "give the caller's key instead of a captured token, or a whole `captured-request`",
                ));
            }
            Some(item) => Some(Secret::new(self.secret(&item)?.expose().trim_ascii().to_vec())),
            None => None,
        };
        let values = self.values(t, &self.description.credential)?;
        let kinds = self.description.credential.iter();
        let elsewhere = kinds.filter_map(|(name, _)| t.get(name)).filter(Item::is_table);
        let private: Result<Vec<Secret>, Fault> =
            elsewhere.map(|item| Ok(Secret::new(self.bytes(&item)?))).collect();
        Ok(Credential { values, role, state, captured, request: None, private: private? })
    }

    /// The caller of a captured request: all that it holds is in there.
    fn captured_caller(
        &self,
        role: &str,
        t: &Table<'_>,
        item: &Item<'_>,
        origin: &str,
        platforms: &[Platform],
    ) -> Result<Credential, Fault> {
        let d = self.description;
        if role != PRIMARY {
            return Err(item.fault(
                format!("the captured request is of `{PRIMARY}`, not of `{role}`"),
                "remove it, or give what this caller holds by name",
            ));
        }
        if d.token.is_some() && !d.caller_key() && !platforms.is_empty() {
            let remedy = "remove one of them: with the key, requests are made anew";
            return Err(item.fault("there is a captured request beside the platform's key", remedy));
        }
        for (name, _) in &d.credential {
            if let Some(beside) = t.get(name) {
                let remedy = "remove one of them: with what the caller holds, requests are made anew";
                return Err(beside.fault(format!("`{name}` stands beside a captured request"), remedy));
            }
        }
        let message = self.resolver.request(self.secret(item)?.expose()).map_err(|fault| {
            let place = format!("line {}, column {}", fault.line, fault.column);
            item.fault(format!("the captured request, {place}: {}", fault.message), fault.remedy)
        })?;
        captured::caller(d, origin, message, item)
    }

    fn values(&self, table: &Table<'_>, kinds: &[(Arc<str>, Kind)]) -> Result<Values, Fault> {
        let mut values = Values::new();
        for (name, kind) in kinds {
            if let Some(item) = table.get(name) {
                values.push((name.clone(), self.value(&item, *kind)?));
            }
        }
        Ok(values)
    }

    fn value(&self, item: &Item<'_>, kind: Kind) -> Result<Value, Fault> {
        Ok(match kind {
            Kind::Text => {
                let text = String::from_utf8(self.bytes(item)?).map_err(|_| {
                    item.fault(format!("`{}` is not UTF-8 text", item.path()), "text values must be UTF-8")
                })?;
                Value::Text(text.into())
            }
            Kind::Integer => Value::Integer(item.integer()?),
            Kind::List => Value::list(item.words()?),
            Kind::Secret | Kind::Key => Value::Secret(self.secret(item)?),
            Kind::Rsa => {
                Value::Rsa(Arc::new(RsaKey::from_pem(self.secret(item)?.expose()).map_err(|e| {
                    item.fault(
                        format!("`{}`: {e}", item.path()),
                        "make one with `openssl genpkey -algorithm RSA`",
                    )
                })?))
            }
            Kind::P256 => {
                Value::P256(Arc::new(P256Key::from_pem(self.secret(item)?.expose()).map_err(|e| {
                    item.fault(format!("`{}`: {e}", item.path()), "a PKCS#8 PEM key on P-256 is expected")
                })?))
            }
        })
    }

    /// A value that must not be shown; that it stands in the file itself is kept in mind.
    fn secret(&self, item: &Item<'_>) -> Result<Secret, Fault> {
        let (bytes, inline) = self.read(item)?;
        if inline {
            self.inline.borrow_mut().push(item.path().to_string());
        }
        Ok(Secret::new(bytes))
    }

    fn bytes(&self, item: &Item<'_>) -> Result<Vec<u8>, Fault> {
        self.read(item).map(|(bytes, _)| bytes)
    }

    /// Text, or a table that says where the value is: `{ env }`, `{ file }`, `{ base64 }`; and whether it stands here.
    fn read(&self, item: &Item<'_>) -> Result<(Vec<u8>, bool), Fault> {
        if !item.is_table() {
            return item.text().map(|text| (text.into_bytes(), true));
        }
        item.table(|table| {
            let (env, file, base64) = (table.get("env"), table.get("file"), table.get("base64"));
            match (env, file, base64) {
                (Some(env), None, None) => {
                    let name = env.text()?;
                    let value = self.resolver.variable(&name).map_err(|e| {
                        env.fault(format!("environment variable `{name}`: {e}"), "set it before the run")
                    })?;
                    Ok((value.into_bytes(), false))
                }
                (None, Some(file), None) => {
                    let path = file.text()?;
                    let value = self.resolver.file(&path).map_err(|e| {
                        file.fault(format!("file `{path}`: {e}"), "paths are relative to this file")
                    })?;
                    Ok((value, false))
                }
                (None, None, Some(base64)) => {
                    let text = base64.text()?;
                    let url: String = text
                        .trim_end_matches('=')
                        .chars()
                        .map(|c| match c {
                            '+' => '-',
                            '/' => '_',
                            c => c,
                        })
                        .collect();
                    crate::encoding::decode_url(url.as_bytes(), &crate::encoding::Rules::STRICT)
                        .map(|bytes| (bytes, true))
                        .map_err(|e| base64.fault(format!("no base64: {e}"), "write standard base64"))
                }
                _ => Err(item.fault(
                    format!("`{}` must say exactly one place for its value", item.path()),
                    "write text, or one of { env = … }, { file = … }, { base64 = … }",
                )),
            }
        })
    }

    fn endpoints(&self, root: &Table<'_>, request: Option<&Captured>) -> Result<Vec<Endpoint>, Fault> {
        let item = match (root.get("endpoint"), request) {
            (None, Some(request)) => {
                return Ok(vec![captured::endpoint(request, Values::new(), Success::default())]);
            }
            _ => root.need("endpoint", "where requests go, by role; at least one")?,
        };
        item.table(|table| {
            let read = |(role, item): (String, Item<'_>)| {
                item.table(|t| match request.filter(|r| r.endpoint == role) {
                    Some(request) => self.captured_endpoint(request, t),
                    None => self.endpoint(role, t),
                })
            };
            let mut all: Vec<Endpoint> =
                table.entries().into_iter().map(read).collect::<Result<_, Fault>>()?;
            if let Some(request) = request.filter(|r| !all.iter().any(|e| e.role == r.endpoint)) {
                all.push(captured::endpoint(request, Values::new(), Success::default()));
            }
            Ok(all)
        })
    }

    /// The endpoint of a captured request: the profile says only what the request can't.
    fn captured_endpoint(&self, request: &Captured, t: &Table<'_>) -> Result<Endpoint, Fault> {
        for word in ["method", "path", "query", "parameters", "body", "fields"] {
            if let Some(item) = t.get(word) {
                return Err(item.fault(
                    format!("`{word}` of this endpoint is in the captured request"),
                    "remove it, or call the endpoint otherwise, such as `other-read`",
                ));
            }
        }
        let success = t.get("success").map_or(Ok(Success::default()), |i| i.table(read_success))?;
        Ok(captured::endpoint(request, self.attributes(t)?, success))
    }

    fn endpoint(&self, role: String, t: &Table<'_>) -> Result<Endpoint, Fault> {
        let text = |key: &str| t.get(key).map_or(Ok(String::new()), |i| i.text());
        let path = t.need("path", "the path, with {parameter} where one stands")?;
        let template = path.text()?;
        if !template.starts_with('/') || template.contains(['?', '#', ' ']) {
            return Err(
                path.fault(format!("`{template}` is no path"), "begin with `/`; a query goes into `query`")
            );
        }
        let parameters = pairs(t, "parameters")?;
        for segment in template.split('/') {
            let Some(name) = segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) else { continue };
            if !parameters.iter().any(|(n, _)| n == name) && self.description.operation(&role).is_none() {
                let remedy = nearest(name, parameters.iter().map(|(n, _)| n.as_str()));
                return Err(path.fault(format!("the path parameter `{name}` has no value"), remedy));
            }
        }
        Ok(Endpoint {
            method: t.need("method", "the method, such as `GET`")?.text()?,
            path: template,
            query: text("query")?,
            parameters,
            body: text("body")?.into_bytes(),
            fields: pairs(t, "fields")?,
            attributes: self.attributes(t)?,
            success: t.get("success").map_or(Ok(Success::default()), |i| i.table(read_success))?,
            role,
        })
    }

    fn attributes(&self, t: &Table<'_>) -> Result<Values, Fault> {
        let mut values = Values::new();
        for rule in &self.description.access {
            let Source::Endpoint(name) = &rule.required else { continue };
            if values.iter().any(|(n, _)| **n == **name) {
                continue;
            }
            if let Some(item) = t.get(name) {
                let value = if item.is_array() {
                    Value::list(item.words()?)
                } else {
                    Value::Text(item.text()?.into())
                };
                values.push((name.as_str().into(), value));
            }
        }
        Ok(values)
    }
}

fn read_success(t: &Table<'_>) -> Result<Success, Fault> {
    let mut status = Vec::new();
    if let Some(item) = t.get("status") {
        for item in item.list()? {
            let number = u16::try_from(item.integer()?).unwrap_or(0);
            if !(100..=599).contains(&number) {
                return Err(item.fault("a status lies between 100 and 599", "write the status of a success"));
            }
            status.push(number);
        }
    }
    Ok(Success {
        status,
        pointer: t.get("pointer").map(|i| i.text()).transpose()?,
        field: t.get("field").map(|i| i.token("name of a field", "X-Test-Request")).transpose()?,
    })
}
