//! In which order compositions are tried, what a result says of one, and which are smaller than it. It must not send
//! anything, or know how long it may take.

use sha2::{Digest, Sha256};

use super::{Composition, Site, Word};
use crate::drive::{BROKE, LEAK};
use crate::results::{Outcome, VectorResult};
use crate::run::UNSTEADY;

/// How a target answered a composition as it must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// It let the request in though something bound changed.
    LetIn,
    /// A secret came back.
    Leaked,
    /// It answered with a 5xx.
    Broke,
    /// It gave no answer in time.
    Hung,
    /// The connection ended before an answer, or what came is no HTTP.
    Reset,
    /// It took much longer than usual.
    Slow,
    /// It answered the same question otherwise before.
    Unsteady,
}

impl Wrong {
    /// What the target did, in words.
    pub fn says(self) -> &'static str {
        match self {
            Self::LetIn => "let in, and it must be refused",
            Self::Leaked => "a secret came back",
            Self::Broke => "the server broke",
            Self::Hung => "no answer in time",
            Self::Reset => "the connection ended without an answer",
            Self::Slow => "the answer took much longer than usual",
            Self::Unsteady => "the same request was answered otherwise before",
        }
    }
}

/// What is wrong with an answer, if something is. A request that nothing speaks against may be refused all the same:
/// what a server makes of its body is its own affair.
pub fn wrong(composition: &Composition<'_>, result: &VectorResult) -> Option<Wrong> {
    let observed = result.steps.last().and_then(|s| s.observed.as_deref());
    match result.outcome {
        _ if result.cause.starts_with(UNSTEADY) => Some(Wrong::Unsteady),
        Outcome::Hang => Some(Wrong::Hung),
        Outcome::Fail if result.cause == LEAK => Some(Wrong::Leaked),
        Outcome::Fail if result.cause.starts_with(BROKE) => Some(Wrong::Broke),
        Outcome::Fail if composition.breaks() && observed == Some("accept") => Some(Wrong::LetIn),
        // What can't be played is no answer of the target.
        Outcome::Error if result.steps.iter().any(|s| s.exchange.is_some()) => Some(Wrong::Reset),
        _ => None,
    }
}

/// The compositions with one word less that still have what must be refused, if this one has.
pub fn smaller<'w>(composition: &Composition<'w>) -> Vec<Composition<'w>> {
    let all = (0..composition.words.len()).map(|left_out| {
        let kept = composition.words.iter().enumerate().filter(|(i, _)| *i != left_out);
        Composition { site: composition.site, words: kept.map(|(_, word)| *word).collect() }
    });
    all.filter(|c| c.breaks() == composition.breaks()).collect()
}

/// All compositions, without end: what one word breaks at the usual endpoints, then pairs of what helps and what
/// breaks, then the other endpoints, then any. The seed decides the order among equals.
pub fn order<'s>(sites: &'s [Site], seed: u64) -> impl Iterator<Item = Composition<'s>> {
    let mut first = Vec::new();
    for site in sites {
        let usual = u8::from(!is_usual(site, sites)) * 2;
        let mut put = |tier: u8, words: Vec<&'s Word>| {
            let mut composition = Composition { site, words: Vec::new() };
            if words.into_iter().all(|word| composition.add(word)) {
                first.push((tier, composition));
            }
        };
        if !site.open {
            put(0, Vec::new());
        }
        let (breaking, free): (Vec<&Word>, Vec<&Word>) = site.words.iter().partition(|w| w.breaks);
        for word in &breaking {
            put(usual, vec![word]);
        }
        for word in &free {
            put(usual + 1, vec![word]);
            for plain in breaking.iter().filter(|w| w.plain) {
                put(usual + 1, vec![word, plain]);
            }
        }
    }
    first.sort_by_cached_key(|(tier, c)| (*tier, Sha256::digest(format!("{seed} {}", c.name())).to_vec()));
    first.into_iter().map(|(_, composition)| composition).chain(random(sites, seed))
}

/// The first endpoint that is written to and the first that is read from show most.
fn is_usual(site: &Site, sites: &[Site]) -> bool {
    let named = |role: &str| sites.iter().any(|s| s.open && s.endpoint == role);
    site.role == "primary"
        && (["read", "write"].contains(&site.endpoint.as_str()) || !named("read") && !named("write"))
}

/// Two to four words at any site, without end.
fn random(sites: &[Site], seed: u64) -> impl Iterator<Item = Composition<'_>> {
    let open: Vec<&Site> = sites.iter().filter(|s| !s.words.is_empty()).collect();
    (0_u64..).filter_map(move |number| {
        let mut dice = Dice { seed, number, thrown: 0 };
        let site = *open.get(dice.below(open.len()))?;
        let mut composition = Composition { site, words: Vec::new() };
        let count = 2 + dice.below(3);
        for _ in 0..count {
            composition.add(site.words.get(dice.below(site.words.len()))?);
        }
        Some(composition)
    })
}

/// Numbers that follow from the seed.
struct Dice {
    seed: u64,
    number: u64,
    thrown: u64,
}

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.thrown += 1;
        let hash = Sha256::digest(format!("{} {} {}", self.seed, self.number, self.thrown));
        let number = hash.iter().take(4).fold(0_usize, |n, byte| n << 8 | usize::from(*byte));
        number.checked_rem(limit).unwrap_or(0)
    }
}
