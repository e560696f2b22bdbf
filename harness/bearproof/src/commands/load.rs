//! `load`: asks a target at a steady rate, each request signed anew, and shows how long its answers take. It must not
//! judge more than whether the caller was let in.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bearproof_conform::judge::let_in;
use bearproof_conform::login::Logins;
use bearproof_conform::subject::Subject;
use serde_json::json;
use tokio::runtime::Runtime;

use super::target::{Profile, Reaching, read};
use super::{Done, Failure, RunId, interrupt, load_suite};
use crate::http_subject::Http;
use crate::marked::agent;
use crate::open_loop::Load;
use crate::open_loop::fresh::{Caller, Source};
use crate::open_loop::measured::{Distribution, Outcome};
use crate::pace::Pacing;
use crate::wire::Origin;

/// What `load` is asked for.
pub(crate) struct Options {
    pub(crate) vectors: Option<PathBuf>,
    pub(crate) target: PathBuf,
    pub(crate) rate: f64,
    pub(crate) time: Duration,
    pub(crate) role: String,
    pub(crate) endpoint: Option<String>,
    pub(crate) open: Option<String>,
    pub(crate) connections: usize,
    pub(crate) json: bool,
    pub(crate) reaching: Reaching,
}

/// Of what was asked for, so much must have been sent for the latencies to be those of this rate.
const REACHED: f64 = 0.95;

/// Sends one request to see that it is let in, then all.
pub(crate) fn load(options: &Options) -> Result<Done, Failure> {
    let suite = load_suite(options.vectors.as_deref())?;
    let profile = read(&suite, &options.target)?;
    let caller = profile.caller(&options.role, options.endpoint.as_deref())?;
    let http = profile.http(&options.reaching, &Pacing::default())?;
    let run = RunId::fresh()?.text();
    let source = Source { caller, run: &run, logins: Logins::default(), subject: &http };
    let caller = &source.caller;
    let head = one(&source, &http)?;

    let runtime = Runtime::new().map_err(|e| Failure::bug(e.to_string()))?;
    let stop = interrupt::watch(&runtime, "interrupted: what was measured is written; again ends at once");
    let load = Load {
        client: profile.client(&options.reaching, options.connections)?,
        origin: http.origin.clone(),
        rate: options.rate,
        time: options.time,
        connections: options.connections,
        open: options.open.as_ref().map(|path| open_request(path, &profile, &run)).transpose()?,
        head,
        success: &caller.endpoint.success,
        stop: &stop,
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let outcome = load.run(&runtime, &source, threads).map_err(|why| Failure { code: 4, message: why })?;
    let interrupted = stop.load(Ordering::Relaxed);
    let reached = interrupted || outcome.rate >= options.rate * REACHED;
    let code = match &outcome {
        _ if interrupted => interrupt::CODE,
        _ if !reached => 4,
        outcome if outcome.others.is_empty() => 0,
        _ => 1,
    };
    let output = if options.json {
        format!("{}\n", as_json(options, &profile, caller, &outcome))
    } else {
        as_text(options, &profile, caller, &outcome, reached)
    };
    Ok(Done { output: output.into_bytes(), code })
}

/// Whether the caller is let in at all: what a server does under load with requests that it refuses is of no interest.
/// Gives whether the requests are HEAD.
fn one(source: &Source<'_>, http: &Http) -> Result<bool, Failure> {
    let nothing = |message: String| Failure { code: 4, message };
    let world = source.world("load/first".into()).map_err(nothing)?;
    let mut signer = source.signer(&world).map_err(nothing)?;
    let message = signer.next().map_err(nothing)?;
    let answer = http.send(&message, 0).map_err(|e| Failure { code: 3, message: e.words().into() })?;
    if !let_in(&source.caller.endpoint.success, &answer) {
        return Err(nothing(format!(
            "the request of `{}` to `{}` was refused ({}), so nothing is measured\n  help: `bearproof doctor PROFILE` says why",
            source.caller.role, source.caller.endpoint.role, answer.status
        )));
    }
    Ok(message.method == "HEAD")
}

/// A request without any credential.
fn open_request(path: &str, profile: &Profile, run: &str) -> Result<Vec<u8>, Failure> {
    let origin = Origin::parse(&profile.variant.world.origin).map_err(|e| profile.fault(&e))?;
    let (host, agent) = (origin.authority(), agent(run));
    Ok(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\n\r\n").into_bytes())
}

fn as_json(options: &Options, profile: &Profile, caller: &Caller, outcome: &Outcome) -> serde_json::Value {
    json!({
        "profile": profile.name,
        "scheme": profile.scheme.id,
        "role": caller.role,
        "endpoint": caller.endpoint.role,
        "asked_rate": options.rate,
        "asked_seconds": options.time.as_secs_f64(),
        "connections": options.connections,
        "outcome": outcome,
    })
}

fn as_text(
    options: &Options,
    profile: &Profile,
    caller: &Caller,
    outcome: &Outcome,
    reached: bool,
) -> String {
    let mut text = format!(
        "{}: `{}` to `{}` ({}), {} requests a second for {} s asked for\n",
        profile.name,
        caller.role,
        caller.endpoint.role,
        profile.scheme.id,
        options.rate,
        options.time.as_secs_f64(),
    );
    // Writing to a text can't fail.
    let _ = writeln!(
        text,
        "sent {} in {:.1} s ({:.1} a second), {} let in, {} not",
        outcome.sent,
        outcome.seconds,
        outcome.rate,
        outcome.let_in,
        outcome.others.values().sum::<u64>(),
    );
    for (class, count) in &outcome.others {
        let _ = writeln!(text, "  {class}: {count}");
    }
    let _ = writeln!(text, "\nms from the moment when a request was due to the end of its answer");
    let _ = writeln!(
        text,
        "{:16}{:>9}{:>10}{:>10}{:>10}{:>10}{:>10}",
        "", "requests", "p50", "p90", "p99", "p99.9", "max"
    );
    let mut row = |name: &str, times: Option<&Distribution>| {
        let Some(t) = times else { return };
        let ms = |us: u64| format!("{}.{:03}", us / 1000, us % 1000);
        let _ = writeln!(
            text,
            "{name:16}{:>9}{:>10}{:>10}{:>10}{:>10}{:>10}",
            t.count,
            ms(t.p50),
            ms(t.p90),
            ms(t.p99),
            ms(t.p999),
            ms(t.max)
        );
    };
    row("signed", outcome.signed_us.as_ref());
    row("no credential", outcome.open_us.as_ref());
    row("late by us", outcome.late_us.as_ref());
    if let (Some(signed), Some(open), Some(path)) = (&outcome.signed_us, &outcome.open_us, &options.open) {
        let more = signed.p50.saturating_sub(open.p50);
        let share = more * 100 / signed.p50.max(1);
        let answers: Vec<String> =
            outcome.open.iter().map(|(class, count)| format!("{class}: {count}")).collect();
        let _ = writeln!(
            text,
            "authentication and what it protects: {}.{:03} ms of the median, {share} % ({path} answered {})",
            more / 1000,
            more % 1000,
            answers.join(", "),
        );
    }
    let _ = writeln!(text, "signing one request: {:.1} µs, before it is due", outcome.signing_us);
    if !reached {
        let _ = writeln!(
            text,
            "this machine did not reach the rate: the latencies are not those of {} requests a second\n  help: ask for \
             less, or let an engine on several machines take requests from `bearproof feed`",
            options.rate
        );
    }
    text
}
