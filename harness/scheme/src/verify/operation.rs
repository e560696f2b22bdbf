//! Operations: a caller proves, something is recorded, or a credential ends. It must not make the answer.

use std::borrow::Cow;

use smallvec::smallvec;

use crate::description::{Lifetime, Operation, OperationKind, Part, Place, Source, Type};
use crate::encoding::{Limits, Members, Value as Json, parse_object};
use crate::plan::{Plan, Route};
use crate::request::Request;
use crate::store::of_credential;
use crate::verdict::Reason;
use crate::verify::carrier::field_value;
use crate::verify::checks::{covers, may_be_absent, state_of};
use crate::verify::values::{LAST_SECOND, typed};
use crate::verify::{Context, Refusal, verify};
use crate::world::{Items, State, Value, Values, value};

/// What an accepted operation does.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    /// A token for this credential.
    Issue(usize),
    /// These values belong to this credential from now on.
    Update(usize, Values),
    /// A new credential with these values.
    Create(Values),
    /// These credentials end.
    Revoke(Vec<usize>),
}

/// How a request to an operation's endpoint is checked.
pub(crate) type Prove =
    Box<dyn Fn(&Plan, &Operation, &Request<'_>, &Context<'_>) -> Result<Effect, Refusal> + Send + Sync>;

/// Checks a request to an operation's endpoint.
pub(crate) fn prove(
    plan: &Plan,
    operation: &Operation,
    request: &Request<'_>,
    context: &Context<'_>,
) -> Result<Effect, Refusal> {
    if plan.description.transport.https && !request.secure {
        return Err(Refusal { reason: Reason::HttpsRequired, row: Some(0) });
    }
    if operation.guarded {
        verify(plan, request, context)?;
    }
    inner(plan, operation, request, context).map_err(|reason| Refusal { reason, row: None })
}

fn inner(
    plan: &Plan,
    operation: &Operation,
    request: &Request<'_>,
    context: &Context<'_>,
) -> Result<Effect, Reason> {
    let route = plan.route(request).ok_or(Reason::NoEndpoint)?;
    let in_body = || operation.parts.iter().filter(|p| p.place == Place::Body);
    if request.body.is_empty() && in_body().any(|p| !p.optional) {
        return Err(Reason::ProofMissing);
    }
    // What is optional counts where it is there.
    let body = match in_body().next() {
        Some(_) if !request.body.is_empty() => {
            let members = parse_object(request.body, &plan.json.body, &Limits::DEFAULT);
            Some(members.map_err(|_| Reason::ProofMalformed)?)
        }
        _ => None,
    };
    let mut inputs: Vec<(&Part, Vec<u8>)> = Vec::new();
    for part in &operation.parts {
        if let Some(bytes) = input(part, request, &route, body.as_ref())? {
            inputs.push((part, bytes));
        }
    }
    let store = context.credentials;
    let platform = plan.platform.as_ref();
    check_numbers(plan, &inputs, context.now)?;
    let identities: Vec<&(&Part, Vec<u8>)> = inputs.iter().filter(|(part, _)| part.identifies).collect();
    let mut found = store.all();
    for (part, bytes) in &identities {
        let matching = store.matching(part, platform, bytes);
        found.retain(|position| matching.contains(position));
    }
    match operation.kind {
        OperationKind::Issue => {
            let mut refused = Reason::ProofMismatch;
            for position in found {
                let Some(credential) = store.get(position) else { continue };
                let proven = inputs.iter().filter(|(part, _)| !part.identifies).all(|(part, bytes)| {
                    of_credential(part, &credential.values, platform)
                        .is_some_and(|expected| constant_time_eq::constant_time_eq(&expected, bytes))
                });
                if !proven || state_of(Some(credential)).is_err() {
                    continue;
                }
                match allowed(plan, &credential.values, request, &route) {
                    Ok(()) => return Ok(Effect::Issue(position)),
                    Err(reason) => refused = reason,
                }
            }
            Err(refused)
        }
        OperationKind::Register => {
            let values = recorded(&inputs);
            if revives(plan, context, &values) {
                return Err(Reason::ProofMismatch);
            }
            let Some((first, bytes)) = identities.first() else { return create(context, values) };
            if let Some(position) = store.prefer_active(&found) {
                let credential = store.get(position).ok_or(Reason::ProofMismatch)?;
                state_of(Some(credential)).map_err(|_| Reason::ProofMismatch)?;
                allowed(plan, &credential.values, request, &route)?;
                return Ok(Effect::Update(position, values));
            }
            // Whoever is known by the first identity may have a further entry, told apart by the others.
            let known = store.matching(first, platform, bytes);
            let active = known.iter().any(|i| store.get(*i).is_some_and(|c| c.state == State::Active));
            if active { Ok(Effect::Create(values)) } else { Err(Reason::ProofMismatch) }
        }
        OperationKind::Revoke => {
            let active = |i: &usize| store.get(*i).is_some_and(|c| c.state == State::Active);
            // Further inputs narrow what ends, so that nobody ends the credentials of others.
            let fits = |i: &usize| {
                inputs.iter().filter(|(part, _)| !part.identifies).all(|(part, bytes)| {
                    let values = store.get(*i).map(|c| of_credential(part, &c.values, platform));
                    values.flatten().is_none_or(|v| v == *bytes)
                })
            };
            let ending: Vec<usize> = found.into_iter().filter(active).filter(fits).collect();
            if identities.is_empty() || ending.is_empty() {
                return Err(Reason::ProofMismatch);
            }
            Ok(Effect::Revoke(ending))
        }
    }
}

