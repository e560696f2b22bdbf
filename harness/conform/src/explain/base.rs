//! What our signer would have started from, had it made the request that was sent. It must not judge the request.

use bearproof_scheme::description::{Lifetime, Nonce, Part, Place, Rule, TimeRule, Type};
use bearproof_scheme::encoding::string_literal;
use bearproof_scheme::request::{Message, percent_decode};
use bearproof_scheme::sign::{Draft, Entropy, SignError, Signer, Trace, Written};
use bearproof_scheme::world::{Credential, Endpoint, State, Value, Values, World, value};
use bearproof_scheme::wrong_signer::{KeyUse, Seal, Start};

use super::reading::{Reading, members, plain, said};
use super::seals;
use crate::suite::Variant;

/// What a request is compared from.
pub(super) struct Base<'a> {
    /// What our signer starts from.
    pub(super) start: Start<'a>,
    /// The right values of its parts, computed once: a binding of a long body takes its time. `None` if there are none,
    /// such as a compact form of a body that is no JSON.
    pub(super) right: Option<Vec<Written>>,
    /// Other times at which it may have been made, in seconds since 1970 UTC.
    pub(super) times: Vec<u64>,
    /// Ways in which the token may have been signed; empty if none that is known.
    pub(super) seals: Vec<Seal>,
    /// Whether the key is here.
    pub(super) has_key: bool,
    /// What could not be checked, in words.
    pub(super) unchecked: Vec<String>,
    /// Parts whose right value is unknown here, by position.
    pub(super) blind: Vec<usize>,
    /// Whether the request names the caller.
    pub(super) named: bool,
}

impl<'a> Base<'a> {
    /// Of a request that was sent.
    pub(super) fn of(
        variant: &'a Variant,
        message: &Message,
        found: &Reading,
        now: u64,
        entropy: &'a dyn Entropy,
    ) -> Self {
        let (d, world) = (variant.description.as_ref(), variant.world.as_ref());
        let draft = draft(d, world, message);
        let (credential, named) = caller(variant, message, found, entropy);
        let signer = Signer { description: d, credential, platform: world.platform("primary"), now, entropy };
        let mut start = Start::new(signer, world, draft);
        // A request that names no host names no other one either.
        if let Some(host) = message.request().host() {
            start.other_host = host.into_owned();
        }
        let own = start.parts.clone();
        start.parts.retain(|p| !p.optional || said(&own, message, found, p).is_some_and(|s| s != "\"\""));
        start.parts.retain(|p| {
            !p.optional || p.place != Place::Field || message.request().values(&p.name).next().is_some()
        });
        start.given = nonces(&start.parts, found);
        let mut base = Self {
            start,
            right: None,
            times: Vec::new(),
            seals: Vec::new(),
            has_key: true,
            unchecked: Vec::new(),
            blind: Vec::new(),
            named,
        };
        base.set_times(found, now);
        base.drop_blind();
        base.has_key = d.token.is_none() || KeyUse::Right.find(&base.start).is_some();
        base.seals = seals::of(&base.start, found);
        let Start { signer, parts, draft, given, .. } = &base.start;
        base.right = signer.parts(parts, draft, given, &mut Trace::none()).ok();
        if !base.has_key {
            let name = d.token.as_ref().map(|t| t.key.name()).unwrap_or_default();
            base.unchecked.push(format!("the signature of the token: `{name}` is not here"));
        }
        base
    }

    /// When it may have been made: as its times say.
    fn set_times(&mut self, found: &Reading, now: u64) {
        let mut times: Vec<u64> = Vec::new();
        for part in &self.start.parts {
            let Rule::Time(rule) = part.rule else { continue };
            let Some(said) = super::reading::json_of(found.texts.as_ref(), part) else { continue };
            let Some(said) = seconds(&plain(&said), now) else { continue };
            let life = lifetime(part, self.start.signer.credential);
            match rule {
                TimeRule::Issued | TimeRule::NotBefore => times.push(said),
                TimeRule::Expires => times.extend([said.saturating_sub(life), said]),
            }
        }
        // A time of issue goes before an expiry; of equals the likeliest is the one that is nearest to now.
        times.dedup();
        if let Some(first) = times.first() {
            self.start.signer.now = *first;
        }
        times.push(now);
        self.times = times;
    }

