//! A server for tests that follows a script, connection by connection. It must not understand HTTP.

use std::future::pending;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::connection::Connection;
use super::{Client, ClientConfig, Origin, TlsOptions};

/// What the server does next on a connection. A script that is over closes the connection.
#[derive(Clone)]
pub(super) enum Step {
    /// Reads exactly this many bytes.
    Read(usize),
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends these bytes over and over until the client is gone.
    SendForever(Vec<u8>, Duration),
    /// Waits.
    Pause(Duration),
    /// Keeps the connection open and does nothing.
    Hang,
}

/// A listener on loopback that serves one script per connection, in order, and then takes no more.
pub(super) struct Server {
    pub(super) origin: Origin,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Server {
    pub(super) async fn http(scripts: Vec<Vec<Step>>) -> Self {
        Self::start(scripts, None).await
    }

    /// A TLS server with a fresh certificate for 127.0.0.1, and that certificate in PEM.
    pub(super) async fn https(scripts: Vec<Vec<Step>>) -> (Self, Vec<u8>) {
        let identity = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(identity.signing_key.serialize_der()).unwrap();
        let chain = vec![CertificateDer::from(identity.cert.der().to_vec())];
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        (Self::start(scripts, Some(acceptor)).await, identity.cert.pem().into_bytes())
    }

    /// A TLS server that asks for a certificate that `client` has signed: its own in PEM beside it.
    pub(super) async fn asking_for(client: &[u8], scripts: Vec<Vec<Step>>) -> (Self, Vec<u8>) {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(client).map(Result::unwrap));
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let identity = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(identity.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![identity.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        (Self::start(scripts, Some(acceptor)).await, identity.cert.pem().into_bytes())
    }

    async fn start(scripts: Vec<Vec<Step>>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let origin = Origin { secure: tls.is_some(), host: "127.0.0.1".to_owned(), port: address.port() };
        let seen = Arc::new(Mutex::new(Vec::new()));
        let recorded = Arc::clone(&seen);
        tokio::spawn(async move {
            for (number, script) in scripts.into_iter().enumerate() {
                let (stream, peer) = listener.accept().await.unwrap();
                assert_eq!(peer.ip(), IpAddr::from([127, 0, 0, 1]));
                recorded.lock().unwrap().push(Vec::new());
                let (tls, recorded) = (tls.clone(), Arc::clone(&recorded));
                tokio::spawn(async move {
                    let mut connection: Connection = match tls {
                        None => Box::new(stream),
                        // A client that does not trust the certificate ends here.
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => Box::new(stream),
                            Err(_) => return,
                        },
                    };
                    follow(script, &mut connection, |bytes| recorded.lock().unwrap()[number].extend(bytes))
                        .await;
                    // An orderly end, also for TLS.
                    let _ = connection.shutdown().await;
                });
            }
        });
        Self { origin, seen }
    }

    /// What was read on each connection so far.
    pub(super) fn seen(&self) -> Vec<Vec<u8>> {
        self.seen.lock().unwrap().clone()
    }
}

async fn follow(script: Vec<Step>, connection: &mut Connection, record: impl Fn(Vec<u8>)) {
    for step in script {
        match step {
            Step::Read(count) => {
                let mut bytes = vec![0; count];
                if connection.read_exact(&mut bytes).await.is_err() {
                    return;
                }
                record(bytes);
            }
            Step::Send(bytes) => {
                if connection.write_all(&bytes).await.is_err() || connection.flush().await.is_err() {
                    return;
                }
            }
            Step::SendForever(bytes, pause) => {
                while connection.write_all(&bytes).await.is_ok() && connection.flush().await.is_ok() {
                    tokio::time::sleep(pause).await;
                }
                return;
            }
            Step::Pause(time) => tokio::time::sleep(time).await,
            Step::Hang => pending().await,
        }
    }
}

/// Limits far above what a test needs, and the given roots beside the system's.
pub(super) fn config(extra_roots_pem: Vec<u8>) -> ClientConfig {
    ClientConfig {
        exchange_timeout: Duration::from_secs(20),
        connect_timeout: Duration::from_secs(20),
        tls: TlsOptions { extra_roots_pem, ..TlsOptions::default() },
        allowed_hosts: Vec::new(),
        max_connections: 4,
    }
}

/// A client with `config`.
pub(super) fn client() -> Client {
    Client::new(config(Vec::new())).unwrap()
}

/// A client whose exchanges end after this time.
pub(super) fn impatient(exchange_timeout: Duration) -> Client {
    Client::new(ClientConfig { exchange_timeout, ..config(Vec::new()) }).unwrap()
}
