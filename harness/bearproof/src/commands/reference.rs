//! Starts the reference for a run: one site for each set of choices. It must not judge.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use bearproof_conform::plot::Plot;
use bearproof_conform::results::Via;
use bearproof_conform::suite::Variant;
use bearproof_scheme::Reference;
use bearproof_scheme::weakness::Weakness;
use bearproof_scheme::world::Hooks;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::Failure;
use crate::http_subject::{Http, Learnt};
use crate::pace::Pace;
use crate::server::{Certificate, Origins, Site, start};
use crate::wire::{Client, ClientConfig, Lanes, Origin, TlsOptions};

/// Vectors that are sent at once over one way.
pub(super) const CONCURRENCY: usize = 8;

/// A client for the reference.
pub(super) fn client(certificate: &Certificate) -> Result<Client, Failure> {
    Client::new(ClientConfig {
        exchange_timeout: Duration::from_secs(10),
        connect_timeout: Duration::from_secs(5),
        tls: TlsOptions {
            extra_roots_pem: certificate.authority_pem.clone().into_bytes(),
            ..TlsOptions::default()
        },
        allowed_hosts: Vec::new(),
        max_connections: CONCURRENCY,
    })
    .map_err(Failure::bug)
}

/// A running site and the choices that it took.
pub(super) struct Running {
    pub(super) choose: Vec<(String, String)>,
    pub(super) http: Http,
}

/// Starts a site for each set of choices that the plots need, reached `via`.
pub(super) fn start_all(
    plots: &[Plot],
    via: Via,
    runtime: &Handle,
    certificate: &Certificate,
    client: &Client,
    stop: &watch::Receiver<bool>,
) -> Result<Vec<Running>, Failure> {
    let mut running: Vec<Running> = Vec::new();
    for plot in plots {
        if running.iter().any(|r| r.choose == plot.choose) {
            continue;
        }
        let site = Arc::new(site(&plot.variant, false, None));
        let origins = runtime.block_on(start(site, certificate, None, stop)).map_err(Failure::input)?;
        running.push(Running { choose: plot.choose.clone(), http: subject(origins, via, client) });
    }
    Ok(running)
}

/// The reference for a variant, by the system's clock; a weak one if asked for.
pub(super) fn site(variant: &Variant, explain: bool, weakness: Option<&Weakness>) -> Site {
    let (description, world) = (variant.description.as_ref().clone(), variant.world.as_ref().clone());
    let reference = match weakness {
        None => Reference::strict(description, world),
        Some(weakness) => Reference::weak(description, world, weakness),
    };
    Site { reference, ahead: AtomicI64::new(0), explain }
}

fn subject(origins: Origins, via: Via, client: &Client) -> Http {
    let origin = |address: std::net::SocketAddr, secure: bool| Origin {
        secure,
        host: address.ip().to_string(),
        port: address.port(),
    };
    Http {
        lanes: Lanes::new(client.clone()),
        origin: if via == Via::Https { origin(origins.https, true) } else { origin(origins.http, false) },
        plain: Some(origin(origins.plain, false)),
        ahead: AtomicI64::new(0),
        // It is right about its seconds, and in the same process.
        waits: false,
        hooks: Hooks::at(&format!("http://{}", origins.control)),
        learnt: Learnt::default(),
        pace: Pace::default(),
        progress: None,
    }
}
