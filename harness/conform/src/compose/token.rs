//! Words about the token: its pieces, its signature, its key, its texts. It must not know what the claims mean.

use bearproof_scheme::description::Format;
use bearproof_scheme::mistake::alternatives;
use bearproof_scheme::world::Endpoint;

use super::{Word, stands};
use crate::recipe::{
    Edit, Forgery, Given, KeyOf, Mistakes, Piece, PublicForm, Respell, SecretChange, Spelling, Target, TextOf,
};
use crate::results::Level;
use crate::suite::Variant;

const PIECES: [(&str, Piece); 5] = [
    ("header", Piece::Header),
    ("payload", Piece::Payload),
    ("signature", Piece::Signature),
    ("iv", Piece::Iv),
    ("token", Piece::Token),
];

/// Ways to respell or damage, and whether that says something else than before.
const RESPELL: [(&str, Respell, Level); 15] = [
    ("zeros", Respell::Zeros, Level::Must),
    ("empty", Respell::Empty, Level::Must),
    ("first-bit", Respell::FirstBit, Level::Must),
    ("last-bit", Respell::LastBit, Level::Must),
    ("first-byte", Respell::FirstByte, Level::Must),
    ("one-byte-less", Respell::OneByteLess, Level::Must),
    ("half", Respell::Half, Level::Must),
    ("one-byte-more", Respell::OneByteMore, Level::Must),
    ("hex-text", Respell::HexText, Level::Should),
    ("trailing-bits", Respell::TrailingBits, Level::Should),
    ("padded", Respell::Padded, Level::Should),
    ("standard-alphabet", Respell::StandardAlphabet, Level::Should),
    ("illegal-character", Respell::IllegalCharacter, Level::Should),
    ("line-feed", Respell::LineFeed, Level::Should),
    ("impossible-length", Respell::ImpossibleLength, Level::Should),
];

const SPELLINGS: [(&str, Spelling); 7] = [
    ("padded", Spelling::Padded),
    ("trailing-bits", Spelling::TrailingBits),
    ("standard-alphabet", Spelling::StandardAlphabet),
    ("utf-16", Spelling::Utf16),
    ("utf-16-with-mark", Spelling::Utf16WithMark),
    ("stray-byte", Spelling::StrayByte),
    ("overlong", Spelling::Overlong),
];

const PUBLIC: [(&str, PublicForm); 8] = [
    ("spki-pem", PublicForm::SpkiPem),
    ("spki-pem-no-newline", PublicForm::SpkiPemNoNewline),
    ("spki-pem-crlf", PublicForm::SpkiPemCrlf),
    ("spki-pem-one-line", PublicForm::SpkiPemOneLine),
    ("spki-der", PublicForm::SpkiDer),
    ("pkcs1-pem", PublicForm::Pkcs1Pem),
    ("pkcs1-der", PublicForm::Pkcs1Der),
    ("jwk", PublicForm::Jwk),
];

const CHANGED: [(&str, SecretChange); 6] = [
    ("base64-decoded", SecretChange::Base64Decoded),
    ("base64-encoded", SecretChange::Base64Encoded),
    ("hex", SecretChange::Hex),
    ("newline", SecretChange::Newline),
    ("shortened", SecretChange::Shortened),
    ("upper-case", SecretChange::UpperCase),
];

