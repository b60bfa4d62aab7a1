//! Items of an incident as they are put.

use std::collections::BTreeMap;

use im_engine::EditOfIncident;
use im_model::{Field, Incident, PlatformValue};
use jiff::Timestamp;
use serde::Serialize;

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
            pending_shard: owes.then(|| keys::shard(incident.id.as_str())),
            incident: incident.into(),
        }
    }
}

/// An edit's entry in the journal: a value that is overwritten on the platform is not lost.
#[derive(Serialize)]
pub(super) struct EditRow<'a> {
    pk: &'a str,
    pub(super) sk: String,
    at: Timestamp,
    actor: &'a im_model::ActorId,
    before: BTreeMap<&'a Field, PlatformValue>,
    after: &'a BTreeMap<Field, PlatformValue>,
}

impl<'a> EditRow<'a> {
    pub(super) fn of(edit: &'a EditOfIncident<'_>, pk: &'a str) -> Self {
        let incident = edit.incident;
        Self {
            pk,
            sk: keys::edit(
                incident.revision + 1,
                edit.now.as_nanosecond(),
                &String::from(PlatformValue::text(format!("{:?}", edit.values)).digest()),
            ),
            at: edit.now,
            actor: &edit.actor,
            before: edit
                .values
                .keys()
                .map(|field| (field, incident.value(field)))
                .collect(),
            after: &edit.values,
        }
    }
}
