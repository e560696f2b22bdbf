//! How long what was captured of a caller is good, by the token's own words, which nobody has checked here. It must not
//! read a clock.

use std::sync::atomic::{AtomicI64, Ordering};

use bearproof_scheme::Description;
use bearproof_scheme::description::{Format, Part, Place, Rule, TimeRule, Type};
use bearproof_scheme::encoding::{JsonRules, Limits, Rules, Value, decode_url, parse_value};
use bearproof_scheme::time::{parse_http_date, parse_rfc3339, rfc3339};
use bearproof_scheme::world::{Credential, World};

/// When something captured ends, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// Seconds since 1970 UTC; `None` if it is not known.
    pub ends: Option<u64>,
    /// How that is known, or why it is not.
    pub why: String,
}

/// The life of the captured token or request of a caller; `None` if the world has none of it.
pub fn captured_life(d: &Description, world: &World, role: &str) -> Option<Life> {
    let caller = world.credential(role)?;
    let token = caller.captured.as_ref().and_then(|t| std::str::from_utf8(t.expose()).ok());
    match token {
        Some(token) => Some(of_token(d, token)),
        None if caller.request.is_some() => {
            Some(Life { ends: None, why: "the request has no token, and a key does not say its end".into() })
        }
        None => None,
    }
}

impl Life {
    /// Seconds of life left; below zero where it is over.
    pub fn left(&self, now: u64) -> Option<i64> {
        let signed = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
        self.ends.map(|ends| signed(ends).saturating_sub(signed(now)))
    }

    /// What is left of it, for people.
    pub fn words(&self, now: u64) -> String {
        match self.left(now) {
            None => format!("its end is not known ({})", self.why),
            Some(left) if left > 0 => format!("it is good for {left} s more ({})", self.why),
            Some(left) => format!("it ended {} s ago ({})", left.unsigned_abs(), self.why),
        }
    }
}

/// The end of a token: its expiry, or the age at which the scheme refuses it, whichever comes first.
pub(crate) fn of_token(d: &Description, token: &str) -> Life {
    if d.token.as_ref().is_none_or(|t| t.format != Format::Jws) {
        return Life { ends: None, why: "the token is sealed, so only its issuer can read it".into() };
    }
    let bytes = decode_url(token.split('.').nth(1).unwrap_or_default().as_bytes(), &Rules::STRICT);
    let bytes = bytes.unwrap_or_default();
    let Ok(Value::Object(claims)) = parse_value(&bytes, &JsonRules::STRICT, &Limits::DEFAULT) else {
        return Life { ends: None, why: "the token's claims can't be read".into() };
    };
    let at = |name: &str, types: &[Type]| claims.find(name).and_then(|value| seconds(value, types));
    let ends = |part: &Part| match (&part.rule, part.at_most) {
        (Rule::Time(TimeRule::Expires), _) => at(&part.name, &part.types),
        (Rule::Time(TimeRule::Issued), Some(age)) => {
            at(&part.name, &part.types).map(|issued| issued.saturating_add(age))
        }
        _ => None,
    };
    let parts = d.parts.iter().filter(|p| p.place == Place::Claims);
    let of_scheme = parts.filter_map(|p| Some((ends(p)?, p.name.clone()))).min();
    // RFC 7519 section 4.1.4, where the scheme has no word for it.
    match of_scheme.or_else(|| Some((at("exp", &[Type::Seconds])?, "exp".into()))) {
        Some((ends, name)) => {
            Life { ends: Some(ends), why: format!("its claim `{name}` says {}", rfc3339(ends)) }
        }
        None => Life { ends: None, why: "no claim of the token says it".into() },
    }
}

/// A time as one of these types, in seconds since 1970 UTC.
fn seconds(value: &Value<'_>, types: &[Type]) -> Option<u64> {
    let number = |text: &str| text.split('.').next().and_then(|whole| whole.parse::<u64>().ok());
    match value {
        Value::Number(text) if types.first() == Some(&Type::Milliseconds) => number(text).map(|ms| ms / 1000),
        Value::Number(text) => number(text),
        Value::String(text) => number(text).or_else(|| parse_rfc3339(text)).or_else(|| parse_http_date(text)),
        _ => None,
    }
}

