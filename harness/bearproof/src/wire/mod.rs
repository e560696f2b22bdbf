//! Sends exact bytes over HTTP/1.1 and reads one answer, over TCP or TLS. It must not alter, build or judge
//! a message, and it knows nothing of vectors, schemes or outcomes.

mod addresses;
mod body;
mod chunked;
mod client;
mod connection;
mod error;
mod excerpt;
mod fields;
mod incoming;
mod lanes;
mod origin;
mod pool;
mod request;
mod response;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tls;
mod unchecked;

pub(crate) use client::{Client, ClientConfig};
pub(crate) use error::ExchangeError;
pub(crate) use lanes::Lanes;
pub(crate) use origin::Origin;
pub(crate) use response::{Response, read_answer};
pub(crate) use tls::TlsOptions;
