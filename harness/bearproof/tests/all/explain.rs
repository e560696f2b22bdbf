//! `sign` and `explain`: every wrong signer is named by the explanation of its request, a right request is called
//! right, and what is no request is refused with its place.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may stop at the first broken assumption"
)]

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bearproof_conform::entropy::Published;
use bearproof_conform::explain::{Explanation, Hit, explain};
use bearproof_conform::redact::Redactor;
use bearproof_conform::signing::{Wanted, signed};
use bearproof_conform::suite::{Disk, Suite, Variant};
use bearproof_scheme::description::{Alg, Format};
use bearproof_scheme::encoding::{Rules, decode_url};
use bearproof_scheme::key::Secret;
use bearproof_scheme::mistake::alternatives;
use bearproof_scheme::request::Message;
use bearproof_scheme::sign::{Draft, Signer};
use bearproof_scheme::token::make as make_token;
use bearproof_scheme::wrong_signer::{Signing, Start, all, computed, make};

/// A second after signing, as when one program's output is another's input.
pub(crate) const LATER: u64 = 1;

pub(crate) fn suite() -> Suite {
    Suite::load(Arc::new(Disk(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors")))).unwrap()
}

pub(crate) fn now(variant: &Variant) -> u64 {
    variant.world.clock.unwrap()
}

pub(crate) fn request(variant: &Variant, mutate: Option<&str>) -> Option<Message> {
    let wanted = Wanted { role: "primary", endpoint: None, mutate };
    let entropy = Published::new(mutate.unwrap_or("right"), 0);
    signed(variant, &wanted, now(variant), &entropy).ok().map(|made| made.message)
}

pub(crate) fn explained(variant: &Variant, message: &Message) -> Explanation {
    explain(variant, message, now(variant) + LATER)
}

#[expect(clippy::disallowed_methods, reason = "measures the program")]
pub(crate) fn clock() -> impl Fn() -> Duration {
    let start = std::time::Instant::now();
    move || start.elapsed()
}

/// The figures are worth seeing, so they go past what catches a test's output.
fn say(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// How well the wrong signers of a scheme are named.
#[derive(Default)]
struct Figures {
    /// Those that make another request than the right one, at some endpoint.
    total: usize,
    /// Named in the first three.
    named: usize,
    /// Named first, or as one of those that the bytes can't tell apart.
    first: usize,
    /// Named alone.
    alone: usize,
    /// Those that make no difference at any endpoint of this world.
    idle: Vec<String>,
}

fn figures(variant: &Variant) -> Figures {
    let mut figures = Figures::default();
    for wrong in all(&variant.description, &variant.world) {
        let Some(message) = request(variant, Some(&wrong.id)) else {
            figures.idle.push(wrong.id);
            continue;
        };
        let e = explained(variant, &message);
        let place = e.hits.iter().position(|hit| hit.ids == [wrong.id.clone()]);
        let exact = place.is_some_and(|p| e.hits[p].rest.is_empty());
        figures.total += 1;
        figures.named += usize::from(place.is_some_and(|p| p < 3));
        figures.first += usize::from(place == Some(0) || exact);
        figures.alone += usize::from(place == Some(0) && e.hits.len() == 1);
        if place.is_none_or(|p| p > 2) {
            let got: Vec<_> = e.hits.iter().map(|hit| hit.ids.join(" + ")).collect();
            say(&format!("{} {}: {:?}, {got:?}", variant.description.id, wrong.id, e.verdict.refused));
        }
    }
    figures
}

#[test]
fn every_wrong_signer_is_named() {
    let mut all = Figures::default();
    for scheme in &suite().schemes {
        let Figures { total, named, first, alone, idle } = figures(&scheme.default);
        say(&format!(
            "{}: {total} wrong signers, {named} named in the first three, {first} first or as one of these, \
             {alone} alone; without a difference here: {}",
            scheme.id,
            idle.join(" ")
        ));
        assert!(total > 10, "{}", scheme.id);
        all.total += total;
        all.named += named;
        all.first += first;
        all.alone += alone;
    }
    let Figures { total, named, first, alone, .. } = all;
    say(&format!(
        "all: {total} wrong signers, {named} named, {first} first or as one of these, {alone} alone"
    ));
    assert_eq!(named, total);
    assert!(first * 10 >= total * 9);
}

/// Mistakes that integrators of these and like schemes made in public; each in the scheme where it applies.
const MADE_IN_PUBLIC: [(&str, &str, &str); 26] = [
    ("annexcloud", "jws/key-base64-decoded", "a library takes the secret for Base64"),
    ("hotwax", "jws/key-base64-decoded", "a library takes the secret for Base64"),
    (
        "annexcloud",
        "claims.hmac.post-put-patch/key-base64-decoded",
        "signer and verifier disagree on the key",
    ),
    ("annexcloud", "claims.hmac.post-put-patch/body-sorted", "the body is serialised again: order"),
    ("annexcloud", "claims.hmac.post-put-patch/body-spaced", "the body is serialised again: blanks"),
    ("annexcloud", "claims.hmac.post-put-patch/body-numbers-as-doubles", "1.0 becomes 1"),
    ("annexcloud", "claims.hmac.post-put-patch/body-ascii", "non-ASCII characters are escaped"),
    ("annexcloud", "claims.hmac.post-put-patch/body-escaped-slashes", "slashes are escaped"),
    ("annexcloud", "claims.hmac.post-put-patch/body-as-json-string", "a text is serialised a second time"),
    ("hexsafe", "claims.digest/body-as-json-string", "a text is serialised a second time"),
    ("annexcloud", "claims.hmac.post-put-patch/body-indented", "indented JSON is signed"),
    ("annexcloud", "claims.hmac.post-put-patch/hex-for-base64-at-2", "hex instead of Base64"),
    ("annexcloud", "claims.hmac.get/without-json-string", "the identifier of a GET without quotes"),
    ("hexsafe", "claims.digest/base64-for-base64url-padded", "the wrong alphabet"),
    ("annexcloud", "claims.exp/milliseconds", "exp in milliseconds"),
    ("annexcloud", "claims.exp/microseconds", "exp in microseconds"),
    ("hexsafe", "claims.exp/milliseconds", "exp in milliseconds"),
    ("hexsafe", "jws/padded", "padded segments"),
    ("annexcloud", "jws/standard-base64", "segments in standard Base64"),
    ("masonhub", "token/environment-other", "a token of another environment"),
    ("bursagb-jwt", "field.authorization/no-scheme-word", "`Bearer` is missing"),
    ("masonhub", "field.authorization/scheme-word-twice", "`Bearer` stands twice"),
    ("masonhub", "field.authorization/hidden-character", "hidden characters"),
    ("hexsafe", "clock/behind", "clock skew"),
    ("annexcloud", "claims.exp/now", "a lifetime as text is taken for milliseconds: none is left"),
    ("masonhub", "token/cut", "a token that was cut"),
];

#[test]
fn mistakes_that_were_made_in_public_are_first() {
    let suite = suite();
    for (scheme, id, what) in MADE_IN_PUBLIC {
        let variant = &suite.scheme(scheme).unwrap().default;
        let message = request(variant, Some(id)).unwrap_or_else(|| panic!("{scheme} has no {id} ({what})"));
        let e = explained(variant, &message);
        let hit = e.hits.iter().find(|hit| hit.ids == [id.to_string()]);
        assert!(hit.is_some_and(|hit| hit.rest.is_empty()), "{scheme} {id} ({what}): {:?}", e.hits);
    }
}

#[test]
fn a_right_request_is_called_right() {
    for scheme in &suite().schemes {
        let variant = &scheme.default;
        let message = request(variant, None).unwrap();
        let e = explained(variant, &message);
        assert_eq!(e.verdict.refused, None, "{}", scheme.id);
        assert!(e.differences.is_empty() && e.hits.is_empty(), "{}: {:?}", scheme.id, e.differences);
        let text = e.text(variant);
        assert!(text.starts_with("accepted\n") && text.contains("that our signer makes"), "{text}");
    }
}

/// RFC 9112 section 3.2: what names no host was not sent to another one, whatever else is wrong with it.
#[test]
fn a_request_without_a_host_called_no_other_one() {
    let suite = suite();
    for scheme in &suite.schemes {
        let right = request(&scheme.default, None).unwrap();
        for lines in [vec![], vec![("Host".to_string(), Vec::new())]] {
            let mut message = right.clone();
            message.fields.retain(|(name, _)| !name.eq_ignore_ascii_case("host"));
            message.fields.extend(lines);
            let hits = explained(&scheme.default, &message).hits;
            let other = hits.iter().find(|hit| hit.ids.iter().any(|id| id == "request/other-host"));
            assert!(other.is_none(), "{}: {other:?}", scheme.default.description.id);
        }
    }
}

#[test]
fn two_mistakes_are_found_together() {
    let suite = suite();
    let variant = &suite.scheme("annexcloud").unwrap().default;
    let mut message = request(variant, Some("claims.sub/in-small-letters")).unwrap();
    for (_, line) in message.fields.iter_mut().filter(|(n, _)| n == "authorization") {
        *line = line.strip_prefix(b"Bearer ").unwrap().to_vec();
    }
    let e = explained(variant, &message);
    let pair =
        vec!["claims.sub/in-small-letters".to_string(), "field.authorization/no-scheme-word".to_string()];
    assert!(e.hits.iter().any(|hit| hit.ids == pair && hit.rest.is_empty()), "{:?}", e.hits);
}

#[test]
fn two_wrong_steps_of_one_value_are_found_together() {
    let suite = suite();
    for (scheme, part, first, second) in [
        ("annexcloud", "claims.hmac", "body-sorted", "hex-for-base64-at-2"),
        ("annexcloud", "claims.hmac", "without-base64", "key-base64-decoded"),
        ("hexsafe", "claims.digest", "sha-256-for-sha-512", "hex-for-base64url-padded"),
        ("hexsafe", "claims.digest", "appended-after-a-point", "base64-for-base64url-padded"),
    ] {
        let variant = &suite.scheme(scheme).unwrap().default;
        let part = variant.description.parts.iter().find(|p| p.path() == part).unwrap();
        let find = |pipeline, id| alternatives(pipeline).into_iter().find(|a| a.id == id).unwrap().pipeline;
        let pipeline = find(&find(part.pipeline().unwrap(), first), second);
        let wrong = computed(part, "two", "", &pipeline);
        let world = &variant.world;
        let entropy = Published::new("two", 0);
        let signer = Signer {
            description: &variant.description,
            credential: world.credential("primary").unwrap(),
            platform: None,
            now: now(variant),
            entropy: &entropy,
        };
        let endpoint = Draft::of(world, world.endpoint("write").unwrap());
        let made = make(&Start::new(signer, world, endpoint), &[&wrong], Signing::Whole).unwrap();
        let e = explained(variant, &made.message);
        let says = |hit: &Hit, id: &str| hit.ids.iter().any(|i| i.ends_with(&format!("/{id}")));
        let found = |hit: &Hit| says(hit, first) && says(hit, second) && hit.rest.is_empty();
        assert!(e.hits.iter().any(found), "{scheme} {first} {second}: {:?}", e.hits);
    }
}

#[test]
fn another_librarys_order_of_members_is_no_mistake() {
    let suite = suite();
    let variant = &suite.scheme("annexcloud").unwrap().default;
    for (mutate, refused) in [(None, false), (Some("claims.hmac.post-put-patch/hex-for-base64-at-2"), true)] {
        let mut message = request(variant, mutate).unwrap();
        let line = message.fields.iter_mut().find(|(n, _)| n == "authorization").unwrap();
        let token = String::from_utf8(line.1.clone()).unwrap();
        let payload = decode_url(token.split('.').nth(1).unwrap().as_bytes(), &Rules::STRICT).unwrap();
        // serde_json sorts members.
        let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        let claims = serde_json::to_string_pretty(&claims).unwrap();
        let key = variant.world.credential("primary").unwrap();
        let key = key.values.iter().find(|(n, _)| **n == *"secret").unwrap().1.key().unwrap();
        let header = b"{ \"typ\": \"JWT\", \"alg\": \"HS256\" }";
        let segments =
            make_token(Format::Jws, Some(Alg::Hs256), key, header, claims.as_bytes(), b"").unwrap();
        line.1 = format!("Bearer {}", segments.join(".")).into_bytes();
        let e = explained(variant, &message);
        assert_eq!(e.verdict.refused.is_some(), refused);
        let ids: Vec<&String> = e.hits.iter().flat_map(|hit| &hit.ids).collect();
        assert_eq!(ids, mutate.map(str::to_string).iter().collect::<Vec<_>>());
        assert_eq!(e.differences.len(), usize::from(refused), "{:?}", e.differences);
    }
}

#[test]
fn a_request_that_got_old_says_so_beside_its_mistake() {
    let suite = suite();
    let variant = &suite.scheme("hexsafe").unwrap().default;
    let message = request(variant, Some("claims.digest/without-append")).unwrap();
    let e = explain(variant, &message, now(variant) + 600);
    assert_eq!(e.verdict.refused.as_deref(), Some("time.expired"));
    let text = e.text(variant);
    assert!(text.contains("made at 2023-09-14T06:37:56Z; now is 2023-09-14T06:47:56Z"), "{text}");
    assert!(text.contains("claims.digest/without-append"), "{text}");
}

#[test]
fn the_first_byte_that_differs_is_marked() {
    let suite = suite();
    let variant = &suite.scheme("hexsafe").unwrap().default;
    let message = request(variant, Some("claims.uri/slash-at-the-end"));
    let message =
        message.or_else(|| request(variant, Some("claims.uri/path-with-a-slash-at-the-end"))).unwrap();
    let text = explained(variant, &message).text(variant);
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|line| line.contains("claims.uri differs from byte 13")).unwrap();
    assert_eq!(
        &lines[at + 1..at + 4],
        ["    sent: /v1/validate/", "    ours: /v1/validate", "                      ^"]
    );
    assert!(
        text.contains("HEX-11 Generating a Bearer Token: uri is the path of the API that is called"),
        "{text}"
    );
}

#[test]
fn what_no_mistake_explains_is_shown_beside_its_recipe() {
    let suite = suite();
    let variant = &suite.scheme("hexsafe").unwrap().default;
    let mut message = request(variant, None).unwrap();
    message.body = b"{\"string\":\"abcdx\"}".to_vec();
    let text = explained(variant, &message).text(variant);
    assert!(text.contains("no known mistake, and no two of them"), "{text}");
    assert!(text.contains("what to look at:\n  compute `claims.digest` in these steps"), "{text}");
    assert!(text.contains("sign the very request that is sent"), "{text}");
    let mut message = request(variant, None).unwrap();
    for (_, line) in message.fields.iter_mut().filter(|(n, _)| n == "authorization") {
        *line = b"Bearer garbage.garbage.garbage".to_vec();
    }
    let text = explained(variant, &message).text(variant);
    assert!(text.contains("the token can't be taken apart") && !text.contains("claims.exp"), "{text}");
}

#[test]
fn no_explanation_shows_a_secret_or_a_token() {
    for scheme in &suite().schemes {
        let variant = &scheme.default;
        let redactor = Redactor::of_world(&variant.world);
        for wrong in all(&variant.description, &variant.world) {
            let Some(message) = request(variant, Some(&wrong.id)) else { continue };
            let text = explained(variant, &message).text(variant);
            assert!(!redactor.finds(&text), "{} {}:\n{text}", scheme.id, wrong.id);
            let lines = message.fields.iter().map(|(_, v)| String::from_utf8_lossy(v).into_owned());
            for word in lines.chain([message.target.clone()]) {
                let inside = |c: char| c.is_ascii_alphanumeric() || "-_.+/=".contains(c);
                for token in word.split(|c| !inside(c)).filter(|word| word.len() > 60) {
                    let shows = |part: &str| text.contains(part);
                    assert!(
                        !shows(&token[..24]) && !shows(&token[token.len() - 24..]),
                        "{}:\n{text}",
                        wrong.id
                    );
                }
            }
        }
    }
}

#[test]
fn a_captured_token_that_was_cut_is_known() {
    let suite = suite();
    let hotwax = &suite.scheme("hotwax").unwrap().default;
    let now = now(hotwax);
    let message = request(hotwax, None).unwrap();
    let line = message.request().values("authorization").next().unwrap();
    let token = String::from_utf8(line.to_vec()).unwrap().replace("Bearer ", "");
    let mut world = hotwax.world.as_ref().clone();
    world.platforms.clear();
    for credential in world.credentials.iter_mut().filter(|c| c.role == "primary") {
        credential.captured = Some(Secret::new(token.clone()));
    }
    let variant = Variant { world: Arc::new(world), ..hotwax.clone() };
    for (mutate, found) in [(None, 0), (Some("token/cut"), 1), (Some("field.authorization/in-query"), 1)] {
        let wanted = Wanted { role: "primary", endpoint: None, mutate };
        let made = signed(&variant, &wanted, now, &Published::new("captured", 0)).unwrap();
        let e = explain(&variant, &made.message, now);
        let ids: Vec<&String> = e.hits.iter().flat_map(|hit| &hit.ids).collect();
        assert_eq!(ids.len(), found, "{ids:?}");
        assert_eq!(ids.first().map(|id| id.as_str()), mutate);
        assert!(!e.text(&variant).contains(&token[..40]));
    }
}

#[test]
fn a_long_body_is_explained_as_far_as_time_allows() {
    let suite = suite();
    let variant = &suite.scheme("hexsafe").unwrap().default;
    let mut message = request(variant, None).unwrap();
    message.body = format!("{{\"string\":\"{}\"}}", "a".repeat(200_000)).into_bytes();
    let elapsed = clock();
    let text = explained(variant, &message).text(variant);
    assert!(text.contains("two in one value were not tried"), "{text}");
    assert!(elapsed().as_secs() < 10);
}