    /// Takes out the parts whose values need a secret that is not here.
    fn drop_blind(&mut self) {
        while let Err(SignError::Missing { part, source }) = self.start.signer.parts(
            &self.start.parts,
            &self.start.draft,
            &self.start.given,
            &mut Trace::none(),
        ) {
            let before = self.start.parts.len();
            self.start.parts.retain(|p| p.path() != part);
            let all = self.start.signer.description.parts.iter().enumerate();
            self.blind.extend(all.filter(|(_, p)| p.path() == part).map(|(i, _)| i));
            self.unchecked.push(format!("`{part}`: `{source}` is not here"));
            if self.start.parts.len() == before {
                break;
            }
        }
        let signer = self.start.signer;
        let held = |p: &Part| match p.pipeline().and_then(|p| p.single()) {
            Some(bearproof_scheme::description::Source::Credential(name)) => {
                value(&signer.credential.values, name).is_some()
            }
            _ => true,
        };
        let all = signer.description.parts.iter().enumerate();
        for (index, part) in all.filter(|(_, p)| p.place == Place::Field && !held(p)) {
            self.start.parts.retain(|p| p.path() != part.path());
            self.blind.push(index);
            self.unchecked.push(format!("`{}`: its value is not here", part.path()));
        }
    }
}

/// A number of any unit as seconds since 1970, by what is nearest to now.
fn seconds(text: &str, now: u64) -> Option<u64> {
    if let Some(date) = bearproof_scheme::time::parse_rfc3339(text) {
        return Some(date);
    }
    let number: u64 = text.parse().ok()?;
    [number, number / 1000, number / 1_000_000].into_iter().min_by_key(|s| s.abs_diff(now))
}

fn lifetime(part: &Part, credential: &Credential) -> u64 {
    match &part.lifetime {
        None => 60,
        Some(Lifetime::Fixed(seconds)) => *seconds,
        Some(Lifetime::Credential(name)) => match value(&credential.values, name) {
            Some(Value::Integer(seconds)) => u64::try_from(*seconds).unwrap_or(0),
            _ => 0,
        },
    }
}

/// Random values as they were sent, in the documented shape.
fn nonces(parts: &[Part], found: &Reading) -> Vec<Written> {
    let mut given = Vec::new();
    for part in parts {
        let Rule::Nonce(shape) = part.rule else { continue };
        let Some(json) = super::reading::json_of(found.texts.as_ref(), part) else { continue };
        let text = plain(&json);
        let json = match shape {
            Nonce::U32 | Nonce::U64 if text.contains(['.', 'e', 'E']) => {
                text.parse::<f64>().map_or(text, |double| format!("{double:.0}"))
            }
            Nonce::U32 | Nonce::U64 => text,
            Nonce::Uuid | Nonce::Hex32 => string_literal(&text),
        };
        let first = part.types.first().copied().unwrap_or(Type::String);
        let number = matches!(first, Type::Integer);
        let json = if number || json.starts_with('"') { json } else { string_literal(&json) };
        given.push(Written::given(part.place, &part.name, &json));
    }
    given
}

/// The caller that a request names; else `primary`, else the first.
fn caller<'a>(
    variant: &'a Variant,
    message: &Message,
    found: &Reading,
    entropy: &'a dyn Entropy,
) -> (&'a Credential, bool) {
    let (d, world) = (variant.description.as_ref(), variant.world.as_ref());
    let named = d.parts.iter().find(|p| p.identifies).and_then(|part| {
        let said = plain(&said(&d.parts, message, found, part)?);
        let value_of = |credential: &'a Credential| {
            let signer =
                Signer { description: d, credential, platform: world.platform("primary"), now: 0, entropy };
            let mut only = part.clone();
            only.place = Place::Claims;
            let draft = draft(d, world, message);
            let written = signer.parts(&[only], &draft, &[], &mut Trace::none()).ok()?;
            written.first().map(|w| String::from_utf8_lossy(&w.bytes).into_owned())
        };
        let same = |c: &&'a Credential, exact: bool| {
            value_of(c).filter(|v| !v.is_empty()).is_some_and(|v| match exact {
                true => said == v,
                false => said.to_lowercase().contains(&v.to_lowercase()),
            })
        };
        // Several have one identity while a key is exchanged; the one in use is meant.
        let order = |c: &&'a Credential| (c.state != State::Active, c.role != "primary");
        let all = || world.credentials.iter();
        let exact = all().filter(|c| same(c, true)).min_by_key(order);
        exact.or_else(|| all().filter(|c| same(c, false)).min_by_key(order))
    });
    match named {
        Some(credential) => (credential, true),
        None => (fallback(world), false),
    }
}

