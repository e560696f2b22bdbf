//! Wrong ways to compute a value: what a signer or a verifier does that misread one step of a pipeline.
//! A description can't name them, so the strict path never meets one; it must not decide who makes which.
//!
//! One table serves wrong verifiers, wrong signers and the explanation of a request that was refused.

mod alternatives;
mod json;

use sha2::{Digest, Sha256, Sha384};

pub use alternatives::{Alternative, alternatives};

use crate::compute::{Failure, Sources, fill, read};
use crate::description::{Alg, Source, Template};
use crate::encoding::{Rules, decode_url, encode_hex, encode_standard};
use crate::key::mac;
use crate::request::{percent_decode, percent_encode};

/// A step that no description can name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mistake {
    /// Nothing instead of the value.
    Nothing,
    /// Hex in capitals.
    HexCapitals,
    /// Standard Base64 without its padding.
    Base64Unpadded,
    /// SHA-384.
    Sha384,
    /// The key, then the message, hashed with SHA-256: no HMAC.
    HashOfKeyAndMessage(Source),
    /// The message, then the key, hashed with SHA-256: no HMAC.
    HashOfMessageAndKey(Source),
    /// An HMAC with the message as key and the key as message.
    Exchanged(Alg, Source),
    /// An HMAC whose key was read in another form.
    KeyAs(Alg, Source, KeyForm),
    /// The template before the value instead of after it.
    Prepend(Template),
    /// The template after the value, with a text between.
    AppendAfter(&'static str, Template),
    /// The template after the value, in double quotes.
    AppendQuoted(Template),
    /// Percent-encoding undone.
    PercentDecoded,
    /// Percent-encoded.
    PercentEncoded,
    /// In small letters.
    SmallLetters,
    /// In capitals.
    Capitals,
    /// Without white space at both ends.
    Trimmed,
    /// A line feed at the end.
    LineFeed,
    /// A line feed for each carriage return and line feed.
    UnixLines,
    /// The first 1024 bytes only.
    FirstKilobyte,
    /// All but the first segment of a path.
    WithoutFirstSegment,
    /// A slash at the end.
    SlashAtTheEnd,
    /// `https://`, the Host field, then the value.
    WithHost,
    /// The value, `?` and the query, where there is one.
    WithQuery,
    /// `{}` where there is nothing.
    BracesForNothing,
    /// Members sorted by name, compact.
    SortedMembers,
    /// Indented by two blanks.
    IndentedJson,
    /// A blank after each comma and colon.
    SpacedJson,
    /// All but ASCII as `\u` escapes, compact.
    AsciiJson,
    /// Each `/` in a text escaped, compact.
    EscapedSlashes,
    /// Numbers read as doubles and written again, compact.
    DoubleNumbers,
    /// The text as one JSON string.
    Quoted,
    /// In double quotes without any escape.
    BareQuotes,
    /// The first half.
    FirstHalf,
}

/// How a key was misread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyForm {
    /// Decoded from Base64.
    Base64Decoded,
    /// Encoded in Base64.
    Base64Encoded,
    /// In hex.
    Hex,
    /// With a line feed at the end, as a file has it.
    LineFeed,
    /// Empty.
    Empty,
}

