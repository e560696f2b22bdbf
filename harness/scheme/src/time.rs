//! Times as schemes write them. It must not ask a clock.

/// Parses an RFC 3339 time; the result is in seconds since 1970-01-01T00:00:00Z, fractions cut.
///
/// Only years from 1970 to 9999 and an offset are accepted.
pub fn parse_rfc3339(text: &str) -> Option<u64> {
    let (date, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (time, zone) = rest.split_at(rest.find(['Z', 'z', '+', '-'])?);
    let number = |s: &str| -> Option<i64> {
        if s.is_empty() || !s.bytes().all(|b| b.is_ascii_digit()) { None } else { s.parse().ok() }
    };
    let mut date = date.split('-').map(number);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let time = time.split('.').next()?;
    let mut time = time.split(':').map(number);
    let (hour, minute, second) = (time.next()??, time.next()??, time.next().unwrap_or(Some(0))?);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let offset = match zone {
        "Z" | "z" => 0,
        _ => {
            let (sign, digits) = zone.split_at_checked(1)?;
            let (h, m) = digits.split_once(':')?;
            let minutes = number(h)? * 60 + number(m)?;
            if sign == "-" { -minutes } else { minutes }
        }
    };
    let seconds = days_before(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset * 60;
    u64::try_from(seconds).ok()
}

/// Days from 1970-01-01 to the given proleptic Gregorian date.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the leap day is the last day of a year.
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// Year, month, day, hour, minute and second of a time in seconds since 1970 UTC.
fn civil(seconds: u64) -> (i64, i64, i64, u64, u64, u64) {
    let days = i64::try_from(seconds / 86_400).unwrap_or(i64::MAX / 2) + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
}

/// A time in seconds since 1970 UTC as RFC 3339 text with `Z`.
pub fn rfc3339(seconds: u64) -> String {
    let (year, month, day, h, m, s) = civil(seconds);
    format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z")
}

/// A time in seconds since 1970 UTC as an IMF-fixdate (RFC 9110 section 5.6.7).
pub fn http_date(seconds: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day, h, m, s) = civil(seconds);
    let weekday = usize::try_from(seconds / 86_400 % 7).ok().and_then(|i| DAYS.get(i)).unwrap_or(&"");
    let month = usize::try_from(month - 1).ok().and_then(|i| MONTHS.get(i)).unwrap_or(&"");
    format!("{weekday}, {day:02} {month} {year:04} {h:02}:{m:02}:{s:02} GMT")
}

/// Parses an IMF-fixdate; the result is in seconds since 1970 UTC.
pub fn parse_http_date(text: &str) -> Option<u64> {
    // The form is fixed, so writing the parsed time again must give the same text.
    let day = text.get(5..7)?;
    let year = text.get(12..16)?;
    let clock = text.get(17..25)?;
    let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        .iter()
        .position(|m| Some(*m) == text.get(8..11))?;
    let seconds = parse_rfc3339(&format!("{year}-{:02}-{day}T{clock}Z", month + 1))?;
    (http_date(seconds) == text).then_some(seconds)
}

/// Parses a duration such as `90s`, `15m`, `1h` or `2d`; the result is in seconds.
pub fn parse_duration(text: &str) -> Option<u64> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let scale = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_the_rfcs_are_read_and_written() {
        // RFC 9110 section 5.6.7 and RFC 7519 section 4.1.4 (1300819380 is 2011-03-22T18:43:00Z).
        assert_eq!(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(parse_rfc3339("2011-03-22T18:43:00Z"), Some(1_300_819_380));
        assert_eq!(parse_rfc3339("2011-03-22T19:43:00.5+01:00"), Some(1_300_819_380));
        assert_eq!(rfc3339(1_300_819_380), "2011-03-22T18:43:00Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "2011-03-22", "2011-03-22T18:43:00", "2011-13-22T18:43:00Z", "1969-01-01T00:00:00Z"]
        {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
        assert_eq!(parse_http_date("Mon, 06 Nov 1994 08:49:37 GMT"), None, "the day of the week is wrong");
        for text in ["", "1", "m", "-1m", "1w", "1.5h", "é"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
        assert_eq!(parse_duration("15m"), Some(900));
    }
}
