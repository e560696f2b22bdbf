//! Tells what a request means for its connection: whether it may be sent twice, and whether it leaves the connection fit
//! for the next one. It must not change, refuse or judge a
//! request.

use super::fields;

/// More field lines than this make a request unusual.
const MOST_FIELDS: usize = 256;

/// Whether the method asks for nothing but an answer (RFC 9110 section 9.2.1).
pub(super) fn is_safe(request: &[u8]) -> bool {
    let safe: [&[u8]; 4] = [b"GET ", b"HEAD ", b"OPTIONS ", b"TRACE "];
    safe.iter().any(|method| request.starts_with(method))
}

/// Whether any server must see the end of this request where its bytes end: one well-formed HTTP/1.1 head and
/// as much content as its one `Content-Length` says (RFC 9112 section 6.3).
///
/// After anything else a server may wait for more, or take what is left for the next request, and the answer to
/// that one would be about the wrong bytes.
pub(super) fn ends_clearly(request: &[u8]) -> bool {
    let mut headers = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut parsed = httparse::Request::new(&mut headers);
    let Ok(httparse::Status::Complete(head)) = parsed.parse(request) else { return false };
    let http_1_1 = parsed.version == Some(1);
    let fields = fields::owned(parsed.headers);
    let (Some(head), Some(content)) = (request.get(..head), request.get(head..)) else { return false };

    let lengths: Vec<_> = fields::values(&fields, "content-length").collect();
    let length_fits = match lengths.as_slice() {
        [] => content.is_empty(),
        [length] => *length == content.len().to_string().as_bytes(),
        _ => false,
    };
    let unusual = ["transfer-encoding", "expect", "upgrade"];
    http_1_1
        && length_fits
        && line_ends_are_plain(head)
        && !fields::has_element(&fields, "connection", "close")
        && !fields.iter().any(|(name, _)| unusual.iter().any(|other| name.eq_ignore_ascii_case(other)))
}

/// No empty line first and no line end but CR LF: servers differ on both (RFC 9112 section 2.2).
fn line_ends_are_plain(head: &[u8]) -> bool {
    !head.starts_with(b"\r")
        && !head.starts_with(b"\n")
        && head.split_inclusive(|byte| *byte == b'\n').all(|line| line.ends_with(b"\r\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_request_ends_clearly() {
        assert!(ends_clearly(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert!(ends_clearly(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"));
        assert!(ends_clearly(b"GET / HTTP/1.1\r\nHost: x\r\nHost:  y\r\n\r\n"));
    }

    #[test]
    fn a_request_with_any_doubt_about_its_end_does_not() {
        let cases: [&[u8]; 12] = [
            b"",
            b"GET / HTTP/1.1\r\nHost: x\r\n",
            b"GET / HTTP/1.0\r\nHost: x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\nab",
            b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab",
            b"POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nab",
            b"GET / HTTP/1.1\r\nConnection: x, Close\r\n\r\n",
            b"GET / HTTP/1.1\nHost: x\r\n\r\n",
            b"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET / HTTP/1.1\r\nA: x\r\n y\r\n\r\n",
        ];
        for request in cases {
            assert!(!ends_clearly(request), "{}", request.escape_ascii());
        }
    }
}
