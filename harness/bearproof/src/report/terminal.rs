//! The report for a terminal: counts, the worst findings, why some results say nothing, the verdict. It must
//! not let a byte of a server's answer act on the terminal.

mod behaviour;
mod layout;
mod matrix;
mod table;

use bearproof_conform::results::{CalibrationState, Level, Outcome, Results, Severity, Target, VectorResult};

use bearproof_conform::run::UNSTEADY;

use self::layout::wrap;
use super::group::{
    CauseGroup, broken, by_cause, by_id, calibration_words, observation, plural, requirements, vias,
};
use super::text;
use super::verdict::{exit_code, findings, headline, is_blind};

pub(crate) use self::layout::Colour;
pub(crate) use self::matrix::matrix;

/// How many findings and how many causes are written; the other reports have them all.
const SHOWN: usize = 20;

/// What the terminal can do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    /// Whether colours may be used; nothing is said by colour alone.
    pub(crate) color: bool,
    /// Columns of a line.
    pub(crate) width: usize,
}

/// Writes `results` as lines of text; the last line is the verdict.
pub(crate) fn terminal(results: &Results, style: Style) -> String {
    let mut lines = notes(results, style);
    lines.extend(calibration_problems(results, style));
    lines.extend(table::counts(results, style));
    lines.extend(behaviour::measured(results, style));
    lines.extend(behaviour::changed(results, style));
    lines.extend(worst(results, style));
    let blind = results.vectors.iter().filter(|r| is_blind(results, r));
    lines.extend(causes(blind, ["result without a verdict", "results without a verdict"], style));
    let unsupported = results.vectors.iter().filter(|r| r.outcome == Outcome::Unsupported);
    lines.extend(causes(unsupported, ["vector not run", "vectors not run"], style));
    let colour = match exit_code(results, false) {
        0 => Colour::Green,
        1 => Colour::Red,
        _ => Colour::Yellow,
    };
    lines.push(String::new());
    lines.push(style.paint(colour, &headline(results)));
    lines.push(String::new());
    lines.join("\n")
}

