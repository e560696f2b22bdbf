//! Weaknesses of signed tokens: the algorithm, the key and the signature. A table by hand: JOSE's own mistakes follow
//! from no description.

use super::{Class, List, Touches, keys, set};
use crate::description::{Alg, Format, Source};
use crate::encoding::{Rules, Value, decode_url};
use crate::key::{Key, RsaKey, Secret, sign, verify};
use crate::plan::Plan;
use crate::token::{Compact, signing_input};
use crate::verdict::Reason;
use crate::verify::case::Case;
use crate::verify::checks::alg;
use crate::verify::signature::{signature_by, unlock};

/// What a careless verifier looks at: the case, the pinned algorithm, the key, what is signed, the signature.
struct Seen<'s, 'c, 'k> {
    case: &'s Case<'c>,
    alg: Alg,
    key: Key<'k>,
    input: &'s [u8],
    signature: &'s [u8],
}

/// Whether a careless verifier is content.
type Content = fn(&Seen<'_, '_, '_>) -> bool;

pub(super) fn add(list: &mut List<'_>) {
    let Some(token) = list.d().token.clone().filter(|t| t.format == Format::Jws) else { return };
    let hmac = token.alg.is_hmac();
    let mut table: Vec<(&str, &str, Content)> = UNSIGNED.to_vec();
    table.extend(SIGNATURE);
    table.extend(if hmac { HMAC.as_slice() } else { PUBLIC.as_slice() });
    for (what, says, content) in table {
        also(list, what, says, content);
    }
    pinning(list);
    keys::forms(list, hmac);
    if matches!(token.key, Source::Platform(_)) {
        keys::environments(list, "jws");
    } else {
        keys::any_key(list);
    }
    unencoded(list);
}

/// Adds a verifier that is also content with something else; what the header says of the algorithm does not stop it.
fn also(list: &mut List<'_>, what: &str, says: &str, content: Content) {
    let reference = list.d().token.as_ref().and_then(|t| t.reference.clone());
    list.add(Class::Accepts, &format!("jws/{what}"), says, reference.as_ref(), move |plan| {
        lax(plan, content);
    });
    // Whatever is refused before the algorithm stays refused.
    let row = list.rows("header", "alg").first().copied().unwrap_or(0);
    list.touches(Touches::Reaching(row));
}

/// The strict verifier, and if it refuses, the careless one.
fn lax(plan: &mut Plan, content: Content) {
    let place = |plan: &Plan, stage: &str, name: &str| {
        plan.rows.iter().position(|r| r.stage == stage && r.name == name)
    };
    if let Some(row) = place(plan, "header", "alg") {
        // What the strict row refuses is refused here only if the signature can't be accepted either.
        set(plan, row, Box::new(|_, _| Ok(())));
    }
    if let Some(row) = place(plan, "signature", "signature") {
        set(
            plan,
            row,
            Box::new(move |case, row| {
                let strict_alg = alg(case, row).is_ok();
                signature_by(case, &move |case, compact, key| {
                    if strict_alg && unlock(case, compact, key).is_ok() {
                        return Ok(());
                    }
                    let Compact::Jws([_, _, encoded]) = compact else { return Err(Reason::SignatureInvalid) };
                    let signature = decode_url(encoded, &Rules::STRICT).unwrap_or_default();
                    let seen = Seen {
                        alg: case.plan.description.token.as_ref().map_or(Alg::Hs256, |t| t.alg),
                        key,
                        input: signing_input(case.token.unwrap_or_default(), encoded),
                        signature: &signature,
                        case,
                    };
                    if content(&seen) {
                        Ok(())
                    } else if strict_alg {
                        Err(Reason::SignatureInvalid)
                    } else {
                        Err(Reason::AlgNotAllowed)
                    }
                })
            }),
        );
    }
}

impl Seen<'_, '_, '_> {
    fn header(&self, name: &str) -> Option<&Value<'_>> {
        self.case.header.as_ref()?.find(name)
    }

    fn says(&self) -> Option<&str> {
        self.header("alg").and_then(Value::as_str)
    }

    /// Whether the header names the pinned algorithm.
    fn pinned(&self) -> bool {
        self.says() == Some(self.alg.name())
    }

    /// The right signature.
    fn right(&self) -> Vec<u8> {
        sign(self.alg, self.key, self.input).unwrap_or_default()
    }

    /// Whether the signature is an HMAC with this key, by the algorithm that the header names.
    fn mac_with(&self, key: &[u8]) -> bool {
        let alg = match self.says() {
            Some("HS256") => Alg::Hs256,
            Some("HS384") => Alg::Hs384,
            Some("HS512") => Alg::Hs512,
            _ => return false,
        };
        verify(alg, Key::Secret(&Secret::new(key)), self.input, self.signature)
    }
}

