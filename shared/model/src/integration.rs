//! One configured connection to one external system.

use std::{collections::BTreeMap, num::NonZeroU32};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    Brake, Field, IntegrationId, InvalidField, Mappings, NoteKind, OrganizationId, Triggers,
    incident::words,
};

/// A word that is none of those expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {expected}")]
pub struct UnknownWord {
    expected: String,
}

impl UnknownWord {
    pub(crate) fn among(words: &[&str]) -> Self {
        Self {
            expected: words.join(", "),
        }
    }
}

words! {
    /// Which vendor.
    IntegrationType {
        /// `ServiceNow`.
        ServiceNow = "servicenow",
        /// Jira Service Management.
        Jira = "jira",
        /// `PagerDuty`.
        PagerDuty = "pagerduty",
    }
}
words! {
    /// Which way changes may flow.
    Direction {
        /// Neither way; the link and its base stay.
        None = "none",
        /// From the vendor only.
        Inbound = "inbound",
        /// To the vendor only.
        Outbound = "outbound",
        /// Both ways.
        Bidirectional = "bidirectional",
    }
}
words! {
    /// Who wins when both sides changed.
    ConflictStrategy {
        /// The later change; a tie goes to the platform.
        LastWriteWins = "last-write-wins",
        /// The owner with the higher priority; a tie falls back to the later change.
        OwnershipPriority = "ownership-priority",
        /// A person decides; until then the field moves in neither direction.
        ManualReview = "manual-review",
    }
}
words! {
    /// Who owns a field.
    Owner {
        /// The platform: it flows outbound.
        Platform = "platform",
        /// The vendor: it flows inbound.
        External = "external",
    }
}
words! {
    /// Whether an integration's jobs are worked on.
    Activity {
        /// They are.
        Active = "active",
        /// They wait until it is resumed.
        Paused = "paused",
    }
}

words! {
    /// How the vendor's changes come in.
    Mode {
        /// By the vendor's webhooks.
        Webhook = "webhook",
        /// It is polled every minute; webhooks are still accepted.
        Polling = "polling",
    }
}

impl Direction {
    /// May changes flow from the vendor?
    pub fn allows_inbound(self) -> bool {
        matches!(self, Self::Inbound | Self::Bidirectional)
    }

    /// May changes flow to the vendor?
    pub fn allows_outbound(self) -> bool {
        matches!(self, Self::Outbound | Self::Bidirectional)
    }
}

/// Who owns one field: an owner's priority if it has a rule. Neither means both may flow, without priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ownership {
    /// The platform's priority, if it is an owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<u8>,
    /// The vendor's priority, if it is an owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<u8>,
}

impl Ownership {
    /// Owned by one side alone.
    pub fn only(owner: Owner, priority: u8) -> Self {
        match owner {
            Owner::Platform => Self {
                platform: Some(priority),
                external: None,
            },
            Owner::External => Self {
                platform: None,
                external: Some(priority),
            },
        }
    }

    /// The single owner, if there is exactly one.
    pub fn single(self) -> Option<Owner> {
        match (self.platform, self.external) {
            (Some(_), None) => Some(Owner::Platform),
            (None, Some(_)) => Some(Owner::External),
            _ => None,
        }
    }

    /// May the platform's value flow to the vendor?
    pub fn lets_out(self) -> bool {
        self.single() != Some(Owner::External)
    }

    /// May the vendor's value flow to the platform?
    pub fn lets_in(self) -> bool {
        self.single() != Some(Owner::Platform)
    }
}

/// What can be owned: a field, or one of the two lists of notes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Ownable {
    /// A scalar field.
    Field(Field),
    /// A list of notes.
    Notes(NoteKind),
}

impl Ownable {
    /// What a person calls it: its name, an alias that is the same for every vendor (`assignee`), or either with `-` for
    /// `_` (`work-notes`).
    ///
    /// # Errors
    /// Names the fields that there are.
    pub fn named(text: &str) -> Result<Self, InvalidField> {
        if let Ok(exact) = text.parse() {
            return Ok(exact);
        }
        match text.replace('-', "_").as_str() {
            "assignee" => Ok(Field::AssignedTo.into()),
            "comment" => Ok(NoteKind::Comment.into()),
            "work_note" => Ok(NoteKind::WorkNote.into()),
            // A custom field's name is what it is.
            name if !name.starts_with("custom.") => name.parse().or_else(|_| text.parse()),
            _ => text.parse(),
        }
    }
}

impl std::fmt::Display for Ownable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Field(field) => field.fmt(f),
            Self::Notes(kind) => kind.fmt(f),
        }
    }
}

impl std::str::FromStr for Ownable {
    type Err = InvalidField;
    fn from_str(text: &str) -> Result<Self, InvalidField> {
        match text.parse() {
            Ok(kind) => Ok(Self::Notes(kind)),
            Err(_) => text.parse().map(Self::Field),
        }
    }
}

