//! Paired ratios: two things measured in turns (A B B A), so that a drifting clock touches both alike. Prints a table;
//! keeps no figure.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a bench measures time and prints")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use bearproof_benches::{Server, draft, signed, suite};
use bearproof_scheme::description::Source;
use bearproof_scheme::key::Key;
use bearproof_scheme::request::Message;
use bearproof_scheme::world::{Value, value};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use sha2::Sha256;

/// Blocks of A B B A, and how long one of its quarters should take.
const BLOCKS: usize = 60;
const QUARTER: Duration = Duration::from_millis(3);

/// A scheme whose tokens are HS256 under one key, and bound to no body.
const SCHEME: &str = "bursagb-jwt";

/// Something to measure: its name and one run of it.
type Subject<'s> = (&'s str, &'s dyn Fn() -> bool);

fn main() -> Result<(), String> {
    // `cargo bench` says `--bench`; anything else only wants to see that it works.
    let said = |word: &str| std::env::args().any(|argument| argument == word);
    let blocks = if said("--bench") && !said("--test") { BLOCKS } else { 3 };
    let suite = suite()?;
    let variant = &suite.scheme(SCHEME).map_err(|fault| fault.to_string())?.default;
    let server = Server::new(variant);
    let draft = draft(variant, None).ok_or("no endpoint")?;
    let message = signed(variant, &draft, 0)?;
    let token = token(&message)?;
    let (input, signature) = token.rsplit_once('.').ok_or("no JWS")?;
    let Some(Source::Platform(name)) = variant.description.token.as_ref().map(|t| &t.key) else {
        return Err("the platform has no key".into());
    };
    let held = variant.world.platform("primary").and_then(|p| value(&p.values, name)).and_then(Value::key);
    let Some(Key::Bytes(secret)) = held else { return Err("the key is no secret".into()) };

    let keyed = Hmac::<Sha256>::new_from_slice(secret).map_err(|e| e.to_string())?;
    let raw = || {
        let mut mac = keyed.clone();
        mac.update(black_box(input).as_bytes());
        black_box(mac.finalize().into_bytes()).len() == 32
    };
    // The same policy as far as it can be told. Times are the published clock's: ours checks them, the peer doesn't.
    let mut policy = Validation::new(Algorithm::HS256);
    policy.validate_exp = false;
    policy.validate_aud = false;
    policy.required_spec_claims.clear();
    let key = DecodingKey::from_secret(secret);
    let peer_verifies = || jsonwebtoken::decode::<serde_json::Value>(black_box(token), &key, &policy).is_ok();
    let claims =
        jsonwebtoken::decode::<serde_json::Value>(token, &key, &policy).map_err(|e| e.to_string())?.claims;
    let encoding = EncodingKey::from_secret(secret);
    let header = Header::new(Algorithm::HS256);
    let peer_signs = || jsonwebtoken::encode(&header, black_box(&claims), &encoding).is_ok();
    let we_verify = || server.lets_in(black_box(&message));
    let we_sign = || signed(variant, black_box(&draft), 0).is_ok();

    println!("{SCHEME}, token of {} bytes, signature of {} characters", token.len(), signature.len());
    println!("{:<40} {:>8}   95 % interval", "ratio of times", "median");
    let raw: Subject<'_> = ("raw HMAC-SHA256", &raw);
    let verify: Subject<'_> = ("verify a request", &we_verify);
    let sign: Subject<'_> = ("sign a request", &we_sign);
    let peer_verify: Subject<'_> = ("jsonwebtoken verify", &peer_verifies);
    let peer_sign: Subject<'_> = ("jsonwebtoken sign", &peer_signs);
    for (a, b) in [
        (verify, raw),
        (peer_verify, raw),
        (peer_verify, verify),
        (sign, raw),
        (peer_sign, raw),
        (peer_sign, sign),
    ] {
        let ratio = ratio(a, b, blocks)?;
        println!(
            "{:<40} {:>8.2}   {:.2} to {:.2}",
            format!("{} / {}", a.0, b.0),
            ratio.median,
            ratio.low,
            ratio.high
        );
    }
    Ok(())
}

/// The token of a request with one Authorization field.
fn token(message: &Message) -> Result<&str, String> {
    let line = message.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    let text = line.and_then(|(_, value)| std::str::from_utf8(value).ok()).ok_or("no Authorization field")?;
    text.split_once(' ').map(|(_, token)| token).ok_or_else(|| "no auth-scheme".into())
}

/// How much longer `a` takes than `b`.
struct Ratio {
    median: f64,
    low: f64,
    high: f64,
}

/// Runs blocks of A B B A; each gives one ratio.
fn ratio(a: Subject<'_>, b: Subject<'_>, blocks: usize) -> Result<Ratio, String> {
    let (runs_a, runs_b) = (runs(a)?, runs(b)?);
    let mut ratios: Vec<f64> = Vec::with_capacity(blocks);
    for _ in 0..blocks {
        let first = time(a, runs_a);
        let second = time(b, runs_b);
        let third = time(b, runs_b);
        let fourth = time(a, runs_a);
        ratios.push((first + fourth) / (second + third));
    }
    ratios.sort_by(f64::total_cmp);
    let at =
        |position: usize| ratios.get(position.min(blocks.saturating_sub(1))).copied().unwrap_or(f64::NAN);
    let (low, high) = interval(blocks);
    Ok(Ratio { median: at(blocks / 2), low: at(low), high: at(high) })
}

/// Positions in `n` sorted values between which the median lies with 95 % confidence: n/2 ± 0.98 √n, by the normal
/// approximation of the binomial distribution.
fn interval(n: usize) -> (usize, usize) {
    let half = (96 * n).isqrt() / 10;
    ((n / 2).saturating_sub(half), n / 2 + half)
}

/// How many runs fill a quarter of a block.
fn runs((name, run): Subject<'_>) -> Result<u32, String> {
    let (mut runs, start) = (0_u32, Instant::now());
    while start.elapsed() < QUARTER || runs == 0 {
        if !black_box(run()) {
            return Err(format!("{name} fails: nothing to measure"));
        }
        runs += 1;
    }
    Ok(runs)
}

/// Seconds for one of `runs` runs.
fn time((_, run): Subject<'_>, runs: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..runs {
        black_box(run());
    }
    start.elapsed().as_secs_f64() / f64::from(runs)
}
