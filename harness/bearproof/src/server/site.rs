//! One scheme served: listeners, connections, and the way from bytes to the reference and back.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bearproof_scheme::sign::Entropy;
use bearproof_scheme::{Reference, Request};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::{Certificate, control};
use crate::clock::system_now;

/// Largest body that is read, in bytes.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// Longest wait for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// A scheme's reference with its clock.
pub(crate) struct Site {
    pub(crate) reference: Reference,
    /// Seconds by which this site's clock is ahead.
    pub(crate) ahead: AtomicI64,
    /// Whether answers carry the reason code.
    pub(crate) explain: bool,
}

impl Site {
    pub(crate) fn now(&self) -> u64 {
        system_now().saturating_add_signed(self.ahead.load(Ordering::Relaxed))
    }
}

/// Where a site listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origins {
    /// Plain HTTP that counts as secure: as behind a proxy that ends TLS.
    pub(crate) http: SocketAddr,
    /// HTTPS.
    pub(crate) https: SocketAddr,
    /// Plain HTTP that is what it is.
    pub(crate) plain: SocketAddr,
    /// Hooks: clock, revoke, forget.
    pub(crate) control: SocketAddr,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Listener {
    Edge,
    Tls,
    Plain,
    Control,
}

/// Starts a site on loopback ports that the system chooses, or from `port` on; ends when `stop` changes.
pub(crate) async fn start(
    site: Arc<Site>,
    certificate: &Certificate,
    port: Option<u16>,
    stop: &watch::Receiver<bool>,
) -> Result<Origins, String> {
    let mut addresses = Vec::new();
    for (offset, listener) in
        [Listener::Edge, Listener::Tls, Listener::Plain, Listener::Control].into_iter().enumerate()
    {
        let number = match port {
            None => 0,
            Some(port) => {
                u16::try_from(offset).ok().and_then(|o| port.checked_add(o)).ok_or("the port is too high")?
            }
        };
        let socket = TcpListener::bind(("127.0.0.1", number))
            .await
            .map_err(|e| format!("port {number} can't be opened: {e}"))?;
        addresses.push(socket.local_addr().map_err(|e| e.to_string())?);
        let acceptor =
            (listener == Listener::Tls).then(|| TlsAcceptor::from(Arc::clone(&certificate.config)));
        tokio::spawn(accept(socket, Arc::clone(&site), listener, acceptor, stop.clone()));
    }
    match addresses.as_slice() {
        [http, https, plain, control] => {
            Ok(Origins { http: *http, https: *https, plain: *plain, control: *control })
        }
        _ => Err("not all ports could be opened".into()),
    }
}

async fn accept(
    socket: TcpListener,
    site: Arc<Site>,
    listener: Listener,
    acceptor: Option<TlsAcceptor>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let stream = tokio::select! {
            accepted = socket.accept() => match accepted {
                Ok((stream, _)) => stream,
                // Too many open files, or a client that went away: the next one may do better.
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                }
            },
            _ = stop.changed() => return,
        };
        let (site, acceptor, stop) = (Arc::clone(&site), acceptor.clone(), stop.clone());
        tokio::spawn(async move {
            // A connection that breaks is the client's affair.
            let _ = connection(stream, site, listener, acceptor, stop).await;
        });
    }
}

async fn connection(
    stream: TcpStream,
    site: Arc<Site>,
    listener: Listener,
    acceptor: Option<TlsAcceptor>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    let service = service_fn(move |request| {
        let site = Arc::clone(&site);
        async move { Ok::<_, Infallible>(answer(&site, listener, request).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    macro_rules! serve {
        ($io:expr) => {{
            let connection = builder.serve_connection(TokioIo::new($io), service);
            tokio::pin!(connection);
            tokio::select! {
                done = connection.as_mut() => done?,
                _ = stop.changed() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await?;
                }
            }
        }};
    }
    match acceptor {
        Some(acceptor) => serve!(acceptor.accept(stream).await?),
        None => serve!(stream),
    }
    Ok(())
}

async fn answer(site: &Site, listener: Listener, request: hyper::Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "{\"error\":\"the body is too large or broke off\"}");
    };
    let body = body.to_bytes();
    // The absolute form names another host than the Host field may (RFC 9112 section 3.2.2): it is kept as it is, and
    // no endpoint has such a path.
    let absolute = head.uri.authority().map(|_| head.uri.to_string());
    let target = match &absolute {
        Some(absolute) => absolute,
        None => head.uri.path_and_query().map_or("/", hyper::http::uri::PathAndQuery::as_str),
    };
    if listener == Listener::Control {
        return control::answer(site, &head.method, target);
    }
    let fields: Vec<(String, Vec<u8>)> =
        head.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    let request = Request {
        secure: listener != Listener::Plain,
        method: head.method.as_str(),
        target,
        fields: &fields,
        body: &body,
    };
    let answer = site.reference.handle(&request, site.now(), &Fresh);
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.fields {
        response = response.header(name, value);
    }
    if site.explain {
        response = response.header("X-Bearproof-Reason", answer.refused.as_deref().unwrap_or("accepted"));
    }
    response.body(Full::new(Bytes::from(answer.body))).unwrap_or_else(|_| {
        plain(StatusCode::INTERNAL_SERVER_ERROR, "{\"error\":\"the answer could not be made\"}")
    })
}

/// A JSON answer with a fixed text.
pub(super) fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
    response
}

/// Randomness of a live server: fresh bytes whatever the purpose.
struct Fresh;

impl Entropy for Fresh {
    fn bytes(&self, _: &str, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        // aws-lc aborts rather than return without randomness, so the error can't happen.
        if aws_lc_rs::rand::fill(&mut bytes).is_err() {
            bytes.clear();
        }
        bytes
    }
}
