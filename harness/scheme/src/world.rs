//! A world: credentials by role, endpoints by role, and a clock. A profile is a world with an address.
//! It must not read files or the environment itself; a [`Resolver`] does.

use std::sync::Arc;

use crate::description::{self, Description, Kind, Source};
use crate::document::{self, Fault, Item, Table, nearest};
use crate::key::{Key, P256Key, RsaKey, Secret};
use crate::time::parse_duration;

/// Gives the values that a world names but does not contain.
pub trait Resolver {
    /// Content of a file, by a path relative to the world's file.
    ///
    /// # Errors
    /// Why it can't be read.
    fn file(&self, path: &str) -> Result<Vec<u8>, String>;
    /// Value of an environment variable.
    ///
    /// # Errors
    /// Why there is none.
    fn variable(&self, name: &str) -> Result<String, String>;
}

/// A value that a credential, a platform or an endpoint has.
#[derive(Debug, Clone)]
pub enum Value {
    /// Public text.
    Text(String),
    /// Secret text or bytes.
    Secret(Secret),
    /// Whole number.
    Integer(i64),
    /// List of texts.
    List(Vec<String>),
    /// RSA key pair.
    Rsa(Arc<RsaKey>),
    /// P-256 key pair.
    P256(Arc<P256Key>),
}

impl Value {
    /// The value as bytes, as pipelines read it; key pairs have none.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Text(text) => Some(text.as_bytes().to_vec()),
            Self::Secret(secret) => Some(secret.expose().to_vec()),
            Self::Integer(number) => Some(number.to_string().into_bytes()),
            Self::List(items) => Some(items.join(" ").into_bytes()),
            Self::Rsa(_) | Self::P256(_) => None,
        }
    }

    /// The items of a list, or the one item that anything else is; key pairs have none.
    pub fn items(&self) -> Option<Vec<Vec<u8>>> {
        match self {
            Self::List(items) => Some(items.iter().map(|i| i.as_bytes().to_vec()).collect()),
            _ => self.bytes().map(|bytes| vec![bytes]),
        }
    }

    /// The value as a key.
    pub fn key(&self) -> Option<Key<'_>> {
        match self {
            Self::Text(text) => Some(Key::Bytes(text.as_bytes())),
            Self::Secret(secret) => Some(Key::Bytes(secret.expose())),
            Self::Rsa(rsa) => Some(Key::Rsa(rsa)),
            Self::P256(pair) => Some(Key::P256(pair)),
            Self::Integer(_) | Self::List(_) => None,
        }
    }

    /// Whether the value must not be shown.
    pub fn is_secret(&self) -> bool {
        matches!(self, Self::Secret(_) | Self::Rsa(_) | Self::P256(_))
    }
}

/// Named values.
pub type Values = Vec<(String, Value)>;

/// The value with this name.
pub fn value<'v>(values: &'v Values, name: &str) -> Option<&'v Value> {
    values.iter().find(|(n, _)| n == name).map(|(_, value)| value)
}

/// Whether a credential may still be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It may.
    Active,
    /// It was taken back.
    Revoked,
    /// Its time is over.
    Expired,
    /// Its owner may not act for now.
    Disabled,
}

/// What a caller holds.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Its role in recipes.
    pub role: String,
    /// Its values.
    pub values: Values,
    /// Whether it may be used.
    pub state: State,
    /// A token that the platform gave to this caller: all that a profile has where only the platform can sign.
    pub captured: Option<Secret>,
    /// Values that came from the environment or a file: not to be shown, whatever their kind.
    pub private: Vec<Secret>,
}

/// What the verifying side holds.
#[derive(Debug, Clone)]
pub struct Platform {
    /// `primary`, or another environment.
    pub role: String,
    /// Its values.
    pub values: Values,
}

/// A place to send requests to.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Its role in recipes; an operation's endpoint has the operation's name.
    pub role: String,
    /// Method.
    pub method: String,
    /// Path with `{parameter}`.
    pub path: String,
    /// Query without `?`; empty if there is none.
    pub query: String,
    /// Values of the path parameters, decoded.
    pub parameters: Vec<(String, String)>,
    /// Body of the good request.
    pub body: Vec<u8>,
    /// Further fields of the good request.
    pub fields: Vec<(String, String)>,
    /// Attributes that access rules read.
    pub attributes: Values,
    /// How "in" is told.
    pub success: Success,
}

