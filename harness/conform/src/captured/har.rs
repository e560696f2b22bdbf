//! A HAR (HTTP Archive 1.2) with its first entry, or that entry's request alone. It must not look at answers.

use bearproof_scheme::Fault;
use bearproof_scheme::encoding::{JsonRules, Limits, Value, parse_value};
use bearproof_scheme::request::Message;

use super::place::Text;
use super::url;

const EXPECTED: &str = "save it anew from the browser's network tools, or give the request as a curl command";

/// A HAR may hold many entries and long bodies.
const LIMITS: Limits = Limits { depth: 64, members: 100_000 };

/// Reads it.
pub(super) fn read(text: &Text<'_>) -> Result<Message, Fault> {
    let value = parse_value(text.bytes, &JsonRules::STRICT, &LIMITS)
        .map_err(|e| text.fault(e.offset, format!("no JSON: {}", e.kind), EXPECTED))?;
    let lacks = |what: &str| text.fault(0, format!("the HAR lacks {what}"), EXPECTED);
    let log = member(&value, "log");
    let entries = log.map(|log| list(log, "entries").ok_or_else(|| lacks("a list `log.entries`")));
    let entries = entries.transpose()?;
    let request = match &entries {
        Some(entries) => {
            let first = entries.first().ok_or_else(|| lacks("an entry in `log.entries`"))?;
            member(first, "request").ok_or_else(|| lacks("`request` in its first entry"))?
        }
        None => member(&value, "request").unwrap_or(&value),
    };
    let string = |name: &str| {
        let found = member(request, name).and_then(Value::as_str);
        found.ok_or_else(|| lacks(&format!("the text `{name}` in its request")))
    };
    let (method, address) = (string("method")?.to_string(), string("url")?);
    let Some((secure, host, target)) = url::split(address) else {
        let message = format!("`{}` is no address of http or https", address.escape_debug());
        return Err(text.fault(0, message, EXPECTED));
    };
    let mut fields = Vec::new();
    for header in list(request, "headers").ok_or_else(|| lacks("a list `headers` in its request"))? {
        let part = |name: &str| member(&header, name).and_then(Value::as_str);
        let (Some(name), Some(value)) = (part("name"), part("value")) else {
            return Err(lacks("name and value of a field in `headers`"));
        };
        match name {
            // HTTP/2 has the request line in fields whose names begin with a colon.
            ":authority" => fields.push(("Host".to_string(), value.as_bytes().to_vec())),
            _ if name.starts_with(':') => {}
            _ => fields.push((name.into(), value.trim().as_bytes().to_vec())),
        }
    }
    if !fields.iter().any(|(n, _)| n.eq_ignore_ascii_case("host")) {
        fields.insert(0, ("Host".into(), host.as_bytes().to_vec()));
    }
    let body = match member(request, "postData").and_then(|data| member(data, "text")) {
        // A request without a body, or with a form whose text was not saved.
        None => Vec::new(),
        Some(text) => text.as_str().ok_or_else(|| lacks("a text in `postData.text`"))?.as_bytes().to_vec(),
    };
    Ok(Message { secure, method, target, fields, body })
}

fn member<'v, 't>(value: &'v Value<'t>, name: &str) -> Option<&'v Value<'t>> {
    match value {
        Value::Object(members) => members.find(name),
        _ => None,
    }
}

/// The items of a list that is a member.
fn list<'t>(value: &Value<'t>, name: &str) -> Option<Vec<Value<'t>>> {
    match member(value, name)? {
        Value::Array(items) => Some(items.iter().collect()),
        _ => None,
    }
}
