//! `run`: judges the reference, or a target, and writes the reports. It must not judge itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bearproof_conform::compose;
use bearproof_conform::freeze::{CONTROL, freeze_plot, plots_beside};
use bearproof_conform::frozen;
use bearproof_conform::in_process::InProcess;
use bearproof_conform::login::Logins;
use bearproof_conform::measure::{Measures, measure};
use bearproof_conform::outlook::{Outlook, changes, measuring};
use bearproof_conform::plot::Plot;
use bearproof_conform::redact::Redactor;
use bearproof_conform::results::{
    CalibrationState, FORMAT, Level, Results, Run, Suite as SuiteResult, Target, VectorResult, Via,
};
use bearproof_conform::run::{Selection, Subjects, run, target};
use bearproof_conform::subject::Subject;
use bearproof_conform::suite::{Scheme, Suite, Variant};
use bearproof_conform::vector::{SUITE, Vector};
use bearproof_scheme::encoding::encode_hex;
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::repeat::{Repeat, of_reference};
use super::target::{Profile, Reaching};
use super::{Done, Failure, load_suite, pick_schemes, reference, target as profile};
use crate::clock::{Stopwatch, system_now};
use crate::http_subject::HttpSubjects;
use crate::pace::Pacing;
use crate::progress::{Progress, words};
use crate::report::{Style, exit_code, html, junit, terminal};
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

/// Exit code of a run that the user interrupted; nothing is written then.
pub(super) const INTERRUPTED: i32 = 130;

/// The reference's accepted results.
const ACCEPTED: &str = "reports/reference.json";

struct InProcessSubjects;

impl Subjects for InProcessSubjects {
    fn with(&self, plot: &Plot, with: &mut dyn FnMut(&dyn Subject)) {
        with(&InProcess::new(&plot.variant, &plot.id));
    }

    fn via(&self) -> Via {
        Via::InProcess
    }

    fn lacks(&self, _: &str) -> Option<String> {
        None
    }

    fn concurrency(&self) -> usize {
        std::thread::available_parallelism().map_or(2, usize::from)
    }
}

/// All that a run gathers.
#[derive(Default)]
struct Gathered {
    targets: Vec<Target>,
    vectors: Vec<VectorResult>,
    origins: Vec<String>,
    requests: u64,
    digest: Sha256,
    selected: usize,
    /// The file of known deviations that was written.
    updated: Option<PathBuf>,
}

/// Runs, writes the reports, and says what was found.
pub(crate) fn execute(options: &Options) -> Result<Done, Failure> {
    let clock = Stopwatch::start();
    let started = bearproof_scheme::time::rfc3339(system_now());
    let suite = load_suite(options.vectors.as_deref())?;
    let mut id = [0_u8; 8];
    aws_lc_rs::rand::fill(&mut id).map_err(|_| Failure::bug("no randomness"))?;
    let seed = options.seed.unwrap_or_else(|| u64::from_be_bytes(id) >> 32);
    let id = encode_hex(&id);
    let runtime = Runtime::new().map_err(|e| Failure::bug(e.to_string()))?;
    runtime.spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(INTERRUPTED);
        }
    });
    let mut gathered = Gathered::default();
    match &options.target {
        Some(path) => {
            let profile = profile::read(&suite, path)?;
            if options.dry_run {
                return dry_run(options, &suite, &profile);
            }
            run_target(options, &suite, &profile, (&id, seed), &runtime, &mut gathered)?;
        }
        None => run_reference(options, &suite, (&id, seed), &runtime, &mut gathered)?,
    }
    if gathered.selected == 0 {
        return Err(nothing_selected(options, &suite)?);
    }
    if options.target.is_none() {
        of_reference(&mut gathered.vectors);
    }
    gathered.vectors.sort_by(|a, b| a.id.cmp(&b.id).then(a.via.cmp(&b.via)));
    let results = Results {
        format: FORMAT,
        suite: SuiteResult {
            version: SUITE.into(),
            digest: encode_hex(&gathered.digest.finalize()),
            selected: u32::try_from(gathered.selected).unwrap_or(u32::MAX),
        },
        targets: gathered.targets,
        vectors: gathered.vectors,
        run: Some(Run {
            id,
            seed,
            started,
            duration_ms: clock.milliseconds(),
            tool: env!("CARGO_PKG_VERSION").into(),
            requests: gathered.requests,
            origins: gathered.origins,
        }),
    };
    write(&options.out, &results)?;
    if options.accept {
        if options.target.is_some()
            || options.scheme.is_some()
            || !options.filter.is_empty()
            || options.level.is_some()
        {
            return Err(Failure::input(
                "only a whole run of the reference can be accepted\n  help: leave out --target, --scheme, --filter and --level",
            ));
        }
        write_file(Path::new(ACCEPTED), &accepted(&results)?)?;
    }
    let mut output = terminal(&results, options.style);
    output.push_str(&format!(
        "reports: {0}/results.json, {0}/report.html, {0}/junit.xml\n",
        options.out.display()
    ));
    if let Some(path) = gathered.updated {
        output.push_str(&format!("known deviations: {}; write the reason of each new one\n", path.display()));
    }
    Ok(Done { output: output.into_bytes(), code: exit_code(&results, options.strict) })
}

