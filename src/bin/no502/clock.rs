//! What the time is: `--now`, else `SOURCE_DATE_EPOCH`, else the system's clock. Certificates are judged by it.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::failure::Failure;

/// Seconds since 1970.
pub(crate) fn now(asked: Option<i64>, epoch: Option<&str>) -> Result<i64, Failure> {
    if let Some(asked) = asked {
        return Ok(asked);
    }
    if let Some(epoch) = epoch.filter(|epoch| !epoch.is_empty()) {
        return epoch.parse().map_err(|_| {
            Failure::new(format!(
                "SOURCE_DATE_EPOCH is `{epoch}`, which is no number of seconds"
            ))
        });
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that looks at the clock"
    )]
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Ok(since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }))
}

/// `2026-05-01`, `2026-05-01T12:30:00Z` or seconds since 1970, to seconds since 1970.
pub(crate) fn parse_date(written: &str) -> Result<i64, String> {
    if let Ok(seconds) = written.parse() {
        return Ok(seconds);
    }
    instant(written)
        .ok_or_else(|| "expected a date such as 2026-05-01 or 2026-05-01T12:30:00Z".to_owned())
}

fn instant(written: &str) -> Option<i64> {
    let (date, time) = match written.split_once('T') {
        Some((date, time)) => (date, time.strip_suffix('Z')?),
        None => (written, "00:00:00"),
    };
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    let valid = (1..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..60).contains(&second);
    valid.then(|| days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

fn numbers(text: &str, mark: char) -> Option<[i64; 3]> {
    let numbers: Option<Vec<i64>> = text.split(mark).map(|part| part.parse().ok()).collect();
    numbers?.try_into().ok()
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    /// Days from the first of January of year 1 to that of 1970.
    const TO_1970: i64 = 719_162;
    let before = year - 1;
    let years = before * 365 + before / 4 - before / 100 + before / 400;
    let months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    years + months + day - 1 - TO_1970
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_seconds_since_1970() {
        assert_eq!(parse_date("1970-01-01"), Ok(0));
        assert_eq!(parse_date("2000-03-01"), Ok(951_868_800));
        assert_eq!(parse_date("2026-05-01T12:30:00Z"), Ok(1_777_638_600));
        assert_eq!(parse_date("1777638600"), Ok(1_777_638_600));
        assert!(parse_date("2026-02-29").is_err());
        assert!(parse_date("tomorrow").is_err());
    }
}
