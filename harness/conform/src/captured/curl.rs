//! A `curl` command line: the request that curl would send. It must not read files or run anything.

use bearproof_scheme::Fault;
use bearproof_scheme::encoding::encode_standard;
use bearproof_scheme::request::{Message, percent_encode};

use super::place::Text;
use super::shell::{Word, words};
use super::url;

/// Options without a value that change nothing of the request.
const IDLE: [&str; 24] = [
    "-s",
    "--silent",
    "-S",
    "--show-error",
    "-k",
    "--insecure",
    "-v",
    "--verbose",
    "-i",
    "--include",
    "-L",
    "--location",
    "-f",
    "--fail",
    "--fail-with-body",
    "--compressed",
    "--http1.1",
    "--http2",
    "-N",
    "--no-buffer",
    "-g",
    "--globoff",
    "-#",
    "--path-as-is",
];

/// Options with a value that change nothing of the request.
const IDLE_WITH_VALUE: [&str; 18] = [
    "-o",
    "--output",
    "-w",
    "--write-out",
    "-m",
    "--max-time",
    "--connect-timeout",
    "--cacert",
    "--resolve",
    "--retry",
    "-x",
    "--proxy",
    "-D",
    "--dump-header",
    "-c",
    "--cookie-jar",
    "--connect-to",
    "--capath",
];

/// Short options that take a value, which may follow at once.
const SHORT_WITH_VALUE: &str = "XHdubAemowxDc";

#[derive(Default)]
struct Command {
    method: Option<String>,
    address: Option<(String, usize)>,
    fields: Vec<(String, Vec<u8>)>,
    removed: Vec<String>,
    data: Vec<Vec<u8>>,
    json: bool,
    get: bool,
    head: bool,
}

/// Reads it from `start` on.
pub(super) fn read(text: &Text<'_>, start: usize) -> Result<Message, Fault> {
    let mut from = start;
    // A prompt that was copied along.
    if text.bytes.get(from..).is_some_and(|rest| rest.starts_with(b"$ ")) {
        from += 2;
    }
    let all = words(text, from)?;
    let mut rest = all.iter();
    if rest.next().is_none_or(|word| word.bytes != b"curl") {
        return Err(text.fault(from, "expected the command `curl`", "copy the whole command line"));
    }
    let mut command = Command::default();
    while let Some(word) = rest.next() {
        let option = text.utf8(&word.bytes, word.at, "the command")?.to_string();
        if !option.starts_with('-') || option == "-" {
            address(text, &mut command, option, word.at)?;
            continue;
        }
        for (option, attached) in apart(&option) {
            let value = || match attached.clone() {
                Some(value) => Ok((value.into_bytes(), word.at)),
                None => match rest.next() {
                    Some(Word { bytes, at }) => Ok((bytes.clone(), *at)),
                    None => Err(text.fault(
                        word.at,
                        format!("`{option}` needs a value, and the command ends"),
                        "copy the whole command",
                    )),
                },
            };
            apply(text, &mut command, &option, word.at, value)?;
        }
    }
    finish(text, command, from)
}

/// An option word as its options: `-sSXPOST` is three, `--request=POST` is one with its value.
fn apart(word: &str) -> Vec<(String, Option<String>)> {
    if let Some(long) = word.strip_prefix("--") {
        return match long.split_once('=') {
            Some((name, value)) => vec![(format!("--{name}"), Some(value.into()))],
            None => vec![(word.into(), None)],
        };
    }
    let mut options = Vec::new();
    let mut letters = word.chars().skip(1);
    while let Some(letter) = letters.next() {
        let option = format!("-{letter}");
        if SHORT_WITH_VALUE.contains(letter) {
            let rest: String = letters.by_ref().collect();
            options.push((option, (!rest.is_empty()).then_some(rest)));
        } else {
            options.push((option, None));
        }
    }
    options
}

fn address(text: &Text<'_>, command: &mut Command, address: String, at: usize) -> Result<(), Fault> {
    if command.address.is_some() {
        let message = format!("a second address, `{}`", address.escape_debug());
        return Err(text.fault(at, message, "give one request; quote values that have blanks"));
    }
    command.address = Some((address, at));
    Ok(())
}

