//! `fuzz`: asks a target for what nobody wrote down. Requests are composed, sent, and what the target must not do is
//! shrunk and shown. It must not read a vector or a recipe.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bearproof_conform::compose::{Composition, Site, Wrong, by_id, good, order, sites, smaller, wrong};
use bearproof_conform::freeze::freeze_plot;
use bearproof_conform::login::Logins;
use bearproof_conform::record::Nobody;
use bearproof_conform::redact::Redactor;
use bearproof_conform::results::{CalibrationState, Outcome, VectorResult, Via};
use bearproof_conform::run::{Selection, Subjects, answered, ask, calibrate, changes_state};
use bearproof_conform::suite::Variant;
use tokio::runtime::Runtime;

use super::repeat::Repeat;
use super::target::{Profile, Reaching, read};
use super::{Done, Failure, RunId, interrupt, load_suite};
use crate::clock::{Stopwatch, system_now};
use crate::http_subject::HttpSubjects;
use crate::pace::Pacing;

/// What `fuzz` is asked for.
pub(crate) struct Options {
    pub(crate) vectors: Option<PathBuf>,
    pub(crate) target: PathBuf,
    pub(crate) seed: Option<u64>,
    pub(crate) time: Duration,
    pub(crate) reaching: Reaching,
    pub(crate) pacing: Pacing,
}

/// So many compositions are taken at once; the clock is looked at between.
const BLOCK: usize = 64;

/// Every so many an answer that looks right is asked for again.
const AGAIN: usize = 16;

/// What takes this many times the usual, and this long, is slow.
const SLOW: u32 = 20;
const SLOWEST: Duration = Duration::from_secs(2);

/// Composes, sends and judges until the time is over.
pub(crate) fn fuzz(options: &Options) -> Result<Done, Failure> {
    let suite = load_suite(options.vectors.as_deref())?;
    let profile = read(&suite, &options.target)?;
    let runtime = Runtime::new().map_err(|e| Failure::bug(e.to_string()))?;
    runtime.spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(i32::from(interrupt::CODE));
        }
    });
    let id = RunId::fresh()?;
    let seed = options.seed.unwrap_or_else(|| id.seed());
    let http = profile.http(&options.reaching, &options.pacing)?;
    let run = id.text();
    let subjects = HttpSubjects {
        targets: vec![(Vec::new(), &http)],
        via: if http.origin.secure { Via::Https } else { Via::Http },
        lacks: &|need| profile.lacks(need),
        concurrency: options.pacing.concurrency.get(),
        logins: Some(Logins::default()),
        ends: profile.life(system_now())?.and_then(|life| life.ends),
        run: &run,
        tag: profile.variant.world.connect.tag.as_deref(),
    };
    let sites = sites(&profile.variant);
    let hunt = Hunt {
        variant: &profile.variant,
        subjects: &subjects,
        redactor: Redactor::of_world(&profile.variant.world),
        run: &run,
        watch: Stopwatch::start(),
        asked: AtomicUsize::new(0),
        usual: Mutex::new(None),
        found: Mutex::new(BTreeMap::new()),
    };
    hunt.calibrate(&sites)?;
    hunt.go(&sites, seed, options.time);
    if let Some(why) = http.not_forgotten() {
        return Err(Failure { code: 4, message: format!("the target was not put back as it was: {why}") });
    }
    Ok(hunt.report(options, &profile, seed))
}

/// Something that the target must not do.
struct Found<'w> {
    composition: Composition<'w>,
    result: VectorResult,
    after: Duration,
    asked: usize,
    /// How many more were like it.
    like: usize,
}

struct Hunt<'a> {
    variant: &'a Variant,
    subjects: &'a HttpSubjects<'a>,
    redactor: Redactor,
    run: &'a str,
    watch: Stopwatch,
    asked: AtomicUsize,
    /// How long an answer usually takes.
    usual: Mutex<Option<Duration>>,
    /// By kind and by what is broken.
    found: Mutex<BTreeMap<(Wrong, String), Found<'a>>>,
}

