//! What was measured of a target and what was changed there, as lines of text. It must not judge.

use bearproof_conform::results::{Results, Target};

use super::Style;
use super::layout::Colour;
use crate::report::group::plural;
use crate::report::text;

/// Widest column of questions.
const WIDEST: usize = 60;

/// One table for each target that something was asked of.
pub(super) fn measured(results: &Results, style: Style) -> Vec<String> {
    results.targets.iter().filter(|t| !t.behaviour.is_empty()).flat_map(|t| table(t, style)).collect()
}

/// What the run changed on each target where it did.
pub(super) fn changed(results: &Results, style: Style) -> Vec<String> {
    let changed = results.targets.iter().filter(|t| !t.changes.is_empty());
    changed
        .flat_map(|target| {
            let head = format!("what this run did on {} beside asking", text::line(&target.name));
            let lines = target.changes.iter().map(|change| format!("  {}", text::line(change)));
            [String::new(), style.paint(Colour::Bold, &head)].into_iter().chain(lines)
        })
        .collect()
}

fn table(target: &Target, style: Style) -> Vec<String> {
    let asks: Vec<String> = target.behaviour.iter().map(|b| text::line(&b.asks)).collect();
    let width = asks.iter().map(|a| a.chars().count()).max().unwrap_or(0).min(WIDEST);
    let count = plural(asks.len(), "behaviour", "behaviours");
    let head = format!("how {} behaves: {count} measured, not judged", text::line(&target.name));
    let rows = asks.iter().zip(&target.behaviour).map(|(asks, row)| {
        let refs = row.refs.join(", ");
        let refs = if refs.is_empty() { refs } else { format!("  ({})", text::line(&refs)) };
        format!("  {asks:width$}  {}{}", text::line(&row.seen), style.paint(Colour::Dim, &refs))
    });
    [String::new(), style.paint(Colour::Bold, &head)].into_iter().chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{HOSTILE, results, target};
    use bearproof_conform::results::{Behaviour, Via};

    #[test]
    fn what_was_changed_is_listed_and_nothing_is_said_where_nothing_was() {
        let mut one = target("a", Via::Http);
        let style = Style { color: false, width: 100 };
        assert_eq!(changed(&results(vec![one.clone()], vec![]), style), Vec::<String>::new());
        one.changes = vec![format!("POST /a{HOSTILE} was let in: twice")];
        let lines = changed(&results(vec![one], vec![]), style);
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|l| !l.contains('\u{1b}')), "{lines:?}");
        assert!(lines.last().unwrap().ends_with("was let in: twice"), "{lines:?}");
    }

    #[test]
    fn each_question_is_a_row_and_no_byte_of_an_answer_acts() {
        let row = |asks: &str, seen: &str| Behaviour {
            name: "n".into(),
            asks: asks.into(),
            seen: seen.into(),
            refs: vec!["REQ-1".into()],
        };
        let mut asked = target("alpha", Via::Http);
        asked.behaviour = vec![row("late", "let in up to 5 s"), row("a longer question", HOSTILE)];
        let lines = measured(
            &results(vec![asked, target("beta", Via::Http)], vec![]),
            Style { color: false, width: 80 },
        );
        assert_eq!(lines[1], "how reference behaves: 2 behaviours measured, not judged");
        assert_eq!(lines[2], "  late               let in up to 5 s  (REQ-1)");
        assert!(!lines[3].contains('\x1b'), "{}", lines[3]);
        assert_eq!(lines.len(), 4);
    }
}
