//! Weaknesses of sealed tokens: what is authenticated, with which key, in which frame. A table by hand.

use super::{Class, List, keys, set};
use crate::description::Format;
use crate::encoding::{Rules, Value, decode_url, encode_url};
use crate::key::{Key, open, seal, verify};
use crate::token::{Compact, IV_LEN, TAG_LEN, open_jwe, open_opaque};
use crate::verdict::Reason;
use crate::verify::checks::{token_form, token_form_by};
use crate::verify::signature::{signature_by, unlock};

/// Segments decoded: encoded header, IV, ciphertext, tag.
struct Pieces<'p> {
    header: &'p [u8],
    iv: Vec<u8>,
    ciphertext: Vec<u8>,
    tag: Vec<u8>,
}

/// The plaintext that a careless reader finds.
type Find = fn(&Pieces<'_>, &[u8]) -> Option<Vec<u8>>;

pub(super) fn add(list: &mut List<'_>) {
    let Some(token) = list.d().token.clone().filter(|t| t.format != Format::Jws) else { return };
    let table: &[(&str, &str, Find)] = &[
        ("tag-unchecked", "does not verify the tag", |p, key| stream(p, key)),
        ("tag-empty", "takes an empty tag", |p, key| if p.tag.is_empty() { stream(p, key) } else { None }),
        ("tag-shorter", "compares only as much of the tag as was sent", |p, key| {
            let plaintext = stream(p, key)?;
            let (_, right) = seal(key, &p.iv, p.header, &plaintext)?;
            (!p.tag.is_empty() && right.starts_with(&p.tag)).then_some(plaintext)
        }),
        ("tag-longer", "does not look at what follows the tag", |p, key| {
            open(key, &p.iv, p.header, &p.ciphertext, p.tag.get(..TAG_LEN)?)
        }),
        ("tag-half", "compares the last half of the tag", |p, key| {
            let plaintext = stream(p, key)?;
            let (_, right) = seal(key, &p.iv, p.header, &plaintext)?;
            (p.tag.len() == TAG_LEN && right.get(8..) == p.tag.get(8..)).then_some(plaintext)
        }),
        ("tag-seven-bits", "compares seven bits of each byte of the tag", |p, key| {
            let plaintext = stream(p, key)?;
            let (_, right) = seal(key, &p.iv, p.header, &plaintext)?;
            let same = right.iter().zip(&p.tag).all(|(a, b)| a & 0xfe == b & 0xfe || a & 0x7f == b & 0x7f);
            (p.tag.len() == TAG_LEN && same).then_some(plaintext)
        }),
        ("tag-of-zeros", "takes a tag of zeros", |p, key| {
            if !p.tag.is_empty() && p.tag.iter().all(|b| *b == 0) { stream(p, key) } else { None }
        }),
        ("header-not-covered", "does not authenticate the header", |p, key| {
            let rebuilt = encode_url(br#"{"alg":"dir","enc":"A256GCM"}"#);
            open(key, &p.iv, rebuilt.as_bytes(), &p.ciphertext, &p.tag)
        }),
        ("iv-longer", "cuts a longer IV", |p, key| {
            open(key, p.iv.get(..IV_LEN)?, p.header, &p.ciphertext, &p.tag)
        }),
        ("key-of-zeros", "falls back to a key of zeros", |p, _| {
            open(&[0; 32], &p.iv, p.header, &p.ciphertext, &p.tag)
        }),
    ];
    for (what, says, find) in table.iter().copied() {
        add_find(list, what, says, find);
    }
    if token.format == Format::Jwe {
        framing(list);
    } else {
        opaque(list);
    }
    keys::environments(list, "sealed");
}

/// The plaintext without any authentication: sealing the ciphertext with the same IV undoes the encryption.
fn stream(pieces: &Pieces<'_>, key: &[u8]) -> Option<Vec<u8>> {
    seal(key, &pieces.iv, &[], &pieces.ciphertext).map(|(plaintext, _)| plaintext)
}

fn add_find(list: &mut List<'_>, what: &str, says: &str, find: Find) {
    let reference = list.d().token.as_ref().and_then(|t| t.reference.clone());
    list.add(Class::Accepts, &format!("sealed/{what}"), says, reference.as_ref(), move |plan| {
        let Some(row) = plan.rows.iter().position(|r| r.stage == "signature") else { return };
        set(
            plan,
            row,
            Box::new(move |case, _| {
                signature_by(case, &move |case, compact, key| {
                    let strict = unlock(case, compact, key);
                    let (Err(reason), Key::Secret(secret)) = (strict, key) else { return strict };
                    let pieces = pieces(compact).ok_or(reason)?;
                    let plaintext = find(&pieces, secret.expose()).ok_or(reason)?;
                    case.buffers.claims.get_or_init(|| plaintext);
                    Ok(())
                })
            }),
        );
    });
}

fn pieces(compact: Compact<'_>) -> Option<Pieces<'_>> {
    let decode = |text: &[u8]| decode_url(text, &Rules::STRICT).ok();
    match compact {
        Compact::Jwe([header, _, iv, ciphertext, tag]) => {
            Some(Pieces { header, iv: decode(iv)?, ciphertext: decode(ciphertext)?, tag: decode(tag)? })
        }
        Compact::Opaque(segment) => {
            let bytes = decode(segment)?;
            let cut = bytes.len().checked_sub(TAG_LEN)?;
            Some(Pieces {
                header: &[],
                iv: bytes.get(..IV_LEN)?.to_vec(),
                ciphertext: bytes.get(IV_LEN..cut)?.to_vec(),
                tag: bytes.get(cut..)?.to_vec(),
            })
        }
        Compact::Jws(_) => None,
    }
}

/// Frames other than five right segments, and headers that say something else.
fn framing(list: &mut List<'_>) {
    for row in list.rows("header", "alg") {
        list.replace(
            Class::Accepts,
            row,
            "not-looked-at",
            "does not look at `alg`, `enc` and `zip`",
            |_, _| Ok(()),
        );
        let names = ["alg", "enc"];
        for name in names {
            list.forgive(
                row,
                &format!("without-{name}"),
                &format!("does without `{name}`"),
                move |case, _, reason| {
                    let found = case.header.as_ref().and_then(|h| h.find(name));
                    if found.is_none() { Ok(()) } else { Err(reason) }
                },
            );
            let says = format!("takes any `{name}` that is a text");
            list.forgive(row, &format!("any-{name}"), &says, move |case, _, reason| {
                let right = if name == "alg" { "dir" } else { "A256GCM" };
                let says = |n: &str| case.header.as_ref().and_then(|h| h.find(n)).and_then(Value::as_str);
                let other =
                    if name == "alg" { says("enc") == Some("A256GCM") } else { says("alg") == Some("dir") };
                if other && says(name).is_some_and(|v| v != right) { Ok(()) } else { Err(reason) }
            });
        }
        list.forgive(row, "any-case", "takes `alg` in any case", |case, _, reason| {
            let says = case.header.as_ref().and_then(|h| h.find("alg")).and_then(Value::as_str);
            if says.is_some_and(|a| a.eq_ignore_ascii_case("dir")) { Ok(()) } else { Err(reason) }
        });
        list.forgive(row, "compression", "passes over `zip`", |case, _, reason| {
            if case.header.as_ref().is_some_and(|h| h.find("zip").is_some()) { Ok(()) } else { Err(reason) }
        });
    }
    let reference = list.d().token.as_ref().and_then(|t| t.reference.clone());
    list.add(
        Class::Accepts,
        "sealed/encrypted-key",
        "passes over an encrypted key",
        reference.as_ref(),
        |plan| {
            let Some(row) = plan.rows.iter().position(|r| r.stage == "signature") else { return };
            set(
                plan,
                row,
                Box::new(|case, _| {
                    signature_by(case, &|case, compact, key| {
                        let (Compact::Jwe([header, _, iv, ciphertext, tag]), Key::Secret(secret)) =
                            (compact, key)
                        else {
                            return Err(Reason::TokenUndecryptable);
                        };
                        let parts = [header, &[], iv, ciphertext, tag];
                        let plaintext = open_jwe(&parts, secret.expose(), &Rules::STRICT, &Rules::STRICT)?;
                        case.buffers.claims.get_or_init(|| plaintext);
                        Ok(())
                    })
                }),
            );
        },
    );
    for row in list.rows("token", "form") {
        list.forgive(row, "segment-too-many", "does not look at a sixth segment", |case, _, reason| {
            let token = case.token.ok_or(reason)?;
            let mut dots = token.iter().enumerate().filter(|(_, b)| **b == b'.').map(|(i, _)| i);
            let end = dots.nth(4).ok_or(reason)?;
            case.token = token.get(..end);
            token_form_by(case, &crate::token::split, &|text| text)
        });
    }
    list.add(
        Class::Accepts,
        "sealed/signed-token",
        "also takes a signed token",
        reference.as_ref(),
        |plan| {
            other_frame(plan, |token, secret| {
                let Ok(Compact::Jws([_, payload, signature])) = crate::token::split(Format::Jws, token)
                else {
                    return None;
                };
                let decode = |text: &[u8]| decode_url(text, &Rules::STRICT).ok();
                let input = crate::token::signing_input(token, signature);
                let key = crate::key::Secret::new(secret);
                let good =
                    verify(crate::description::Alg::Hs256, Key::Secret(&key), input, &decode(signature)?);
                if good { decode(payload) } else { None }
            });
        },
    );
    list.add(
        Class::Accepts,
        "sealed/opaque-too",
        "also takes sealed claims without a frame",
        reference.as_ref(),
        |plan| {
            other_frame(plan, |token, secret| open_opaque(token, secret, &Rules::STRICT).ok());
        },
    );
}

/// Where an opaque token is chosen: a JWE is taken too.
fn opaque(list: &mut List<'_>) {
    let reference = list.d().token.as_ref().and_then(|t| t.reference.clone());
    list.add(Class::Accepts, "sealed/jwe-too", "also takes a JWE", reference.as_ref(), |plan| {
        other_frame(plan, |token, secret| match crate::token::split(Format::Jwe, token) {
            Ok(Compact::Jwe(parts)) => open_jwe(&parts, secret, &Rules::STRICT, &Rules::STRICT).ok(),
            _ => None,
        });
    });
}

/// What a reader of another frame finds in a token.
type Frame = fn(&[u8], &[u8]) -> Option<Vec<u8>>;

/// Where the strict form is refused, the token is read in another frame; header checks are passed over then.
fn other_frame(plan: &mut crate::plan::Plan, frame: Frame) {
    for row in &mut plan.rows {
        let (stage, name) = (row.stage, row.name.clone());
        let strict = std::mem::replace(&mut row.check, Box::new(|_, _| Ok(())));
        row.check = Box::new(move |case, row| {
            if stage == "token" && name == "form" {
                return token_form(case, row).or(Ok(()));
            }
            if case.compact.is_some() || !["header", "signature"].contains(&stage) {
                return strict(case, row);
            }
            if stage == "header" {
                return Ok(());
            }
            let platform = case.plan.platform.as_ref().ok_or(Reason::TokenMalformed)?;
            let full = case.plan.description.token.as_ref().map(|t| t.key.name()).unwrap_or_default();
            let name = full.split_once('.').map_or("", |(_, name)| name);
            let key = crate::world::value(&platform.values, name).and_then(crate::world::Value::bytes);
            let found = frame(case.token.unwrap_or_default(), &key.unwrap_or_default());
            let plaintext = found.ok_or(Reason::TokenMalformed)?;
            case.buffers.claims.get_or_init(|| plaintext);
            Ok(())
        });
    }
}
