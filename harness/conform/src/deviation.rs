//! Known deviations of a target: a file of entries that say what is seen instead of what is expected, and why that is
//! borne. It must not excuse anything else.

use bearproof_scheme::document::{Item, Table, nearest};
use bearproof_scheme::time::parse_rfc3339;
use bearproof_scheme::{Fault, document};

use crate::drive::LEAK;
use crate::results::{Known, Outcome, VectorResult};

/// The entries of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deviations(Vec<Deviation>);

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Deviation {
    /// As it is written; see [`observation`] for what is seen.
    known: Known,
    /// The end of its last day in seconds since 1970 UTC.
    end: Option<u64>,
}

/// What is seen of a result, as an entry writes it: verdict and status of the first exchange that was not as expected,
/// `reject 403`, or `no answer`.
pub fn observation(result: &VectorResult) -> String {
    let wrong = result.wrong_step().and_then(|number| result.steps.get(number));
    let Some(step) = wrong.or_else(|| result.steps.last()) else { return NO_ANSWER.into() };
    match (&step.observed, step.status) {
        (Some(observed), Some(status)) => format!("{observed} {status}"),
        (Some(observed), None) => observed.clone(),
        (None, _) => NO_ANSWER.into(),
    }
}

const NO_ANSWER: &str = "no answer";

/// Whether an outcome can be a known deviation. A secret in an answer never is.
fn deviates(result: &VectorResult) -> bool {
    matches!(result.outcome, Outcome::Fail | Outcome::Hang) && result.cause != LEAK
}

impl Deviations {
    /// Reads a file for a scheme that has vectors of these ids.
    ///
    /// # Errors
    /// The first [`Fault`]: an entry without a reason, one that names no vector or a vector that another one names.
    pub fn load(file: &str, text: &str, ids: &[&str]) -> Result<Self, Fault> {
        document::parse(file, text, |root| {
            let format = root.need("format", "write `format = 1`")?;
            if format.integer()? != 1 {
                return Err(format.fault("this format is not known", "write `format = 1`"));
            }
            let mut all: Vec<Deviation> = Vec::new();
            let Some(entries) = root.get("deviation") else { return Ok(Self(all)) };
            for entry in entries.list()? {
                let read = entry.table(|table| read(table, ids, &all))?;
                all.push(read);
            }
            Ok(Self(all))
        })
    }

    /// The entries as results have them.
    pub fn entries(&self) -> Vec<Known> {
        self.0.iter().map(|d| d.known.clone()).collect()
    }

