//! What a run can judge on a target and what it lacks for the rest, in words. It must not find that out.

use bearproof_conform::outlook::Outlook;

/// One line for each family, and one for each thing that is missing.
pub(super) fn text(outlook: &Outlook) -> String {
    let width = outlook.families.keys().map(String::len).max().unwrap_or(0);
    let mut text = String::new();
    for (family, (asked, all)) in &outlook.families {
        let part = if asked == all { "all".into() } else { format!("of {all}") };
        text.push_str(&format!("  {family:width$}  {asked:>4} {part}\n"));
    }
    if !outlook.missing.is_empty() {
        text.push_str("not asked:\n");
        for (why, count) in &outlook.missing {
            text.push_str(&format!("  {count:>4}  {why}\n"));
        }
    }
    text
}
