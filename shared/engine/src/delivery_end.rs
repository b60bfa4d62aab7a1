//! What became of a delivery, as it is counted.

use std::{convert::Infallible, fmt, str::FromStr};

use crate::Outcome;

/// What became of a delivery that is done. As text `applied`, `nothing_new`, `skipped: <why>`, `dead`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryEnd {
    /// Something was moved, created or linked.
    Applied,
    /// Both sides already were as they should be.
    NothingNew,
    /// There was nothing to be done, for a reason.
    Skipped(String),
    /// Its job is dead: the dead letters have it.
    Dead,
}

impl DeliveryEnd {
    const APPLIED: &str = "applied";
    const NOTHING_NEW: &str = "nothing_new";
    const SKIPPED: &str = "skipped: ";
    const DEAD: &str = "dead";

    /// What an outcome makes of a delivery; `None` if it stays open.
    pub fn of(outcome: &Outcome) -> Option<Self> {
        match outcome {
            Outcome::NothingNew => Some(Self::NothingNew),
            Outcome::Synced(_)
            | Outcome::Created(_)
            | Outcome::Adopted(_)
            | Outcome::Imported(_) => Some(Self::Applied),
            Outcome::Skipped(why) => Some(Self::Skipped((*why).to_owned())),
            Outcome::Suspended(_) => None,
        }
    }
}

impl fmt::Display for DeliveryEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Applied => f.write_str(Self::APPLIED),
            Self::NothingNew => f.write_str(Self::NOTHING_NEW),
            Self::Skipped(why) => write!(f, "{}{why}", Self::SKIPPED),
            Self::Dead => f.write_str(Self::DEAD),
        }
    }
}

impl FromStr for DeliveryEnd {
    type Err = Infallible;
    /// Every text is an end: what is no other was skipped, for a reason of a version to come.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            Self::APPLIED => Self::Applied,
            Self::NOTHING_NEW => Self::NothingNew,
            Self::DEAD => Self::Dead,
            other => Self::Skipped(
                other
                    .strip_prefix(Self::SKIPPED)
                    .unwrap_or(other)
                    .to_owned(),
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Synced;

    #[test]
    fn ends_are_kept_as_texts() {
        for (end, text) in [
            (DeliveryEnd::Applied, "applied"),
            (DeliveryEnd::NothingNew, "nothing_new"),
            (
                DeliveryEnd::Skipped("unlinked".to_owned()),
                "skipped: unlinked",
            ),
            (DeliveryEnd::Dead, "dead"),
        ] {
            assert_eq!(end.to_string(), text);
            assert_eq!(text.parse(), Ok(end));
        }
        assert_eq!("new".parse(), Ok(DeliveryEnd::Skipped("new".to_owned())));
    }

    #[test]
    fn whatever_is_left_open_has_no_end() {
        let synced = Outcome::Synced(Synced::default());
        assert_eq!(DeliveryEnd::of(&synced), Some(DeliveryEnd::Applied));
        assert_eq!(
            DeliveryEnd::of(&Outcome::NothingNew),
            Some(DeliveryEnd::NothingNew)
        );
        assert_eq!(DeliveryEnd::of(&Outcome::Suspended("it is paused")), None);
    }
}
