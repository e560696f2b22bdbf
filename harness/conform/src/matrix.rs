//! The kill matrix: which vectors notice which weakness of a verifier. It must not judge by anything that a server
//! over HTTP would not show.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use bearproof_scheme::request::Message;
use bearproof_scheme::weakness::{Class, Touches, Weakness, all};

use crate::drive::{Script, drive};
use crate::in_process::InProcess;
use crate::plot::Plot;
use crate::redact::Redactor;
use crate::results::{Level, Outcome, VectorResult, Via};
use crate::subject::{Observation, Subject, SubjectError};
use crate::suite::Variant;
use crate::vector::Vector;

/// What a vector did to one weakness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kill {
    /// Somebody was let in who must stay out.
    LetIn,
    /// A good request was refused.
    Refused,
    /// The decision was right and the answer wrong.
    Answered,
}

/// One weakness of a scheme and what notices it.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its id.
    pub id: String,
    /// What it does to requests.
    pub class: Class,
    /// One sentence.
    pub says: String,
    /// The requirement of the check that it changes.
    pub reference: Option<String>,
    /// Ids of the vectors that fail on it, and how.
    pub kills: BTreeMap<String, Kill>,
}

impl Line {
    /// The vectors that notice it as its class demands, must and should vectors only.
    pub fn killers(&self) -> impl Iterator<Item = &str> {
        let wanted = match self.class {
            Class::Accepts => Kill::LetIn,
            Class::Refuses => Kill::Refused,
            Class::Answers => Kill::Answered,
        };
        self.kills.iter().filter(move |(_, kill)| **kill == wanted).map(|(id, _)| id.as_str())
    }

    /// Whether a vector notices it.
    pub fn is_killed(&self) -> bool {
        self.killers().next().is_some()
    }
}

/// The matrix of one scheme.
#[derive(Debug, Clone)]
pub struct Matrix {
    /// Scheme id.
    pub scheme: String,
    /// All weaknesses, in the order of the checks that they change.
    pub lines: Vec<Line>,
}

impl Matrix {
    /// Weaknesses that some vector tells from every other one that is killed.
    pub fn distinct(&self) -> usize {
        let sets: BTreeSet<Vec<(&String, &Kill)>> =
            self.lines.iter().filter(|l| l.is_killed()).map(|l| l.kills.iter().collect()).collect();
        sets.len()
    }
}

/// Runs every vector of a scheme against every weakness, in process, on all processors.
///
/// # Errors
/// A plot without its frozen vector.
pub fn matrix(scheme: &str, plots: &[Plot], frozen: &BTreeMap<String, Vector>) -> Result<Matrix, String> {
    let mut variants: Vec<(&Plot, Vec<&Plot>)> = Vec::new();
    for plot in plots {
        match variants.iter_mut().find(|(first, _)| first.choose == plot.choose) {
            Some((_, list)) => list.push(plot),
            None => variants.push((plot, vec![plot])),
        }
    }
    // The world's own choices first: their order is the order of the lines.
    variants.sort_by_key(|(first, _)| first.choose.len());
    let mut lines: Vec<Line> = Vec::new();
    for (first, plots) in variants {
        let variant = &first.variant;
        let weaknesses = all(&variant.description, &variant.world);
        let kills = run(variant, &weaknesses, &plots, frozen)?;
        for (weakness, kills) in weaknesses.iter().zip(kills) {
            match lines.iter_mut().find(|l| l.id == weakness.id) {
                Some(line) => line.kills.extend(kills),
                None => lines.push(Line {
                    id: weakness.id.clone(),
                    class: weakness.class,
                    says: weakness.says.clone(),
                    reference: weakness.reference.clone(),
                    kills,
                }),
            }
        }
    }
    Ok(Matrix { scheme: scheme.into(), lines })
}

