//! What one exchange was to show, what it showed, and the text of both sides. It must not let the texts of
//! thousands of failures make the page too large to open.

use bearproof_conform::results::{Exchange, StepResult, VectorResult};
use maud::{Markup, html};

use super::line;
use crate::report::group::{broken, observation};
use crate::report::text;

/// Bytes that the texts of all exchanges may take. The worst findings come first and get them.
const ROOM: usize = 1 << 20;

/// How much may still be written.
pub(super) struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Self(ROOM)
    }
}

impl Budget {
    /// The harmless texts of `exchange`, unless they no longer fit.
    fn take(&mut self, exchange: &Exchange) -> Option<(String, String)> {
        let (sent, received) = (text::block(&exchange.sent), text::block(&exchange.received));
        self.0 = self.0.checked_sub(weight(&sent).saturating_add(weight(&received)))?;
        Some((sent, received))
    }
}

/// Bytes of `text` once it is escaped.
fn weight(text: &str) -> usize {
    text.bytes().map(|b| if matches!(b, b'<' | b'>' | b'&' | b'"') { 6 } else { 1 }).sum()
}

/// All exchanges of a result.
pub(super) fn steps(result: &VectorResult, budget: &mut Budget) -> Markup {
    html! {
        @for (number, step) in (1_u32..).zip(&result.steps) {
            @if result.steps.len() > 1 { h5 { "Step " (number) } }
            (one(step, budget))
        }
    }
}

fn one(step: &StepResult, budget: &mut Budget) -> Markup {
    html! {
        p.observed { (line(&observation(step))) }
        @if step.assertions.iter().any(|a| !a.held) {
            ul.broken { @for a in step.assertions.iter().filter(|a| !a.held) { li { (line(&broken(a))) } } }
        }
        @if let Some(exchange) = &step.exchange {
            @match budget.take(exchange) {
                Some((sent, received)) => div.exchange {
                    figure { figcaption { "Sent" } pre { (sent) } }
                    figure { figcaption { "Received" } pre { (received) } }
                },
                None => p.note { "The exchange is left out here to keep this page small; the results file has it." },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::step;

    #[test]
    fn what_no_longer_fits_is_left_out_with_a_note() {
        let step = step("reject", "accept", 200);
        assert!(one(&step, &mut Budget(1000)).into_string().contains("GET /v1/things"));
        let cut = one(&step, &mut Budget(10)).into_string();
        assert!(!cut.contains("GET /v1/things") && cut.contains("the results file has it"), "{cut}");
    }

    #[test]
    fn escaping_counts_as_written() {
        assert_eq!(weight("<a>"), 13);
    }
}
