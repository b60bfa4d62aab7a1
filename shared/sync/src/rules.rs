//! What a link's fields may do.

use std::collections::{BTreeMap, BTreeSet};

use im_model::{
    ConflictStrategy, Direction, ExternalValue, Field, NoteKind, Ownership, Writability,
};
use jiff::{SignedDuration, Timestamp};

use crate::ValueMap;

/// What the vendor's field can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limit {
    /// Most characters, if there is a most.
    pub most_characters: Option<usize>,
    /// The vendor refuses an empty value.
    pub required: bool,
}

impl Limit {
    /// Any length, but not empty.
    pub const REQUIRED: Self = Self {
        most_characters: None,
        required: true,
    };

    /// Why the vendor cannot hold this value, in words; `None` if it can.
    pub fn refuses(&self, value: &ExternalValue) -> Option<String> {
        let Some(text) = value.as_str() else {
            return self
                .required
                .then(|| "the vendor refuses an empty value".to_owned());
        };
        let length = text.chars().count();
        let most = self.most_characters?;
        (length > most)
            .then(|| format!("the vendor holds {most} characters, the value has {length}"))
    }
}

/// One mapped field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldRule {
    /// Platform → vendor.
    pub outward: ValueMap,
    /// Vendor → platform.
    pub inward: ValueMap,
    /// Who owns it.
    pub ownership: Ownership,
    /// What the vendor lets us do to it.
    pub writability: Writability,
    /// What the vendor can hold.
    pub limit: Limit,
    /// Every value that the vendor's field can hold, where they can be counted.
    pub vendor_values: Option<BTreeSet<String>>,
}

impl FieldRule {
    /// A field that can be written at any time and has no owner yet.
    pub fn new(outward: ValueMap, inward: ValueMap, limit: Limit) -> Self {
        Self {
            outward,
            inward,
            ownership: Ownership::default(),
            writability: Writability::Always,
            limit,
            vendor_values: None,
        }
    }

    /// The same rule for a field of which the vendor has these values, and no others.
    #[must_use]
    pub fn with_vendor_values<T: Into<String>>(self, values: impl IntoIterator<Item = T>) -> Self {
        Self {
            vendor_values: Some(values.into_iter().map(Into::into).collect()),
            ..self
        }
    }
}

/// All that a plan needs to know of an integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRules {
    /// Which way changes may flow.
    pub direction: Direction,
    /// Who wins when both sides changed.
    pub strategy: ConflictStrategy,
    /// How close two people's edits must be to count as a conflict although only one changed since base.
    pub conflict_window: SignedDuration,
    /// The mapped fields. Any other field is not synced.
    pub fields: BTreeMap<Field, FieldRule>,
    /// The lists of notes that are synced, and who owns them. A list that is absent is not sent; a vendor's note of
    /// such a kind is not imported.
    pub notes: BTreeMap<NoteKind, Ownership>,
    /// Kinds of notes that came in again at some time: what was written before is not caught up with.
    pub notes_in_since: BTreeMap<NoteKind, Timestamp>,
}

impl LinkRules {
    /// May the field's value go to the vendor?
    pub fn may_flow_out(&self, rule: &FieldRule) -> bool {
        self.direction.allows_outbound() && rule.ownership.lets_out()
    }

    /// May notes of this kind be sent to the vendor?
    pub fn notes_flow_out(&self, kind: NoteKind) -> bool {
        let allowed = |ownership: &Ownership| ownership.lets_out();
        self.direction.allows_outbound() && self.notes.get(&kind).is_some_and(allowed)
    }

    /// May the vendor's notes of this kind come to the platform?
    pub fn notes_flow_in(&self, kind: NoteKind) -> bool {
        let allowed = |ownership: &Ownership| ownership.lets_in();
        self.direction.allows_inbound() && self.notes.get(&kind).is_some_and(allowed)
    }

    /// May the field's value come to the platform?
    pub fn may_flow_in(&self, rule: &FieldRule) -> bool {
        self.direction.allows_inbound() && rule.ownership.lets_in()
    }
}
