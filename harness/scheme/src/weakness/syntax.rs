//! Weaknesses of a token's form: segments, base64url and JSON read leniently.

use super::{Class, List};
use crate::description::Format;
use crate::encoding::{Duplicates, JsonRules, Rules, decode_url, encode_url};
use crate::key::verify;
use crate::plan::Plan;
use crate::token::{Compact, split};
use crate::verdict::Reason;
use crate::verify::case::Case;
use crate::verify::checks::{Mend, read_claims, token_form_by};
use crate::verify::signature::signature_by;

/// Parses the claims of a signed token after a given way to mend them.
fn parse_claims_by(case: &mut Case<'_>, mend: &Mend) -> Result<(), Reason> {
    if let Some(Compact::Jws([_, payload, _])) = &case.compact {
        let bytes = decode_url(payload, &case.plan.base64.payload).map_err(|_| Reason::TokenMalformed)?;
        case.buffers.claims.get_or_init(|| mend(bytes));
    }
    read_claims(case)
}

pub(super) fn add(list: &mut List<'_>) {
    let Some(token) = list.d().token.clone() else {
        bodies(list);
        return;
    };
    // A platform reads what it wrote itself: only where callers write tokens their JSON can be odd.
    let own = list.d().caller_key();
    base64(list, token.format);
    if own && token.format == Format::Jws {
        as_signed(list);
    }
    duplicates(list);
    bodies(list);
    for row in list.rows("token", "form") {
        if token.format == Format::Jws {
            segments(list, row);
            let read = |what: &str| ["something-after", "comma-too-many"].contains(&what);
            for (what, says, mend) in MENDS.into_iter().filter(|m| own && read(m.0)) {
                list.replace(Class::Accepts, row, &format!("header-{what}"), says, move |case, _| {
                    token_form_by(case, &split, &mend)
                });
            }
        }
    }
    for row in list.rows("token", "claims") {
        if token.format == Format::Jws {
            for (what, says, mend) in MENDS.into_iter().filter(|_| own) {
                list.replace(Class::Accepts, row, what, says, move |case, _| parse_claims_by(case, &mend));
            }
        }
        list.forgive(row, "object-in-a-list", "takes the first object of a list", |case, _, reason| {
            let bytes = case.claims_text().ok_or(reason)?;
            let inner = bytes.strip_prefix(b"[").and_then(|b| b.strip_suffix(b"]")).ok_or(reason)?;
            let limits = crate::encoding::Limits::DEFAULT;
            let members = crate::encoding::parse_object(inner, &JsonRules::STRICT, &limits);
            case.claims = Some(members.map_err(|_| reason)?);
            case.places = None;
            Ok(())
        });
    }
}

type Rule = fn(&mut Rules);

/// Each departure from strict base64url, for each segment. For header and payload of a JWS it shows only where the
/// signing input is made again from what was decoded.
fn base64(list: &mut List<'_>, format: Format) {
    let table: [(&str, &str, Rule); 4] = [
        ("padding", "takes base64url with padding", |r| r.padding = true),
        ("standard-alphabet", "takes the standard alphabet", |r| r.any_alphabet = true),
        ("trailing-bits", "does not look at unused bits", |r| r.trailing_bits = true),
        ("illegal-bytes", "passes over bytes outside the alphabet", |r| r.illegal_bytes = true),
    ];
    let reference = list.d().token.as_ref().and_then(|t| t.reference.clone());
    for (what, says, rule) in table {
        // Whether a segment has unused bits, or a letter that the alphabets differ in, is chance.
        let chance = ["standard-alphabet", "trailing-bits"].contains(&what);
        match format {
            Format::Jws => {
                list.add(
                    Class::Accepts,
                    &format!("signature/{what}"),
                    says,
                    reference.as_ref(),
                    move |plan| {
                        rule(&mut plan.base64.signature);
                    },
                );
                for segment in ["header", "payload"].into_iter().filter(|_| !chance) {
                    let says = format!("{says} in the {segment}, and signs again what it decoded");
                    let id = format!("{segment}/{what}");
                    list.add(Class::Accepts, &id, &says, reference.as_ref(), move |plan| {
                        let header = segment == "header";
                        rule(if header { &mut plan.base64.header } else { &mut plan.base64.payload });
                        signing_again(plan);
                    });
                }
            }
            Format::Jwe if what == "standard-alphabet" => {}
            Format::Jwe => {
                list.add(Class::Accepts, &format!("tag/{what}"), says, reference.as_ref(), move |plan| {
                    rule(&mut plan.base64.signature);
                });
            }
            Format::Opaque if what == "trailing-bits" => {}
            Format::Opaque => {
                list.add(Class::Accepts, &format!("token/{what}"), says, reference.as_ref(), move |plan| {
                    rule(&mut plan.base64.payload);
                });
            }
        }
    }
}

