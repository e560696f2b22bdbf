//! One part of a request: where it sits, the rule for its value, and when it exists. It must not know how the value is
//! computed or checked.

use super::{Pipeline, Source};

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
