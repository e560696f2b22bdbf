//! How often hot paths allocate: not at all for a token that is bound to no body, and as often for a large body as for a
//! small one where it is. Debug builds count the same.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a test stops at the first broken assumption")]

use bearproof_benches::table::Zeros;
use bearproof_benches::{Server, body, draft, signed, signer, suite};
use bearproof_conform::suite::Variant;
use bearproof_scheme::sign::Prepared;

#[global_allocator]
static COUNTER: dhat::Alloc = dhat::Alloc;

/// Blocks that are allocated in one run, after a first one that may fill what is made when it is first needed.
fn blocks(mut run: impl FnMut() -> bool) -> u64 {
    let count = |run: &mut dyn FnMut() -> bool| {
        let before = dhat::HeapStats::get().total_blocks;
        assert!(run(), "nothing to count");
        dhat::HeapStats::get().total_blocks - before
    };
    count(&mut run);
    let all = [count(&mut run), count(&mut run)];
    let [first, second] = all;
    assert_eq!(first, second, "one run is as the other");
    first
}

/// Allocations of verifying a request that is let in, by the size of its body.
fn of_verifying(variant: &Variant, size: Option<usize>) -> Option<u64> {
    let draft = draft(variant, size.map(body))?;
    let server = Server::new(variant);
    let message = signed(variant, &draft, 0).expect("a good request");
    Some(blocks(|| server.lets_in(&message)))
}

fn main() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let suite = suite().expect("the vectors load");
    for scheme in &suite.schemes {
        let variant = &scheme.default;
        let bare = of_verifying(variant, None).expect("an endpoint");
        let [small, large] = [1 << 10, 1 << 16].map(|size| of_verifying(variant, Some(size)));
        println!("{}: {bare} allocations, {small:?} for 1 KiB, {large:?} for 64 KiB", scheme.id);
        match scheme.id.as_str() {
            "bursagb-jwt" | "bursagb-apikey" => assert_eq!([Some(bare), small, large], [Some(0); 3]),
            _ => {
                assert_eq!(small, large, "{}: the body's size counts", scheme.id);
                assert!(bare.max(small.unwrap_or(0)) <= 16, "{}: that is many", scheme.id);
            }
        }
    }
    for scheme in ["annexcloud", "bursagb-jwt"] {
        let variant = &suite.scheme(scheme).expect("the scheme").default;
        let draft = draft(variant, None).expect("an endpoint");
        let signer = signer(variant, &Zeros).expect("a caller");
        let mut prepared = Prepared::new(&signer, &draft).expect("a request");
        assert_eq!(blocks(|| prepared.sign(signer.now, &Zeros).is_ok()), 0, "{scheme}: signing");
    }
}