/// Tokens without a signature.
const UNSIGNED: [(&str, &str, Content); 12] = [
    ("none-in-capitals", "looks for `none` and `None`, and takes an unsigned token that says `NONE`", |s| {
        s.says() == Some("NONE") && s.signature.is_empty()
    }),
    (
        "none-with-a-capital",
        "looks for `none` and `NONE`, and takes an unsigned token that says `None`",
        |s| s.says() == Some("None") && s.signature.is_empty(),
    ),
    ("none-escaped", "looks for `none` in the header's text, where it may be written with an escape", |s| {
        let text = s.case.buffers.header.get();
        let plain = text.is_some_and(|t| t.windows(4).any(|w| w.eq_ignore_ascii_case(b"none")));
        s.says() == Some("none") && s.signature.is_empty() && !plain
    }),
    ("none", "takes an unsigned token that says `none`", |s| {
        s.says() == Some("none") && s.signature.is_empty()
    }),
    ("none-any-case", "takes an unsigned token that says `none` in any case but small letters", |s| {
        s.says().is_some_and(|a| a != "none" && a.eq_ignore_ascii_case("none")) && s.signature.is_empty()
    }),
    ("none-cut-at-nul", "reads `none` up to a NUL", |s| {
        s.says().is_some_and(|a| a.starts_with("none\0")) && s.signature.is_empty()
    }),
    ("none-signed", "takes `none` with any signature", |s| {
        s.says() == Some("none") && !s.signature.is_empty()
    }),
    ("unknown-unsigned", "takes an algorithm that it does not know as none", |s| {
        s.says() == Some("XX999") && s.signature.is_empty()
    }),
    ("empty-unsigned", "takes an empty algorithm as none", |s| {
        s.says() == Some("") && s.signature.is_empty()
    }),
    ("null-unsigned", "takes `null` as no algorithm", |s| {
        s.header("alg") == Some(&Value::Null) && s.signature.is_empty()
    }),
    ("list-unsigned", "takes a list with `none` in it", |s| {
        matches!(s.header("alg"), Some(Value::Array(_))) && s.signature.is_empty()
    }),
    ("direct-unsigned", "takes `dir` as no signature", |s| s.says() == Some("dir") && s.signature.is_empty()),
];

/// Signatures that are not looked at, or not wholly. The algorithm is the pinned one.
const SIGNATURE: [(&str, &str, Content); 15] = [
    ("last-byte-missing", "does not miss the last byte of a signature", |s| {
        s.pinned() && s.right().split_last().is_some_and(|(_, most)| most == s.signature)
    }),
    ("cookie-instead", "takes a cookie for a session where the signature is wrong", |s| {
        s.pinned() && s.case.request.values("cookie").next().is_some()
    }),
    ("proxy-field-instead", "takes the field of a proxy where the signature is wrong", |s| {
        s.pinned() && s.case.request.values("proxy-authorization").next().is_some()
    }),
    ("signature-unchecked", "does not verify the signature", |s| s.pinned()),
    ("empty-signature", "takes an empty signature", |s| s.pinned() && s.signature.is_empty()),
    ("first-half", "compares the first half of the signature", |s| {
        let right = s.right();
        let half = right.len() / 2;
        s.pinned() && s.signature.len() >= half && right.get(..half) == s.signature.get(..half)
    }),
    ("last-half", "compares the last half of the signature", |s| {
        let right = s.right();
        let half = right.len() / 2;
        s.pinned() && s.signature.len() == right.len() && right.get(half..) == s.signature.get(half..)
    }),
    ("all-but-first-byte", "does not compare the first byte", |s| {
        s.pinned() && s.signature.len() == s.right().len() && s.right().get(1..) == s.signature.get(1..)
    }),
    ("first-byte-only", "compares the first byte only", |s| {
        s.pinned() && s.right().first() == s.signature.first()
    }),
    ("length-of-sent", "compares only as much as was sent", |s| {
        s.pinned() && !s.signature.is_empty() && s.right().starts_with(s.signature)
    }),
    ("by-prefix", "does not look at what follows the signature", |s| {
        s.pinned() && s.signature.starts_with(&s.right())
    }),
    ("zeros", "takes a signature of zeros", |s| {
        s.pinned() && !s.signature.is_empty() && s.signature.iter().all(|b| *b == 0)
    }),
    ("seven-bits", "compares seven bits of each byte", |s| {
        let right = s.right();
        let same = right.iter().zip(s.signature).all(|(a, b)| a & 0xfe == b & 0xfe || a & 0x7f == b & 0x7f);
        s.pinned() && right.len() == s.signature.len() && same
    }),
    ("any-of-its-algorithms", "takes each algorithm that the key allows, whatever the header says", |s| {
        let all = [Alg::Hs256, Alg::Hs384, Alg::Hs512, Alg::Rs256, Alg::Rs384, Alg::Rs512];
        s.pinned() && all.iter().any(|alg| verify(*alg, s.key, s.input, s.signature))
    }),
    ("key-in-the-token", "takes a secret that the token brings along", |s| {
        let Some(Value::Object(jwk)) = s.header("jwk") else { return false };
        let secret = jwk.find("k").and_then(Value::as_str).unwrap_or_default();
        decode_url(secret.as_bytes(), &Rules::STRICT).is_ok_and(|key| s.mac_with(&key))
    }),
];

