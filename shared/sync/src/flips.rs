//! Fields that go to and fro between two values: rules of two vendors at war (trace 11), stopped by a count.

use im_model::{Digest, Flips};
use jiff::{SignedDuration, Timestamp};

/// So many changes to and fro are enough.
pub const MOST: u32 = 6;

/// A pause this long ends the count.
pub const QUIET: SignedDuration = SignedDuration::from_mins(10);

/// The count after the platform's side of base went from one value to another.
pub fn counted(known: Option<&Flips>, from: Digest, to: Digest, now: Timestamp) -> Flips {
    let between = if from < to { (from, to) } else { (to, from) };
    let before = known.filter(|known| known.between == between && !is_over(known, now));
    Flips {
        between,
        count: before.map_or(0, |before| before.count).saturating_add(1),
        last: now,
    }
}

/// Is this one of the two values, and has it changed too often?
pub fn is_at_war(known: &Flips, value: Digest, now: Timestamp) -> bool {
    let is_one = value == known.between.0 || value == known.between.1;
    is_one && known.count >= MOST && !is_over(known, now)
}

fn is_over(known: &Flips, now: Timestamp) -> bool {
    now.duration_since(known.last) > QUIET
}

#[cfg(test)]
mod tests {
    use im_model::PlatformValue;

    use super::*;

    #[test]
    fn only_the_same_two_values_in_quick_succession_count() {
        let [high, low, other] =
            ["SEV-2", "SEV-4", "SEV-1"].map(|text| PlatformValue::text(text).digest());
        let start: Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
        let mut flips = counted(None, high, low, start);
        for n in 2..=MOST {
            assert!(!is_at_war(&flips, low, start));
            let (from, to) = if n % 2 == 0 { (low, high) } else { (high, low) };
            flips = counted(Some(&flips), from, to, start);
            assert_eq!(flips.count, n);
        }
        assert!(is_at_war(&flips, low, start) && is_at_war(&flips, high, start));
        assert!(!is_at_war(&flips, other, start), "a third value is news");
        assert_eq!(counted(Some(&flips), low, other, start).count, 1);
        let later = start + QUIET + SignedDuration::from_secs(1);
        assert!(!is_at_war(&flips, low, later), "a pause ends it");
        assert_eq!(counted(Some(&flips), high, low, later).count, 1);
    }
}