fn apply(
    text: &Text<'_>,
    command: &mut Command,
    option: &str,
    at: usize,
    value: impl FnOnce() -> Result<(Vec<u8>, usize), Fault>,
) -> Result<(), Fault> {
    match option {
        "-X" | "--request" => {
            let (value, at) = value()?;
            command.method = Some(text.utf8(&value, at, "the method")?.into());
        }
        "-H" | "--header" => {
            let (value, at) = value()?;
            field(text, command, &value, at)?;
        }
        "--url" => {
            let (value, at) = value()?;
            let value = text.utf8(&value, at, "the address")?.to_string();
            address(text, command, value, at)?;
        }
        "-d" | "--data" | "--data-ascii" | "--data-binary" | "--data-raw" | "--json" => {
            let (value, at) = value()?;
            if option != "--data-raw" && value.starts_with(b"@") {
                let remedy = "write the body itself after --data-raw";
                return Err(text.fault(at, "the body is in a file, which is not read here", remedy));
            }
            command.json |= option == "--json";
            command.data.push(value);
        }
        "--data-urlencode" => {
            let (value, at) = value()?;
            let value = text.utf8(&value, at, "the value")?;
            let encoded = match value.split_once('=') {
                Some(("", value)) => percent_encode(value),
                Some((name, value)) => format!("{name}={}", percent_encode(value)),
                None => percent_encode(value),
            };
            command.data.push(encoded.into_bytes());
        }
        "-u" | "--user" => {
            let line = format!("Basic {}", encode_standard(&value()?.0));
            command.fields.push(("Authorization".into(), line.into_bytes()));
        }
        "--oauth2-bearer" => {
            let line = [b"Bearer ".to_vec(), value()?.0].concat();
            command.fields.push(("Authorization".into(), line));
        }
        "-b" | "--cookie" => command.fields.push(("Cookie".into(), value()?.0)),
        "-A" | "--user-agent" => command.fields.push(("User-Agent".into(), value()?.0)),
        "-e" | "--referer" => command.fields.push(("Referer".into(), value()?.0)),
        "-G" | "--get" => command.get = true,
        "-I" | "--head" => command.head = true,
        _ if IDLE.contains(&option) => {}
        _ if IDLE_WITH_VALUE.contains(&option) => {
            value()?;
        }
        _ => {
            let message = format!("the option `{}` is not known here", option.escape_debug());
            return Err(text.fault(at, message, "leave it out, or give the request as raw HTTP/1.1"));
        }
    }
    Ok(())
}

/// `Name: value`; `Name;` for an empty value; `Name:` takes a field of curl's own away.
fn field(text: &Text<'_>, command: &mut Command, line: &[u8], at: usize) -> Result<(), Fault> {
    let remedy = "write -H 'Name: value'";
    if let Some(odd) = line.iter().position(|b| *b == b'\n' || *b == b'\r' || *b == 0) {
        let message = format!("a field can't have a line end in it (byte {} of the value)", odd + 1);
        return Err(text.fault(at, message, "take the line end out of the value"));
    }
    let name_end = line.iter().position(|b| matches!(b, b':' | b';'));
    let Some((name, [mark, value @ ..])) = name_end.and_then(|end| line.split_at_checked(end)) else {
        return Err(text.fault(at, "this field has no colon", remedy));
    };
    let name = text.utf8(name, at, "the name of the field")?;
    if name.is_empty() || name.contains(|c: char| c.is_whitespace()) {
        return Err(text.fault(at, format!("`{}` is no name of a field", name.escape_debug()), remedy));
    }
    let value = value.trim_ascii().to_vec();
    match (mark, value.is_empty()) {
        (b':', true) => command.removed.push(name.into()),
        _ => command.fields.push((name.into(), value)),
    }
    Ok(())
}

fn finish(text: &Text<'_>, command: Command, start: usize) -> Result<Message, Fault> {
    let Some((address, at)) = command.address else {
        return Err(text.fault(start, "the command has no address", "copy the whole command with its URL"));
    };
    // curl's own guess is http; nobody means it who asks about a refusal.
    let whole = if address.contains("://") { address.clone() } else { format!("https://{address}") };
    let Some((secure, host, mut target)) = url::split(&whole) else {
        let message = format!("`{}` is no address of http or https", address.escape_debug());
        return Err(text.fault(at, message, "write it as https://host/path"));
    };
    let mut body = command.data.join(if command.json { b"".as_slice() } else { b"&".as_slice() });
    let has_data = !command.data.is_empty();
    if command.get && has_data {
        let joint = if target.contains('?') { '&' } else { '?' };
        target = format!("{target}{joint}{}", text.utf8(&body, at, "the query")?);
        body.clear();
    }
    let posts = has_data && !command.get;
    let usual = match (command.head, posts) {
        (true, _) => "HEAD",
        (false, true) => "POST",
        (false, false) => "GET",
    };
    let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
    let given = |name: &str| command.fields.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
    if !given("host") {
        fields.push(("Host".into(), host.into()));
    }
    let removed = |name: &str| command.removed.iter().any(|n| n.eq_ignore_ascii_case(name));
    if posts && !given("content-type") && !removed("content-type") {
        let kind = if command.json { "application/json" } else { "application/x-www-form-urlencoded" };
        fields.push(("Content-Type".into(), kind.into()));
    }
    fields.extend(command.fields);
    let method = command.method.unwrap_or_else(|| usual.into());
    Ok(Message { secure, method, target, fields, body })
}
