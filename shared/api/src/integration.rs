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
    authorise::{Action, Resource},
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
    api.policy
        .may(&caller, Action::CreateIntegration, resource)?;
    let integration = api.integrations.create(new, &caller.subject).await?;
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
        let may_read = api.policy.may(&caller, Action::ReadIntegrations, resource);
        may_read.is_ok() && after.as_ref().is_none_or(|after| integration.id > *after)
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
    let id = admitted(&api, &caller, Action::ReadIntegrations, &id)?;
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
    let id = admitted(&api, &caller, Action::ChangeIntegration, &id)?;
    let seen = if_match(request.headers())?;
    let body = body::read_object(request, JSON_OR_MERGE_PATCH).await?;
    let change = input::change(body, seen, api.allow_loopback)?;
    let changed = api
        .integrations
        .change(&caller.organization, &caller.subject, &id, change)
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
    let id = admitted(&api, &caller, Action::DeleteIntegration, &id)?;
    let (organization, actor) = (&caller.organization, &caller.subject);
    let removed = api.removal.remove(organization, actor, &id).await?;
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
    let id = admitted(&api, &caller, Action::TestIntegration, &id)?;
    let base_url = api.webhook_base_url.as_deref();
    let checks = api.checks.run(&caller.organization, &id, base_url).await?;
    Ok(Json(TestJson::of(checks)).into_response())
}

/// The integration, if the caller may do this to it.
pub(crate) fn admitted(
    api: &Api,
    caller: &Caller,
    action: Action,
    id: &str,
) -> Result<IntegrationId, Problem> {
    let id = parse_id(id)?;
    let resource = Resource::integration(caller, &id);
    api.policy.may(caller, action, resource)?;
    Ok(id)
}

/// An id that cannot be one names nothing.
fn parse_id(text: &str) -> Result<IntegrationId, Problem> {
    let unknown = || Problem::not_found(format!("integration {}", body::shortened(text)));
    IntegrationId::parse(text).map_err(|_| unknown())
}

pub(crate) fn shown(api: &Api, integration: &Integration) -> impl IntoResponse + use<> {
    let json = IntegrationJson::of(integration, api.webhook_base_url.as_deref());
    ([(header::ETAG, etag(integration.version))], Json(json))
}
