//! Facts about the whole page. It must not pin its looks.

use super::html;
use crate::report::sample::{calibrated, fail, hostile, many, one_of, result, results, target};
use bearproof_conform::results::{
    Assertion, CalibrationState, Exchange, Level, Outcome, Results, Severity, Via,
};

/// Where `needles` first stand in `page`; all must be there.
fn places(page: &str, needles: &[&str]) -> Vec<usize> {
    needles.iter().map(|n| page.find(n).unwrap_or_else(|| panic!("`{n}` is missing"))).collect()
}

fn assert_in_order(page: &str, needles: &[&str]) {
    let places = places(page, needles);
    assert!(places.is_sorted(), "{needles:?} stand at {places:?}");
}

#[test]
fn the_page_begins_with_the_verdict_and_ends_with_what_it_does_not_mean() {
    let mut results = one_of(&Outcome::ALL);
    results.targets.push(calibrated("b", CalibrationState::NotAnswering));
    results.vectors.push(result("a/f/may", Via::Http, Outcome::Pass));
    results.vectors.last_mut().unwrap().level = Level::May;
    assert_in_order(
        &html(&results),
        &[
            "<title>bearproof: 3 findings",
            "class=\"verdict bad\"",
            "<aside class=\"banner\"",
            "<h2>What was run",
            "<h2>Counts",
            "<h2>3 findings",
            "<h2>2 results without a verdict",
            "<h2>1 known deviation",
            "<h2>1 unsupported",
            "<h2>1 behaviour recorded",
            "<h2>1 pass<",
            "<h2>What green does not mean",
        ],
    );
}

#[test]
fn the_most_severe_finding_comes_first_with_its_id_as_anchor() {
    let mut vectors = vec![fail("a/f/1-low", Via::Http), fail("a/f/2-critical", Via::Http)];
    for (vector, severity) in vectors.iter_mut().zip([Severity::Low, Severity::Critical]) {
        vector.severity = severity;
    }
    let page = html(&results(vec![target("a", Via::Http)], vectors));
    assert_in_order(&page, &["<article id=\"a/f/2-critical\"", "<article id=\"a/f/1-low\""]);
}

#[test]
fn a_finding_has_all_that_is_needed_to_act() {
    let mut one = fail("a/f/1", Via::Http);
    one.refs.push("RFC 7519 section 4.1.4".to_owned());
    one.repeat = vec!["bearproof run --filter a/f/1".to_owned()];
    for (what, held) in [("status is 401", false), ("body /code is 7", true)] {
        let (what, seen) = (what.to_owned(), if held { "" } else { "200" }.to_owned());
        one.steps[0].assertions.push(Assertion { what, held, seen, level: Level::Must });
    }
    let page = html(&results(vec![target("a", Via::Http)], vec![one]));
    for part in [
        "high</span>",
        "<small>must</small>",
        "takes a token that ended",
        "cause of fail",
        "expected reject, observed accept, status 200",
        "status is 401 (must) did not hold: 200",
        "<pre>GET /v1/things HTTP/1.1\nhost: a\n",
        "<pre>HTTP/1.1 200 Word\n",
        "<strong>REQ-1</strong> <cite>Making a token</cite>: the token ends within a minute",
        "<li>See also RFC 7519 section 4.1.4</li>",
        "bearproof run --filter a/f/1\n</pre>",
    ] {
        assert!(page.contains(part), "`{part}` is missing");
    }
    assert!(!page.contains("body /code is 7"), "an assertion that held is no evidence");
}

#[test]
fn the_ways_of_one_vector_share_one_article() {
    let vectors = [Via::InProcess, Via::Http, Via::Https].map(|via| fail("a/f/1", via)).to_vec();
    let page = html(&results(vec![target("a", Via::Http)], vectors));
    assert_eq!(page.matches("<article ").count(), 1);
    assert_eq!(page.matches("<h4>Via ").count(), 3);
    assert!(page.contains("<h2>3 findings"));
}

