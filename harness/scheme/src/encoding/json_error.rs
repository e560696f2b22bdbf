//! Says why a text is not the JSON that was wanted. It must not repeat any of the text, which may be secret.

use std::fmt;

/// Why a text is not the JSON that was wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonError {
    /// Where, in bytes from 0. The length of the text if it ends too early.
    pub offset: usize,
    /// What is wrong there.
    pub kind: JsonErrorKind,
}

/// What can be wrong with a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JsonErrorKind {
    /// The text begins with a byte order mark (RFC 8259 section 8.1).
    ByteOrderMark,
    /// The text is not UTF-8 (RFC 8259 section 8.1).
    InvalidUtf8,
    /// No value begins here (RFC 8259 section 3).
    ExpectedValue,
    /// The value is not an object.
    ExpectedObject,
    /// No member name begins here (RFC 8259 section 4).
    ExpectedName,
    /// No colon after a member name (RFC 8259 section 4).
    ExpectedColon,
    /// A member is followed by something else than `,` or `}` (RFC 8259 section 4).
    ExpectedCommaOrBrace,
    /// An array element is followed by something else than `,` or `]` (RFC 8259 section 5).
    ExpectedCommaOrBracket,
    /// A number lacks a digit (RFC 8259 section 6).
    ExpectedDigit,
    /// A number begins with a zero too many (RFC 8259 section 6).
    LeadingZero,
    /// A string has no closing quote (RFC 8259 section 7).
    UnterminatedString,
    /// A string contains a raw control character (RFC 8259 section 7).
    ControlCharacter,
    /// A backslash is followed by a character that makes no escape (RFC 8259 section 7).
    UnknownEscape,
    /// `\u` is not followed by four hexadecimal digits (RFC 8259 section 7).
    ExpectedHexDigit,
    /// A `\u` escape is half of a surrogate pair (RFC 8259 section 8.2).
    LoneSurrogate,
    /// Something follows the value (RFC 8259 section 2).
    ExpectedEnd,
    /// A name stands twice in one object (RFC 8259 section 4, RFC 7515 section 4).
    DuplicateName,
    /// More arrays and objects inside each other than allowed.
    TooDeep {
        /// How many are allowed.
        limit: usize,
    },
    /// An object has more members than allowed.
    TooManyMembers {
        /// How many are allowed.
        limit: usize,
    },
}

impl fmt::Display for JsonErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ByteOrderMark => "expected JSON without a byte order mark, found one",
            Self::InvalidUtf8 => "expected valid UTF-8",
            Self::ExpectedValue => "expected an object, array, string, number, `true`, `false` or `null`",
            Self::ExpectedObject => "expected an object",
            Self::ExpectedName => "expected a member name in double quotes",
            Self::ExpectedColon => "expected `:` after the member name",
            Self::ExpectedCommaOrBrace => "expected `,` or `}` after the member",
            Self::ExpectedCommaOrBracket => "expected `,` or `]` after the array element",
            Self::ExpectedDigit => "expected a digit of the number",
            Self::LeadingZero => "expected a number without leading zeros, found one",
            Self::UnterminatedString => "expected the closing quote of the string",
            Self::ControlCharacter => "expected control characters to be escaped, found a raw one",
            Self::UnknownEscape => r#"expected one of the escapes \" \\ \/ \b \f \n \r \t \u"#,
            Self::ExpectedHexDigit => r"expected four hexadecimal digits after \u",
            Self::LoneSurrogate => "expected both halves of a surrogate pair, found one",
            Self::ExpectedEnd => "expected nothing after the value",
            Self::DuplicateName => "expected each member name once, found one again",
            Self::TooDeep { limit } => {
                return write!(
                    f,
                    "expected at most {limit} arrays and objects inside each other, found more"
                );
            }
            Self::TooManyMembers { limit } => {
                return write!(f, "expected at most {limit} members in an object, found more");
            }
        })
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.offset)
    }
}

impl std::error::Error for JsonError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_was_expected_and_where() {
        let error = JsonError { offset: 7, kind: JsonErrorKind::ExpectedColon };
        assert_eq!(error.to_string(), "expected `:` after the member name at byte 7");
        let error = JsonError { offset: 9, kind: JsonErrorKind::TooManyMembers { limit: 3 } };
        assert_eq!(error.to_string(), "expected at most 3 members in an object, found more at byte 9");
    }
}
