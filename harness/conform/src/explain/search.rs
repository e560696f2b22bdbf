//! Asks every wrong signer whether it makes the request that was sent: one mistake deep, then two.
//! It must not say what to do about it.

use bearproof_scheme::Description;
use bearproof_scheme::description::Part;
use bearproof_scheme::mistake::alternatives;
use bearproof_scheme::world::World;
use bearproof_scheme::wrong_signer::{Signing, Start, WrongSigner, all, computed, make};

use super::base::Base;
use super::names;
use super::observe::{Observed, difference, observe};
use super::verdict::Verdict;

/// One or two mistakes that explain a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The ids of the wrong signers.
    pub ids: Vec<String>,
    /// What they do, in words.
    pub says: Vec<String>,
    /// What to do instead.
    pub fixes: Vec<String>,
    /// Names of values that differ all the same; empty if it makes exactly this request.
    pub rest: Vec<String>,
    /// When that signer made the request, in seconds since 1970 UTC.
    pub signed_at: u64,
}

/// Most single mistakes that are tried in pairs.
const PAIRED: usize = 40;

/// Longest body for which two wrong steps of one value are tried, in bytes: a thousand digests of it take their time.
pub(super) const DEEP_BODY: usize = 8 * 1024;

/// Seconds between signing and looking that are nobody's mistake.
const DELAY: u64 = 5;

/// The hits, likeliest first. Only those that are as good as the best are given.
pub(super) fn search(
    base: &Base<'_>,
    there: &Observed,
    d: &Description,
    world: &World,
    verdict: &Verdict,
    now: u64,
) -> Vec<Hit> {
    let Some(right) = differs(base, &base.start, &[], there) else { return Vec::new() };
    let signers = all(d, world);
    let at_fault = verdict.row.as_ref().map(|(_, name)| name.clone()).unwrap_or_default();
    let mut found: Vec<(&WrongSigner, Hit)> = Vec::new();
    for wrong in &signers {
        let best = starts(base, wrong).into_iter().filter_map(|start| {
            let rest = differs(base, &start, &[wrong], there)?;
            Some((rest, start.signer.now))
        });
        // With several times that fit, the one that is nearest to now.
        let best = best.min_by_key(|(rest, at)| (rest.len(), at.abs_diff(now)));
        let Some((rest, signed_at)) = best else { continue };
        let explains = rest.len() < right.len() || (right.is_empty() && rest.is_empty() && wrong.timed);
        if explains && (right.len() > 1 || rest.is_empty()) {
            found.push((wrong, hit(&[wrong], rest, signed_at)));
        }
    }
    if right.is_empty() {
        found.retain(|(wrong, hit)| late(wrong, hit, verdict, now));
    }
    let exact = |found: &[(&WrongSigner, Hit)]| found.iter().any(|(_, hit)| hit.rest.is_empty());
    if !exact(&found) && !right.is_empty() {
        let pairs = two_deep(base, there, &found);
        let steps = deep_steps(base, there, d, &right, &found);
        if let Some(best) = pairs.iter().chain(&steps).map(|hit| hit.rest.len()).min() {
            let single = found.iter().map(|(_, hit)| hit.rest.len()).min().unwrap_or(usize::MAX);
            if best < single && tells(best, &right) {
                return pairs.into_iter().chain(steps).filter(|hit| hit.rest.len() == best).collect();
            }
        }
    }
    let best = found.iter().map(|(_, hit)| hit.rest.len()).min().unwrap_or_default();
    found.retain(|(_, hit)| hit.rest.len() == best && tells(best, &right));
    // What is at fault goes first; a mistake in time whose signer works right now goes before one in the clock.
    found.sort_by_key(|(wrong, hit)| {
        let apart = wrong.timed && hit.signed_at.abs_diff(now) > DELAY;
        (hit.rest.contains(&at_fault), apart)
    });
    found.into_iter().map(|(_, hit)| hit).collect()
}

/// Whether a mistake that leaves so many of the differences open is worth telling.
fn tells(open: usize, differences: &[String]) -> bool {
    open == 0 || open * 2 <= differences.len()
}

/// Of signers that differ from the right one in time alone, those that the refusal and the clock speak for.
fn late(wrong: &WrongSigner, hit: &Hit, verdict: &Verdict, now: u64) -> bool {
    let refused = verdict.refused.as_deref().unwrap_or_default();
    match wrong.id.as_str() {
        "clock/behind" => matches!(refused, "time.expired" | "time.too-old"),
        "clock/ahead" => matches!(refused, "time.not-yet" | "time.too-far"),
        _ => refused.starts_with("time.") && hit.signed_at.abs_diff(now) <= DELAY,
    }
}

