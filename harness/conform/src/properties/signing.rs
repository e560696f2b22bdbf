//! The property that signing and verifying agree, and the helpers of those who sign to test. The expected verdict
//! must come from the signer's values, never from the verifier.

use arbitrary::Unstructured;
use bearproof_scheme::description::Place;
use bearproof_scheme::encoding::string_literal;
use bearproof_scheme::request::Message;
use bearproof_scheme::sign::{Draft, Prepared, Signer, Trace, Written, sign, signed};
use bearproof_scheme::{Answer, Reference};

use super::ensure;
use super::ground::Ground;
use crate::entropy::Published;
use crate::resolve::carrier;
use crate::suite::Variant;

/// Endpoints whose good request the primary caller may make as often as he likes.
pub const ROLES: [&str; 6] = ["read", "write", "other-write", "update", "replace", "write-spaced"];

/// The primary caller of a published world; `None` if the world has no such caller.
pub fn signer<'a>(variant: &'a Variant, entropy: &'a Published) -> Option<Signer<'a>> {
    Some(Signer {
        description: &variant.description,
        credential: variant.world.credential("primary")?,
        platform: variant.world.platform("primary"),
        now: variant.world.clock.unwrap_or(0),
        entropy,
    })
}

/// The reason code of a fresh reference at the published clock; `None` for let in.
pub fn refused(variant: &Variant, message: &Message) -> Option<String> {
    answer(&fresh(variant), variant, message).refused
}

/// The values of all parts that read the request, as the description computes them for this draft.
///
/// # Errors
/// Why they can't be computed.
pub fn bound_values(variant: &Variant, entropy: &Published, draft: &Draft) -> Result<Vec<Written>, String> {
    let d = &variant.description;
    let signer = signer(variant, entropy).ok_or("the world has no primary credential")?;
    let written = signer.parts(&d.parts, draft, &[], &mut Trace::none()).map_err(|e| e.to_string())?;
    let binds =
        |w: &Written| d.parts.iter().any(|p| p.place == w.place && p.name == w.name && p.binds().is_some());
    Ok(written.into_iter().filter(binds).collect())
}

/// A reference that has seen nothing.
pub(super) fn fresh(variant: &Variant) -> Reference {
    Reference::strict(variant.description.as_ref().clone(), variant.world.as_ref().clone())
}

/// Its answer at the published clock.
pub(super) fn answer(reference: &Reference, variant: &Variant, message: &Message) -> Answer {
    let now = variant.world.clock.unwrap_or(0);
    reference.handle(&message.request(), now, &Published::new("properties", 1))
}

