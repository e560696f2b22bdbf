//! The checks that rows name, in the order of the stages. Each decides one thing and must not look ahead.

use std::borrow::Cow;

use crate::compute::{self, Failure};
use crate::description::{Alg, Binding, Description, Format, Part, Place, Rule, Source, TimeRule};
use crate::encoding::{Limits, Members, Value, decode_url, parse_members, parse_object};
use crate::plan::Row;
use crate::store::{Credentials, Positions, Spent, of_credential};
use crate::token::{Compact, split};
use crate::verdict::Reason;
use crate::verify::case::Case;
use crate::verify::values::{is_typed, plain, read_nonce, read_time, typed};
use crate::world::{Credential, State};

/// One check: it may note what it found in the case.
pub(crate) type Check = Box<dyn for<'c> Fn(&mut Case<'c>, &Row) -> Result<(), Reason> + Send + Sync>;

/// Whether a value that was sent is the one that was expected.
pub(crate) type Compare = dyn Fn(&[u8], &[u8]) -> bool + Send + Sync;

/// The strict comparison: byte for byte, in constant time for equal lengths.
pub(crate) fn same(expected: &[u8], actual: &[u8]) -> bool {
    constant_time_eq::constant_time_eq(expected, actual)
}

pub(crate) fn https(case: &mut Case<'_>, _: &Row) -> Result<(), Reason> {
    if case.request.secure { Ok(()) } else { Err(Reason::HttpsRequired) }
}

/// Cuts the token and parses its header; one of those that most tokens have was parsed with the plan.
pub(crate) fn token_form(case: &mut Case<'_>, _: &Row) -> Result<(), Reason> {
    let rule = case.plan.description.token.as_ref().ok_or(Reason::TokenMalformed)?;
    let compact = split(rule.format, case.token.ok_or(Reason::CarrierMissing)?)?;
    match compact.header().and_then(|header| case.plan.usual_header(header)) {
        Some(members) => {
            case.compact = Some(compact);
            case.header = Some(Cow::Borrowed(members));
            Ok(())
        }
        None => token_form_by(case, &split, &|text| text),
    }
}

/// A given way to cut a token into its segments.
pub(crate) type Cut = dyn for<'t> Fn(Format, &'t [u8]) -> Result<Compact<'t>, Reason> + Send + Sync;

/// A given way to mend a JSON text before it is read.
pub(crate) type Mend = dyn Fn(Vec<u8>) -> Vec<u8> + Send + Sync;

/// Cuts the token and parses its header in given ways.
pub(crate) fn token_form_by(case: &mut Case<'_>, cut: &Cut, mend: &Mend) -> Result<(), Reason> {
    let rule = case.plan.description.token.as_ref().ok_or(Reason::TokenMalformed)?;
    let token = case.token.ok_or(Reason::CarrierMissing)?;
    let compact = cut(rule.format, token)?;
    case.compact = Some(compact);
    let Some(header) = compact.header() else { return Ok(()) };
    let bytes = decode_url(header, &case.plan.base64.header).map_err(|_| Reason::TokenMalformed)?;
    let bytes = case.buffers.header.get_or_init(|| mend(bytes));
    let members = parse_object(bytes, &case.plan.json.header, &Limits::DEFAULT);
    case.header = Some(Cow::Owned(members.map_err(|_| Reason::TokenMalformed)?));
    Ok(())
}

/// The algorithm is the pinned one; the token has no say (RFC 8725 section 3.1).
pub(crate) fn alg(case: &mut Case<'_>, _: &Row) -> Result<(), Reason> {
    if case.has_usual_header() {
        return Ok(());
    }
    let rule = case.plan.description.token.as_ref().ok_or(Reason::AlgNotAllowed)?;
    let says = |name: &str| case.header.as_ref().and_then(|h| h.find(name)).and_then(Value::as_str);
    let good = says("alg") == Some(rule.alg.header_name())
        && (rule.alg != Alg::DirA256Gcm || says("enc") == Some("A256GCM"));
    // RFC 7516 section 4.1.3: an algorithm that is not applied must not be ignored.
    let zipped = rule.format == Format::Jwe && case.header.as_ref().is_some_and(|h| h.find("zip").is_some());
    if good && !zipped { Ok(()) } else { Err(Reason::AlgNotAllowed) }
}

