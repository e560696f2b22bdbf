//! Colours and line breaks of the terminal report. It must not know what the text is about.

use super::Style;

/// What a colour is used for stays with the caller; words say it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
}

impl Style {
    /// `text` in `colour`, or as it is where colours are off.
    pub(crate) fn paint(self, colour: Colour, text: &str) -> String {
        let code = match colour {
            Colour::Bold => 1,
            Colour::Dim => 2,
            Colour::Red => 31,
            Colour::Green => 32,
            Colour::Yellow => 33,
        };
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// `text` in at most `most` lines of at most `width` characters, broken at spaces; a word that is longer than
/// a line is broken inside. Where text is left out the last line ends with `…`.
pub(super) fn wrap(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        for (number, part) in letters.chunks(width.max(1)).enumerate() {
            let part: String = part.iter().collect();
            match lines.last_mut() {
                Some(line) if number == 0 && length(line) + 1 + length(&part) <= width => {
                    line.push(' ');
                    line.push_str(&part);
                }
                _ => lines.push(part),
            }
        }
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = last.chars().take(width.saturating_sub(1)).chain(['…']).collect();
        }
    }
    lines
}

fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_long_words_inside() {
        assert_eq!(wrap("one two three", 7, 9), ["one two", "three"]);
        assert_eq!(wrap("a 123456789 b", 4, 9), ["a", "1234", "5678", "9 b"]);
    }

    #[test]
    fn what_is_left_out_is_marked_within_the_width() {
        assert_eq!(wrap("one two three", 7, 1), ["one tw…"]);
        assert_eq!(wrap("one two", 7, 1), ["one two"]);
    }

    #[test]
    fn without_colour_nothing_is_added() {
        assert_eq!(Style { color: false, width: 80 }.paint(Colour::Red, "x"), "x");
        assert_eq!(Style { color: true, width: 80 }.paint(Colour::Red, "x"), "\x1b[31mx\x1b[0m");
    }
}
