//! The calls, in the order the vendor's API demands.

use std::collections::BTreeMap;

use async_trait::async_trait;
use im_model::{
    ExternalId, ExternalNote, ExternalRecord, ExternalValue, Field, IncidentId, Integration, Note,
    NoteId, OwnershipRules,
};
use im_sync::{History, LinkRules};
use jiff::Timestamp;

use super::{
    PagerDuty, defaults, history, list,
    lookup::{call, resolve_ids, unless_closed},
    notes, probe, refusal, request,
    request::ResolvedIds,
    response,
};
use crate::{
    Check, Configuration, Connection, ListQuery, Listing, VendorApi, VendorError, VendorErrorKind,
    Written,
};

#[async_trait]
impl VendorApi for PagerDuty {
    fn configuration(&self) -> Configuration {
        defaults::CONFIGURATION
    }

    fn check_options(&self, _: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    fn setup_steps(&self, integration: &Integration, webhook_url: &str) -> Vec<String> {
        probe::setup_steps(&integration.id, webhook_url)
    }

    async fn probe(&self, connection: Connection<'_>) -> Vec<Check> {
        probe::probe(&connection).await
    }

    fn aliases(&self) -> &'static [(&'static str, Field)] {
        &[("urgency", Field::Severity)]
    }

    fn default_ownership(&self) -> OwnershipRules {
        defaults::ownership()
    }

    async fn rules(
        &self,
        integration: &Integration,
        _: Connection<'_>,
    ) -> Result<LinkRules, VendorError> {
        Ok(defaults::rules(integration))
    }

    fn usual_rules(&self, integration: &Integration) -> LinkRules {
        defaults::rules(integration)
    }

    /// A creation is always `triggered`, and takes assignees only without an escalation policy (official schema).
    fn creatable(
        &self,
        mut values: BTreeMap<Field, ExternalValue>,
    ) -> BTreeMap<Field, ExternalValue> {
        values.remove(&Field::Status);
        if values.contains_key(&Field::EscalationPolicy) {
            values.remove(&Field::AssignedTo);
        }
        values
    }

    fn implied_by_creation(&self, _: &LinkRules) -> BTreeMap<Field, ExternalValue> {
        BTreeMap::from([
            (Field::Status, ExternalValue::text("triggered")),
            (Field::Priority, ExternalValue::EMPTY),
        ])
    }

    fn history_covers(&self, field: &Field) -> bool {
        history::covers(field)
    }

    async fn read(
        &self,
        connection: Connection<'_>,
        id: &ExternalId,
    ) -> Result<ExternalRecord, VendorError> {
        let answer: response::OneIncident =
            call(&connection, request::read(&connection, id)?).await?;
        read_record(&connection, answer.incident).await
    }

    async fn find(
        &self,
        connection: Connection<'_>,
        incident: &IncidentId,
    ) -> Result<Vec<ExternalRecord>, VendorError> {
        let answer: response::Incidents =
            call(&connection, request::find(&connection, incident)?).await?;
        let mut found = Vec::new();
        for candidate in answer.incidents {
            let record = read_record(&connection, candidate).await?;
            if record.correlation.as_ref() == Some(incident) {
                found.push(record);
            }
        }
        found.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        Ok(found)
    }

    async fn list(
        &self,
        connection: Connection<'_>,
        query: &ListQuery,
        after: Option<&str>,
    ) -> Result<Listing, VendorError> {
        list::page(&connection, query, after).await
    }

    async fn refusals(
        &self,
        connection: Connection<'_>,
        values: &BTreeMap<Field, ExternalValue>,
    ) -> Result<BTreeMap<Field, String>, VendorError> {
        resolve_ids(&connection, values, true)
            .await
            .map(|(_, refused)| refused)
    }

    async fn create(
        &self,
        connection: Connection<'_>,
        incident: &IncidentId,
        values: &BTreeMap<Field, ExternalValue>,
    ) -> Result<Written, VendorError> {
        let (ids, refused) = resolve_ids(&connection, values, true).await?;
        let values = without(values, &refused);
        let request = request::create(&connection, incident, &values, &ids)?;
        let answer: response::OneIncident = call(&connection, request).await?;
        let record = written_record(answer.incident, &ids, &values)?;
        Ok(Written { record, refused })
    }

    async fn write(
        &self,
        connection: Connection<'_>,
        record: &ExternalRecord,
        values: &BTreeMap<Field, ExternalValue>,
    ) -> Result<Written, VendorError> {
        let (ids, refused) = resolve_ids(&connection, values, false).await?;
        let values = without(values, &refused);
        if values.is_empty() {
            return Ok(Written {
                record: record.clone(),
                refused,
            });
        }
        let request = request::update(&connection, &record.id, &values, &ids)?;
        match call::<response::OneIncident>(&connection, request).await {
            Ok(answer) => {
                let record = written_record(answer.incident, &ids, &values)?;
                Ok(Written { record, refused })
            }
            // Somebody resolved it first: what we wanted is so, or the next plan will see that it is not.
            Err(error) if is_already_resolved(&error) && wants_only_resolved(&values) => {
                let record = self.read(connection, &record.id).await?;
                Ok(Written { record, refused })
            }
            Err(error) => Err(error),
        }
    }

    async fn notes(
        &self,
        connection: Connection<'_>,
        record: &ExternalRecord,
    ) -> Result<Vec<ExternalNote>, VendorError> {
        notes::read(&connection, &record.id).await
    }

    async fn add_note(
        &self,
        connection: Connection<'_>,
        record: &ExternalRecord,
        note: &Note,
    ) -> Result<Option<NoteId>, VendorError> {
        notes::add(&connection, &record.id, note).await
    }

    async fn history(
        &self,
        connection: Connection<'_>,
        id: &ExternalId,
        since: Timestamp,
    ) -> Result<History, VendorError> {
        history::read(&connection, id, since).await
    }
}