/// No extension is understood here, so any `crit` refuses (RFC 7515 section 4.1.11).
pub(crate) fn crit(case: &mut Case<'_>, _: &Row) -> Result<(), Reason> {
    if case.has_usual_header() {
        return Ok(());
    }
    let critical = case.header.as_ref().is_some_and(|h| h.find("crit").is_some());
    if critical { Err(Reason::CritUnsupported) } else { Ok(()) }
}

pub(crate) fn header_part(case: &mut Case<'_>, row: &Row) -> Result<(), Reason> {
    if case.has_usual_header() {
        return Ok(());
    }
    let part = case.plan.part_of(row)?;
    let found = case.header.as_ref().and_then(|h| h.find(&part.name));
    match (found, &part.rule) {
        (None, _) if part.optional => Ok(()),
        (None, _) => Err(Reason::HeaderMissing),
        // RFC 7519 section 5.1: `typ` is compared without case.
        (Some(value), Rule::Constant(wanted)) => match value.as_str() {
            None => Err(Reason::HeaderWrongType),
            Some(text) if text == wanted || (part.name == "typ" && text.eq_ignore_ascii_case(wanted)) => {
                Ok(())
            }
            Some(_) => Err(Reason::HeaderMismatch),
        },
        (Some(value), Rule::Nonce(shape)) => {
            read_nonce(value, *shape).map(|_| ()).ok_or(Reason::HeaderWrongType)
        }
        (Some(value), Rule::From(_) | Rule::Time(_)) => {
            is_typed(value, &part.types).then_some(()).ok_or(Reason::HeaderWrongType)
        }
    }
}

/// Parses the claims; from then on they can be read, and before the signature only to find the key.
pub(crate) fn parse_claims(case: &mut Case<'_>, _: &Row) -> Result<(), Reason> {
    if let Some(Compact::Jws([_, payload, _])) = case.compact {
        case.decode_claims(payload, &case.plan.base64.payload)?;
    }
    read_claims(case)
}

/// Parses the text of the claims, wherever it was decoded to.
pub(crate) fn read_claims(case: &mut Case<'_>) -> Result<(), Reason> {
    let text = case.claims_text().ok_or(Reason::TokenMalformed)?;
    let (rules, names) = (&case.plan.json.claims, &case.plan.claim_names);
    let members = case.claims.insert(Members::default());
    match parse_members(text, rules, &Limits::DEFAULT, names, members) {
        Ok(places) => {
            case.places = places;
            Ok(())
        }
        Err(_) => {
            case.claims = None;
            Err(Reason::TokenMalformed)
        }
    }
}

/// Finds the credential by the part that identifies; without one, all are candidates.
pub(crate) fn identify(case: &mut Case<'_>, row: &Row) -> Result<(), Reason> {
    identify_by(case, row, &|store, identity| store.find(identity))
}

/// Finds the credential with a given way to look it up.
pub(crate) fn identify_by(
    case: &mut Case<'_>,
    row: &Row,
    find: &dyn Fn(&Credentials, &[u8]) -> Positions,
) -> Result<(), Reason> {
    let store = case.context.credentials;
    let Some(part) = case.plan.part(row.part) else {
        case.candidates = store.all();
        if case.plan.description.token.is_none() {
            case.credential = store.prefer_active(&case.candidates);
        }
        return Ok(());
    };
    let identity = match part.place {
        Place::Field => {
            let field = row.part.and_then(|position| case.field(position));
            field.map(Cow::Borrowed).ok_or(Reason::CarrierMissing)?
        }
        Place::Header | Place::Claims | Place::Body => {
            let missing = match part.place {
                Place::Header => Reason::HeaderMissing,
                Place::Body => Reason::CarrierMissing,
                _ => Reason::ClaimsMissing,
            };
            let found = match part.place {
                Place::Claims => case.claim(row.claim, &part.name),
                _ => case.members(part.place).and_then(|m| m.find(&part.name)),
            };
            let found = found.ok_or(missing)?;
            typed(found, &part.types).ok_or(Reason::ClaimsWrongType)?
        }
        Place::Parameter | Place::Answer => return Err(Reason::KeyUnknown),
    };
    let candidates = find(store, &identity);
    case.candidates = candidates;
    if case.candidates.is_empty() {
        return Err(Reason::KeyUnknown);
    }
    // A caller's own key tells candidates apart; without one, what else the request says of the credential does.
    if !case.plan.description.caller_key() {
        case.credential = match case.candidates.as_slice() {
            [one] => Some(*one),
            _ => store.prefer_active(&narrow(case)),
        };
    }
    Ok(())
}

