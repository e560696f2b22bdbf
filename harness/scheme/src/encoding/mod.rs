//! The encodings that tokens and bodies use, each strict by default: base64url, JSON, compact JSON and hex.
//! It must not know what a decoded value means.

mod base64;
mod compact;
mod hex;
mod json;
mod json_error;
mod quick;
mod scan;
mod word;

pub use self::base64::{Base64Error, Rules, decode_url, encode_standard, encode_url, encode_url_padded};
pub(crate) use self::base64::{Room, append_url, decode_strict, encode_piece};
pub use self::compact::compact;
pub use self::hex::encode as encode_hex;
pub use self::json::{
    Duplicates, Elements, JsonRules, Members, Value, parse_object, parse_value, string_literal,
};
pub(crate) use self::json::{INLINE_MEMBERS, Name, Places, parse_members};
pub use self::json_error::{JsonError, JsonErrorKind};
pub(crate) use self::quick::quick_runs;
pub use self::scan::Limits;
pub(crate) use self::word::{is_word, same_word};
