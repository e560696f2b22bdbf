//! Sources, templates and steps of a value, as written in `from`. It must not compute anything.

use crate::document::{Fault, Item, nearest};
use crate::mistake::Mistake;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// `request.method`.
    Method,
    /// `request.host`: the Host field, lower case.
    Host,
    /// `request.path`: raw, as sent, without the query.
    Path,
    /// `request.query`: raw, without `?`.
    Query,
    /// `request.target`: raw, as sent.
    Target,
    /// `request.body`: the bytes as sent.
    Body,
    /// `request.parameter.NAME`: a path parameter, percent-decoded.
    Parameter(String),
    /// `credential.NAME`: what the caller holds.
    Credential(String),
    /// `platform.NAME`: what the verifying side holds.
    Platform(String),
    /// `endpoint.NAME`: an attribute of the endpoint.
    Endpoint(String),
    /// `claims.NAME`.
    Claims(String),
    /// `header.NAME`.
    Header(String),
    /// `token`: the finished token.
    Token,
}

impl Source {
    /// Reads a source.
    ///
    /// # Errors
    /// If the word is none.
    pub(super) fn read(item: &Item<'_>, text: &str) -> Result<Self, Fault> {
        let unknown = || {
            item.fault(
                format!("unknown source `{text}` in `{}`", item.path()),
                nearest(text, SOURCES.iter().copied()),
            )
        };
        let named = |rest: &str| if rest.is_empty() { Err(unknown()) } else { Ok(rest.to_string()) };
        Ok(match text {
            "request.method" => Self::Method,
            "request.host" => Self::Host,
            "request.path" => Self::Path,
            "request.query" => Self::Query,
            "request.target" => Self::Target,
            "request.body" => Self::Body,
            "token" => Self::Token,
            _ => {
                let (place, name) = text.split_once('.').ok_or_else(unknown)?;
                match place {
                    "credential" => Self::Credential(named(name)?),
                    "platform" => Self::Platform(named(name)?),
                    "endpoint" => Self::Endpoint(named(name)?),
                    "claims" => Self::Claims(named(name)?),
                    "header" => Self::Header(named(name)?),
                    "request" => {
                        let name = name.strip_prefix("parameter.").ok_or_else(unknown)?;
                        Self::Parameter(named(name)?)
                    }
                    _ => return Err(unknown()),
                }
            }
        })
    }

    /// The NAME of a source that has one.
    pub fn own_name(&self) -> Option<&str> {
        match self {
            Self::Parameter(name)
            | Self::Credential(name)
            | Self::Platform(name)
            | Self::Endpoint(name)
            | Self::Claims(name)
            | Self::Header(name) => Some(name),
            Self::Method
            | Self::Host
            | Self::Path
            | Self::Query
            | Self::Target
            | Self::Body
            | Self::Token => None,
        }
    }

    /// As written in descriptions.
    pub fn name(&self) -> String {
        match self {
            Self::Method => "request.method".into(),
            Self::Host => "request.host".into(),
            Self::Path => "request.path".into(),
            Self::Query => "request.query".into(),
            Self::Target => "request.target".into(),
            Self::Body => "request.body".into(),
            Self::Parameter(name) => format!("request.parameter.{name}"),
            Self::Credential(name) => format!("credential.{name}"),
            Self::Platform(name) => format!("platform.{name}"),
            Self::Endpoint(name) => format!("endpoint.{name}"),
            Self::Claims(name) => format!("claims.{name}"),
            Self::Header(name) => format!("header.{name}"),
            Self::Token => "token".into(),
        }
    }
}

/// All sources as written, with `NAME` where a name stands.
const SOURCES: [&str; 13] = [
    "request.method",
    "request.host",
    "request.path",
    "request.query",
    "request.target",
    "request.body",
    "request.parameter.NAME",
    "credential.NAME",
    "platform.NAME",
    "endpoint.NAME",
    "claims.NAME",
    "header.NAME",
    "token",
];

/// Text with `{source}` in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(pub Vec<Segment>);

/// A piece of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// As written.
    Literal(String),
    /// Replaced by the source's value.
    Source(Source),
}

impl Template {
    /// Reads a template: literal text with `{source}`.
    fn read(item: &Item<'_>, text: &str) -> Result<Self, Fault> {
        let mut segments = Vec::new();
        let mut rest = text;
        while let Some((literal, tail)) = rest.split_once('{') {
            let Some((name, tail)) = tail.split_once('}') else {
                return Err(item.fault(format!("`{{` without `}}` in `{text}`"), "close the brace"));
            };
            if !literal.is_empty() {
                segments.push(Segment::Literal(literal.into()));
            }
            segments.push(Segment::Source(Source::read(item, name)?));
            rest = tail;
        }
        if !rest.is_empty() {
            segments.push(Segment::Literal(rest.into()));
        }
        Ok(Self(segments))
    }
}

