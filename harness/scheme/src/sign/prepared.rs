//! A signer for many requests that differ only in time and nonce: what stays the same is written once. It must sign
//! what [`sign`](super::sign) signs, byte for byte.

use crate::description::{Alg, Format, Nonce, Part, Place, Rule, Source, TimeRule, Type};
use crate::encoding::append_url;
use crate::key::{self, Key};
use crate::request::Message;
use crate::sign::maker::{lifetime, nonce, write_time};
use crate::sign::{Draft, Entropy, SignError, Signer, Trace, Written, field_line, signed};

/// See the module.
pub struct Prepared<'a> {
    /// Its `now` and `entropy` are those of the preparation; each request has its own.
    signer: Signer<'a>,
    draft: Draft,
    way: Way<'a>,
    message: Message,
}

/// How the next message is made.
enum Way<'a> {
    /// As the first one was: something else than time and nonce differs as well.
    Anew,
    /// Only holes in the claims are filled.
    Holes(Holes<'a>),
}

struct Holes<'a> {
    alg: Alg,
    key: Key<'a>,
    /// Which field line carries the token.
    line: usize,
    /// Where the token begins in it.
    token: usize,
    /// Where its claims begin.
    payload: usize,
    /// Text, then what stands behind it.
    pieces: Vec<(String, Hole)>,
    /// Text behind the last hole.
    end: String,
    /// The claims of the last request: its room is used again.
    claims: String,
}

/// What differs from request to request.
#[derive(Debug, Clone)]
enum Hole {
    Time { form: Type, after: u64 },
    Nonce { form: Type, shape: Nonce, purpose: String },
}

impl<'a> Prepared<'a> {
    /// Prepares the requests of one caller for one draft.
    ///
    /// # Errors
    /// Those of [`sign`](super::sign).
    pub fn new(signer: &Signer<'a>, draft: &Draft) -> Result<Self, SignError> {
        let message = signed(signer, draft)?;
        let mut prepared = Self { signer: *signer, draft: draft.clone(), way: Way::Anew, message };
        if let Some((holes, message)) = prepared.holes()? {
            prepared.message = message;
            prepared.way = Way::Holes(holes);
        }
        Ok(prepared)
    }

    /// The next request, signed at `now` (seconds since 1970 UTC).
    ///
    /// # Errors
    /// Those of [`sign`](super::sign).
    pub fn sign(&mut self, now: u64, entropy: &dyn Entropy) -> Result<&Message, SignError> {
        match &mut self.way {
            Way::Anew => {
                let signer = Signer { now, entropy, ..self.signer };
                self.message = signed(&signer, &self.draft)?;
            }
            Way::Holes(holes) => holes.fill(&mut self.message, now, entropy)?,
        }
        Ok(&self.message)
    }

    /// The claims with holes, and the message whose token is to be filled in; `None` if that is not all that differs.
    fn holes(&self) -> Result<Option<(Holes<'a>, Message)>, SignError> {
        let (signer, draft) = (&self.signer, &self.draft);
        let Some(rule) = signer.description.token.as_ref().filter(|t| t.format == Format::Jws) else {
            return Ok(None);
        };
        let Some(key) = signer.key() else { return Ok(None) };
        let parts = &signer.description.parts;
        let mut holes: Vec<(&Part, Hole)> = Vec::new();
        let (body, query) = (!draft.body.is_empty(), !draft.query.is_empty());
        for part in parts.iter().filter(|part| part.applies(&draft.method, body, query)) {
            holes.extend(self.hole(part)?.map(|hole| (part, hole)));
        }
        let read = |part: &Part| {
            let reads = |s: &Source| match (part.place, s) {
                (Place::Claims, Source::Claims(name)) | (Place::Header, Source::Header(name)) => {
                    *name == part.name
                }
                _ => false,
            };
            parts.iter().filter_map(Part::pipeline).any(|p| p.sources().any(reads))
        };
        if holes.iter().any(|(part, _)| part.place != Place::Claims || read(part)) {
            return Ok(None);
        }
        // No text in JSON has a raw control character, so what stands between two is the number of a hole.
        let mark = |position: usize, part: &Part| Written {
            place: part.place,
            name: part.name.clone(),
            json: format!("\0{position}\0"),
            bytes: Vec::new(),
        };
        let given: Vec<Written> = holes.iter().enumerate().map(|(i, (part, _))| mark(i, part)).collect();
        let written = signer.parts(parts, draft, &given, &mut Trace::none())?;
        let texts = signer.texts(&written, &crate::encoding::string_literal(rule.alg.header_name()));
        let mut pieces = Vec::new();
        let mut split = texts.claims.split('\0');
        let mut end = split.next().unwrap_or_default().to_string();
        while let (Some(number), Some(text)) = (split.next(), split.next()) {
            let hole = number.parse::<usize>().ok().and_then(|i| holes.get(i));
            let Some((_, hole)) = hole else { return Ok(None) };
            pieces.push((std::mem::replace(&mut end, text.into()), hole.clone()));
        }
        let draft = draft.with_body_of(&written)?;
        let mut message = signer.message(parts, &draft, &written, Some(""))?;
        let carries = |p: &&Part| p.pipeline().and_then(|p| p.single()) == Some(&Source::Token);
        let Some(part) = parts.iter().filter(|p| p.place == Place::Field).find(carries) else {
            return Ok(None);
        };
        let before = field_line(part, b"");
        let is_line = |(name, value): &(String, Vec<u8>)| *name == part.name && *value == before;
        let Some(line) = message.fields.iter().position(is_line) else { return Ok(None) };
        let Some((_, value)) = message.fields.get_mut(line) else { return Ok(None) };
        append_url(texts.header.as_bytes(), value);
        value.push(b'.');
        let payload = value.len();
        let claims = String::with_capacity(texts.claims.len());
        let token = before.len();
        Ok(Some((Holes { alg: rule.alg, key, line, token, payload, pieces, end, claims }, message)))
    }