    /// The entries that results have.
    ///
    /// # Errors
    /// Which last day is none.
    pub fn of_entries(entries: &[Known]) -> Result<Self, String> {
        let read = |known: &Known| {
            let end = known.until.as_ref().map(|day| {
                end_of(day).ok_or_else(|| format!("`{day}` of `{}` is no day after 1969", known.vector))
            });
            Ok(Deviation { known: known.clone(), end: end.transpose()? })
        };
        entries.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    fn of(&self, id: &str) -> Option<&Deviation> {
        self.0.iter().find(|d| fits(&d.known.vector, id))
    }

    /// Takes off what [`Self::apply`] marked, so that it can be marked anew.
    pub fn take_off(&self, results: &mut [VectorResult]) {
        for result in results {
            let Some(known) = self.of(&result.id) else { continue };
            match result.outcome {
                Outcome::Xfail if observation(result) == NO_ANSWER => result.outcome = Outcome::Hang,
                Outcome::Xfail => result.outcome = Outcome::Fail,
                Outcome::Xpass => (result.outcome, result.cause) = (Outcome::Pass, String::new()),
                _ => {
                    let mut marks = known.over().into_iter().chain([known.otherwise(&observation(result))]);
                    let plain = marks.find_map(|mark| result.cause.strip_prefix(mark.as_str()));
                    if let Some(plain) = plain.map(String::from) {
                        result.cause = plain;
                    }
                }
            }
        }
    }

    /// Marks what is known in `results`; `now` in seconds since 1970 UTC. What is known and not seen any more is a
    /// finding, and so is what is seen otherwise than known.
    pub fn apply(&self, results: &mut [VectorResult], now: u64) {
        for result in results {
            let Some(known) = self.of(&result.id) else { continue };
            let over = known.over().filter(|_| known.end.is_some_and(|end| now >= end));
            let seen = observation(result);
            let (outcome, cause) = match (deviates(result), over) {
                (true, Some(over)) => (result.outcome, over + &result.cause),
                (true, None) if seen == known.known.observed => (Outcome::Xfail, result.cause.clone()),
                (true, None) => (result.outcome, known.otherwise(&seen) + &result.cause),
                (false, _) if result.outcome == Outcome::Pass => (Outcome::Xpass, known.gone()),
                (false, _) => continue,
            };
            (result.outcome, result.cause) = (outcome, cause);
        }
    }

    /// Entries for what is not known yet, as text to put at the end of the file; each without its reason.
    pub fn update(&self, results: &[VectorResult]) -> String {
        let new = |r: &&VectorResult| deviates(r) && self.of(&r.id).is_none();
        let entry = |r: &VectorResult| {
            let (id, observed) = (&r.id, observation(r));
            format!("\n[[deviation]]\nvector   = \"{id}\"\nobserved = \"{observed}\"\nreason   = \"\"\n")
        };
        results.iter().filter(new).map(entry).collect()
    }
}

impl Deviation {
    /// Why an entry is wrong that covers a vector which passes.
    fn gone(&self) -> String {
        let vector = &self.known.vector;
        if vector.contains('*') {
            format!("`{vector}` covers a vector that passes: name only those that do not")
        } else {
            format!("`{vector}` passes: take it off the known deviations")
        }
    }

    /// How the cause begins when the last day is over; `None` if there is no last day.
    fn over(&self) -> Option<String> {
        let until = self.known.until.as_ref()?;
        Some(format!("known until {until}, which is over; "))
    }

    /// How the cause begins when something else was seen.
    fn otherwise(&self, seen: &str) -> String {
        format!("known is `{}` and not `{seen}`; ", self.known.observed)
    }
}

fn read(table: &Table<'_>, ids: &[&str], before: &[Deviation]) -> Result<Deviation, Fault> {
    let item = table.need("vector", "the id of a vector; `*` stands for any letters within a part")?;
    let vector = item.text()?;
    let covered: Vec<&&str> = ids.iter().filter(|id| fits(&vector, id)).collect();
    if covered.is_empty() {
        let near = nearest(&vector, ids.iter().copied());
        let near = if near.starts_with("did") { near } else { "`bearproof list` names all".into() };
        return Err(item.fault(format!("`{vector}` fits no vector"), near));
    }
    let twice = covered.iter().find_map(|id| Some((id, before.iter().find(|d| fits(&d.known.vector, id))?)));
    if let Some((id, other)) = twice {
        let message = format!("`{id}` is covered by `{}` before", other.known.vector);
        return Err(item.fault(message, "keep one of the two"));
    }
    let reason = table.need("reason", "why it is borne")?;
    if reason.text()?.trim().is_empty() {
        return Err(reason.fault("a known deviation needs its reason", "write why it is borne"));
    }
    // Who has to answer for it: for people alone.
    table.get("owner").map(|owner| owner.text()).transpose()?;
    let until = table.get("until").map(|item| day(&item)).transpose()?;
    let (until, end) = until.unzip();
    Ok(Deviation { known: Known { vector, observed: observed(table)?, until }, end })
}

fn observed(table: &Table<'_>) -> Result<String, Fault> {
    let what = "`accept`, `reject` and the status, such as `reject 403`, or `no answer`";
    let item = table.need("observed", what)?;
    let text = item.text()?;
    let status = |s: &str| s.len() == 3 && s.bytes().all(|b| b.is_ascii_digit());
    let good = match text.split_once(' ') {
        Some(("accept" | "reject", code)) => status(code),
        _ => text == NO_ANSWER || text == "accept" || text == "reject",
    };
    if good {
        Ok(text)
    } else {
        Err(item.fault(format!("`{text}` is no observation"), format!("write {what}")))
    }
}

/// A day, and its end.
fn day(item: &Item<'_>) -> Result<(String, u64), Fault> {
    let day = item.date()?;
    let end = end_of(&day);
    let end = end.ok_or_else(|| item.fault(format!("`{day}` lies before 1970"), "write the last day"))?;
    Ok((day, end))
}

/// The end of a day in seconds since 1970 UTC.
fn end_of(day: &str) -> Option<u64> {
    parse_rfc3339(&format!("{day}T00:00:00Z")).map(|start| start.saturating_add(24 * 60 * 60))
}

/// Whether an id is the pattern's: part by part, `*` for any letters.
fn fits(pattern: &str, id: &str) -> bool {
    let (patterns, parts) = (pattern.split('/'), id.split('/'));
    patterns.clone().count() == parts.clone().count()
        && patterns.zip(parts).all(|(p, part)| part_fits(p, part))
}

fn part_fits(pattern: &str, part: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == part };
    let Some(mut left) = part.strip_prefix(start) else { return false };
    let Some((middle, end)) = rest.rsplit_once('*') else { return left.ends_with(rest) };
    for piece in middle.split('*') {
        let Some((_, after)) = left.split_once(piece) else { return false };
        left = after;
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Level, Severity, StepResult, Via};

