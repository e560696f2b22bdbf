//! Signers that call the wrong place, or sign as if they called another. It must not touch the credential.

use super::{Edit, List, Start};
use crate::request::Message;

pub(super) fn add(list: &mut List<'_>) {
    let fix = "the origin of the API, as its document writes it";
    let plain = Edit::Message(Box::new(|message: &mut Message| message.secure = false));
    list.add("request/plain-http", "calls over plain http", "call over https", plain);
    let host = Edit::Start(Box::new(|start| start.draft.host.clone_from(&start.other_host)));
    list.add("request/other-host", "calls another host", &format!("call {fix}"), host);
    let fix = "call the path that the document names, letter for letter";
    for (id, says, change) in [
        (
            "request/slash-at-the-end",
            "calls the path with a slash at the end",
            (|p| format!("{p}/")) as Change,
        ),
        ("request/two-slashes", "calls the path with two slashes at the start", |p| format!("/{p}")),
        ("request/path-in-small-letters", "calls the path in small letters", |p| p.to_ascii_lowercase()),
        ("request/without-first-segment", "calls the path without its first segment", |p| {
            let rest = p.strip_prefix('/').and_then(|p| p.split_once('/')).map(|(_, rest)| rest);
            rest.map_or_else(|| p.into(), |rest| format!("/{rest}"))
        }),
    ] {
        let edit = Edit::Start(Box::new(move |start: &mut Start<'_>| {
            start.draft.path = change(&start.draft.path);
        }));
        list.add(id, says, fix, edit);
    }
    let small =
        Edit::Message(Box::new(|message: &mut Message| message.method = message.method.to_ascii_lowercase()));
    list.add(
        "request/method-in-small-letters",
        "writes the method in small letters",
        "write it in capitals",
        small,
    );
    let mut methods: Vec<String> = list.d.transport.methods.clone();
    if methods.is_empty() {
        methods = list.world.endpoints.iter().map(|e| e.method.clone()).collect();
        methods.sort();
        methods.dedup();
    }
    if !list.d.parts.iter().any(|p| !p.when.is_empty()) {
        return;
    }
    for method in methods {
        let says = format!("makes the token as for {method}");
        let id = format!("request/signed-as-{}", method.to_ascii_lowercase());
        let edit = Edit::Start(Box::new(move |start| start.signed_as = Some(method.clone())));
        list.add(&id, &says, "make the token for the method that is sent", edit);
    }
}

type Change = fn(&str) -> String;