impl<'a> Hunt<'a> {
    /// Unless the good request is let in and the one without a credential is not, a composition shows nothing.
    fn calibrate(&self, sites: &[Site]) -> Result<(), Failure> {
        let nothing = |message: String| Failure { code: 4, message };
        let plot =
            good(self.variant, sites).ok_or_else(|| nothing("the profile has no endpoint to ask".into()))?;
        let selection = Selection { plots: &[plot], frozen: None, run: self.run, seed: 0, recorder: &Nobody };
        let calibration = calibrate(&selection, self.subjects, &self.redactor);
        match calibration.state {
            CalibrationState::Ready => Ok(()),
            CalibrationState::LetsEverybodyIn => Err(Failure::check(calibration.message)),
            CalibrationState::Unreachable | CalibrationState::Hanging => {
                Err(Failure { code: 3, message: calibration.message })
            }
            _ => Err(nothing(calibration.message)),
        }
    }

    fn go(&self, sites: &'a [Site], seed: u64, time: Duration) {
        let mut order = order(sites, seed);
        while self.watch.elapsed() < time {
            let block: Vec<Composition<'a>> = order.by_ref().take(BLOCK).collect();
            if block.is_empty() {
                return;
            }
            let (alone, shared): (Vec<_>, Vec<_>) =
                block.into_iter().partition(|c| changes_state(&c.plot(self.variant)));
            let next = AtomicUsize::new(0);
            std::thread::scope(|scope| {
                for _ in 0..self.subjects.concurrency().max(1) {
                    scope.spawn(|| {
                        while let Some(composition) = shared.get(next.fetch_add(1, Ordering::Relaxed)) {
                            self.try_one(composition);
                        }
                    });
                }
            });
            for composition in alone.iter().take_while(|_| self.watch.elapsed() < time) {
                self.try_one(composition);
            }
        }
    }

    fn ask(&self, composition: &Composition<'_>, words: &str) -> (VectorResult, Duration) {
        // A composition may come twice: then it must not send what may be used once a second time.
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let begin = Stopwatch::start();
        let run = format!("{}, question {number}{words}", self.run);
        let result = ask(&composition.plot(self.variant), &run, self.subjects, &self.redactor);
        (result, begin.elapsed())
    }

    fn try_one(&self, composition: &Composition<'a>) {
        let number = self.asked.load(Ordering::Relaxed);
        let (mut result, took) = self.ask(composition, "");
        let kind = wrong(composition, &result).or_else(|| {
            if matches!(result.outcome, Outcome::Unsupported | Outcome::Error) {
                return None;
            }
            self.is_slow(composition, took).or_else(|| self.is_unsteady(composition, &mut result, number))
        });
        let Some(kind) = kind else { return };
        let smallest = match kind {
            // What differs by time or by chance is shown as it was.
            Wrong::Slow | Wrong::Unsteady => (composition.clone(), result),
            _ => self.shrunk(kind, composition.clone(), result),
        };
        let (composition, result) = smallest;
        let what = (kind, composition.breaks_what());
        let after = self.watch.elapsed();
        let asked = self.asked.load(Ordering::Relaxed);
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        match found.get_mut(&what) {
            Some(first) => first.like += 1,
            None => drop(found.insert(what, Found { composition, result, after, asked, like: 0 })),
        }
    }

    /// The fewest words that show the same.
    fn shrunk(
        &self,
        kind: Wrong,
        composition: Composition<'a>,
        result: VectorResult,
    ) -> (Composition<'a>, VectorResult) {
        let mut smallest = (composition, result);
        loop {
            let again = smaller(&smallest.0).into_iter().find_map(|less| {
                let (result, _) = self.ask(&less, ", smaller");
                (wrong(&less, &result) == Some(kind)).then_some((less, result))
            });
            match again {
                Some(less) => smallest = less,
                None => return smallest,
            }
        }
    }

