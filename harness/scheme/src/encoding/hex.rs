//! Writes bytes as hexadecimal digits. It must not read them: no scheme sends hex that we decode.

/// `bytes` in base 16 (RFC 4648 section 8), but in lower case as every scheme here writes it.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        text.extend([byte >> 4, byte & 0x0F].into_iter().filter_map(|n| char::from_digit(n.into(), 16)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn every_byte_becomes_two_lower_case_digits() {
        assert_eq!(encode(&[]), "");
        for byte in 0..=255 {
            assert_eq!(encode(&[byte]), format!("{byte:02x}"));
        }
        assert_eq!(encode(b"\x00\xAB\xff"), "00abff");
    }
}
