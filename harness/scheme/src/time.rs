//! Times as schemes write them. It must not ask a clock.

/// Parses an RFC 3339 time; the result is in seconds since 1970-01-01T00:00:00Z, fractions cut.
///
/// Only days from 1970 to 9999 and an offset are accepted; no leap second.
pub fn parse_rfc3339(text: &str) -> Option<u64> {
    let (date, rest) = text.split_at_checked(10)?;
    let (clock, rest) = rest.strip_prefix(['T', 't', ' '])?.split_at_checked(8)?;
    let zone = match rest.strip_prefix('.') {
        // RFC 3339 section 5.6: at least one digit.
        Some(fraction) => fraction.strip_prefix(is_digit)?.trim_start_matches(is_digit),
        None => rest,
    };
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    let days = u64::try_from(days_before(year, month, day)).ok()?;
    // A day that no month has would come back as another one.
    if civil(days) != (year, month, day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let offset = match zone {
        "Z" | "z" => 0,
        _ => {
            let [hours, minutes] = numbers(zone.strip_prefix(['+', '-'])?, ':', [2, 2])?;
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = (hours * 60 + minutes) * 60;
            if zone.starts_with('-') { -seconds } else { seconds }
        }
    };
    u64::try_from(days_before(year, month, day) * 86_400 + (hour * 60 + minute) * 60 + second - offset).ok()
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// Numbers of exactly so many digits each, with a mark between them.
fn numbers<const N: usize>(text: &str, mark: char, digits: [usize; N]) -> Option<[i64; N]> {
    let parts: Vec<&str> = text.split(mark).collect();
    let fits = |(part, digits): (&&str, usize)| part.len() == digits && part.chars().all(is_digit);
    if !parts.iter().zip(digits).all(fits) {
        return None;
    }
    let numbers: Vec<i64> = parts.iter().map(|part| part.parse().ok()).collect::<Option<_>>()?;
    numbers.try_into().ok()
}

/// Days from 1970-01-01 to the given proleptic Gregorian date.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the leap day is the last day of a year.
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// Year, month and day of a number of days since 1970-01-01.
fn civil(days: u64) -> (i64, i64, i64) {
    // 400 years have 146 097 days, wherever they begin.
    let (cycles, days) = (days / 146_097, i64::try_from(days % 146_097).unwrap_or(0));
    // No year has more than 366 days, and in a cycle that is wrong by less than a year.
    let year = 1970 + days / 366;
    let year = if days_before(year + 1, 1, 1) <= days { year + 1 } else { year };
    let month = (1..=12).rev().find(|month| days_before(year, *month, 1) <= days).unwrap_or(1);
    let day = days - days_before(year, month, 1) + 1;
    (year + 400 * i64::try_from(cycles).unwrap_or(0), month, day)
}

/// Hour, minute and second of a number of seconds since a midnight.
fn clock(seconds: u64) -> (u64, u64, u64) {
    (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
}

/// A time in seconds since 1970 UTC as RFC 3339 text with `Z`.
pub fn rfc3339(seconds: u64) -> String {
    let ((year, month, day), (h, m, s)) = (civil(seconds / 86_400), clock(seconds));
    format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z")
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A time in seconds since 1970 UTC as an IMF-fixdate (RFC 9110 section 5.6.7).
pub fn http_date(seconds: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let ((year, month, day), (h, m, s)) = (civil(seconds / 86_400), clock(seconds));
    let weekday = usize::try_from(seconds / 86_400 % 7).ok().and_then(|i| DAYS.get(i)).unwrap_or(&"");
    let month = usize::try_from(month - 1).ok().and_then(|i| MONTHS.get(i)).unwrap_or(&"");
    format!("{weekday}, {day:02} {month} {year:04} {h:02}:{m:02}:{s:02} GMT")
}

/// Parses an IMF-fixdate; the result is in seconds since 1970 UTC.
pub fn parse_http_date(text: &str) -> Option<u64> {
    // The form is fixed, so writing the parsed time again must give the same text.
    let (day, year, clock) = (text.get(5..7)?, text.get(12..16)?, text.get(17..25)?);
    let month = MONTHS.iter().position(|month| Some(*month) == text.get(8..11))?;
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