impl TryFrom<String> for Ownable {
    type Error = InvalidField;
    fn try_from(text: String) -> Result<Self, InvalidField> {
        text.parse()
    }
}

impl From<Ownable> for String {
    fn from(ownable: Ownable) -> String {
        ownable.to_string()
    }
}

impl From<Field> for Ownable {
    fn from(field: Field) -> Self {
        Self::Field(field)
    }
}

impl From<NoteKind> for Ownable {
    fn from(kind: NoteKind) -> Self {
        Self::Notes(kind)
    }
}

/// Ownership by field and list of notes. What is absent has no owner.
pub type OwnershipRules = BTreeMap<Ownable, Ownership>;

/// One configured connection to one external system. Its credentials are not here: only where they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integration {
    /// Its id.
    pub id: IntegrationId,
    /// Its tenant.
    pub organization: OrganizationId,
    /// Which vendor.
    pub integration_type: IntegrationType,
    /// What people call it.
    pub name: String,
    /// Where the vendor's REST API is, without a trailing slash.
    pub base_url: url::Url,
    /// Which way changes may flow.
    pub direction: Direction,
    /// Disabled: webhooks are still accepted, nothing is synced.
    pub enabled: bool,
    /// Whether its jobs are worked on.
    pub activity: Activity,
    /// Why it was paused, where the system did it.
    pub paused_because: Option<String>,
    /// Who wins when both sides changed.
    pub strategy: ConflictStrategy,
    /// How close two people's edits must be to count as a conflict although only one changed since both sides agreed.
    pub conflict_window: SignedDuration,
    /// The most requests that the vendor is sent within a minute, by all functions together, if the operator limits them.
    pub requests_per_minute: Option<NonZeroU32>,
    /// How the vendor's changes come in.
    pub mode: Mode,
    /// When a reconciliation run is taken to be a mistake.
    pub brake: Brake,
    /// Value maps that differ from the vendor's defaults.
    pub mappings: Mappings,
    /// When a record is first sent.
    pub triggers: Triggers,
    /// What only one vendor has, e.g. `PagerDuty`'s `service`.
    pub options: BTreeMap<String, String>,
    /// Ownership by field, complete: the vendor's defaults are copied in when the integration is created.
    pub ownership: OwnershipRules,
    /// Since when notes of a kind come in again that did not before: what the vendor's people wrote until then is not
    /// caught up with on links that existed. See [`Integration::note_flows_since`].
    pub notes_in_since: BTreeMap<NoteKind, Timestamp>,
    /// Where its credentials are kept.
    pub secret_id: String,
    /// Raised by one at every change.
    pub version: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Integration {
    /// The guide's default conflict window: 5 s.
    pub const CONFLICT_WINDOW: SignedDuration = SignedDuration::from_secs(5);

    /// May the vendor's notes of this kind come in?
    pub fn lets_notes_in(&self, kind: NoteKind) -> bool {
        let ownership = self.ownership.get(&kind.into());
        self.direction.allows_inbound() && ownership.copied().unwrap_or_default().lets_in()
    }

    /// Remembers which kinds of notes come in from now on and did not before. To be called with every change of direction
    /// or ownership.
    pub fn note_flows_since(&mut self, before: &Self, now: Timestamp) {
        for kind in NoteKind::ALL {
            if self.lets_notes_in(*kind) && !before.lets_notes_in(*kind) {
                self.notes_in_since.insert(*kind, now);
            }
        }
    }

    /// Are its jobs worked on now?
    pub fn is_working(&self) -> bool {
        self.enabled && self.activity == Activity::Active
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_call_a_field() {
        for (name, expected) in [
            ("assigned_to", "assigned_to"),
            ("assignee", "assigned_to"),
            ("escalation-policy", "escalation_policy"),
            ("work-notes", "work_notes"),
            ("comment", "comments"),
            ("custom.a_b", "custom.a_b"),
        ] {
            let found = Ownable::named(name).map(|found| found.to_string());
            assert_eq!(found.as_deref(), Ok(expected));
        }
        for unknown in ["custom.a-b", "sev", ""] {
            let refused = Ownable::named(unknown).expect_err("unknown");
            assert!(
                refused.to_string().contains(&format!("{unknown:?}")),
                "{refused}"
            );
        }
    }

    #[test]
    fn one_owner_alone_flows_and_none_or_both_let_both_flow() {
        let flows = |ownership: Ownership| (ownership.lets_out(), ownership.lets_in());
        assert_eq!(flows(Ownership::only(Owner::Platform, 1)), (true, false));
        assert_eq!(flows(Ownership::only(Owner::External, 1)), (false, true));
        assert_eq!(flows(Ownership::default()), (true, true));
        assert_eq!(
            flows(Ownership {
                platform: Some(1),
                external: Some(2)
            }),
            (true, true)
        );
    }
}