    const IDS: [&str; 3] = ["a/time/late", "a/time/late-for-a-read", "a/carrier/missing"];

    fn file(entries: &str) -> Result<Deviations, String> {
        Deviations::load("d.toml", &format!("format = 1\n{entries}"), &IDS).map_err(|f| f.to_string())
    }

    fn entry(vector: &str, more: &str) -> String {
        format!(
            "[[deviation]]\nvector = \"{vector}\"\nobserved = \"reject 403\"\nreason = \"it is so\"\n{more}"
        )
    }

    fn result(id: &str, outcome: Outcome, status: u16) -> VectorResult {
        VectorResult {
            id: id.into(),
            via: Via::Http,
            level: Level::Must,
            severity: Severity::Low,
            outcome,
            cause: "status".into(),
            why: String::new(),
            refs: vec![],
            repeat: vec![],
            steps: vec![StepResult {
                expected: "reject".into(),
                observed: Some("reject".into()),
                status: Some(status),
                reason: None,
                assertions: vec![],
                exchange: None,
            }],
        }
    }

    fn applied(known: &str, mut result: VectorResult, now: u64) -> (Outcome, String) {
        let mut results = [result.clone()];
        file(known).unwrap().apply(&mut results, now);
        let [one] = results;
        result = one;
        (result.outcome, result.cause)
    }

    #[test]
    fn only_what_is_written_is_borne() {
        let known = entry("a/time/late", "");
        let after = |outcome, status| applied(&known, result("a/time/late", outcome, status), 0);
        assert_eq!(after(Outcome::Fail, 403).0, Outcome::Xfail);
        let (outcome, cause) = after(Outcome::Fail, 500);
        assert_eq!(
            (outcome, cause.as_str()),
            (Outcome::Fail, "known is `reject 403` and not `reject 500`; status")
        );
        assert_eq!(after(Outcome::Pass, 401).0, Outcome::Xpass);
        assert_eq!(after(Outcome::Inconclusive, 403).0, Outcome::Inconclusive);
        assert_eq!(applied(&known, result("a/carrier/missing", Outcome::Fail, 403), 0).0, Outcome::Fail);
    }

