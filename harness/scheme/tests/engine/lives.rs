//! Times and nonces of tokens in all the types that the language has (vectors/README.md), at the very second of each
//! limit (RFC 7519 sections 4.1.4 to 4.1.6), and what our signer writes for them. Times are of second 1000.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearproof_scheme::description::Type;
use bearproof_scheme::sign::{Draft, Prepared, Signer, sign, write_time};
use bearproof_scheme::{Message, Reference};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::common::{Filled, described, signer, world_of};

const SECRET: &str = "a-fake-secret-of-more-than-32-bytes-3";

/// A scheme with these claims.
fn scheme(claims: &str) -> String {
    format!(
        "format = 1\ntitle = \"times\"\n[credential]\nname = \"text\"\nsecret = \"secret\"\n\
         [token]\nformat = \"jws\"\nalg = \"HS256\"\nkey = \"credential.secret\"\n\
         [claims.sub]\nfrom = \"credential.name\"\nidentifies = true\n{claims}\n\
         [field.authorization]\nauth-scheme = \"Bearer\"\nfrom = \"token\"\n[refusal]\n\"*\" = {{ status = 401 }}\n"
    )
}

fn loaded(claims: &str, leeway: u64) -> (bearproof_scheme::Description, bearproof_scheme::World) {
    let d = described(&scheme(claims));
    let text = format!(
        "format = 1\norigin = \"https://api.example\"\nleeway = \"{leeway}s\"\n[credential.primary]\nname = \"n\"\n\
         secret = \"{SECRET}\"\n[endpoint.read]\nmethod = \"GET\"\npath = \"/\"\n"
    );
    let w = world_of(&d, &text);
    (d, w)
}

