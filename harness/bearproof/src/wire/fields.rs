//! Looks up field lines by name. It must not interpret a value beyond its commas.

/// Field lines in the order they arrived: names as sent, values without the whitespace around them.
pub(super) type Fields = [(String, Vec<u8>)];

/// The values of all lines with this name, whatever their case (RFC 9110 section 5.1).
pub(super) fn values<'a>(fields: &'a Fields, name: &str) -> impl Iterator<Item = &'a [u8]> {
    fields
        .iter()
        .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_slice())
}

/// The elements of a list field over all of its lines (RFC 9110 section 5.6.1), trimmed, empty ones included.
pub(super) fn elements<'a>(fields: &'a Fields, name: &str) -> impl Iterator<Item = &'a [u8]> {
    values(fields, name).flat_map(|value| value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii))
}

/// Whether a list field has this element, whatever its case.
pub(super) fn has_element(fields: &Fields, name: &str, element: &str) -> bool {
    elements(fields, name).any(|other| other.eq_ignore_ascii_case(element.as_bytes()))
}

/// The field lines `httparse` found, owned.
pub(super) fn owned(headers: &[httparse::Header<'_>]) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|header| (header.name.to_owned(), header.value.to_vec())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_field_is_read_over_all_its_lines_in_any_case() {
        let fields = [
            ("Connection".to_owned(), b"keep-alive ,x".to_vec()),
            ("other".to_owned(), b"y".to_vec()),
            ("CONNECTION".to_owned(), b" Close".to_vec()),
        ];
        let found: Vec<_> = elements(&fields, "connection").collect();
        assert_eq!(found, [b"keep-alive".as_slice(), b"x", b"Close"]);
        assert!(has_element(&fields, "connection", "close"));
        assert!(!has_element(&fields, "connection", "y"));
    }
}
