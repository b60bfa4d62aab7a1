//! The calls: what is asked, in which order, and what comes of it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use im_model::{
    ActorId, ExternalId, ExternalNote, ExternalRecord, ExternalValue, Field, IncidentId,
    Integration, Note, NoteId, OwnershipRules, RecordVersion,
};
use im_sync::{History, LinkRules};
use jiff::Timestamp;

use super::{
    ServiceNow, columns,
    columns::Columns,
    defaults, history, list, notes, options, people, probe,
    refusal::{garbage, row, rows},
    request, response,
    response::Row,
    setup,
    state::{NEW, States},
};
use crate::{
    Check, Configuration, Connection, ListQuery, Listing, VendorApi, VendorError, VendorErrorKind,
    Written,
};

#[async_trait]
impl VendorApi for ServiceNow {
    fn configuration(&self) -> Configuration {
        options::CONFIGURATION
    }

    fn check_options(&self, options: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        options::check(options)
    }

    fn setup_steps(&self, integration: &Integration, webhook_url: &str) -> Vec<String> {
        setup::steps(&integration.options, webhook_url)
    }

    async fn probe(&self, connection: Connection<'_>) -> Vec<Check> {
        probe::probe(&connection).await
    }

    fn aliases(&self) -> &'static [(&'static str, Field)] {
        &[
            ("short_description", Field::Title),
            ("state", Field::Status),
        ]
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

    /// A record begins in state 1. Any other state follows as a change, with what that state demands.
    fn creatable(
        &self,
        mut values: BTreeMap<Field, ExternalValue>,
    ) -> BTreeMap<Field, ExternalValue> {
        values.retain(|field, value| *field != Field::Status || value.as_str() == Some(NEW));
        values
    }

    fn implied_by_creation(&self, _: &LinkRules) -> BTreeMap<Field, ExternalValue> {
        BTreeMap::from([(Field::Status, ExternalValue::text(NEW))])
    }

    fn history_covers(&self, field: &Field) -> bool {
        history::covers(field)
    }

    async fn read(
        &self,
        connection: Connection<'_>,
        id: &ExternalId,
    ) -> Result<ExternalRecord, VendorError> {
        let request = request::read(&connection, id)?;
        let tried = request.tried();
        let row = row(&connection, request).await?;
        let assignee = assignee(&connection, &row).await?;
        record(&connection, &row, assignee, &tried)
    }

    async fn find(
        &self,
        connection: Connection<'_>,
        incident: &IncidentId,
    ) -> Result<Vec<ExternalRecord>, VendorError> {
        let request = request::find(&connection, incident)?;
        let tried = request.tried();
        let found = rows(&connection, request).await?;
        let carries = |row: &&Row| row.get("correlation_id") == Some(incident.as_str());
        let ours: Vec<_> = found.iter().filter(carries).collect();
        // The query was not followed: that says nothing, and to believe it would make a second record.
        if ours.is_empty() && !found.is_empty() {
            let detail = "records without the correlation_id that was asked for";
            return Err(garbage(&tried, detail));
        }
        let mut records = Vec::new();
        for row in ours {
            let assignee = assignee(&connection, row).await?;
            records.push(record(&connection, row, assignee, &tried)?);
        }
        records.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        Ok(records)
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
        Ok(columns::of(&connection, values).await?.refused)
    }

    async fn create(
        &self,
        connection: Connection<'_>,
        incident: &IncidentId,
        values: &BTreeMap<Field, ExternalValue>,
    ) -> Result<Written, VendorError> {
        let columns = columns::of(&connection, values).await?;
        let request = request::create(&connection, incident, columns.with_closure())?;
        written(&connection, request, columns).await
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

    /// What is written to close a record takes the place of what a person wrote to resolve it, so it is not sent where
    /// the record is at an end already, unless the instance asks for it.
    async fn write(
        &self,
        connection: Connection<'_>,
        record: &ExternalRecord,
        values: &BTreeMap<Field, ExternalValue>,
    ) -> Result<Written, VendorError> {
        let columns = columns::of(&connection, values).await?;
        if columns.values.is_empty() {
            return Ok(Written {
                record: record.clone(),
                refused: columns.refused,
            });
        }
        if columns.ends() && is_at_an_end(record, &connection) {
            let request = request::update(&connection, &record.id, columns.values.clone())?;
            let tried = request.tried();
            match row(&connection, request).await {
                Err(error) if is_refused_for_its_values(&error) => {}
                answer => return answered(&connection, &answer?, &tried, columns).await,
            }
        }
        let request = request::update(&connection, &record.id, columns.with_closure())?;
        written(&connection, request, columns).await
    }

    /// Without a user name, it is not known whom the OAuth client acts as.
    async fn own_actor(&self, connection: Connection<'_>) -> Result<Option<ActorId>, VendorError> {
        let name = connection.credentials.get("username");
        Ok(name.and_then(|name| ActorId::parse(name.reveal()).ok()))
    }

    fn writes_between(&self, read: RecordVersion, later: RecordVersion) -> Option<u64> {
        Some(response::writes_between(read, later))
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

fn is_at_an_end(record: &ExternalRecord, connection: &Connection<'_>) -> bool {
    let status = record.fields.get(&Field::Status);
    let code = status.and_then(|observed| observed.value.as_str());
    code.is_some_and(|code| States::of(connection.options).is_end(code))
}

fn is_refused_for_its_values(error: &VendorError) -> bool {
    matches!(error.kind, VendorErrorKind::Refused { status: 403, .. })
}

/// The answer to a write is the record after it.
async fn written(
    connection: &Connection<'_>,
    request: request::Prepared,
    columns: Columns,
) -> Result<Written, VendorError> {
    let tried = request.tried();
    let row = row(connection, request).await?;
    answered(connection, &row, &tried, columns).await
}

async fn answered(
    connection: &Connection<'_>,
    row: &Row,
    tried: &str,
    columns: Columns,
) -> Result<Written, VendorError> {
    // The write is done: that nobody tells who the assignee is, is no reason to say that it failed.
    let assignee = assignee(connection, row).await.unwrap_or_default();
    Ok(Written {
        record: record(connection, row, assignee, tried)?,
        refused: columns.refused,
    })
}

/// The address of a row's assignee; `None` where it cannot be told.
pub(super) async fn assignee(
    connection: &Connection<'_>,
    row: &Row,
) -> Result<Option<ExternalValue>, VendorError> {
    match row.get("assigned_to") {
        Some(sys_id) => people::value(connection, sys_id).await,
        None => Ok(None),
    }
}

/// The record that a row is.
pub(super) fn record(
    connection: &Connection<'_>,
    row: &Row,
    assignee: Option<ExternalValue>,
    tried: &str,
) -> Result<ExternalRecord, VendorError> {
    let custom = options::custom(connection.options);
    let at = (connection.base_url, options::table(connection.options));
    response::record(row, &custom, assignee, at).map_err(|why| garbage(tried, why))
}

#[cfg(test)]
mod tests;
