//! Opens connections, TCP or TLS. It must not send or read anything of HTTP.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::Poll;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::error::ExchangeError;
use super::origin::Origin;
use super::tls;

/// Both directions of a connection.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// A connection, TCP or TLS.
pub(super) type Connection = Box<dyn Duplex>;

/// Connects to the first of `addresses` that answers, with a TLS handshake if the origin is secure.
pub(super) async fn open(
    origin: &Origin,
    addresses: &[IpAddr],
    tls: &TlsConnector,
) -> Result<Connection, ExchangeError> {
    let stream = connect(origin, addresses).await?;
    if origin.secure { handshake(origin, stream, tls).await } else { Ok(Box::new(stream)) }
}

/// Whether an idle connection is still open and has nothing to say. Bytes that nobody asked for would be taken
/// for the next answer.
///
/// The runtime may not have noticed yet that the other side closed, so `true` is no promise.
pub(super) async fn is_quiet(connection: &mut Connection) -> bool {
    // An event loop of one thread looks around only when it is left.
    tokio::task::yield_now().await;
    poll_fn(|context| {
        let mut byte = [0];
        let read = Pin::new(&mut *connection).poll_read(context, &mut ReadBuf::new(&mut byte));
        Poll::Ready(read.is_pending())
    })
    .await
}

async fn connect(origin: &Origin, addresses: &[IpAddr]) -> Result<TcpStream, ExchangeError> {
    let mut failure = None;
    for ip in addresses {
        let address = SocketAddr::new(*ip, origin.port);
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // A request is written at once; waiting to fill a segment would only delay its last bytes. A
                // socket that can't do this still works.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                failure = Some(ExchangeError::Refused { address });
            }
            Err(error) => {
                failure = Some(ExchangeError::Connect { address, reason: error.kind().to_string() });
            }
        }
    }
    let nowhere = || ExchangeError::Resolve { host: origin.host.clone(), reason: "no address".to_owned() };
    Err(failure.unwrap_or_else(nowhere))
}

async fn handshake(
    origin: &Origin,
    stream: TcpStream,
    tls: &TlsConnector,
) -> Result<Connection, ExchangeError> {
    let name = ServerName::try_from(origin.host.clone())
        .map_err(|_| ExchangeError::Tls { reason: format!("`{}` is no valid host name", origin.host) })?;
    match tls.connect(name, stream).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => {
            let closed = || "the connection was closed in the handshake".to_owned();
            Err(ExchangeError::Tls { reason: tls::reason(&error).unwrap_or_else(closed) })
        }
    }
}
