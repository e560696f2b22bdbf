//! Paired ratios: two things measured in turns (A B B A), so that a drifting clock touches both alike, and in the time
//! that this thread had a processor, so that other programs do. It must not know what is measured.

use std::hint::black_box;
use std::time::Duration;

use cpu_time::ThreadTime;

/// Blocks of A B B A in a measurement that counts.
pub const BLOCKS: usize = 100;

/// How long a quarter of a block should take; what takes longer runs once.
const QUARTER: Duration = Duration::from_millis(2);

/// Something to measure: its name and one run of it, which says whether it went well.
pub struct Subject<'s> {
    /// Its name in tables.
    pub name: String,
    run: Box<dyn FnMut() -> bool + 's>,
}

impl<'s> Subject<'s> {
    /// Names a run.
    pub fn new(name: &str, run: impl FnMut() -> bool + 's) -> Self {
        Self { name: name.into(), run: Box::new(run) }
    }
}

/// How much longer one thing takes than another.
#[derive(Debug, Clone, Copy)]
pub struct Ratio {
    /// Median of the blocks' ratios.
    pub median: f64,
    /// Lower end of the median's 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Median time of one run of each, in seconds: for orientation, it drifts.
    pub times: [f64; 2],
}

/// Runs blocks of A B B A; each gives one ratio.
///
/// # Errors
/// What fails, so that there is nothing to measure.
pub fn ratio(a: &mut Subject<'_>, b: &mut Subject<'_>, blocks: usize) -> Result<Ratio, String> {
    let (runs_a, runs_b) = (runs(a)?, runs(b)?);
    let (mut ratios, mut times) = (Vec::with_capacity(blocks), [Vec::new(), Vec::new()]);
    for _ in 0..blocks {
        let first = time(a, runs_a);
        let second = time(b, runs_b);
        let third = time(b, runs_b);
        let fourth = time(a, runs_a);
        ratios.push((first + fourth) / (second + third));
        times = {
            let [mut of_a, mut of_b] = times;
            of_a.push((first + fourth) / 2.0);
            of_b.push((second + third) / 2.0);
            [of_a, of_b]
        };
    }
    let ratios = sorted(ratios);
    let (low, high) = interval(blocks);
    let times = times.map(|times| at(&sorted(times), blocks / 2));
    Ok(Ratio { median: at(&ratios, blocks / 2), low: at(&ratios, low), high: at(&ratios, high), times })
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

fn at(values: &[f64], position: usize) -> f64 {
    values.get(position.min(values.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// Positions in `n` sorted values between which the median lies with 95 % confidence: n/2 ± 0.98 √n, by the normal
/// approximation of the binomial distribution.
fn interval(n: usize) -> (usize, usize) {
    let half = (96 * n).isqrt() / 10;
    ((n / 2).saturating_sub(half), n / 2 + half)
}

/// How many runs fill a quarter of a block.
fn runs(subject: &mut Subject<'_>) -> Result<u32, String> {
    let (mut runs, start) = (0_u32, ThreadTime::now());
    while start.elapsed() < QUARTER || runs == 0 {
        if !black_box((subject.run)()) {
            return Err(format!("{} fails: nothing to measure", subject.name));
        }
        runs += 1;
    }
    Ok(runs)
}

/// Seconds for one of `runs` runs.
fn time(subject: &mut Subject<'_>, runs: u32) -> f64 {
    let start = ThreadTime::now();
    for _ in 0..runs {
        black_box((subject.run)());
    }
    start.elapsed().as_secs_f64() / f64::from(runs)
}
