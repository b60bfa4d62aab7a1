//! Conflicts: two people gave one field two values, and somebody or something has to choose (design 3, rule 4).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ActorId, BasePair, ConflictId, ConflictStrategy, ExternalId, ExternalValue, Field, IncidentId,
    IntegrationId, OrganizationId, PlatformValue, Side, incident::words,
};

words! {
    /// Where a conflict is in its life.
    ConflictStatus {
        /// A person has to choose; until then the field moves in neither direction.
        Pending = "pending",
        /// One side won.
        Resolved = "resolved",
        /// Both sides keep what they hold.
        Ignored = "ignored",
    }
}
words! {
    /// What a person chooses.
    Resolution {
        /// The platform's value goes to the vendor.
        UsePlatform = "use_platform",
        /// The vendor's value comes to the platform.
        UseExternal = "use_external",
        /// Nothing moves, until one side changes again.
        Ignore = "ignore",
    }
}
words! {
    /// How the time of a change is known, best first.
    TimeSource {
        /// Our own clock, when the edit came through the management API.
        Platform = "platform",
        /// A link brought the value, with the time that its vendor gave.
        Link = "link",
        /// The vendor's webhook said so.
        Webhook = "webhook",
        /// The vendor's history of the record has an entry: Jira's changelog, ServiceNow's audit, PagerDuty's log.
        History = "history",
        /// The record has a time for this very field, e.g. PagerDuty's `last_status_change_at`.
        Field = "field",
        /// Only when the record last changed, in whatever field: the field's own change is not later.
        Record = "record",
        /// It was never changed: when the incident was created.
        Creation = "creation",
    }
}

/// When something changed, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeTime {
    /// When, by our clock: the vendor's, less what it is fast.
    pub at: Timestamp,
    /// How it is known.
    pub source: TimeSource,
}

/// What one side of a conflict holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldValue<V> {
    /// The value.
    pub value: V,
    /// Since when.
    pub changed: ChangeTime,
    /// Whose change it was, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<ActorId>,
}

/// What both sides last agreed on, as far as the journal still tells.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AgreedValues {
    /// The platform's value; `None` if the journal does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformValue>,
    /// The vendor's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalValue>,
}

/// How a conflict came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Settlement {
    /// The strategy chose, or only one side may flow.
    Rule {
        /// Whose value stands.
        winner: Side,
        /// Why, in words.
        why: String,
    },
    /// A person chose.
    Person {
        /// Who.
        actor: ActorId,
        /// What.
        resolution: Resolution,
    },
    /// Both sides came to say the same before anybody chose.
    Agreement,
}

/// Two values for one field, who gave them, and what became of it. Nothing in it is ever forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Its id.
    pub id: ConflictId,
    /// Whose.
    pub organization: OrganizationId,
    /// On which incident.
    pub incident: IncidentId,
    /// On whose link.
    pub integration: IntegrationId,
    /// With which record.
    pub external_id: ExternalId,
    /// Of which field.
    pub field: Field,
    /// The integration's strategy at that time.
    pub strategy: ConflictStrategy,
    /// Where it is in its life.
    pub status: ConflictStatus,
    /// What both sides last agreed on.
    pub base: AgreedValues,
    /// The platform's side.
    pub platform: HeldValue<PlatformValue>,
    /// The vendor's side.
    pub external: HeldValue<ExternalValue>,
    /// When it was found.
    pub opened_at: Timestamp,
    /// When any part of this was last changed.
    pub updated_at: Timestamp,
    /// Raised by one at every change; a resolution names the one it has seen.
    pub version: u64,
    /// How it ended, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settlement: Option<Settlement>,
    /// Who brought the losing value back, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<(ActorId, Timestamp)>,
}

impl Conflict {
    /// The two values as base would remember them.
    pub fn pair(&self) -> BasePair {
        BasePair::seen(&self.platform.value, &self.external.value)
    }

    /// Whose value stands, if one side's does.
    pub fn winner(&self) -> Option<Side> {
        match self.settlement.as_ref()? {
            Settlement::Rule { winner, .. } => Some(*winner),
            Settlement::Person { resolution, .. } => match resolution {
                Resolution::UsePlatform => Some(Side::Platform),
                Resolution::UseExternal => Some(Side::External),
                Resolution::Ignore => None,
            },
            Settlement::Agreement => None,
        }
    }
}

/// A field of a link on which a person's word counts, not the strategy's. It holds for one pair of values only: where
/// one side has changed since, it is a question again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Which conflict.
    pub conflict: ConflictId,
    /// The two values it is about.
    pub about: BasePair,
    /// What is to be done.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What is to be done about a field under [`Review`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing, until a person chooses.
    Pending,
    /// The platform's value goes to the vendor.
    UsePlatform,
    /// The vendor's value comes to the platform.
    UseExternal,
    /// The pair becomes base, and is left alone until one side changes.
    Ignore,
    /// This raw value goes to the vendor: an automatic resolution is undone, and the map might not lead back to it.
    Restore {
        /// The vendor's raw value.
        external: ExternalValue,
    },
}
