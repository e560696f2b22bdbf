//! Judges an observation in three lines: let in or not; status and body where a document names them; further
//! assertions. It must not know how the request was made.

use std::collections::BTreeMap;

use bearproof_scheme::Description;
use bearproof_scheme::encoding::{JsonRules, Limits, Value, parse_value};
use bearproof_scheme::request::Message;
use bearproof_scheme::world::Success;

use crate::play::pointer;
use crate::recipe::Expect;
use crate::results::{Assertion, Level};
use crate::subject::Observation;

/// What a document says of a refusal: statuses and body members, of which each is judged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Documented {
    /// Any of these; empty: not documented.
    pub status: Vec<u16>,
    /// Members of the JSON body with their JSON texts.
    pub body: BTreeMap<String, String>,
}

/// What the description's document says of these reasons; nothing unless it speaks of all of them.
pub fn documented(d: &Description, expect: &Expect, message: &Message) -> Documented {
    let Expect::Reject(reasons) = expect else { return Documented::default() };
    // What is no HTTP (RFC 9110 section 5.5) never reaches authentication: any 4xx is right, and proxies say 400.
    let broken = |value: &[u8]| value.iter().any(|b| (*b < 0x20 && *b != b'\t') || *b == 0x7f);
    // Nor does a name with a blank before the colon, or a request without exactly one host: RFC 9112 sections 5.1 and
    // 3.2 demand 400.
    let no_host = message.request().host().is_none_or(|host| host.contains([' ', '\t', ',']));
    if no_host || message.fields.iter().any(|(name, value)| name.ends_with([' ', '\t']) || broken(value)) {
        return Documented::default();
    }
    let mut documented = Documented::default();
    let mut bodies = Vec::new();
    for reason in reasons {
        let rule = d.refusal(reason);
        let of_document = rule
            .and_then(|r| r.reference.as_deref())
            .and_then(|id| d.requirement(id))
            .is_some_and(|r| r.heading.is_some());
        let Some(rule) = rule.filter(|_| of_document) else { return Documented::default() };
        if !documented.status.contains(&rule.status) {
            documented.status.push(rule.status);
        }
        bodies.push(rule.body.iter().cloned().collect::<BTreeMap<_, _>>());
    }
    if let Some(first) = bodies.first()
        && bodies.iter().all(|b| b == first)
        // An answer to HEAD has no content (RFC 9110 section 9.3.2).
        && message.method != "HEAD"
    {
        documented.body = first.clone();
    }
    documented
}

/// Whether the answer lets the caller in.
pub fn let_in(success: &Success, observation: &Observation) -> bool {
    let status = if success.status.is_empty() {
        (200..300).contains(&observation.status)
    } else {
        success.status.contains(&observation.status)
    };
    status
        && !is_foreign_page(success, observation)
        && success.field.as_ref().is_none_or(|name| observation.field(name).is_some())
        && success.pointer.as_ref().is_none_or(|path| {
            parse_value(&observation.body, &JsonRules::STRICT, &Limits::DEFAULT)
                .is_ok_and(|json| pointer(&json, path).is_some_and(|found| *found != Value::Null))
        })
}

/// Whether an answer is a page for people where the world says nothing of what a success looks like: a login page may
/// come with 200, and lets nobody in.
fn is_foreign_page(success: &Success, observation: &Observation) -> bool {
    let begins = |text: &[u8], with: &str| {
        let text = text.trim_ascii_start();
        text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
    };
    let typed = observation.field("content-type").is_some_and(|value| begins(value, "text/html"));
    let page = typed || ["<!doctype html", "<html"].iter().any(|start| begins(&observation.body, start));
    page && *success == Success::default()
}

/// Whether an answer that does not let in is a refusal. One with a 2xx is one only if it could have been the success
/// and lacks what makes it one: another 2xx, or a body that can't be read, says neither.
pub fn is_refusal(success: &Success, observation: &Observation) -> bool {
    if !(200..300).contains(&observation.status) {
        return true;
    }
    let possible = success.status.is_empty() || success.status.contains(&observation.status);
    possible && parse_value(&observation.body, &JsonRules::STRICT, &Limits::DEFAULT).is_ok()
}