#[test]
fn an_open_target_is_a_banner_and_the_first_finding() {
    let mut results = one_of(&[Outcome::Fail]);
    results.targets.push(calibrated("z", CalibrationState::LetsEverybodyIn));
    let page = html(&results);
    assert_in_order(
        &page,
        &["banner open", "<h2>2 findings", "<article id=\"open/z/http\"", "<article id=\"a/f/0\""],
    );
}

#[test]
fn zero_counts_are_shown() {
    let page = html(&one_of(&[Outcome::Pass]));
    let row = page.split("<tfoot>").nth(1).unwrap().split("</tfoot>").next().unwrap();
    assert_eq!(row.matches("<td class=\"number zero\">0</td>").count(), 7, "{row}");
    for outcome in Outcome::ALL {
        assert!(page.contains(&format!("<span>{}</span>", outcome.name())));
    }
}

#[test]
fn counts_are_by_scheme_and_way_and_by_family() {
    let vectors = vec![
        result("a/time/1", Via::Http, Outcome::Pass),
        result("a/time/1", Via::Https, Outcome::Pass),
        result("b/time/1", Via::Http, Outcome::Fail),
    ];
    let page = html(&results(vec![], vectors));
    let cells = |label: &str| -> Vec<String> {
        let row =
            page.split(label).nth(1).unwrap_or_else(|| panic!("no `{label}`")).split("</tr>").next().unwrap();
        row.split("<td ").skip(1).map(|c| c.split(['>', '<']).nth(1).unwrap().to_owned()).collect()
    };
    assert_eq!(cells("<th scope=\"row\">https</th>"), ["1", "0", "0", "0", "0", "0", "0", "0", "1"]);
    assert_eq!(cells("<th scope=\"row\">time<wbr></th>"), ["2", "1", "0", "0", "0", "0", "0", "0", "3"]);
    assert_eq!(cells("<tfoot><tr>"), ["2", "1", "0", "0", "0", "0", "0", "0", "3"]);
}

#[test]
fn hostile_text_stays_text() {
    let page = html(&hostile());
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(!page.contains("<script"), "no script at all, not even ours");
    assert!(!page.chars().any(|c| c.is_control() && c != '\n'));
    assert!(!page.contains('\u{202e}'));
}

#[test]
fn the_page_loads_nothing() {
    let page = html(&one_of(&Outcome::ALL));
    for word in ["src=", "url(", "@import", "<link", "http://", "https://"] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn three_thousand_results_stay_under_three_megabytes() {
    let spread = |outcome, text: &str| -> Results {
        let mut vectors = Vec::new();
        for n in 0..1000 {
            for via in [Via::InProcess, Via::Http, Via::Https] {
                let mut one =
                    result(&format!("masonhub-callback/family/a-long-name-for-it-{n}"), via, outcome);
                let (sent, received) = (text.to_owned(), text.to_owned());
                one.steps[0].exchange = Some(Exchange { sent, received });
                vectors.push(one);
            }
        }
        results(vec![target("masonhub-callback", Via::Http)], vectors)
    };
    let passes = html(&spread(Outcome::Pass, "never shown")).len();
    assert!(passes < 300_000, "{passes} bytes for passes");
    let worst = html(&spread(Outcome::Fail, &"<x>".repeat(1000))).len();
    assert!(worst < 3_000_000, "{worst} bytes for failures");
}

#[test]
fn unsupported_is_told_by_cause_once() {
    let page = html(&many(&[(Outcome::Unsupported, 12)], 20));
    assert_eq!(page.matches("cause of unsupported").count(), 1);
    assert!(page.contains("<strong>12</strong>"));
}

#[test]
fn a_should_assertion_that_did_not_hold_is_noted_and_no_finding() {
    let mut results = many(&[], 5);
    for vector in &mut results.vectors {
        let (what, seen) = ("www-authenticate is present".to_owned(), "absent".to_owned());
        vector.steps[0].assertions.push(Assertion { what, held: false, seen, level: Level::Should });
    }
    let page = html(&results);
    assert!(page.contains("<th scope=\"row\">www-authenticate is present</th>"));
    assert!(page.contains("<td class=\"number\">5</td><td>f/0</td>"));
    assert!(page.contains("<title>bearproof: everything as expected</title>"));
}
