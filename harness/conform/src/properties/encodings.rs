//! Properties of base64url and of JSON strings. They must not repeat single rules, which have unit tests.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use bearproof_scheme::encoding::{
    JsonRules, Limits, Rules, Value, decode_url, encode_standard, encode_url, encode_url_padded, parse_value,
    string_literal,
};

use super::ensure;
use super::ground::Ground;

pub(super) fn base64url(_: &Ground, data: &[u8]) -> Result<(), String> {
    let ours = decode_url(data, &Rules::STRICT);
    let theirs = URL_SAFE_NO_PAD.decode(data);
    ensure(ours.as_ref().ok() == theirs.as_ref().ok(), || {
        format!("decoding: we say {ours:?}, base64 says {theirs:?}")
    })?;
    if let Ok(bytes) = &ours {
        ensure(encode_url(bytes).as_bytes() == data, || "a text is read that encoding does not give".into())?;
    }
    ensure(encode_url(data) == URL_SAFE_NO_PAD.encode(data), || "base64url differs".into())?;
    ensure(encode_url_padded(data) == URL_SAFE.encode(data), || "padded base64url differs".into())?;
    ensure(encode_standard(data) == STANDARD.encode(data), || "standard Base64 differs".into())?;
    let back = decode_url(encode_url(data).as_bytes(), &Rules::STRICT);
    ensure(back.as_deref() == Ok(data), || "decoding does not give what was encoded".into())
}

pub(super) fn json_string(_: &Ground, data: &[u8]) -> Result<(), String> {
    let Ok(text) = std::str::from_utf8(data) else { return Ok(()) };
    let ours = string_literal(text);
    let theirs = serde_json::to_string(text).map_err(|e| e.to_string())?;
    ensure(ours == theirs, || format!("we write {ours}, serde_json writes {theirs}"))?;
    match parse_value(ours.as_bytes(), &JsonRules::STRICT, &Limits::DEFAULT) {
        Ok(Value::String(back)) if back == text => Ok(()),
        other => Err(format!("{ours} reads as {other:?}")),
    }
}
