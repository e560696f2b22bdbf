//! criterion's curves: signing and verifying for each scheme, each stage of parsing alone, and loading. For ratios
//! between implementations see `ratios`; clocks drift too much for these figures to be divided.

#![expect(clippy::expect_used, reason = "a bench stops at what can't be measured")]

use bearproof_benches::{Server, body, draft, refused_early, refused_late, signed, suite};
use bearproof_conform::frozen;
use bearproof_conform::suite::Suite;
use bearproof_scheme::description::{Format, load};
use bearproof_scheme::encoding::{JsonRules, Limits, Rules, compact, decode_url, encode_url, parse_object};
use bearproof_scheme::plan::Plan;
use bearproof_scheme::token::split;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

const SIZES: [(&str, usize); 4] = [("0", 0), ("1 KiB", 1 << 10), ("64 KiB", 1 << 16), ("1 MiB", 1 << 20)];

fn vectors() -> Suite {
    suite().expect("the vectors load")
}

/// Signing, and verifying what is accepted, refused before and refused after the signature.
fn schemes(c: &mut Criterion) {
    for scheme in vectors().schemes {
        let variant = &scheme.default;
        let server = Server::new(variant);
        let plain = draft(variant, None).expect("an endpoint");
        let good = signed(variant, &plain, 0).expect("a good request");
        assert!(server.lets_in(&good), "the good request of `{}` is refused", scheme.id);
        let mut group = c.benchmark_group(&scheme.id);
        group.bench_function("sign", |b| b.iter(|| signed(variant, black_box(&plain), 0)));
        group.bench_function("verify accepted", |b| b.iter(|| server.lets_in(black_box(&good))));
        if let Some(early) = refused_early(variant, &good) {
            assert!(!server.lets_in(&early), "`{}` lets in without a credential", scheme.id);
            group.bench_function("verify refused early", |b| b.iter(|| server.lets_in(black_box(&early))));
        }
        if let Some(late) = refused_late(variant, &plain) {
            let late = late.expect("a late request");
            if !server.lets_in(&late) {
                group.bench_function("verify refused late", |b| b.iter(|| server.lets_in(black_box(&late))));
            }
        }
        for (name, size) in SIZES.into_iter().skip(1) {
            let Some(draft) = draft(variant, Some(body(size))) else { continue };
            let message = signed(variant, &draft, 0).expect("a request with a body");
            group.throughput(Throughput::Bytes(u64::try_from(message.body.len()).unwrap_or(0)));
            group.bench_function(BenchmarkId::new("sign body", name), |b| {
                b.iter(|| signed(variant, &draft, 0));
            });
            group.bench_function(BenchmarkId::new("verify body", name), |b| {
                b.iter(|| server.lets_in(&message));
            });
        }
        group.finish();
    }
}

/// Each stage of parsing alone, for valid input and for input that is wrong at its end: refusing must not cost more.
fn stages(c: &mut Criterion) {
    for (name, size) in SIZES {
        let bytes = body(size);
        let mut cut = bytes.clone();
        cut.pop();
        let text = encode_url(&bytes).into_bytes();
        let mut wrong = text.clone();
        wrong.push(b'=');
        let mut group = c.benchmark_group("stages");
        group.throughput(Throughput::Bytes(u64::try_from(bytes.len()).unwrap_or(0)));
        let limits = Limits { depth: 32, members: 4096 };
        for (kind, json, base64) in [("valid", &bytes, &text), ("hostile", &cut, &wrong)] {
            let id = |stage: &str| BenchmarkId::new(format!("{stage} {kind}"), name);
            group.bench_function(id("base64url"), |b| {
                b.iter(|| decode_url(black_box(base64), &Rules::STRICT));
            });
            group.bench_function(id("strict JSON"), |b| {
                b.iter(|| parse_object(black_box(json), &JsonRules::STRICT, &limits).is_ok());
            });
            group
                .bench_function(id("compact JSON"), |b| b.iter(|| compact(black_box(json), &limits).is_ok()));
        }
        group.finish();
    }
    let token = [encode_url(&body(100)), encode_url(&body(200)), encode_url(&[7; 32])].join(".").into_bytes();
    let dots = vec![b'.'; token.len()];
    let mut group = c.benchmark_group("split");
    group.bench_function("valid", |b| b.iter(|| split(Format::Jws, black_box(&token)).is_ok()));
    group.bench_function("hostile", |b| b.iter(|| split(Format::Jws, black_box(&dots)).is_ok()));
    group.finish();
}

/// Reading a description, compiling it, and loading everything.
fn loading(c: &mut Criterion) {
    let suite = vectors();
    let mut group = c.benchmark_group("loading");
    group.sample_size(10);
    for scheme in &suite.schemes {
        let bytes = scheme.folder.read("scheme.toml").expect("a description");
        let text = String::from_utf8(bytes).expect("text");
        let variant = &scheme.default;
        group.bench_function(BenchmarkId::new("read description", &scheme.id), |b| {
            b.iter(|| load(&scheme.id, "scheme.toml", black_box(&text), &[]).is_ok());
        });
        group.bench_function(BenchmarkId::new("compile plan", &scheme.id), |b| {
            b.iter(|| Plan::strict(variant.description.as_ref().clone(), &variant.world));
        });
    }
    group.bench_function("all schemes and recipes", |b| b.iter(|| vectors().families.len()));
    group.bench_function("all frozen vectors", |b| {
        b.iter(|| {
            let all =
                suite.schemes.iter().map(|s| frozen::load(&s.id, s.folder.as_ref()).map_or(0, |v| v.len()));
            all.sum::<usize>()
        });
    });
    group.finish();
}

criterion_group!(benches, schemes, stages, loading);
criterion_main!(benches);
