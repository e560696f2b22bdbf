//! A request as bytes: what the verifier reads and the signer writes. It must not know any scheme.

use std::borrow::Cow;

use crate::encoding::same_word;

/// A request, borrowed. Field lines keep order, case, duplicates and bytes.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Whether it came over TLS.
    pub secure: bool,
    /// Method as sent.
    pub method: &'a str,
    /// Request target as sent (origin form: path and query).
    pub target: &'a str,
    /// Field lines in order: name and value without surrounding white space (RFC 9110 section 5.5).
    pub fields: &'a [(String, Vec<u8>)],
    /// Content as sent.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// The target before `?`.
    pub fn path(&self) -> &'a str {
        let end = memchr::memchr(b'?', self.target.as_bytes()).unwrap_or(self.target.len());
        self.target.get(..end).unwrap_or(self.target)
    }

    /// The target after `?`; empty if there is none.
    pub fn query(&self) -> &'a str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// The values of all lines with this name, any case.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.fields
            .iter()
            .filter(move |(n, _)| same_word(n.as_bytes(), name.as_bytes()))
            .map(|(_, value)| value.as_slice())
    }

    /// The same request, owning its bytes.
    pub fn to_message(&self) -> Message {
        Message {
            secure: self.secure,
            method: self.method.into(),
            target: self.target.into(),
            fields: self.fields.to_vec(),
            body: self.body.to_vec(),
        }
    }

    /// The host of the one Host line, lower case, without the default port of https (RFC 3986 section 6.2.3);
    /// `None` if there is none, or several, or it is empty or not text.
    pub fn host(&self) -> Option<Cow<'a, str>> {
        let mut hosts = self.values("host");
        let host = hosts.next()?;
        if hosts.next().is_some() {
            return None;
        }
        let host = std::str::from_utf8(host).ok()?.trim_ascii();
        let host = host.strip_suffix(":443").filter(|_| self.secure).unwrap_or(host);
        if host.is_empty() {
            None
        } else if host.bytes().fold(false, |any, b| any | b.is_ascii_uppercase()) {
            Some(Cow::Owned(host.to_ascii_lowercase()))
        } else {
            Some(Cow::Borrowed(host))
        }
    }
}

/// A request that owns its bytes, as the signer makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Whether it goes over TLS.
    pub secure: bool,
    /// Method.
    pub method: String,
    /// Request target (origin form).
    pub target: String,
    /// Field lines in order.
    pub fields: Vec<(String, Vec<u8>)>,
    /// Content.
    pub body: Vec<u8>,
}

impl Message {
    /// The request as a verifier reads it.
    pub fn request(&self) -> Request<'_> {
        Request {
            secure: self.secure,
            method: &self.method,
            target: &self.target,
            fields: &self.fields,
            body: &self.body,
        }
    }

    /// The bytes of an HTTP/1.1 message (RFC 9112), with Content-Length if there is content or the method
    /// has a meaning for it.
    pub fn wire(&self) -> Vec<u8> {
        self.wire_with([])
    }

    /// As [`Self::wire`], with more field lines after its own.
    pub fn wire_with<'m>(&self, more: impl IntoIterator<Item = (&'m str, &'m [u8])>) -> Vec<u8> {
        let mut out = Vec::with_capacity(1024 + self.body.len());
        out.extend_from_slice(self.method.as_bytes());
        out.push(b' ');
        out.extend_from_slice(self.target.as_bytes());
        out.extend_from_slice(b" HTTP/1.1\r\n");
        let mut line = |name: &str, value: &[u8]| {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        };
        self.fields.iter().for_each(|(name, value)| line(name, value));
        more.into_iter().for_each(|(name, value)| line(name, value));
        let framed = self.request().values("content-length").next().is_some()
            || self.request().values("transfer-encoding").next().is_some();
        let wants_length = !self.body.is_empty() || matches!(self.method.as_str(), "POST" | "PUT" | "PATCH");
        if wants_length && !framed {
            out.extend_from_slice(format!("Content-Length: {}\r\n", self.body.len()).as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
        out
    }
}

/// Whether a text is a token (RFC 9110 section 5.6.2), as methods, names of fields and auth-schemes are.
pub fn is_token(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(fits)
}

/// Percent-decodes a path segment or query value (RFC 3986 section 2.1); `None` if the escapes are broken
/// or the result is not UTF-8.
pub fn percent_decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
            let value = digit(bytes.next())? * 16 + digit(bytes.next())?;
            out.push(u8::try_from(value).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

/// Percent-encodes everything but unreserved characters (RFC 3986 section 2.3), upper-case hex.
pub fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