/// What is said at second 1000 of a token with these claims beside `sub`.
fn said(of: &str, leeway: u64, claims: &str) -> String {
    let (d, w) = loaded(of, leeway);
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let input = format!("{}.{}", part(r#"{"alg":"HS256"}"#), part(&format!(r#"{{"sub":"n"{claims}}}"#)));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(input.as_bytes());
    let line = format!("Bearer {input}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()));
    let fields = [("host", "api.example".to_string()), ("authorization", line)];
    let message = Message {
        secure: true,
        method: "GET".into(),
        target: "/".into(),
        fields: fields.map(|(name, value)| (name.into(), value.into_bytes())).to_vec(),
        body: Vec::new(),
    };
    let answer = Reference::strict(d, w).handle(&message.request(), 1000, &Filled(0xFF));
    answer.refused.unwrap_or_else(|| "accept".into())
}

const EXP: &str =
    "[claims.exp]\ntime = \"expires\"\nlifetime = \"1m\"\nat-most = \"100s\"\noptional = true\n";

#[test]
fn a_token_is_over_at_its_second_and_lives_no_longer_than_is_allowed() {
    for (leeway, claims, expected) in [
        (0, "", "accept"),
        (0, r#","exp":1001"#, "accept"),
        (0, r#","exp":1000"#, "time.expired"),
        (5, r#","exp":996"#, "accept"),
        (5, r#","exp":995"#, "time.expired"),
        (0, r#","exp":1000.5"#, "accept"),
        (0, r#","exp":1100"#, "accept"),
        (0, r#","exp":1101"#, "time.too-far"),
        (0, r#","exp":"1001""#, "time.wrong-type"),
        (0, r#","exp":99999999999999"#, "time.too-far"),
    ] {
        assert_eq!(said(EXP, leeway, claims), expected, "leeway {leeway}: {claims}");
    }
}

/// Its life is counted from when it says that it was issued, if it says so.
#[test]
fn a_life_begins_when_the_token_was_issued() {
    let both = format!("{EXP}[claims.iat]\ntime = \"issued\"\noptional = true\n");
    for (claims, expected) in [
        (r#","iat":950,"exp":1050"#, "accept"),
        (r#","iat":950,"exp":1051"#, "time.too-far"),
        (r#","exp":1051"#, "accept"),
    ] {
        assert_eq!(said(&both, 0, claims), expected, "{claims}");
    }
}

#[test]
fn a_token_is_not_good_before_its_second() {
    let own = "[claims.nbf]\ntime = \"not-before\"\noptional = true\n";
    // The second scheme does not speak of `nbf`: RFC 7519 section 4.1.5 holds all the same.
    for scheme in [own, ""] {
        for (leeway, claims, expected) in [
            (0, "", "accept"),
            (0, r#","nbf":1000"#, "accept"),
            (0, r#","nbf":1001"#, "time.not-yet"),
            (5, r#","nbf":1005"#, "accept"),
            (5, r#","nbf":1006"#, "time.not-yet"),
            (0, r#","nbf":"1000""#, "time.wrong-type"),
        ] {
            assert_eq!(said(scheme, leeway, claims), expected, "{scheme} leeway {leeway}: {claims}");
        }
    }
}

#[test]
fn a_token_may_be_too_old_or_from_the_future_where_its_age_is_limited() {
    let aged = "[claims.iat]\ntime = \"issued\"\nat-most = \"100s\"\n";
    for (leeway, claims, expected) in [
        (0, r#","iat":1000"#, "accept"),
        (0, r#","iat":1001"#, "time.not-yet"),
        (5, r#","iat":1005"#, "accept"),
        (5, r#","iat":1006"#, "time.not-yet"),
        (0, r#","iat":900"#, "accept"),
        (0, r#","iat":899"#, "time.too-old"),
        (5, r#","iat":895"#, "accept"),
        (5, r#","iat":894"#, "time.too-old"),
        (0, "", "time.missing"),
    ] {
        assert_eq!(said(aged, leeway, claims), expected, "leeway {leeway}: {claims}");
    }
    let free = "[claims.iat]\ntime = \"issued\"\n";
    for claims in [r#","iat":5000"#, r#","iat":0"#] {
        assert_eq!(said(free, 0, claims), "accept", "without a limit it says nothing: {claims}");
    }
}

#[test]
fn times_are_written_in_their_type() {
    for (form, text) in [
        (Type::Seconds, "784111777"),
        (Type::SecondsText, "784111777"),
        (Type::Milliseconds, "784111777000"),
        // RFC 9110 section 5.6.7.
        (Type::HttpDate, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (Type::Rfc3339, "1994-11-06T08:49:37Z"),
    ] {
        assert_eq!(write_time(form, 784_111_777), text.as_bytes(), "{form:?}");
    }
}

#[test]
fn times_are_read_in_the_types_that_a_claim_has() {
    let of = |form: &str| format!("[claims.exp]\ntime = \"expires\"\nlifetime = \"1m\"\ntype = \"{form}\"\n");
    for (form, good, over, wrong) in [
        ("seconds", "1001", "1000", &["\"1001\"", "true"][..]),
        ("seconds-text", "\"1001\"", "\"1000\"", &["1001", "\"\"", "\"1001.5\"", "\"+1001\"", "\" 1001\""]),
        ("milliseconds", "1000001", "1000000", &["\"1000001\""]),
        (
            "http-date",
            "\"Thu, 01 Jan 1970 00:16:41 GMT\"",
            "\"Thu, 01 Jan 1970 00:16:40 GMT\"",
            &["1001", "\"Thu, 01 Jan 1970 00:16:41\"", "\"\""],
        ),
        ("rfc3339", "\"1970-01-01T00:16:41Z\"", "\"1970-01-01T00:16:40Z\"", &["1001", "\"1970-01-01\""]),
    ] {
        let claim = |json: &str| said(&of(form), 0, &format!(r#","exp":{json}"#));
        assert_eq!(claim(good), "accept", "{form}");
        assert_eq!(claim(over), "time.expired", "{form}");
        for json in wrong {
            assert_eq!(claim(json), "time.wrong-type", "{form}: {json}");
        }
    }
}

/// Times and nonces that are there only with a body or a query are filled in only then, by either signer.
#[test]
fn what_depends_on_body_or_query_is_there_only_with_it() {
    let claims = "[claims.n]\nnonce = \"u32\"\nwhen = [\"request.body\"]\n\
                  [claims.iat]\ntime = \"issued\"\nwhen = [\"request.query\"]\n";
    let (d, w) = loaded(claims, 0);
    let signer = Signer { entropy: &Filled(0xFF), ..signer(&d, &w, "primary") };
    for (body, query, expected) in [
        ("", "", r#"{"sub":"n"}"#),
        ("x", "", r#"{"sub":"n","n":4294967295}"#),
        ("", "a=1", r#"{"sub":"n","iat":1000}"#),
        ("x", "a=1", r#"{"sub":"n","n":4294967295,"iat":1000}"#),
    ] {
        let mut draft = Draft::of(&w, w.endpoint("read").unwrap());
        (draft.body, draft.query) = (body.as_bytes().to_vec(), query.into());
        let (message, trace) = sign(&signer, &draft).unwrap();
        let claims = &trace.iter().find(|(name, _)| name == "claims").unwrap().1;
        assert_eq!(String::from_utf8_lossy(claims), expected);
        // Prepared at another time and with other randomness.
        let mut prepared = Prepared::new(&Signer { now: 7, entropy: &Filled(0), ..signer }, &draft).unwrap();
        assert_eq!(prepared.sign(1000, &Filled(0xFF)), Ok(&message), "{expected}");
    }
}

#[test]
fn nonces_have_their_shape_and_no_other_is_read() {
    let shape = |word: &str| format!("[claims.n]\nnonce = \"{word}\"\n");
    for (word, written, others) in [
        ("u32", "4294967295", &["4294967296", "-1", "1.0", "\"1\""][..]),
        ("u64", "18446744073709551615", &["18446744073709551616", "-1", "1e3", "\"1\""][..]),
        // RFC 9562 section 5.4: version 4 and variant 10 stand where bits were set before.
        (
            "uuid",
            "\"ffffffff-ffff-4fff-bfff-ffffffffffff\"",
            &[
                "\"FFFFFFFF-FFFF-4FFF-BFFF-FFFFFFFFFFFF\"",
                "\"ffffffffffff-ffff-4fff-bfff-ffffffff\"",
                "\"ffffffff-ffff-4fff-bfff-fffffffffff\"",
                "\"ffffffff-ffff-4fff-bfff-fffffffffffff\"",
                "\"gfffffff-ffff-4fff-bfff-ffffffffffff\"",
                "1",
            ][..],
        ),
        (
            "hex-32",
            "\"ffffffffffffffffffffffffffffffff\"",
            &[
                "\"FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF\"",
                "\"fffffffffffffffffffffffffffffff\"",
                "\"fffffffffffffffffffffffffffffffff\"",
                "\"gfffffffffffffffffffffffffffffff\"",
                "1",
            ][..],
        ),
    ] {
        let (d, w) = loaded(&shape(word), 0);
        let signer = Signer { entropy: &Filled(0xFF), ..signer(&d, &w, "primary") };
        let draft = Draft::of(&w, w.endpoint("read").unwrap());
        let (_, trace) = sign(&signer, &draft).map_err(|e| e.to_string()).unwrap();
        let claims = &trace.iter().find(|(name, _)| name == "claims").unwrap().1;
        assert_eq!(String::from_utf8_lossy(claims), format!(r#"{{"sub":"n","n":{written}}}"#));
        assert_eq!(said(&shape(word), 0, &format!(r#","n":{written}"#)), "accept", "{word}");
        for other in others {
            assert_eq!(
                said(&shape(word), 0, &format!(r#","n":{other}"#)),
                "replay.wrong-type",
                "{word}: {other}"
            );
        }
    }
}