fn run_reference(
    options: &Options,
    suite: &Suite,
    (id, seed): (&str, u64),
    runtime: &Runtime,
    gathered: &mut Gathered,
) -> Result<(), Failure> {
    let certificate = Certificate::make().map_err(Failure::bug)?;
    let client = reference::client(&certificate)?;
    let (stop, stopped) = watch::channel(false);
    for scheme in pick_schemes(suite, options.scheme.as_deref())? {
        let Vectors { plots: all, frozen } = select(options, all_of(suite, &scheme)?)?;
        gathered.count(&all, &frozen)?;
        let redactor = Redactor::of_world(&scheme.default.world);
        let selection = Selection { plots: &all, frozen: Some(&frozen), run: id, seed };
        let (calibration, results) = run(&selection, &InProcessSubjects, &redactor);
        gathered.targets.push(target(&scheme.default, Via::InProcess, "reference", calibration));
        gathered.vectors.extend(results);
        for via in [Via::Http, Via::Https] {
            let running = reference::start_all(&all, via, runtime.handle(), &certificate, &client, &stopped)?;
            let subjects = HttpSubjects {
                targets: running.iter().map(|r| (r.choose.clone(), &r.http)).collect(),
                via,
                lacks: &|_| None,
                concurrency: reference::CONCURRENCY,
                logins: None,
                run: id,
                tag: None,
            };
            let selection = Selection { plots: &all, frozen: None, run: id, seed };
            let (calibration, results) = run(&selection, &subjects, &redactor);
            gathered.targets.push(target(&scheme.default, via, "reference", calibration));
            gathered.vectors.extend(results);
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
    options: &Options,
    suite: &Suite,
    profile: &Profile,
    (id, seed): (&str, u64),
    runtime: &Runtime,
    gathered: &mut Gathered,
) -> Result<(), Failure> {
    let all = all_of(suite, &profile.scheme)?;
    let known = profile.deviations(&all.plots, options.update)?;
    let selected = select(options, all)?;
    gathered.count(&selected.plots, &selected.frozen)?;
    let composed = composed(&options.filter, &profile.variant)?;
    gathered.selected += composed.len();
    let mut all = profile.plots(selected.plots);
    all.extend(composed);
    let path = options.target.as_deref().unwrap_or(Path::new(""));
    let mut http = profile.http(runtime.handle(), &options.reaching, &options.pacing)?;
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
        run: id,
        tag: profile.variant.world.connect.tag.as_deref(),
    };
    let selection = Selection { plots: &all, frozen: None, run: id, seed };
    let (mut calibration, mut results) = run(&selection, &subjects, &redactor);
    if options.update {
        gathered.updated = Some(profile.update(&known, &results)?);
    }
    known.apply(&mut results, system_now());
    Repeat { profile: path, reach: &profile.reach(&options.reaching), plots: &all, now: system_now() }
        .add(&mut results);
    if let Some(why) = http.not_forgotten() {
        let joint = if calibration.message.is_empty() { "" } else { "; " };
        let what = "the target was not put back as it was after a vector, and later ones may have seen that";
        calibration.message.push_str(&format!("{joint}{what}: {why}"));
    }
    let mut target = target(&profile.variant, via, &profile.name, calibration);
    target.notes = profile.notes();
    target.changes = changes(&all, &results);
    if let Some(measures) = measures.filter(|_| target.calibration.state == CalibrationState::Ready) {
        let scheme = Scheme { default: profile.variant.clone(), ..profile.scheme.clone() };
        target.behaviour =
            measure(measures, &scheme, &selection, &subjects, &redactor).map_err(Failure::input)?;
    }
    gathered.targets.push(target);
    gathered.vectors.extend(results);
    gathered.requests += http.pace.sent();
    gathered.origins.push(http.origin.to_string());
    Ok(())
}

/// The questions beside the vectors. Who asks for a part of the suite wants to see that part.
fn measures<'s>(options: &Options, suite: &'s Suite) -> Option<&'s Measures> {
    suite.measures.as_ref().filter(|_| options.filter.is_empty())
}