/// Mistakes with a shared secret.
const HMAC: [(&str, &str, Content); 13] = [
    ("also-hs384", "also takes HS384", |s| match s.key {
        Key::Secret(secret) => s.says() == Some("HS384") && s.mac_with(secret.expose()),
        _ => false,
    }),
    ("also-hs512", "also takes HS512", |s| match s.key {
        Key::Secret(secret) => s.says() == Some("HS512") && s.mac_with(secret.expose()),
        _ => false,
    }),
    ("alg-of-the-token", "takes the HMAC algorithm that the token names", |s| match s.key {
        Key::Secret(secret) => s.mac_with(secret.expose()),
        _ => false,
    }),
    ("weak-secret-empty", "falls back to an empty secret", |s| s.header("kid").is_none() && s.mac_with(b"")),
    ("weak-secret-word", "also knows the secret `secret`", |s| s.mac_with(b"secret")),
    ("weak-secret-null", "also knows the secret `null`", |s| s.mac_with(b"null")),
    ("weak-secret-sample", "also knows the sample secret of a web page", |s| {
        s.mac_with(b"your-256-bit-secret")
    }),
    ("secret-cut", "does without the last byte of the secret", |s| match s.key {
        Key::Secret(secret) => s.mac_with(secret.expose().split_last().map_or(&[], |(_, most)| most)),
        _ => false,
    }),
    ("secret-in-capitals", "also tries the secret in capitals", |s| match s.key {
        Key::Secret(secret) => s.mac_with(&secret.expose().to_ascii_uppercase()),
        _ => false,
    }),
    ("hex-text", "takes the signature as hex text", |s| {
        s.pinned() && s.signature.eq_ignore_ascii_case(crate::encoding::encode_hex(&s.right()).as_bytes())
    }),
    ("key-id-as-a-file", "reads the file that the key id names", |s| {
        let kid = s.header("kid").and_then(Value::as_str).unwrap_or_default();
        kid.ends_with("/dev/null") && s.mac_with(b"")
    }),
    ("key-id-as-a-query", "puts the key id into a query", |s| {
        let kid = s.header("kid").and_then(Value::as_str).unwrap_or_default();
        kid.rsplit('\'').next().is_some() && kid.contains("UNION SELECT 'attacker") && s.mac_with(b"attacker")
    }),
    ("key-address", "fetches the key from where the token says", |s| {
        s.header("jku").is_some() && s.mac_with(ATTACKER)
    }),
];

/// The attacker's secret, as the vectors have it.
const ATTACKER: &[u8] = b"attacker-secret-of-32-bytes-long-01";

