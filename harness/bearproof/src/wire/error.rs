//! Why an exchange gave no answer. It must not hold a byte of the request: requests carry secrets.

use std::fmt::{self, Display};
use std::net::SocketAddr;
use std::time::Duration;

/// What the client was waiting for when its time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// The name, the connection or the TLS handshake.
    Connect,
    /// Anything at all from the other side.
    FirstByte,
    /// The rest of an answer that has begun.
    Body,
}

/// Every way an exchange can end without a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ExchangeError {
    /// The host is not a loopback address and was not allowed by its name. Nothing was sent.
    NotAllowed {
        /// As the origin names it.
        host: String,
    },
    /// The name has no address.
    Resolve {
        /// As the origin names it.
        host: String,
        /// What the system says.
        reason: String,
    },
    /// Nobody listens at this address.
    Refused {
        /// The last address that was tried.
        address: SocketAddr,
    },
    /// No connection, for another reason than a refusal.
    Connect {
        /// The last address that was tried.
        address: SocketAddr,
        /// What the system says.
        reason: String,
    },
    /// The system gave no event loop to wait with, for example because too many files are open.
    NoLoop {
        /// What the system says.
        reason: String,
    },
    /// The TLS handshake or a TLS record failed.
    Tls {
        /// In plain words.
        reason: String,
    },
    /// A time limit was reached.
    TimedOut {
        /// What was still missing.
        what: Waiting,
        /// The limit.
        limit: Duration,
    },
    /// The other side closed or reset the connection before the response was complete.
    Reset {
        /// Whether anything had arrived.
        partial: bool,
    },
    /// The answer is not the head of an HTTP/1 response (RFC 9112 section 2.1).
    NotHttp {
        /// What is wrong with it.
        reason: &'static str,
        /// Its beginning, escaped, at most 60 characters, with everything masked that repeats the request.
        excerpt: String,
    },
    /// The head of the response is longer than 64 KiB or has more than 256 field lines.
    HeadTooLong,
    /// The end of the body can't be known (RFC 9112 sections 6.3 and 7.1).
    BadFraming {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// 101: the other side left HTTP/1.1, which nobody asked for.
    SwitchedProtocols,
}

impl ExchangeError {
    /// Whether a time limit was reached, whatever was waited for.
    pub(crate) fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut { .. })
    }

    /// Whether there was no working connection to ask over. A host that is not allowed is not unreachable:
    /// nobody tried.
    pub(crate) fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Resolve { .. }
                | Self::Refused { .. }
                | Self::Connect { .. }
                | Self::NoLoop { .. }
                | Self::Tls { .. }
                | Self::TimedOut { what: Waiting::Connect, .. }
        )
    }
}

impl Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAllowed { host } => {
                write!(f, "`{host}` is not a loopback address: allow the host `{host}` by name to send to it")
            }
            Self::Resolve { host, reason } => write!(f, "no address found for `{host}`: {reason}"),
            Self::Refused { address } => write!(f, "connection refused by {address}"),
            Self::Connect { address, reason } => write!(f, "no connection to {address}: {reason}"),
            Self::NoLoop { reason } => write!(f, "no event loop to wait with: {reason}"),
            Self::Tls { reason } => write!(f, "TLS failed: {reason}"),
            Self::TimedOut { what, limit } => {
                let what = match what {
                    Waiting::Connect => "no connection",
                    Waiting::FirstByte => "no answer",
                    Waiting::Body => "no complete answer",
                };
                write!(f, "{what} within {}", Span(*limit))
            }
            Self::Reset { partial: false } => f.write_str("the connection was closed without an answer"),
            Self::Reset { partial: true } => {
                f.write_str("the connection was closed before the answer was complete")
            }
            Self::NotHttp { reason, excerpt } => {
                write!(f, "the answer is not HTTP/1.1, {reason}: it begins `{excerpt}`")
            }
            Self::HeadTooLong => {
                f.write_str("the head of the answer is longer than 64 KiB or has more than 256 field lines")
            }
            Self::BadFraming { reason } => write!(f, "the end of the answer can't be known: {reason}"),
            Self::SwitchedProtocols => {
                f.write_str("the answer is 101, a change of protocol that was not asked for")
            }
        }
    }
}

impl std::error::Error for ExchangeError {}

/// A duration as people write it: whole seconds as seconds, anything else as milliseconds.
struct Span(Duration);

impl Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.subsec_nanos() == 0 {
            write!(f, "{} s", self.0.as_secs())
        } else {
            write!(f, "{} ms", self.0.as_millis())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_what_happened_in_plain_words() {
        let limit = Duration::from_secs(5);
        let cases = [
            (ExchangeError::TimedOut { what: Waiting::FirstByte, limit }, "no answer within 5 s"),
            (
                ExchangeError::TimedOut { what: Waiting::Connect, limit: Duration::from_millis(1500) },
                "no connection within 1500 ms",
            ),
            (
                ExchangeError::Refused { address: ([127, 0, 0, 1], 4).into() },
                "connection refused by 127.0.0.1:4",
            ),
            (
                ExchangeError::NotAllowed { host: "api.example".to_owned() },
                "`api.example` is not a loopback address: allow the host `api.example` by name to send to it",
            ),
        ];
        for (error, expected) in cases {
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn only_a_missing_connection_is_unreachable() {
        let limit = Duration::from_secs(1);
        let connect = ExchangeError::TimedOut { what: Waiting::Connect, limit };
        let body = ExchangeError::TimedOut { what: Waiting::Body, limit };
        assert!(connect.is_timeout() && connect.is_unreachable());
        assert!(body.is_timeout() && !body.is_unreachable());
        assert!(!ExchangeError::Reset { partial: false }.is_unreachable());
        assert!(!ExchangeError::NotAllowed { host: String::new() }.is_unreachable());
    }
}
