//! `integration#delivery id`.

use std::collections::BTreeMap;

use im_engine::{Delivery, DeliveryKey};
use im_model::{ActorId, ExternalId, Field, IntegrationId, RecordVersion};
use im_vendors::Announced;
use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

/// `integration#delivery id` in the deliveries table.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DeliveryRow {
    pub(crate) pk: DeliveryKey,
    /// The index `listing` is of this and of the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) integration: Option<IntegrationId>,
    #[serde(serialize_with = "as_sort_key")]
    pub(crate) received_at: Timestamp,
    pub(crate) event_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) occurred_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) external_id: Option<ExternalId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) at_least: Option<RecordVersion>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) changed: BTreeMap<Field, Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) author: Option<ActorId>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) notes: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) outcome: Option<String>,
    /// How it is counted, once it is done: a [`im_engine::DeliveryEnd`]. The index `listing` holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) disposition: Option<String>,
    /// Since when it waits again, if a person had it processed again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reopened_at: Option<Timestamp>,
    /// Present while the delivery waits to be worked on: the stream's filter asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) wake: Option<String>,
    /// The trace that it came in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) traceparent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) open_shard: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) open_since: Option<Timestamp>,
    /// Epoch seconds (TTL).
    pub(crate) expires_at: i64,
}

/// Always as long, so that texts sort as times do.
pub(crate) fn sort_key(time: Timestamp) -> String {
    format!("{time:.9}")
}

fn as_sort_key<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&sort_key(*time))
}

impl From<DeliveryRow> for Delivery {
    fn from(row: DeliveryRow) -> Self {
        let announced = row.external_id.map(|external_id| Announced {
            external_id,
            at_least: row.at_least,
            changed: row.changed,
            author: row.author,
            notes: row.notes,
        });
        Self {
            key: row.pk,
            received_at: row.received_at,
            event_type: row.event_type,
            occurred_at: row.occurred_at,
            announced,
            outcome: row.outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_sort_as_texts_do() {
        let times = ["05Z", "05.000000001Z", "05.12Z", "05.3Z", "06Z"];
        let times = times.map(|second| format!("2026-01-02T03:04:{second}").parse());
        let keys = times.map(|time| sort_key(time.expect("a time")));
        assert!(keys.is_sorted(), "{keys:?}");
        assert_eq!(keys[3], "2026-01-02T03:04:05.300000000Z");
    }
}