/// A world has at least one credential; the loader refuses one without.
fn fallback(world: &World) -> &Credential {
    static NOBODY: std::sync::LazyLock<Credential> = std::sync::LazyLock::new(|| Credential {
        role: String::new(),
        values: Values::new(),
        state: State::Active,
        captured: None,
        request: None,
        private: Vec::new(),
    });
    world.credential("primary").or(world.credentials.first()).unwrap_or(&NOBODY)
}

/// The request before anything was added to it: of the endpoint that it was meant for, with what was sent.
fn draft(d: &bearproof_scheme::Description, world: &World, message: &Message) -> Draft {
    let request = message.request();
    let (path, query) = (request.path(), request.query());
    let ordinary = || world.endpoints.iter().filter(|e| d.operation(&e.role).is_none());
    let method = message.method.to_ascii_uppercase();
    let near = |e: &&Endpoint| {
        let template = Draft { query: String::new(), ..Draft::of(world, e) }.raw_path();
        let sent = path.trim_matches('/').to_ascii_lowercase();
        let wanted = template.trim_matches('/').to_ascii_lowercase();
        wanted == sent || wanted.ends_with(&format!("/{sent}"))
    };
    let found = ordinary()
        .filter(|e| e.method == method || (method == "HEAD" && e.method == "GET"))
        .find_map(|e| Some((e, parameters(&e.path, path)?)));
    let (path, parameters) = match &found {
        Some((endpoint, parameters)) => (endpoint.path.clone(), parameters.clone()),
        None => {
            match ordinary().filter(|e| e.method == method).find(near).or_else(|| ordinary().find(near)) {
                Some(endpoint) => (endpoint.path.clone(), endpoint.parameters.clone()),
                None => (path.to_string(), Vec::new()),
            }
        }
    };
    let carried = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default();
        let own = |p: &Part| p.place == Place::Field && p.name.eq_ignore_ascii_case(name);
        name == "access_token" || d.parts.iter().any(own)
    };
    let query: Vec<&str> = query.split('&').filter(|pair| !carried(pair)).collect();
    let mut body = message.body.clone();
    if d.parts.iter().any(|p| p.place == Place::Body) {
        // The scheme adds its members to the body; what was there before them is the rest.
        let text = String::from_utf8_lossy(&message.body);
        let own = |name: &str| d.parts.iter().any(|p| p.place == Place::Body && p.name == name);
        let rest = members(&text).into_iter().filter(|(name, _)| !own(name));
        let rest: Vec<String> = rest.map(|(n, json)| format!("{}:{json}", string_literal(&n))).collect();
        body = format!("{{{}}}", rest.join(",")).into_bytes();
    }
    Draft {
        secure: true,
        method,
        host: world.host(),
        path,
        parameters,
        query: query.join("&"),
        fields: Vec::new(),
        body,
    }
}

/// The decoded path parameters, if the path is of this form and our signer would write it so; a path that is
/// written otherwise stays as it is.
fn parameters(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let (wanted, given) = (template.split('/'), path.split('/'));
    if wanted.clone().count() != given.clone().count() {
        return None;
    }
    let mut parameters = Vec::new();
    for (wanted, given) in wanted.zip(given) {
        match wanted.strip_prefix('{').and_then(|w| w.strip_suffix('}')) {
            Some(name) if !given.is_empty() => parameters.push((name.into(), percent_decode(given)?)),
            Some(_) => return None,
            None if wanted == given => {}
            None => return None,
        }
    }
    Some(parameters)
}
