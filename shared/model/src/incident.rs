//! The platform's record.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ActorId, DeadLetterId, Field, IncidentId, IntegrationId, Link, OrganizationId, PlatformValue,
};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $(#[doc = concat!("`", $word, "`")] $(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it in the API, the CLI and the store.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownWord;
            fn from_str(text: &str) -> Result<Self, $crate::UnknownWord> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::UnknownWord::among(&[$($word),+])),
                }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// How bad it is.
    Severity { Sev1 = "SEV-1", Sev2 = "SEV-2", Sev3 = "SEV-3", Sev4 = "SEV-4" }
}
words! {
    /// How soon it wants attention.
    Priority { P1 = "P1", P2 = "P2", P3 = "P3", P4 = "P4", P5 = "P5" }
}
words! {
    /// Where it is in its life.
    Status {
        Open = "open",
        Acknowledged = "acknowledged",
        Mitigated = "mitigated",
        Resolved = "resolved",
        Closed = "closed",
    }
}

/// Where a field's present value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "snake_case")]
pub enum Origin {
    /// A person or program edited it through the management API.
    Platform {
        /// Who.
        actor: ActorId,
    },
    /// A link brought it from an external system.
    External {
        /// Which integration's link.
        integration: IntegrationId,
        /// The vendor's author, where the vendor says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        author: Option<ActorId>,
    },
}

impl Origin {
    /// True if a person edited it on the platform: only such an edit starts a conflict window (design 3, rule 4).
    pub fn is_platform_edit(&self) -> bool {
        matches!(self, Self::Platform { .. })
    }
}

/// One field of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldState {
    /// What it holds.
    pub value: PlatformValue,
    /// Raised by one at every change: a field changed there and back is a change.
    pub version: u64,
    /// When it was changed: the editor's time, for a pulled value the vendor's.
    pub changed_at: Timestamp,
    /// By what.
    pub origin: Origin,
}

/// The platform's record with everything a decision about it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// Its tenant.
    pub organization: OrganizationId,
    /// When it was created on the platform.
    pub created_at: Timestamp,
    /// Raised by one at every change of any field.
    pub revision: u64,
    /// Its fields. One that was never set is absent and counts as empty.
    pub fields: BTreeMap<Field, FieldState>,
    /// Its links, at most one per integration.
    pub links: BTreeMap<IntegrationId, Link>,
    /// The outbox: which integration is owed which revision.
    pub pending: BTreeMap<IntegrationId, u64>,
    /// Raised whenever notes are added. The notes themselves are items of their own.
    pub notes: u64,
    /// The dead letters that its links have: a success closes them.
    pub dead: BTreeMap<IntegrationId, DeadLetterId>,
}

impl Incident {
    /// What a field holds; empty if it was never set.
    pub fn value(&self, field: &Field) -> PlatformValue {
        self.fields
            .get(field)
            .map_or(PlatformValue::EMPTY, |state| state.value.clone())
    }

    /// A field's version; 0 if it was never set.
    pub fn field_version(&self, field: &Field) -> u64 {
        self.fields.get(field).map_or(0, |state| state.version)
    }

    /// When any field last changed.
    pub fn updated_at(&self) -> Timestamp {
        self.fields
            .values()
            .map(|state| state.changed_at)
            .max()
            .unwrap_or(self.created_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip_and_refusals_list_what_is_accepted() {
        for severity in Severity::ALL {
            assert_eq!(severity.as_str().parse(), Ok(*severity));
        }
        let error = "Open".parse::<Status>().expect_err("case matters");
        assert_eq!(
            error.to_string(),
            "must be one of open, acknowledged, mitigated, resolved, closed"
        );
    }
}