/// How an answer that lets the caller in is told from one that does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Success {
    /// Statuses that mean in; empty: any 2xx.
    pub status: Vec<u16>,
    /// JSON Pointer that must be there.
    pub pointer: Option<String>,
}

/// How a live target is reached, where that does not follow from the origin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connect {
    /// Origin to connect to instead, such as `http://127.0.0.1:8080`.
    pub address: Option<String>,
    /// Origin of the same API over plain HTTP.
    pub plain: Option<String>,
    /// Origin of the hooks (clock, revoke, forget).
    pub control: Option<String>,
    /// PEM file of a further certificate authority, relative to the profile.
    pub ca: Option<String>,
    /// Hosts that may be contacted although they are not loopback.
    pub allow: Vec<String>,
}

/// A whole world.
#[derive(Debug, Clone)]
pub struct World {
    /// The scheme; only profiles say it.
    pub scheme: Option<String>,
    /// How a live target is reached.
    pub connect: Connect,
    /// Known deviations of a target: vector id and why.
    pub known: Vec<(String, String)>,
    /// Seconds since 1970 UTC; `None` in a profile: the real time.
    pub clock: Option<u64>,
    /// Scheme, host and port by which the API is known.
    pub origin: String,
    /// Tolerance for clocks, in seconds.
    pub leeway: u64,
    /// Options taken for choices.
    pub choose: Vec<(String, String)>,
    /// Verifying sides by role; `primary` first.
    pub platforms: Vec<Platform>,
    /// Callers by role.
    pub credentials: Vec<Credential>,
    /// Endpoints by role.
    pub endpoints: Vec<Endpoint>,
}

impl World {
    /// The credential of a role.
    pub fn credential(&self, role: &str) -> Option<&Credential> {
        self.credentials.iter().find(|c| c.role == role)
    }

    /// The platform of a role.
    pub fn platform(&self, role: &str) -> Option<&Platform> {
        self.platforms.iter().find(|p| p.role == role)
    }

    /// The endpoint of a role.
    pub fn endpoint(&self, role: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|e| e.role == role)
    }

    /// Host and port of the origin, lower case, as in the Host field.
    pub fn host(&self) -> String {
        self.origin.split_once("://").map_or(self.origin.as_str(), |(_, host)| host).to_ascii_lowercase()
    }
}

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
        let reader = Reader { description: d, resolver };
        let origin = root.need("origin", "scheme, host and port of the API")?;
        let address = origin.text()?;
        let host = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"));
        if host.is_none_or(|h| h.is_empty() || h.contains(['/', '@', '?', '#', ' '])) {
            return Err(origin.fault(
                format!("`{address}` is no origin"),
                "write scheme, host and port alone, such as `https://staging.example:8443`",
            ));
        }
        Ok(World {
            scheme: root.get("scheme").map(|i| i.text()).transpose()?,
            connect: root.get("connect").map_or(Ok(Connect::default()), |i| i.table(read_connect))?,
            known: pairs(root, "known")?,
            clock: root.get("clock").map(|i| i.timestamp()).transpose()?,
            origin: address,
            leeway: root.get("leeway").map_or(Ok(0), |i| reader.duration(&i))?,
            choose: choices(root)?,
            platforms: reader.platforms(root)?,
            credentials: reader.credentials(root)?,
            endpoints: reader.endpoints(root)?,
        })
    })
}

