//! Where a page of dead letters ended: `<status>~<the store's position>`.

use std::fmt;

use im_model::DeadLetterStatus;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Position {
    /// Which list is read.
    pub(super) status: DeadLetterStatus,
    /// After what; from its beginning if absent.
    pub(super) after: Option<String>,
}

impl Position {
    /// Where a cursor points to, or the beginning. `None` if it is none of a list of these statuses.
    pub(super) fn read(cursor: Option<&str>, statuses: &[DeadLetterStatus]) -> Option<Self> {
        let Some(cursor) = cursor else {
            return statuses.first().map(|first| Self::beginning(*first));
        };
        let (status, after) = cursor.split_once('~')?;
        let status = status.parse().ok()?;
        statuses.contains(&status).then(|| Self {
            status,
            after: (!after.is_empty()).then(|| after.to_owned()),
        })
    }

    /// Where the next page starts, after one that ended there.
    pub(super) fn next(
        &self,
        ended: Option<String>,
        statuses: &[DeadLetterStatus],
    ) -> Option<Self> {
        if ended.is_some() {
            return Some(Self {
                status: self.status,
                after: ended,
            });
        }
        let mut later = statuses.iter().skip_while(|one| **one != self.status);
        later.nth(1).map(|next| Self::beginning(*next))
    }

    fn beginning(status: DeadLetterStatus) -> Self {
        Self {
            status,
            after: None,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{}", self.status, self.after.as_deref().unwrap_or(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUSES: [DeadLetterStatus; 2] = super::super::listing::UNSETTLED;

    #[test]
    fn pages_go_on_in_the_next_status() {
        let open = Position::read(None, &STATUSES).expect("the beginning");
        assert_eq!(open.status, DeadLetterStatus::Open);
        let more = open.next(Some("a~b".to_owned()), &STATUSES);
        let more = more.expect("a next page");
        assert_eq!(more.to_string(), "open~a~b");
        assert_eq!(Position::read(Some("open~a~b"), &STATUSES), Some(more));
        let retrying = open.next(None, &STATUSES).expect("the other status");
        assert_eq!(retrying.to_string(), "retrying~");
        assert_eq!(
            Position::read(Some("retrying~"), &STATUSES).as_ref(),
            Some(&retrying)
        );
        assert_eq!(retrying.next(None, &STATUSES), None);
    }

    #[test]
    fn what_is_no_cursor_of_the_list_is_refused() {
        for bad in ["", "open", "opened~a", "resolved~a"] {
            assert_eq!(Position::read(Some(bad), &STATUSES), None, "{bad:?}");
        }
    }
}
