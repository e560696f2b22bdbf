//! A world: credentials by role, endpoints by role, and a clock. A profile is a world with an address.
//! Reading one is [`load`]. It must not know what a request is.

mod captured;
mod load;

use std::borrow::Cow;
use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use crate::description::{Part, Type};
use crate::document::Fault;
use crate::key::{Key, P256Key, RsaKey, Secret};
use crate::request::Message;
pub use captured::Captured;
pub use load::{check_choices, load, read_choices, read_scheme};

/// Gives the values that a world names but does not contain.
pub trait Resolver {
    /// Content of a file, by a path relative to the world's file.
    ///
    /// # Errors
    /// Why it can't be read.
    fn file(&self, path: &str) -> Result<Vec<u8>, String>;
    /// Value of an environment variable.
    ///
    /// # Errors
    /// Why there is none.
    fn variable(&self, name: &str) -> Result<String, String>;
    /// The request that these bytes are, in any of the forms that people have at hand.
    ///
    /// # Errors
    /// The first [`Fault`] of the bytes.
    fn request(&self, _bytes: &[u8]) -> Result<Message, Fault> {
        Err(Fault::whole("the captured request", "requests are not read here", "give credentials instead"))
    }
}

/// The role of the caller that every world has.
const PRIMARY: &str = "primary";

/// A value that a credential, a platform or an endpoint has.
#[derive(Debug, Clone)]
pub enum Value {
    /// Public text.
    Text(Arc<str>),
    /// Secret text or bytes.
    Secret(Secret),
    /// Whole number.
    Integer(i64),
    /// List of texts.
    List(Arc<[Arc<str>]>),
    /// RSA key pair.
    Rsa(Arc<RsaKey>),
    /// P-256 key pair.
    P256(Arc<P256Key>),
}

impl Value {
    /// The value as bytes, as pipelines read it; key pairs have none.
    pub fn bytes(&self) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text.as_bytes())),
            Self::Secret(secret) => Some(Cow::Borrowed(secret.expose())),
            Self::Integer(number) => Some(Cow::Owned(number.to_string().into_bytes())),
            Self::List(items) => Some(Cow::Owned(items.join(" ").into_bytes())),
            Self::Rsa(_) | Self::P256(_) => None,
        }
    }

    /// A list of texts.
    pub fn list(texts: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Self {
        Self::List(texts.into_iter().map(Into::into).collect())
    }

    /// The items of a list, or the one item that anything else is; key pairs have none.
    pub fn items(&self) -> Option<Items<'_>> {
        match self {
            Self::List(items) => Some(items.iter().map(|i| Cow::Borrowed(i.as_bytes())).collect()),
            _ => self.bytes().map(|bytes| smallvec![bytes]),
        }
    }

    /// The value as a key; what is no secret is none.
    pub fn key(&self) -> Option<Key<'_>> {
        match self {
            Self::Secret(secret) => Some(Key::Secret(secret)),
            Self::Rsa(rsa) => Some(Key::Rsa(rsa)),
            Self::P256(pair) => Some(Key::P256(pair)),
            Self::Text(_) | Self::Integer(_) | Self::List(_) => None,
        }
    }

    /// The value as secret bytes; what is no such secret, a key pair as well, is none.
    pub fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Secret(secret) => Some(secret),
            _ => None,
        }
    }

    /// Whether the value must not be shown.
    pub fn is_secret(&self) -> bool {
        matches!(self, Self::Secret(_) | Self::Rsa(_) | Self::P256(_))
    }
}

/// The items of a list, as access rules compare them.
pub type Items<'v> = SmallVec<[Cow<'v, [u8]>; 4]>;

/// Named values. They lie in what has them, with names that all callers of a world's file share: the verifier finds one caller of a million
/// in memory that is in no cache, where each pointer that is followed costs as much as a hash.
pub type Values = SmallVec<[(Arc<str>, Value); 4]>;

/// The value with this name.
pub fn value<'v>(values: &'v Values, name: &str) -> Option<&'v Value> {
    values.iter().find(|(n, _)| &**n == name).map(|(_, value)| value)
}

/// Whether a credential may still be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It may.
    Active,
    /// It was taken back.
    Revoked,
    /// Its time is over.
    Expired,
    /// Its owner may not act for now.
    Disabled,
}

/// What a caller holds, in the order in which the verifier reads it.
#[derive(Debug, Clone)]
#[repr(C)]
pub struct Credential {
    /// Whether it may be used.
    pub state: State,
    /// Its values.
    pub values: Values,
    /// Its role in recipes.
    pub role: String,
    /// A token that the platform gave to this caller: all that a profile has where only the platform can sign.
    pub captured: Option<Secret>,
    /// A whole request of this caller, with its token or secret in it, where nobody here can make another one.
    pub request: Option<Captured>,
    /// Values that came from the environment or a file: not to be shown, whatever their kind.
    pub private: Vec<Secret>,
}

/// What the verifying side holds.
#[derive(Debug, Clone)]
pub struct Platform {
    /// `primary`, or another environment.
    pub role: String,
    /// Its values.
    pub values: Values,
}

/// A place to send requests to.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Its role in recipes; an operation's endpoint has the operation's name.
    pub role: String,
    /// Method.
    pub method: String,
    /// Path with `{parameter}`.
    pub path: String,
    /// Query without `?`; empty if there is none.
    pub query: String,
    /// Values of the path parameters, decoded.
    pub parameters: Vec<(String, String)>,
    /// Body of the good request.
    pub body: Vec<u8>,
    /// Further fields of the good request.
    pub fields: Vec<(String, String)>,
    /// Attributes that access rules read.
    pub attributes: Values,
    /// How "in" is told.
    pub success: Success,
}

