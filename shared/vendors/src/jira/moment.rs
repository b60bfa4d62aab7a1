//! Times as Jira writes them: `2019-02-15T19:17:06.501-0800` (FACTS.md, "Delivery").

use jiff::{Timestamp, tz::TimeZone};

/// Reads a time; the offset has no colon.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text)
        .or_else(|_| text.parse())
        .ok()
}

/// Writes a time for a date-time field: `2026-11-22T04:05:06.000+0000`.
pub(super) fn write(at: Timestamp) -> String {
    let at = at.to_zoned(TimeZone::UTC);
    at.strftime("%Y-%m-%dT%H:%M:%S%.3f%z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jiras_own_form_and_the_common_one_are_read() {
        let at: Timestamp = "2019-02-16T03:17:06.501Z".parse().expect("a time");
        assert_eq!(read("2019-02-15T19:17:06.501-0800"), Some(at));
        assert_eq!(read("2019-02-16T03:17:06.501+00:00"), Some(at));
        assert_eq!(read("2019-02-16T03:17:06.501Z"), Some(at));
        assert_eq!(read("yesterday"), None);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let at: Timestamp = "2026-11-22T04:05:06Z".parse().expect("a time");
        assert_eq!(write(at), "2026-11-22T04:05:06.000+0000");
        assert_eq!(read(&write(at)), Some(at));
    }
}
