//! Takes secrets out of everything that is shown. It sits at the results model, before any writer.

use bearproof_scheme::encoding::{encode_hex, encode_standard, encode_url, string_literal};
use bearproof_scheme::request::percent_encode;
use bearproof_scheme::world::{Value, Values, World};

/// Shortest secret whose forms are searched for; shorter ones would redact ordinary words.
pub const SHORTEST: usize = 8;

const MARK: &str = "[redacted]";

/// Replaces registered secrets in all their forms.
#[derive(Clone, Default)]
pub struct Redactor {
    forms: Vec<String>,
}

impl Redactor {
    /// Registers all secrets of a world.
    pub fn of_world(world: &World) -> Self {
        let mut redactor = Self::default();
        for credential in &world.credentials {
            for secret in credential.captured.iter().chain(&credential.private) {
                if secret.expose().starts_with(b"-----BEGIN") {
                    redactor.register_pem(secret.expose());
                } else {
                    redactor.register(secret.expose());
                }
            }
        }
        let sets =
            world.credentials.iter().map(|c| &c.values).chain(world.platforms.iter().map(|p| &p.values));
        for values in sets {
            redactor.register_values(values);
        }
        redactor
    }

    fn register_values(&mut self, values: &Values) {
        for (_, value) in values {
            match value {
                Value::Secret(secret) => self.register(secret.expose()),
                Value::Rsa(rsa) => self.register_pem(rsa.private_pem().expose()),
                Value::P256(pair) => self.register_pem(pair.private_pem().expose()),
                Value::Text(_) | Value::Integer(_) | Value::List(_) => {}
            }
        }
    }

    /// A private key is recognised by any of its lines.
    fn register_pem(&mut self, pem: &[u8]) {
        for line in String::from_utf8_lossy(pem).lines().filter(|l| !l.starts_with("-----")) {
            self.add(line.to_string());
        }
    }

    /// Registers a secret: raw, base64 and base64url at three alignments, hex, percent-encoded, JSON-escaped.
    pub fn register(&mut self, secret: &[u8]) {
        if secret.len() < SHORTEST {
            return;
        }
        if let Ok(text) = std::str::from_utf8(secret) {
            self.add(text.to_string());
            self.add(percent_encode(text));
            self.add(percent_encode(text).replace("%20", "+"));
            self.add(lower_escapes(&percent_encode(text)));
            self.add(string_literal(text).trim_matches('"').to_string());
            self.add(ascii_json(text));
        }
        let hex = encode_hex(secret);
        self.add(hex.to_ascii_uppercase());
        self.add(hex);
        for shift in 0..3_usize {
            // Inside a longer text the secret may begin at any of three offsets; the characters at the ends
            // depend on the neighbours and are left out.
            let padded = [vec![0; shift], secret.to_vec()].concat();
            let first = (shift * 8).div_ceil(6);
            let whole = padded.len() * 8 / 6;
            for text in [encode_standard(&padded), encode_url(&padded)] {
                if let Some(inner) = text.get(first..whole) {
                    self.add(inner.to_string());
                }
            }
        }
    }

    fn add(&mut self, form: String) {
        if form.len() >= SHORTEST && !self.forms.contains(&form) {
            // Longer forms first, so that no tail of one is left.
            let at = self.forms.partition_point(|known| known.len() >= form.len());
            self.forms.insert(at, form);
        }
    }

    /// The text without secrets.
    pub fn redact(&self, text: &str) -> String {
        let mut out = text.to_string();
        for form in &self.forms {
            if out.contains(form.as_str()) {
                out = out.replace(form.as_str(), MARK);
            }
        }
        out
    }

    /// Whether a text has a form of a secret in it that is not in `excused`.
    pub fn finds_beyond(&self, text: &str, excused: &str) -> bool {
        self.forms_in(text).any(|form| !excused.contains(form))
    }

    /// Whether a text has a secret in it.
    pub fn finds(&self, text: &str) -> bool {
        self.forms_in(text).next().is_some()
    }

    /// The forms that a text has in it. Most answers are shorter than most forms, so that few are looked for.
    fn forms_in<'t>(&'t self, text: &'t str) -> impl Iterator<Item = &'t str> {
        let forms = self.forms.iter().map(String::as_str);
        forms.filter(move |form| form.len() <= text.len() && text.contains(form))
    }
}

/// Percent-encoding with lower-case hex, as some writers do.
fn lower_escapes(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once('%') {
        let (hex, after) = tail.split_at_checked(2).unwrap_or((tail, ""));
        out.push_str(before);
        out.push('%');
        out.push_str(&hex.to_ascii_lowercase());
        rest = after;
    }
    out.push_str(rest);
    out
}

/// A JSON string in ASCII alone, as PHP and Python write it by default.
fn ascii_json(text: &str) -> String {
    let mut out = String::new();
    for c in string_literal(text).trim_matches('"').chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

/// Takes out what looks like a token in compact form, whoever's it is: a server may answer with one that nobody
/// registered.
pub fn mask_tokens(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("eyJ") {
        let (before, tail) = rest.split_at_checked(start).unwrap_or((rest, ""));
        let in_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let end = tail.find(|c| !in_token(c)).unwrap_or(tail.len());
        let (token, after) = tail.split_at_checked(end).unwrap_or((tail, ""));
        out.push_str(before);
        out.push_str(if token.len() > 20 && token.contains('.') { MARK } else { token });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_at_every_alignment_is_taken_out() {
        let secret = b"fake-secret/with?bytes\"0001";
        let mut redactor = Redactor::default();
        redactor.register(secret);
        for prefix in ["", "a", "ab", "abc"] {
            for suffix in ["", "x", "xy"] {
                let text = [prefix.as_bytes(), secret, suffix.as_bytes()].concat();
                for form in [
                    String::from_utf8(text.clone()).unwrap(),
                    encode_standard(&text),
                    encode_url(&text),
                    encode_hex(&text),
                    percent_encode(std::str::from_utf8(&text).unwrap()),
                    string_literal(std::str::from_utf8(&text).unwrap()),
                ] {
                    let out = redactor.redact(&form);
                    assert!(out.contains(MARK), "{form} -> {out}");
                    assert!(!redactor.finds(&out));
                }
            }
        }
    }

    #[test]
    fn other_writers_forms_are_taken_out() {
        let mut redactor = Redactor::default();
        redactor.register("a fake: phrase, système".as_bytes());
        for form in [
            "a+fake%3A+phrase%2C+syst%C3%A8me",
            "a%20fake%3a%20phrase%2c%20syst%c3%a8me",
            "a fake: phrase, syst\\u00e8me",
        ] {
            assert_eq!(redactor.redact(form), MARK, "{form}");
        }
    }

    #[test]
    fn what_looks_like_a_token_is_masked_whoevers_it_is() {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl";
        assert_eq!(
            mask_tokens(&format!("a \"{token}\" b, eyJ and {token}")),
            format!("a \"{MARK}\" b, eyJ and {MARK}")
        );
    }

    #[test]
    fn short_words_are_left_alone() {
        let mut redactor = Redactor::default();
        redactor.register(b"short");
        assert_eq!(redactor.redact("a short text"), "a short text");
    }
}
