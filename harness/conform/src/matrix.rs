//! The kill matrix: which vectors notice which weakness of a verifier. It must not judge by anything that a server
//! over HTTP would not show.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use bearproof_scheme::request::Message;
use bearproof_scheme::weakness::{Class, Touches, Weakness, all};

use crate::drive::{Script, drive, prepare};
use crate::equivalent::{self, Equivalent};
use crate::in_process::InProcess;
use crate::play::Next;
use crate::plot::Plot;
use crate::recipe::Expect;
use crate::redact::Redactor;
use crate::results::{Level, Outcome, VectorResult, Via};
use crate::subject::{Observation, Subject, SubjectError};
use crate::suite::{Scheme, Variant};
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
    /// See [`Weakness::raw_field`].
    pub raw_field: bool,
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
    /// Weaknesses that no request shows, and why.
    pub equivalent: Vec<Equivalent>,
    /// Rejecting vectors that notice what another notices, each with the first of its group.
    pub repeats: Vec<Repeat>,
    /// Rejecting vectors in all.
    pub rejecting: usize,
}

/// A rejecting vector that notices exactly what another one does.
#[derive(Debug, Clone)]
pub struct Repeat {
    /// Its id.
    pub id: String,
    /// The other one's.
    pub like: String,
    /// What it shows beside that, if its recipe says so.
    pub differs: Option<String>,
}

/// What became of a weakness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State<'m> {
    /// Vectors notice it.
    Killed,
    /// No request shows it, for this reason.
    Equivalent(&'m str),
    /// Nothing notices it.
    Alive,
}

impl Matrix {
    /// What became of one of its weaknesses.
    pub fn state(&self, line: &Line) -> State<'_> {
        if line.is_killed() {
            return State::Killed;
        }
        match self.equivalent.iter().find(|e| e.weakness == line.id) {
            Some(reason) => State::Equivalent(&reason.because),
            None => State::Alive,
        }
    }

    /// Weaknesses that some vector tells from every other one that is killed.
    pub fn distinct(&self) -> usize {
        let killed = self.lines.iter().filter(|l| l.is_killed());
        killed.map(|l| &l.kills).collect::<BTreeSet<_>>().len()
    }

    /// What must be mended: what nothing notices, and reasons that are none.
    pub fn problems(&self) -> Vec<String> {
        let scheme = &self.scheme;
        let mut problems = Vec::new();
        for line in self.lines.iter().filter(|l| self.state(l) == State::Alive) {
            problems.push(format!(
                "{scheme}/{}: no vector notices a server that {}; write one, or say why none can in equivalent.toml",
                line.id, line.says
            ));
        }
        for reason in &self.equivalent {
            let id = &reason.weakness;
            match self.lines.iter().find(|l| l.id == *id) {
                None => {
                    problems.push(format!("{scheme}/equivalent.toml: `{id}` is no weakness of this scheme"));
                }
                Some(line) => {
                    if let Some(by) = line.killers().next() {
                        problems.push(format!(
                            "{scheme}/equivalent.toml: `{id}` is noticed by `{by}`; remove the entry"
                        ));
                    }
                }
            }
        }
        for repeat in self.repeats.iter().filter(|r| r.differs.is_none()) {
            problems.push(format!(
                "{}: notices exactly what `{}` does; remove one, or say in its recipe what `differs`",
                repeat.id, repeat.like
            ));
        }
        problems
    }
}

