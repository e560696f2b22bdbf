//! What a run found: the only thing that reports are made of. It must not know how a report looks.
//!
//! Everything but [`Run`] is deterministic for one suite, one target and one set of answers, so that two
//! files can be compared; times, ports and the seed live in [`Run`] and every comparison leaves it out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The format of this file; another number means another shape.
pub const FORMAT: u32 = 1;

/// A whole results file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// Always [`FORMAT`].
    pub format: u32,
    /// Which vectors were run.
    pub suite: Suite,
    /// What they were run against, one entry for each scheme and way of reaching it.
    pub targets: Vec<Target>,
    /// One entry for each vector and target, ordered by id, then by `via`.
    pub vectors: Vec<VectorResult>,
    /// What differs from run to run; left out where results are compared.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run: Option<Run>,
}

/// Which vectors were run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// Suite version, as in the head of each vector file.
    pub version: String,
    /// SHA-256 over all frozen vectors of the schemes that were run, also over those that were not selected; hex.
    pub digest: String,
    /// Number of vectors that were selected.
    pub selected: u32,
    /// Which part of the selection this is, if it is not the whole.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub shard: Option<Shard>,
}

/// A part of a selection, and what all parts make together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// Its number, from 1.
    pub number: u32,
    /// How many there are.
    pub of: u32,
    /// Number of vectors that all shards have together.
    pub selected: u32,
    /// SHA-256 over the ids of these vectors, sorted, each followed by a line feed; hex.
    pub ids: String,
}

/// A system under test, reached in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Scheme id, for example `hexsafe`.
    pub scheme: String,
    /// Title of the scheme.
    pub title: String,
    /// How it is reached.
    pub via: Via,
    /// Name for people: `reference`, or the profile's file name.
    pub name: String,
    /// What calibration found; without `Ready` no vector of this target is judged.
    pub calibration: Calibration,
    /// Where the profile says that requests go; absent for the reference, which is started anew for each run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub origin: Option<String>,
    /// What the profile knows to deviate; the outcomes have it in them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub known: Vec<Known>,
    /// Named choices where the document leaves room, `name=option`.
    pub choices: Vec<String>,
    /// Requirements of the scheme, for links from findings.
    pub requirements: Vec<Requirement>,
    /// What should be known of the way it was reached, such as a certificate that was not checked.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub notes: Vec<String>,
    /// What the run changed or created there.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub changes: Vec<String>,
    /// What was measured beside the vectors: no document fixes it, and nothing is judged by it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub behaviour: Vec<Behaviour>,
}

/// An entry of the known deviations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// An id, or one with `*` for any letters within a part.
    pub vector: String,
    /// What is seen instead of what is expected: `accept`, `reject` and the status, or `no answer`.
    pub observed: String,
    /// The last day on which it is borne.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<String>,
}

/// A question that was asked of a target, and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    /// Name of the question in `measures.toml`.
    pub name: String,
    /// What was asked.
    pub asks: String,
    /// What was seen.
    pub seen: String,
    /// Requirement ids and RFC clauses that stand beside it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub refs: Vec<String>,
}

/// A numbered requirement of a scheme's document, or a reading of ours where it is silent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Its id, for example `HEX-9`.
    pub id: String,
    /// Heading of the document under which it stands; `our reading` if the document is silent.
    pub heading: String,
    /// What it says, one sentence.
    pub says: String,
}

/// How a subject is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// The reference verifier called as a function, with the published binding.
    InProcess,
    /// Plain HTTP/1.1 with a live binding.
    Http,
    /// HTTP/1.1 over TLS with a live binding.
    Https,
}

impl Via {
    /// The word used in results and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::InProcess => "in-process",
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// What the control requests showed before any vector was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// The finding.
    pub state: CalibrationState,
    /// One sentence for people; when ready, empty or what should be known beside the results.
    pub message: String,
}

/// See [`Calibration`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CalibrationState {
    /// The good request was let in and the one without a credential was not.
    Ready,
    /// The good request was refused: nothing can be judged.
    GoodRefused,
    /// The request without a credential was let in: a critical finding, nothing else can be judged.
    LetsEverybodyIn,
    /// The server answered the good request with 5xx, 404, 405, 429, a redirect or a block page.
    NotAnswering,
    /// No connection could be made.
    Unreachable,
    /// No answer came in time.
    Hanging,
    /// The run ended before anything was asked.
    NotAsked,
}

/// How severe it is to get a vector wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Anybody gets in.
    Critical,
    /// Somebody gets more than he may.
    High,
    /// A defence in depth is missing, or a good request is refused.
    Medium,
    /// Interoperability or diagnosis.
    Low,
}

impl Severity {
    /// The word used in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// How binding a vector's expectation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Getting it wrong lets somebody in, breaks a documented request, or contradicts the document.
    Must,
    /// A MUST of an RFC that the document invokes, without direct loss.
    Should,
    /// A preference among safe readings: recorded, never judged.
    May,
}

impl Level {
    /// The word used in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Should => "should",
            Self::May => "may",
        }
    }
}

