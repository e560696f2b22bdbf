//! `run`: judges the reference, or a target, and writes the reports. It must not judge itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bearproof_conform::compose;
use bearproof_conform::freeze::{CONTROL, freeze_plot, plots_beside};
use bearproof_conform::frozen;
use bearproof_conform::in_process::InProcessSubjects;
use bearproof_conform::login::Logins;
use bearproof_conform::measure::{Measures, measure};
use bearproof_conform::outlook::{Outlook, changes, measuring};
use bearproof_conform::plot::Plot;
use bearproof_conform::record::Recorder;
use bearproof_conform::redact::Redactor;
use bearproof_conform::results::{
    Calibration, CalibrationState, Level, Results, Run, Suite as SuiteResult, Target, VectorResult, Via,
};
use bearproof_conform::run::{Selection, run, target};
use bearproof_conform::shard::{Shard, digest_of_ids};
use bearproof_conform::suite::{Scheme, Suite, Variant};
use bearproof_conform::vector::{SUITE, Vector};
use bearproof_scheme::encoding::encode_hex;
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::repeat::{Repeat, of_reference};
use super::reports::{write, write_file};
use super::target::{Profile, Reaching};
use super::{Done, Failure, RunId, interrupt, load_suite, pick_schemes, reference, target as profile};
use crate::clock::{Stopwatch, system_now};
use crate::http_subject::HttpSubjects;
use crate::journal::{Journal, NAME, Record, assembled};
use crate::pace::Pacing;
use crate::progress::{Progress, words};
use crate::report::{Style, exit_code, terminal};
use crate::server::Certificate;

/// What `run` is asked for.
pub(crate) struct Options {
    pub(crate) vectors: Option<PathBuf>,
    pub(crate) target: Option<PathBuf>,
    pub(crate) scheme: Option<String>,
    pub(crate) filter: Vec<String>,
    pub(crate) level: Option<Level>,
    pub(crate) strict: bool,
    pub(crate) seed: Option<u64>,
    /// Only this part of what is selected.
    pub(crate) shard: Option<Shard>,
    /// Write what deviates and is not known yet into the file of the known deviations.
    pub(crate) update: bool,
    /// Write the results, without what differs from run to run, as the accepted ones.
    pub(crate) accept: bool,
    /// Send nothing.
    pub(crate) dry_run: bool,
    pub(crate) reaching: Reaching,
    pub(crate) pacing: Pacing,
    pub(crate) out: PathBuf,
    pub(crate) style: Style,
}

/// The reference's accepted results.
const ACCEPTED: &str = "reports/reference.json";

/// All that a run gathers.
#[derive(Default)]
struct Gathered {
    targets: Vec<Target>,
    vectors: Vec<VectorResult>,
    origins: Vec<String>,
    requests: u64,
    /// Time in which vectors were asked over a network, in microseconds.
    asking_us: u64,
    /// The file of known deviations that was written.
    updated: Option<PathBuf>,
}

/// What a run is about before it begins.
struct Plan<'a> {
    options: &'a Options,
    suite: &'a Suite,
    id: String,
    seed: u64,
    journal: &'a Journal,
    runtime: &'a Runtime,
}

