//! Reads a chunked body (RFC 9112 section 7.1), strictly. It must not keep trailer fields: merging them into the
//! head needs a definition that allows it (section 7.1.2).

use tokio::io::AsyncRead;

use super::body::{Body, LONGEST_BODY};
use super::error::ExchangeError;
use super::incoming::Incoming;

/// Longest chunk-size line and trailer line, in bytes without the line end.
const LONGEST_LINE: usize = 4 * 1024;
/// Most trailer lines.
const MOST_TRAILERS: usize = 16;

/// Reads up to the end of the trailers, or up to the limit of a body.
pub(super) async fn read<R: AsyncRead + Unpin>(incoming: &mut Incoming<R>) -> Result<Body, ExchangeError> {
    let mut content = Vec::new();
    loop {
        let size = chunk_size(&incoming.line(LONGEST_LINE).await?)?;
        if size == 0 {
            skip_trailers(incoming).await?;
            return Ok(Body { content, truncated: false });
        }
        let room = LONGEST_BODY - content.len();
        let wanted = usize::try_from(size).unwrap_or(usize::MAX);
        let end = content.len() + wanted.min(room);
        loop {
            let missing = end - content.len();
            incoming.move_into(&mut content, missing);
            if content.len() == end {
                break;
            }
            incoming.need().await?;
        }
        if wanted > room {
            return Ok(Body { content, truncated: true });
        }
        if !incoming.line(LONGEST_LINE).await?.is_empty() {
            return Err(bad("a chunk is longer than its size says"));
        }
    }
}

/// `chunk-size [ chunk-ext ]`: hexadecimal digits, then nothing or an extension, which is ignored (section 7.1.1).
fn chunk_size(line: &[u8]) -> Result<u64, ExchangeError> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let no_number = || bad("a chunk size is not a hexadecimal number");
    let (size, rest) = line.split_at_checked(digits).ok_or_else(no_number)?;
    let extension = rest.trim_ascii_start();
    // BWS is allowed before an extension only; control characters nowhere.
    let well_ended = rest.is_empty() || extension.starts_with(b";");
    if size.is_empty() || !well_ended || rest.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
        return Err(no_number());
    }
    let size = std::str::from_utf8(size).ok().and_then(|size| u64::from_str_radix(size, 16).ok());
    size.ok_or_else(|| bad("a chunk size is too large"))
}

async fn skip_trailers<R: AsyncRead + Unpin>(incoming: &mut Incoming<R>) -> Result<(), ExchangeError> {
    for _ in 0..=MOST_TRAILERS {
        let line = incoming.line(LONGEST_LINE).await?;
        if line.is_empty() {
            return Ok(());
        }
        // The line end of this line and the empty line after the section, which `httparse` wants to see.
        let section = [line.as_slice(), b"\r\n\r\n"].concat();
        let mut one = [httparse::EMPTY_HEADER];
        if httparse::parse_headers(&section, &mut one).is_err() {
            return Err(bad("a trailer line is not a field line"));
        }
    }
    Err(bad("there are more than 16 trailer lines"))
}

fn bad(reason: &'static str) -> ExchangeError {
    ExchangeError::BadFraming { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn decode(bytes: &[u8]) -> Result<Body, ExchangeError> {
        read(&mut Incoming::new(bytes)).await
    }

    #[tokio::test]
    async fn chunks_extensions_and_trailers_are_read() {
        let body =
            decode(b"3\r\nabc\r\n00A ; x=\"y\"\r\n0123456789\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n").await.unwrap();
        assert_eq!((body.content.as_slice(), body.truncated), (b"abc0123456789".as_slice(), false));
    }

    #[tokio::test]
    async fn what_breaks_the_grammar_is_refused() {
        let cases: [&[u8]; 11] = [
            b"\r\nabc\r\n0\r\n\r\n",
            b"+3\r\nabc\r\n0\r\n\r\n",
            b"0x3\r\nabc\r\n0\r\n\r\n",
            b"3 \r\nabc\r\n0\r\n\r\n",
            b"3;\x01\r\nabc\r\n0\r\n\r\n",
            b"3\nabc\r\n0\r\n\r\n",
            b"3\r\nabcd\r\n0\r\n\r\n",
            b"3\r\nabc\n0\r\n\r\n",
            b"10000000000000000\r\nabc\r\n0\r\n\r\n",
            b"0\r\nno field\r\n\r\n",
            b"0\r\nX : 1\r\n\r\n",
        ];
        for bytes in cases {
            let outcome = decode(bytes).await;
            assert!(matches!(outcome, Err(ExchangeError::BadFraming { .. })), "{}", bytes.escape_ascii());
        }
    }

    #[tokio::test]
    async fn a_missing_end_is_a_reset() {
        for bytes in [b"3\r\nab".as_slice(), b"3\r\nabc\r\n", b"3\r\nabc\r\n0\r\n", b"3"] {
            assert_eq!(decode(bytes).await.err(), Some(ExchangeError::Reset { partial: true }));
        }
    }

    #[tokio::test]
    async fn long_lines_and_many_trailers_are_refused() {
        let fits = format!("0;{}\r\n\r\n", "x".repeat(4094));
        assert!(decode(fits.as_bytes()).await.is_ok());
        let too_long = format!("0;{}\r\n\r\n", "x".repeat(4095));
        assert_eq!(
            decode(too_long.as_bytes()).await.err(),
            Some(bad("a line of a chunked body is longer than 4 KiB"))
        );
        let endless = "1".repeat(20_000);
        assert_eq!(
            decode(endless.as_bytes()).await.err(),
            Some(bad("a line of a chunked body is longer than 4 KiB"))
        );
        let fits = format!("0\r\n{}\r\n", "a: b\r\n".repeat(16));
        assert!(decode(fits.as_bytes()).await.is_ok());
        let too_many = format!("0\r\n{}\r\n", "a: b\r\n".repeat(17));
        assert_eq!(
            decode(too_many.as_bytes()).await.err(),
            Some(bad("there are more than 16 trailer lines"))
        );
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_cut() {
        let chunk = [b"80000\r\n".as_slice(), &vec![b'a'; 0x8_0000], b"\r\n"].concat();
        let whole = [chunk.as_slice(), &chunk, b"0\r\n\r\n"].concat();
        let body = decode(&whole).await.unwrap();
        assert_eq!((body.content.len(), body.truncated), (LONGEST_BODY, false));
        let longer = [chunk.as_slice(), &chunk, b"1\r\na\r\n0\r\n\r\n"].concat();
        let body = decode(&longer).await.unwrap();
        assert_eq!((body.content.len(), body.truncated), (LONGEST_BODY, true));
    }
}
