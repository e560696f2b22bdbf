//! A scheme as data: what `scheme.toml` says, in types. It must not know how values are computed or checked.
//!
//! The words are explained in `vectors/README.md`; reading them is [`load`], the words' meaning is in
//! [`crate::sign`] and [`crate::verify`].

mod load;
mod part;
mod parts;
mod pipeline;
mod token;

use std::sync::Arc;

pub(crate) use load::check_format;
pub use load::load;
pub use part::{Binding, Condition, Lifetime, Nonce, Part, Place, Rule, TimeRule, Type};
pub use pipeline::{Pipeline, Segment, Source, Step, Template};
pub use token::{Alg, Format, TokenRule};

use crate::world::World;

/// A whole scheme.
#[derive(Debug, Clone)]
pub struct Description {
    /// Folder name, for example `hexsafe`.
    pub id: String,
    /// Name for people.
    pub title: String,
    /// Rules for the connection and the request line.
    pub transport: Transport,
    /// Numbered requirements and readings.
    pub requirements: Vec<Requirement>,
    /// Named choices, with the option that was taken.
    pub choices: Vec<Choice>,
    /// What a caller holds: name and kind.
    pub credential: Vec<(Arc<str>, Kind)>,
    /// What the verifying side holds and signs or seals with.
    pub platform: Vec<(Arc<str>, Kind)>,
    /// The token, if there is one.
    pub token: Option<TokenRule>,
    /// Parts of every request, in the order of the file.
    pub parts: Vec<Part>,
    /// Exchanges that issue, record or end credentials.
    pub operations: Vec<Operation>,
    /// Authorisation after authentication.
    pub access: Vec<AccessRule>,
    /// What refusals look like.
    pub refusals: Vec<RefusalRule>,
}

impl Description {
    /// The requirement or reading with this id.
    pub fn requirement(&self, id: &str) -> Option<&Requirement> {
        self.requirements.iter().find(|r| r.id == id)
    }

    /// What every `ref` in the file names, duplicates included.
    pub fn references(&self) -> impl Iterator<Item = &str> {
        let operations = self.operations.iter().flat_map(|o| o.parts.iter().chain(&o.answers));
        let parts = self.parts.iter().chain(operations);
        parts
            .map(|p| &p.reference)
            .chain(self.operations.iter().map(|o| &o.reference))
            .chain(self.access.iter().map(|a| &a.reference))
            .chain(self.refusals.iter().map(|r| &r.reference))
            .chain(self.choices.iter().map(|c| &c.reference))
            .chain([&self.transport.reference])
            .chain(self.token.iter().map(|t| &t.reference))
            .filter_map(Option::as_deref)
    }

    /// Whether callers sign (or seal) tokens themselves, with a key of their own.
    pub fn caller_key(&self) -> bool {
        self.token.as_ref().is_some_and(|t| matches!(t.key, Source::Credential(_)))
    }

    /// The kind of a credential value.
    pub fn credential_kind(&self, name: &str) -> Option<Kind> {
        self.credential.iter().find(|(n, _)| &**n == name).map(|(_, kind)| *kind)
    }

    /// The kind of a platform value.
    pub fn platform_kind(&self, name: &str) -> Option<Kind> {
        self.platform.iter().find(|(n, _)| &**n == name).map(|(_, kind)| *kind)
    }

    /// The operation played at the endpoint of this role.
    pub fn operation(&self, role: &str) -> Option<&Operation> {
        self.operations.iter().find(|o| o.name == role)
    }

    /// The operation that ends a credential, where callers have one.
    pub fn revocation(&self) -> Option<&Operation> {
        self.operations.iter().find(|o| o.kind == OperationKind::Revoke)
    }

    /// The refusal rule for a reason code: the most specific pattern wins.
    pub fn refusal(&self, code: &str) -> Option<&RefusalRule> {
        let stage = code.split('.').next().unwrap_or("");
        let find = |pattern: &str| self.refusals.iter().find(|r| r.pattern == pattern);
        find(code).or_else(|| find(&format!("{stage}.*"))).or_else(|| find("*"))
    }