/// Of several candidates with one identity, those that the other parts name too; all of them if none does, so that
/// the check of those parts says what is wrong.
fn narrow(case: &Case<'_>) -> Positions {
    let fits = |position: &usize| {
        let Some(credential) = case.context.credentials.get(*position) else { return false };
        case.plan.description.parts.iter().enumerate().filter(|(_, p)| !p.identifies).all(|(index, part)| {
            let said = match part.place {
                Place::Field => case.field(index).map(Cow::Borrowed),
                _ => member_bytes(case, part),
            };
            let held = of_credential(part, &credential.values, None);
            said.is_none() || held.is_none() || said.as_deref() == held.as_deref()
        })
    };
    let narrowed: Positions = case.candidates.iter().copied().filter(fits).collect();
    if narrowed.is_empty() { case.candidates.clone() } else { narrowed }
}

pub(crate) fn key_state(case: &mut Case<'_>, _: &Row) -> Result<(), Reason> {
    state_of(case.credential())
}

/// Refuses a credential that may not be used.
pub(crate) fn state_of(credential: Option<&Credential>) -> Result<(), Reason> {
    match credential.ok_or(Reason::KeyUnknown)?.state {
        State::Active => Ok(()),
        State::Revoked => Err(Reason::KeyRevoked),
        State::Expired => Err(Reason::KeyExpired),
        State::Disabled => Err(Reason::KeyDisabled),
    }
}

/// Whether a claim is compared. Under a platform key, what repeats the credential is the platform's own
/// statement: written at issue, believed at verification.
pub(crate) fn compared(d: &Description, part: &Part) -> bool {
    match &part.rule {
        Rule::Constant(_) => true,
        Rule::From(pipeline) => {
            let of_credential = pipeline.sources().any(|s| matches!(s, Source::Credential(_)));
            !part.identifies && (d.caller_key() || !of_credential)
        }
        Rule::Time(_) | Rule::Nonce(_) => false,
    }
}

pub(crate) fn claim(case: &mut Case<'_>, row: &Row) -> Result<(), Reason> {
    claim_by(case, row, &same)
}

/// A claim with a given comparison.
pub(crate) fn claim_by(case: &mut Case<'_>, row: &Row, compare: &Compare) -> Result<(), Reason> {
    let Some(found) = typed_claim(case, row)? else { return Ok(()) };
    let actual = plain(found).ok_or(Reason::ClaimsWrongType)?;
    if equals(case, case.plan.part_of(row)?, &actual, compare) { Ok(()) } else { Err(Reason::ClaimsMismatch) }
}

/// A claim that is not compared: there, unless it is optional, and of the right type.
pub(crate) fn believed_claim(case: &mut Case<'_>, row: &Row) -> Result<(), Reason> {
    typed_claim(case, row).map(drop)
}

/// The claim of the right type; `None` if it is optional and not there.
fn typed_claim<'s, 'c>(case: &'s Case<'c>, row: &Row) -> Result<Option<&'s Value<'c>>, Reason> {
    let part = case.plan.part_of(row)?;
    match case.claim(row.claim, &part.name) {
        None if part.optional => Ok(None),
        None => Err(Reason::ClaimsMissing),
        Some(found) if is_typed(found, &part.types) => Ok(Some(found)),
        Some(_) => Err(Reason::ClaimsWrongType),
    }
}

/// A copy of a credential value outside the claims: it must name the credential that was found.
pub(crate) fn copy(case: &mut Case<'_>, row: &Row) -> Result<(), Reason> {
    copy_by(case, row, &same)
}

