//! Times by RFC 3339, RFC 9110 and RFC 7519. A calendar that counts day by day is the oracle.

use bearproof_scheme::time::{http_date, parse_duration, parse_http_date, parse_rfc3339, rfc3339};

/// RFC 3339 section 5.7 and appendix C: days of a month, and which years are leap years.
fn days_of(year: u64, month: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// 1970-01-01 was a Thursday.
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

#[test]
fn every_day_of_the_calendar_is_written_and_read() {
    let mut days = DAYS.iter().cycle();
    let mut day = 0;
    for year in 1970..=9999 {
        // Our times day by day, then the years in which a leap day may be left out, and the last that can be written.
        let looked_at = year < 2040 || year % 100 == 0 || year > 9990;
        for (month, name) in (1..).zip(MONTHS) {
            for date in 1..=days_of(year, month) {
                let weekday = days.next().unwrap();
                let of_day = day % 86_400;
                let (h, m, s) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
                let seconds = day * 86_400 + of_day;
                day += 1;
                if looked_at {
                    let text = format!("{year:04}-{month:02}-{date:02}T{h:02}:{m:02}:{s:02}Z");
                    assert_eq!(rfc3339(seconds), text);
                    assert_eq!(parse_rfc3339(&text), Some(seconds), "{text}");
                    let text = format!("{weekday}, {date:02} {name} {year:04} {h:02}:{m:02}:{s:02} GMT");
                    assert_eq!(http_date(seconds), text);
                    assert_eq!(parse_http_date(&text), Some(seconds), "{text}");
                }
            }
            for date in [0, days_of(year, month) + 1].into_iter().filter(|_| looked_at) {
                let text = format!("{year:04}-{month:02}-{date:02}T00:00:00Z");
                assert_eq!(parse_rfc3339(&text), None, "{text}");
            }
        }
    }
}

#[test]
fn times_of_the_rfcs_are_read_and_written() {
    // RFC 9110 section 5.6.7.
    assert_eq!(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
    assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    // RFC 7519 section 3.1 has 1300819380 as `exp`.
    assert_eq!(parse_rfc3339("2011-03-22T18:43:00Z"), Some(1_300_819_380));
    // RFC 3339 section 5.8: the same moment in two zones.
    assert_eq!(parse_rfc3339("1985-04-12T23:20:50.52Z"), Some(482_196_050));
    assert_eq!(parse_rfc3339("1996-12-19T16:39:57-08:00"), parse_rfc3339("1996-12-20T00:39:57Z"));
    assert_eq!(parse_rfc3339("1996-12-20T00:39:57Z"), Some(851_042_397));
}

/// RFC 3339 section 5.6: T and Z may be in lower case, a space may stand for T, a fraction has any digits.
#[test]
fn all_spellings_of_rfc_3339_are_read() {
    let midnight = parse_rfc3339("2024-02-29T00:00:00Z").unwrap();
    for (text, seconds) in [
        ("2024-02-29t00:00:00z", midnight),
        ("2024-02-29 00:00:00Z", midnight),
        ("2024-02-29T00:00:00.9Z", midnight),
        ("2024-02-29T00:00:00.123456789+00:00", midnight),
        ("2024-02-29T00:00:00-00:00", midnight),
        ("2024-02-29T00:00:00+01:30", midnight - 5400),
        ("2024-02-29T00:00:00-23:59", midnight + 86_340),
        ("2024-02-29T23:59:59Z", midnight + 86_399),
        ("9999-12-31T23:59:59Z", 253_402_300_799),
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:30:00+00:30", 0),
    ] {
        assert_eq!(parse_rfc3339(text), Some(seconds), "{text}");
    }
}

#[test]
fn what_is_no_time_is_refused() {
    for text in [
        "",
        "2011-03-22",
        "2011-03-22T18:43:00",
        "2011-03-22T18:43Z",
        "2011-03-22T18:43:00:00Z",
        "2011-03-22X18:43:00Z",
        "2011-13-22T18:43:00Z",
        "2011-00-22T18:43:00Z",
        "2011-3-022T18:43:00Z",
        "02011-3-22T18:43:00Z",
        "2011-03-22T8:043:00Z",
        "2011-03-22T+8:43:00Z",
        "2011-03-22T24:00:00Z",
        "2011-03-22T18:60:00Z",
        "2011-03-22T18:43:60Z",
        "2011-03-22T18:43:00.Z",
        "2011-03-22T18:43:00,5Z",
        "2011-03-22T18:43:00.5",
        "2011-03-22T18:43:00ZZ",
        "2011-03-22T18:43:00+1:00",
        "2011-03-22T18:43:00+0100",
        "2011-03-22T18:43:00+01:00:00",
        "2011-03-22T18:43:00+24:00",
        "2011-03-22T18:43:00+01:60",
        "2011-03-22T18:43:0éZ",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:29:59+00:30",
    ] {
        assert_eq!(parse_rfc3339(text), None, "{text}");
    }
    for text in [
        "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Wed, 31 Dec 1969 23:59:59 GMT",
        "",
    ] {
        assert_eq!(parse_http_date(text), None, "{text}");
    }
}

/// `vectors/README.md`: a whole number and one of s, m, h, d.
#[test]
fn durations_are_a_number_and_a_unit() {
    for (text, seconds) in [("0s", 0), ("90s", 90), ("15m", 900), ("1h", 3600), ("2d", 172_800)] {
        assert_eq!(parse_duration(text), Some(seconds), "{text}");
    }
    for text in ["", "1", "m", "-1m", "+1m", "1w", "1.5h", "1 h", "é", "18446744073709551615m"] {
        assert_eq!(parse_duration(text), None, "{text}");
    }
}