pub(super) fn sign_verify(ground: &Ground, data: &[u8]) -> Result<(), String> {
    let Some((stand, rest)) = ground.stand(data) else { return Ok(()) };
    let (variant, mut input) = (&stand.variant, Unstructured::new(rest));
    let Ok(choices) = Choices::read(&mut input, &stand.drafts) else { return Ok(()) };
    let entropy = Published::new("properties", 0);
    let signer = signer(variant, &entropy).ok_or("the world has no primary credential")?;
    // Step by step, as a trace is kept: the verifier takes the short cuts.
    let (mut message, _) = sign(&signer, &choices.draft).map_err(|e| format!("not signed: {e}"))?;
    let id = &variant.description.id;
    let short = signed(&signer, &choices.draft).map_err(|e| format!("not signed: {e}"))?;
    ensure(short == message, || format!("{id}: without a trace {short:?} is signed, else {message:?}"))?;

    // Prepared at another time with other randomness.
    let elsewhere = Published::new("properties", 2);
    let earlier = Signer { now: signer.now.saturating_sub(1000), entropy: &elsewhere, ..signer };
    let mut prepared = Prepared::new(&earlier, &choices.draft).map_err(|e| format!("not prepared: {e}"))?;
    let same = prepared.sign(signer.now, &entropy).map_err(|e| format!("not signed: {e}"))?;
    ensure(*same == message, || format!("{id}: a prepared signer signs {same:?}, another {message:?}"))?;

    let reference = fresh(variant);
    let first = answer(&reference, variant, &message).refused;
    ensure(first.is_none(), || format!("{id}: what was signed is refused: {first:?}, {message:?}"))?;
    let once = variant.description.parts.iter().any(|p| {
        let draft = &choices.draft;
        p.single_use && p.applies(&draft.method, !draft.body.is_empty(), !draft.query.is_empty())
    });
    let second = answer(&reference, variant, &message).refused;
    let expected = once.then_some("replay.nonce-reused");
    ensure(second.as_deref() == expected, || {
        format!("{id}: a second time, expected {expected:?}, found {second:?}")
    })?;

    // A body that itself carries the credential is not bound by it.
    if carrier(&variant.description).is_some_and(|p| p.place == Place::Body) {
        return Ok(());
    }
    let position = usize::from(choices.position) % message.body.len().max(1);
    let Some(byte) = message.body.get_mut(position) else { return Ok(()) };
    *byte ^= choices.change;
    let before = bound_values(variant, &entropy, &choices.draft);
    let after = bound_values(variant, &entropy, &Draft { body: message.body.clone(), ..choices.draft });
    let found = refused(variant, &message);
    ensure(found.is_some() == (before != after), || {
        format!("{id}: bound values change: {}, verdict {found:?}", before != after)
    })
}

/// What the bytes choose.
struct Choices {
    draft: Draft,
    position: u16,
    change: u8,
}

impl Choices {
    fn read(input: &mut Unstructured<'_>, drafts: &[Draft]) -> arbitrary::Result<Self> {
        let mut draft = input.choose(drafts)?.clone();
        let (position, change) = (input.arbitrary()?, input.arbitrary()?);
        let id: String = input.arbitrary::<&str>()?.chars().filter(|c| !matches!(c, '/' | '\0')).collect();
        // An identifier is free text; the account of a path is not.
        for (_, value) in draft.parameters.iter_mut().filter(|(name, _)| name == "id" && !id.is_empty()) {
            value.clone_from(&id);
        }
        if !draft.body.is_empty() {
            let mut body = String::from("{\"a\":");
            write_json(input, 4, &mut body)?;
            body.push('}');
            draft.body = body.into_bytes();
        }
        Ok(Self { draft, position, change })
    }
}

/// Any JSON value, in any spelling that a sender may choose, with white space here and there.
fn write_json(input: &mut Unstructured<'_>, depth: usize, out: &mut String) -> arbitrary::Result<()> {
    const SPACES: [&str; 4] = ["", " ", "\n\t", "\r "];
    let space = *input.choose(&SPACES)?;
    out.push_str(space);
    match input.int_in_range(0..=if depth > 0 { 6 } else { 4 })? {
        0 => out.push_str(input.choose(&["null", "true", "false"])?),
        1 => out.push_str(&input.arbitrary::<i64>()?.to_string()),
        2 => out.push_str(input.choose(&["-0", "1.0", "1E400", "0.10", "18446744073709551616"])?),
        3 => out.push_str(&string_literal(input.arbitrary()?)),
        4 => {
            let units = input.arbitrary::<&str>()?.encode_utf16();
            let escapes: String = units.map(|unit| format!("\\u{unit:04x}")).collect();
            out.push_str(&format!("\"{escapes}\""));
        }
        5 => {
            out.push('[');
            for position in 0..input.int_in_range(0..=3)? {
                out.push_str(if position > 0 { "," } else { space });
                write_json(input, depth - 1, out)?;
            }
            out.push(']');
        }
        _ => {
            out.push('{');
            for position in 0..input.int_in_range(0..=3)? {
                out.push_str(if position > 0 { "," } else { space });
                out.push_str(&format!("\"m{position}\"{space}:"));
                write_json(input, depth - 1, out)?;
            }
            out.push('}');
        }
    }
    out.push_str(space);
    Ok(())
}
