//! An origin (RFC 6454): scheme, host and port, and nothing else of a URL. It must not resolve names or decide
//! who may be asked.

use std::fmt::{self, Display};
use std::net::Ipv6Addr;

/// The form every message about a bad origin names.
const EXPECTED: &str = "expected `https://host:port`";

/// Where requests go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    /// `https` rather than `http`.
    pub(crate) secure: bool,
    /// A name in lower case or an address, an IPv6 address without its brackets.
    pub(crate) host: String,
    /// A TCP port, never 0 after `parse`.
    pub(crate) port: u16,
}

impl Origin {
    /// Reads `http://host`, `https://host:port` or `https://[::1]:port`; the default ports are 80 and 443.
    ///
    /// # Errors
    /// One sentence for anything else, also for a path, a query or a user name.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        // First of all checks, because every other message repeats the text, and here it may hold a password.
        if text.contains('@') {
            return Err(format!("an origin has no user name or password: {EXPECTED}"));
        }
        let (scheme, rest) =
            text.split_once("://").ok_or_else(|| format!("`{text}` has no scheme: {EXPECTED}"))?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(format!("`{text}` is neither http nor https: {EXPECTED}")),
        };
        if rest.contains(['/', '?', '#']) {
            return Err(format!("`{text}` goes on after the port: {EXPECTED}"));
        }
        let (host, port) =
            split_port(rest).ok_or_else(|| format!("`{text}` has no valid host: {EXPECTED}"))?;
        let port = match port {
            None => default_port(secure),
            Some(digits) => read_port(digits)
                .ok_or_else(|| format!("`{text}` has no valid port: expected 1 to 65535 after the `:`"))?,
        };
        Ok(Self { secure, host, port })
    }

    /// The value of a `Host` field for this origin (RFC 9110 section 7.2): the port only if it is not the
    /// default of the scheme (section 4.2.3), an IPv6 address in brackets.
    pub(crate) fn authority(&self) -> String {
        let host = self.bracketed_host();
        if self.port == default_port(self.secure) { host } else { format!("{host}:{}", self.port) }
    }

    fn bracketed_host(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

impl Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

/// The host, and the text after its colon if there is one.
fn split_port(rest: &str) -> Option<(String, Option<&str>)> {
    if let Some(bracketed) = rest.strip_prefix('[') {
        let (inside, after) = bracketed.split_once(']')?;
        let address: Ipv6Addr = inside.parse().ok()?;
        let port = if after.is_empty() { None } else { Some(after.strip_prefix(':')?) };
        return Some((address.to_string(), port));
    }
    let (host, port) = match rest.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (rest, None),
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    (!host.is_empty() && host.bytes().all(plain)).then(|| (host.to_ascii_lowercase(), port))
}

fn read_port(digits: &str) -> Option<u16> {
    // `parse` alone would take `+80`.
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_read_with_its_default_port() {
        let cases = [
            ("http://127.0.0.1", false, "127.0.0.1", 80, "127.0.0.1"),
            ("HTTPS://Api.Example", true, "api.example", 443, "api.example"),
            ("https://api.example:443", true, "api.example", 443, "api.example"),
            ("http://localhost:443", false, "localhost", 443, "localhost:443"),
            ("https://[0:0::1]:8443", true, "::1", 8443, "[::1]:8443"),
            ("http://[::1]", false, "::1", 80, "[::1]"),
        ];
        for (text, secure, host, port, authority) in cases {
            let origin = Origin::parse(text).unwrap();
            assert_eq!(origin, Origin { secure, host: host.to_owned(), port }, "{text}");
            assert_eq!(origin.authority(), authority, "{text}");
        }
    }

    #[test]
    fn an_origin_is_printed_as_it_is_read() {
        for text in ["http://localhost:8080", "https://[::1]:8443", "https://api.example"] {
            assert_eq!(Origin::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_not_an_origin_is_refused() {
        let cases = [
            "localhost:80",
            "ftp://localhost",
            "http://",
            "http://localhost/",
            "http://localhost?x",
            "http://localhost:",
            "http://localhost:0",
            "http://localhost:+80",
            "http://localhost:65536",
            "http://::1",
            "http://[::1",
            "http://[localhost]",
            "http://[::1]8443",
            "http://a b",
        ];
        for text in cases {
            let message = Origin::parse(text).unwrap_err();
            assert!(message.contains(&format!("`{text}`")) && message.contains("expected"), "{message}");
        }
    }

    #[test]
    fn a_password_in_an_origin_is_not_repeated() {
        let message = Origin::parse("https://user:hunter2@localhost").unwrap_err();
        assert!(!message.contains("hunter2"), "{message}");
    }
}