/// What should be known of the way a target was reached.
fn notes(results: &Results, style: Style) -> Vec<String> {
    let lines = results.targets.iter().flat_map(|target| {
        target
            .notes
            .iter()
            .map(|note| format!("{}  {}", style.paint(Colour::Yellow, "NOTE"), text::line(note)))
    });
    let mut lines: Vec<String> = lines.collect();
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// One paragraph for each target that was not judged, or of which more should be known.
fn calibration_problems(results: &Results, style: Style) -> Vec<String> {
    let told =
        |t: &&Target| t.calibration.state != CalibrationState::Ready || !t.calibration.message.is_empty();
    let broken = results.targets.iter().filter(told);
    let mut lines: Vec<String> = broken
        .flat_map(|target| {
            let (mark, colour) = match target.calibration.state {
                CalibrationState::LetsEverybodyIn => ("CRITICAL", Colour::Red),
                CalibrationState::Ready => ("NOTE", Colour::Yellow),
                _ => ("NOT JUDGED", Colour::Yellow),
            };
            let name = text::line(&format!("{} {} ({})", target.scheme, target.via.name(), target.name));
            let state = calibration_words(target.calibration.state);
            let head = format!("{}  {name}: {state}", style.paint(colour, mark));
            [head].into_iter().chain(style.fit(&target.calibration.message, 4))
        })
        .collect();
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// At most [`SHOWN`] findings, each in three to six lines and those that show it once more.
fn worst(results: &Results, style: Style) -> Vec<String> {
    let groups = by_id(findings(results));
    let total = findings(results).count();
    if total == 0 {
        return Vec::new();
    }
    let mut lines = vec![String::new(), style.paint(Colour::Bold, &plural(total, "finding", "findings"))];
    for group in groups.iter().take(SHOWN) {
        lines.push(String::new());
        lines.extend(finding(results, group, style));
    }
    if let Some(more) = groups.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        let vectors = plural(more, "more vector with findings", "more vectors with findings");
        lines.extend([String::new(), format!("{vectors}: the HTML report has them all")]);
    }
    lines
}

/// One vector with its findings. Ways that saw the same share a line.
fn finding(results: &Results, group: &[&VectorResult], style: Style) -> Vec<String> {
    let Some(first) = group.first() else { return Vec::new() };
    let colour = match first.severity {
        Severity::Critical | Severity::High => Colour::Red,
        Severity::Medium | Severity::Low => Colour::Yellow,
    };
    let severity = style.paint(colour, &first.severity.name().to_uppercase());
    let id = style.paint(Colour::Bold, &text::line(&first.id));
    let mut lines = vec![format!("{severity}  {id}  ({})", first.level.name())];

    let mut seen: Vec<(String, Vec<&VectorResult>)> = Vec::new();
    for result in group {
        let words = what_happened(result);
        match seen.iter_mut().find(|(known, _)| *known == words) {
            Some((_, same)) => same.push(result),
            None => seen.push((words, vec![result])),
        }
    }
    // Six lines in all: what several ways saw costs the long texts their second line.
    let long = if seen.len() > 1 { 1 } else { 2 };
    if !first.why.is_empty() {
        lines.extend(style.fit(&first.why, long));
    }
    for (words, same) in &seen {
        lines.extend(style.fit(&format!("{}: {words}", vias(same)), 1));
    }
    let requirement = match requirements(results, first).into_iter().find_map(|(_, known)| known) {
        Some(known) => format!("{} {}: {}", known.id, known.heading, known.says),
        None if first.refs.is_empty() => "no requirement given".to_owned(),
        None => first.refs.join(", "),
    };
    lines.extend(style.fit(&requirement, long));
    // Not broken into lines: they are for a shell.
    lines.extend(first.repeat.iter().map(|c| style.paint(Colour::Dim, &format!("  {}", text::line(c)))));
    lines
}

/// Outcome and, for the first exchange that went wrong, what was expected and what came.
fn what_happened(result: &VectorResult) -> String {
    let number = result.wrong_step();
    let place = number.and_then(|n| result.steps.get(n)).or_else(|| result.steps.last());
    let mut words = result.outcome.name().to_owned();
    if let Some(step) = place {
        let which = match number {
            Some(n) if result.steps.len() > 1 => format!(", step {}", n.saturating_add(1)),
            _ => String::new(),
        };
        words = format!("{words}{which}, {}", observation(step));
        // Where the verdict itself is wrong, a wrong status says nothing more.
        let right = step.observed.as_ref() == Some(&step.expected);
        for assertion in step.assertions.iter().filter(|a| right && !a.held && a.level == Level::Must) {
            words.push_str(&format!("; {}", broken(assertion)));
        }
    }
    if result.cause.is_empty() {
        return words;
    }
    // Where each step went as expected, only the cause says what is wrong (a secret in the answer), and where an
    // answer did not last, the last one is not all.
    match result.outcome {
        Outcome::Fail if number.is_none() || result.cause.starts_with(UNSTEADY) => {
            format!("fail: {}", result.cause)
        }
        Outcome::Fail => words,
        _ => format!("{words}; {}", result.cause),
    }
}

/// Why results say nothing, equal causes together, under a title for one and for many.
fn causes<'a>(
    results: impl Iterator<Item = &'a VectorResult>,
    [one, many]: [&str; 2],
    style: Style,
) -> Vec<String> {
    let groups = by_cause(results);
    if groups.is_empty() {
        return Vec::new();
    }
    let total = groups.iter().map(|g| g.results.len()).sum();
    let title = plural(total, one, many);
    let mut lines = vec![String::new(), style.paint(Colour::Bold, &title)];
    for group in groups.iter().take(SHOWN) {
        lines.extend(style.fit(&cause(group), 2));
    }
    if let Some(more) = groups.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        lines.push(format!("  and {}", plural(more, "more cause", "more causes")));
    }
    lines
}

fn cause(group: &CauseGroup<'_>) -> String {
    let example = group.results.first().map_or("", |r| r.id.as_str());
    let cause = if group.cause.is_empty() { "no cause given" } else { group.cause };
    format!("{} {}: {cause} (for example {example})", group.results.len(), group.outcome.name())
}

