//! The table of ratios: our whole verification or signing, and each peer, against the fastest bare primitive of this
//! machine. It must not keep a figure.

use std::cell::RefCell;
use std::fmt::Write as _;

use bearproof_conform::suite::{Suite, Variant};
use bearproof_scheme::encoding::{
    JsonRules, Limits, Rules, decode_url, encode_standard, encode_url, parse_object, string_literal,
};
use bearproof_scheme::key::{Key, RsaKey, Secret};
use bearproof_scheme::request::Message;
use bearproof_scheme::sign::{Draft, Entropy, Prepared};
use bearproof_scheme::world::{Credential, State, Value, value};

use crate::limits::{self, fastest};
use crate::paired::{Subject, ratio};
use crate::{Server, body, draft, peers, signed, signer};

/// Credentials among which an API key is looked for.
const MANY: u64 = 1_000_000;

/// A signer's randomness where nothing random is written.
pub struct Zeros;

impl Entropy for Zeros {
    fn bytes(&self, _: &str, len: usize) -> Vec<u8> {
        vec![0; len]
    }
}

/// Prints the table for this machine, from `blocks` blocks for each row.
///
/// # Errors
/// What can't be measured.
pub fn table(suite: &Suite, blocks: usize) -> Result<String, String> {
    let mut table = Table { text: String::new(), blocks };
    let _ = writeln!(table.text, "{}\n", processor());
    table.hs256(&of(suite, "bursagb-jwt")?)?;
    table.rs256(&of(suite, "hexsafe")?)?;
    table.bodies(&of(suite, "annexcloud")?, &of(suite, "hexsafe")?)?;
    table.api_keys(&of(suite, "bursagb-apikey")?)?;
    Ok(table.text)
}

pub(crate) fn of(suite: &Suite, scheme: &str) -> Result<Variant, String> {
    Ok(suite.scheme(scheme).map_err(|fault| fault.to_string())?.default.clone())
}

/// Tokens and keys for programs in other languages, as JSON.
///
/// # Errors
/// What can't be signed.
pub fn tokens(suite: &Suite) -> Result<String, String> {
    let variant = of(suite, "bursagb-jwt")?;
    let draft = draft(&variant, None).ok_or("no endpoint")?;
    let Key::Secret(secret) = key(&variant)? else { return Err("the key is no secret".into()) };
    let mut ours = prepared(&variant, &draft)?;
    let now = variant.world.clock.unwrap_or(0);
    let all: Result<Vec<String>, String> = (0..1000)
        .map(|later| {
            let message = ours.sign(now + later, &Zeros).map_err(|e| e.to_string())?;
            token(message).map(Into::into)
        })
        .collect();
    let secret = String::from_utf8_lossy(secret.expose());
    let json = serde_json::json!({ "secret": secret, "now": now, "tokens": all? });
    Ok(json.to_string())
}

/// Name of the processor, and which of the units that hash and decode it has.
fn processor() -> String {
    let Ok(info) = std::fs::read_to_string("/proc/cpuinfo") else {
        return "Processor: unknown (there is no /proc/cpuinfo)".into();
    };
    let entry = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(": ")).map_or("unknown", |(_, value)| value)
    };
    let flags: Vec<&str> = entry("flags").split(' ').collect();
    let units: Vec<&str> = ["sha_ni", "avx2", "avx512bw"].into_iter().filter(|u| flags.contains(u)).collect();
    format!("Processor: {} ({})", entry("model name"), units.join(", "))
}

struct Table {
    text: String,
    blocks: usize,
}

impl Table {
    fn head(&mut self, what: &str, limit: &Subject<'_>) {
        let _ = writeln!(
            self.text,
            "| {what} | ratio to: {} | 95 % interval | time |\n|---|---|---|---|",
            limit.name
        );
    }

    fn row(&mut self, subject: &mut Subject<'_>, limit: &mut Subject<'_>) -> Result<(), String> {
        let ratio = ratio(subject, limit, self.blocks)?;
        let [time, _] = ratio.times;
        let time =
            if time < 1e-5 { format!("{:.0} ns", time * 1e9) } else { format!("{:.1} µs", time * 1e6) };
        let (name, median) = (&subject.name, ratio.median);
        let _ =
            writeln!(self.text, "| {name} | {median:.2} | {:.2} to {:.2} | {time} |", ratio.low, ratio.high);
        Ok(())
    }

    fn rows(
        &mut self,
        what: &str,
        subjects: Vec<Subject<'_>>,
        limits: Vec<Subject<'_>>,
    ) -> Result<(), String> {
        let mut limit = fastest(limits, self.blocks)?;
        self.head(what, &limit);
        for mut subject in subjects {
            self.row(&mut subject, &mut limit)?;
        }
        self.text.push('\n');
        Ok(())
    }