/// Why one captured request can't be a control: it has something that is good once, and it was used when it was captured.
pub fn used_up(d: &Description, caller: &Credential) -> Option<String> {
    let request = caller.request.as_ref()?.message.request();
    let applies =
        |p: &&Part| p.applies(request.method, !request.body.is_empty(), !request.query().is_empty());
    let part = d.parts.iter().filter(|p| p.single_use).find(applies)?;
    Some(format!(
        "`{}` of a {} is good once, and the captured request has used it up",
        part.path(),
        request.method
    ))
}

/// The time that is kept for the last good request, which has to be let in still.
pub(crate) struct Reserve {
    least: i64,
    slowest: AtomicI64,
}

/// Seconds that are kept, and of a life that is short from the start no more than a quarter.
const LEAST: i64 = 5;

impl Reserve {
    /// Of a life with so many seconds left.
    pub(crate) fn of(left: Option<i64>) -> Self {
        let least = left.map_or(0, |left| LEAST.min(left.max(0) / 4 + 1));
        Self { least, slowest: AtomicI64::new(0) }
    }

    /// A question took so many seconds: others are still under way when the last is put, and may take as long.
    pub(crate) fn took(&self, seconds: i64) {
        self.slowest.fetch_max(seconds, Ordering::Relaxed);
    }

    /// Whether another question may be put with so many seconds left.
    pub(crate) fn allows(&self, left: i64) -> bool {
        let slowest = self.slowest.load(Ordering::Relaxed);
        left > self.least.max(slowest.saturating_mul(2))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bearproof_scheme::encoding::encode_url;

    use super::*;
    use crate::suite::{Disk, Scheme};

    fn life(scheme: &str, claims: &str) -> Life {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors").join(scheme);
        let scheme = Scheme::load(scheme, Arc::new(Disk(folder))).unwrap();
        let token = format!("e30.{}.AAAA", encode_url(claims.as_bytes()));
        of_token(&scheme.default.description, &token)
    }

    #[test]
    fn a_token_ends_when_its_claims_say() {
        let read = |claims: &str| life("annexcloud", claims).ends;
        assert_eq!(read("{\"exp\":1700000060}"), Some(1_700_000_060));
        assert_eq!(read("{\"exp\":\"1700000060\"}"), Some(1_700_000_060));
        assert_eq!(read("{\"exp\":1700000060.9}"), Some(1_700_000_060));
        assert_eq!((read("{\"iat\":1}"), read("{"), read("{\"exp\":[]}")), (None, None, None));
    }

    #[test]
    fn what_nobody_can_read_has_no_known_end() {
        let sealed = life("masonhub", "{\"exp\":1700000060}");
        assert_eq!(sealed.ends, None);
        assert_eq!(
            sealed.words(0),
            "its end is not known (the token is sealed, so only its issuer can read it)"
        );
    }

    #[test]
    fn what_is_left_is_said_in_seconds() {
        let life = life("hexsafe", "{\"exp\":1700000060}");
        assert_eq!((life.left(1_700_000_000), life.left(1_700_000_061)), (Some(60), Some(-1)));
        let at = "its claim `exp` says 2023-11-14T22:14:20Z";
        assert_eq!(life.words(1_700_000_000), format!("it is good for 60 s more ({at})"));
        assert_eq!(life.words(1_700_000_100), format!("it ended 40 s ago ({at})"));
    }

    #[test]
    fn a_short_life_keeps_a_short_reserve_and_a_slow_server_a_long_one() {
        let least = |left: i64| {
            let reserve = Reserve::of(Some(left));
            (0..).find(|left| reserve.allows(*left))
        };
        assert_eq!([600, 8, 2, -3].map(least), [Some(6), Some(4), Some(2), Some(2)]);
        let reserve = Reserve::of(Some(600));
        reserve.took(7);
        reserve.took(2);
        assert_eq!((reserve.allows(14), reserve.allows(15)), (false, true));
    }
}
