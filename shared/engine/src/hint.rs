//! Hints say that something may have changed. They carry no values.

use std::{collections::BTreeMap, fmt, str::FromStr};

use im_model::{
    ActorId, DeliveryId, ExternalId, Field, IncidentId, IntegrationId, InvalidId, RecordVersion,
    RunId,
};
use im_vendors::Announced;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One side of a link may have changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "side", rename_all = "snake_case")]
pub enum Hint {
    /// An external record may have changed.
    External {
        /// Whose.
        integration: IntegrationId,
        /// Which.
        external_id: ExternalId,
        /// A read older than this does not show the change.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_least: Option<RecordVersion>,
        /// When which field changed, where the vendor said.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        changed: BTreeMap<Field, Timestamp>,
        /// Who did it, where the vendor said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        author: Option<ActorId>,
        /// True if its notes may have changed.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        notes: bool,
    },
    /// An incident may have changed, and an integration is owed it.
    Incident {
        /// Which.
        incident: IncidentId,
        /// To whom it is owed.
        integration: IntegrationId,
    },
}

impl Hint {
    /// The hint that a delivery gives.
    pub fn from_delivery(delivery: &Delivery) -> Option<Self> {
        let announced = delivery.announced.as_ref()?;
        Some(Self::External {
            integration: delivery.key.integration.clone(),
            external_id: announced.external_id.clone(),
            at_least: announced.at_least,
            changed: announced.changed.clone(),
            author: announced.author.clone(),
            notes: announced.notes,
        })
    }

    /// Takes in what a later hint about the same record says; false, and nothing is taken in, where they cannot be one:
    /// they are about different things, or different people did them.
    pub fn absorb(&mut self, later: &Self) -> bool {
        let (
            Self::External {
                integration,
                external_id,
                at_least,
                changed,
                author,
                notes,
            },
            Self::External {
                integration: same_integration,
                external_id: same_record,
                at_least: then_at_least,
                changed: then_changed,
                author: same_author,
                notes: then_notes,
            },
        ) = (self, later)
        else {
            return false;
        };
        if integration != same_integration || external_id != same_record || author != same_author {
            return false;
        }
        *at_least = (*at_least).max(*then_at_least);
        *notes |= then_notes;
        for (field, at) in then_changed {
            let known = changed.entry(field.clone()).or_insert(*at);
            *known = (*known).max(*at);
        }
        true
    }

    /// Whose link it is about.
    pub fn integration(&self) -> &IntegrationId {
        match self {
            Self::External { integration, .. } | Self::Incident { integration, .. } => integration,
        }
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::External {
                integration,
                external_id,
                ..
            } => {
                write!(f, "{integration} {external_id}")
            }
            Self::Incident {
                incident,
                integration,
            } => write!(f, "{incident} for {integration}"),
        }
    }
}

/// What made a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Cause {
    /// A webhook.
    Delivery {
        /// Which.
        key: DeliveryKey,
        /// Others about the same record that came with it, and are done with it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        also: Vec<DeliveryKey>,
    },
    /// A change on the platform.
    Change,
    /// A person asked for it.
    Person,
    /// The vendor answers again.
    Recovery,
    /// A reconciliation found it.
    Run {
        /// Which run.
        run: RunId,
        /// Is what differs healed although neither side changed? Polling does not.
        heals: bool,
    },
}

impl Cause {
    /// The deliveries that are done with the job.
    pub fn deliveries(&self) -> impl Iterator<Item = &DeliveryKey> {
        let (key, also) = match self {
            Self::Delivery { key, also } => (Some(key), also.as_slice()),
            Self::Change | Self::Person | Self::Recovery | Self::Run { .. } => (None, &[][..]),
        };
        key.into_iter().chain(also)
    }
}

/// A hint to be worked on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// What may have changed.
    pub hint: Hint,
    /// What made it.
    pub cause: Cause,
    /// It has waited long enough for the vendor to show what it announced: what it shows now is how it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waited: bool,
    /// Try again what the vendor refused before: set by a retry from the dead letters.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insist: bool,
}

impl Job {
    /// Is what differs healed although neither side changed?
    pub fn heals(&self) -> bool {
        matches!(self.cause, Cause::Run { heals: true, .. })
    }
}

/// Names one delivery: `<integration>#<delivery id>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeliveryKey {
    /// Whose webhook.
    pub integration: IntegrationId,
    /// The vendor's id of it.
    pub delivery: DeliveryId,
}

/// A text that is no delivery key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a delivery key (<integration>#<delivery id>): {0}")]
pub struct ParseKeyError(String);

impl From<InvalidId> for ParseKeyError {
    fn from(error: InvalidId) -> Self {
        Self(error.to_string())
    }
}

impl FromStr for DeliveryKey {
    type Err = ParseKeyError;
    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        let (integration, delivery) = text
            .split_once('#')
            .ok_or_else(|| ParseKeyError("there is no #".to_owned()))?;
        Ok(Self {
            integration: integration.parse()?,
            delivery: delivery.parse()?,
        })
    }
}

impl TryFrom<String> for DeliveryKey {
    type Error = ParseKeyError;
    fn try_from(text: String) -> Result<Self, ParseKeyError> {
        text.parse()
    }
}

impl fmt::Display for DeliveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.integration, self.delivery)
    }
}

impl From<DeliveryKey> for String {
    fn from(key: DeliveryKey) -> String {
        key.to_string()
    }
}

/// One accepted webhook. The body is not kept: the record is read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its name.
    pub key: DeliveryKey,
    /// When it came in.
    pub received_at: Timestamp,
    /// The vendor's word for what happened.
    pub event_type: String,
    /// When it happened, if the vendor says.
    pub occurred_at: Option<Timestamp>,
    /// What it announces; `None` for pings and unknown types.
    pub announced: Option<Announced>,
    /// What came of it, once it is done.
    pub outcome: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(record: &str, author: &str, title_at: i64, at_least: u64) -> Hint {
        let at = Timestamp::from_second(title_at).expect("a time");
        Hint::External {
            integration: "pd".parse().expect("an id"),
            external_id: record.parse().expect("an id"),
            at_least: Some(RecordVersion(at_least)),
            changed: BTreeMap::from([(Field::Title, at)]),
            author: Some(author.parse().expect("an actor")),
            notes: false,
        }
    }

    #[test]
    fn hints_of_one_persons_changes_are_one_hint_of_the_latest() {
        let mut merged = hint("P1", "ann", 5, 7);
        assert!(merged.absorb(&hint("P1", "ann", 9, 8)));
        assert!(merged.absorb(&hint("P1", "ann", 3, 6)), "late");
        assert_eq!(merged, hint("P1", "ann", 9, 8));
    }

    #[test]
    fn what_another_did_or_another_record_is_a_hint_of_its_own() {
        let mut first = hint("P1", "ann", 5, 7);
        for other in [hint("P1", "bob", 9, 8), hint("P2", "ann", 9, 8)] {
            assert!(!first.absorb(&other));
            assert_eq!(first, hint("P1", "ann", 5, 7));
        }
    }
}