impl Style {
    /// `text` made harmless, indented and cut to `most` lines.
    fn fit(self, text: &str, most: usize) -> Vec<String> {
        let room = self.width.saturating_sub(2).max(20);
        wrap(&text::line(text), room, most).into_iter().map(|line| format!("  {line}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{calibrated, fail, hostile, many, one_of, result, results, step, target};
    use bearproof_conform::results::Via;

    const PLAIN: Style = Style { color: false, width: 100 };

    #[test]
    fn no_byte_of_a_server_acts_on_the_terminal() {
        let out = terminal(&hostile(), PLAIN);
        assert!(out.contains(r"\x1b[31mred\x1b]0;title\x07"), "{out}");
        assert!(!out.chars().any(|c| c.is_control() && c != '\n'), "{out:?}");
        assert!(!out.contains('\u{202e}'));
    }

    #[test]
    fn with_colour_only_our_own_sequences_are_written() {
        let out = terminal(&hostile(), Style { color: true, width: 100 });
        assert!(out.contains("\x1b["));
        let known = ["1m", "31m", "32m", "33m", "2m", "0m"];
        for rest in out.split("\x1b[").skip(1) {
            assert!(known.iter().any(|k| rest.starts_with(k)), "{rest:?}");
        }
    }

    #[test]
    fn the_last_line_is_the_verdict() {
        let out = terminal(&one_of(&[Outcome::Fail, Outcome::Pass]), PLAIN);
        assert_eq!(out.lines().last(), Some("1 finding: 1 high"));
        assert!(out.ends_with('\n'));
    }

    #[test]
    fn a_finding_says_why_what_and_where() {
        let out = terminal(&one_of(&[Outcome::Fail]), PLAIN);
        let want = "HIGH  a/f/0  (must)\n  takes a token that ended\n  \
                    http: fail, expected reject, observed accept, status 200\n  \
                    REQ-1 Making a token: the token ends within a minute\n";
        assert!(out.contains(want), "{out}");
    }

    #[test]
    fn a_finding_takes_three_to_six_lines_and_its_commands_are_whole() {
        let long = "word ".repeat(200);
        let mut vectors: Vec<_> =
            [Via::InProcess, Via::Http, Via::Https].map(|via| fail("a/f/long", via)).into();
        for (vector, status) in vectors.iter_mut().zip([200, 201, 202]) {
            vector.why = long.clone();
            vector.steps = vec![step("reject", "accept", status)];
        }
        let mut bare = fail("a/f/short", Via::Http);
        (bare.why, bare.refs) = (String::new(), vec![]);
        let results = results(vec![target("a", Via::Http)], vectors);
        let lines = |group: &[&VectorResult]| finding(&results, group, PLAIN).len();
        assert_eq!(lines(&results.vectors.iter().collect::<Vec<_>>()), 6);
        assert_eq!(lines(&[results.vectors.first().unwrap()]), 5);
        assert_eq!(lines(&[&bare]), 3);
        bare.repeat = vec![long, "second".into()];
        assert_eq!(lines(&[&bare]), 5);
    }

    #[test]
    fn at_most_twenty_findings_are_written() {
        let out = terminal(&many(&[(Outcome::Fail, 33)], 40), PLAIN);
        assert_eq!(out.matches("HIGH  a/f/").count(), 20);
        assert!(out.contains("13 more vectors with findings"));
        assert!(out.contains("\n33 findings\n"));
    }

    #[test]
    fn of_several_steps_the_wrong_one_is_told() {
        let mut one = fail("a/f/1", Via::Http);
        one.steps = vec![step("accept", "accept", 200), step("reject", "accept", 204)];
        let words = what_happened(&one);
        assert_eq!(words, "fail, step 2, expected reject, observed accept, status 204");
    }

    #[test]
    fn equal_causes_are_told_once() {
        let out = terminal(&many(&[(Outcome::Inconclusive, 7), (Outcome::Error, 2)], 30), PLAIN);
        assert!(
            out.contains(
                "9 results without a verdict\n  7 inconclusive: cause of inconclusive (for example a/f/0)\n"
            ),
            "{out}"
        );
        assert!(out.contains("\n  2 error: cause of error (for example a/f/"));
    }

    #[test]
    fn what_was_not_run_is_told_with_its_cause() {
        let out = terminal(&many(&[(Outcome::Unsupported, 3)], 30), PLAIN);
        assert!(
            out.contains("3 vectors not run\n  3 unsupported: cause of unsupported (for example"),
            "{out}"
        );
    }

    #[test]
    fn calibration_problems_come_first() {
        let targets = vec![
            calibrated("b", CalibrationState::LetsEverybodyIn),
            calibrated("c", CalibrationState::Unreachable),
        ];
        let out = terminal(&results(targets, vec![result("a/f/1", Via::Http, Outcome::Fail)]), PLAIN);
        assert!(
            out.starts_with("CRITICAL  b http (reference): lets everybody in\n  calibration of b\n"),
            "{out}"
        );
        assert!(out.contains("NOT JUDGED  c http (reference): unreachable\n"));
    }
}
