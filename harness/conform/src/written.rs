//! Writes a request as somebody would send it: raw HTTP/1.1, a `curl` command, JSON. It must not change a byte of it.

use bearproof_scheme::encoding::string_literal;
use bearproof_scheme::request::Message;

/// The bytes of the message; over plain http with the whole address as its target (RFC 9112 section 3.2.2), since
/// nothing else in a message says how it travels.
pub fn http(message: &Message) -> Vec<u8> {
    if message.secure {
        return message.wire();
    }
    let mut absolute = message.clone();
    absolute.target = address(message);
    absolute.wire()
}

/// Scheme, host and target.
fn address(message: &Message) -> String {
    let scheme = if message.secure { "https" } else { "http" };
    format!("{scheme}://{}{}", host(message), message.target)
}

fn host(message: &Message) -> String {
    let host = message.request().values("host").next();
    host.map(|h| String::from_utf8_lossy(h).into_owned()).unwrap_or_default()
}

/// A command for a POSIX shell.
///
/// # Errors
/// If something of the message can't stand in a command line.
pub fn curl(message: &Message) -> Result<String, String> {
    let fields = message.fields.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("host"));
    command("curl", &address(message), message, fields)
}

/// A command for a POSIX shell that sends the message to `origin` (scheme, host and port), whatever its Host field says,
/// past every proxy, and shows status and fields of the answer. `ca` is a PEM file to trust.
///
/// # Errors
/// If something of the message can't stand in a command line.
pub fn curl_to(message: &Message, origin: &str, ca: Option<&str>) -> Result<String, String> {
    let trust = ca.map(|file| format!(" --cacert {}", quoted(file))).unwrap_or_default();
    let start = format!("curl -sS -i --http1.1 --noproxy '*'{trust}");
    command(&start, &format!("{origin}{}", message.target), message, message.fields.iter())
}

fn command<'m>(
    start: &str,
    address: &str,
    message: &Message,
    fields: impl Iterator<Item = &'m (String, Vec<u8>)>,
) -> Result<String, String> {
    let body = words(&message.body, "the body")?;
    // `-X HEAD` would wait for a body. `--path-as-is`: else curl takes dots out of the path; `-g`: else it reads
    // brackets and braces.
    let method =
        if message.method == "HEAD" { "-I".into() } else { format!("-X {}", quoted(&message.method)) };
    let mut out = format!("{start} --path-as-is -g {method} {}", quoted(address));
    let mut typed = false;
    for (name, value) in fields {
        typed |= name.eq_ignore_ascii_case("content-type");
        let value = words(value, &format!("the field `{name}`"))?;
        // To curl `Name:` means to leave the field out, `Name;` to send it empty.
        let line = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
        out.push_str(&format!(" \\\n  -H {}", quoted(&line)));
    }
    // The length of an empty body is sent where the method is one of those that have bodies.
    if !body.is_empty() || matches!(message.method.as_str(), "POST" | "PUT" | "PATCH") {
        if !typed {
            out.push_str(" \\\n  -H 'Content-Type:'");
        }
        out.push_str(&format!(" \\\n  --data-raw {}", quoted(body)));
    }
    out.push('\n');
    Ok(out)
}

/// What can stand in a command line.
fn words<'b>(bytes: &'b [u8], what: &str) -> Result<&'b str, String> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
    let remedy = "as a command line needs it; use --format http, and `send`";
    text.ok_or_else(|| format!("{what} is no text without NUL, {remedy}"))
}

/// In single quotes, in which a shell reads every byte as it is.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The request object of a HAR (HTTP Archive 1.2).
///
/// # Errors
/// If the body is no text, which a HAR can't have.
pub fn json(message: &Message) -> Result<String, String> {
    let Ok(body) = std::str::from_utf8(&message.body) else {
        return Err("the body is no text, as JSON needs it; use --format http".into());
    };
    let mut kind = String::new();
    let mut fields = Vec::new();
    for (name, value) in &message.fields {
        let value = String::from_utf8_lossy(value).into_owned();
        fields.push(format!(
            "    {{ \"name\": {}, \"value\": {} }}",
            string_literal(name),
            string_literal(&value)
        ));
        if name.eq_ignore_ascii_case("content-type") {
            kind = value;
        }
    }
    let members = [
        format!("\"method\": {}", string_literal(&message.method)),
        format!("\"url\": {}", string_literal(&address(message))),
        "\"httpVersion\": \"HTTP/1.1\"".into(),
        format!("\"headers\": [\n{}\n  ]", fields.join(",\n")),
        format!(
            "\"postData\": {{ \"mimeType\": {}, \"text\": {} }}",
            string_literal(&kind),
            string_literal(body)
        ),
    ];
    let has_body = !body.is_empty();
    let members: Vec<String> = members.into_iter().take(if has_body { 5 } else { 4 }).collect();
    Ok(format!("{{\n  {}\n}}\n", members.join(",\n  ")))
}