    /// What a part is a hole for; `None` if it stays the same.
    fn hole(&self, part: &Part) -> Result<Option<Hole>, SignError> {
        let form = part.types.first().copied().unwrap_or(Type::String);
        Ok(match &part.rule {
            Rule::Time(TimeRule::Expires) => Some(Hole::Time { form, after: lifetime(&self.signer, part)? }),
            Rule::Time(TimeRule::Issued | TimeRule::NotBefore) => Some(Hole::Time { form, after: 0 }),
            Rule::Nonce(shape) => Some(Hole::Nonce { form, shape: *shape, purpose: part.path() }),
            Rule::From(_) | Rule::Constant(_) => None,
        })
    }
}

impl Holes<'_> {
    fn fill(&mut self, message: &mut Message, now: u64, entropy: &dyn Entropy) -> Result<(), SignError> {
        self.claims.clear();
        for (text, hole) in &self.pieces {
            self.claims.push_str(text);
            hole.write(&mut self.claims, now, entropy);
        }
        self.claims.push_str(&self.end);
        let (_, value) = message.fields.get_mut(self.line).ok_or(SignError::Key)?;
        value.truncate(self.payload);
        append_url(self.claims.as_bytes(), value);
        let input = value.get(self.token..).unwrap_or_default();
        match (self.alg, self.key) {
            (Alg::Hs256, Key::Secret(secret)) => {
                let mac = secret.hmac_sha256().mac(input);
                value.push(b'.');
                append_url(&mac, value);
            }
            _ => {
                let signature = key::sign(self.alg, self.key, input).ok_or(SignError::Key)?;
                value.push(b'.');
                append_url(&signature, value);
            }
        }
        Ok(())
    }
}

impl Hole {
    /// Its JSON: digits, or a text that needs no escapes.
    fn write(&self, out: &mut String, now: u64, entropy: &dyn Entropy) {
        let (form, bytes) = match self {
            Self::Time { form: Type::Seconds, after } => {
                return out.push_str(itoa::Buffer::new().format(now.saturating_add(*after)));
            }
            Self::Time { form, after } => (*form, write_time(*form, now.saturating_add(*after))),
            Self::Nonce { form, shape, purpose } => (*form, nonce(*shape, entropy, purpose)),
        };
        let text = String::from_utf8_lossy(&bytes);
        if form.is_number() {
            out.push_str(&text);
        } else {
            out.extend(["\"", &*text, "\""]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::description;
    use crate::world::{self, Resolver};

    struct Folder(PathBuf);

    impl Resolver for Folder {
        fn file(&self, path: &str) -> Result<Vec<u8>, String> {
            std::fs::read(self.0.join(path)).map_err(|e| e.to_string())
        }

        fn variable(&self, _: &str) -> Result<String, String> {
            Err("no variables in tests".into())
        }
    }

    struct Bytes(u8);

    impl Entropy for Bytes {
        fn bytes(&self, purpose: &str, len: usize) -> Vec<u8> {
            let own = purpose.bytes().fold(self.0, u8::wrapping_add);
            (0..len).map(|i| own.wrapping_mul(u8::try_from(i % 200).unwrap() + 3)).collect()
        }
    }

    /// Every request of every scheme, and which schemes have only holes to fill.
    #[test]
    fn a_prepared_signer_signs_what_the_signer_signs() {
        let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
        let mut filled = Vec::new();
        for scheme in [
            "annexcloud",
            "bursagb-apikey",
            "bursagb-jwt",
            "hexsafe",
            "hotwax",
            "masonhub",
            "masonhub-callback",
        ] {
            let folder = vectors.join(scheme);
            let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
            let text = read("world.toml");
            let choices = world::read_choices("world.toml", &text).unwrap();
            let d = description::load(scheme, "scheme.toml", &read("scheme.toml"), &choices).unwrap();
            let world = world::load(&d, "world.toml", &text, &Folder(folder)).unwrap();
            let now = world.clock.unwrap();
            for endpoint in world.endpoints.iter().filter(|e| d.operation(&e.role).is_none()) {
                let signer = Signer {
                    description: &d,
                    credential: world.credential("primary").unwrap(),
                    platform: world.platform("primary"),
                    now,
                    entropy: &Bytes(1),
                };
                let draft = Draft::of(&world, endpoint);
                let mut prepared = Prepared::new(&signer, &draft).unwrap();
                for (later, seed) in [(0, 1), (1, 2), (86_400, 3), (8_000_000_000, 4), (0, 1)] {
                    let entropy = Bytes(seed);
                    let signer = Signer { now: now + later, entropy: &entropy, ..signer };
                    let expected = signed(&signer, &draft).unwrap();
                    assert_eq!(
                        prepared.sign(signer.now, &entropy),
                        Ok(&expected),
                        "{scheme} {}",
                        endpoint.role
                    );
                }
                if matches!(prepared.way, Way::Holes(_)) {
                    filled.push(format!("{scheme} {}", endpoint.method));
                }
            }
        }
        filled.sort();
        filled.dedup();
        // Hexsafe's digest covers the nonce.
        let expected = [
            "annexcloud GET",
            "annexcloud PATCH",
            "annexcloud POST",
            "annexcloud PUT",
            "bursagb-jwt GET",
            "bursagb-jwt POST",
            "hexsafe GET",
            "hotwax GET",
            "hotwax POST",
        ];
        assert_eq!(filled, expected);
    }
}
