//! `/integrations/{id}/reconcile` and `/integrations/{id}/backfill`.

pub(crate) mod input;
mod output;
pub(crate) mod schedule;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequestParts, Request, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, Uri, header, request::Parts};
use im_engine::{RunRequest, manage::FieldProblem};
use im_model::RunId;

use self::output::{ItemJson, RunJson};
use crate::{
    Api, Problem,
    authorise::Action,
    body::{self, JSON, ObjectReader, shortened},
    caller::Caller,
    incident::List,
    integration::admitted,
    query::{NOT_A_CURSOR, Query, Slice},
    router::{BASE, PathId, path_pair},
};

/// `POST /integrations/{id}/reconcile`
pub(crate) async fn start(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    request: Request,
) -> Result<Response, Problem> {
    begin(&api, &caller, &id, request, input::reconciliation).await
}

/// `POST /integrations/{id}/backfill`
pub(crate) async fn backfill(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    request: Request,
) -> Result<Response, Problem> {
    begin(&api, &caller, &id, request, input::backfill).await
}

async fn begin(
    api: &Api,
    caller: &Caller,
    id: &str,
    request: Request,
    read: fn(ObjectReader) -> Result<RunRequest, Problem>,
) -> Result<Response, Problem> {
    Query::none(request.uri())?;
    let id = admitted(api, caller, Action::Reconcile, id)?;
    let wanted = read(body::read_object(request, JSON).await?)?;
    let (organization, actor) = (&caller.organization, &caller.subject);
    let started = api.reconciliations.start(organization, actor, &id, &wanted);
    let run = started.await?;
    let location = format!("{BASE}/integrations/{id}/reconcile/runs/{}", run.id);
    let headers = [(header::LOCATION, location)];
    Ok((StatusCode::ACCEPTED, headers, Json(RunJson::of(&run))).into_response())
}

/// `GET /integrations/{id}/reconcile/history`
pub(crate) async fn history(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::of(&uri);
    let Slice { cursor, limit } = query.slice();
    query.finish(&Slice::NAMES)?;
    let id = admitted(&api, &caller, Action::ReadReconciliations, &id)?;
    let before = parsed_cursor(cursor, |text| RunId::parse(text).ok())?;
    let organization = &caller.organization;
    let page = api
        .reconciliations
        .history(organization, &id, before.as_ref(), limit);
    let page = page.await?;
    let items = page.items.iter().map(RunJson::of).collect();
    let next = page.next;
    Ok(Json(List { items, next }).into_response())
}

/// `GET /integrations/{id}/reconcile/runs/{run}`
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathRun { integration, run }: PathRun,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::none(&uri)?;
    let id = admitted(&api, &caller, Action::ReadReconciliations, &integration)?;
    let organization = &caller.organization;
    let run = api.reconciliations.run(organization, &id, &run).await?;
    Ok(Json(RunJson::of(&run)).into_response())
}

/// `GET /integrations/{id}/reconcile/runs/{run}/items`
pub(crate) async fn items(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathRun { integration, run }: PathRun,
    uri: Uri,
) -> Result<Response, Problem> {
    const CURSOR: [&str; 1] = ["cursor"];
    let mut query = Query::of(&uri);
    let cursor = query.cursor();
    query.finish(&CURSOR)?;
    let id = admitted(&api, &caller, Action::ReadReconciliations, &integration)?;
    let part = parsed_cursor(cursor, |text| text.parse().ok())?;
    let organization = &caller.organization;
    let page = api
        .reconciliations
        .items(organization, &id, &run, part.unwrap_or_default());
    let page = page.await?;
    let items = page.items.iter().map(ItemJson::of).collect();
    let next = page.next;
    Ok(Json(List { items, next }).into_response())
}

/// `POST /integrations/{id}/reconcile/runs/{run}/confirm`
pub(crate) async fn confirm(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathRun { integration, run }: PathRun,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::none(&uri)?;
    let id = admitted(&api, &caller, Action::Reconcile, &integration)?;
    let (organization, actor) = (&caller.organization, &caller.subject);
    let confirmed = api.reconciliations.confirm(organization, actor, &id, &run);
    let shown = Json(RunJson::of(&confirmed.await?));
    Ok((StatusCode::ACCEPTED, shown).into_response())
}

/// `POST /integrations/{id}/reconcile/runs/{run}/cancel`
pub(crate) async fn cancel(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathRun { integration, run }: PathRun,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::none(&uri)?;
    let id = admitted(&api, &caller, Action::Reconcile, &integration)?;
    let (organization, actor) = (&caller.organization, &caller.subject);
    let cancelled = api.reconciliations.cancel(organization, actor, &id, &run);
    Ok(Json(RunJson::of(&cancelled.await?)).into_response())
}

fn parsed_cursor<T>(
    cursor: Option<String>,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Problem> {
    let not_one = || Problem::invalid(vec![FieldProblem::new("cursor", NOT_A_CURSOR)]);
    cursor
        .map(|cursor| parse(&cursor).ok_or_else(not_one))
        .transpose()
}

/// The `{id}` and the `{run}` of a path.
pub(crate) struct PathRun {
    integration: String,
    run: RunId,
}

impl<S: Send + Sync> FromRequestParts<S> for PathRun {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let (integration, run) = path_pair(parts, state, "run").await?;
        // An id that cannot be one names nothing.
        let run = RunId::parse(&run)
            .map_err(|_| Problem::not_found(format!("run {}", shortened(&run))))?;
        Ok(Self { integration, run })
    }
}
