//! Messages as bytes (RFC 9112), and percent-encoding (RFC 3986).

use bearproof_scheme::Message;
use bearproof_scheme::request::{percent_decode, percent_encode};

fn message(method: &str, fields: &[(&str, &str)], body: &str) -> Message {
    Message {
        secure: true,
        method: method.into(),
        target: "/things?x=1?y".into(),
        fields: fields.iter().map(|(name, value)| ((*name).into(), value.as_bytes().to_vec())).collect(),
        body: body.as_bytes().to_vec(),
    }
}

fn wire(method: &str, fields: &[(&str, &str)], body: &str) -> String {
    String::from_utf8(message(method, fields, body).wire()).unwrap()
}

/// RFC 9112 section 2.1 and 3: request line, field lines, empty line, content. RFC 9110 section 8.6: Content-Length
/// is sent where there is content, and where the method has a meaning for it.
#[test]
fn a_message_is_framed_once() {
    let host = ("Host", "a.example");
    assert_eq!(wire("GET", &[host], ""), "GET /things?x=1?y HTTP/1.1\r\nHost: a.example\r\n\r\n");
    assert_eq!(
        wire("GET", &[host], "{}"),
        "GET /things?x=1?y HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\n{}"
    );
    for method in ["POST", "PUT", "PATCH"] {
        let framed = format!("{method} /things?x=1?y HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(wire(method, &[], ""), framed);
    }
    assert_eq!(wire("DELETE", &[], ""), "DELETE /things?x=1?y HTTP/1.1\r\n\r\n");
    // Whoever brings a length or a coding of his own is not corrected: RFC 9112 section 6.3 decides what it means.
    assert_eq!(
        wire("POST", &[("content-length", "7")], "{}"),
        "POST /things?x=1?y HTTP/1.1\r\ncontent-length: 7\r\n\r\n{}"
    );
    assert_eq!(
        wire("POST", &[("Transfer-Encoding", "chunked")], "0\r\n\r\n"),
        "POST /things?x=1?y HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    );
}

/// RFC 3986 section 3.4: the query begins at the first question mark.
#[test]
fn a_target_is_cut_at_the_first_question_mark() {
    let message = message("GET", &[], "");
    assert_eq!((message.request().path(), message.request().query()), ("/things", "x=1?y"));
    let bare = Message { target: "/things".into(), ..message };
    assert_eq!((bare.request().path(), bare.request().query()), ("/things", ""));
}

/// RFC 9110 section 7.2: one Host. RFC 3986 section 6.2.3: the default port may be left out.
#[test]
fn a_host_is_one_and_without_its_default_port() {
    let host = |secure: bool, lines: &[(&str, &str)]| {
        let message = Message { secure, ..message("GET", lines, "") };
        message.request().host().map(std::borrow::Cow::into_owned)
    };
    let found = |text: &str| Some(text.to_string());
    assert_eq!(host(true, &[("HOST", "A.Example:443")]), found("a.example"));
    assert_eq!(host(true, &[("Host", "a.example:8443")]), found("a.example:8443"));
    assert_eq!(host(false, &[("Host", "a.example:443")]), found("a.example:443"));
    assert_eq!(host(true, &[("Host", " a.example\t")]), found("a.example"));
    assert_eq!(host(true, &[("Host", "a.example"), ("host", "a.example")]), None);
    assert_eq!(host(true, &[("Host", "")]), None);
    assert_eq!(host(true, &[]), None);
}

/// RFC 3986 sections 2.1 and 2.3.
#[test]
fn all_but_unreserved_characters_is_percent_encoded() {
    assert_eq!(percent_encode("AZaz09-._~"), "AZaz09-._~");
    assert_eq!(percent_encode(" /?#%+é\u{7f}"), "%20%2F%3F%23%25%2B%C3%A9%7F");
    assert_eq!(percent_decode("a%2Fb%2f%C3%A9+").as_deref(), Some("a/b/é+"));
    for broken in ["%", "%2", "%zz", "%2z", "%z2", "%FF", "a%"] {
        assert_eq!(percent_decode(broken), None, "{broken}");
    }
}