/// One step of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Standard base64 with padding (RFC 4648 section 4).
    Base64,
    /// base64url without padding (RFC 4648 section 5).
    Base64Url,
    /// base64url with padding.
    Base64UrlPadded,
    /// Lower-case hex.
    Hex,
    /// The text as a JSON string literal with minimal escapes (RFC 8259 section 7).
    JsonString,
    /// The JSON text without insignificant white space.
    JsonCompact,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
    /// HMAC-SHA-256 keyed with a source.
    HmacSha256(Source),
    /// HMAC-SHA-512 keyed with a source.
    HmacSha512(Source),
    /// Appends a template.
    Append(Template),
    /// A wrong step; no description can name one.
    Mistaken(Mistake),
}

impl Step {
    fn read(item: &Item<'_>) -> Result<Self, Fault> {
        const WORDS: [&str; 11] = [
            "base64",
            "base64url",
            "base64url-padded",
            "hex",
            "json-string",
            "json-compact",
            "sha-256",
            "sha-512",
            "hmac-sha-256",
            "hmac-sha-512",
            "append",
        ];
        let text = item.text()?;
        let (word, argument) = text.split_once(' ').unwrap_or((&text, ""));
        let step = match word {
            "base64" => Self::Base64,
            "base64url" => Self::Base64Url,
            "base64url-padded" => Self::Base64UrlPadded,
            "hex" => Self::Hex,
            "json-string" => Self::JsonString,
            "json-compact" => Self::JsonCompact,
            "sha-256" => Self::Sha256,
            "sha-512" => Self::Sha512,
            "hmac-sha-256" => return Ok(Self::HmacSha256(Source::read(item, argument)?)),
            "hmac-sha-512" => return Ok(Self::HmacSha512(Source::read(item, argument)?)),
            "append" => return Ok(Self::Append(Template::read(item, argument)?)),
            _ => {
                return Err(item.fault(
                    format!("unknown step `{word}` in `{}`", item.path()),
                    nearest(word, WORDS.iter().copied()),
                ));
            }
        };
        if argument.is_empty() {
            Ok(step)
        } else {
            Err(item.fault(format!("the step `{word}` takes no argument, found `{argument}`"), "remove it"))
        }
    }

    /// The word of the step, for traces.
    pub fn name(&self) -> String {
        match self {
            Self::Base64 => "base64".into(),
            Self::Base64Url => "base64url".into(),
            Self::Base64UrlPadded => "base64url-padded".into(),
            Self::Hex => "hex".into(),
            Self::JsonString => "json-string".into(),
            Self::JsonCompact => "json-compact".into(),
            Self::Sha256 => "sha-256".into(),
            Self::Sha512 => "sha-512".into(),
            Self::HmacSha256(key) => format!("hmac-sha-256 {}", key.name()),
            Self::HmacSha512(key) => format!("hmac-sha-512 {}", key.name()),
            Self::Append(template) => format!("append {}", template.text()),
            Self::Mistaken(mistake) => mistake.name(),
        }
    }
}

/// A value: a source or template, then steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// What it starts from.
    pub start: Template,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

impl Pipeline {
    /// Reads `from`: a source or template, or a list beginning with one.
    pub(super) fn read(item: &Item<'_>) -> Result<Self, Fault> {
        if !item.is_array() {
            return Ok(Self { start: Self::start(item)?, steps: Vec::new() });
        }
        let items = item.list()?;
        let (first, rest) = items
            .split_first()
            .ok_or_else(|| item.fault(format!("`{}` is empty", item.path()), "begin with a source"))?;
        let steps: Result<Vec<_>, _> = rest.iter().map(Step::read).collect();
        Ok(Self { start: Self::start(first)?, steps: steps? })
    }

    fn start(item: &Item<'_>) -> Result<Template, Fault> {
        let text = item.text()?;
        if text.contains('{') {
            Template::read(item, &text)
        } else {
            Ok(Template(vec![Segment::Source(Source::read(item, &text)?)]))
        }
    }

    /// The one source of a pipeline without steps and literals.
    pub fn single(&self) -> Option<&Source> {
        match self.start.0.as_slice() {
            [Segment::Source(source)] if self.steps.is_empty() => Some(source),
            _ => None,
        }
    }

    /// All sources that the value depends on.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.start.sources().chain(self.steps.iter().flat_map(|step| -> Box<dyn Iterator<Item = &Source>> {
            match step {
                Step::HmacSha256(key) | Step::HmacSha512(key) => Box::new(std::iter::once(key)),
                Step::Append(template) => Box::new(template.sources()),
                Step::Mistaken(mistake) => Box::new(mistake.sources().into_iter()),
                _ => Box::new(std::iter::empty()),
            }
        }))
    }

    /// Whether the value is keyed with a secret, so that nobody else can compute it.
    pub fn keyed(&self) -> bool {
        self.steps.iter().any(|s| matches!(s, Step::HmacSha256(_) | Step::HmacSha512(_)))
    }
}

impl Template {
    /// As written.
    pub(crate) fn text(&self) -> String {
        let segment = |s: &Segment| match s {
            Segment::Literal(text) => text.clone(),
            Segment::Source(source) => format!("{{{}}}", source.name()),
        };
        self.0.iter().map(segment).collect()
    }

    /// The sources in the template.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Source(source) => Some(source),
            Segment::Literal(_) => None,
        })
    }
}
