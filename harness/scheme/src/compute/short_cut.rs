//! Beginnings of pipelines that are computed in one pass over the body, without a copy of it. They must give what the
//! steps give one after the other.

use aws_lc_rs::digest::{Context, SHA512};

use super::{Failure, Sources, fill, read};
use crate::description::{Pipeline, Segment, Source, Step, Template};
use crate::encoding::{Limits, encode_piece, quick_runs};

/// What a short cut computed, and the steps that are left.
type Taken<'p> = (Vec<u8>, &'p [Step]);

/// The value after the steps that a short cut covers, and the steps that are left; `None` if there is no short cut.
pub(super) fn take<'p>(pipeline: &'p Pipeline, sources: &dyn Sources) -> Result<Option<Taken<'p>>, Failure> {
    let [Segment::Source(source)] = pipeline.start.0.as_slice() else { return Ok(None) };
    Ok(match pipeline.steps.as_slice() {
        [Step::Base64, Step::HmacSha256(key), rest @ ..] => {
            mac_of_base64(source, key, sources)?.map(|value| (value, rest))
        }
        [Step::JsonCompact, Step::Append(template), Step::Sha512, rest @ ..] => {
            Some((hash_of_compact(source, template, sources)?, rest))
        }
        _ => None,
    })
}

/// Bytes of the body that are held at once; as Base64 they are a text of whole blocks of SHA-256.
const PIECE: usize = 2304;

/// Bytes of a short run: what one register of every processor holds; most names and values with their punctuation fit.
const SHORT: usize = 16;

/// HMAC-SHA-256 of the Base64 text, which is written in pieces that stay in the cache.
fn mac_of_base64(source: &Source, key: &Source, sources: &dyn Sources) -> Result<Option<Vec<u8>>, Failure> {
    let Some(secret) = sources.secret(key) else { return Ok(None) };
    let bytes = read(source, sources)?;
    let mut running = secret.hmac_sha256().start();
    let mut room = [0; PIECE / 3 * 4];
    let (pieces, rest) = bytes.as_chunks::<PIECE>();
    for piece in pieces {
        let Some(text) = encode_piece(piece, &mut room) else { return Ok(None) };
        running.blocks(text.as_chunks().0);
    }
    Ok(encode_piece(rest, &mut room).map(|text| running.finish(text).to_vec()))
}

/// SHA-512 of the compact text and what is appended, without the compact text as a whole.
fn hash_of_compact(source: &Source, template: &Template, sources: &dyn Sources) -> Result<Vec<u8>, Failure> {
    let bytes = read(source, sources)?;
    let mut gathered = Gathered { hash: Context::new(&SHA512), room: [0; PIECE], length: 0 };
    // As the step: no body has nothing to compact.
    if !bytes.is_empty() {
        let gather = |from: &[u8], length| gathered.add(from, length);
        quick_runs(&bytes, &Limits::DEFAULT, gather).ok_or(Failure::NotJson)?;
    }
    gathered.flush();
    gathered.hash.update(&fill(template, sources)?);
    Ok(gathered.hash.finish().as_ref().to_vec())
}

/// Bytes on their way into a hash. Most runs of a compact text are a few bytes, and each call of the hash costs as much as
/// some dozen.
struct Gathered {
    hash: Context,
    room: [u8; PIECE],
    /// What of the room is used.
    length: usize,
}

impl Gathered {
    /// Adds the first `length` bytes of a text.
    fn add(&mut self, from: &[u8], length: usize) {
        // A copy of a fixed length is a load and a store; what is too much of it is written over later.
        let room = self.room.get_mut(self.length..).and_then(<[u8]>::first_chunk_mut::<SHORT>);
        if length <= SHORT
            && let (Some(room), Some(bytes)) = (room, from.first_chunk())
        {
            *room = *bytes;
            self.length += length;
            return;
        }
        let run = from.get(..length).unwrap_or(from);
        if self.length + run.len() > PIECE {
            self.flush();
        }
        match self.room.get_mut(self.length..self.length + run.len()) {
            Some(room) => {
                room.copy_from_slice(run);
                self.length += run.len();
            }
            None => self.hash.update(run),
        }
    }

    fn flush(&mut self) {
        self.hash.update(self.room.get(..self.length).unwrap_or_default());
        self.length = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{evaluate, value};
    use super::*;
    use crate::key::Secret;
    use std::borrow::Cow;

    struct World<'w> {
        body: &'w [u8],
        secret: Secret,
    }

    impl Sources for World<'_> {
        fn bytes(&self, source: &Source) -> Option<Cow<'_, [u8]>> {
            match source {
                Source::Body => Some(Cow::Borrowed(self.body)),
                Source::Credential(_) => Some(Cow::Borrowed(self.secret.expose())),
                Source::Claims(_) => Some(Cow::Borrowed(b"77")),
                _ => None,
            }
        }

        fn secret(&self, source: &Source) -> Option<&Secret> {
            matches!(source, Source::Credential(_)).then_some(&self.secret)
        }
    }

    fn pipelines() -> [Pipeline; 2] {
        let start = || Template(vec![Segment::Source(Source::Body)]);
        let key = Source::Credential("secret".into());
        let append =
            Template(vec![Segment::Literal("-".into()), Segment::Source(Source::Claims("n".into()))]);
        [
            Pipeline { start: start(), steps: vec![Step::Base64, Step::HmacSha256(key), Step::Base64] },
            Pipeline {
                start: start(),
                steps: vec![Step::JsonCompact, Step::Append(append), Step::Sha512, Step::Base64UrlPadded],
            },
        ]
    }

    #[test]
    fn a_short_cut_leads_where_the_steps_lead() {
        let list = |n: usize| format!("{{ \"a\" : [ {} ] }}", vec!["\"b\\u00e9 \" , 1.0"; n].join(" , "));
        let mut bodies: Vec<Vec<u8>> = [0, 1, 2, 50, 300, 5000].map(|n| list(n).into_bytes()).into();
        bodies.extend(
            [0, 1, 2, 3, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 7].map(|n| vec![0xC3; n]),
        );
        let text = |n: usize| format!("{{ \"a\" : 1 , \"b\" : \"{}\" , \"c\" : [ 2 , 3 ] }}", "x".repeat(n));
        let lengths = (10..20).chain(PIECE - 20..PIECE + 3).chain([3 * PIECE]);
        bodies.extend(lengths.map(|n| text(n).into_bytes()));
        bodies.extend([&b"{"[..], b"", b" {} ", b"[1,]", b"{\"a\":1}x"].map(<[u8]>::to_vec));
        for body in &bodies {
            let world = World { body, secret: Secret::new(*b"a secret") };
            for pipeline in pipelines() {
                assert!(!matches!(take(&pipeline, &world), Ok(None)), "no short cut is known");
                let steps = evaluate(&pipeline, &world, &mut |_, _| {});
                assert_eq!(value(&pipeline, &world).map(Cow::into_owned), steps, "{} bytes", body.len());
            }
        }
    }
}
