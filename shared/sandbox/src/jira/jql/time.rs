//! JQL's dates and periods.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A date with or without a time of day (UTC, to the minute), or a period such as `-5m`.
pub(super) fn time(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(seconds) = period(text) {
        return now.checked_add(SignedDuration::from_secs(seconds)).ok();
    }
    let text = text.replace('/', "-");
    let parsed = DateTime::strptime("%Y-%m-%d %H:%M", &text);
    let parsed = parsed.or_else(|_| DateTime::strptime("%Y-%m-%d %H:%M", format!("{text} 00:00")));
    let zoned = TimeZone::UTC.to_zoned(parsed.ok()?);
    zoned.ok().map(|zoned| zoned.timestamp())
}

fn period(text: &str) -> Option<i64> {
    let unit = match text.chars().last()? {
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        'w' => 7 * 24 * 60 * 60,
        _ => return None,
    };
    let number: i64 = text[..text.len() - 1].parse().ok()?;
    number.checked_mul(unit)
}
