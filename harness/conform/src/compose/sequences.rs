//! Words about what came before: the same request, its nonce, the end of a credential, time. It must not know of
//! single values but the nonce.

use bearproof_scheme::description::{OperationKind, Rule};
use bearproof_scheme::world::Endpoint;

use super::{Word, stands};
use crate::recipe::{Action, Edit, Expect, Given, Meaning, Step, Target};
use crate::resolve::token_operation;
use crate::suite::Variant;

pub(super) fn add(variant: &Variant, endpoint: &Endpoint, words: &mut Vec<Word>) {
    let d = &variant.description;
    // An operation that records or ends something is done once.
    if d.operation(&endpoint.role).is_some() {
        return;
    }
    let step = |action: Action| Step::new(action, Expect::Accept);
    let good = || step(Action::Call);
    let base = |id: &str, slot: &str, breaks: bool, before: Vec<Step>| Word {
        id: id.into(),
        slot: slot.into(),
        breaks,
        plain: breaks,
        level: crate::results::Level::Must,
        before,
        edit: None,
        risk: None,
        token_of: None,
    };
    words.push(base("after-a-good-request", "before", false, vec![good()]));
    let once = d.parts.iter().any(|p| p.single_use && stands(p, endpoint));
    let again = base("sent-again", "*", once, vec![good()]);
    words.push(Word { edit: Some(Edit::SendAgain { step: 1 }), ..again });
    if once && d.parts.iter().any(|p| p.single_use && matches!(p.rule, Rule::Nonce(_))) {
        let nonce = Edit::SetPart { target: Target::Meaning(Meaning::Nonce), value: Given::OfStep(1) };
        let word = base("nonce-of-before", "before", true, vec![good()]);
        words.push(Word { edit: Some(nonce), ..word });
    }
    // The end of the caller's own credential; of another's, which touches nobody else.
    let revoke = |role: Option<&str>| Step { role: role.map(Into::into), ..step(Action::Revoke) };
    words.push(base("after-its-end", "before", true, vec![revoke(None)]));
    if variant.world.credential("other").is_some() {
        words.push(base("after-the-end-of-another", "before", false, vec![revoke(Some("other"))]));
    }
    // A token that the server itself gave, and what ends it.
    let issues = token_operation(d).and_then(|name| d.operation(name));
    let Some(issues) = issues.filter(|o| o.kind == OperationKind::Issue) else { return };
    let obtain = || step(Action::Obtain(Some(issues.name.clone())));
    let mut issued = |id: &str, breaks: bool, between: Option<Step>| {
        let before = [Some(obtain()), between].into_iter().flatten().collect();
        words.push(Word { token_of: Some(1), ..base(id, "*", breaks, before) });
    };
    issued("issued-and-ended", true, Some(revoke(None)));
    issued("issued-a-year-before", true, Some(step(Action::Wait(31_536_000))));
}
