//! What a vendor was seen to hold.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ActorId, ChangeTime, ExternalId, ExternalValue, Field, IncidentId};

/// A vendor's own version of a record: it never goes back, and an equal one may still hide a change where the
/// vendor's clock is coarse (`PagerDuty`: seconds). Only "older than" may be concluded from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordVersion(pub u64);

/// One field as the vendor shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// The raw value.
    pub value: ExternalValue,
    /// When it was changed, and how that is known, where the vendor says more than when the record was.
    pub changed: Option<ChangeTime>,
    /// By whom, if it says.
    pub author: Option<ActorId>,
}

impl Observed {
    /// A value of which the vendor tells neither time nor author.
    pub fn value(value: ExternalValue) -> Self {
        Self {
            value,
            changed: None,
            author: None,
        }
    }
}

/// A vendor's ticket at one moment. A field that cannot be observed (now, or ever) is absent, not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalRecord {
    /// The vendor's id.
    pub id: ExternalId,
    /// The vendor's version of it.
    pub version: RecordVersion,
    /// Where a person can look at it.
    pub url: Option<String>,
    /// The incident it says it belongs to: the id that we wrote into it when we created it.
    pub correlation: Option<IncidentId>,
    /// The record that it was merged into: there its story goes on.
    pub merged_into: Option<ExternalId>,
    /// When it was created at the vendor.
    pub created_at: Timestamp,
    /// When any part of it last changed.
    pub updated_at: Timestamp,
    /// Its fields.
    pub fields: BTreeMap<Field, Observed>,
}

/// What a vendor lets us do to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Writability {
    /// Written at any time.
    Always,
    /// Written when the record is created, never again.
    OnCreate,
}
