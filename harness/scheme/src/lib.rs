//! What correct means: a scheme is data ([`description`]), the signer writes by it ([`sign`]), the verifier reads
//! by it ([`verify`]), and a [`Reference`] answers by it.
//!
//! Pure: no I/O, no clock, no randomness. Whoever calls brings them.

pub mod compute;
pub mod description;
pub mod document;
pub mod encoding;
mod hmac_sha256;
pub mod key;
pub mod mistake;
pub mod plan;
pub mod reference;
pub mod request;
pub mod sign;
pub mod store;
pub mod time;
pub mod token;
pub mod verdict;
pub mod verify;
pub mod weakness;
pub mod world;
pub mod wrong_signer;

pub use description::Description;
pub use document::Fault;
pub use plan::Plan;
pub use reference::{Answer, Reference};
pub use request::{Message, Request};
pub use world::World;