/// Whether these values would be found by what identifies a credential that was ended: it would live again.
fn revives(plan: &Plan, context: &Context<'_>, values: &Values) -> bool {
    let store = context.credentials;
    let identity = plan.description.parts.iter().find(|p| p.identifies);
    let identity = identity.and_then(|part| of_credential(part, values, plan.platform.as_ref()));
    let ended = |i: &usize| store.get(*i).is_some_and(|c| c.state != State::Active);
    // A registration may repeat the identity of its own caller (a user for whom a token is made).
    let own = |found: &[usize]| found.iter().any(|i| !ended(i));
    identity.is_some_and(|identity| {
        let found = store.find(&identity);
        !own(&found) && found.iter().any(ended)
    })
}

/// Numbers must be numbers that can be kept, and a lifetime one that a token can have.
fn check_numbers(plan: &Plan, inputs: &[(&Part, Vec<u8>)], now: u64) -> Result<(), Reason> {
    let lifetimes: Vec<&String> = plan
        .description
        .parts
        .iter()
        .filter_map(|p| match &p.lifetime {
            Some(Lifetime::Credential(name)) => Some(name),
            _ => None,
        })
        .collect();
    for (part, bytes) in inputs.iter().filter(|(part, _)| part.types.contains(&Type::Integer)) {
        let number: i64 =
            std::str::from_utf8(bytes).ok().and_then(|t| t.parse().ok()).ok_or(Reason::ProofMalformed)?;
        let Some(Source::Credential(name)) = part.pipeline().and_then(|p| p.single()) else { continue };
        let lives = u64::try_from(number).is_ok_and(|n| n > 0 && now.saturating_add(n) <= LAST_SECOND);
        if lifetimes.contains(&name) && !lives {
            return Err(Reason::ProofMalformed);
        }
    }
    Ok(())
}

/// A new credential, unless one with the same values was ended: its old tokens would live again.
fn create(context: &Context<'_>, values: Values) -> Result<Effect, Reason> {
    let store = context.credentials;
    for position in store.all() {
        let Some(credential) = store.get(position) else { continue };
        let same = values.iter().all(|(name, new)| {
            value(&credential.values, name).and_then(Value::bytes) == new.bytes() && new.bytes().is_some()
        });
        if same && credential.state != State::Active {
            return Err(Reason::ProofMismatch);
        }
        if same {
            return Ok(Effect::Issue(position));
        }
    }
    Ok(Effect::Create(values))
}

/// The bytes of an input; `None` if it is optional and absent.
fn input(
    part: &Part,
    request: &Request<'_>,
    route: &Route<'_>,
    body: Option<&Members<'_>>,
) -> Result<Option<Vec<u8>>, Reason> {
    match part.place {
        Place::Field => Ok(field_value(request, part)?.map(<[u8]>::to_vec)),
        Place::Parameter => {
            let found = route.parameters.iter().find(|(name, _)| *name == part.name);
            found.map(|(_, v)| Some(v.clone().into_bytes())).ok_or(Reason::ProofMissing)
        }
        Place::Body => match body.and_then(|members| members.find(&part.name)) {
            None if part.optional => Ok(None),
            None => Err(Reason::ProofMissing),
            Some(Json::String(text)) if text.is_empty() => Err(Reason::ProofMissing),
            Some(found) => {
                let bytes = typed(found, &part.types).ok_or(Reason::ProofMalformed)?;
                Ok(Some(bytes.into_owned()))
            }
        },
        Place::Header | Place::Claims | Place::Answer => Ok(None),
    }
}

/// The values that a registration says.
fn recorded(inputs: &[(&Part, Vec<u8>)]) -> Values {
    let mut values = Values::new();
    for (part, bytes) in inputs {
        let Some(Source::Credential(name)) = part.pipeline().and_then(|p| p.single()) else { continue };
        let Ok(text) = String::from_utf8(bytes.clone()) else { continue };
        // A number was found to be one before, and is written as it came.
        values.push((name.as_str().into(), Value::Text(text.into())));
    }
    values
}

/// Access rules, for the credential that an operation is about.
fn allowed(plan: &Plan, values: &Values, request: &Request<'_>, route: &Route<'_>) -> Result<(), Reason> {
    let about = About { plan, values, request, route };
    for (index, rule) in plan.description.access.iter().enumerate() {
        let Some(required) = about.items(&rule.required) else {
            if may_be_absent(&rule.required) {
                continue;
            }
            return Err(Reason::Access(index));
        };
        if !about.items(&rule.granted).is_some_and(|have| covers(&have, &required)) {
            return Err(Reason::Access(index));
        }
    }
    Ok(())
}

struct About<'a> {
    plan: &'a Plan,
    values: &'a Values,
    request: &'a Request<'a>,
    route: &'a Route<'a>,
}

impl About<'_> {
    /// A source as a list of items, as for requests.
    fn items(&self, source: &Source) -> Option<Items<'_>> {
        match source {
            Source::Host => {
                self.request.host().map(|host| smallvec![Cow::Owned(host.into_owned().into_bytes())])
            }
            Source::Parameter(name) => {
                let found = self.route.parameters.iter().find(|(n, _)| n == name);
                found.map(|(_, v)| smallvec![Cow::Borrowed(v.as_bytes())])
            }
            Source::Endpoint(name) => value(&self.route.endpoint.attributes, name).and_then(Value::items),
            Source::Credential(name) => value(self.values, name).and_then(Value::items),
            // What the token would say.
            Source::Claims(name) => {
                let parts = &self.plan.description.parts;
                let part = parts.iter().find(|p| p.place == Place::Claims && p.name == *name)?;
                match part.pipeline()?.single() {
                    Some(source @ Source::Credential(_)) => self.items(source),
                    _ => {
                        let bytes = of_credential(part, self.values, self.plan.platform.as_ref());
                        bytes.map(|bytes| smallvec![Cow::Owned(bytes)])
                    }
                }
            }
            _ => None,
        }
    }
}