/// Runs, writes the reports, and says what was found.
pub(crate) fn execute(options: &Options) -> Result<Done, Failure> {
    let clock = Stopwatch::start();
    let started = bearproof_scheme::time::rfc3339(system_now());
    let suite = load_suite(options.vectors.as_deref())?;
    let id = RunId::fresh()?;
    let seed = options.seed.unwrap_or_else(|| id.seed());
    let runtime = Runtime::new().map_err(|e| Failure::bug(e.to_string()))?;
    let profile = options.target.as_deref().map(|path| profile::read(&suite, path)).transpose()?;
    let (chosen, of_suite) = choose(options, &suite, profile.as_ref())?;
    if let Some(profile) = profile.as_ref().filter(|_| options.dry_run) {
        return dry_run(options, &suite, profile, chosen);
    }
    let mut record = Run {
        id: id.text(),
        seed,
        started,
        duration_ms: 0,
        asking_us: 0,
        tool: env!("CARGO_PKG_VERSION").into(),
        requests: 0,
        origins: Vec::new(),
    };
    std::fs::create_dir_all(&options.out)
        .map_err(|e| Failure::input(format!("{}: can't be made: {e}", options.out.display())))?;
    let words =
        "interrupted: the good request is sent once more and the reports are written; again ends at once";
    let interrupted = interrupt::watch(&runtime, words);
    let file = options.out.join(NAME);
    let journal = Journal::begin(&file, of_suite.clone(), record.clone(), interrupted);
    let journal = journal.map_err(Failure::input)?;
    let mut gathered = Gathered::default();
    let plan =
        Plan { options, suite: &suite, id: record.id.clone(), seed, journal: &journal, runtime: &runtime };
    match &profile {
        Some(profile) => run_target(&plan, chosen, profile, &mut gathered)?,
        None => run_reference(&plan, chosen, &mut gathered)?,
    }
    record.duration_ms = clock.milliseconds();
    (record.requests, record.origins) = (gathered.requests, gathered.origins);
    record.asking_us = gathered.asking_us;
    journal.end(&record);
    journal.check().map_err(Failure::input)?;
    let results = assembled(of_suite, gathered.targets, gathered.vectors, record);
    let reports = write(&options.out, &results)?;
    if options.accept {
        if options.target.is_some()
            || options.scheme.is_some()
            || !options.filter.is_empty()
            || options.level.is_some()
            || options.shard.is_some()
            || journal.interrupted()
        {
            return Err(Failure::input(
                "only a whole run of the reference can be accepted\n  help: leave out --target, --scheme, --filter, --level and --shard",
            ));
        }
        write_file(Path::new(ACCEPTED), &accepted(&results)?)?;
    }
    let mut output = terminal(&results, options.style);
    output.push_str(&reports);
    if let Some(path) = gathered.updated {
        output.push_str(&format!("known deviations: {}; write the reason of each new one\n", path.display()));
    }
    let code = if journal.interrupted() { interrupt::CODE } else { exit_code(&results, options.strict) };
    Ok(Done { output: output.into_bytes(), code })
}

/// What the options choose, scheme by scheme, and how results name it.
fn choose(
    options: &Options,
    suite: &Suite,
    profile: Option<&Profile>,
) -> Result<(Vec<(Scheme, Vectors)>, SuiteResult), Failure> {
    let schemes = match profile {
        Some(profile) => vec![profile.scheme.clone()],
        None => pick_schemes(suite, options.scheme.as_deref())?,
    };
    let (mut digest, mut whole, mut chosen) = (Sha256::new(), BTreeSet::new(), Vec::new());
    for scheme in schemes {
        let Vectors { plots, mut frozen } = all_of(suite, &scheme)?;
        if frozen.is_empty() {
            // A scheme that was never frozen is frozen now, in memory.
            for plot in &plots {
                let vector = freeze_plot(plot).map_err(|e| Failure::input(format!("{}: {e}", plot.id)))?;
                frozen.insert(plot.id.clone(), vector);
            }
        }
        for vector in plots.iter().filter_map(|plot| frozen.get(&plot.id)) {
            digest.update(serde_json::to_vec(vector).map_err(|e| Failure::bug(e.to_string()))?);
        }
        whole.append(&mut selected(options, None, &plots));
        let part = selected(options, options.shard, &plots);
        let plots = plots.into_iter().filter(|p| part.contains(&p.id)).collect();
        chosen.push((scheme, Vectors { plots, frozen }));
    }
    let composed = profile.is_some() && options.filter.iter().any(|name| compose::is_composed(name));
    if whole.is_empty() && !composed {
        return Err(nothing_selected(options, suite)?);
    }
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let shard = options.shard.map(|shard| shard.of_selection(number(whole.len()), digest_of_ids(&whole)));
    let selected = chosen.iter().map(|(_, vectors)| vectors.plots.len()).sum();
    if let Some(shard) = options.shard.filter(|_| selected == 0) {
        let message = format!("none of the {} vectors falls into shard {shard}", whole.len());
        return Err(Failure::input(format!("{message}\n  help: cut it into fewer shards")));
    }
    let digest = encode_hex(&digest.finalize());
    Ok((chosen, SuiteResult { version: SUITE.into(), digest, selected: number(selected), shard }))
}

