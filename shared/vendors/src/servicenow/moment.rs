//! `ServiceNow`'s times: `YYYY-MM-DD HH:MM:SS` in UTC (FACTS.md, "Table API").

use jiff::{Timestamp, civil, tz::TimeZone};

const FORM: &str = "%Y-%m-%d %H:%M:%S";

/// Reads a time.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let at = civil::DateTime::strptime(FORM, text.trim()).ok()?;
    at.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp())
}

/// Writes a time, without its fraction.
pub(super) fn written(at: Timestamp) -> String {
    at.strftime(FORM).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_whole_seconds_of_utc() {
        let at: Timestamp = "2016-01-22T14:28:24Z".parse().expect("a time");
        assert_eq!(read("2016-01-22 14:28:24"), Some(at));
        let later = at + jiff::SignedDuration::from_millis(999);
        assert_eq!(written(later), "2016-01-22 14:28:24");
        for bad in [
            "",
            "2016-01-22",
            "2016-01-22T14:28:24Z",
            "22.01.2016 14:28:24",
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
