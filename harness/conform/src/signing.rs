//! Signs one request of a world, right or with a named mistake. It must not send it.

use bearproof_scheme::document::nearest;
use bearproof_scheme::request::Message;
use bearproof_scheme::sign::{Draft, Entropy, Signer};
use bearproof_scheme::world::Endpoint;
use bearproof_scheme::wrong_signer::{Made, Signing, Start, WrongSigner, all, make};

use crate::keyless::{is_bound, with_changes};
use crate::play::{Next, play_with_effect};
use crate::plot::Plot;
use crate::suite::Variant;

/// Which request is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'w> {
    /// Role of the caller.
    pub role: &'w str,
    /// Role of the endpoint; without one, the first at which the mistake makes a difference, writing ones first.
    pub endpoint: Option<&'w str>,
    /// Id of a wrong signer.
    pub mutate: Option<&'w str>,
}

/// Signs at `now` (seconds since 1970 UTC).
///
/// # Errors
/// What can't be found or made, and what to do, in words.
pub fn signed(
    variant: &Variant,
    wanted: &Wanted<'_>,
    now: u64,
    entropy: &dyn Entropy,
) -> Result<Made, String> {
    let wrong = all(&variant.description, &variant.world);
    let wrong = match wanted.mutate {
        None => None,
        Some(id) => Some(wrong.iter().find(|w| w.id == id).ok_or_else(|| unknown(id, &wrong))?),
    };
    let mut why = "the world has no endpoint that takes requests".to_string();
    for endpoint in endpoints(variant, wanted)? {
        match at(variant, wanted.role, endpoint, wrong, now, entropy) {
            Ok(made) => return Ok(made),
            Err(error) => why = error,
        }
    }
    Err(why)
}

/// The request of a vector, made anew at `now` with the randomness of a run.
///
/// # Errors
/// What can't be made, or that the vector is more than one request.
pub fn of_vector(plot: &Plot, run: &str, now: u64) -> Result<Message, String> {
    if plot.steps.len() > 1 {
        return Err(format!(
            "`{}` takes {} steps, each after the answer of the one before\n  help: `bearproof run --filter {}` plays them",
            plot.id,
            plot.steps.len(),
            plot.id
        ));
    }
    match play_with_effect(plot, 0, run, now, &[])? {
        Next::Send(made) => Ok(made.message),
        Next::Wait(_) | Next::RevokeHook(_) => Err(format!("`{}` sends no request", plot.id)),
    }
}

fn unknown(id: &str, all: &[WrongSigner]) -> String {
    let scored = |w: &WrongSigner| strsim::jaro_winkler(id, &w.id);
    let mut near: Vec<&WrongSigner> = all.iter().collect();
    near.sort_by(|a, b| scored(b).total_cmp(&scored(a)));
    let near: Vec<String> = near.iter().take(3).map(|w| format!("`{}`", w.id)).collect();
    format!("unknown mistake `{id}`\n  help: the nearest are {}", near.join(", "))
}

/// The endpoints to try, in order.
fn endpoints<'v>(variant: &'v Variant, wanted: &Wanted<'_>) -> Result<Vec<&'v Endpoint>, String> {
    let (d, world) = (&variant.description, &variant.world);
    let ordinary = || world.endpoints.iter().filter(|e| d.operation(&e.role).is_none());
    if let Some(role) = wanted.endpoint {
        return ordinary().find(|e| e.role == role).map(|e| vec![e]).ok_or_else(|| {
            let near = nearest(role, ordinary().map(|e| e.role.as_str()));
            format!("the world has no endpoint `{role}` that takes requests\n  help: {near}")
        });
    }
    let mut all: Vec<&Endpoint> = ordinary().collect();
    // Writing ones have bodies, with which more can go wrong; `forbidden` lets nobody in.
    let captured = world.credential(wanted.role).and_then(|c| c.request.as_ref());
    all.sort_by_key(|e| match e.role.as_str() {
        role if captured.is_some_and(|c| c.endpoint == role) => 0,
        "write" => 1,
        "read" => 2,
        "forbidden" => 4,
        _ => 3,
    });
    Ok(all)
}

fn at(
    variant: &Variant,
    role: &str,
    endpoint: &Endpoint,
    wrong: Option<&WrongSigner>,
    now: u64,
    entropy: &dyn Entropy,
) -> Result<Made, String> {
    let (d, world) = (&variant.description, &variant.world);
    let credential = world.credential(role).ok_or_else(|| {
        let near = nearest(role, world.credentials.iter().map(|c| c.role.as_str()));
        format!("the world has no credential `{role}`\n  help: {near}")
    })?;
    let captured = credential.request.as_ref().filter(|c| c.endpoint == endpoint.role);
    if credential.request.is_some() && captured.is_none() && is_bound(d) {
        return Err("only the captured request is here, and one to another endpoint takes a key".into());
    }
    let signer = Signer { description: d, credential, platform: world.platform("primary"), now, entropy };
    let start = Start::new(signer, world, Draft::of(world, endpoint));
    let words = |e: bearproof_scheme::sign::SignError| e.to_string();
    let right = make(&start, &[], Signing::Whole).map_err(words)?;
    let mut made = match wrong {
        Some(wrong) => make(&start, &[wrong], Signing::Whole).map_err(words)?,
        None => right.clone(),
    };
    if let Some(wrong) = wrong.filter(|_| made.message == right.message) {
        return Err(format!(
            "`{}` makes no difference to this request\n  help: name another --endpoint",
            wrong.id
        ));
    }
    if let Some(captured) = captured {
        made.message = with_changes(&captured.message, &right.message, &made.message);
    }
    Ok(made)
}
