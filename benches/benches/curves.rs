//! criterion's curves: signing and verifying for each scheme, each stage of parsing alone, and loading. For ratios
//! between implementations see `ratios`; clocks drift too much for these figures to be divided.

#![expect(clippy::expect_used, reason = "a bench stops at what can't be measured")]

use bearproof_benches::{Server, body, draft, refused_early, refused_late, signed, suite};
use bearproof_conform::freeze::plots;
use bearproof_conform::frozen;
use bearproof_conform::in_process::InProcessSubjects;
use bearproof_conform::record::Nobody;
use bearproof_conform::redact::Redactor;
use bearproof_conform::run::{Selection, run};
use bearproof_conform::suite::Suite;
use bearproof_scheme::description::{Format, load};
use bearproof_scheme::encoding::{JsonRules, Limits, Rules, compact, decode_url, encode_url, parse_object};
use bearproof_scheme::plan::Plan;
use bearproof_scheme::store::{ReplayMemory, Spent};
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

/// A memory of a million nonces: one that is known, and fresh ones as they come and go, a million at any time.
fn replay(c: &mut Criterion) {
    const HELD: u64 = 1_000_000;
    let memory = ReplayMemory::new(2 * 1_000_000);
    for nonce in 0..HELD {
        memory.spend(0, nonce.to_string().as_bytes(), HELD + nonce, 0);
    }
    let mut group = c.benchmark_group("replay memory with a million nonces");
    let mut number = 0_u64;
    group.bench_function("known", |b| {
        b.iter(|| {
            // A step that shares no factor with the number of nonces goes through all of them.
            number = (number + 611_953) % HELD;
            assert_eq!(memory.spend(0, black_box(number).to_string().as_bytes(), HELD, 0), Spent::Reused);
        });
    });
    // With each fresh one a unit of time passes, and so one is over; room is made when the memory is full.
    let mut now = HELD;
    group.bench_function("fresh", |b| {
        b.iter(|| {
            now += 1;
            let spent = memory.spend(0, black_box(now).to_string().as_bytes(), now + HELD, now);
            assert_eq!(spent, Spent::Fresh);
        });
    });
    group.finish();
}

/// All vectors of a scheme in process, judged. Over HTTP see `.ci/speed`: a run there takes a server of its own.
fn runs(c: &mut Criterion) {
    let suite = vectors();
    let mut group = c.benchmark_group("in-process run");
    group.sample_size(10);
    for scheme in &suite.schemes {
        let plots = plots(&suite.families, scheme).expect("plots").plots;
        let redactor = Redactor::of_world(&scheme.default.world);
        let selection = Selection { plots: &plots, frozen: None, run: "", seed: 1, recorder: &Nobody };
        group.throughput(Throughput::Elements(u64::try_from(plots.len()).unwrap_or(0)));
        group.bench_function(&scheme.id, |b| {
            b.iter(|| run(black_box(&selection), &InProcessSubjects, &redactor).1.len());
        });
    }
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

criterion_group!(benches, schemes, stages, replay, runs, loading);
criterion_main!(benches);
