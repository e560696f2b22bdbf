//! Buffers what arrives on a connection. It must not know what the bytes mean.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::error::ExchangeError;
use super::tls;

/// How much is asked of the system at first, in bytes: most answers fit, and so small a buffer comes from the allocator's
/// cache. What is longer is asked for in ever larger pieces.
const READ_SIZE: usize = 1024;
/// The largest piece, in bytes.
const LARGEST_READ: usize = 64 * 1024;

/// A source of bytes and what of it was read but not yet used.
pub(super) struct Incoming<R> {
    source: R,
    unread: Vec<u8>,
    begun: bool,
    /// How much is asked of the system next, in bytes.
    piece: usize,
}

impl<R: AsyncRead + Unpin> Incoming<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, unread: Vec::new(), begun: false, piece: READ_SIZE }
    }

    /// Gives the source back and forgets what was not used.
    pub(super) fn into_source(self) -> R {
        self.source
    }

    /// Whether a byte has ever arrived.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// What has arrived and was not used.
    pub(super) fn unread(&self) -> &[u8] {
        &self.unread
    }

    /// Waits for more. `false`: the other side has closed in an orderly way.
    pub(super) async fn fill(&mut self) -> Result<bool, ExchangeError> {
        self.unread.reserve(self.piece);
        match self.source.read_buf(&mut self.unread).await {
            Ok(0) => Ok(false),
            Ok(read) => {
                self.begun = true;
                if read >= self.piece {
                    self.piece = (self.piece * 2).min(LARGEST_READ);
                }
                Ok(true)
            }
            Err(error) => Err(self.broken(&error)),
        }
    }

    /// Waits for more; the end is an error.
    pub(super) async fn need(&mut self) -> Result<(), ExchangeError> {
        if self.fill().await? { Ok(()) } else { Err(ExchangeError::Reset { partial: self.begun }) }
    }

    /// Removes the next `count` bytes, or all if there are fewer.
    pub(super) fn discard(&mut self, count: usize) {
        self.unread.drain(..count.min(self.unread.len()));
    }

    /// Moves up to `most` bytes to the end of `target`.
    pub(super) fn move_into(&mut self, target: &mut Vec<u8>, most: usize) {
        target.extend(self.unread.drain(..most.min(self.unread.len())));
    }

    /// The next line without its CR LF. A line that is longer than `longest` bytes, or that ends without CR, is
    /// refused.
    pub(super) async fn line(&mut self, longest: usize) -> Result<Vec<u8>, ExchangeError> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.unread.drain(..=end).collect();
                line.pop();
                return match line.pop() {
                    Some(b'\r') if line.len() <= longest => Ok(line),
                    Some(b'\r') => Err(too_long()),
                    _ => {
                        Err(ExchangeError::BadFraming { reason: "a line of a chunked body ends without CR" })
                    }
                };
            }
            if self.unread.len() > longest + 1 {
                return Err(too_long());
            }
            self.need().await?;
        }
    }

    fn broken(&self, error: &io::Error) -> ExchangeError {
        match tls::reason(error) {
            Some(reason) => ExchangeError::Tls { reason },
            None => ExchangeError::Reset { partial: self.begun },
        }
    }
}

fn too_long() -> ExchangeError {
    ExchangeError::BadFraming { reason: "a line of a chunked body is longer than 4 KiB" }
}
