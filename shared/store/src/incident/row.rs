//! Items of an incident as they are put.

use im_engine::{EditOfIncident, PlatformEdit};
use im_model::{Incident, IncidentId, PlatformValue};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{keys, row::IncidentRow};

/// `INC#id` / `STATE` as it is put.
#[derive(Serialize)]
pub(super) struct StateRow {
    pub(super) pk: String,
    sk: &'static str,
    listing_pk: String,
    listing_sk: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    wake: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending_since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending_shard: Option<String>,
    /// Since when it has owed somebody something. Unlike `pending_since`, nothing moves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    owed_since: Option<Timestamp>,
    #[serde(flatten)]
    incident: IncidentRow,
}

impl StateRow {
    pub(super) fn of(incident: &Incident) -> Self {
        let owes = !incident.pending.is_empty();
        Self {
            pk: keys::incident(&incident.id),
            sk: keys::STATE,
            listing_pk: keys::incidents_of(&incident.organization),
            listing_sk: incident.id.to_string(),
            wake: owes.then_some(incident.created_at),
            pending_since: owes.then_some(incident.created_at),
            owed_since: owes.then_some(incident.created_at),
            pending_shard: owes.then(|| keys::shard(incident.id.as_str())),
            incident: incident.into(),
        }
    }
}

/// An edit's entry in the journal.
#[derive(Serialize, Deserialize)]
pub(crate) struct EditRow {
    pk: String,
    pub(super) sk: String,
    #[serde(flatten)]
    pub(crate) edit: PlatformEdit,
}

impl EditRow {
    pub(crate) fn of(incident: &IncidentId, edit: PlatformEdit) -> Self {
        let digest = PlatformValue::text(format!("{:?}", edit.after)).digest();
        Self {
            pk: keys::incident(incident),
            sk: keys::edit(
                edit.revision,
                edit.at.as_nanosecond(),
                &String::from(digest),
            ),
            edit,
        }
    }

    pub(super) fn of_request(edit: &EditOfIncident<'_>) -> Self {
        let incident = edit.incident;
        let before = edit.values.keys();
        let entry = PlatformEdit {
            at: edit.now,
            actor: edit.actor.clone(),
            cause: None,
            request: edit.request.clone(),
            revision: incident.revision + 1,
            before: before
                .map(|field| (field.clone(), incident.value(field)))
                .collect(),
            after: edit.values.clone(),
        };
        Self::of(&incident.id, entry)
    }
}
