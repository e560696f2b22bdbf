//! The edits from text to token: what is signed, with what, and how it is spelt. It must not know of messages.

use bearproof_scheme::description::{Alg, Format, Place, TokenRule};
use bearproof_scheme::encoding::{
    Rules, decode_url, encode_hex, encode_standard, encode_url, encode_url_padded, string_literal,
};
use bearproof_scheme::key::{Key, P256Key, RsaKey, Secret};
use bearproof_scheme::sign::{Signer, Texts, Trace, Written};
use bearproof_scheme::world::Value;

use crate::forge;
use crate::play::{NO_EFFECT, Stage, fill_times};
use crate::recipe::{Edit, KeyOf, Piece, PublicForm, Respell, SecretChange, TextOf};

/// The finished token with all edits applied; `None` if the scheme has none.
pub(crate) fn token(
    stage: &Stage<'_>,
    edits: &[&Edit],
    written: &[Written],
    trace: &mut Trace,
) -> Result<Option<String>, String> {
    let Some(rule) = &stage.signer.description.token else { return Ok(None) };
    let signs = edits.iter().any(|edit| matches!(edit, Edit::Sign { .. }));
    let mut segments = match stage.signer.captured() {
        Some(captured) if !signs => captured.split('.').map(Into::into).collect(),
        _ => sealed(stage, edits, written, trace, rule)?,
    };
    for edit in edits {
        edit_segments(stage, edit, rule.format, &mut segments)?;
    }
    Ok(Some(segments.join(".")))
}

/// The segments as signed or sealed, with the edits of texts, key and algorithm.
fn sealed(
    stage: &Stage<'_>,
    edits: &[&Edit],
    written: &[Written],
    trace: &mut Trace,
    rule: &TokenRule,
) -> Result<Vec<String>, String> {
    let mut alg = Some(rule.alg);
    let mut declared = string_literal(rule.alg.header_name());
    let mut key = None;
    for edit in edits {
        if let Edit::Sign { alg: name, declare, key: of } = edit {
            if let Some(name) = name {
                alg = match name.as_str() {
                    "none" => None,
                    _ => Some(named(name)?),
                };
                declared = string_literal(name);
            }
            if let Some(json) = declare {
                declared.clone_from(json);
            }
            if let Some(of) = of {
                key = Some(key_bytes(stage, of)?);
            }
        }
    }
    let mut texts = match stage.signer.captured() {
        Some(captured) => captured_texts(captured, &declared)?,
        None => stage.signer.texts(written, &declared),
    };
    for edit in edits {
        edit_texts(stage, edit, written, &mut texts)?;
    }
    let none = Secret::new(Vec::new());
    let key = match &key {
        Some(Material::Secret(secret)) => Key::Secret(secret),
        Some(Material::Of(value)) => value.key().ok_or("that is no key")?,
        // What is unsigned takes no key.
        None => match (stage.signer.key(), alg) {
            (Some(right), _) => right,
            (None, None) => Key::Secret(&none),
            (None, Some(_)) => return Err("the caller lacks the key".into()),
        },
    };
    let segments = stage.signer.seal(rule.format, alg, key, &texts, trace);
    let mut segments = segments.ok_or("the key does not fit the algorithm")?;
    for edit in edits {
        match edit {
            Edit::Forge(how) => forge::signature(key, *how, &mut segments)?,
            Edit::SignSpelt { payload, with } => {
                let texts = (texts.header.as_str(), texts.claims.as_str());
                forge::respelt(key, rule.alg, *payload, *with, texts, &mut segments)?;
            }
            _ => {}
        }
    }
    Ok(segments)
}

/// The texts of a captured JWS, with another `alg`.
fn captured_texts(token: &str, declared: &str) -> Result<Texts, String> {
    let text = |segment: Option<&str>| {
        let bytes = decode_url(segment.unwrap_or_default().as_bytes(), &Rules::STRICT).ok();
        bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or("the captured token can't be read")
    };
    let mut segments = token.split('.');
    let (header, claims) = (text(segments.next())?, text(segments.next())?);
    let members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&header).map_err(|_| "the header of the captured token is no JSON object")?;
    let others = members.iter().filter(|(name, _)| *name != "alg");
    let others: String = others.map(|(name, value)| format!(",{}:{value}", string_literal(name))).collect();
    Ok(Texts { header: format!("{{\"alg\":{declared}{others}}}"), claims })
}

