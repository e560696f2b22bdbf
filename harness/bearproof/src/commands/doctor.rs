//! `doctor`: says in a few requests whether a target can be judged, and what is missing. It must not judge it.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use bearproof_conform::checkup::{Check, Known, Sign, endpoints};
use bearproof_conform::login::Logins;
use bearproof_conform::outlook::{Outlook, measuring};
use bearproof_conform::redact::{Redactor, mask_tokens};
use bearproof_conform::results::Via;
use bearproof_conform::suite::Suite;

use super::target::{self, Profile, Reaching};
use super::{Done, Failure, RunId, load_suite, outlook, run};
use crate::clock::system_now;
use crate::http_subject::{Http, HttpSubjects};
use crate::pace::Pacing;

/// What `doctor` is asked for.
pub(crate) struct Options {
    pub(crate) vectors: Option<PathBuf>,
    pub(crate) profile: PathBuf,
    pub(crate) reaching: Reaching,
}

/// Checks, and says what was found. The output has no secret.
pub(crate) fn doctor(options: &Options) -> Result<Done, Failure> {
    let suite = load_suite(options.vectors.as_deref())?;
    let profile = target::read(&suite, &options.profile)?;
    let http = profile.http(&options.reaching, &Pacing::default())?;
    let life = profile.life(system_now())?;
    let mut checks = vec![of_profile(&profile)];
    checks.extend(life.as_ref().map(|life| check("captured", Sign::Note, life.words(system_now()))));
    checks.extend(profile.notes().into_iter().map(|note| check("profile", Sign::Note, note)));
    checks.extend(connection(&http));
    if checks.iter().all(|c| c.sign != Sign::Unreachable) {
        checks.extend(requests(&suite, &profile, &http, life.and_then(|life| life.ends))?);
        checks.push(clock(&http));
    }
    let mut text = checks.iter().map(line).collect::<String>();
    text.push_str(&what_can_be_judged(&suite, &profile)?);
    text.push_str(&format!("{} requests were sent\n", http.pace.sent()));
    let output = mask_tokens(&Redactor::of_world(&profile.variant.world).redact(&text));
    Ok(Done { output: output.into_bytes(), code: code(&checks) })
}

fn check(about: &str, sign: Sign, says: String) -> Check {
    Check { about: about.into(), sign, says }
}

fn line(check: &Check) -> String {
    let sign = match check.sign {
        Sign::Good => "ok",
        Sign::Note => "note",
        Sign::Bad => "BAD",
        Sign::Open => "OPEN",
        Sign::Unreachable => "DOWN",
    };
    // What a server says goes to a terminal.
    format!("{sign:<5} {:<21} {}\n", check.about, crate::report::text::line(&check.says))
}

/// The code that a run would end with, as far as this can be seen from here.
fn code(checks: &[Check]) -> u8 {
    let any = |sign: Sign| checks.iter().any(|c| c.sign == sign);
    // One endpoint that lets the good credential in is enough to judge.
    let any_good = checks.iter().any(|c| c.sign == Sign::Good && c.about.starts_with("endpoint "));
    match () {
        () if any(Sign::Unreachable) => 3,
        () if any(Sign::Open) => 1,
        () if any(Sign::Bad) && !any_good => 4,
        () if any(Sign::Bad) => 1,
        () => 0,
    }
}

fn of_profile(profile: &Profile) -> Check {
    let world = &profile.variant.world;
    let roles = |roles: Vec<&str>| roles.join(", ");
    let callers = roles(world.credentials.iter().map(|c| c.role.as_str()).collect());
    let endpoints = roles(world.endpoints.iter().map(|e| e.role.as_str()).collect());
    let says =
        format!("{} at {}; callers: {callers}; endpoints: {endpoints}", profile.scheme.id, world.origin);
    check("profile", Sign::Good, says)
}

/// Name and connection, before anything is asked.
fn connection(http: &Http) -> Vec<Check> {
    let origin = &http.origin;
    let addresses = match http.lanes.run(async |client| client.addresses(origin).await) {
        Ok(addresses) => addresses,
        Err(error) => return vec![check("name", Sign::Unreachable, error.to_string())],
    };
    let found: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let name = check("name", Sign::Good, format!("{} is {}", origin.host, found.join(", ")));
    let how = if origin.secure { "a TLS connection" } else { "a connection without TLS" };
    let opened = match http.lanes.run(async |client| client.open(origin).await) {
        Ok(()) => check("connection", Sign::Good, format!("{how} to {origin} was opened")),
        Err(error) => check("connection", Sign::Unreachable, error.to_string()),
    };
    vec![name, opened]
}

/// `ends`: when what was captured ends, in seconds since 1970 UTC.
fn requests(suite: &Suite, profile: &Profile, http: &Http, ends: Option<u64>) -> Result<Vec<Check>, Failure> {
    let published = run::all_of(suite, &profile.scheme)?.plots;
    let deviations = profile.deviations(&published, false)?;
    let known = Known { plots: &profile.plots(published), deviations: &deviations, now: system_now() };
    let id = RunId::fresh()?.text();
    let subjects = HttpSubjects {
        targets: vec![(Vec::new(), http)],
        via: if http.origin.secure { Via::Https } else { Via::Http },
        lacks: &|need| profile.lacks(need),
        concurrency: 1,
        logins: Some(Logins::default()),
        ends,
        run: &id,
        tag: profile.variant.world.connect.tag.as_deref(),
    };
    let redactor = Redactor::of_world(&profile.variant.world);
    Ok(endpoints(&profile.variant, known, &subjects, &redactor, &id))
}

fn clock(http: &Http) -> Check {
    let Some(ahead) = http.learnt.seen_date().then(|| http.learnt.date.load(Ordering::Relaxed)) else {
        let says = "its answers have no Date: whether its clock is right is not known".into();
        return check("clock", Sign::Note, says);
    };
    let side = if ahead >= 0 { "ahead of" } else { "behind" };
    let says = format!("the server's clock is {} s {side} ours", ahead.unsigned_abs());
    check("clock", if ahead.abs() <= 1 { Sign::Good } else { Sign::Note }, says)
}

fn what_can_be_judged(suite: &Suite, profile: &Profile) -> Result<String, Failure> {
    let all = profile.plots(run::all_of(suite, &profile.scheme)?.plots);
    let found = Outlook::of(&all, &|need| profile.lacks(need));
    let measures = suite.measures.as_ref().map_or(0, measuring);
    Ok(format!(
        "\n{} of {} vectors can be asked, with about {} requests, and up to {measures} more to measure\n{}\n",
        found.asked,
        all.len(),
        found.requests,
        outlook::text(&found)
    ))
}
