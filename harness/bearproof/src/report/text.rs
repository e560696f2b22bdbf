//! Makes any text harmless to show. It must not know a format: HTML and XML quoting is the writers' work.
//!
//! A server decides what its answer says. A control character would move the reader's cursor or break the
//! XML, and a bidirectional override would show another text than the one that came, so both are written
//! out as escapes.

/// `text` on one line: line breaks and tabs are written as `\n`, `\r` and `\t`.
pub(crate) fn line(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        push(&mut out, c);
        out
    })
}

/// `text` with its line breaks and tabs; `\r\n` becomes one line break.
pub(crate) fn block(text: &str) -> String {
    text.replace("\r\n", "\n").chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '\n' | '\t' => out.push(c),
            _ => push(&mut out, c),
        }
        out
    })
}

fn push(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        _ if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
        _ if is_hidden(c) => out.extend(c.escape_unicode()),
        _ => out.push(c),
    }
}

/// Characters that show nothing or change how their neighbours show, and those that XML 1.0 forbids.
fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{fffe}'..='\u{ffff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_visible_and_inert() {
        assert_eq!(line("a\x1b[31mb\u{9b}c\x00\x7f"), r"a\x1b[31mb\x9bc\x00\x7f");
    }

    #[test]
    fn a_line_has_no_line_break() {
        assert_eq!(line("a\r\nb\tc"), r"a\r\nb\tc");
    }

    #[test]
    fn a_block_keeps_line_breaks_but_no_lone_carriage_return() {
        assert_eq!(block("a\r\nb\tc\rd\x08"), "a\nb\tc\\rd\\x08");
    }

    #[test]
    fn direction_overrides_are_written_out() {
        assert_eq!(line("a\u{202e}b\u{feff}"), r"a\u{202e}b\u{feff}");
    }

    #[test]
    fn other_text_stays_as_it_is() {
        assert_eq!(line("Zoë said \"no\" \\ <b> 日本"), "Zoë said \"no\" \\ <b> 日本");
    }
}