    #[test]
    fn marks_come_off_again() {
        let known = entry("a/time/late", "until = 1970-01-02\n");
        let mut hang = result("a/time/late", Outcome::Hang, 0);
        hang.steps[0].observed = None;
        let mut pass = result("a/time/late", Outcome::Pass, 401);
        pass.cause = String::new();
        let cases = [
            (known.clone(), result("a/time/late", Outcome::Fail, 403)),
            (known.clone(), result("a/time/late", Outcome::Fail, 500)),
            (known.replace("reject 403", "no answer"), hang),
            (known, pass),
        ];
        for (known, before) in cases {
            let known = file(&known).unwrap();
            let known = Deviations::of_entries(&known.entries()).unwrap();
            for now in [0, 2 * 86_400] {
                let mut results = [before.clone()];
                known.apply(&mut results, now);
                assert_ne!(results[0], before, "{now}");
                known.take_off(&mut results);
                assert_eq!(results[0], before, "{now}");
            }
        }
        assert!(
            Deviations::of_entries(&[Known {
                vector: "a".into(),
                observed: "accept".into(),
                until: Some("soon".into())
            }])
            .is_err()
        );
    }

    #[test]
    fn a_secret_in_an_answer_is_never_borne() {
        let mut leak = result("a/time/late", Outcome::Fail, 403);
        leak.cause = LEAK.into();
        assert_eq!(applied(&entry("a/time/late", ""), leak, 0).0, Outcome::Fail);
    }

    #[test]
    fn an_entry_ends_with_its_last_day() {
        let known = entry("a/time/late", "until = 1970-01-02\n");
        let late = || result("a/time/late", Outcome::Fail, 403);
        assert_eq!(applied(&known, late(), 2 * 86_400 - 1).0, Outcome::Xfail);
        let (outcome, cause) = applied(&known, late(), 2 * 86_400);
        assert_eq!(
            (outcome, cause.as_str()),
            (Outcome::Fail, "known until 1970-01-02, which is over; status")
        );
    }

    #[test]
    fn a_pattern_that_covers_too_much_is_told() {
        let (outcome, cause) = applied(&entry("a/*/late*", ""), result("a/time/late", Outcome::Pass, 401), 0);
        assert_eq!(outcome, Outcome::Xpass);
        assert_eq!(cause, "`a/*/late*` covers a vector that passes: name only those that do not");
    }

    #[test]
    fn what_can_not_be_meant_is_refused_at_its_place() {
        let refused = |entries: &str, words: &str| {
            let Err(message) = file(entries) else { panic!("not refused:\n{entries}") };
            assert!(message.contains(words), "{message}");
        };
        refused(
            &entry("a/time/lat", ""),
            "d.toml:3:10: `a/time/lat` fits no vector\n  help: did you mean `a/time/late`?",
        );
        refused(&entry("a/*", ""), "`a/*` fits no vector");
        refused(
            &(entry("a/time/*", "") + &entry("a/time/late", "")),
            "d.toml:7:10: `a/time/late` is covered by `a/time/*`",
        );
        refused(
            &entry("a/time/late", "").replace("it is so", " "),
            "d.toml:5:10: a known deviation needs its reason",
        );
        refused(&entry("a/time/late", "").replace("reject 403", "403"), "`403` is no observation");
        refused(&entry("a/time/late", "until = \"soon\"\n"), "d.toml:6:9");
        refused(&entry("a/time/late", "ownr = \"me\"\n"), "unknown word `ownr`");
    }

    #[test]
    fn new_entries_need_their_reason_before_they_load() {
        let known = file(&entry("a/time/late", "")).unwrap();
        let results =
            [result("a/time/late", Outcome::Fail, 403), result("a/carrier/missing", Outcome::Fail, 200)];
        let text = known.update(&results);
        let want =
            "\n[[deviation]]\nvector   = \"a/carrier/missing\"\nobserved = \"reject 200\"\nreason   = \"\"\n";
        assert_eq!(text, want);
        let Err(message) = file(&text) else { panic!("an entry without a reason loads:\n{text}") };
        assert!(message.contains("needs its reason"), "{message}");
    }
}
