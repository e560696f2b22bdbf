//! A scheme as data: what `scheme.toml` says, in types. It must not know how values are computed or checked.
//!
//! The words are explained in `vectors/README.md`; reading them is [`load`], the words' meaning is in
//! [`crate::sign`] and [`crate::verify`].

mod load;
mod parts;
mod pipeline;
mod token;

pub(crate) use load::check_format;
pub use load::load;
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
    pub credential: Vec<(String, Kind)>,
    /// What the verifying side holds and signs or seals with.
    pub platform: Vec<(String, Kind)>,
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
        self.credential.iter().find(|(n, _)| n == name).map(|(_, kind)| *kind)
    }

    /// The kind of a platform value.
    pub fn platform_kind(&self, name: &str) -> Option<Kind> {
        self.platform.iter().find(|(n, _)| n == name).map(|(_, kind)| *kind)
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

/// Where a part sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// JOSE header parameter.
    Header,
    /// Claim of the token.
    Claims,
    /// HTTP field.
    Field,
    /// Member of the JSON body (a name or a JSON Pointer).
    Body,
    /// Path parameter of an operation's endpoint.
    Parameter,
    /// Member of an operation's JSON answer (a name or a JSON Pointer).
    Answer,
}

impl Place {
    /// The word in descriptions.
    pub fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Claims => "claims",
            Self::Field => "field",
            Self::Body => "body",
            Self::Parameter => "parameter",
            Self::Answer => "answer",
        }
    }
}

/// One part of a request: a place and a rule for its value.
#[derive(Debug, Clone)]
pub struct Part {
    /// Where it sits.
    pub place: Place,
    /// Its name there.
    pub name: String,
    /// The rule for its value.
    pub rule: Rule,
    /// How it is written: the first is written, all are accepted. Never empty.
    pub types: Vec<Type>,
    /// How long the signer lets it live; only for `time = "expires"`.
    pub lifetime: Option<Lifetime>,
    /// Longest life or greatest age that is accepted, in seconds.
    pub at_most: Option<u64>,
    /// When it exists; empty: always.
    pub when: Vec<Condition>,
    /// It may be absent; if present it is checked.
    pub optional: bool,
    /// The server finds the credential by it.
    pub identifies: bool,
    /// Its value is remembered per credential until the token can no longer be accepted.
    pub single_use: bool,
    /// RFC 9110 auth-scheme before the value.
    pub auth_scheme: Option<String>,
    /// Literal text before the value.
    pub prefix: Option<String>,
    /// The requirement.
    pub reference: Option<String>,
}

impl Part {
    /// A part that always says the same, and that the verifying side may do without.
    pub(crate) fn constant(place: Place, name: &str, text: String, kind: Type) -> Self {
        Self {
            place,
            name: name.into(),
            rule: Rule::Constant(text),
            types: vec![kind],
            lifetime: None,
            at_most: None,
            when: Vec::new(),
            optional: true,
            identifies: false,
            single_use: false,
            auth_scheme: None,
            prefix: None,
            reference: None,
        }
    }

    /// `place.name`.
    pub fn path(&self) -> String {
        format!("{}.{}", self.place.name(), self.name)
    }

    /// Whether the part exists for a request with this method and body.
    pub fn applies(&self, method: &str, has_body: bool, has_query: bool) -> bool {
        // HEAD is GET without the answer's content (RFC 9110 section 9.3.2): what binds GET binds HEAD.
        let method = if method == "HEAD" { "GET" } else { method };
        self.when.is_empty()
            || self.when.iter().any(|condition| match condition {
                Condition::Method(name) => name == method,
                Condition::Body => has_body,
                Condition::Query => has_query,
            })
    }

    /// The pipeline, if the value is computed.
    pub fn pipeline(&self) -> Option<&Pipeline> {
        match &self.rule {
            Rule::From(pipeline) => Some(pipeline),
            _ => None,
        }
    }