fn named(name: &str) -> Result<Alg, String> {
    let found = Alg::NAMES.iter().find(|(n, _)| *n == name);
    found
        .map(|(_, alg)| *alg)
        .ok_or_else(|| format!("`{name}` can't be signed with; use `declare` for the header alone"))
}

enum Material {
    Secret(Secret),
    Of(Value),
}

fn key_bytes(stage: &Stage<'_>, of: &KeyOf) -> Result<Material, String> {
    let rule = stage.signer.description.token.as_ref().ok_or("no token")?;
    let full = rule.key.name();
    let name = full.split_once('.').map_or("", |(_, name)| name);
    let world = &stage.plot.variant.world;
    let own = || match stage.signer.key() {
        Some(Key::Secret(secret)) => Ok(secret.expose().to_vec()),
        _ => Err("the right key is no secret text".to_string()),
    };
    let value = |values: &bearproof_scheme::world::Values| {
        bearproof_scheme::world::value(values, name).cloned().ok_or_else(|| format!("no `{full}` there"))
    };
    Ok(match of {
        KeyOf::Role(role) => Material::Of(value(
            &world.credential(role).ok_or_else(|| format!("no credential `{role}`"))?.values,
        )?),
        KeyOf::Platform(role) => {
            Material::Of(value(&world.platform(role).ok_or_else(|| format!("no platform `{role}`"))?.values)?)
        }
        KeyOf::Literal(bytes) => Material::Secret(Secret::new(bytes.clone())),
        KeyOf::Public(form) => Material::Secret(Secret::new(match stage.signer.key() {
            Some(Key::Rsa(rsa)) => rsa_form(rsa, *form),
            Some(Key::P256(pair)) => p256_form(pair, *form)?,
            _ => return Err("the scheme has no public key".into()),
        })),
        KeyOf::Changed(change) => {
            let mut secret = own()?;
            match change {
                SecretChange::Base64Decoded => {
                    let text: String = String::from_utf8_lossy(&secret)
                        .chars()
                        .filter_map(|c| match c {
                            '+' => Some('-'),
                            '/' => Some('_'),
                            c if c.is_ascii_alphanumeric() || c == '-' || c == '_' => Some(c),
                            _ => None,
                        })
                        .collect();
                    // As lenient decoders do: an incomplete last quantum falls away.
                    let whole = text.get(..text.len() / 4 * 4).unwrap_or("");
                    secret = decode_url(whole.as_bytes(), &Rules::STRICT).map_err(|e| e.to_string())?;
                }
                SecretChange::Base64Encoded => secret = encode_standard(&secret).into_bytes(),
                SecretChange::Hex => secret = encode_hex(&secret).into_bytes(),
                SecretChange::Newline => secret.push(b'\n'),
                SecretChange::Shortened => {
                    secret.pop();
                }
                SecretChange::UpperCase => secret.make_ascii_uppercase(),
            }
            if secret == own()? {
                return Err(NO_EFFECT.into());
            }
            Material::Secret(Secret::new(secret))
        }
    })
}

fn pem(tag: &str, der: &[u8], line_end: &str, last: bool) -> Vec<u8> {
    let text = encode_standard(der);
    let mut lines = vec![format!("-----BEGIN {tag}-----")];
    let chars: Vec<char> = text.chars().collect();
    lines.extend(chars.chunks(64).map(|line| line.iter().collect::<String>()));
    lines.push(format!("-----END {tag}-----"));
    let mut out = lines.join(line_end);
    if last {
        out.push_str(line_end);
    }
    out.into_bytes()
}

