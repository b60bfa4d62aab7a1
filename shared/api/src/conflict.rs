//! `/conflicts`.

mod output;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{Uri, header};
use im_engine::manage::ConflictFilter;
use im_model::{
    Conflict, ConflictId, ConflictStatus, Field, IncidentId, IntegrationId, Resolution,
};

use self::output::ConflictJson;
use crate::{
    Api, Problem,
    authorise::{Action, Resource},
    body::{self, JSON, ObjectReader},
    caller::Caller,
    incident::List,
    precondition::{etag, if_match},
    query::{Query, Slice},
    router::PathId,
};

/// What a resolution may say.
pub(crate) const NAMES: [&str; 1] = ["resolution"];

/// What the list accepts in its query.
const LIST_PARAMETERS: [&str; 5] = [
    Slice::NAMES[0],
    Slice::NAMES[1],
    "status",
    "integration",
    "incident",
];

/// `GET /conflicts`
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::of(&uri);
    let Slice { cursor, limit } = query.slice();
    let filter = ConflictFilter {
        status: query.parsed("status", |text| {
            let status = text.parse::<ConflictStatus>();
            status.map_err(|unknown| unknown.to_string())
        }),
        integration: query.parsed("integration", |text| {
            IntegrationId::parse(text).map_err(|error| error.to_string())
        }),
        incident: query.parsed("incident", |text| {
            IncidentId::parse(text).map_err(|error| error.to_string())
        }),
    };
    query.finish(&LIST_PARAMETERS)?;
    let page = api
        .conflicts
        .list(&caller.organization, &filter, cursor.as_deref(), limit)
        .await?;
    let items = page.items.iter().map(ConflictJson::of).collect();
    let next = page.next;
    Ok(Json(List { items, next }).into_response())
}

/// `GET /conflicts/{id}`
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::none(&uri)?;
    let id = parse_id(&id)?;
    let conflict = api.conflicts.get(&caller.organization, &id).await?;
    Ok(shown(&conflict).into_response())
}

/// `POST /conflicts/{id}/resolve`
pub(crate) async fn resolve(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    request: Request,
) -> Result<Response, Problem> {
    Query::none(request.uri())?;
    let id = parse_id(&id)?;
    let seen = if_match(request.headers())?;
    let resolution = wanted(body::read_object(request, JSON).await?)?;
    check_may_resolve(&api, &caller, &id).await?;
    let (organization, actor) = (&caller.organization, &caller.subject);
    // Whatever stands in the way of a resolution is a 409, a version that is not the present one too.
    let conflict = api
        .conflicts
        .resolve(organization, actor, &id, resolution, seen)
        .await?;
    Ok(shown(&conflict).into_response())
}

/// `POST /conflicts/{id}/restore`
pub(crate) async fn restore(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::none(&uri)?;
    let id = parse_id(&id)?;
    check_may_resolve(&api, &caller, &id).await?;
    let (organization, actor) = (&caller.organization, &caller.subject);
    let conflict = api.conflicts.restore(organization, actor, &id).await?;
    Ok(shown(&conflict).into_response())
}

/// Fails unless the caller may resolve the conflict: by its scope, or because the incident is assigned to it now.
async fn check_may_resolve(api: &Api, caller: &Caller, id: &ConflictId) -> Result<(), Problem> {
    let conflict = api.conflicts.get(&caller.organization, id).await?;
    let incidents = &api.incidents;
    let incident = incidents
        .get(&caller.organization, &conflict.incident)
        .await?;
    let assigned_to = incident.value(&Field::AssignedTo);
    let resource = Resource::conflict(caller, &conflict.integration, assigned_to.as_str());
    Ok(api.policy.may(caller, Action::ResolveConflict, resource)?)
}

fn wanted(mut body: ObjectReader) -> Result<Resolution, Problem> {
    body.require(&NAMES);
    let resolution = body.parsed(NAMES[0]);
    let problems = body.finish(&NAMES, &[]);
    resolution
        .filter(|_| problems.is_empty())
        .ok_or_else(|| Problem::invalid(problems))
}

/// An id that cannot be one names nothing.
fn parse_id(text: &str) -> Result<ConflictId, Problem> {
    let unknown = || Problem::not_found(format!("conflict {}", body::shortened(text)));
    ConflictId::parse(text).map_err(|_| unknown())
}

fn shown(conflict: &Conflict) -> impl IntoResponse + use<> {
    (
        [(header::ETAG, etag(conflict.version))],
        Json(ConflictJson::of(conflict)),
    )
}