    fn hs256(&mut self, variant: &Variant) -> Result<(), String> {
        let (server, draft) = (Server::new(variant), draft(variant, None).ok_or("no endpoint")?);
        let message = signed(variant, &draft, 0)?;
        let token = token(&message)?;
        let (input, _) = token.rsplit_once('.').ok_or("no JWS")?;
        let Key::Secret(secret) = key(variant)? else { return Err("the key is no secret".into()) };
        let what = format!("HS256, token of {} bytes", token.len());

        let turned = turned(&message, secret)?;
        let mut subjects = vec![
            Subject::new("bearproof, the whole request", || server.lets_in(&message)),
            Subject::new("bearproof, claims in the reverse order", || server.lets_in(&turned)),
        ];
        subjects.extend(peers::hs256(token, secret, false)?);
        self.rows(&format!("{what}: verify"), subjects, limits::hmac_sha256(secret, input.as_bytes())?)?;

        let mut ours = prepared(variant, &draft)?;
        let mut now = variant.world.clock.unwrap_or(0);
        let mut subjects = vec![Subject::new("bearproof, the whole request", move || {
            now += 1;
            ours.sign(now, &Zeros).is_ok()
        })];
        subjects.extend(peers::hs256(token, secret, true)?);
        self.rows(&format!("{what}: sign"), subjects, limits::hmac_sha256(secret, input.as_bytes())?)
    }

    fn rs256(&mut self, variant: &Variant) -> Result<(), String> {
        let endpoint = variant.world.endpoint("read").ok_or("no endpoint `read`")?;
        let (server, draft) = (Server::new(variant), Draft::of(&variant.world, endpoint));
        let message = signed(variant, &draft, 0)?;
        let token = token(&message)?;
        let (input, signature) = token.rsplit_once('.').ok_or("no JWS")?;
        let signature = decode_url(signature.as_bytes(), &Rules::STRICT).map_err(|e| e.to_string())?;
        let Key::Rsa(rsa) = key(variant)? else { return Err("the key is no RSA key".into()) };
        let rsa: &RsaKey = rsa;

        let mut subjects = vec![Subject::new("bearproof, the whole request", || server.lets_in(&message))];
        subjects.extend(peers::rs256(token, rsa, false)?);
        self.rows(
            "RS256, 2048 bits: verify",
            subjects,
            limits::rs256_verify(rsa, input.as_bytes(), &signature)?,
        )?;

        let mut ours = prepared(variant, &draft)?;
        let mut now = variant.world.clock.unwrap_or(0);
        let mut subjects = vec![Subject::new("bearproof, the whole request", move || {
            now += 1;
            ours.sign(now, &Zeros).is_ok()
        })];
        subjects.extend(peers::rs256(token, rsa, true)?);
        self.rows("RS256, 2048 bits: sign", subjects, limits::rs256_sign(rsa, input.as_bytes())?)
    }

    /// Requests whose token covers their body, against what only hashes it.
    fn bodies(&mut self, annexcloud: &Variant, hexsafe: &Variant) -> Result<(), String> {
        let server = Server::new(annexcloud);
        let Key::Secret(secret) = key(annexcloud)? else { return Err("the key is no secret".into()) };
        for (name, size) in [("1 KiB", 1 << 10), ("64 KiB", 1 << 16), ("1 MiB", 1 << 20)] {
            let draft = draft(annexcloud, Some(body(size))).ok_or("no endpoint with a body")?;
            let message = signed(annexcloud, &draft, 0)?;
            let text = encode_standard(&message.body).into_bytes();
            let subject = Subject::new("bearproof, the whole request", || server.lets_in(&message));
            let what = format!("annexcloud, body of {name}: verify");
            self.rows(&what, vec![subject], limits::hmac_sha256(secret, &text)?)?;
        }
        let server = Server::new(hexsafe);
        let draft = draft(hexsafe, Some(body(1 << 20))).ok_or("no endpoint with a body")?;
        let message = signed(hexsafe, &draft, 0)?;
        let subject = Subject::new("bearproof, the whole request", || server.lets_in(&message));
        let limits = limits::sha512_and_validation(&message.body);
        self.rows("hexsafe, body of 1 MiB: verify", vec![subject], limits)
    }

