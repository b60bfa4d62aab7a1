//! `/integrations`.

mod address;
mod input;
mod output;
pub(crate) mod preview;
#[cfg(test)]
mod tests;
pub(crate) mod trigger;
mod vendor;

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, Uri, header};
use im_engine::manage::FieldProblem;
use im_model::{Integration, IntegrationId};
use serde::Serialize;

use self::output::{IntegrationJson, RemovedJson, TestJson};
use crate::{
    Api, Problem,
    authorise::{Action, Resource, may},
    body::{self, JSON, JSON_OR_MERGE_PATCH},
    caller::Caller,
    precondition::{etag, if_match},
    query::{NOT_A_CURSOR, Query, Slice},
    router::{BASE, PathId},
};

#[cfg(test)]
pub(crate) use self::{
    input::{CHANGEABLE, NAMES},
    output::READ_ONLY,
};

#[derive(Serialize)]
struct List {
    items: Vec<IntegrationJson>,
    next: Option<String>,
}

/// `POST /integrations`
pub(crate) async fn create(
    State(api): State<Arc<Api>>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    Query::none(request.uri())?;
    let body = body::read_object(request, JSON).await?;
    let new = input::new_integration(body, &caller.organization, api.allow_loopback)?;
    let resource = Resource {
        organization: &new.organization,
        ..Resource::integration(&caller, &new.id)
    };
    may(&caller, Action::CreateIntegration, resource)?;
    let integration = api.integrations.create(new).await?;
    let location = format!("{BASE}/integrations/{}", integration.id);
    let headers = [(header::LOCATION, location)];
    Ok((StatusCode::CREATED, headers, shown(&api, &integration)).into_response())
}

/// `GET /integrations`
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::of(&uri);
    let Slice { cursor, limit } = query.slice();
    query.finish(&Slice::NAMES)?;
    let after = cursor
        .map(|cursor| IntegrationId::parse(&cursor))
        .transpose()
        .map_err(|_| Problem::invalid(vec![FieldProblem::new("cursor", NOT_A_CURSOR)]))?;
    let mut all = api.integrations.list(&caller.organization).await?;
    all.retain(|integration| {
        let resource = Resource::integration(&caller, &integration.id);
        may(&caller, Action::ReadIntegrations, resource).is_ok()
            && after.as_ref().is_none_or(|after| integration.id > *after)
    });
    let has_more = all.len() > usize::from(limit);
    all.truncate(limit.into());
    let next = all
        .last()
        .filter(|_| has_more)
        .map(|last| last.id.to_string());
    let base_url = api.webhook_base_url.as_deref();
    let items = all
        .iter()
        .map(|integration| IntegrationJson::of(integration, base_url))
        .collect();
    Ok(Json(List { items, next }).into_response())
}

/// `GET /integrations/{id}`
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::none(&uri)?;
    let id = parse_id(&id)?;
    may(
        &caller,
        Action::ReadIntegrations,
        Resource::integration(&caller, &id),
    )?;
    let integration = api.integrations.get(&caller.organization, &id).await?;
    Ok(shown(&api, &integration).into_response())
}

/// `PATCH /integrations/{id}`
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    request: Request,
) -> Result<Response, Problem> {
    Query::none(request.uri())?;
    let id = parse_id(&id)?;
    may(
        &caller,
        Action::ChangeIntegration,
        Resource::integration(&caller, &id),
    )?;
    let seen = if_match(request.headers())?;
    let body = body::read_object(request, JSON_OR_MERGE_PATCH).await?;
    let change = input::change(body, seen, api.allow_loopback)?;
    let changed = api
        .integrations
        .change(&caller.organization, &id, change)
        .await;
    let integration = changed.map_err(|error| Problem::refused(error, seen.is_some()))?;
    Ok(shown(&api, &integration).into_response())
}

/// `DELETE /integrations/{id}`
pub(crate) async fn delete(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::none(&uri)?;
    let id = parse_id(&id)?;
    may(
        &caller,
        Action::DeleteIntegration,
        Resource::integration(&caller, &id),
    )?;
    let removed = api.removal.remove(&caller.organization, &id).await?;
    Ok(Json(RemovedJson::of(&id, removed)).into_response())
}

/// `POST /integrations/{id}/test`
pub(crate) async fn test(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::none(&uri)?;
    let id = parse_id(&id)?;
    may(
        &caller,
        Action::TestIntegration,
        Resource::integration(&caller, &id),
    )?;
    let base_url = api.webhook_base_url.as_deref();
    let checks = api.checks.run(&caller.organization, &id, base_url).await?;
    Ok(Json(TestJson::of(checks)).into_response())
}

/// An id that cannot be one names nothing.
pub(crate) fn parse_id(text: &str) -> Result<IntegrationId, Problem> {
    let unknown = || Problem::not_found(format!("integration {}", body::shortened(text)));
    IntegrationId::parse(text).map_err(|_| unknown())
}

pub(crate) fn shown(api: &Api, integration: &Integration) -> impl IntoResponse + use<> {
    let json = IntegrationJson::of(integration, api.webhook_base_url.as_deref());
    ([(header::ETAG, etag(integration.version))], Json(json))
}
