//! Fills the holes of templates: times, and numbers that are fresh in each run. It must not know what a template is for.

/// Replaces `{now}`, `{now+1h}` and the like.
pub(crate) fn fill_times(template: &str, now: u64) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, tail)) = rest.split_once("{now") {
        out.push_str(before);
        let offset = tail.split_once('}').and_then(|(word, after)| {
            crate::recipe::read_offset(&format!("now{word}")).map(|offset| (offset, after))
        });
        match offset {
            Some((offset, after)) => {
                let now = i64::try_from(now).unwrap_or(i64::MAX);
                out.push_str(&now.saturating_add(offset).to_string());
                rest = after;
            }
            None => {
                out.push_str("{now");
                rest = tail;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Replaces `{fresh}`, `{12+fresh}` and `{12-fresh}`.
pub(super) fn fill_fresh(template: &str, fresh: u64) -> String {
    let Some((before, after)) = template.split_once("fresh}") else { return template.into() };
    let Some((start, sum)) = before.rsplit_once('{') else { return template.into() };
    let number = |digits: &str| if digits.is_empty() { Some(0) } else { digits.parse::<u64>().ok() };
    let value = match sum.strip_suffix('-') {
        Some(digits) => number(digits).and_then(|n| n.checked_sub(fresh)),
        None => number(sum.strip_suffix('+').unwrap_or(sum)).and_then(|n| n.checked_add(fresh)),
    };
    match value {
        Some(value) => format!("{start}{value}{after}"),
        None => template.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_number_is_added_or_taken_away_and_nothing_else_is_touched() {
        let filled = |template: &str| fill_fresh(template, 8);
        assert_eq!(filled("{12+fresh}"), "20");
        assert_eq!(filled("[{12-fresh}]"), "[4]");
        assert_eq!(filled("\"random{fresh}\""), "\"random8\"");
        assert_eq!(filled("{\"fresh\":1}"), "{\"fresh\":1}");
        assert_eq!(filled("{x+fresh}"), "{x+fresh}");
    }
}
