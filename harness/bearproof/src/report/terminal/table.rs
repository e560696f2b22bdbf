//! The table of counts, scheme by way. It must not leave out an outcome, also where its count is zero.

use bearproof_conform::results::{Counts, Outcome, Results};

use super::Style;
use super::layout::Colour;
use crate::report::group::per_target;
use crate::report::text;

/// Headings and spaces between columns: as words, or short where the words do not fit.
struct Form {
    headings: [&'static str; 8],
    gap: usize,
}

/// Short headings, in the order of [`Outcome::ALL`].
const SHORT: [&str; 8] = ["pass", "fail", "xfail", "xpass", "inconcl", "unsupp", "error", "hang"];

/// One line for the headings, one for each target, one for the totals.
pub(super) fn counts(results: &Results, style: Style) -> Vec<String> {
    let mut rows: Vec<(String, &str, Counts)> = per_target(results)
        .into_iter()
        .map(|((scheme, via), vectors)| (text::line(scheme), via.name(), Counts::of(vectors)))
        .collect();
    rows.push(("total".to_owned(), "", Counts::of(&results.vectors)));

    let words = Form { headings: Outcome::ALL.map(Outcome::name), gap: 2 };
    let form = [words, Form { headings: SHORT, gap: 2 }]
        .into_iter()
        .find(|form| form.width(&rows) <= style.width)
        .unwrap_or(Form { headings: SHORT, gap: 1 });
    let (scheme, via) = label_widths(&rows);
    let gap = " ".repeat(form.gap);

    let numbers = |counts: &Counts| -> Vec<String> {
        form.headings
            .iter()
            .zip(form.widths(&rows))
            .zip(Outcome::ALL)
            .map(|((_, width), outcome)| cell(style, outcome, counts.count(outcome), width))
            .collect()
    };
    let headings: Vec<_> =
        form.headings.iter().zip(form.widths(&rows)).map(|(h, width)| format!("{h:>width$}")).collect();
    let head = format!("{:scheme$}{gap}{:via$}{gap}{}", "scheme", "via", headings.join(&gap));
    let body = rows.iter().map(|(name, way, counts)| {
        format!("{name:scheme$}{gap}{way:via$}{gap}{}", numbers(counts).join(&gap))
    });
    [style.paint(Colour::Bold, &head)].into_iter().chain(body).collect()
}

/// A count, padded before it is painted; a zero is written too.
fn cell(style: Style, outcome: Outcome, count: u32, width: usize) -> String {
    let text = format!("{count:>width$}");
    match (count, outcome) {
        (0, _) => style.paint(Colour::Dim, &text),
        (_, Outcome::Pass) => style.paint(Colour::Green, &text),
        (_, Outcome::Fail | Outcome::Xpass | Outcome::Hang) => style.paint(Colour::Red, &text),
        (_, Outcome::Xfail | Outcome::Inconclusive | Outcome::Error) => style.paint(Colour::Yellow, &text),
        (_, Outcome::Unsupported) => text,
    }
}

impl Form {
    fn widths(&self, rows: &[(String, &str, Counts)]) -> [usize; 8] {
        // The totals stand last and are the largest.
        let digits = rows.last().map(|(_, _, total)| total);
        let mut widths = self.headings.map(str::len);
        for (width, outcome) in widths.iter_mut().zip(Outcome::ALL) {
            let count = digits.map_or(0, |total| total.count(outcome));
            *width = (*width).max(count.to_string().len());
        }
        widths
    }

    fn width(&self, rows: &[(String, &str, Counts)]) -> usize {
        let (scheme, via) = label_widths(rows);
        let columns: usize = self.widths(rows).iter().map(|w| w.saturating_add(self.gap)).sum();
        columns.saturating_add(scheme).saturating_add(self.gap).saturating_add(via)
    }
}

/// Widths of the columns for scheme and way.
fn label_widths(rows: &[(String, &str, Counts)]) -> (usize, usize) {
    let scheme = rows.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or(0);
    let via = rows.iter().map(|(_, way, _)| way.len()).max().unwrap_or(0);
    (scheme.max("scheme".len()), via.max("via".len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{many, results, target};
    use bearproof_conform::results::Via;

    fn words(line: &str) -> Vec<&str> {
        line.split_whitespace().collect()
    }

    #[test]
    fn all_eight_counts_are_written_zeros_too() {
        let lines = counts(&many(&[(Outcome::Fail, 3)], 10), Style { color: false, width: 100 });
        let [head, row, total] = lines.as_slice() else { panic!("{lines:?}") };
        let names = Outcome::ALL.map(Outcome::name);
        assert_eq!(words(head), [&["scheme", "via"], names.as_slice()].concat());
        assert_eq!(words(row), ["a", "http", "7", "3", "0", "0", "0", "0", "0", "0"]);
        assert_eq!(words(total), ["total", "7", "3", "0", "0", "0", "0", "0", "0"]);
    }

    #[test]
    fn a_target_without_results_has_a_row() {
        let empty = results(vec![target("b", Via::Https)], vec![]);
        let lines = counts(&empty, Style { color: false, width: 100 });
        assert_eq!(
            lines.get(1).map(|l| words(l)),
            Some(vec!["b", "https", "0", "0", "0", "0", "0", "0", "0", "0"])
        );
    }

    #[test]
    fn eighty_columns_are_enough_for_the_longest_published_name() {
        let wide = results(vec![target("masonhub-callback", Via::InProcess)], vec![]);
        for line in counts(&wide, Style { color: false, width: 80 }) {
            assert!(line.len() <= 80, "{} {line}", line.len());
        }
    }

    #[test]
    fn columns_stand_under_their_headings() {
        let lines = counts(&many(&[], 12345), Style { color: false, width: 100 });
        let lengths: Vec<_> = lines.iter().map(String::len).collect();
        assert!(lengths.windows(2).all(|w| w[0] == w[1]), "{lines:?}");
    }
}
