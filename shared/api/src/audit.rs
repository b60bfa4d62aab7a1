//! `/audit`.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::Uri;
use im_model::{AuditChange, AuditEntry, IntegrationId};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::{
    Api, Problem,
    authorise::{Action, Resource},
    caller::Caller,
    incident::List,
    query::{Query, Slice},
};

const INTEGRATION: &str = "integration_id";

/// What the list accepts in its query.
const LIST_PARAMETERS: [&str; 3] = [Slice::NAMES[0], Slice::NAMES[1], INTEGRATION];

#[derive(Debug, Serialize)]
struct AuditJson {
    id: String,
    at: Timestamp,
    /// None: the system did it by itself.
    actor: Option<String>,
    action: &'static str,
    integration_id: String,
    subject: Option<String>,
    changes: Vec<ChangeJson>,
}

#[derive(Debug, Serialize)]
struct ChangeJson {
    what: String,
    before: Value,
    after: Value,
}

impl AuditJson {
    fn of(entry: &AuditEntry) -> Self {
        Self {
            id: entry.id.to_string(),
            at: entry.at,
            actor: entry.actor.as_ref().map(ToString::to_string),
            action: entry.action.as_str(),
            integration_id: entry.integration.to_string(),
            subject: entry.subject.clone(),
            changes: entry.changes.iter().map(ChangeJson::of).collect(),
        }
    }
}

impl ChangeJson {
    fn of(change: &AuditChange) -> Self {
        Self {
            what: change.what.clone(),
            before: value(change.before.as_deref()),
            after: value(change.after.as_deref()),
        }
    }
}

/// Kept in JSON; what is none is shown as it is.
fn value(kept: Option<&str>) -> Value {
    kept.map_or(Value::Null, |kept| {
        serde_json::from_str(kept).unwrap_or_else(|_| kept.into())
    })
}

/// `GET /audit`
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::of(&uri);
    let Slice { cursor, limit } = query.slice();
    let integration = query.parsed(INTEGRATION, |text| {
        IntegrationId::parse(text).map_err(|error| error.to_string())
    });
    query.finish(&LIST_PARAMETERS)?;
    let may_read = |id: &IntegrationId| {
        let resource = Resource::integration(&caller, id);
        api.policy.may(&caller, Action::ReadAudit, resource)
    };
    if let Some(id) = &integration {
        may_read(id)?;
    }
    let (organization, cursor) = (&caller.organization, cursor.as_deref());
    let page = api
        .audits
        .list(organization, integration.as_ref(), cursor, limit);
    let page = page.await?;
    let shown = page
        .items
        .iter()
        .filter(|entry| may_read(&entry.integration).is_ok());
    let items = shown.map(AuditJson::of).collect();
    let next = page.next;
    Ok(Json(List { items, next }).into_response())
}