/// A copy with a given comparison.
pub(crate) fn copy_by(case: &mut Case<'_>, row: &Row, compare: &Compare) -> Result<(), Reason> {
    let part = case.plan.part_of(row)?;
    let (actual, refused) = match part.place {
        Place::Field => {
            let field = row.part.and_then(|position| case.field(position));
            (field.map(Cow::Borrowed), Reason::CarrierMismatch)
        }
        Place::Header => (member_bytes(case, part), Reason::HeaderMismatch),
        _ => (member_bytes(case, part), Reason::CarrierMismatch),
    };
    match actual {
        None => Ok(()),
        Some(actual) if equals(case, part, &actual, compare) => Ok(()),
        Some(_) => Err(refused),
    }
}

fn member_bytes<'m>(case: &'m Case<'_>, part: &Part) -> Option<Cow<'m, [u8]>> {
    plain(case.members(part.place)?.find(&part.name)?)
}

/// Whether a part has the value that its rule computes.
fn equals(case: &Case<'_>, part: &Part, actual: &[u8], compare: &Compare) -> bool {
    let expected = match &part.rule {
        Rule::Constant(text) => Some(Cow::Borrowed(text.as_bytes())),
        Rule::From(pipeline) => compute::value(pipeline, case).ok(),
        Rule::Time(_) | Rule::Nonce(_) => None,
    };
    expected.is_some_and(|expected| compare(&expected, actual))
}

pub(crate) fn nonce(case: &mut Case<'_>, row: &Row) -> Result<(), Reason> {
    let part = case.plan.part_of(row)?;
    let Rule::Nonce(shape) = &part.rule else { return Err(row.refusal()) };
    if !applies(case, part) {
        return Ok(());
    }
    match case.claim(row.claim, &part.name) {
        None if part.optional => Ok(()),
        None => Err(Reason::ReplayMissing),
        Some(found) => read_nonce(found, *shape).map(|_| ()).ok_or(Reason::ReplayWrongType),
    }
}

fn applies(case: &Case<'_>, part: &Part) -> bool {
    let request = case.request;
    part.applies(request.method, !request.body.is_empty(), !request.query().is_empty())
}

pub(crate) fn binding(case: &mut Case<'_>, row: &Row) -> Result<(), Reason> {
    binding_by(case, row, &same)
}

/// A binding with a given comparison.
pub(crate) fn binding_by(case: &mut Case<'_>, row: &Row, compare: &Compare) -> Result<(), Reason> {
    let part = case.plan.part_of(row)?;
    let pipeline = part.pipeline().ok_or_else(|| row.refusal())?;
    if !applies(case, part) {
        return Ok(());
    }
    let Some(found) = case.members(part.place).and_then(|c| c.find(&part.name)) else {
        return if part.optional { Ok(()) } else { Err(Reason::BindingMissing) };
    };
    let actual = typed(found, &part.types).ok_or(Reason::BindingWrongType)?;
    let refused = match part.binds() {
        Some(Binding::Path) => Reason::BindingPath,
        Some(Binding::Query) => Reason::BindingQuery,
        Some(Binding::Method) => Reason::BindingMethod,
        Some(Binding::Host) => Reason::BindingHost,
        Some(Binding::Body) | None => Reason::BindingBody,
    };
    match compute::value(pipeline, case) {
        Ok(expected) if compare(&expected, &actual) => Ok(()),
        Ok(_) | Err(Failure::NotJson | Failure::NotText | Failure::Missing(_)) => Err(refused),
    }
}

/// Only the methods of the API; HEAD where GET is one.
pub(crate) fn method(case: &mut Case<'_>, _: &Row) -> Result<(), Reason> {
    let method = if case.request.method == "HEAD" { "GET" } else { case.request.method };
    let known = case.plan.methods.iter().any(|m| m == method || m == case.request.method);
    if known { Ok(()) } else { Err(Reason::BindingMethod) }
}