/// Rejecting vectors that notice exactly what an earlier one does.
fn repeats(lines: &[Line], plots: &[Plot]) -> (Vec<Repeat>, usize) {
    let rejects = |p: &&Plot| p.steps.iter().any(|s| matches!(s.expect, Expect::Reject(_)));
    let mut first: BTreeMap<Vec<&str>, Vec<&Plot>> = BTreeMap::new();
    let mut rejecting = 0;
    for plot in plots.iter().filter(rejects) {
        rejecting += 1;
        let noticed = lines.iter().filter(|l| l.kills.contains_key(&plot.id)).map(|l| l.id.as_str());
        first.entry(noticed.collect()).or_default().push(plot);
    }
    let mut repeats = Vec::new();
    for group in first.values() {
        // One that says what differs does not stand for the others.
        let Some(like) = group.iter().find(|p| p.differs.is_none()).or_else(|| group.first()) else {
            continue;
        };
        for plot in group.iter().filter(|p| p.id != like.id) {
            repeats.push(Repeat {
                id: plot.id.clone(),
                like: like.id.clone(),
                differs: plot.differs.clone(),
            });
        }
    }
    (repeats, rejecting)
}

/// Runs every vector of a scheme against every weakness, in process, on all processors.
///
/// # Errors
/// A plot without its frozen vector.
pub fn matrix(scheme: &Scheme, plots: &[Plot], frozen: &BTreeMap<String, Vector>) -> Result<Matrix, String> {
    let equivalent = equivalent::load(scheme.folder.as_ref()).map_err(|f| f.to_string())?;
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
                    raw_field: weakness.raw_field,
                    kills,
                }),
            }
        }
    }
    let (repeats, rejecting) = repeats(&lines, plots);
    Ok(Matrix { scheme: scheme.id.clone(), lines, equivalent, repeats, rejecting })
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
            Some(vector) => Case::new(plot, vector, &redactor),
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
        if case.is_read_alike(&subject) {
            continue;
        }
        subject.renew(&case.plot.variant, &case.plot.id);
        // A token that the weak server itself issues is used as it is; all else are the frozen bytes.
        let script =
            if case.is_issued() { Script::Live { run: "defects" } } else { Script::Prepared(&case.steps) };
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
    steps: Vec<Next>,
    /// For each request whether it is refused, and the row that refuses; `None` for one that runs through all rows,
    /// or is an operation's own.
    rows: Vec<(bool, Option<usize>)>,
}

impl<'a> Case<'a> {
    fn new(plot: &'a Plot, vector: &Vector, redactor: &Redactor) -> Result<Self, String> {
        let steps = prepare(plot, vector)?;
        let probe = Probe { inner: InProcess::new(&plot.variant, &plot.id), rows: Mutex::default() };
        drive(plot, Script::Prepared(&steps), &probe, Via::InProcess, redactor);
        Ok(Self { plot, steps, rows: probe.rows.into_inner().unwrap_or_else(PoisonError::into_inner) })
    }

    /// Whether a weakness can make a difference here. Up to the first difference the weak verifier does what the
    /// strict one does, so what the strict one does decides.
    fn may_be_touched(&self, touches: Touches) -> bool {
        match touches {
            Touches::All => true,
            Touches::Refused => self.rows.iter().any(|(refused, _)| *refused),
            Touches::RefusedBy(row) => self.rows.iter().any(|(_, by)| *by == Some(row)),
            Touches::Reaching(row) => self.rows.iter().any(|(_, by)| by.is_none_or(|by| by >= row)),
        }
    }

    /// Whether a token that the server itself issues is used.
    fn is_issued(&self) -> bool {
        self.plot.steps.iter().any(|s| s.token_of.is_some())
    }

    /// Whether a server that reads messages in its own way reads these as they are.
    fn is_read_alike(&self, subject: &InProcess) -> bool {
        !self.is_issued()
            && self.steps.iter().all(|step| match step {
                Next::Send(made) => subject.reads_otherwise(&made.message) == Some(false),
                Next::RevokeHook(_) | Next::Wait(_) => true,
            })
    }
}

/// The strict reference, listened to.
struct Probe {
    inner: InProcess,
    rows: Mutex<Vec<(bool, Option<usize>)>>,
}

impl Subject for Probe {
    fn send(&self, message: &Message, step: usize) -> Result<Observation, SubjectError> {
        let answer = self.inner.ask(message, step);
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).push((answer.refused.is_some(), answer.row));
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