/// How an answer that lets the caller in is told from one that does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Success {
    /// Statuses that mean in; empty: any 2xx.
    pub status: Vec<u16>,
    /// JSON Pointer that must be there.
    pub pointer: Option<String>,
    /// Field that must be there.
    pub field: Option<String>,
}

/// What vectors may do to a target only where its profile says so by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Recording and ending of credentials.
    SideEffects,
    /// Input that costs a careless server much time or memory.
    DenialOfService,
    /// Input that a careless server hands on to a database or a file system.
    Injection,
}

impl Permission {
    /// All, in the order in which they are listed.
    pub const ALL: [Self; 3] = [Self::SideEffects, Self::DenialOfService, Self::Injection];

    /// The word in profiles and recipes.
    pub fn name(self) -> &'static str {
        match self {
            Self::SideEffects => "side-effects",
            Self::DenialOfService => "denial-of-service",
            Self::Injection => "injection",
        }
    }
}

/// What changes a target beside its API, by a command or a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hooks {
    /// Ends the credential of the role `{role}`.
    pub revoke: Option<Hook>,
    /// Moves the clock ahead by `{seconds}`.
    pub clock: Option<Hook>,
    /// Puts all back as it was.
    pub forget: Option<Hook>,
}

impl Hooks {
    /// The hooks of an origin that has them as [`Connect::control`] says.
    pub fn at(origin: &str) -> Self {
        let post = |path: &str| Some(Hook::Request { method: "POST".into(), url: format!("{origin}{path}") });
        Self {
            revoke: post("/revoke?role={role}"),
            clock: post("/clock?advance={seconds}"),
            forget: post("/forget"),
        }
    }
}

impl Connect {
    /// All hooks: those given one by one go before those of the control origin.
    pub fn all_hooks(&self) -> Hooks {
        let Hooks { revoke, clock, forget } = self.hooks.clone();
        let usual = self.control.as_deref().map(Hooks::at).unwrap_or_default();
        Hooks {
            revoke: revoke.or(usual.revoke),
            clock: clock.or(usual.clock),
            forget: forget.or(usual.forget),
        }
    }
}

/// One hook, with `{role}` or `{seconds}` where such a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hook {
    /// A program and its arguments; it ends with 0 when it is done.
    Command(Vec<String>),
    /// Method and URL; the answer to it is a 2xx.
    Request {
        /// Method.
        method: String,
        /// Scheme, host, port, path and query.
        url: String,
    },
}

/// How a live target is reached, where that does not follow from the origin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connect {
    /// Origin to connect to instead, such as `http://127.0.0.1:8080`.
    pub address: Option<String>,
    /// Origin of the same API over plain HTTP.
    pub plain: Option<String>,
    /// Origin of the hooks (clock, revoke, forget).
    pub control: Option<String>,
    /// PEM file of a further certificate authority, relative to the profile.
    pub ca: Option<String>,
    /// PEM file of the certificate (and its chain) that the client shows, relative to the profile.
    pub client_certificate: Option<String>,
    /// The private key of that certificate, PEM.
    pub client_key: Option<Secret>,
    /// Hosts whose certificate is not checked.
    pub insecure: Vec<String>,
    /// What an admin of the target can do for a run.
    pub hooks: Hooks,
    /// What else than asking is permitted.
    pub permit: Vec<Permission>,
    /// Hosts that may be contacted although they are not loopback.
    pub allow: Vec<String>,
    /// A field in which each request says run and vector, for the owner's logs.
    pub tag: Option<String>,
}

/// A whole world.
#[derive(Debug, Clone)]
pub struct World {
    /// The scheme; only profiles say it.
    pub scheme: Option<String>,
    /// How a live target is reached.
    pub connect: Connect,
    /// File of the known deviations of a target, relative to the profile.
    pub known: Option<String>,
    /// Seconds since 1970 UTC; `None` in a profile: the real time.
    pub clock: Option<u64>,
    /// Scheme, host and port by which the API is known.
    pub origin: String,
    /// Tolerance for clocks, in seconds.
    pub leeway: u64,
    /// Options taken for choices.
    pub choose: Vec<(String, String)>,
    /// Claims that the target wants beside those of the scheme; the scheme's parts hold them too.
    pub extra_claims: Vec<Part>,
    /// Parts of which another than the first type is written, by path; the scheme's parts say it too.
    pub types: Vec<(String, Type)>,
    /// Paths of secrets that stand in the file itself.
    pub inline: Vec<String>,
    /// Verifying sides by role; `primary` first.
    pub platforms: Vec<Platform>,
    /// Callers by role.
    pub credentials: Vec<Credential>,
    /// Endpoints by role.
    pub endpoints: Vec<Endpoint>,
}

impl World {
    /// The credential of a role.
    pub fn credential(&self, role: &str) -> Option<&Credential> {
        self.credentials.iter().find(|c| c.role == role)
    }

    /// The platform of a role.
    pub fn platform(&self, role: &str) -> Option<&Platform> {
        self.platforms.iter().find(|p| p.role == role)
    }

    /// The endpoint of a role.
    pub fn endpoint(&self, role: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|e| e.role == role)
    }

    /// Host and port of the origin, lower case, as in the Host field.
    pub fn host(&self) -> String {
        self.origin.split_once("://").map_or(self.origin.as_str(), |(_, host)| host).to_ascii_lowercase()
    }
}