/// What callers sign: header and claims decoded loosely, the signature verified over what was sent.
fn as_signed(list: &mut List<'_>) {
    let table: [(&str, &str, Rule); 3] = [
        ("padding", "takes padding", |r| r.padding = true),
        ("standard-alphabet", "takes the standard alphabet", |r| r.any_alphabet = true),
        ("trailing-bits", "does not look at unused bits", |r| r.trailing_bits = true),
    ];
    let reference = list.d().token.as_ref().and_then(|t| t.reference.clone());
    for segment in ["header", "payload"] {
        // No letter of the published headers differs in the two alphabets.
        for (what, says, rule) in
            table.into_iter().filter(|t| segment != "header" || t.0 != "standard-alphabet")
        {
            let says = format!("{says} in a {segment} that is signed so");
            list.add(
                Class::Accepts,
                &format!("{segment}/signed-{what}"),
                &says,
                reference.as_ref(),
                move |plan| {
                    rule(if segment == "header" {
                        &mut plan.base64.header
                    } else {
                        &mut plan.base64.payload
                    });
                },
            );
        }
    }
}

/// The signature is verified over header and payload as they are encoded again.
fn signing_again(plan: &mut Plan) {
    let Some(row) = plan.rows.iter().position(|r| r.stage == "signature") else { return };
    super::set(
        plan,
        row,
        Box::new(|case, _| {
            signature_by(case, &|case, compact, key| {
                let Compact::Jws([header, payload, signature]) = compact else {
                    return Err(Reason::SignatureInvalid);
                };
                let rules = &case.plan.base64;
                let decode = |text, rules| decode_url(text, rules).map_err(|_| Reason::TokenMalformed);
                let again = |text, rules| decode(text, rules).map(|bytes| encode_url(&bytes));
                let input = format!("{}.{}", again(header, &rules.header)?, again(payload, &rules.payload)?);
                let signature = decode(signature, &rules.signature)?;
                let alg = case.plan.description.token.as_ref().map(|t| t.alg);
                let good = alg.is_some_and(|alg| verify(alg, key, input.as_bytes(), &signature));
                if good { Ok(()) } else { Err(Reason::SignatureInvalid) }
            })
        }),
    );
}

fn duplicates(list: &mut List<'_>) {
    let reference = list.d().token.as_ref().and_then(|t| t.reference.clone());
    // RFC 7515 section 4 and RFC 7519 section 4 allow to read the last one.
    let rules = JsonRules { duplicates: Duplicates::First };
    let says = "reads the first of two members";
    list.add(Class::Accepts, "claims/first-of-two", says, reference.as_ref(), move |plan| {
        plan.json.claims = rules;
    });
    list.add(Class::Accepts, "header/first-of-two", says, reference.as_ref(), move |plan| {
        plan.json.header = rules;
    });
}

fn bodies(list: &mut List<'_>) {
    let reads = |p: &crate::description::Part| p.place == crate::description::Place::Body;
    let read = list.d().parts.iter().any(reads);
    if !read {
        return;
    }
    for (what, says, which) in [
        ("first-of-two", "reads the first of two members", Duplicates::First),
        ("last-of-two", "reads the last of two members", Duplicates::Last),
    ] {
        list.add(Class::Accepts, &format!("body/{what}"), says, None, move |plan| {
            plan.json.body = JsonRules { duplicates: which };
        });
    }
}

/// Ways to mend a JSON text that a lenient reader has in it.
type MendText = fn(Vec<u8>) -> Vec<u8>;

const MENDS: [(&str, &str, MendText); 5] = [
    ("something-after", "does not look at what follows the object", |text| {
        let mut depth = 0_usize;
        let mut quoted = false;
        let mut escaped = false;
        for (position, byte) in text.iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b'{' | b'[' if !quoted => depth += 1,
                b'}' | b']' if !quoted => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return text.get(..=position).unwrap_or(&text).to_vec();
                    }
                }
                _ => {}
            }
        }
        text
    }),
    ("cut-at-nul", "reads up to a NUL", |text| text.split(|b| *b == 0).next().unwrap_or_default().to_vec()),
    ("comma-too-many", "passes over a comma too many", |text| {
        String::from_utf8(text.clone()).map_or(text, |t| t.replace(",}", "}").into_bytes())
    }),
    ("comments", "passes over comments", |text| {
        let Ok(all) = String::from_utf8(text.clone()) else { return text };
        let lines = all.lines().map(|line| line.split(" //").next().unwrap_or_default());
        lines.collect::<String>().into_bytes()
    }),
    ("raw-controls", "takes raw control characters in a text", |text| {
        text.into_iter().map(|b| if b == b'\t' { b' ' } else { b }).collect()
    }),
];

fn segments(list: &mut List<'_>, row: usize) {
    list.forgive(row, "segment-too-many", "does not look at a fourth segment", |case, _, reason| {
        let token = case.token.ok_or(reason)?;
        let mut dots = token.iter().enumerate().filter(|(_, b)| **b == b'.').map(|(i, _)| i);
        let end = dots.nth(2).ok_or(reason)?;
        case.token = token.get(..end);
        token_form_by(case, &split, &|text| text)
    });
}