    /// A key that one of a million callers has, or nobody.
    fn api_keys(&mut self, variant: &Variant) -> Result<(), String> {
        let mut world = variant.world.as_ref().clone();
        let primary = world.credential("primary").ok_or("no primary credential")?.clone();
        world.credentials = (0..MANY).map(|n| with_key(&primary, n)).collect();
        let many = Variant { world: std::sync::Arc::new(world), ..variant.clone() };
        let server = Server::new(&many);
        let draft = draft(variant, None).ok_or("no endpoint")?;
        let mut message = signed(variant, &draft, 0)?;
        let (_, line) = message
            .fields
            .iter_mut()
            .find(|(name, _)| name.eq_ignore_ascii_case("apikey"))
            .ok_or("no field with a key")?;
        line.clone_from(&key_text(0));
        let message = RefCell::new(message);
        let request = |n: u64| {
            let mut message = message.borrow_mut();
            let line = message.fields.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("apikey"));
            if let Some((_, line)) = line {
                write_key(line, n);
            }
            server.lets_in(&message)
        };
        let rows: Vec<[u64; 8]> = (0..MANY).map(|n| [n; 8]).collect();
        let (mut hit, mut miss, mut line) = (Random(1), Random(2), Random(3));
        let mut limit = limits::digest_and_read(&rows, || {
            let mut text = key_text(0);
            write_key(&mut text, line.below(MANY));
            text
        });
        self.head("API key out of a million, drawn at random", &limit);
        self.row(
            &mut Subject::new("bearproof, the whole request: a hit", || request(hit.below(MANY))),
            &mut limit,
        )?;
        let mut missing =
            Subject::new("bearproof, the whole request: a miss", || !request(MANY + miss.below(MANY)));
        self.row(&mut missing, &mut limit)?;
        self.text.push('\n');
        Ok(())
    }
}

/// A number from a small generator (xorshift): good enough to miss the cache.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// The same caller with another key.
fn with_key(primary: &Credential, n: u64) -> Credential {
    let mut other = primary.clone();
    for (name, value) in &mut other.values {
        if **name == *"api_key" {
            *value = Value::Secret(Secret::new(key_text(n)));
        }
    }
    Credential { state: State::Active, ..other }
}

fn key_text(n: u64) -> Vec<u8> {
    format!("{n:08}-fake-key-of-a-bench").into_bytes()
}

/// Writes another number into a key's text.
fn write_key(text: &mut [u8], mut n: u64) {
    for digit in text.iter_mut().take(8).rev() {
        let [lowest, ..] = (n % 10).to_le_bytes();
        *digit = b'0' + lowest;
        n /= 10;
    }
}

fn prepared<'v>(variant: &'v Variant, draft: &Draft) -> Result<Prepared<'v>, String> {
    let signer = signer(variant, &Zeros).ok_or("no primary credential")?;
    Prepared::new(&signer, draft).map_err(|e| e.to_string())
}

/// The key that signs the primary caller's tokens.
pub(crate) fn key(variant: &Variant) -> Result<Key<'_>, String> {
    let signer = signer(variant, &Zeros).ok_or("no primary credential")?;
    let rule = signer.description.token.as_ref().ok_or("no token")?;
    let name = rule.key.own_name().ok_or("no key")?;
    let values = match &rule.key {
        bearproof_scheme::description::Source::Credential(_) => &signer.credential.values,
        _ => &signer.platform.ok_or("no platform")?.values,
    };
    value(values, name).and_then(Value::key).ok_or_else(|| "no key".into())
}

/// The request with its claims in the reverse order, in which nobody expects them.
fn turned(message: &Message, secret: &Secret) -> Result<Message, String> {
    let token = token(message)?;
    let [header, claims, _] = token.split('.').collect::<Vec<_>>()[..] else { return Err("no JWS".into()) };
    let claims = decode_url(claims.as_bytes(), &Rules::STRICT).map_err(|e| e.to_string())?;
    let members = parse_object(&claims, &JsonRules::STRICT, &Limits::DEFAULT).map_err(|e| e.to_string())?;
    let written = members.iter().map(|(name, value)| format!("{}:{}", string_literal(name), value.to_text()));
    let mut turned: Vec<String> = written.collect();
    turned.reverse();
    let input = format!("{header}.{}", encode_url(format!("{{{}}}", turned.join(",")).as_bytes()));
    let signature = encode_url(&secret.hmac_sha256().mac(input.as_bytes()));
    let mut message = message.clone();
    let line = message.fields.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    line.ok_or("no Authorization field")?.1 = format!("Bearer {input}.{signature}").into_bytes();
    Ok(message)
}

/// The token of a request with one Authorization field.
pub(crate) fn token(message: &Message) -> Result<&str, String> {
    let line = message.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    let text = line.and_then(|(_, value)| std::str::from_utf8(value).ok()).ok_or("no Authorization field")?;
    text.split_once(' ').map(|(_, token)| token).ok_or_else(|| "no auth-scheme".into())
}
