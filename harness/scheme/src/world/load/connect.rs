//! Reads `[connect]`: how a live target is reached and what may be done to it. It must not reach anything.

use super::super::{Connect, Hook, Hooks, Permission};
use crate::document::{Fault, Item, Table};
use crate::key::Secret;

/// Reads the table; `secret` reads a value that may stand elsewhere and must not be shown.
pub(super) fn read(
    t: &Table<'_>,
    secret: &dyn Fn(&Item<'_>) -> Result<Secret, Fault>,
) -> Result<Connect, Fault> {
    let text = |key: &str| t.get(key).map(|i| i.text()).transpose();
    let texts = |key: &str| t.get(key).map_or(Ok(Vec::new()), |i| i.texts());
    let (certificate, key) = (t.get("client-certificate"), t.get("client-key"));
    if let (Some(alone), None) | (None, Some(alone)) = (&certificate, &key) {
        return Err(alone.fault(
            "a client is known by certificate and key together",
            "give `client-certificate`, a PEM file, and `client-key`, such as { env = \"CLIENT_KEY\" }",
        ));
    }
    let words = Permission::ALL.map(|p| (p.name(), p));
    let permit = |i: Item<'_>| i.list()?.iter().map(|i| i.word(&words)).collect::<Result<Vec<_>, Fault>>();
    Ok(Connect {
        address: text("address")?,
        plain: text("plain")?,
        control: text("control")?,
        ca: text("ca")?,
        client_certificate: certificate.map(|i| i.text()).transpose()?,
        client_key: key.map(|i| secret(&i)).transpose()?,
        insecure: texts("insecure")?,
        allow: texts("allow")?,
        tag: t.get("tag").map(|i| i.token("name of a field", "X-Test-Request")).transpose()?,
        hooks: t.get("hooks").map_or(Ok(Hooks::default()), |i| i.table(hooks))?,
        permit: t.get("permit").map_or(Ok(Vec::new()), permit)?,
    })
}

fn hooks(t: &Table<'_>) -> Result<Hooks, Fault> {
    let hook = |key: &str| t.get(key).map(|i| hook(&i)).transpose();
    Ok(Hooks { revoke: hook("revoke")?, clock: hook("clock")?, forget: hook("forget")? })
}

/// `"POST https://…"`, or the words of a command.
fn hook(item: &Item<'_>) -> Result<Hook, Fault> {
    let remedy = "write [\"program\", \"{role}\"] or \"POST https://admin.example/revoke?role={role}\"";
    if item.is_array() {
        let words = item.texts()?;
        return match words.first() {
            Some(program) if !program.is_empty() => Ok(Hook::Command(words)),
            _ => Err(item.fault("a command without a program", remedy)),
        };
    }
    let text = item.text()?;
    match text.split_once(' ') {
        Some((method, url))
            if !method.is_empty()
                && method.bytes().all(|b| b.is_ascii_uppercase())
                && (url.starts_with("https://") || url.starts_with("http://"))
                && !url.contains([' ', '#']) =>
        {
            Ok(Hook::Request { method: method.into(), url: url.into() })
        }
        _ => Err(item.fault(format!("`{text}` is no hook"), remedy)),
    }
}
