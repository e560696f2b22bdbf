//! Absolute URLs of requests. It must not normalise them.

/// Whether it is https, host and port as they stand, and the target.
pub(super) fn split(url: &str) -> Option<(bool, &str, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let secure = match scheme.to_ascii_lowercase().as_str() {
        "https" => true,
        "http" => false,
        _ => return None,
    };
    let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, target) = rest.split_at_checked(end)?;
    // A name before `@` is for the client and does not travel.
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return None;
    }
    let target = if target.starts_with('/') { target.to_string() } else { format!("/{target}") };
    Some((secure, host, target))
}