/// The starts to try: a mistake in time may have been made at several times.
fn starts<'a>(base: &Base<'a>, wrong: &WrongSigner) -> Vec<Start<'a>> {
    let at = |now: u64| {
        let mut start = base.start.clone();
        start.signer.now = now;
        start
    };
    // A clock that is off gives a right request of another time: the base itself.
    if !wrong.timed || wrong.id.starts_with("clock/") {
        return vec![base.start.clone()];
    }
    base.times.iter().map(|now| at(*now)).collect()
}

/// Names of the values in which a made request differs from the one that was sent; `None` if it can't be made.
fn differs(
    base: &Base<'_>,
    start: &Start<'_>,
    wrong: &[&WrongSigner],
    there: &Observed,
) -> Option<Vec<String>> {
    let wrong: Vec<&WrongSigner> = wrong.iter().copied().filter(|w| !w.id.starts_with("clock/")).collect();
    let mut start = start.clone();
    // What goes wrong only later has the values of the right request, if it was made at the same time.
    if start.signer.now == base.start.signer.now
        && !wrong.iter().any(|w| w.is_early())
        && let Some(right) = &base.right
    {
        start.given.clone_from(right);
    }
    let made = make(&start, &wrong, Signing::Sketch).ok()?;
    Some(difference(there, &observe(base, &made)).into_iter().map(|d| d.name).collect())
}

fn hit(wrong: &[&WrongSigner], rest: Vec<String>, signed_at: u64) -> Hit {
    Hit {
        ids: wrong.iter().map(|w| w.id.clone()).collect(),
        says: wrong.iter().map(|w| w.says.clone()).collect(),
        fixes: wrong.iter().map(|w| w.fix.clone()).collect(),
        rest,
        signed_at,
    }
}

/// Pairs of mistakes that each explain something.
fn two_deep(base: &Base<'_>, there: &Observed, found: &[(&WrongSigner, Hit)]) -> Vec<Hit> {
    let mut pairs = Vec::new();
    let some: Vec<_> = found.iter().take(PAIRED).collect();
    for (position, (first, a)) in some.iter().enumerate() {
        for (second, b) in some.iter().skip(position + 1) {
            let mut start = base.start.clone();
            start.signer.now = if first.timed { a.signed_at } else { b.signed_at };
            let Some(rest) = differs(base, &start, &[first, second], there) else { continue };
            if rest.len() < a.rest.len().min(b.rest.len()) {
                pairs.push(hit(&[first, second], rest, start.signer.now));
            }
        }
    }
    pairs
}

/// Values that no single mistake gives: two wrong steps in one pipeline.
fn deep_steps(
    base: &Base<'_>,
    there: &Observed,
    d: &Description,
    right: &[String],
    found: &[(&WrongSigner, Hit)],
) -> Vec<Hit> {
    let mut hits = Vec::new();
    let open = |part: &&Part| {
        let differs = right.iter().any(|name| names(part, name));
        differs && found.iter().all(|(_, hit)| hit.rest.iter().any(|name| names(part, name)))
    };
    let draft = &base.start.draft;
    if draft.body.len() > DEEP_BODY {
        return hits;
    }
    let applies = |p: &&Part| p.applies(&draft.method, !draft.body.is_empty(), !draft.query.is_empty());
    for part in d.parts.iter().filter(open).filter(applies) {
        let Some(pipeline) = part.pipeline().filter(|p| part.binds().is_some() || p.single().is_none())
        else {
            continue;
        };
        for first in alternatives(pipeline) {
            for second in alternatives(&first.pipeline) {
                let id = format!("{}/{}", part.path(), first.id);
                let says = format!("{} and {}", first.says, second.says);
                let mut wrong = computed(part, &id, &says, &second.pipeline);
                if differs(base, &base.start, &[&wrong], there).is_none_or(|rest| rest.len() >= right.len()) {
                    continue;
                }
                let rest = differs(base, &base.start, &[&wrong], there).unwrap_or_default();
                wrong.id = id;
                let mut hit = hit(&[&wrong], rest, base.start.signer.now);
                hit.ids.push(format!("{}/{}", part.path(), second.id));
                hits.push(hit);
            }
        }
    }
    hits
}