impl Mistake {
    /// The value after this step.
    pub(crate) fn apply(&self, value: Vec<u8>, sources: &dyn Sources) -> Result<Vec<u8>, Failure> {
        let text = || String::from_utf8(value.clone()).map_err(|_| Failure::NotText);
        Ok(match self {
            Self::Nothing => Vec::new(),
            Self::HexCapitals => encode_hex(&value).to_ascii_uppercase().into_bytes(),
            Self::Base64Unpadded => encode_standard(&value).trim_end_matches('=').into(),
            Self::Sha384 => Sha384::digest(&value).to_vec(),
            Self::HashOfKeyAndMessage(key) => {
                Sha256::digest([&*read(key, sources)?, &value].concat()).to_vec()
            }
            Self::HashOfMessageAndKey(key) => {
                Sha256::digest([&value, &*read(key, sources)?].concat()).to_vec()
            }
            Self::Exchanged(alg, key) => mac(*alg, &value, &read(key, sources)?).unwrap_or_default(),
            Self::KeyAs(alg, key, form) => {
                mac(*alg, &form.read(read(key, sources)?.into_owned()), &value).unwrap_or_default()
            }
            Self::Prepend(template) => [fill(template, sources)?, value].concat(),
            Self::AppendAfter(between, template) => {
                [value, between.as_bytes().to_vec(), fill(template, sources)?].concat()
            }
            Self::AppendQuoted(template) => {
                [value, b"\"".to_vec(), fill(template, sources)?, b"\"".to_vec()].concat()
            }
            Self::PercentDecoded => percent_decode(&text()?).map_or(value, String::into_bytes),
            Self::PercentEncoded => percent_encode(&text()?).into_bytes(),
            Self::SmallLetters => value.to_ascii_lowercase(),
            Self::Capitals => value.to_ascii_uppercase(),
            Self::Trimmed => value.trim_ascii().to_vec(),
            Self::LineFeed => [value, b"\n".to_vec()].concat(),
            Self::UnixLines => text()?.replace("\r\n", "\n").into_bytes(),
            Self::FirstKilobyte => value.into_iter().take(1024).collect(),
            Self::WithoutFirstSegment => {
                let path = text()?;
                let rest = path.strip_prefix('/').and_then(|p| p.split_once('/')).map(|(_, rest)| rest);
                rest.map_or_else(|| "/".into(), |rest| format!("/{rest}")).into_bytes()
            }
            Self::SlashAtTheEnd => [value, b"/".to_vec()].concat(),
            Self::WithHost => [b"https://", &*read(&Source::Host, sources)?, &value].concat(),
            Self::WithQuery => {
                let query = read(&Source::Query, sources)?;
                if query.is_empty() { value } else { [&value, &b"?"[..], &query].concat() }
            }
            Self::BracesForNothing if value.is_empty() => b"{}".to_vec(),
            Self::BracesForNothing => value,
            Self::FirstHalf => value.iter().copied().take(value.len() / 2).collect(),
            Self::BareQuotes => [b"\"".to_vec(), value, b"\"".to_vec()].concat(),
            Self::Quoted => crate::encoding::string_literal(&text()?).into_bytes(),
            Self::SortedMembers
            | Self::IndentedJson
            | Self::SpacedJson
            | Self::AsciiJson
            | Self::EscapedSlashes
            | Self::DoubleNumbers => json::rewrite(self, &value),
        })
    }

    /// Whether many values become one by it.
    pub(crate) fn loses(&self) -> bool {
        matches!(
            self,
            Self::Nothing
                | Self::FirstKilobyte
                | Self::FirstHalf
                | Self::WithoutFirstSegment
                | Self::DoubleNumbers
                | Self::KeyAs(_, _, KeyForm::Empty)
        )
    }

    /// The sources that it reads beside the value.
    pub(crate) fn sources(&self) -> Vec<&Source> {
        match self {
            Self::HashOfKeyAndMessage(key)
            | Self::HashOfMessageAndKey(key)
            | Self::Exchanged(_, key)
            | Self::KeyAs(_, key, _) => vec![key],
            Self::Prepend(template) | Self::AppendAfter(_, template) | Self::AppendQuoted(template) => {
                template.sources().collect()
            }
            Self::WithHost => vec![&Source::Host],
            Self::WithQuery => vec![&Source::Query],
            _ => Vec::new(),
        }
    }