    /// Whether the value is the token, something that the caller holds or a constant, and nothing is computed.
    pub fn travels_as_it_is(&self) -> bool {
        match &self.rule {
            Rule::Constant(_) => true,
            Rule::From(pipeline) => matches!(pipeline.single(), Some(Source::Token | Source::Credential(_))),
            Rule::Time(_) | Rule::Nonce(_) => false,
        }
    }

    /// Whether the value depends on the request body.
    pub fn reads_body(&self) -> bool {
        self.pipeline().is_some_and(|p| p.sources().any(|s| *s == Source::Body))
    }

    /// What of the request the value is bound to, as the last word of a `binding` reason; `None` if nothing.
    pub fn binds(&self) -> Option<Binding> {
        let mut found = None;
        for source in self.pipeline()?.sources() {
            let binding = match source {
                Source::Body => Binding::Body,
                Source::Path | Source::Target | Source::Parameter(_) => Binding::Path,
                Source::Query => Binding::Query,
                Source::Method => Binding::Method,
                Source::Host => Binding::Host,
                _ => continue,
            };
            // A digest over body and something else is a body binding; else the most specific is the path.
            found = Some(found.map_or(binding, |f: Binding| f.min(binding)));
        }
        found
    }
}

/// What a part is bound to; ordered by which one names the reason when a part reads several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Binding {
    /// The request body.
    Body,
    /// Path, target or a path parameter.
    Path,
    /// The query.
    Query,
    /// The method.
    Method,
    /// The host.
    Host,
}

/// The rule for the value of a part.
#[derive(Debug, Clone)]
pub enum Rule {
    /// Computed; the verifier compares.
    From(Pipeline),
    /// Exactly this text.
    Constant(String),
    /// A time by the context's clock.
    Time(TimeRule),
    /// Fresh randomness.
    Nonce(Nonce),
}

/// Which time a part says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeRule {
    /// End of validity.
    Expires,
    /// When it was made.
    Issued,
    /// Start of validity.
    NotBefore,
}

/// Shape of a nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nonce {
    /// Unsigned integer of 32 bits, decimal.
    U32,
    /// Unsigned integer of 64 bits, decimal.
    U64,
    /// UUID text (RFC 9562), lower case.
    Uuid,
    /// 16 bytes as 32 lower-case hex digits.
    Hex32,
}

/// How a value is written in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// JSON number, whole.
    Integer,
    /// JSON string.
    String,
    /// JSON array of strings.
    List,
    /// Seconds since 1970, JSON number (NumericDate of RFC 7519).
    Seconds,
    /// Seconds since 1970 as a JSON string of digits.
    SecondsText,
    /// Milliseconds since 1970, JSON number.
    Milliseconds,
    /// IMF-fixdate of RFC 9110.
    HttpDate,
    /// RFC 3339 text.
    Rfc3339,
    /// Absolute URL with scheme https.
    HttpsUrl,
}

impl Type {
    /// All of them.
    pub(crate) const ALL: [Self; 9] = [
        Self::Integer,
        Self::String,
        Self::List,
        Self::Seconds,
        Self::SecondsText,
        Self::Milliseconds,
        Self::HttpDate,
        Self::Rfc3339,
        Self::HttpsUrl,
    ];

    /// The word in descriptions.
    pub fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::String => "string",
            Self::List => "list",
            Self::Seconds => "seconds",
            Self::SecondsText => "seconds-text",
            Self::Milliseconds => "milliseconds",
            Self::HttpDate => "http-date",
            Self::Rfc3339 => "rfc3339",
            Self::HttpsUrl => "https-url",
        }
    }

    /// Whether JSON has it as a number.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Seconds | Self::Milliseconds)
    }
}

/// How long the signer lets a token live.
#[derive(Debug, Clone)]
pub enum Lifetime {
    /// Seconds.
    Fixed(u64),
    /// The credential's value of this name, in seconds.
    Credential(String),
}

/// When a part exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// For this method.
    Method(String),
    /// Where the body is not empty.
    Body,
    /// Where the query is not empty.
    Query,
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