/// What a run would do, in words; nothing is sent.
fn dry_run(options: &Options, suite: &Suite, profile: &Profile) -> Result<Done, Failure> {
    let all = profile.plots(select(options, all_of(suite, &profile.scheme)?)?.plots);
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

impl Gathered {
    fn count(&mut self, plots: &[Plot], frozen: &BTreeMap<String, Vector>) -> Result<(), Failure> {
        self.selected += plots.len();
        for vector in frozen.values() {
            self.digest.update(serde_json::to_vec(vector).map_err(|e| Failure::bug(e.to_string()))?);
        }
        Ok(())
    }
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

/// What the options select, with the controls that it needs. A scheme that was never frozen is frozen now, in memory.
fn select(options: &Options, Vectors { plots: mut all, mut frozen }: Vectors) -> Result<Vectors, Failure> {
    let level = |plot: &Plot| options.level.is_none_or(|level| plot.level <= level);
    let named = |plot: &Plot| {
        options.filter.is_empty()
            || options.filter.iter().any(|f| {
                plot.id == *f || plot.id.starts_with(&format!("{f}/")) || plot.id.contains(&format!("/{f}/"))
            })
    };
    let wanted: Vec<&Plot> = all.iter().filter(|p| level(p) && named(p)).collect();
    let twins = wanted.iter().filter_map(|p| p.twin.clone());
    let keep: BTreeSet<String> = wanted.iter().map(|p| p.id.clone()).chain(twins).collect();
    let calibrating =
        |p: &Plot| !keep.is_empty() && p.id.split('/').nth(1) == Some(CONTROL) && p.id.contains("/primary-");
    all.retain(|p| keep.contains(&p.id) || calibrating(p));
    if frozen.is_empty() {
        for plot in &all {
            let vector = freeze_plot(plot).map_err(|e| Failure::input(format!("{}: {e}", plot.id)))?;
            frozen.insert(plot.id.clone(), vector);
        }
    } else {
        let ids: BTreeSet<&String> = all.iter().map(|p| &p.id).collect();
        frozen.retain(|id, _| ids.contains(id));
    }
    Ok(Vectors { plots: all, frozen })
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

fn write(out: &Path, results: &Results) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(results).map_err(|e| Failure::bug(e.to_string()))?;
    let files = [
        ("results.json", format!("{json}\n")),
        ("report.html", html(results)),
        ("junit.xml", junit(results).map_err(Failure::bug)?),
    ];
    std::fs::create_dir_all(out)
        .map_err(|e| Failure::input(format!("{}: can't be made: {e}", out.display())))?;
    for (name, text) in files {
        write_file(&out.join(name), &text)?;
    }
    Ok(())
}

fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|e| Failure::input(format!("{}: can't be written: {e}", path.display())))
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
