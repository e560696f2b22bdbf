//! Which part of a selection one machine of several sends. It must not know a vector but by its id.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use bearproof_scheme::encoding::encode_hex;
use sha2::{Digest, Sha256};

use crate::results;

/// More shards than this are a mistake: there are not as many vectors.
const MOST: u32 = 1000;

/// Shard `number` of so many, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    number: u32,
    of: u32,
}

impl Shard {
    /// Whether a vector belongs to it. Each belongs to one.
    pub fn has(self, id: &str) -> bool {
        number_of(id, self.of) == self.number
    }

    /// Whether it does what is to be done once.
    pub fn is_first(self) -> bool {
        self.number == 1
    }

    /// As results have it: with number and digest of the ids that all shards have together.
    pub fn of_selection(self, selected: u32, ids: String) -> results::Shard {
        results::Shard { number: self.number, of: self.of, selected, ids }
    }
}

/// The number of the shard that a vector belongs to: the first eight bytes of the SHA-256 of its id as a number, modulo
/// the number of shards, plus 1. It does not depend on other vectors, on the machine or on the version of this program.
pub fn number_of(id: &str, of: u32) -> u32 {
    let first = Sha256::digest(id).into_iter().take(8);
    let number = first.fold(0_u64, |number, byte| number << 8 | u64::from(byte));
    let rest = number.checked_rem(u64::from(of)).unwrap_or(0);
    u32::try_from(rest).unwrap_or(0).saturating_add(1)
}

/// SHA-256 over ids, each followed by a line feed; hex.
pub fn digest_of_ids<S: AsRef<str> + Ord>(ids: &BTreeSet<S>) -> String {
    let mut digest = Sha256::new();
    for id in ids {
        digest.update(id.as_ref());
        digest.update(b"\n");
    }
    encode_hex(&digest.finalize())
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shard = text
            .split_once('/')
            .and_then(|(number, of)| Some(Self { number: number.parse().ok()?, of: of.parse().ok()? }));
        let good = |shard: &Self| (1..=shard.of).contains(&shard.number) && shard.of <= MOST;
        shard.filter(good).ok_or_else(|| {
            format!("a shard is its number, from 1, and how many there are, at most {MOST}: `2/3` is the second of three")
        })
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_one_of_so_many() {
        let read = |text: &str| text.parse::<Shard>().map(|s| s.to_string());
        assert_eq!(read("2/3").as_deref(), Ok("2/3"));
        for text in ["0/3", "4/3", "1/0", "1", "a/3", "1/1001", "-1/3", "1/3/4", ""] {
            assert!(read(text).unwrap_err().contains("`2/3` is the second of three"), "{text}");
        }
    }

    #[test]
    fn the_number_follows_from_the_id_as_the_reports_page_says() {
        // Computed by Python: int.from_bytes(hashlib.sha256(id).digest()[:8], "big") % of + 1
        let expected = [
            ("hexsafe/carrier/missing", 3, 1),
            ("hexsafe/carrier/missing", 7, 3),
            ("bursagb-jwt/time/exp-now", 3, 1),
            ("annexcloud/valid/body-array", 2, 2),
        ];
        for (id, of, number) in expected {
            assert_eq!(number_of(id, of), number, "{id} {of}");
        }
    }

    #[test]
    fn each_vector_is_in_one_shard() {
        for id in ["a/b/c", "a/b/d", "x"] {
            let shards = (1..=7).filter(|number| Shard { number: *number, of: 7 }.has(id));
            assert_eq!(shards.count(), 1, "{id}");
        }
    }
}
