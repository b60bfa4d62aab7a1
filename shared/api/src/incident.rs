//! `/incidents`.

pub(crate) mod history;
mod input;
pub(crate) mod link;
pub(crate) mod note;
mod output;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, Uri, header};
use im_model::{Field, IdempotencyKey, Incident, IncidentId, Status};
use serde::Serialize;

use self::output::IncidentJson;
use crate::{
    Api, Problem,
    authorise::{Action, Denied, Resource},
    body::{self, JSON, JSON_OR_MERGE_PATCH},
    caller::Caller,
    precondition::{etag, if_match},
    query::{Query, Slice},
    router::{BASE, PathId},
};

#[cfg(test)]
pub(crate) use self::{input::NAMES, output::READ_ONLY};

/// What the list accepts in its query.
const LIST_PARAMETERS: [&str; 3] = [Slice::NAMES[0], Slice::NAMES[1], "status"];

/// One page.
#[derive(Serialize)]
pub(crate) struct List<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<String>,
}

/// `POST /incidents`
pub(crate) async fn create(
    State(api): State<Arc<Api>>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    Query::none(request.uri())?;
    let key = idempotency_key(request.headers())?;
    let body = body::read_object(request, JSON).await?;
    let values = input::new_incident(body)?;
    let incident = api
        .incidents
        .create(&caller.organization, &caller.subject, values, key)
        .await?;
    let location = format!("{BASE}/incidents/{}", incident.id);
    let headers = [(header::LOCATION, location)];
    Ok((StatusCode::CREATED, headers, shown(&incident)).into_response())
}

/// `GET /incidents`
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::of(&uri);
    let Slice { cursor, limit } = query.slice();
    let status = query.parsed("status", |text| {
        text.parse::<Status>()
            .map_err(|unknown| unknown.to_string())
    });
    query.finish(&LIST_PARAMETERS)?;
    let page = api
        .incidents
        .list(&caller.organization, cursor.as_deref(), limit)
        .await?;
    let wanted = |incident: &&Incident| {
        let is = incident.value(&Field::Status);
        status.is_none_or(|status| is.as_str() == Some(status.as_str()))
    };
    let items = page
        .items
        .iter()
        .filter(wanted)
        .map(IncidentJson::of)
        .collect();
    Ok(Json(List {
        items,
        next: page.next,
    })
    .into_response())
}

/// `GET /incidents/{id}`
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::none(&uri)?;
    let incident = api
        .incidents
        .get(&caller.organization, &parse_id(&id)?)
        .await?;
    Ok(shown(&incident).into_response())
}

/// `PATCH /incidents/{id}`
pub(crate) async fn edit(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    request: Request,
) -> Result<Response, Problem> {
    Query::none(request.uri())?;
    let id = parse_id(&id)?;
    let seen = if_match(request.headers())?;
    let body = body::read_object(request, JSON_OR_MERGE_PATCH).await?;
    let values = input::change(body)?;
    // Asked about the incident that is edited: by the next revision, it may be somebody else's.
    let permit = |incident: &Incident| {
        may_edit(&api, &caller, incident).map_err(|denied| denied.to_string())
    };
    let edited = api
        .incidents
        .edit(
            &caller.organization,
            &caller.subject,
            &id,
            &values,
            seen,
            &permit,
        )
        .await;
    let incident = edited.map_err(|error| Problem::refused(error, seen.is_some()))?;
    Ok(shown(&incident).into_response())
}

fn may_edit(api: &Api, caller: &Caller, incident: &Incident) -> Result<(), Denied> {
    let assigned_to = incident.value(&Field::AssignedTo);
    let resource = Resource::incident(caller, assigned_to.as_str());
    api.policy.may(caller, Action::EditIncident, resource)
}

/// Fails unless the caller may edit the incident as it is now.
async fn check_may_edit(api: &Api, caller: &Caller, id: &IncidentId) -> Result<(), Problem> {
    let present = api.incidents.get(&caller.organization, id).await?;
    Ok(may_edit(api, caller, &present)?)
}

/// The caller's own name for the request, if it gave one.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let mut all = headers.get_all("idempotency-key").iter();
    let Some(first) = all.next() else {
        return Ok(None);
    };
    let key = first
        .to_str()
        .ok()
        .filter(|_| all.next().is_none())
        .and_then(|text| IdempotencyKey::parse(text.trim()).ok());
    let problem =
        "Idempotency-Key must be 1 to 128 printable ASCII characters without spaces or #.";
    key.map(Some).ok_or_else(|| Problem::malformed(problem))
}

/// An id that cannot be one names nothing.
fn parse_id(text: &str) -> Result<IncidentId, Problem> {
    let unknown = || Problem::not_found(format!("incident {}", body::shortened(text)));
    IncidentId::parse(text).map_err(|_| unknown())
}

fn shown(incident: &Incident) -> impl IntoResponse + use<> {
    (
        [(header::ETAG, etag(incident.revision))],
        Json(IncidentJson::of(incident)),
    )
}
