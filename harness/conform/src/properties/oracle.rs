//! What a property asks of a verifier that is not ours. The library must not depend on one: who calls brings it.

use bearproof_scheme::description::Alg;
use bearproof_scheme::key::Key;

/// Reads a JWS with this algorithm and key, by the same policy as ours as far as it can be told, but without a
/// look at times: these are of the published clock.
pub type Peer = fn(token: &str, alg: Alg, key: Key<'_>) -> Says;

/// What a peer says of a token.
#[derive(Debug, Clone, PartialEq)]
pub enum Says {
    /// It verifies; these are the claims.
    Accepts(serde_json::Value),
    /// It does not, and why.
    Refuses(String),
    /// It refuses for a documented reason of its own, or can't be asked about this algorithm.
    Excepted,
}
