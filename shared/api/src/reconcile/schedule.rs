//! `/integrations/{id}/reconcile/schedule`.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::Uri;

use super::{input, output::ScheduleJson};
use crate::{
    Api, Problem,
    authorise::Action,
    body::{self, JSON},
    caller::Caller,
    integration::admitted,
    query::Query,
    router::PathId,
};

/// `GET /integrations/{id}/reconcile/schedule`
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::none(&uri)?;
    let id = admitted(&api, &caller, Action::ReadReconciliations, &id)?;
    let organization = &caller.organization;
    let schedule = api.reconciliations.schedule(organization, &id).await?;
    Ok(Json(ScheduleJson::of(&schedule)).into_response())
}

/// `POST /integrations/{id}/reconcile/schedule`
pub(crate) async fn set(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    request: Request,
) -> Result<Response, Problem> {
    Query::none(request.uri())?;
    let id = admitted(&api, &caller, Action::Reconcile, &id)?;
    let new = input::schedule(body::read_object(request, JSON).await?)?;
    let (organization, actor) = (&caller.organization, &caller.subject);
    let set = api
        .reconciliations
        .set_schedule(organization, actor, &id, &new);
    Ok(Json(ScheduleJson::of(&set.await?)).into_response())
}

/// `DELETE /integrations/{id}/reconcile/schedule`
pub(crate) async fn remove(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::none(&uri)?;
    let id = admitted(&api, &caller, Action::Reconcile, &id)?;
    let (organization, actor) = (&caller.organization, &caller.subject);
    let removed = api
        .reconciliations
        .remove_schedule(organization, actor, &id);
    Ok(Json(ScheduleJson::of(&removed.await?)).into_response())
}
