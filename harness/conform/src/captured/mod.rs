//! Reads a request as somebody has it at hand: raw HTTP/1.1, a `curl` command line, or a HAR. Bytes stay as they are.
//! It must not correct them: what is wrong may be what is looked for.

mod curl;
mod har;
mod place;
mod raw;
mod shell;
mod url;

use bearproof_scheme::Fault;
use bearproof_scheme::request::Message;

use place::Text;

/// Largest input, in bytes.
pub const LARGEST: usize = 16 * 1024 * 1024;

/// Reads a request; `name` is what a fault calls the input.
///
/// # Errors
/// A [`Fault`] with line and column, what was expected, and what to do.
pub fn read(name: &str, bytes: &[u8]) -> Result<Message, Fault> {
    let text = Text { name, bytes };
    if bytes.len() > LARGEST {
        return Err(text.fault(LARGEST, "the input is longer than 16 MiB", "give one request alone"));
    }
    let rest = bytes.trim_ascii_start();
    if rest.is_empty() {
        let message = "there is no request, expected raw HTTP/1.1, a curl command or a HAR";
        return Err(text.fault(0, message, "give the request on standard input"));
    }
    let start = bytes.len() - rest.len();
    if rest.starts_with(b"{") {
        return har::read(&text);
    }
    if matches!(rest.split(u8::is_ascii_whitespace).next(), Some(b"curl" | b"$")) {
        return curl::read(&text, start);
    }
    raw::read(&text, start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> Message {
        read("test", text.as_bytes()).unwrap()
    }

    #[test]
    fn a_curl_command_is_the_request_that_curl_sends() {
        for (command, method, target, body) in [
            ("curl https://h.example", "GET", "/", ""),
            ("curl h.example/a?b=c#d", "GET", "/a?b=c", ""),
            ("curl -I https://h.example/a", "HEAD", "/a", ""),
            ("curl -sSXPUT https://h.example/a", "PUT", "/a", ""),
            ("curl https://h.example/a -d a=1 --data b=2", "POST", "/a", "a=1&b=2"),
            ("curl -G https://h.example/a?x=y -d a=1", "GET", "/a?x=y&a=1", ""),
            ("curl --json '{\"a\":' --json 1} https://h.example/a", "POST", "/a", "{\"a\":1}"),
            ("curl --request=PATCH --url https://h.example/a -d x", "PATCH", "/a", "x"),
            ("curl https://h.example/a --data-raw @x", "POST", "/a", "@x"),
            ("curl https://h.example/a --data-urlencode 'n=a b&c'", "POST", "/a", "n=a%20b%26c"),
            ("curl https://h.example/a -d $'it\\'s\\n\\u00eb\\x41'", "POST", "/a", "it's\n\u{eb}A"),
            ("curl https://h.example/a -d \"a\\\"b\\c\" -o /dev/null", "POST", "/a", "a\"b\\c"),
            ("$ curl https://h.example/a \\\n  -d 'two\nlines' ", "POST", "/a", "two\nlines"),
        ] {
            let message = request(command);
            let got = (message.method.as_str(), message.target.as_str(), message.body.as_slice());
            assert_eq!(got, (method, target, body.as_bytes()), "{command}");
            assert_eq!(message.request().host().as_deref(), Some("h.example"), "{command}");
        }
    }

    #[test]
    fn fields_of_a_curl_command_are_those_that_curl_sends() {
        let text =
            "curl -k http://h.example:81/ -u me:pw -H 'A: b' -H 'Empty;' -H 'Content-Type:' -b c=d -d x";
        let message = request(text);
        assert!(!message.secure);
        let fields: Vec<(&str, &[u8])> =
            message.fields.iter().map(|(n, v)| (n.as_str(), v.as_slice())).collect();
        let wanted: [(&str, &[u8]); 5] = [
            ("Host", b"h.example:81"),
            ("Authorization", b"Basic bWU6cHc="),
            ("A", b"b"),
            ("Empty", b""),
            ("Cookie", b"c=d"),
        ];
        assert_eq!(fields, wanted);
    }

    #[test]
    fn raw_requests_keep_their_bytes() {
        let message = request("POST /a%2f?b HTTP/1.1\nhost: h\nX: \u{eb} \nx:2\n\n{}\r\n");
        assert_eq!((message.target.as_str(), message.body.as_slice()), ("/a%2f?b", b"{}\r\n".as_slice()));
        let values: Vec<&[u8]> = message.request().values("x").collect();
        assert_eq!(values, ["\u{eb}".as_bytes(), b"2"]);
        assert!(message.secure);
        let stated = request("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}\n");
        assert_eq!(stated.body, b"{}", "an editor's line end is not the body's");
        let absolute = request("GET http://h.example/a HTTP/1.1\r\n\r\n");
        assert!(!absolute.secure);
        assert_eq!(absolute.request().host().as_deref(), Some("h.example"));
    }

    #[test]
    fn the_first_entry_of_a_har_is_read() {
        let request_text = r#"{"method": "POST", "url": "https://h.example/a?b#c", "headers":
            [{"name": ":authority", "value": "h.example"}, {"name": ":method", "value": "POST"},
             {"name": "X", "value": "1"}], "postData": {"mimeType": "t", "text": "é"}}"#;
        for text in [
            request_text.to_string(),
            format!(r#"{{"log": {{"entries": [{{"request": {request_text}}}, {{"request": null}}]}}}}"#),
        ] {
            let message = request(&text);
            assert_eq!((message.method.as_str(), message.target.as_str()), ("POST", "/a?b"));
            assert_eq!(message.body, "é".as_bytes());
            let names: Vec<&str> = message.fields.iter().map(|(n, _)| n.as_str()).collect();
            assert_eq!(names, ["Host", "X"]);
        }
    }
}
