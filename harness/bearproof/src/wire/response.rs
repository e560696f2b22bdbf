//! Reads one final response (RFC 9112). It must not follow a redirect, answer a challenge or decode content.

use tokio::io::AsyncRead;

use super::body::Framing;
use super::error::ExchangeError;
use super::excerpt::excerpt;
use super::fields;
use super::incoming::Incoming;

/// Longest head, in bytes.
const LONGEST_HEAD: usize = 64 * 1024;
/// Most field lines in a head.
const MOST_FIELDS: usize = 256;

/// A final response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    /// 200 to 999.
    pub(crate) status: u16,
    /// The field lines in their order: names as sent, values without the whitespace around them.
    pub(crate) fields: Vec<(String, Vec<u8>)>,
    /// The content without transfer coding, at most 1 MiB of it. Trailer fields are dropped.
    pub(crate) body: Vec<u8>,
    /// The body is longer than what `body` holds.
    pub(crate) body_truncated: bool,
    /// Length of the status line and all field lines with the empty line after them, in bytes.
    pub(crate) head_bytes: usize,
    /// Whether the connection was fit for another request.
    pub(crate) reusable: bool,
}

/// Reads up to the end of the first response that is not interim. `request` is only used to keep its bytes out
/// of errors.
pub(super) async fn read<R: AsyncRead + Unpin>(
    incoming: &mut Incoming<R>,
    request: &[u8],
    head: bool,
) -> Result<Response, ExchangeError> {
    loop {
        let found = read_head(incoming, request).await?;
        match found.status {
            101 => return Err(ExchangeError::SwitchedProtocols),
            // RFC 9110 section 15.2: a client must be able to parse interim responses it did not expect.
            100..=199 => {}
            _ => return found.with_body(incoming, head).await,
        }
    }
}

/// Reads one answer from a source of bytes.
pub(crate) async fn read_answer<R: AsyncRead + Unpin>(
    source: R,
    request: &[u8],
    head: bool,
) -> Result<Response, ExchangeError> {
    read(&mut Incoming::new(source), request, head).await
}

struct Head {
    status: u16,
    http_1_1: bool,
    fields: Vec<(String, Vec<u8>)>,
    bytes: usize,
}

impl Head {
    async fn with_body<R: AsyncRead + Unpin>(
        self,
        incoming: &mut Incoming<R>,
        head: bool,
    ) -> Result<Response, ExchangeError> {
        let framing = Framing::of(self.status, &self.fields, head)?;
        let body = framing.read(incoming).await?;
        Ok(Response {
            status: self.status,
            body: body.content,
            body_truncated: body.truncated,
            head_bytes: self.bytes,
            reusable: self.keeps_the_connection(&framing) && !body.truncated && incoming.unread().is_empty(),
            fields: self.fields,
        })
    }

    /// RFC 9112 section 9.3, for HTTP/1.1 only, and not after both framings at once (section 6.3 rule 3).
    fn keeps_the_connection(&self, framing: &Framing) -> bool {
        let has = |name| fields::values(&self.fields, name).next().is_some();
        self.http_1_1
            && *framing != Framing::UntilClose
            && !fields::has_element(&self.fields, "connection", "close")
            && !(has("transfer-encoding") && has("content-length"))
    }
}

async fn read_head<R: AsyncRead + Unpin>(
    incoming: &mut Incoming<R>,
    request: &[u8],
) -> Result<Head, ExchangeError> {
    loop {
        match parse_head(incoming.unread()) {
            Ok(Some(head)) if head.bytes <= LONGEST_HEAD => {
                incoming.discard(head.bytes);
                return Ok(head);
            }
            Ok(None) if incoming.unread().len() <= LONGEST_HEAD => incoming.need().await?,
            Ok(_) | Err(Unreadable::TooManyFields) => return Err(ExchangeError::HeadTooLong),
            Err(Unreadable::Not(reason)) => {
                let excerpt = excerpt(incoming.unread(), request);
                return Err(ExchangeError::NotHttp { reason, excerpt });
            }
        }
    }
}

enum Unreadable {
    TooManyFields,
    Not(&'static str),
}

/// The head at the start of `bytes`, `None` while its end is missing.
fn parse_head(bytes: &[u8]) -> Result<Option<Head>, Unreadable> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut parsed = httparse::Response::new(&mut headers);
    let length = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Unreadable::TooManyFields),
        Err(error) => return Err(Unreadable::Not(reason(error))),
    };
    // RFC 9110 section 15: the first digit is a class; there is no class 0.
    let Some(status @ 100..) = parsed.code else {
        return Err(Unreadable::Not(reason(httparse::Error::Status)));
    };
    let http_1_1 = parsed.version == Some(1);
    Ok(Some(Head { status, http_1_1, fields: fields::owned(parsed.headers), bytes: length }))
}