    /// The words for a trace.
    pub fn name(&self) -> String {
        match self {
            Self::Nothing => "nothing instead".into(),
            Self::HexCapitals => "hex in capitals".into(),
            Self::Base64Unpadded => "base64 without padding".into(),
            Self::Sha384 => "sha-384".into(),
            Self::HashOfKeyAndMessage(key) => format!("sha-256 of {} and the value", key.name()),
            Self::HashOfMessageAndKey(key) => format!("sha-256 of the value and {}", key.name()),
            Self::Exchanged(_, key) => format!("hmac with the value as key and {} as message", key.name()),
            Self::KeyAs(_, key, form) => format!("hmac with {} {}", key.name(), form.words()),
            Self::Prepend(template) => format!("prepend {}", template.text()),
            Self::AppendAfter(between, template) => {
                format!("append {} after `{}`", template.text(), between.escape_default())
            }
            Self::AppendQuoted(template) => format!("append {} in quotes", template.text()),
            Self::PercentDecoded => "percent-decoded".into(),
            Self::PercentEncoded => "percent-encoded".into(),
            Self::SmallLetters => "in small letters".into(),
            Self::Capitals => "in capitals".into(),
            Self::Trimmed => "white space trimmed".into(),
            Self::LineFeed => "a line feed at the end".into(),
            Self::UnixLines => "line ends changed to line feeds".into(),
            Self::FirstKilobyte => "the first 1024 bytes only".into(),
            Self::WithoutFirstSegment => "without the first path segment".into(),
            Self::SlashAtTheEnd => "a slash at the end".into(),
            Self::WithHost => "with `https://` and the host".into(),
            Self::WithQuery => "with the query".into(),
            Self::BracesForNothing => "`{}` where there is no body".into(),
            Self::SortedMembers => "JSON written again with sorted members".into(),
            Self::IndentedJson => "JSON written again with indents".into(),
            Self::SpacedJson => "JSON written again with a blank after `,` and `:`".into(),
            Self::AsciiJson => "JSON written again with \\u escapes".into(),
            Self::EscapedSlashes => "JSON written again with escaped slashes".into(),
            Self::DoubleNumbers => "JSON written again with numbers as doubles".into(),
            Self::Quoted => "as a JSON string".into(),
            Self::BareQuotes => "in quotes without escapes".into(),
            Self::FirstHalf => "the first half only".into(),
        }
    }
}

impl KeyForm {
    /// All forms.
    pub const ALL: [Self; 5] =
        [Self::Base64Decoded, Self::Base64Encoded, Self::Hex, Self::LineFeed, Self::Empty];

    /// The key as it is misread; one that is no Base64 stays as it is.
    pub fn read(self, key: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Base64Decoded => {
                // What decoders of the usual libraries do with a key that was never Base64: skip what does not fit.
                let digit = |b: &u8| b.is_ascii_alphanumeric() || b"+/-_".contains(b);
                let digits: Vec<u8> = key.iter().copied().filter(digit).collect();
                let whole = digits.len() - usize::from(digits.len() % 4 == 1);
                let lenient = Rules { any_alphabet: true, trailing_bits: true, ..Rules::STRICT };
                digits.get(..whole).and_then(|d| decode_url(d, &lenient).ok()).unwrap_or(key)
            }
            Self::Base64Encoded => encode_standard(&key).into_bytes(),
            Self::Hex => encode_hex(&key).into_bytes(),
            Self::LineFeed => [key, b"\n".to_vec()].concat(),
            Self::Empty => Vec::new(),
        }
    }

    /// What was done with the key, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Base64Decoded => "decoded from Base64",
            Self::Base64Encoded => "encoded in Base64",
            Self::Hex => "in hex",
            Self::LineFeed => "with a line feed at the end",
            Self::Empty => "left empty",
        }
    }

    /// The name in ids.
    pub(crate) fn slug(self) -> &'static str {
        match self {
            Self::Base64Decoded => "base64-decoded",
            Self::Base64Encoded => "base64-encoded",
            Self::Hex => "in-hex",
            Self::LineFeed => "with-a-line-feed",
            Self::Empty => "empty",
        }
    }
}