fn rsa_form(rsa: &RsaKey, form: PublicForm) -> Vec<u8> {
    let (spki, pkcs1) = (rsa.spki_der(), rsa.pkcs1_der());
    match form {
        PublicForm::SpkiPem => pem("PUBLIC KEY", &spki, "\n", true),
        PublicForm::SpkiPemNoNewline => pem("PUBLIC KEY", &spki, "\n", false),
        PublicForm::SpkiPemCrlf => pem("PUBLIC KEY", &spki, "\r\n", true),
        PublicForm::SpkiPemOneLine => pem("PUBLIC KEY", &spki, "", false),
        PublicForm::SpkiDer => spki,
        PublicForm::Pkcs1Pem => pem("RSA PUBLIC KEY", &pkcs1, "\n", true),
        PublicForm::Pkcs1Der => pkcs1,
        PublicForm::Jwk => rsa.jwk().into_bytes(),
    }
}

fn p256_form(pair: &P256Key, form: PublicForm) -> Result<Vec<u8>, String> {
    let spki = pair.spki_der();
    Ok(match form {
        PublicForm::SpkiPem => pem("PUBLIC KEY", &spki, "\n", true),
        PublicForm::SpkiPemNoNewline => pem("PUBLIC KEY", &spki, "\n", false),
        PublicForm::SpkiPemCrlf => pem("PUBLIC KEY", &spki, "\r\n", true),
        PublicForm::SpkiPemOneLine => pem("PUBLIC KEY", &spki, "", false),
        PublicForm::SpkiDer => spki,
        PublicForm::Jwk => pair.jwk().into_bytes(),
        PublicForm::Pkcs1Pem | PublicForm::Pkcs1Der => return Err("PKCS#1 is for RSA keys".into()),
    })
}

fn edit_texts(stage: &Stage<'_>, edit: &Edit, written: &[Written], texts: &mut Texts) -> Result<(), String> {
    match edit {
        Edit::ReplaceText { of, with } => {
            let text = match of {
                TextOf::Header => &mut texts.header,
                TextOf::Claims => &mut texts.claims,
            };
            let inner = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or("");
            let with = fill_times(with, stage.signer.now);
            *text = with.replace("{inner}", inner).replace("{text}", text);
        }
        Edit::DuplicateMember { target, value, before } => {
            let (place, name) = stage.spot_of(target).ok_or("the scheme has no such part")?;
            let text = match place {
                Place::Header => &mut texts.header,
                Place::Claims => &mut texts.claims,
                _ => return Err("only members of header and claims can stand twice".into()),
            };
            let right = written.iter().find(|w| w.place == place && w.name == name);
            if right.is_none() && name != "alg" {
                return Err("the part does not exist for this request".into());
            }
            let value = stage.value(place, &name, value)?;
            let member = format!("{}:{}", string_literal(&name), value.json);
            let inner = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or("");
            *text = if *before { format!("{{{member},{inner}}}") } else { format!("{{{inner},{member}}}") };
        }
        _ => {}
    }
    Ok(())
}

fn edit_segments(
    stage: &Stage<'_>,
    edit: &Edit,
    format: Format,
    segments: &mut Vec<String>,
) -> Result<(), String> {
    match edit {
        Edit::Encode { piece: Piece::Token, with } => {
            let [only] = segments.as_mut_slice() else {
                return Err("a token of several segments is respelt segment by segment".into());
            };
            *only = respell(only, *with)?;
        }
        Edit::Encode { piece, with } => {
            let segment = segment_of(*piece, format, segments).ok_or("the token has no such segment")?;
            *segment = respell(segment, *with)?;
        }
        Edit::ReplacePiece { piece, with } => {
            let other = if with.contains("{other}") { other_token(stage)? } else { Vec::new() };
            let right = segments.clone();
            let get = |piece: Piece, from: &[String]| {
                let mut from = from.to_vec();
                segment_of(piece, format, &mut from).map(|s| s.clone()).unwrap_or_default()
            };
            let fill = |value: &str, other: &str| {
                let mut out = with.replace("{value}", value).replace("{other}", other);
                for (word, piece) in [
                    ("{header}", Piece::Header),
                    ("{payload}", Piece::Payload),
                    ("{signature}", Piece::Signature),
                ] {
                    out = out.replace(word, &get(piece, &right));
                }
                out
            };
            if *piece == Piece::Token {
                let whole = right.join(".");
                let new = fill(&whole, &other.join("."));
                if new == whole {
                    return Err(NO_EFFECT.into());
                }
                *segments = vec![new];
            } else {
                let theirs = get(*piece, &other);
                let segment = segment_of(*piece, format, segments).ok_or("the token has no such segment")?;
                let new = fill(segment, &theirs);
                if new == *segment {
                    return Err(NO_EFFECT.into());
                }
                *segment = new;
            }
        }
        _ => {}
    }
    Ok(())
}