/// Why an answer that does not let in says nothing about authentication, if so.
pub fn says_nothing(observation: &Observation, documented: &Documented, expect: &Expect) -> Option<String> {
    let missing =
        matches!(expect, Expect::Reject(reasons) if reasons.iter().any(|r| r == "access.no-endpoint"));
    if documented.status.contains(&observation.status) || missing && matches!(observation.status, 404 | 405) {
        return None;
    }
    let cause = match observation.status {
        // The document names what a success looks like by default as 2xx; a page is none, and no refusal either.
        status @ 200..=299 if is_foreign_page(&Success::default(), observation) => {
            return Some(format!(
                "an HTML page with {status}: a login page or a proxy stands before the API; \
                 if the API itself answers with pages, say so by `success` of the endpoint"
            ));
        }
        300..=399 => "a redirect: the endpoint moved, or a login page stands before it",
        404 if observation.reason.is_none() => "404: the path of the endpoint is wrong, or a proxy answered",
        405 => "405: the method of the endpoint is wrong",
        429 => return Some(limited(observation)),
        _ => return None,
    };
    Some(cause.into())
}

/// The cause of a 429, with the wait that the server asks for.
fn limited(observation: &Observation) -> String {
    let wait = observation.field("retry-after").map(String::from_utf8_lossy);
    let wait =
        wait.map(|after| format!(" and says `Retry-After: {}`", after.chars().take(40).collect::<String>()));
    format!("429: the server limits the rate{}; raise its limit for this run", wait.unwrap_or_default())
}

/// Second and third line for an answer that refuses.
pub fn assertions(observation: &Observation, documented: &Documented, challenge: bool) -> Vec<Assertion> {
    let mut all = Vec::new();
    if !documented.status.is_empty() {
        let wanted: Vec<String> = documented.status.iter().map(ToString::to_string).collect();
        let held = documented.status.contains(&observation.status);
        all.push(Assertion {
            what: format!("status is {}", wanted.join(" or ")),
            held,
            seen: if held { String::new() } else { observation.status.to_string() },
            level: Level::Must,
        });
    }
    for (name, wanted) in &documented.body {
        let json = parse_value(&observation.body, &JsonRules::STRICT, &Limits::DEFAULT);
        let seen = json.ok().and_then(|j| pointer(&j, &format!("/{name}")).map(Value::to_text));
        let held = seen.as_ref() == Some(wanted);
        all.push(Assertion {
            what: format!("body /{name} is {wanted}"),
            held,
            seen: if held { String::new() } else { seen.unwrap_or_else(|| "nothing".into()) },
            level: Level::Must,
        });
    }
    if challenge && observation.status == 401 {
        let held = observation.field("www-authenticate").is_some();
        all.push(Assertion {
            what: "401 carries WWW-Authenticate (RFC 9110 section 15.5.2)".into(),
            held,
            seen: if held { String::new() } else { "no such field".into() },
            level: Level::Should,
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Observation {
        Observation { status, fields: Vec::new(), body: body.as_bytes().to_vec(), reason: None }
    }

    fn login() -> Success {
        Success { status: vec![200], pointer: Some("/token".into()), field: None }
    }

    #[test]
    fn in_is_told_by_the_member_and_not_by_the_status_alone() {
        assert!(let_in(&login(), &answer(200, r#"{"token":"t"}"#)));
        assert!(!let_in(&login(), &answer(200, r#"{"_ERROR_MESSAGE_":"no"}"#)));
        assert!(!let_in(&login(), &answer(200, r#"{"token":null}"#)), "null is no token");
    }

    #[test]
    fn a_page_for_people_is_no_success_unless_the_world_says_so() {
        let page = |body: &str| answer(200, body);
        assert!(!let_in(&Success::default(), &page("  <!DOCTYPE html><title>Sign in</title>")));
        assert!(!let_in(&Success::default(), &page("<HTML>")));
        assert!(let_in(&Success::default(), &page("{\"page\":\"<html>\"}")));
        assert!(
            let_in(&Success { status: vec![200], ..Success::default() }, &page("<html>")),
            "the world says 200"
        );
        let typed =
            Observation { fields: vec![("Content-Type".into(), b"Text/HTML;x".to_vec())], ..page("Hello") };
        assert!(!let_in(&Success::default(), &typed));
    }

    #[test]
    fn another_success_is_no_refusal() {
        assert!(is_refusal(&login(), &answer(200, r#"{"_ERROR_MESSAGE_":"no"}"#)));
        assert!(is_refusal(&login(), &answer(401, "")));
        assert!(!is_refusal(&login(), &answer(201, r#"{"token":"t"}"#)), "a token under another status");
        assert!(
            !is_refusal(&login(), &answer(200, r#"{"token":"t","token":"t"}"#)),
            "a body with two readings"
        );
    }
}