/// The ids of the vectors that the options select, and of the controls that they need.
fn selected(options: &Options, shard: Option<Shard>, plots: &[Plot]) -> BTreeSet<String> {
    let level = |plot: &Plot| options.level.is_none_or(|level| plot.level <= level);
    let named = |plot: &Plot| {
        options.filter.is_empty()
            || options.filter.iter().any(|f| {
                plot.id == *f || plot.id.starts_with(&format!("{f}/")) || plot.id.contains(&format!("/{f}/"))
            })
    };
    let of_shard = |plot: &Plot| shard.is_none_or(|shard| shard.has(&plot.id));
    let wanted: Vec<&Plot> = plots.iter().filter(|p| level(p) && named(p) && of_shard(p)).collect();
    let twins = wanted.iter().filter_map(|p| p.twin.clone());
    let mut keep: BTreeSet<String> = wanted.iter().map(|p| p.id.clone()).chain(twins).collect();
    let calibrating = |p: &&Plot| p.id.split('/').nth(1) == Some(CONTROL) && p.id.contains("/primary-");
    if !keep.is_empty() {
        keep.extend(plots.iter().filter(calibrating).map(|p| p.id.clone()));
    }
    keep
}

/// A target of which nothing is known yet.
fn not_asked() -> Calibration {
    let message = "the run ended before anything was asked".into();
    Calibration { state: CalibrationState::NotAsked, message }
}

fn run_reference(
    plan: &Plan<'_>,
    chosen: Vec<(Scheme, Vectors)>,
    gathered: &mut Gathered,
) -> Result<(), Failure> {
    let certificate = Certificate::make().map_err(Failure::bug)?;
    let client = reference::client(&certificate)?;
    let (stop, stopped) = watch::channel(false);
    let finish = |result: &mut VectorResult| of_reference(std::slice::from_mut(result));
    let (id, seed, journal) = (plan.id.as_str(), plan.seed, plan.journal);
    for (scheme, Vectors { plots: all, frozen }) in chosen {
        let redactor = Redactor::of_world(&scheme.default.world);
        let named = |via, calibration| target(&scheme.default, via, "reference", calibration);
        let record = |via| Record { journal, target: named(via, not_asked()), finish: &finish };
        let mut done = |via, (calibration, mut results): (Calibration, Vec<VectorResult>)| {
            of_reference(&mut results);
            let target = named(via, calibration);
            journal.done(&target);
            gathered.targets.push(target);
            gathered.vectors.extend(results);
        };
        let recorder = &record(Via::InProcess);
        let selection = Selection { plots: &all, frozen: Some(&frozen), run: id, seed, recorder };
        done(Via::InProcess, run(&selection, &InProcessSubjects, &redactor));
        for via in [Via::Http, Via::Https] {
            let running =
                reference::start_all(&all, via, plan.runtime.handle(), &certificate, &client, &stopped)?;
            let subjects = HttpSubjects {
                targets: running.iter().map(|r| (r.choose.clone(), &r.http)).collect(),
                via,
                lacks: &|_| None,
                concurrency: reference::CONCURRENCY,
                logins: None,
                ends: None,
                run: id,
                tag: None,
            };
            let recorder = &record(via);
            let selection = Selection { plots: &all, frozen: None, run: id, seed, recorder };
            let watch = Stopwatch::start();
            let results = run(&selection, &subjects, &redactor);
            gathered.asking_us += watch.microseconds();
            done(via, results);
            for running in &running {
                gathered.requests += running.http.pace.sent();
                gathered.origins.push(running.http.origin.to_string());
            }
        }
    }
    drop(stop);
    Ok(())
}