fn segment_of(piece: Piece, format: Format, segments: &mut [String]) -> Option<&mut String> {
    let index = match (format, piece) {
        (_, Piece::Header) => 0,
        (Format::Jws, Piece::Payload) => 1,
        (Format::Jws, Piece::Signature) => 2,
        (Format::Jwe, Piece::EncryptedKey) => 1,
        (Format::Jwe, Piece::Iv) => 2,
        (Format::Jwe, Piece::Payload) => 3,
        (Format::Jwe, Piece::Signature) => 4,
        _ => return None,
    };
    segments.get_mut(index)
}

/// The segments of the token of `other` for the same request; empty if there is no such caller.
fn other_token(stage: &Stage<'_>) -> Result<Vec<String>, String> {
    let Some(other) = stage.plot.variant.world.credential("other") else { return Ok(Vec::new()) };
    let signer = Signer { credential: other, ..stage.signer };
    let mut trace = Trace::none();
    let parts = signer.parts(&stage.parts, &stage.draft, &[], &mut trace).map_err(|e| e.to_string())?;
    let token = signer.token(&parts, &mut trace).map_err(|e| e.to_string())?;
    Ok(token.map(|t| t.split('.').map(Into::into).collect()).unwrap_or_default())
}

/// Another text for a segment.
fn respell(segment: &str, with: Respell) -> Result<String, String> {
    let decoded = || decode_url(segment.as_bytes(), &Rules::STRICT).map_err(|e| e.to_string());
    let middle = |extra: &str| {
        let (a, b) = segment.split_at_checked(segment.len() / 2).unwrap_or((segment, ""));
        format!("{a}{extra}{b}")
    };
    let bytes = |change: &dyn Fn(&mut Vec<u8>)| -> Result<String, String> {
        let mut bytes = decoded()?;
        change(&mut bytes);
        Ok(encode_url(&bytes))
    };
    let new = match with {
        Respell::TrailingBits => trailing_bits(segment).ok_or("the segment has no unused bits")?,
        Respell::Padded => {
            let padded = encode_url_padded(&decoded()?);
            if padded == segment { format!("{segment}=") } else { padded }
        }
        Respell::StandardAlphabet => segment.replace('-', "+").replace('_', "/"),
        Respell::IllegalCharacter => middle("!"),
        Respell::LineFeed => middle("\n"),
        Respell::HexText => encode_url(encode_hex(&decoded()?).as_bytes()),
        Respell::FirstBit => bytes(&|b| {
            if let Some(first) = b.first_mut() {
                *first ^= 0x80;
            }
        })?,
        Respell::LastBit => bytes(&|b| {
            if let Some(last) = b.last_mut() {
                *last ^= 1;
            }
        })?,
        Respell::Zeros => bytes(&|b| b.fill(0))?,
        Respell::Empty => String::new(),
        Respell::FirstByte => bytes(&|b| b.truncate(1))?,
        Respell::OneByteLess => bytes(&|b| {
            b.pop();
        })?,
        Respell::Half => bytes(&|b| b.truncate(b.len() / 2))?,
        Respell::OneByteMore => bytes(&|b| b.push(0))?,
        Respell::ImpossibleLength => {
            let keep = segment.len().saturating_sub(1) / 4 * 4 + 1;
            let mut text = format!("{segment}AAAA");
            text.truncate(if segment.len() % 4 == 1 { segment.len() + 4 } else { keep });
            text
        }
    };
    if new == segment { Err(NO_EFFECT.into()) } else { Ok(new) }
}

/// The segment with its unused low bits set; `None` if it has none.
pub(crate) fn trailing_bits(segment: &str) -> Option<String> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    if segment.len() % 4 < 2 {
        return None;
    }
    let last = segment.chars().last()?;
    let alias = ALPHABET.chars().nth(ALPHABET.find(last)? + 1)?;
    let mut text = segment.to_string();
    text.pop();
    text.push(alias);
    Some(text)
}
