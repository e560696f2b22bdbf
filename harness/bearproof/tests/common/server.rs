//! A small HTTP/1.1 server that behaves as a test says. It must not help the client: what is sent is sent.

use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What a server does with a request: writes what it likes, and says whether the connection goes on.
pub(crate) trait React: Fn(&str, &mut TcpStream) -> Result<bool> + Send + Sync + 'static {}

impl<F: Fn(&str, &mut TcpStream) -> Result<bool> + Send + Sync + 'static> React for F {}

/// A running server; its threads end with the test's process.
pub(crate) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// A server for requests that are text.
    pub(crate) fn start(react: impl React) -> Self {
        Self::start_raw(move |request, stream| react(&String::from_utf8_lossy(request), stream))
    }

    /// A server that needs each byte of the requests.
    pub(crate) fn start_raw(
        react: impl Fn(&[u8], &mut TcpStream) -> Result<bool> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, react) = (Arc::clone(&requests), Arc::new(react));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, react) = (Arc::clone(&seen), Arc::clone(&react));
                // An error is the client's going away.
                thread::spawn(move || serve(stream, &seen, &*react).ok());
            }
        });
        Self { address, requests }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All requests so far, head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Writes an answer that has these field lines; the connection goes on.
pub(crate) fn answer(
    request: &str,
    stream: &mut TcpStream,
    status: u16,
    fields: &str,
    body: &[u8],
) -> Result<bool> {
    let head = format!("HTTP/1.1 {status} X\r\n{fields}Content-Length: {}\r\n\r\n", body.len());
    let body = if request.starts_with("HEAD ") { b"" } else { body };
    // In one piece: the second would wait for the first to be acknowledged.
    stream.write_all(&[head.as_bytes(), body].concat()).map(|()| true)
}

fn serve(
    mut stream: TcpStream,
    seen: &Mutex<Vec<String>>,
    react: &impl Fn(&[u8], &mut TcpStream) -> Result<bool>,
) -> Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(request) = read(&mut reader)? {
        seen.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
        if !react(&request, &mut stream)? {
            break;
        }
    }
    Ok(())
}

/// The next request; `None` if there is none any more.
fn read(reader: &mut BufReader<TcpStream>) -> Result<Option<Vec<u8>>> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut request)? == 0 {
            return Ok(None);
        }
    }
    let length = String::from_utf8_lossy(&request).lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    request.append(&mut body);
    Ok(Some(request))
}