    /// Whether an answer took much longer than usual, twice.
    fn is_slow(&self, composition: &Composition<'_>, took: Duration) -> Option<Wrong> {
        let limit = {
            let mut usual = self.usual.lock().unwrap_or_else(PoisonError::into_inner);
            // A sluggish mean: one slow answer does not become usual.
            let mean = usual.map_or(took, |mean| (mean * 31 + took.min(mean * 4)) / 32);
            *usual = Some(mean);
            (mean * SLOW).max(SLOWEST)
        };
        let slow = took > limit && composition.words.len() < 2;
        (slow && self.ask(composition, ", slow").1 > limit).then_some(Wrong::Slow)
    }

    /// Whether the same question gets another answer; then the result says which.
    fn is_unsteady(
        &self,
        composition: &Composition<'_>,
        first: &mut VectorResult,
        number: usize,
    ) -> Option<Wrong> {
        if !number.is_multiple_of(AGAIN) {
            return None;
        }
        let seen =
            |r: &VectorResult| r.steps.iter().map(|s| (s.observed.clone(), s.status)).collect::<Vec<_>>();
        let (again, _) = self.ask(composition, ", again");
        // With other randomness an edit may change nothing, so that nothing is asked.
        if again.outcome == Outcome::Unsupported || seen(&again) == seen(first) {
            return None;
        }
        first.cause = format!("first {}, then {}", answered(first), answered(&again));
        Some(Wrong::Unsteady)
    }

    fn report(self, options: &Options, profile: &Profile, seed: u64) -> Done {
        let asked = self.asked.load(Ordering::Relaxed);
        let (variant, spent) = (self.variant, self.watch.elapsed().as_secs_f64());
        let found = self.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for ((kind, what), found) in &found {
            text.push_str(&one(*kind, what, found, variant, options, profile));
        }
        text.push_str(&format!(
            "{}: {} findings; seed {seed}, {asked} questions in {spent:.1} s\n",
            profile.name,
            found.len()
        ));
        Done { output: text.into_bytes(), code: u8::from(!found.is_empty()) }
    }
}

/// A finding: what was seen, the lines that show it once more, and its vector.
fn one(
    kind: Wrong,
    what: &str,
    found: &Found<'_>,
    variant: &Variant,
    options: &Options,
    profile: &Profile,
) -> String {
    let plot = found.composition.plot(variant);
    let id = plot.id.clone();
    let status =
        found.result.steps.last().and_then(|s| s.status).map_or_else(String::new, |s| format!(" ({s})"));
    let (level, severity) = (plot.level.name(), plot.severity.name().to_uppercase());
    let mut text = format!("{severity}  {id}  ({level})\n  {}{status}: {}\n", kind.says(), plot.why);
    let cause = &found.result.cause;
    if !cause.is_empty() {
        text.push_str(&format!("  {cause}\n"));
    }
    text.push_str(&format!("  found after {:.1} s and {} questions", found.after.as_secs_f64(), found.asked));
    if found.like > 0 && !what.is_empty() {
        text.push_str(&format!("; {} more change {what}", found.like));
    }
    text.push('\n');
    let reach = profile.reach(&options.reaching);
    let plots = [plot];
    let repeat = Repeat { profile: &options.target, reach: &reach, plots: &plots, now: system_now() };
    for line in repeat.lines(&id) {
        text.push_str(&format!("  {line}\n"));
    }
    // The published world, so that nothing of the target's is in it.
    let vector = by_id(&profile.scheme.default, &id).and_then(|plot| freeze_plot(&plot));
    match vector.map(|vector| serde_json::to_string(&vector)) {
        Ok(Ok(json)) => text.push_str(&format!("  vector: {json}\n\n")),
        Ok(Err(error)) => text.push_str(&format!("  no vector: {error}\n\n")),
        Err(why) => text.push_str(&format!("  no vector in the published world: {why}\n\n")),
    }
    text
}