fn run_target(
    plan: &Plan<'_>,
    chosen: Vec<(Scheme, Vectors)>,
    profile: &Profile,
    gathered: &mut Gathered,
) -> Result<(), Failure> {
    let Plan { options, suite, journal, .. } = *plan;
    let (id, seed) = (plan.id.as_str(), plan.seed);
    let life = profile.life(system_now())?;
    let known = profile.deviations(&all_of(suite, &profile.scheme)?.plots, options.update)?;
    let mut all = profile.plots(chosen.into_iter().flat_map(|(_, vectors)| vectors.plots).collect());
    all.extend(composed(&options.filter, &profile.variant)?);
    let path = options.target.as_deref().unwrap_or(Path::new(""));
    let mut http = profile.http(&options.reaching, &options.pacing)?;
    let measures = measures(options, suite);
    let requests = Outlook::of(&all, &|need| profile.lacks(need)).requests + measures.map_or(0, measuring);
    let concurrency = options.pacing.concurrency.get();
    let width = u64::try_from(concurrency).unwrap_or(u64::MAX);
    http.progress = Some(Progress::new(requests, width, options.pacing.rate));
    let via = if http.origin.secure { Via::Https } else { Via::Http };
    let redactor = Redactor::of_world(&profile.variant.world);
    let lacks = |need: &str| profile.lacks(need);
    let subjects = HttpSubjects {
        targets: vec![(Vec::new(), &http)],
        via,
        lacks: &lacks,
        concurrency,
        logins: Some(Logins::default()),
        ends: life.as_ref().and_then(|life| life.ends),
        run: id,
        tag: profile.variant.world.connect.tag.as_deref(),
    };
    let reach = profile.reach(&options.reaching);
    let named = |calibration| Target {
        origin: Some(reach.origin.clone()),
        known: known.entries(),
        notes: profile.notes(),
        ..target(&profile.variant, via, &profile.name, calibration)
    };
    let repeat = Repeat { profile: path, reach: &reach, plots: &all, now: system_now() };
    let finish = |result: &mut VectorResult| repeat.add(std::slice::from_mut(result));
    let recorder = &Record { journal, target: named(not_asked()), finish: &finish };
    let selection = Selection { plots: &all, frozen: None, run: id, seed, recorder };
    let watch = Stopwatch::start();
    let (mut calibration, mut results) = run(&selection, &subjects, &redactor);
    gathered.asking_us += watch.microseconds();
    if options.update {
        gathered.updated = Some(profile.update(&known, &results)?);
    }
    known.apply(&mut results, system_now());
    repeat.add(&mut results);
    let mut note = |text: String| {
        let joint = if calibration.message.is_empty() { "" } else { "; " };
        calibration.message.push_str(&format!("{joint}{text}"));
    };
    if let Some(life) = &life {
        note(format!("asked with what was captured: {}", life.why));
    }
    if let Some(why) = http.not_forgotten() {
        let what = "the target was not put back as it was after a vector, and later ones may have seen that";
        note(format!("{what}: {why}"));
    }
    let mut target = named(calibration);
    target.changes = changes(&all, &results);
    let ready = target.calibration.state == CalibrationState::Ready && !recorder.stopped();
    if let Some(measures) = measures.filter(|_| ready) {
        let scheme = Scheme { default: profile.variant.clone(), ..profile.scheme.clone() };
        target.behaviour =
            measure(measures, &scheme, &selection, &subjects, &redactor).map_err(Failure::input)?;
    }
    journal.done(&target);
    gathered.targets.push(target);
    gathered.vectors.extend(results);
    gathered.requests += http.pace.sent();
    gathered.origins.push(http.origin.to_string());
    Ok(())
}

/// The questions beside the vectors. Who asks for a part of the suite wants to see that part, and of several shards one
/// asks them.
fn measures<'s>(options: &Options, suite: &'s Suite) -> Option<&'s Measures> {
    let whole = options.filter.is_empty() && options.shard.is_none_or(Shard::is_first);
    suite.measures.as_ref().filter(|_| whole)
}

