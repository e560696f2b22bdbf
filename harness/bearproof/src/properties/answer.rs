//! The property of the reader of HTTP answers. It must not read HTTP itself.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bearproof_conform::properties::Ground;
use tokio::io::{AsyncRead, ReadBuf};

use super::ensure;
use crate::wire::{ExchangeError, Response, read_answer};

/// What was sent, with a secret that no error may repeat.
const SENT: &[u8] =
    b"GET /a HTTP/1.1\r\nHost: h.example\r\nAuthorization: Bearer fake-secret-token-of-the-request\r\n\r\n";
const SECRET: &str = "fake-secret-token-of-the-request";

pub(super) fn answer(_: &Ground, data: &[u8]) -> Result<(), String> {
    let Some((&mode, rest)) = data.split_first() else { return Ok(()) };
    let (head, step) = (mode & 1 == 1, usize::from(mode >> 1).max(1));
    let bytes = rest.split(|byte| *byte == 0).collect::<Vec<_>>().join(SECRET.as_bytes());
    let whole = read(&bytes, bytes.len(), head)?;
    let pieces = read(&bytes, step, head)?;
    match (&whole, &pieces) {
        (Ok(whole), Ok(pieces)) => {
            // Whether something stands behind the answer is known only as far as it has arrived.
            let same = Response { reusable: whole.reusable, ..pieces.clone() };
            ensure(same == *whole, || format!("in pieces of {step} it is {pieces:?}, whole {whole:?}"))?;
            ensure((200..1000).contains(&whole.status), || format!("status {}", whole.status))?;
            let length = whole.head_bytes + whole.body.len();
            ensure(length <= bytes.len(), || format!("{length} bytes of {}", bytes.len()))?;
            ensure(!head || whole.body.is_empty(), || "an answer to HEAD has a body".into())
        }
        (Err(whole), Err(pieces)) => {
            // What an error shows of the answer may be less, where less had arrived.
            let kind = std::mem::discriminant(whole) == std::mem::discriminant(pieces);
            ensure(kind, || format!("in pieces of {step}: {pieces}, whole: {whole}"))?;
            let shown = format!("{whole} {whole:?} {pieces} {pieces:?}");
            ensure(!shown.contains("fake-secret"), || "an error repeats what was sent".into())
        }
        _ => Err(format!("in pieces of {step}: {}, whole: {}", said(&pieces), said(&whole))),
    }
}

fn said(read: &Result<Response, ExchangeError>) -> String {
    match read {
        Ok(response) => format!("status {}", response.status),
        Err(error) => error.to_string(),
    }
}

/// Reads an answer that arrives in pieces; nothing ever waits.
fn read(bytes: &[u8], step: usize, head: bool) -> Result<Result<Response, ExchangeError>, String> {
    let mut context = Context::from_waker(Waker::noop());
    let future = pin!(read_answer(Pieces { rest: bytes, step: step.max(1) }, SENT, head));
    match future.poll(&mut context) {
        Poll::Ready(result) => Ok(result),
        Poll::Pending => Err("it waits for more after the end".into()),
    }
}

/// A connection on which so many bytes arrive at a time.
struct Pieces<'b> {
    rest: &'b [u8],
    step: usize,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let count = self.step.min(self.rest.len()).min(buffer.remaining());
        let (piece, rest) = self.rest.split_at_checked(count).unwrap_or((self.rest, &[]));
        buffer.put_slice(piece);
        self.rest = rest;
        Poll::Ready(Ok(()))
    }
}
