//! Finds where the body of a response ends (RFC 9112 section 6.3) and reads it. It must not decode content
//! codings.

use tokio::io::AsyncRead;

use super::chunked;
use super::error::ExchangeError;
use super::fields::{self, Fields};
use super::incoming::Incoming;

/// Longest body that is kept, in bytes.
pub(super) const LONGEST_BODY: usize = 1024 * 1024;

/// What was read of a body.
pub(super) struct Body {
    pub(super) content: Vec<u8>,
    /// The body is longer than what is kept.
    pub(super) truncated: bool,
}

/// What ends a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is none.
    Nothing,
    /// The last chunk.
    Chunked,
    /// A number of bytes.
    Length(u64),
    /// The end of the connection.
    UntilClose,
}

impl Framing {
    /// The rules of RFC 9112 section 6.3, for a final response. `head`: the request was HEAD.
    pub(super) fn of(status: u16, fields: &Fields, head: bool) -> Result<Self, ExchangeError> {
        // Rule 1.
        if head || matches!(status, 204 | 304) {
            return Ok(Self::Nothing);
        }
        // Rules 3 and 4: Transfer-Encoding overrides Content-Length.
        let codings: Vec<_> = fields::elements(fields, "transfer-encoding").collect();
        if let Some((last, before)) = codings.split_last() {
            let chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
            // Section 6.1: chunked may be applied once, and last.
            if before.iter().any(|coding| chunked(coding)) {
                return Err(bad("`chunked` is not the last transfer coding"));
            }
            return Ok(if chunked(last) { Self::Chunked } else { Self::UntilClose });
        }
        // Rules 5 and 6.
        let mut lengths = fields::elements(fields, "content-length");
        let Some(first) = lengths.next() else { return Ok(Self::UntilClose) };
        let length = read_length(first)?;
        for other in lengths {
            if read_length(other)? != length {
                return Err(bad("two Content-Length values differ"));
            }
        }
        Ok(Self::Length(length))
    }

    /// Reads the body, at most 1 MiB of it.
    pub(super) async fn read<R>(&self, incoming: &mut Incoming<R>) -> Result<Body, ExchangeError>
    where
        R: AsyncRead + Unpin,
    {
        match self {
            Self::Nothing => Ok(Body { content: Vec::new(), truncated: false }),
            Self::Chunked => chunked::read(incoming).await,
            Self::Length(length) => read_counted(incoming, *length).await,
            Self::UntilClose => read_to_end(incoming).await,
        }
    }
}

fn read_length(digits: &[u8]) -> Result<u64, ExchangeError> {
    let number = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = std::str::from_utf8(digits).ok().filter(number);
    let text = text.ok_or_else(|| bad("a Content-Length is not a number"))?;
    text.parse().map_err(|_| bad("a Content-Length is too large"))
}

async fn read_counted<R: AsyncRead + Unpin>(
    incoming: &mut Incoming<R>,
    length: u64,
) -> Result<Body, ExchangeError> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let kept = length.min(LONGEST_BODY);
    let mut content = Vec::new();
    loop {
        let missing = kept - content.len();
        incoming.move_into(&mut content, missing);
        if content.len() == kept {
            return Ok(Body { content, truncated: length > kept });
        }
        incoming.need().await?;
    }
}

async fn read_to_end<R: AsyncRead + Unpin>(incoming: &mut Incoming<R>) -> Result<Body, ExchangeError> {
    let mut content = Vec::new();
    loop {
        let room = LONGEST_BODY - content.len();
        incoming.move_into(&mut content, room);
        if !incoming.unread().is_empty() {
            return Ok(Body { content, truncated: true });
        }
        match incoming.fill().await {
            Ok(true) => {}
            Ok(false) => return Ok(Body { content, truncated: false }),
            // Some servers end a TLS connection without saying so (RFC 9112 section 9.8): what came is no less an answer.
            Err(ExchangeError::Reset { .. }) => return Ok(Body { content, truncated: true }),
            Err(error) => return Err(error),
        }
    }
}

fn bad(reason: &'static str) -> ExchangeError {
    ExchangeError::BadFraming { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(lines: &[(&str, &str)]) -> Result<Framing, ExchangeError> {
        let fields: Vec<_> =
            lines.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        Framing::of(200, &fields, false)
    }

    #[test]
    fn no_body_follows_head_204_and_304() {
        let fields = [("Content-Length".to_owned(), b"5".to_vec())];
        assert_eq!(Framing::of(200, &fields, true), Ok(Framing::Nothing));
        assert_eq!(Framing::of(204, &fields, false), Ok(Framing::Nothing));
        assert_eq!(Framing::of(304, &fields, false), Ok(Framing::Nothing));
        assert_eq!(Framing::of(200, &fields, false), Ok(Framing::Length(5)));
    }

    #[test]
    fn transfer_encoding_overrides_content_length() {
        let length = ("content-length", "5");
        assert_eq!(framing(&[("Transfer-Encoding", "Chunked"), length]), Ok(Framing::Chunked));
        assert_eq!(framing(&[("transfer-encoding", "gzip, chunked")]), Ok(Framing::Chunked));
        assert_eq!(framing(&[("transfer-encoding", "gzip"), length]), Ok(Framing::UntilClose));
        let twice = [("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")];
        assert_eq!(framing(&twice), Err(bad("`chunked` is not the last transfer coding")));
    }

    #[test]
    fn a_repeated_length_must_be_the_same() {
        assert_eq!(framing(&[("content-length", "5, 05"), ("Content-Length", "5")]), Ok(Framing::Length(5)));
        let differ = Err(bad("two Content-Length values differ"));
        assert_eq!(framing(&[("content-length", "5"), ("content-length", "6")]), differ);
        assert_eq!(framing(&[("content-length", "5, 6")]), differ);
    }

    #[test]
    fn a_length_is_digits_only() {
        for value in ["", "+5", "-5", "5 5", "0x5", "5,", "\u{665}"] {
            let expected = Err(bad("a Content-Length is not a number"));
            assert_eq!(framing(&[("content-length", value)]), expected, "{value}");
        }
        let huge = framing(&[("content-length", "18446744073709551616")]);
        assert_eq!(huge, Err(bad("a Content-Length is too large")));
    }

    #[tokio::test]
    async fn a_body_of_exactly_the_limit_is_whole_and_one_byte_more_is_cut() {
        for (length, truncated) in [(LONGEST_BODY, false), (LONGEST_BODY + 1, true)] {
            let bytes = vec![b'a'; length];
            for framing in [Framing::Length(u64::try_from(length).unwrap()), Framing::UntilClose] {
                let body = framing.read(&mut Incoming::new(bytes.as_slice())).await.unwrap();
                assert_eq!((body.content.len(), body.truncated), (LONGEST_BODY, truncated), "{framing:?}");
            }
        }
    }
}
