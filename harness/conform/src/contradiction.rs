//! Two vectors that send the same bytes and expect different things: no server can satisfy both. It must not compare
//! recipes: the two came from different ones.

use std::collections::HashMap;

use crate::freeze::CONTROL;
use crate::vector::{FrozenStep, Vector};

/// The first pair of vectors that contradict each other, in words. Controls aside: they show that a target can be
/// judged, and are not judged themselves.
pub(crate) fn contradiction<'v>(vectors: impl IntoIterator<Item = &'v Vector>) -> Option<String> {
    let mut seen: HashMap<String, &Vector> = HashMap::new();
    for vector in vectors.into_iter().filter(|v| v.id.split('/').nth(1) != Some(CONTROL)) {
        // Who calls shows in the request; where there is none, by what is done.
        let done = |s: &FrozenStep| (s.action.clone(), s.request.is_none().then(|| s.role.clone()), s.clock);
        let sent: Vec<_> = vector.steps.iter().map(|s| (done(s), &s.request)).collect();
        let verdicts = |v: &Vector| v.steps.iter().map(verdict).collect::<Vec<_>>();
        let other = *seen.entry(format!("{:?} {sent:?}", vector.choose)).or_insert(vector);
        if verdicts(other) != verdicts(vector) {
            return Some(format!(
                "`{}` expects {} and `{}` expects {} of the very same exchange: say in one of their recipes what is meant",
                other.id,
                verdicts(other).join(", then "),
                vector.id,
                verdicts(vector).join(", then "),
            ));
        }
    }
    None
}

fn verdict(step: &FrozenStep) -> String {
    step.expect.verdict.clone()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::contradiction;
    use crate::vector::Vector;

    fn vector(id: &str, target: &str, verdict: &str) -> Vector {
        let request = json!({
            "secure": true, "method": "GET", "target": target, "fields": [], "body": { "utf8": "" },
        });
        let expect = json!({ "verdict": verdict });
        let step =
            json!({ "action": "call", "role": "primary", "clock": 0, "request": request, "expect": expect });
        serde_json::from_value(json!({ "id": id, "level": "must", "severity": "medium", "steps": [step] }))
            .unwrap()
    }

    #[test]
    fn one_exchange_has_one_expectation() {
        let (accept, reject) = (vector("x/a/one", "/1", "accept"), vector("x/b/two", "/1", "reject"));
        assert_eq!(
            contradiction([&accept, &reject]).unwrap(),
            "`x/a/one` expects accept and `x/b/two` expects reject of the very same exchange: say in one of their \
             recipes what is meant"
        );
    }

    #[test]
    fn other_bytes_the_same_verdict_other_options_and_controls_are_no_contradiction() {
        let one = vector("x/a/one", "/1", "any");
        let elsewhere = vector("x/a/two", "/2", "reject");
        let again = vector("x/b/three", "/1", "any");
        let chosen = Vector {
            choose: [("algorithm".to_string(), "HS512".to_string())].into(),
            ..vector("x/a/four", "/1", "reject")
        };
        let control = vector("x/control/five", "/1", "accept");
        assert_eq!(contradiction([&one, &elsewhere, &again, &chosen, &control]), None);
    }
}
