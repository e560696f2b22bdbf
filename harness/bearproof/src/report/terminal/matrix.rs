//! Servers side by side, as lines of text: a number for each, then families and vectors. It must not judge.

use super::layout::Colour;
use super::{SHOWN, Style};
use crate::report::group::{calibration_words, plural, words_of};
use crate::report::matrix::{Family, Matrix, Row, Tally, is_wrong};
use crate::report::text;

const DIFFER: &str = "families in which they differ";
const AGREE: &str = "families in which they agree";

/// Writes the matrix; what was measured stands in the HTML report.
pub(crate) fn matrix(matrix: &Matrix<'_>, style: Style) -> String {
    let mut lines = vec![style.paint(Colour::Bold, "servers")];
    for (number, server) in numbered(&matrix.servers) {
        let target = server.target;
        let name = format!("{}  {} {}", target.name, target.scheme, target.via.name());
        let (file, found) = (text::line(server.file), calibration_words(target.calibration.state));
        lines.push(format!("{number:>4}  {}  {}  {found}  ({file})", text::line(&name), words(server.tally)));
    }
    let (differ, same): (Vec<_>, Vec<_>) = matrix.families.iter().partition(|f| f.differing > 0);
    let names = matrix.families.iter().map(|f| text::line(f.name).chars().count());
    let name = names.chain([DIFFER.len(), AGREE.len()]).max().unwrap_or(0);
    for (families, title) in [(differ, DIFFER), (same, AGREE)] {
        if !families.is_empty() {
            lines.push(String::new());
            lines.extend(table(&families, matrix.servers.len(), (title, name), style));
        }
    }
    let total = matrix.differences.len();
    lines.extend([String::new(), style.paint(Colour::Bold, &count(total))]);
    for row in matrix.differences.iter().take(SHOWN) {
        lines.extend(difference(row, style));
    }
    if let Some(more) = total.checked_sub(SHOWN).filter(|more| *more > 0) {
        lines.push(format!("{more} more: the HTML report has them all"));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn count(total: usize) -> String {
    match total {
        0 => "no vector is answered differently".into(),
        _ => format!("{} answered differently", plural(total, "vector is", "vectors are")),
    }
}

/// Each with its number, from 1.
fn numbered<T>(all: &[T]) -> impl Iterator<Item = (usize, &T)> {
    (1_usize..).zip(all)
}

fn table(
    families: &[&Family<'_>],
    servers: usize,
    (title, name): (&str, usize),
    style: Style,
) -> Vec<String> {
    let texts: Vec<Vec<String>> =
        families.iter().map(|f| f.cells.iter().map(|cell| short(*cell)).collect()).collect();
    let width = texts.iter().flatten().map(String::len).max().unwrap_or(1).max(3);
    let head: String = (1..=servers).map(|number| format!("  {number:>width$}")).collect();
    let mut lines = vec![style.paint(Colour::Bold, &format!("{title:name$}{head}"))];
    for (family, texts) in families.iter().zip(texts) {
        let mut line = format!("{:name$}", text::line(family.name));
        for (cell, text) in family.cells.iter().zip(texts) {
            let padded = format!("{text:>width$}");
            let wrong = cell.is_some_and(|tally| tally.wrong > 0);
            line.push_str("  ");
            line.push_str(&if wrong { style.paint(Colour::Red, &padded) } else { padded });
        }
        lines.push(line);
    }
    lines
}

/// As expected of judged; `-` where nothing was judged.
fn short(cell: Option<Tally>) -> String {
    match cell {
        Some(Tally { judged, wrong, .. }) if judged > 0 => {
            format!("{}/{judged}", judged.saturating_sub(wrong))
        }
        _ => "-".into(),
    }
}

fn words(tally: Tally) -> String {
    let Tally { judged, wrong, unseen } = tally;
    format!("{wrong} wrong of {judged} judged, {unseen} not judged")
}

fn difference(row: &Row<'_>, style: Style) -> Vec<String> {
    let severity = row.severity.name().to_uppercase();
    let mut lines = vec![format!("{}  {severity}", style.paint(Colour::Bold, &text::line(row.id)))];
    for (number, cell) in numbered(&row.cells) {
        let Some(result) = cell else { continue };
        let words = words_of(result);
        let words = if is_wrong(result) { style.paint(Colour::Red, &words) } else { words };
        lines.push(format!("{number:>4}  {words}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{hostile, result, results, target};
    use bearproof_conform::results::{Outcome, Results, Via};

    const PLAIN: Style = Style { color: false, width: 100 };

    fn file(name: &str, outcome: Outcome) -> (String, Results) {
        let vectors =
            vec![result("a/beta/x", Via::Http, outcome), result("a/alpha/x", Via::Http, Outcome::Pass)];
        (name.into(), results(vec![target("a", Via::Http)], vectors))
    }

    #[test]
    fn each_server_has_a_number_and_differences_come_first() {
        let files = [file("one.json", Outcome::Pass), file("two.json", Outcome::Fail)];
        let out = matrix(&Matrix::of(&files), PLAIN);
        let at = |words: &str| out.find(words).unwrap_or_else(|| panic!("no `{words}`: {out}"));
        let row = |family: &str, cells: &str| format!("\n{family:29}  {cells}\n");
        let order = [
            "   1  reference  a http  0 wrong of 2 judged",
            "   2  reference  a http  1 wrong of 2 judged",
            &row("families in which they differ", "  1    2"),
            &row("beta", "1/1  0/1"),
            &row("alpha", "1/1  1/1"),
            "1 vector is answered differently\nbeta/x  HIGH\n",
            "   1  pass (reject 401)\n   2  fail (accept 200)\n",
        ];
        assert!(order.map(at).is_sorted(), "{out}");
    }

    #[test]
    fn no_byte_of_a_file_acts_on_the_terminal() {
        let files = [("one\x1b[31m.json".to_owned(), hostile()), file("two.json", Outcome::Fail)];
        let out = matrix(&Matrix::of(&files), PLAIN);
        assert!(!out.contains('\x1b') && !out.contains('\u{202e}'), "{out}");
    }
}
