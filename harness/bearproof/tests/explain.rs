//! Every wrong signer is named by the explanation of its request.

use std::path::Path;
use std::sync::Arc;

use bearproof_conform::entropy::Published;
use bearproof_conform::explain::explain;
use bearproof_conform::signing::{Wanted, signed};
use bearproof_conform::suite::{Disk, Suite, Variant};
use bearproof_scheme::wrong_signer::all;

fn suite() -> Suite {
    Suite::load(Arc::new(Disk(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors")))).unwrap()
}

fn now(variant: &Variant) -> u64 {
    variant.world.clock.unwrap()
}

#[test]
fn every_wrong_signer_is_named() {
    let (mut total, mut first, mut named) = (0, 0, 0);
    for scheme in &suite().schemes {
        let variant = &scheme.default;
        let (mut of_scheme, mut firsts, mut nameds, mut idle) = (0, 0, 0, 0);
        for wrong in all(&variant.description, &variant.world) {
            let wanted = Wanted { role: "primary", endpoint: None, mutate: Some(&wrong.id) };
            let entropy = Published::new(&wrong.id, 0);
            let Ok(made) = signed(variant, &wanted, now(variant), &entropy) else {
                idle += 1;
                continue;
            };
            let e = explain(variant, &made.message, now(variant) + 1);
            let exact: Vec<&str> =
                e.hits.iter().filter(|h| h.rest.is_empty()).map(|h| h.ids[0].as_str()).collect();
            let position = e.hits.iter().position(|h| h.ids == [wrong.id.clone()]);
            of_scheme += 1;
            if position.is_some_and(|p| p < 3) {
                nameds += 1;
            } else {
                let got: Vec<_> = e.hits.iter().map(|h| (h.ids.join("+"), h.rest.clone())).collect();
                let diff: Vec<_> = e.differences.iter().map(|d| d.name.clone()).collect();
                eprintln!("{} {}: {:?} {:?} diff {diff:?}", scheme.id, wrong.id, e.verdict.refused, got);
            }
            if position == Some(0) || exact.contains(&wrong.id.as_str()) {
                firsts += 1;
            }
        }
        eprintln!("{}: {of_scheme} ({idle} without effect), named {nameds}, first {firsts}", scheme.id);
        total += of_scheme;
        first += firsts;
        named += nameds;
    }
    eprintln!("all: {total}, named {named}, first {first}");
    assert_eq!(named, total);
    assert!(first * 10 >= total * 9);
}
