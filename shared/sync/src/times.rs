//! Change times out of a vendor's history.

use std::collections::BTreeSet;

use im_model::{ChangeTime, ExternalRecord, Field, TimeSource};

use crate::History;

/// Gives these fields of a record the time and author of their last change, as the vendor's history tells them.
pub fn add_times(record: &mut ExternalRecord, fields: &BTreeSet<Field>, history: History) {
    for change in history.changes {
        let Some(observed) = record.fields.get_mut(&change.field) else {
            continue;
        };
        let is_present = change
            .value
            .as_ref()
            .is_none_or(|value| *value == observed.value);
        if fields.contains(&change.field) && is_present {
            observed.changed = Some(ChangeTime {
                at: change.at,
                source: TimeSource::History,
            });
            observed.author = change.author.or(observed.author.take());
        }
    }
}
