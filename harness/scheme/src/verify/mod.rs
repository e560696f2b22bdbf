//! The verifier: a request runs through the rows of a plan, in order, until one refuses.
//! Time and memory come in through a context; it must not ask for them.

pub(crate) mod carrier;
pub(crate) mod case;
pub(crate) mod checks;
pub(crate) mod operation;
pub(crate) mod signature;
pub(crate) mod times;
pub(crate) mod values;

use std::mem::MaybeUninit;

use crate::plan::Plan;
use crate::request::Request;
use crate::store::{Credentials, ReplayMemory};
use crate::verdict::Reason;
use case::{Buffers, Case};

/// What a verification depends on beside the plan and the request.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Seconds since 1970 UTC.
    pub now: u64,
    /// Who may call.
    pub credentials: &'a Credentials,
    /// What was used.
    pub replay: &'a ReplayMemory,
}

/// A request that was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Position of the credential in [`Credentials`].
    pub credential: usize,
}

/// Why a request was not let in, and by which row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The code.
    pub reason: Reason,
    /// Position of the row in [`Plan::rows`]; `None` for an operation's own checks.
    pub row: Option<usize>,
}

/// Verifies a request that is no operation.
///
/// # Errors
/// The first [`Refusal`].
pub fn verify(plan: &Plan, request: &Request<'_>, context: &Context<'_>) -> Result<Accepted, Refusal> {
    let buffers = Buffers::default();
    let mut room = [MaybeUninit::uninit(); _];
    let mut case = Case::new(plan, request, context, &buffers, &mut room);
    for (position, row) in plan.rows().iter().enumerate() {
        (row.check)(&mut case, row).map_err(|reason| Refusal { reason, row: Some(position) })?;
    }
    let credential = case.credential.ok_or(Refusal { reason: Reason::KeyUnknown, row: None })?;
    Ok(Accepted { credential })
}