/// Mistakes with a key pair.
const PUBLIC: [(&str, &str, Content); 12] = [
    ("public-key-spki-pem", "takes an HMAC with the public key in PEM", |s| {
        s.says() == Some("HS256") && public(s, |k| pem_text("PUBLIC KEY", &k.spki_der(), "\n", true))
    }),
    ("public-key-spki-pem-hs512", "takes an HS512 HMAC with the public key in PEM", |s| {
        s.says() == Some("HS512") && public(s, |k| pem_text("PUBLIC KEY", &k.spki_der(), "\n", true))
    }),
    ("public-key-spki-pem-cut", "takes an HMAC with the public key in PEM without its last line end", |s| {
        public(s, |k| pem_text("PUBLIC KEY", &k.spki_der(), "\n", false))
    }),
    ("public-key-spki-pem-crlf", "takes an HMAC with the public key in PEM with CRLF", |s| {
        public(s, |k| pem_text("PUBLIC KEY", &k.spki_der(), "\r\n", true))
    }),
    ("public-key-spki-pem-one-line", "takes an HMAC with the public key in PEM on one line", |s| {
        public(s, |k| pem_text("PUBLIC KEY", &k.spki_der(), "", false))
    }),
    ("public-key-spki-der", "takes an HMAC with the public key in DER", |s| public(s, RsaKey::spki_der)),
    ("public-key-pkcs1-pem", "takes an HMAC with the public key in PKCS#1 PEM", |s| {
        public(s, |k| pem_text("RSA PUBLIC KEY", &k.pkcs1_der(), "\n", true))
    }),
    ("public-key-pkcs1-der", "takes an HMAC with the public key in PKCS#1 DER", |s| {
        public(s, RsaKey::pkcs1_der)
    }),
    ("public-key-jwk", "takes an HMAC with the public key as a JWK", |s| public(s, |k| k.jwk().into_bytes())),
    (
        "public-key-pinned-name",
        "takes an HMAC with the public key under the name of the pinned algorithm",
        |s| {
            let Key::Rsa(rsa) = s.key else { return false };
            let key = pem_text("PUBLIC KEY", &rsa.spki_der(), "\n", true);
            s.pinned() && verify(Alg::Hs256, Key::Secret(&Secret::new(key)), s.input, s.signature)
        },
    ),
    ("empty-secret-hs256", "takes an HS256 HMAC with an empty secret", |s| {
        s.says() == Some("HS256") && s.mac_with(b"")
    }),
    ("empty-secret-hs512", "takes an HS512 HMAC with an empty secret", |s| {
        s.says() == Some("HS512") && s.mac_with(b"")
    }),
];

fn public(seen: &Seen<'_, '_, '_>, form: impl Fn(&RsaKey) -> Vec<u8>) -> bool {
    match seen.key {
        Key::Rsa(rsa) => seen.mac_with(&form(rsa)),
        _ => false,
    }
}

/// PEM with a chosen line end.
fn pem_text(tag: &str, der: &[u8], end: &str, last: bool) -> Vec<u8> {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    let text = pem::encode_config(&pem::Pem::new(tag, der), config);
    let text = text.trim_end_matches('\n').replace('\n', end);
    if last { format!("{text}{end}").into_bytes() } else { text.into_bytes() }
}

/// The algorithm's name is not looked at, or loosely; the signature is the pinned one.
fn pinning(list: &mut List<'_>) {
    for row in list.rows("header", "alg") {
        list.replace(Class::Accepts, row, "not-looked-at", "does not look at `alg`", |_, _| Ok(()));
        list.forgive(
            row,
            "unknown",
            "takes an algorithm that it does not know for its own",
            |case, _, reason| {
                let says = case.header.as_ref().and_then(|h| h.find("alg"));
                if says.and_then(Value::as_str) == Some("XX999") { Ok(()) } else { Err(reason) }
            },
        );
        // The vector spells the name of the HMAC algorithm in small letters.
        if list.d().token.as_ref().is_some_and(|t| t.alg == Alg::Hs256) {
            list.forgive(row, "any-case", "takes `alg` in any case", |case, _, reason| {
                let says = case.header.as_ref().and_then(|h| h.find("alg")).and_then(Value::as_str);
                let pinned = case.plan.description.token.as_ref().map(|t| t.alg.name());
                let same = says.zip(pinned).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b));
                if same { Ok(()) } else { Err(reason) }
            });
        }
        list.forgive(row, "absent", "does without `alg`", |case, _, reason| {
            let says = case.header.as_ref().and_then(|h| h.find("alg"));
            if says.is_none() { Ok(()) } else { Err(reason) }
        });
        list.forgive(row, "encrypted", "takes a header of an encrypted token", |case, _, reason| {
            let enc = case.header.as_ref().and_then(|h| h.find("enc"));
            if enc.is_some() { Ok(()) } else { Err(reason) }
        });
    }
}

/// RFC 7797: the payload is signed as it is. Not understood by the strict verifier.
fn unencoded(list: &mut List<'_>) {
    for row in list.rows("header", "crit") {
        list.forgive(row, "unencoded-payload", "understands `b64` and lets it pass", |case, _, reason| {
            let b64 = case.header.as_ref().and_then(|h| h.find("b64"));
            if b64 == Some(&Value::Bool(false)) { Ok(()) } else { Err(reason) }
        });
        if !list.d().caller_key() {
            continue;
        }
        list.forgive(row, "no-list", "passes over a `crit` that is no list of names", |case, _, reason| {
            match case.header.as_ref().and_then(|h| h.find("crit")) {
                Some(Value::Array(items)) if !items.is_empty() => Err(reason),
                _ => Ok(()),
            }
        });
    }
}