/// What a run would do, in words; nothing is sent.
fn dry_run(
    options: &Options,
    suite: &Suite,
    profile: &Profile,
    chosen: Vec<(Scheme, Vectors)>,
) -> Result<Done, Failure> {
    let all = profile.plots(chosen.into_iter().flat_map(|(_, vectors)| vectors.plots).collect());
    let outlook = Outlook::of(&all, &|need| profile.lacks(need));
    let world = &profile.variant.world;
    let address = world.connect.address.as_ref().unwrap_or(&world.origin);
    let mut text = format!(
        "{}: {} of {} vectors of {} would be asked at {address}, with about {} requests\n",
        profile.name,
        outlook.asked,
        all.len(),
        profile.scheme.id,
        outlook.requests
    );
    if let Some(measures) = measures(options, suite) {
        text.push_str(&format!("measuring takes up to {} requests more\n", measuring(measures)));
    }
    if let Some(rate) = options.pacing.rate {
        #[expect(clippy::cast_precision_loss, reason = "an estimate, and 2^53 requests are never sent")]
        let time = Duration::try_from_secs_f64(outlook.requests as f64 / rate).unwrap_or(Duration::MAX);
        text.push_str(&format!("with {rate} requests a second that is about {}\n", words(time)));
    }
    text.push_str(&super::outlook::text(&outlook));
    text.extend(profile.notes().iter().map(|note| format!("note: {note}\n")));
    text.push_str("nothing was sent\n");
    Ok(Done::fine(text))
}

/// Plots of a scheme and what is frozen of them.
pub(super) struct Vectors {
    pub(super) plots: Vec<Plot>,
    frozen: BTreeMap<String, Vector>,
}

pub(super) fn all_of(suite: &Suite, scheme: &Scheme) -> Result<Vectors, Failure> {
    let frozen = frozen::load(&scheme.id, scheme.folder.as_ref())?;
    let plots = plots_beside(&suite.families, scheme, &|id| frozen.contains_key(id));
    Ok(Vectors { plots: plots.map_err(Failure::input)?.plots, frozen })
}

/// The compositions that are named, with their controls and the good request.
fn composed(names: &[String], variant: &Variant) -> Result<Vec<Plot>, Failure> {
    let mut all: Vec<Plot> = Vec::new();
    for name in names.iter().filter(|name| compose::is_composed(name)) {
        let plot = compose::by_id(variant, name).map_err(Failure::input)?;
        let twin = plot.twin.as_ref().map(|twin| compose::by_id(variant, twin));
        let good = compose::good(variant, &compose::sites(variant)).map(Ok);
        for plot in [Some(Ok(plot)), twin, good].into_iter().flatten() {
            let plot = plot.map_err(Failure::input)?;
            if !all.iter().any(|known| known.id == plot.id) {
                all.push(plot);
            }
        }
    }
    Ok(all)
}

/// No vector fits the options: says which word is near.
fn nothing_selected(options: &Options, suite: &Suite) -> Result<Failure, Failure> {
    let mut words: BTreeSet<String> = BTreeSet::new();
    for scheme in &suite.schemes {
        for plot in all_of(suite, scheme)?.plots {
            let mut cuts = plot.id.match_indices('/').map(|(at, _)| at);
            let (family, name) = (cuts.next().unwrap_or(0), cuts.next().unwrap_or(0));
            words.extend(
                [plot.id.get(..family), plot.id.get(..name), plot.id.get(family + 1..name)]
                    .into_iter()
                    .flatten()
                    .map(Into::into),
            );
            words.insert(plot.id);
        }
    }
    let wanted = options.filter.first().map_or("", String::as_str);
    let near = bearproof_scheme::document::nearest(wanted, words.iter().map(String::as_str));
    let near = if near.starts_with("did") { near } else { "`bearproof list` names all".into() };
    Ok(Failure::input(format!("no vector fits `{}`\n  help: {near}", options.filter.join("`, `"))))
}

/// The results without `run`, one line for each vector, so that a difference reads well.
fn accepted(results: &Results) -> Result<String, Failure> {
    let bug = |e: serde_json::Error| Failure::bug(e.to_string());
    let targets = serde_json::to_string(&results.targets).map_err(bug)?;
    let suite = serde_json::to_string(&results.suite).map_err(bug)?;
    let lines: Result<Vec<String>, _> = results.vectors.iter().map(serde_json::to_string).collect();
    let vectors = lines.map_err(bug)?.join(",\n");
    Ok(format!(
        "{{\"format\":{},\n\"suite\":{suite},\n\"targets\":{targets},\n\"vectors\":[\n{vectors}\n]}}\n",
        results.format
    ))
}
