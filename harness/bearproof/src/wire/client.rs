//! One exchange: request bytes out, one response in, in limited time. It must not touch a byte of the request or
//! follow where a response points.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf};
// `Instant` of the runtime: a time limit, not a measurement.
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use super::addresses::Addresses;
use super::connection::{self, Connection};
use super::error::{ExchangeError, Waiting};
use super::incoming::Incoming;
use super::origin::Origin;
use super::pool::Pool;
use super::response::{self, Response};
use super::{TlsOptions, request, tls};

/// How a client behaves.
#[derive(Clone)]
pub(crate) struct ClientConfig {
    /// From the first byte sent to the last byte read. A retry does not start it again.
    pub(crate) exchange_timeout: Duration,
    /// For the name, the connection and the TLS handshake together.
    pub(crate) connect_timeout: Duration,
    /// Whom to trust, and as whom to come.
    pub(crate) tls: TlsOptions,
    /// Host names or addresses, exactly as origins name them, that may be elsewhere than on this machine.
    pub(crate) allowed_hosts: Vec<String>,
    /// Idle connections kept per origin.
    pub(crate) max_connections: usize,
}

/// An HTTP/1.1 client that sends exactly the bytes it is given. Clones share connections and resolved names.
#[derive(Clone)]
pub(crate) struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    exchange_timeout: Duration,
    connect_timeout: Duration,
    addresses: Arc<Addresses>,
    tls: TlsConnector,
    max_connections: usize,
    pool: Pool,
}

impl Client {
    /// A client without any connection.
    ///
    /// # Errors
    /// One sentence if roots, certificate or key can't be used.
    pub(crate) fn new(config: ClientConfig) -> Result<Self, String> {
        let shared = Shared {
            tls: tls::connector(&config.tls)?,
            exchange_timeout: config.exchange_timeout,
            connect_timeout: config.connect_timeout,
            addresses: Arc::new(Addresses::new(config.allowed_hosts)),
            max_connections: config.max_connections,
            pool: Pool::new(config.max_connections),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// This client with connections of its own: names are resolved once for both.
    pub(super) fn with_own_connections(&self) -> Self {
        let shared = Shared {
            tls: self.shared.tls.clone(),
            exchange_timeout: self.shared.exchange_timeout,
            connect_timeout: self.shared.connect_timeout,
            addresses: Arc::clone(&self.shared.addresses),
            max_connections: self.shared.max_connections,
            pool: Pool::new(self.shared.max_connections),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The addresses that an origin's host leads to, all of them allowed.
    ///
    /// # Errors
    /// As for a connection.
    pub(crate) async fn addresses(&self, origin: &Origin) -> Result<Vec<IpAddr>, ExchangeError> {
        self.shared.addresses.of(&origin.host).await
    }

    /// Opens a connection, and keeps it for the next exchange.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn open(&self, origin: &Origin) -> Result<(), ExchangeError> {
        let connection = self.connect(origin).await?;
        self.shared.pool.put(origin, connection);
        Ok(())
    }

    /// Sends `request` as it is and reads the response. `head`: the request was HEAD, no body follows.
    ///
    /// If an idle connection turns out to be closed before anything came back, a safe request (RFC 9110 section
    /// 9.2.1) is sent once more on a fresh one. Any other is not: the server may have acted on it already.
    ///
    /// # Errors
    /// Whenever there is no complete response; a response with any status is none.
    pub(crate) async fn exchange(
        &self,
        origin: &Origin,
        request: &[u8],
        head: bool,
    ) -> Result<Response, ExchangeError> {
        let idle = self.take_idle(origin).await;
        let reused = idle.is_some();
        let connection = match idle {
            Some(connection) => connection,
            None => self.connect(origin).await?,
        };
        let deadline = Instant::now() + self.shared.exchange_timeout;
        match self.exchange_on(connection, origin, request, head, deadline).await {
            Err(ExchangeError::Reset { partial: false }) if reused => {
                self.shared.pool.clear(origin);
                if !request::is_safe(request) {
                    return Err(ExchangeError::Reset { partial: false });
                }
                let fresh = self.connect(origin).await?;
                self.exchange_on(fresh, origin, request, head, deadline).await
            }
            outcome => outcome,
        }
    }

    async fn take_idle(&self, origin: &Origin) -> Option<Connection> {
        while let Some(mut connection) = self.shared.pool.take(origin) {
            if connection::is_quiet(&mut connection).await {
                return Some(connection);
            }
        }
        None
    }

    async fn connect(&self, origin: &Origin) -> Result<Connection, ExchangeError> {
        let limit = self.shared.connect_timeout;
        let opened = timeout(limit, async {
            let addresses = self.shared.addresses.of(&origin.host).await?;
            connection::open(origin, &addresses, &self.shared.tls).await
        });
        opened.await.unwrap_or(Err(ExchangeError::TimedOut { what: Waiting::Connect, limit }))
    }

    async fn exchange_on(
        &self,
        connection: Connection,
        origin: &Origin,
        request: &[u8],
        head: bool,
        deadline: Instant,
    ) -> Result<Response, ExchangeError> {
        let (reader, mut writer) = tokio::io::split(connection);
        let mut incoming = Incoming::new(reader);
        let Ok(outcome) = timeout_at(deadline, talk(&mut incoming, &mut writer, request, head)).await else {
            let what = if incoming.has_begun() { Waiting::Body } else { Waiting::FirstByte };
            return Err(ExchangeError::TimedOut { what, limit: self.shared.exchange_timeout });
        };
        let response = outcome?;
        if response.reusable {
            self.shared.pool.put(origin, incoming.into_source().unsplit(writer));
        }
        Ok(response)
    }
}

/// Writes and reads at the same time: a server may answer, and close, before it has read everything, and may
/// not read on before its answer is taken (RFC 9112 section 9.5).
async fn talk(
    incoming: &mut Incoming<ReadHalf<Connection>>,
    writer: &mut WriteHalf<Connection>,
    request: &[u8],
    head: bool,
) -> Result<Response, ExchangeError> {
    let mut writing = pin!(async {
        writer.write_all(request).await?;
        writer.flush().await
    });
    let mut reading = pin!(response::read(incoming, request, head));
    let mut written = None;
    loop {
        tokio::select! {
            biased;
            // A failure to write is no verdict: the answer may be there already, and if not, reading fails too.
            outcome = &mut writing, if written.is_none() => written = Some(outcome.is_ok()),
            outcome = &mut reading => {
                let mut response = outcome?;
                response.reusable &= written == Some(true) && request::ends_clearly(request);
                return Ok(response);
            }
        }
    }
}
