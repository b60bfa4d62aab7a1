//! What one of our writes took the place of without our having read it.

use im_model::{ActorId, ExternalValue, Field};
use jiff::{SignedDuration, Timestamp};

use crate::{Change, History};

/// One field of a write, and the read that it was decided on.
#[derive(Debug, Clone, Copy)]
pub struct OurWrite<'a> {
    /// Which field.
    pub field: &'a Field,
    /// What was read there, if anything.
    pub read: Option<&'a ExternalValue>,
    /// What was written.
    pub sent: &'a ExternalValue,
    /// A moment before the read, by our clock.
    pub read_at: Timestamp,
}

impl OurWrite<'_> {
    /// Vendors keep whole seconds, and their clocks and ours differ a little.
    pub const MARGIN: SignedDuration = SignedDuration::from_secs(2);

    /// No change before this can have been missed by the read.
    pub fn since(&self) -> Timestamp {
        let since = self.read_at.checked_sub(Self::MARGIN);
        since.unwrap_or(self.read_at)
    }

    /// The last change of somebody else's that came after what was read and before our write. Where what was read has no
    /// entry in that time, it is older: all in that time came after it. `own` is who we are there, if known.
    pub fn took_the_place_of<'h>(
        &self,
        history: &'h History,
        own: Option<&ActorId>,
    ) -> Option<(&'h Change, &'h ExternalValue)> {
        let since = self.since();
        let is_own = |change: &Change| change.author.as_ref() == own;
        let told = history.changes.iter().filter_map(|change| {
            let is_wanted = change.field == *self.field && change.at >= since;
            is_wanted.then_some((change, change.value.as_ref()?))
        });
        let told: Vec<_> = told.collect();
        // What came after our write was not there to be overwritten by it.
        let written = told
            .iter()
            .rposition(|(change, value)| *value == self.sent && (own.is_none() || is_own(change)));
        // Somebody else put it there: ours, a creation for example, has no entry, and was not the last.
        let is_theirs = |(_, value): &(&Change, &ExternalValue)| *value == self.sent;
        if written.is_none() && told.last().is_some_and(is_theirs) {
            return None;
        }
        let before = &told[..written.unwrap_or(told.len())];
        let read = before
            .iter()
            .rposition(|(_, value)| Some(*value) == self.read);
        let unread = &before[read.map_or(0, |read| read + 1)..];
        unread
            .iter()
            .rfind(|(change, value)| *value != self.sent && (own.is_none() || !is_own(change)))
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn actor(name: &str) -> ActorId {
        ActorId::parse(name).expect("an actor")
    }

    /// Read at 10 s as `a`, written as `c`.
    fn lost(changes: &[(i64, &str, &str)], own: Option<&str>) -> Option<String> {
        let change = |(at, author, value): &(i64, &str, &str)| Change {
            field: Field::Status,
            value: Some(ExternalValue::text(*value)),
            at: second(*at),
            author: Some(actor(author)),
        };
        let history = History {
            changes: changes.iter().map(change).collect(),
        };
        let own = own.map(actor);
        let write = OurWrite {
            field: &Field::Status,
            read: Some(&ExternalValue::text("a")),
            sent: &ExternalValue::text("c"),
            read_at: second(10),
        };
        let (_, value) = write.took_the_place_of(&history, own.as_ref())?;
        value.as_str().map(str::to_owned)
    }

    #[test]
    fn what_came_after_what_was_read_and_before_our_write_was_lost() {
        for (changes, expected) in [
            (&[(11, "bob", "b"), (12, "us", "c")][..], Some("b")),
            (&[(9, "bob", "b"), (12, "us", "c")], Some("b")),
            (&[(7, "bob", "b"), (12, "us", "c")], None),
            (&[(9, "bob", "b"), (9, "ann", "a"), (12, "us", "c")], None),
            (
                &[(9, "ann", "a"), (9, "bob", "b"), (12, "us", "c")],
                Some("b"),
            ),
            (&[(12, "us", "c"), (12, "bob", "b")], None),
            (
                &[(11, "bob", "b"), (12, "us", "c"), (13, "ann", "a")],
                Some("b"),
            ),
            (&[(11, "us", "b"), (12, "us", "c")], None),
            (&[(11, "bob", "c"), (12, "us", "c")], None),
            (&[(11, "bob", "b")], Some("b")),
            (&[(11, "bob", "b"), (12, "ann", "c")], None),
        ] {
            let lost = lost(changes, Some("us"));
            assert_eq!(lost.as_deref(), expected, "{changes:?}");
        }
    }

    #[test]
    fn of_several_the_last_one_is_told() {
        let changes = [(11, "bob", "b"), (11, "ann", "d"), (12, "us", "c")];
        assert_eq!(lost(&changes, Some("us")).as_deref(), Some("d"));
        assert_eq!(lost(&changes, None).as_deref(), Some("d"));
    }
}