/// For each weakness the vectors that fail on it.
fn run(
    variant: &Variant,
    weaknesses: &[Weakness],
    plots: &[&Plot],
    frozen: &BTreeMap<String, Vector>,
) -> Result<Vec<BTreeMap<String, Kill>>, String> {
    let redactor = Redactor::of_world(&variant.world);
    let cases: Result<Vec<Case<'_>>, String> = plots
        .iter()
        .map(|plot| match frozen.get(&plot.id) {
            Some(vector) => Ok(Case::new(plot, vector, &redactor)),
            None => Err(format!("`{}` is not frozen; run `bearproof freeze`", plot.id)),
        })
        .collect();
    let (cases, next) = (cases?, AtomicUsize::new(0));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let mut found: Vec<(usize, BTreeMap<String, Kill>)> = std::thread::scope(|scope| {
        let work = || {
            let mut done = Vec::new();
            loop {
                let position = next.fetch_add(1, Ordering::Relaxed);
                let Some(weakness) = weaknesses.get(position) else { return done };
                done.push((position, kills(weakness, &cases, &redactor)));
            }
        };
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|t| t.join().unwrap_or_default()).collect()
    });
    found.sort_by_key(|(position, _)| *position);
    if found.len() == weaknesses.len() {
        Ok(found.into_iter().map(|(_, kills)| kills).collect())
    } else {
        Err("a worker stopped; please report the lines above".into())
    }
}

fn kills(weakness: &Weakness, cases: &[Case<'_>], redactor: &Redactor) -> BTreeMap<String, Kill> {
    let mut kills = BTreeMap::new();
    let Some(first) = cases.first() else { return kills };
    let mut subject = InProcess::weak(&first.plot.variant, weakness);
    for case in cases.iter().filter(|c| c.may_be_touched(weakness.touches)) {
        subject.renew(&case.plot.variant, &case.plot.id);
        // A token that the weak server itself issues is used as it is; all else are the frozen bytes.
        let issued = case.plot.steps.iter().any(|s| s.token_of.is_some());
        let script = if issued { Script::Live { run: "defects" } } else { Script::Frozen(case.vector) };
        let result = drive(case.plot, script, &subject, Via::InProcess, redactor);
        if let Some(kill) = kill(&result) {
            kills.insert(case.plot.id.clone(), kill);
        }
    }
    kills
}

/// A vector, and how far the strict verifier comes with its requests.
struct Case<'a> {
    plot: &'a Plot,
    vector: &'a Vector,
    /// The row that refuses, for each request; `None` for one that runs through all rows, or is an operation's own.
    rows: Vec<Option<usize>>,
}

impl<'a> Case<'a> {
    fn new(plot: &'a Plot, vector: &'a Vector, redactor: &Redactor) -> Self {
        let probe = Probe { inner: InProcess::new(&plot.variant, &plot.id), rows: Mutex::default() };
        drive(plot, Script::Frozen(vector), &probe, Via::InProcess, redactor);
        Self { plot, vector, rows: probe.rows.into_inner().unwrap_or_else(PoisonError::into_inner) }
    }

    /// Whether a weakness can make a difference here. Up to the first difference the weak verifier does what the
    /// strict one does, so what the strict one does decides.
    fn may_be_touched(&self, touches: Touches) -> bool {
        match touches {
            Touches::All => true,
            Touches::RefusedBy(row) => self.rows.contains(&Some(row)),
            Touches::Reaching(row) => self.rows.iter().any(|r| r.is_none_or(|r| r >= row)),
        }
    }
}

/// The strict reference, listened to.
struct Probe {
    inner: InProcess,
    rows: Mutex<Vec<Option<usize>>>,
}

impl Subject for Probe {
    fn send(&self, message: &Message, step: usize) -> Result<Observation, SubjectError> {
        let answer = self.inner.ask(message, step);
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).push(answer.row);
        Ok(InProcess::observe(message, answer, true))
    }

    fn revoke(&self, role: &str) -> Result<(), SubjectError> {
        self.inner.revoke(role)
    }

    fn wait(&self, seconds: u64) -> Result<(), SubjectError> {
        self.inner.wait(seconds)
    }

    fn now(&self) -> u64 {
        self.inner.now()
    }
}

/// How a vector failed; nothing if it passed, or if it fails on what is only a preference.
fn kill(result: &VectorResult) -> Option<Kill> {
    if result.outcome != Outcome::Fail || result.level == Level::May {
        return None;
    }
    let step = result.steps.last()?;
    Some(match (step.expected.as_str(), step.observed.as_deref()) {
        ("reject", Some("accept")) => Kill::LetIn,
        ("accept", Some("reject")) => Kill::Refused,
        _ => Kill::Answered,
    })
}