    /// Takes over what a target wants beside the scheme: its claims, and the types that it wants written.
    pub fn adapt(&mut self, world: &World) {
        for (path, first) in &world.types {
            for part in self.parts.iter_mut().filter(|p| p.path() == *path) {
                part.types.retain(|t| t != first);
                part.types.insert(0, *first);
            }
        }
        self.parts.extend(world.extra_claims.iter().cloned());
    }

    /// Whether some part binds the request body.
    pub fn binds_body(&self) -> bool {
        self.parts.iter().any(Part::reads_body)
    }
}

/// Rules for the connection and the request line.
#[derive(Debug, Clone, Default)]
pub struct Transport {
    /// A request over plain HTTP is refused.
    pub https: bool,
    /// The methods of the API; any other is refused. Empty: those of the world's endpoints.
    pub methods: Vec<String>,
    /// Methods whose body stays unbound, with the reason.
    pub unbound: Vec<(String, String)>,
    /// The requirement.
    pub reference: Option<String>,
}

/// A numbered requirement of the document, or a reading of ours where it is silent.
#[derive(Debug, Clone)]
pub struct Requirement {
    /// For example `HEX-9`, or `HEX-R1` for a reading.
    pub id: String,
    /// Heading of the vendor's page; `None` for a reading.
    pub heading: Option<String>,
    /// One sentence.
    pub says: String,
    /// Why we read it so; only for readings.
    pub because: Option<String>,
    /// How binding it is.
    pub level: Level,
    /// Vectors that need it, as `family/name`, beside those of the parts whose `ref` it is.
    pub shown_by: Vec<String>,
    /// Why no request can ever show it, if none can.
    pub unshown: Option<String>,
}

/// How binding something is; see the README of the vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Getting it wrong lets somebody in, breaks a documented request, or contradicts the document.
    Must,
    /// A MUST of an RFC that the document invokes, without direct loss.
    Should,
    /// A preference among safe readings.
    May,
}

/// A choice that the document leaves open.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Its name.
    pub name: String,
    /// The options; the first is the default.
    pub options: Vec<String>,
    /// The option taken.
    pub chosen: String,
    /// The requirement or reading.
    pub reference: Option<String>,
}

/// What kind of value a credential or a platform holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Public text.
    Text,
    /// Text that is a secret.
    Secret,
    /// A whole number.
    Integer,
    /// A list of texts.
    List,
    /// Secret bytes.
    Key,
    /// An RSA key pair.
    Rsa,
    /// A key pair on P-256.
    P256,
}

impl Kind {
    /// Whether everybody may see such a value.
    pub fn is_public(self) -> bool {
        matches!(self, Self::Text | Self::Integer | Self::List)
    }
}

/// An exchange that issues, records or ends.
#[derive(Debug, Clone)]
pub struct Operation {
    /// What it does.
    pub kind: OperationKind,
    /// Its name, also the role of its endpoint.
    pub name: String,
    /// The request must be authenticated by the scheme's own parts first.
    pub guarded: bool,
    /// Parts of the request.
    pub parts: Vec<Part>,
    /// Members of the answer.
    pub answers: Vec<Part>,
    /// The requirement.
    pub reference: Option<String>,
}

/// See [`Operation`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    /// The caller proves, the platform answers with a token.
    Issue,
    /// What the request says is recorded.
    Register,
    /// Ends the credential found, and every token that leads to it.
    Revoke,
}

/// One authorisation rule; its name is the reason `access.NAME`.
#[derive(Debug, Clone)]
pub struct AccessRule {
    /// Its name.
    pub name: String,
    /// What the caller has.
    pub granted: Source,
    /// What the request asks for; absent means nothing.
    pub required: Source,
    /// The requirement.
    pub reference: Option<String>,
}

/// What a refusal looks like.
#[derive(Debug, Clone)]
pub struct RefusalRule {
    /// A reason code, `stage.*` or `*`.
    pub pattern: String,
    /// Status of the answer.
    pub status: u16,
    /// JSON body: top-level members with their JSON texts.
    pub body: Vec<(String, String)>,
    /// The requirement; only one of the document makes status and body judged.
    pub reference: Option<String>,
}