struct Reader<'r> {
    description: &'r Description,
    resolver: &'r dyn Resolver,
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

    fn credentials(&self, root: &Table<'_>) -> Result<Vec<Credential>, Fault> {
        let item = root.need("credential", "what callers hold, by role; at least `[credential.primary]`")?;
        let states =
            [("revoked", State::Revoked), ("expired", State::Expired), ("disabled", State::Disabled)];
        item.table(|table| {
            let read = |(role, item): (String, Item<'_>)| {
                item.table(|t| {
                    let state = t.get("state").map_or(Ok(State::Active), |i| i.word(&states))?;
                    let captured = match t.get("captured-token") {
                        Some(item) if self.description.caller_key() => {
                            return Err(item.fault(
                                "callers of this scheme sign their own tokens",
                                "give the caller's key instead of a captured token",
                            ));
                        }
                        Some(item) => Some(Secret::new(self.bytes(&item)?.trim_ascii().to_vec())),
                        None => None,
                    };
                    let values = self.values(t, &self.description.credential)?;
                    let kinds = self.description.credential.iter();
                    let elsewhere = kinds.filter_map(|(name, _)| t.get(name)).filter(Item::is_table);
                    let private: Result<Vec<Secret>, Fault> =
                        elsewhere.map(|item| Ok(Secret::new(self.bytes(&item)?))).collect();
                    Ok(Credential { values, role, state, captured, private: private? })
                })
            };
            table.entries().into_iter().map(read).collect()
        })
    }

    fn values(&self, table: &Table<'_>, kinds: &[(String, Kind)]) -> Result<Values, Fault> {
        let mut values = Vec::new();
        for (name, kind) in kinds {
            if let Some(item) = table.get(name) {
                values.push((name.clone(), self.value(&item, *kind)?));
            }
        }
        Ok(values)
    }

    fn value(&self, item: &Item<'_>, kind: Kind) -> Result<Value, Fault> {
        Ok(match kind {
            Kind::Text => Value::Text(String::from_utf8(self.bytes(item)?).map_err(|_| {
                item.fault(format!("`{}` is not UTF-8 text", item.path()), "text values must be UTF-8")
            })?),
            Kind::Integer => Value::Integer(item.integer()?),
            Kind::List => Value::List(item.texts()?),
            Kind::Secret | Kind::Key => Value::Secret(Secret::new(self.bytes(item)?)),
            Kind::Rsa => Value::Rsa(Arc::new(RsaKey::from_pem(&self.bytes(item)?).map_err(|e| {
                item.fault(
                    format!("`{}`: {e}", item.path()),
                    "make one with `openssl genpkey -algorithm RSA`",
                )
            })?)),
            Kind::P256 => Value::P256(Arc::new(P256Key::from_pem(&self.bytes(item)?).map_err(|e| {
                item.fault(format!("`{}`: {e}", item.path()), "a PKCS#8 PEM key on P-256 is expected")
            })?)),
        })
    }

    /// Text, or a table that says where the value is: `{ env }`, `{ file }`, `{ base64 }`.
    fn bytes(&self, item: &Item<'_>) -> Result<Vec<u8>, Fault> {
        if !item.is_table() {
            return item.text().map(String::into_bytes);
        }
        item.table(|table| {
            let (env, file, base64) = (table.get("env"), table.get("file"), table.get("base64"));
            match (env, file, base64) {
                (Some(env), None, None) => {
                    let name = env.text()?;
                    self.resolver.variable(&name).map(String::into_bytes).map_err(|e| {
                        env.fault(format!("environment variable `{name}`: {e}"), "set it before the run")
                    })
                }
                (None, Some(file), None) => {
                    let path = file.text()?;
                    self.resolver.file(&path).map_err(|e| {
                        file.fault(format!("file `{path}`: {e}"), "paths are relative to this file")
                    })
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
                        .map_err(|e| base64.fault(format!("no base64: {e}"), "write standard base64"))
                }
                _ => Err(item.fault(
                    format!("`{}` must say exactly one place for its value", item.path()),
                    "write text, or one of { env = … }, { file = … }, { base64 = … }",
                )),
            }
        })
    }

    fn endpoints(&self, root: &Table<'_>) -> Result<Vec<Endpoint>, Fault> {
        let item = root.need("endpoint", "where requests go, by role; at least one")?;
        item.table(|table| {
            let read = |(role, item): (String, Item<'_>)| item.table(|t| self.endpoint(role, t));
            table.entries().into_iter().map(read).collect()
        })
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
        let mut values = Vec::new();
        for rule in &self.description.access {
            let Source::Endpoint(name) = &rule.required else { continue };
            if values.iter().any(|(n, _)| n == name) {
                continue;
            }
            if let Some(item) = t.get(name) {
                let value =
                    if item.is_array() { Value::List(item.texts()?) } else { Value::Text(item.text()?) };
                values.push((name.clone(), value));
            }
        }
        Ok(values)
    }
}

fn read_connect(t: &Table<'_>) -> Result<Connect, Fault> {
    let text = |key: &str| t.get(key).map(|i| i.text()).transpose();
    Ok(Connect {
        address: text("address")?,
        plain: text("plain")?,
        control: text("control")?,
        ca: text("ca")?,
        allow: t.get("allow").map_or(Ok(Vec::new()), |i| i.texts())?,
    })
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
    Ok(Success { status, pointer: t.get("pointer").map(|i| i.text()).transpose()? })
}
