//! What is tested: something that requests can be sent to. In process and HTTP are two implementations.
//! It must not judge.

use bearproof_scheme::request::Message;

/// A system under test, reached in one way.
pub trait Subject: Sync {
    /// Sends a request and returns what came back. `step` counts the exchanges of one vector, from 0.
    ///
    /// # Errors
    /// Why the question could not be asked, or was not answered.
    fn send(&self, message: &Message, step: usize) -> Result<Observation, SubjectError>;

    /// Asks the target's hook to end the credential of this role.
    ///
    /// # Errors
    /// [`SubjectError::Unsupported`] if there is no such hook.
    fn revoke(&self, role: &str) -> Result<(), SubjectError>;

    /// Lets time pass on the target, in seconds.
    ///
    /// # Errors
    /// [`SubjectError::Unsupported`] if there is no such hook.
    fn wait(&self, seconds: u64) -> Result<(), SubjectError>;

    /// The time by the target's clock, in seconds since 1970 UTC.
    fn now(&self) -> u64;

    /// The same, for what ends with this very second: where the way to the target takes time it waits for the start of
    /// a second, because in the next one a target would be right by chance.
    fn now_at_start(&self) -> u64 {
        self.now()
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Status code.
    pub status: u16,
    /// Field lines.
    pub fields: Vec<(String, Vec<u8>)>,
    /// Content, possibly cut.
    pub body: Vec<u8>,
    /// The reason code, where the subject tells it; empty for let in.
    pub reason: Option<String>,
}

impl Observation {
    /// The first field of this name.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_slice())
    }
}

/// Why there is no observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectError {
    /// No connection.
    Unreachable(String),
    /// The connection was closed before anything came back.
    Closed,
    /// The answer broke off, or was no HTTP.
    Broken(String),
    /// No answer in time.
    Hang(String),
    /// The target can't do that.
    Unsupported(String),
    /// Nothing more is asked of the target, as was agreed before or as it asked itself.
    Stopped(String),
}

/// The words of [`SubjectError::Closed`].
pub(crate) const CLOSED: &str = "the connection was closed without an answer";

impl SubjectError {
    /// What happened, in words.
    pub fn words(&self) -> &str {
        match self {
            Self::Closed => CLOSED,
            Self::Unreachable(text)
            | Self::Broken(text)
            | Self::Hang(text)
            | Self::Unsupported(text)
            | Self::Stopped(text) => text,
        }
    }
}
