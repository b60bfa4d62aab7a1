//! A link pairs one incident with one external record of one integration.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Digest, ExternalId, ExternalValue, Field, PlatformValue, RecordVersion, Review};

/// One of a link's two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Ours.
    Platform,
    /// The vendor's.
    External,
}

/// What both sides of a field were last seen to hold, as digests: the plan only compares, the values are in the
/// journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasePair {
    /// The platform's value.
    #[serde(rename = "p")]
    pub platform: Digest,
    /// The vendor's raw value.
    #[serde(rename = "e")]
    pub external: Digest,
    /// True if the vendor's value is this link's own write: its time is then nobody's change (design 3, rule 4).
    #[serde(default, rename = "w", skip_serializing_if = "std::ops::Not::not")]
    pub ours: bool,
    /// True if the platform's value was made of the vendor's, and the map back leads to another one: several of the vendor's
    /// values stand for it, and this one was there first.
    #[serde(default, rename = "m", skip_serializing_if = "std::ops::Not::not")]
    pub one_of_many: bool,
}

impl BasePair {
    /// The pair that both sides were seen to hold, the vendor's value being somebody else's.
    pub fn seen(platform: &PlatformValue, external: &ExternalValue) -> Self {
        Self {
            platform: platform.digest(),
            external: external.digest(),
            ours: false,
            one_of_many: false,
        }
    }

    /// The pair after this link wrote the vendor's value.
    pub fn written(platform: &PlatformValue, external: &ExternalValue) -> Self {
        Self {
            ours: true,
            ..Self::seen(platform, external)
        }
    }

    /// Do both name the same two values?
    pub fn same_values(&self, other: &Self) -> bool {
        self.platform == other.platform && self.external == other.external
    }
}

/// How far a link is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum LinkState {
    /// Reserved before the vendor was asked to create the record; its base holds what is being sent.
    Reserved,
    /// Both ends exist.
    Linked {
        /// The vendor's ticket.
        external_id: ExternalId,
        /// Where a person can look at it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
    },
    /// Unlinked by hand: nothing is synced, and nothing is created anew, until somebody links it again.
    Unlinked {
        /// The ticket that it was linked to, if it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        external_id: Option<ExternalId>,
    },
}

/// Something about a field of this link that an operator should know. It stays until the field moves again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What kind of thing.
    pub kind: NoticeKind,
    /// In words.
    pub detail: String,
    /// The pair that it was said about: said once per pair.
    pub about: BasePair,
    /// What was sent and refused, if anything was: another value, by another map, is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried: Option<Digest>,
    /// When it was said.
    pub at: Timestamp,
}

/// Kinds of [`Notice`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// The value map has no answer for the value.
    Unmapped,
    /// The vendor cannot hold the value, or lets nobody change the field.
    Unwritable,
    /// The vendor answered with another value than it was sent.
    Overruled,
    /// Both sides changed; this says who won.
    Conflict,
    /// It kept changing between the same two values, and is left as it is now.
    Flipping,
}

/// Pairs one incident with one external record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Raised by one whenever base or state change, and only by whoever won the claim for the version it replaces.
    pub version: u64,
    /// How far it is.
    pub state: LinkState,
    /// Which side it was created from: decides first values that have no owner (design 3, rule 5).
    pub created_from: Side,
    /// The vendor's version up to which all changes were planned.
    pub record_version: Option<RecordVersion>,
    /// What both sides were last seen to hold.
    pub base: BTreeMap<Field, BasePair>,
    /// What an operator should know.
    pub notices: BTreeMap<Field, Notice>,
    /// How far notes went.
    pub notes: NoteProgress,
    /// Fields on which a person's word counts.
    pub reviews: BTreeMap<Field, Review>,
    /// Fields that change between the same two values.
    pub flips: BTreeMap<Field, Flips>,
    /// Which version of the link its base was moved from, by field: names the claim in the journal that moved it.
    pub moved: BTreeMap<Field, u64>,
    /// What came of the last claim. The next claim carries it into the journal, so that an answer costs no write.
    pub outcome: Option<ClaimOutcome>,
}

/// What came of a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimOutcome {
    /// Which version of the link the claim was on.
    pub link_version: u64,
    /// Which claim on that version.
    pub attempt: u32,
    /// When it was committed.
    pub at: Timestamp,
    /// By field.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<Field, FieldOutcome>,
}

impl ClaimOutcome {
    /// The vendor took the value of some field.
    pub fn has_reached_the_vendor(&self) -> bool {
        self.fields.values().any(|outcome| {
            use FieldOutcome::{Overruled, Settled, Superseded, Written};
            matches!(
                outcome,
                Written | Settled | Superseded { .. } | Overruled { .. }
            )
        })
    }

    /// The platform took the value of some field.
    pub fn has_reached_the_platform(&self) -> bool {
        let mut outcomes = self.fields.values();
        outcomes.any(|outcome| *outcome == FieldOutcome::Pulled)
    }
}

/// What became of one field's decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum FieldOutcome {
    /// The vendor holds what it was sent.
    Written,
    /// The vendor holds something else, and nobody else wrote since: it overruled us.
    Overruled {
        /// What it holds.
        held: ExternalValue,
    },
    /// Somebody changed it right after our write: planned next.
    Superseded {
        /// What it holds.
        held: ExternalValue,
    },
    /// The vendor does not take the value.
    Refused {
        /// In its words.
        why: String,
    },
    /// An earlier attempt had written it, and its answer was lost: the vendor shows it.
    Settled,
    /// The platform holds the vendor's value.
    Pulled,
    /// No value moved.
    Kept,
}

/// A field that goes to and fro between two values: rules at war, unless people are that undecided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flips {
    /// The two values, on the platform's side.
    pub between: (Digest, Digest),
    /// How often it changed from one to the other.
    pub count: u32,
    /// When it last did.
    pub last: Timestamp,
}

/// How far a link's notes went. Only whoever won the claim moves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NoteProgress {
    /// The incident's [`crate::Incident::notes`] up to which all notes were sent to the vendor.
    pub sent: u64,
    /// How many of the vendor's notes the incident's other links have been told of.
    pub imported: u64,
}

impl Link {
    /// A link that nothing is known of yet but how far it is.
    pub fn new(version: u64, state: LinkState, created_from: Side) -> Self {
        Self {
            version,
            state,
            created_from,
            record_version: None,
            base: BTreeMap::new(),
            notices: BTreeMap::new(),
            notes: NoteProgress::default(),
            reviews: BTreeMap::new(),
            flips: BTreeMap::new(),
            moved: BTreeMap::new(),
            outcome: None,
        }
    }

    /// The link as it is once it was cut, by a claim that came to this.
    #[must_use]
    pub fn cut(&self, outcome: ClaimOutcome) -> Self {
        let external_id = self.external_id().cloned();
        Self {
            outcome: Some(outcome),
            version: self.version + 1,
            state: LinkState::Unlinked { external_id },
            base: BTreeMap::new(),
            notices: BTreeMap::new(),
            reviews: BTreeMap::new(),
            flips: BTreeMap::new(),
            ..self.clone()
        }
    }

    /// The vendor's ticket, once there is one.
    pub fn external_id(&self) -> Option<&ExternalId> {
        match &self.state {
            LinkState::Reserved | LinkState::Unlinked { .. } => None,
            LinkState::Linked { external_id, .. } => Some(external_id),
        }
    }
}