fn reason(error: httparse::Error) -> &'static str {
    match error {
        httparse::Error::HeaderName => "a field name is wrong",
        httparse::Error::HeaderValue => "a field value is wrong",
        httparse::Error::NewLine => "a line end is wrong",
        httparse::Error::Status => "the status line is wrong",
        httparse::Error::Version => "it has no HTTP/1 status line",
        httparse::Error::Token | httparse::Error::TooManyHeaders => "its head is wrong",
    }
}

#[cfg(test)]
mod tests {
    use super::super::body::LONGEST_BODY;
    use super::*;

    async fn answer(bytes: &[u8]) -> Result<Response, ExchangeError> {
        read(&mut Incoming::new(bytes), b"", false).await
    }

    #[tokio::test]
    async fn fields_keep_order_case_and_bytes() {
        let head = b"HTTP/1.1 401 No\r\nB: 1\r\na:  \xff \r\nb: 2\r\nContent-Length: 0\r\n\r\n";
        let response = answer(head).await.unwrap();
        assert_eq!((response.status, response.head_bytes), (401, head.len()));
        let names: Vec<_> = response.fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["B", "a", "b", "Content-Length"]);
        let values: Vec<_> = response.fields.iter().map(|(_, value)| value.as_slice()).collect();
        assert_eq!(values, [b"1".as_slice(), b"\xff", b"2", b"0"]);
    }

    #[tokio::test]
    async fn interim_responses_are_skipped_and_101_is_an_error() {
        let interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
        let last = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        let response = answer(&[interim.as_slice(), last].concat()).await.unwrap();
        assert_eq!((response.status, response.body.as_slice()), (200, b"ok".as_slice()));
        assert_eq!(response.head_bytes, last.len() - 2);
        let switched = answer(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n").await;
        assert_eq!(switched, Err(ExchangeError::SwitchedProtocols));
    }

    #[tokio::test]
    async fn only_a_connection_with_a_clear_end_is_reusable() {
        let cases: [(&[u8], bool); 9] = [
            (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true),
            (b"HTTP/1.1 204 OK\r\n\r\n", true),
            (b"HTTP/1.1 200 OK\r\n\r\nok", false),
            (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: Close\r\n\r\nok", false),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok!", false),
            (b"HTTP/1.1 204 OK\r\nContent-Length: 2\r\n\r\nok", false),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false),
        ];
        for (bytes, reusable) in cases {
            assert_eq!(answer(bytes).await.unwrap().reusable, reusable, "{}", bytes.escape_ascii());
        }
    }

    #[tokio::test]
    async fn a_cut_body_leaves_no_reusable_connection_even_if_nothing_more_has_arrived() {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", LONGEST_BODY + 1);
        let response = answer(&[head.as_bytes(), &vec![b'a'; LONGEST_BODY]].concat()).await.unwrap();
        assert!(response.body_truncated && !response.reusable);
    }

    #[tokio::test]
    async fn what_is_not_a_response_is_named_as_such() {
        let cases: [(&[u8], &str); 5] = [
            (b"SSH-2.0-x\r\n", "it has no HTTP/1 status line"),
            (b"HTTP/2 200\r\n", "it has no HTTP/1 status line"),
            (b"HTTP/1.1 2x0 OK\r\n", "the status line is wrong"),
            (b"HTTP/1.1 099 OK\r\n\r\n", "the status line is wrong"),
            (b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "a field name is wrong"),
        ];
        for (bytes, expected) in cases {
            let Err(ExchangeError::NotHttp { reason, .. }) = answer(bytes).await else {
                panic!("{}", bytes.escape_ascii());
            };
            assert_eq!(reason, expected, "{}", bytes.escape_ascii());
        }
    }

    #[tokio::test]
    async fn a_head_over_a_limit_is_refused() {
        let of_length = |length: usize| {
            let around = "HTTP/1.1 204 OK\r\nA: \r\n\r\n".len();
            format!("HTTP/1.1 204 OK\r\nA: {}\r\n\r\n", "a".repeat(length - around))
        };
        assert!(answer(of_length(LONGEST_HEAD).as_bytes()).await.is_ok());
        assert_eq!(answer(of_length(LONGEST_HEAD + 1).as_bytes()).await, Err(ExchangeError::HeadTooLong));
        let endless = format!("HTTP/1.1 204 OK\r\nA: {}", "a".repeat(LONGEST_HEAD * 2));
        assert_eq!(answer(endless.as_bytes()).await, Err(ExchangeError::HeadTooLong));
        let many = format!("HTTP/1.1 204 OK\r\n{}\r\n", "a: b\r\n".repeat(MOST_FIELDS + 1));
        assert_eq!(answer(many.as_bytes()).await, Err(ExchangeError::HeadTooLong));
    }
}