/// Whole tokens of other kinds; templates of pieces.
const TOKENS: [(&str, &str); 9] = [
    ("without-signature", "{header}.{payload}"),
    ("with-an-empty-signature", "{header}.{payload}."),
    ("with-a-segment-more", "{header}.{payload}.{signature}.x"),
    ("without-payload", "{header}..{signature}"),
    ("unsigned-of-anybody", "eyJhbGciOiJub25lIn0.e30."),
    (
        "sealed-with-nothing",
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAAAAAAAAAAAAAA.e30.AAAAAAAAAAAAAAAAAAAAAA",
    ),
    ("of-zeros", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ("a-word", "admin"),
    ("of-another-caller-in-part", "{header}.{payload}.{other}"),
];

/// Values that the `alg` of an unsigned or otherwise signed token declares.
const DECLARED: [(&str, &str); 12] = [
    ("none", r#""none""#),
    ("none-in-capitals", r#""NONE""#),
    ("none-with-a-capital", r#""None""#),
    ("none-mixed", r#""nOnE""#),
    ("none-escaped", r#""\u006eone""#),
    ("none-before-a-nul", r#""none\u0000""#),
    ("unknown", r#""XX999""#),
    ("empty", r#""""#),
    ("null", "null"),
    ("a-list", r#"["none"]"#),
    ("direct", r#""dir""#),
    ("encrypted", r#""RSA-OAEP""#),
];

/// Texts around the right one, or instead of it, that are not one JSON object with each name once.
const TEXTS: [(&str, &str); 12] = [
    ("something-after", "{text}x"),
    ("twice", "{text}{text}"),
    ("a-nul-after", "{text}\u{0}{}"),
    ("a-comma-too-many", "{{inner},}"),
    ("a-comment", "{{inner}/* */}"),
    ("a-line-comment", "{{inner} //\n}"),
    ("a-raw-control", "{{inner},\"x\":\"\u{1}\"}"),
    ("in-a-list", "[{text}]"),
    ("single-quotes", "{{inner},'x':1}"),
    ("nothing", ""),
    ("null", "null"),
    ("an-empty-object", "{}"),
];

const WEAK: [(&str, &str); 7] = [
    ("empty", ""),
    ("secret", "secret"),
    ("changeme", "changeme"),
    ("null", "null"),
    ("undefined", "undefined"),
    ("of-the-attacker", ATTACKER),
    ("of-a-sample", "your-256-bit-secret"),
];
const ATTACKER: &str = "attacker-secret-of-32-bytes-long-01";

pub(super) fn add(variant: &Variant, endpoint: &Endpoint, words: &mut Vec<Word>) {
    let d = &variant.description;
    mistakes(variant, endpoint, words);
    let Some(rule) = &d.token else { return };
    let pieces =
        PIECES.iter().filter(|(_, piece)| (*piece == Piece::Token) == (rule.format == Format::Opaque));
    for (piece_id, piece) in pieces {
        for (id, with, level) in RESPELL {
            let word =
                Word::breaking("token", &format!("{piece_id}-{id}"), Edit::Encode { piece: *piece, with });
            let word = if *piece == Piece::Signature && matches!(with, Respell::Zeros | Respell::Empty) {
                word.plain()
            } else {
                word
            };
            words.push(Word { level, ..word });
        }
    }
    let piece = |id: &str, piece: Piece, with: &str| {
        Word::breaking("token", id, Edit::ReplacePiece { piece, with: with.into() })
    };
    words.push(piece("signature-of-another", Piece::Signature, "{other}"));
    words.push(piece("payload-of-another", Piece::Payload, "{other}"));
    words.push(piece("header-with-a-segment-more", Piece::Header, "{value}.x").should());
    words.push(piece("encrypted-key-there", Piece::EncryptedKey, "AAAAAAAAAAAAAAAAAAAAAA").should());
    for (id, with) in TOKENS {
        if with.contains("{other}") || rule.format == Format::Jws || !with.contains('{') {
            words.push(piece(&format!("token-{id}"), Piece::Token, with));
        }
    }
    keys(variant, words);
    let text = |of: TextOf, with: &str| Edit::ReplaceText { of, with: with.into() };
    for (id, with) in TEXTS {
        words.push(
            Word::breaking("claims-text", &format!("claims-{id}"), text(TextOf::Claims, with)).should(),
        );
        words.push(
            Word::breaking("header-text", &format!("header-{id}"), text(TextOf::Header, with)).should(),
        );
    }
    for (id, with) in [
        ("with-crit", r#"{{inner},"crit":["exp"],"exp":1}"#),
        ("with-crit-of-the-unknown", r#"{{inner},"crit":["x"],"x":1}"#),
        ("with-crit-empty", r#"{{inner},"crit":[]}"#),
        ("with-crit-as-text", r#"{{inner},"crit":"b64"}"#),
        ("with-unencoded-payload", r#"{{inner},"b64":false,"crit":["b64"]}"#),
        ("with-alg-twice", r#"{{inner},"alg":"none"}"#),
        ("with-alg-twice-escaped", r#"{{inner},"\u0061lg":"none"}"#),
        ("without-alg", r#"{"typ":"JWT"}"#),
        ("packed", r#"{{inner},"zip":"DEF"}"#),
    ] {
        if id == "packed" && rule.format == Format::Jws {
            continue;
        }
        words.push(
            Word::breaking("header-text", &format!("header-{id}"), text(TextOf::Header, with)).should(),
        );
    }
    for (payload, name) in [(true, "payload"), (false, "header")] {
        for (id, with) in SPELLINGS {
            let edit = Edit::SignSpelt { payload, with };
            words.push(Word::breaking("key", &format!("{name}-signed-{id}"), edit).should());
        }
    }
    free_members(rule.format, words);
}

/// Signatures and keys that are not the caller's.
fn keys(variant: &Variant, words: &mut Vec<Word>) {
    let mut add = |id: &str, edit: Edit| words.push(Word::breaking("key", id, edit));
    let sign = |alg: Option<&str>, declare: Option<&str>, key: Option<KeyOf>| Edit::Sign {
        alg: alg.map(Into::into),
        declare: declare.map(Into::into),
        key,
    };
    let own = variant.description.token.as_ref().map(|rule| rule.alg.header_name());
    let declares = |json: &str| own.is_some_and(|own| json == format!("\"{own}\""));
    for (id, json) in DECLARED.iter().filter(|(_, json)| !declares(json)) {
        add(&format!("unsigned-and-{id}"), sign(Some("none"), Some(json), None));
        add(&format!("signed-and-{id}"), sign(None, Some(json), None));
    }
    let hmacs = ["HS256", "HS384", "HS512"];
    let others = ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512"];
    for name in others.iter().filter(|name| Some(**name) != own) {
        let id = name.to_ascii_lowercase();
        add(&format!("signed-by-{id}"), sign(Some(name), None, None));
        let declare = own.map(|own| format!("\"{own}\""));
        add(&format!("signed-by-{id}-undeclared"), sign(Some(name), declare.as_deref(), None));
        add(&format!("declared-{id}"), sign(None, Some(&format!("\"{name}\"")), None));
    }
    for (id, form) in PUBLIC {
        for alg in hmacs {
            let id = format!("{}-with-the-public-key-{id}", alg.to_ascii_lowercase());
            add(&id, sign(Some(alg), None, Some(KeyOf::Public(form))));
        }
        add(
            &format!("undeclared-hs256-with-the-public-key-{id}"),
            sign(Some("HS256"), own.map(|own| format!("\"{own}\"")).as_deref(), Some(KeyOf::Public(form))),
        );
    }
    for (id, change) in CHANGED {
        add(&format!("key-{id}"), sign(None, None, Some(KeyOf::Changed(change))));
    }
    for (id, text) in WEAK {
        let key = || Some(KeyOf::Literal(text.as_bytes().to_vec()));
        add(&format!("key-{id}"), sign(None, None, key()));
        for alg in hmacs.iter().filter(|alg| Some(**alg) != own) {
            add(&format!("{}-key-{id}", alg.to_ascii_lowercase()), sign(Some(alg), None, key()));
        }
    }
    add("key-of-zeros", sign(None, None, Some(KeyOf::Literal(vec![0; 32]))));
    add("key-of-another-platform", sign(None, None, Some(KeyOf::Platform("other".into()))));
    for caller in variant.world.credentials.iter().filter(|c| c.role != "primary") {
        add(&format!("key-of-{}", caller.role), sign(None, None, Some(KeyOf::Role(caller.role.clone()))));
    }
    for (word, how) in Forgery::WORDS {
        add(&format!("forged-{word}"), Edit::Forge(how));
    }
    // What helps a wrong key along.
    let helped = |w: &&mut Word| {
        ["key-empty", "key-of-the-attacker", "hs256-key-of-the-attacker", "key-of-other"]
            .contains(&w.id.as_str())
    };
    for word in words.iter_mut().filter(helped) {
        word.plain = true;
    }
}

/// Members that nobody knows, and that must be ignored (RFC 7515 section 4, RFC 7519 section 4).
fn free_members(format: Format, words: &mut Vec<Word>) {
    let jwk =
        format!(r#"{{"kty":"oct","k":"{}"}}"#, bearproof_scheme::encoding::encode_url(ATTACKER.as_bytes()));
    let header = [
        ("kid-of-no-file", "kid", r#""../../../../../../dev/null""#),
        ("kid-of-a-query", "kid", r#""x' UNION SELECT 'attacker""#),
        ("kid-of-a-number", "kid", "1"),
        ("key-address", "jku", r#""https://attacker.example/key""#),
        ("certificate-address", "x5u", r#""https://attacker.example/key""#),
        ("jwk", "jwk", jwk.as_str()),
        ("unknown", "x-unknown", "{}"),
    ];
    let set = |place, name: &str, json: &str| Edit::SetPart {
        target: Target::Exact(place, name.into()),
        value: Given::Json(json.into()),
    };
    use bearproof_scheme::description::Place;
    for (id, name, json) in header.iter().filter(|_| format != Format::Opaque) {
        words.push(Word::free(
            &format!("header.{name}"),
            &format!("header-{id}"),
            set(Place::Header, name, json),
        ));
    }
    for (id, name, json) in
        [("admin", "admin", "true"), ("role", "role", r#""admin""#), ("scope", "x-scope", r#""*""#)]
    {
        words.push(Word::free(
            &format!("claims.{name}"),
            &format!("claims-{id}"),
            set(Place::Claims, name, json),
        ));
    }
}

/// Every known way to compute a binding wrong.
fn mistakes(variant: &Variant, endpoint: &Endpoint, words: &mut Vec<Word>) {
    let bindings = variant.description.parts.iter().enumerate();
    for (position, part) in bindings.filter(|(_, p)| p.binds().is_some() && stands(p, endpoint)) {
        let Some(pipeline) = part.pipeline() else { continue };
        for wrong in alternatives(pipeline).into_iter().filter(|a| !a.open) {
            let id = format!("{}-{}", part.path().replace(['.', '_'], "-").to_ascii_lowercase(), wrong.id);
            let edit = Edit::Mistake { which: Mistakes::Each, of: Some((position, wrong.pipeline)) };
            let word = Word::breaking(&part.path(), &id, edit);
            words.push(if wrong.loses { word } else { word.should() });
        }
    }
}