/// The outcome of one vector on one target. Only `Pass` counts as passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// As expected; for a `may` vector: behaviour recorded.
    Pass,
    /// Not as expected.
    Fail,
    /// Not as expected, and the profile knew.
    Xfail,
    /// As expected, although the profile lists it as a known deviation: the list is stale.
    Xpass,
    /// The control was refused, or the answer says nothing about authentication.
    Inconclusive,
    /// The target lacks what the vector needs.
    Unsupported,
    /// The question could not be asked: connection refused or reset, answer not HTTP.
    Error,
    /// No answer within the time limit.
    Hang,
}

impl Outcome {
    /// All outcomes, in the order in which counts are printed.
    pub const ALL: [Self; 8] = [
        Self::Pass,
        Self::Fail,
        Self::Xfail,
        Self::Xpass,
        Self::Inconclusive,
        Self::Unsupported,
        Self::Error,
        Self::Hang,
    ];

    /// The word used in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Xfail => "xfail",
            Self::Xpass => "xpass",
            Self::Inconclusive => "inconclusive",
            Self::Unsupported => "unsupported",
            Self::Error => "error",
            Self::Hang => "hang",
        }
    }
}

/// One vector on one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VectorResult {
    /// `<scheme>/<family>/<name>`.
    pub id: String,
    /// The target it was run on: its scheme is the first part of the id.
    pub via: Via,
    /// How binding the expectation is.
    pub level: Level,
    /// How severe it is to get it wrong.
    pub severity: Severity,
    /// The outcome.
    pub outcome: Outcome,
    /// Why the outcome is not pass, one sentence; for a pass empty, unless it is provisional.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub cause: String,
    /// What a server that gets this wrong does.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub why: String,
    /// Requirement ids, RFC clauses and catalogue entries.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub refs: Vec<String>,
    /// Command lines that show it once more, for what was not as expected on the target of a profile.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub repeat: Vec<String>,
    /// The exchanges, in order.
    pub steps: Vec<StepResult>,
}

impl VectorResult {
    /// The first exchange that was not as expected, counted from 0.
    pub fn wrong_step(&self) -> Option<usize> {
        self.steps.iter().position(|step| {
            let differs = step.expected != "any" && step.observed.as_ref() != Some(&step.expected);
            differs || step.assertions.iter().any(|a| !a.held && a.level == Level::Must)
        })
    }
}

/// One exchange of a vector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepResult {
    /// `accept`, `reject`, or `any` for a `may` vector.
    pub expected: String,
    /// `accept` or `reject`; absent when no answer came.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub observed: Option<String>,
    /// Status of the answer; absent in process when the verifier accepted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<u16>,
    /// Reason code of the reference, where the subject tells it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// Second and third line of judging: status, body code, further assertions.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub assertions: Vec<Assertion>,
    /// What was sent and what came, redacted; only where the outcome is not a pass.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub exchange: Option<Exchange>,
}

/// An assertion beyond accept or reject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    /// What is asserted, for example `status is 401` or `body /code is -23`.
    pub what: String,
    /// Whether it held.
    pub held: bool,
    /// What was seen instead; empty when it held.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub seen: String,
    /// A `must` assertion that does not hold is a finding; a `should` one is information.
    pub level: Level,
}

/// Request and answer as text for people, non-printable bytes escaped, secrets redacted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Request line, field lines, empty line, body; long bodies are cut with a note.
    pub sent: String,
    /// Status line, field lines, empty line, body; or the error in words.
    pub received: String,
}

/// What differs from run to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Fresh random id of the run, hex.
    pub id: String,
    /// Seed of the order.
    pub seed: u64,
    /// Start, RFC 3339, UTC.
    pub started: String,
    /// Duration in milliseconds.
    pub duration_ms: u64,
    /// Of these the time in which vectors were asked over a network and judged, in microseconds.
    pub asking_us: u64,
    /// Version of bearproof.
    pub tool: String,
    /// Requests sent over a network.
    pub requests: u64,
    /// Origins that were contacted, with ports.
    pub origins: Vec<String>,
}

/// Counts of outcomes, in the order of [`Outcome::ALL`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts([u32; 8]);

impl Counts {
    /// Counts the outcomes of `results`.
    pub fn of<'a>(results: impl IntoIterator<Item = &'a VectorResult>) -> Self {
        let mut counts = Self::default();
        for result in results {
            counts.add(result.outcome);
        }
        counts
    }

    /// Adds one outcome.
    pub fn add(&mut self, outcome: Outcome) {
        for (slot, candidate) in self.0.iter_mut().zip(Outcome::ALL) {
            if candidate == outcome {
                *slot = slot.saturating_add(1);
            }
        }
    }

    /// The count of one outcome.
    pub fn count(&self, outcome: Outcome) -> u32 {
        self.0.iter().zip(Outcome::ALL).find(|(_, o)| *o == outcome).map_or(0, |(n, _)| *n)
    }

    /// All vectors counted.
    pub fn total(&self) -> u32 {
        self.0.iter().sum()
    }
}
