//! Creations and changes, in the order that Jira demands.

use std::collections::BTreeMap;

use im_model::{ExternalId, ExternalRecord, ExternalValue, Field, IncidentId};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::{
    field::{Encoded, encode},
    issue::{self, Issue},
    options, people,
    refusal::{Refused, answer, call},
    request, status, transition,
};
use crate::{Connection, VendorError, VendorErrorKind, Written};

#[derive(Debug, Deserialize)]
struct Created {
    id: String,
}

/// Reads an issue as a record.
pub(super) async fn read(
    connection: &Connection<'_>,
    id: &str,
) -> Result<ExternalRecord, VendorError> {
    let fields = issue::fields_to_read(connection);
    let issue: Issue = call(connection, request::issue(connection, id, &fields)?).await?;
    issue::record(connection, issue).await
}

/// Creates the issue of an incident. What Jira does not let us set is left out, and said.
pub(super) async fn create(
    connection: &Connection<'_>,
    incident: &IncidentId,
    values: &BTreeMap<Field, ExternalValue>,
) -> Result<Written, VendorError> {
    let mut encoded = encode(connection, values).await?;
    let created = loop {
        let mut fields = identity(connection, incident)?;
        fields.extend(encoded.body());
        let request = request::create(connection, &fields)?;
        match call_with_fields::<Created>(connection, request).await {
            Ok(created) => break created,
            Err(refused) => drop_refused(connection, values, &mut encoded, refused)?,
        }
    };
    Ok(Written {
        record: read(connection, &created.id).await?,
        refused: encoded.refused,
    })
}

/// What makes it an issue of ours: the label is how it is found again.
fn identity(
    connection: &Connection<'_>,
    incident: &IncidentId,
) -> Result<Map<String, Json>, VendorError> {
    let tried = "POST /rest/api/3/issue";
    let project = request::project(connection, tried)?;
    let issue_type = request::issue_type(connection, tried)?;
    let by = |text: &str, name: &str| {
        let by = if options::is_id(text) { "id" } else { name };
        json!({ by: text })
    };
    Ok(Map::from_iter([
        ("project".to_owned(), by(project, "key")),
        ("issuetype".to_owned(), by(issue_type, "name")),
        ("labels".to_owned(), json!([incident.as_str()])),
    ]))
}

/// Changes an issue. A status that ends the work comes last and any other first: what is closed can often not be edited.
pub(super) async fn change(
    connection: &Connection<'_>,
    record: &ExternalRecord,
    values: &BTreeMap<Field, ExternalValue>,
) -> Result<Written, VendorError> {
    let mut encoded = encode(connection, values).await?;
    let target = values.get(&Field::Status).and_then(ExternalValue::as_str);
    let ends = match target {
        Some(target) => status::is_done(connection, target).await?,
        None => false,
    };
    if encoded.fields.is_empty() && target.is_none() {
        return Ok(Written {
            record: record.clone(),
            refused: encoded.refused,
        });
    }
    let mut refused = BTreeMap::new();
    if ends {
        edit(connection, &record.id, values, &mut encoded).await?;
    }
    if let Some(target) = target
        && let Err(why) = transition::move_to(connection, record, target).await?
    {
        refused.insert(Field::Status, why);
    }
    if !ends {
        edit(connection, &record.id, values, &mut encoded).await?;
    }
    refused.extend(encoded.refused);
    Ok(Written {
        record: read(connection, record.id.as_str()).await?,
        refused,
    })
}

/// Sends the fields, and again without those that Jira names as refused.
async fn edit(
    connection: &Connection<'_>,
    id: &ExternalId,
    values: &BTreeMap<Field, ExternalValue>,
    encoded: &mut Encoded,
) -> Result<(), VendorError> {
    while !encoded.fields.is_empty() {
        let request = request::edit(connection, id.as_str(), &encoded.body())?;
        match answer(connection, request).await {
            Ok(_) => return Ok(()),
            Err(refused) => drop_refused(connection, values, encoded, refused)?,
        }
    }
    Ok(())
}

/// Takes out what an answer refuses by name; any other refusal is an error.
fn drop_refused(
    connection: &Connection<'_>,
    values: &BTreeMap<Field, ExternalValue>,
    encoded: &mut Encoded,
    refused: Refused,
) -> Result<(), VendorError> {
    let is_refusal = matches!(refused.error.kind, VendorErrorKind::Refused { .. });
    if !is_refusal || !encoded.refuse(&refused.fields) {
        return Err(refused.error);
    }
    if encoded.refused.contains_key(&Field::AssignedTo)
        && let Some(email) = values
            .get(&Field::AssignedTo)
            .and_then(ExternalValue::as_str)
    {
        people::forget(connection, email);
    }
    Ok(())
}

async fn call_with_fields<T: serde::de::DeserializeOwned>(
    connection: &Connection<'_>,
    request: http::Request<bytes::Bytes>,
) -> Result<T, Refused> {
    let tried = crate::exchange::tried(&request);
    let response = answer(connection, request).await?;
    Ok(crate::exchange::parse(&tried, &response)?)
}

#[cfg(test)]
mod tests;