fn is_already_resolved(error: &VendorError) -> bool {
    matches!(
        error.kind,
        VendorErrorKind::Refused {
            code: Some(refusal::ALREADY_RESOLVED),
            ..
        }
    )
}

fn wants_only_resolved(values: &BTreeMap<Field, ExternalValue>) -> bool {
    values.len() == 1
        && values.get(&Field::Status).and_then(ExternalValue::as_str) == Some("resolved")
}

fn without(
    values: &BTreeMap<Field, ExternalValue>,
    refused: &BTreeMap<Field, String>,
) -> BTreeMap<Field, ExternalValue> {
    let kept = values
        .iter()
        .filter(|(field, _)| !refused.contains_key(field));
    kept.map(|(field, value)| (field.clone(), value.clone()))
        .collect()
}

/// The record as read, with the assignee's address looked up where the answer holds only a reference.
async fn read_record(
    connection: &Connection<'_>,
    incident: response::Incident,
) -> Result<ExternalRecord, VendorError> {
    let mut known = BTreeMap::new();
    if let Some(id) = incident.assignee_to_look_up() {
        let request = request::user(connection, id)?;
        // A deleted or hidden user has no address any more: the field is then not observed.
        let answer = unless_closed(call::<response::OneUser>(connection, request).await)?;
        let email = answer.and_then(|answer| answer.user.email);
        known.extend(email.map(|email| (id.to_owned(), email)));
    }
    record(incident, &known)
}

/// The record as answered to a write: it holds references only, and the one we sent is known.
fn written_record(
    incident: response::Incident,
    ids: &ResolvedIds,
    values: &BTreeMap<Field, ExternalValue>,
) -> Result<ExternalRecord, VendorError> {
    let email = values
        .get(&Field::AssignedTo)
        .and_then(ExternalValue::as_str);
    let known = ids
        .assignee
        .iter()
        .zip(email)
        .map(|(id, email)| (id.clone(), email.to_owned()));
    record(incident, &known.collect())
}

/// The record that an incident is; `known` are addresses by user id.
pub(super) fn record(
    incident: response::Incident,
    known: &BTreeMap<String, String>,
) -> Result<ExternalRecord, VendorError> {
    incident.into_record(known).map_err(|detail| VendorError {
        tried: "reading an incident".to_owned(),
        kind: VendorErrorKind::Garbage,
        detail,
    })
}
