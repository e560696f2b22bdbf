//! What verifying an accepted request allocates, counted by dhat: the accepted path is the hot one, and each allocation
//! on it is one that somebody decided on. One test, because dhat counts what the whole program does.

#![expect(clippy::unwrap_used, reason = "a test stops at the first broken assumption")]

mod published;

use std::collections::BTreeMap;

use bearproof_scheme::plan::Plan;
use bearproof_scheme::sign::{Draft, Entropy, Signer, signed};
use bearproof_scheme::store::{Credentials, ReplayMemory};
use bearproof_scheme::verify::{Context, verify};
use published::load;

#[global_allocator]
static COUNTED: dhat::Alloc = dhat::Alloc;

/// Bytes that differ from call to call, as nonces must.
struct Counter(std::cell::Cell<u8>);

impl Entropy for Counter {
    fn bytes(&self, _: &str, len: usize) -> Vec<u8> {
        self.0.set(self.0.get().wrapping_add(1));
        vec![self.0.get(); len]
    }
}

/// Allocations of one verification of an accepted request to an endpoint, with so long a body where it has one.
fn counted(scheme: &str, role: &str, size: usize) -> u64 {
    let (d, w) = load(scheme, &BTreeMap::new());
    let (plan, credentials) = (Plan::strict(d.clone(), &w), Credentials::prepare(&d, &w));
    let (replay, entropy, now) = (ReplayMemory::new(1000), Counter(0.into()), w.clock.unwrap());
    let signer = Signer {
        description: &d,
        credential: w.credential("primary").unwrap(),
        platform: w.platform("primary"),
        now,
        entropy: &entropy,
    };
    let mut draft = Draft::of(&w, w.endpoint(role).unwrap());
    if !draft.body.is_empty() {
        draft.body = format!("{{\"text\": \"{}\"}}", "a".repeat(size)).into_bytes();
    }
    let accepted = || {
        let message = signed(&signer, &draft).unwrap();
        let context = Context { now, credentials: &credentials, replay: &replay };
        let request = message.request();
        let before = dhat::HeapStats::get().total_blocks;
        let outcome = verify(&plan, &request, &context);
        let after = dhat::HeapStats::get().total_blocks;
        assert!(outcome.is_ok(), "{scheme} {role}: {outcome:?}");
        after - before
    };
    // What is made once (the prepared state of a key, the first room of the replay memory) is no matter of a request.
    for _ in 0..2 {
        accepted();
    }
    accepted()
}

#[test]
fn an_accepted_request_allocates_nothing_unless_something_is_computed_from_it() {
    let _profiler = dhat::Profiler::builder().testing().build();
    for (scheme, role) in [
        ("bursagb-jwt", "read"),
        ("bursagb-jwt", "write"),
        ("hotwax", "read"),
        ("hotwax", "write"),
        ("bursagb-apikey", "read"),
    ] {
        assert_eq!(counted(scheme, role, 100), 0, "{scheme} {role}");
    }
    // A binding is computed in steps and a sealed token is opened: a few buffers, however long the body is.
    for (scheme, role) in [
        ("annexcloud", "read"),
        ("annexcloud", "write"),
        ("hexsafe", "read"),
        ("hexsafe", "write"),
        ("masonhub", "read"),
    ] {
        let (short, long) = (counted(scheme, role, 100), counted(scheme, role, 100_000));
        assert_eq!(short, long, "{scheme} {role}");
        assert!((1..=10).contains(&short), "{scheme} {role}: {short}");
    }
}
