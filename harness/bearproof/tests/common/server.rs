//! A small HTTP/1.1 server that behaves as a test says. It must not help the client: what is sent is sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Request line and field lines, without the empty line.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// What a server does with a request.
pub(crate) enum Reaction {
    /// Sends a response with this status, these further field lines and this body, and keeps the connection.
    Answer { status: u16, fields: String, body: Vec<u8> },
    /// Sends these bytes and closes.
    Raw(Vec<u8>),
    /// Holds the connection and says nothing.
    Silence,
}

impl Reaction {
    pub(crate) fn status(status: u16) -> Self {
        Self::Answer { status, fields: String::new(), body: format!("{{\"status\":{status}}}").into_bytes() }
    }
}

/// A running server; its threads end with the test's process.
pub(crate) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) fn start(react: impl Fn(&Request) -> Reaction + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let (seen, opened, react) = (Arc::clone(&requests), Arc::clone(&connections), Arc::new(react));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                opened.fetch_add(1, Ordering::SeqCst);
                let (seen, react) = (Arc::clone(&seen), Arc::clone(&react));
                // An error is the client's going away.
                thread::spawn(move || serve(stream, &seen, react.as_ref()).ok());
            }
        });
        Self { address, requests, connections }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// How many connections were opened so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn serve(
    stream: TcpStream,
    seen: &Mutex<Vec<Request>>,
    react: &dyn Fn(&Request) -> Reaction,
) -> std::io::Result<()> {
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader)? {
        seen.lock().unwrap().push(request.clone());
        match react(&request) {
            Reaction::Answer { status, fields, body } => {
                let head = format!("HTTP/1.1 {status} X\r\n{fields}Content-Length: {}\r\n\r\n", body.len());
                writer.write_all(head.as_bytes())?;
                if !request.head.starts_with("HEAD ") {
                    writer.write_all(&body)?;
                }
            }
            Reaction::Raw(bytes) => return writer.write_all(&bytes),
            Reaction::Silence => {
                // Until the client gives up.
                reader.read_to_end(&mut Vec::new())?;
            }
        }
    }
    Ok(())
}

fn read(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Request>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut head)? == 0 {
            return Ok(None);
        }
    }
    let head = String::from_utf8_lossy(&head).trim_end().to_string();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    Ok(Some(Request { head, body }))
}
