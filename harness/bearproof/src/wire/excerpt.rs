//! Shows the beginning of an answer that can't be read. It must not show what the request said: a server that
//! echoes would otherwise put secrets into an error.

/// Longest excerpt, in characters.
const LONGEST: usize = 60;
/// A run of this many bytes that also occurs in the request counts as a repetition of it.
const REPETITION: usize = 8;
/// Stands for a run of bytes that repeats the request.
const MASK: &str = "[...]";

/// The beginning of `answer` in printable ASCII, at most 60 characters, what repeats `request` masked.
pub(super) fn excerpt(answer: &[u8], request: &[u8]) -> String {
    // A repetition that begins before the cut and ends after it counts as well.
    let looked_at: Vec<u8> = answer.iter().copied().take(LONGEST + REPETITION).collect();
    let repeated = repetitions(&looked_at, request);
    let mut shown = String::new();
    let mut in_mask = false;
    for (byte, masked) in looked_at.iter().zip(repeated) {
        let piece = match (masked, in_mask) {
            (true, true) => continue,
            (true, false) => MASK.to_owned(),
            (false, _) => byte.escape_ascii().to_string(),
        };
        in_mask = masked;
        if shown.len() + piece.len() > LONGEST {
            break;
        }
        shown.push_str(&piece);
    }
    shown
}

/// For each byte of `answer`, whether it is part of a run that also occurs in `request`.
fn repetitions(answer: &[u8], request: &[u8]) -> Vec<bool> {
    let mut repeated = vec![false; answer.len()];
    // The version at the start of a status line is in every request too, and no secret.
    let version = if answer.starts_with(b"HTTP/1.") { REPETITION } else { 0 };
    for (start, run) in answer.windows(REPETITION).enumerate().skip(version) {
        if request.windows(REPETITION).any(|other| other == run) {
            repeated.iter_mut().skip(start).take(REPETITION).for_each(|mark| *mark = true);
        }
    }
    repeated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_escaped_and_cut_at_60_characters() {
        assert_eq!(excerpt(b"SSH-2.0\r\n\xff`", b""), "SSH-2.0\\r\\n\\xff`");
        assert_eq!(excerpt(&[b'a'; 200], b"").len(), 60);
        // 59 characters fit; the escape of the next byte would not.
        let answer = [vec![b'a'; 59], vec![0]].concat();
        assert_eq!(excerpt(&answer, b""), "a".repeat(59));
    }

    #[test]
    fn what_repeats_the_request_is_masked() {
        let request = b"GET / HTTP/1.1\r\nAuthorization: Bearer hunter2hunter2\r\n\r\n";
        assert_eq!(excerpt(b"echo: Bearer hunter2hunter2 end", request), "echo[...] end");
        assert_eq!(excerpt(b"HTTP/1.1 abc", request), "HTTP/1.1 abc");
        let late = [b"x".repeat(56).as_slice(), b"hunter2hunter2"].concat();
        assert!(!excerpt(&late, request).contains('h'), "{}", excerpt(&late, request));
    }
}
