//! Looks at the words of field lines, many bytes at once: names, auth-schemes and credentials. It must not cut them.

/// Whether all is visible ASCII without comma and quote. Looks at all of it, so that it needs no branch for each byte,
/// and at the last 32 bytes once more rather than one by one at what the others leave.
pub(crate) fn is_word(text: &[u8]) -> bool {
    const AT_ONCE: usize = 32;
    let odd = |byte: u8| (byte.cast_signed() <= 0x20) | (byte == 0x7f) | (byte == b',') | (byte == b'"');
    let any_odd = |bytes: &[u8]| bytes.iter().fold(false, |any, byte| any | odd(*byte));
    let Some(end) = text.last_chunk::<AT_ONCE>() else { return !any_odd(text) };
    let (chunks, _) = text.as_chunks::<AT_ONCE>();
    !(any_odd(chunks.as_flattened()) | any_odd(end))
}

/// As [`<[u8]>::eq_ignore_ascii_case`].
#[inline]
pub(crate) fn same_word(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && same_bytes(one, other)
}

/// As [`same_word`], of words of one length.
fn same_bytes(one: &[u8], other: &[u8]) -> bool {
    let (Some(one_end), Some(other_end)) = (one.last_chunk(), other.last_chunk()) else {
        return one.eq_ignore_ascii_case(other);
    };
    let (one, other) = (one.as_chunks().0, other.as_chunks().0);
    one.iter().zip(other).all(|(one, other)| same_letters(*one, *other)) && same_letters(*one_end, *other_end)
}

/// Whether four bytes are the same, letters in any case.
fn same_letters(one: [u8; 4], other: [u8; 4]) -> bool {
    let [one, other] = [one, other].map(u32::from_le_bytes);
    let each = |byte: u8| u32::from_le_bytes([byte; 4]);
    // Of each byte the highest bit if it is a letter: in small letters at least `a`, not more than `z`, and ASCII.
    let small = (one | each(0x20)) & each(0x7f);
    let letters = (small + each(0x80 - b'a')) & !(small + each(0x7f - b'z')) & !one & each(0x80);
    (one ^ other) & !(letters >> 2) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9110 section 5.6.2: what separates, quotes or can't be seen is no part of a word, however often it is there.
    #[test]
    fn a_word_has_no_separator_however_many_there_are() {
        let good = b"eyJ-._~+/=!#$%&'*^`|():;<>?@[]{}\\";
        assert!(is_word(good) && is_word(&good.repeat(3)) && is_word(b""));
        for odd in b",\" \t\0\x1f\x7f\x80\xff" {
            for count in [1, 2, 3, 29, 30, 31, 32, 33, 70] {
                let text = [&b"a"[..], &vec![*odd; count], b"b"].concat();
                assert!(!is_word(&text), "{odd} {count} times");
            }
            for (length, position) in (1..70).flat_map(|length| (0..length).map(move |at| (length, at))) {
                let mut text = vec![b'a'; length];
                text[position] = *odd;
                assert!(!is_word(&text), "{odd} at {position} of {length}");
            }
        }
    }

    #[test]
    fn words_are_the_same_as_the_library_says() {
        for (one, other) in (0..=255).flat_map(|one| (0..=255).map(move |other| (one, other))) {
            for length in 1..10 {
                let mut words = [vec![b'x'; length], vec![b'X'; length]];
                for position in 0..length {
                    let [first, second] = &mut words;
                    (first[position], second[position]) = (one, other);
                    assert_eq!(same_word(first, second), one.eq_ignore_ascii_case(&other), "{one} {other}");
                    (first[position], second[position]) = (b'x', b'X');
                }
            }
        }
        assert!(!same_word(b"host", b"hosts") && !same_word(b"", b"a") && same_word(b"", b""));
    }
}
