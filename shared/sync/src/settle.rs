//! What an unclosed claim did: its worker may have died before, in or after the vendor's write.

use std::collections::BTreeMap;

use im_model::{ActorId, BasePair, ExternalRecord, ExternalValue, Field, PlatformValue};
use jiff::{Timestamp, Unit};
use serde::{Deserialize, Serialize};

/// What a claim was about to write to one field, and the platform's value it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The platform's value.
    pub platform: PlatformValue,
    /// The vendor's.
    pub external: ExternalValue,
}

/// One change in a vendor's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which field.
    pub field: Field,
    /// To what; `None` where the vendor records only that it changed.
    pub value: Option<ExternalValue>,
    /// When.
    pub at: Timestamp,
    /// By whom, if it says.
    pub author: Option<ActorId>,
}

/// A vendor's history of a record since some moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// The changes, oldest first.
    pub changes: Vec<Change>,
}

/// Which of a claim's writes took effect: their pairs become base, whatever the vendor holds by now. A later value
/// is then a change like any other.
///
/// Where the vendor has no history of a field, a value equal to the claim's is our own write whose answer was lost.
pub fn settle(
    sent: &BTreeMap<Field, Sent>,
    record: &ExternalRecord,
    history: &History,
    claimed_at: Timestamp,
) -> BTreeMap<Field, BasePair> {
    // Vendors keep whole seconds.
    let since = claimed_at
        .round(Unit::Second)
        .unwrap_or(claimed_at)
        .min(claimed_at)
        - jiff::SignedDuration::from_secs(1);
    let took_effect = |(field, sent): &(&Field, &Sent)| {
        let holds_it = record
            .fields
            .get(*field)
            .is_some_and(|observed| observed.value == sent.external);
        if holds_it {
            return true;
        }
        let changes: Vec<_> = history
            .changes
            .iter()
            .filter(|change| change.field == **field && change.at >= since)
            .collect();
        let named = changes
            .iter()
            .any(|change| change.value.as_ref() == Some(&sent.external));
        // Where the values are not recorded: one change is the one that left the value that is there now, and a
        // second one before it was ours.
        let unnamed = changes
            .iter()
            .filter(|change| change.value.is_none())
            .count()
            >= 2;
        named || unnamed
    };
    sent.iter()
        .filter(took_effect)
        .map(|(field, sent)| {
            (
                field.clone(),
                BasePair::written(&sent.platform, &sent.external),
            )
        })
        .collect()
}
