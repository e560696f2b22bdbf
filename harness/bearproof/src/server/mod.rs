//! The reference as a server: every scheme at an origin of its own. It must not judge.

mod control;
mod site;
mod tls;

pub(crate) use site::{Origins, Site, start};
pub(crate) use tls::Certificate;
