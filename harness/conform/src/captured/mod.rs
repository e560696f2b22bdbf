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
    let Some(start) = bytes.iter().position(|b| !b.is_ascii_whitespace()) else {
        let message = "there is no request, expected raw HTTP/1.1, a curl command or a HAR";
        return Err(text.fault(0, message, "give the request on standard input"));
    };
    let rest = bytes.get(start..).unwrap_or_default();
    if rest.starts_with(b"{") {
        return har::read(&text);
    }
    let word = rest.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    if word == b"curl" || word == b"$" {
        return curl::read(&text, start);
    }
    raw::read(&text, start)
}