/// A body on a method whose body nothing binds would be anybody's.
pub(crate) fn unbound_body(case: &mut Case<'_>, _: &Row) -> Result<(), Reason> {
    if case.request.body.is_empty() {
        return Ok(());
    }
    let d = &case.plan.description;
    let bound = d.parts.iter().any(|p| p.reads_body() && applies(case, p));
    let excused = d.transport.unbound.iter().any(|(m, _)| m == case.request.method);
    if bound || excused { Ok(()) } else { Err(Reason::BindingBody) }
}

/// Spends the nonce; last of all checks on the token, so that nobody else can spend it.
pub(crate) fn replay(case: &mut Case<'_>, row: &Row) -> Result<(), Reason> {
    replay_by(case, row, &|_, spent| spent)
}

/// What is remembered of a nonce: of which credential, which value, until when (seconds since 1970 UTC).
pub(crate) struct Remembered {
    pub(crate) credential: usize,
    pub(crate) value: Vec<u8>,
    pub(crate) until: u64,
}

/// Spends a nonce with a given way to remember it.
pub(crate) fn replay_by(
    case: &mut Case<'_>,
    row: &Row,
    remember: &(dyn Fn(&Case<'_>, Remembered) -> Remembered + Send + Sync),
) -> Result<(), Reason> {
    let part = case.plan.part_of(row)?;
    if !applies(case, part) {
        return Ok(());
    }
    let Some(bytes) = member_bytes(case, part).map(Cow::into_owned) else { return Ok(()) };
    // Key pairs of one identity share its nonces; without an identity each credential has its own.
    let identified = case.plan.description.parts.iter().any(|p| p.identifies);
    let shared = case.candidates.first().copied().filter(|_| identified);
    let credential = shared.or(case.credential).ok_or(Reason::KeyUnknown)?;
    let is_expiry = |p: &&Part| p.place == Place::Claims && matches!(p.rule, Rule::Time(TimeRule::Expires));
    let expiry = case.plan.description.parts.iter().find(is_expiry);
    let until = expiry
        .and_then(|p| read_time(case.claims.as_ref()?.find(&p.name)?, &p.types))
        .unwrap_or(u64::MAX)
        .saturating_add(case.plan.leeway);
    let Remembered { credential, value, until } =
        remember(case, Remembered { credential, value: bytes, until });
    match case.context.replay.spend(credential, &value, until, case.context.now) {
        Spent::Fresh => Ok(()),
        Spent::Reused => Err(Reason::NonceReused),
        Spent::Full => Err(Reason::MemoryFull),
    }
}

/// Each required item must be among those that are had, as [`covers`] says it of lists. `granted` and `required` are
/// numbers of claims, see [`Case::claim`].
pub(crate) fn access(
    case: &Case<'_>,
    row: &Row,
    [granted, required]: [Option<usize>; 2],
) -> Result<(), Reason> {
    let index = row.part.ok_or_else(|| row.refusal())?;
    let rule = case.plan.description.access.get(index).ok_or(Reason::Access(index))?;
    let mut nothing = true;
    let covered = case.every(&rule.required, required, |wanted| {
        nothing = false;
        case.every(&rule.granted, granted, |item| item != wanted) == Some(false)
    });
    let good = match covered {
        // A list of nothing is covered by any list, but not by what is no list.
        Some(true) if nothing => case.every(&rule.granted, granted, |_| true).is_some(),
        Some(good) => good,
        None => may_be_absent(&rule.required),
    };
    if good { Ok(()) } else { Err(Reason::Access(index)) }
}

/// Whether a requirement that is not there requires nothing: an endpoint that has no such attribute, or no such path
/// parameter. A request without a host names no tenant, which nobody has.
pub(crate) fn may_be_absent(required: &Source) -> bool {
    matches!(required, Source::Endpoint(_) | Source::Parameter(_))
}

/// Each required item must be among those that are had; a single value is a list of one, whatever is in it.
pub(crate) fn covers(have: &[Cow<'_, [u8]>], required: &[Cow<'_, [u8]>]) -> bool {
    required.iter().all(|item| have.contains(item))
}

pub(crate) fn endpoint(case: &mut Case<'_>, _: &Row) -> Result<(), Reason> {
    if case.route.is_some() { Ok(()) } else { Err(Reason::NoEndpoint) }
}
