//! `/integrations/{id}/field-ownership`, `…/mappings`, `…/check`, `…/pause` and `…/resume`.

mod input;
mod output;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{FromRequestParts, Path, Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Uri, header, request::Parts};
use im_engine::manage::{ChangedRules, RuleChange, Rules};
use im_model::{Activity, IntegrationId, Owner};

use self::output::{CheckJson, MappingsJson, OwnershipJson, OwnershipList};
use crate::{
    Api, Problem,
    authorise::Action,
    body::{self, JSON, shortened},
    caller::Caller,
    integration::{admitted, shown},
    precondition::{etag, if_match},
    query::Query,
    router::PathId,
};

#[cfg(test)]
pub(crate) use self::{
    input::{MAPPINGS, OWNERSHIP},
    output::READ_ONLY,
};

/// The `{id}` and `{field}` of a path.
pub(crate) struct PathField {
    id: String,
    field: String,
}

impl<S: Send + Sync> FromRequestParts<S> for PathField {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        type Segments = Path<BTreeMap<String, String>>;
        let segments = Segments::from_request_parts(parts, state).await;
        let named = segments.ok().and_then(|Path(mut segments)| {
            Some(Self {
                id: segments.remove("id")?,
                field: segments.remove("field")?,
            })
        });
        named.ok_or_else(|| Problem::not_found(shortened(parts.uri.path())))
    }
}

/// Changes the rules under the version that the caller has seen, if it names one.
async fn changed(
    api: &Api,
    caller: &Caller,
    id: &IntegrationId,
    change: &RuleChange,
    seen: Option<u64>,
) -> Result<ChangedRules, Problem> {
    let (organization, actor) = (&caller.organization, &caller.subject);
    let changed = api
        .rules
        .change(organization, actor, id, change, seen)
        .await;
    changed.map_err(|error| Problem::refused(error, seen.is_some()))
}

/// `GET /integrations/{id}/field-ownership`
pub(crate) async fn list_ownership(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::none(&uri)?;
    let id = admitted(&api, &caller, Action::ReadIntegrations, &id)?;
    let (integration, all) = api.rules.ownership(&caller.organization, &id).await?;
    let headers = [(header::ETAG, etag(integration.version))];
    Ok((headers, Json(OwnershipList::of(&all))).into_response())
}

/// `PUT /integrations/{id}/field-ownership/{field}`
pub(crate) async fn set_ownership(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathField { id, field }: PathField,
    request: Request,
) -> Result<Response, Problem> {
    let mut query = Query::of(request.uri());
    let shared = query.parsed("shared", true_or_false);
    query.finish(&["shared"])?;
    let id = admitted(&api, &caller, Action::ChangeRules, &id)?;
    let seen = if_match(request.headers())?;
    let body = body::read_object(request, JSON).await?;
    let ownership = input::ownership(body, shared.unwrap_or(false))?;
    let change = RuleChange::Own {
        field: field.clone(),
        ownership,
    };
    let changed = changed(&api, &caller, &id, &change, seen).await?;
    item(&changed, &field)
}

/// `DELETE /integrations/{id}/field-ownership/{field}`
pub(crate) async fn delete_ownership(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathField { id, field }: PathField,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::of(&uri);
    let owner = query.parsed("owner", |text| {
        text.parse::<Owner>().map_err(|error| error.to_string())
    });
    query.finish(&["owner"])?;
    let id = admitted(&api, &caller, Action::ChangeRules, &id)?;
    let seen = if_match(&headers)?;
    let change = RuleChange::Disown {
        field: field.clone(),
        owner,
    };
    let changed = changed(&api, &caller, &id, &change, seen).await?;
    item(&changed, &field)
}

fn item(changed: &ChangedRules, field: &str) -> Result<Response, Problem> {
    let item = Rules::ownership_of(&changed.integration, field)?;
    let headers = [(header::ETAG, etag(changed.integration.version))];
    Ok((headers, Json(OwnershipJson::of(&item))).into_response())
}

/// `GET /integrations/{id}/mappings`
pub(crate) async fn mappings(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::none(&uri)?;
    let id = admitted(&api, &caller, Action::ReadIntegrations, &id)?;
    let document = api.rules.mappings(&caller.organization, &id).await?;
    Ok(MappingsJson::of(document).into_response())
}

/// `PUT /integrations/{id}/mappings`
pub(crate) async fn set_mappings(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    request: Request,
) -> Result<Response, Problem> {
    let mut query = Query::of(request.uri());
    let is_rehearsal = query.parsed("dry_run", true_or_false);
    query.finish(&["dry_run"])?;
    let id = admitted(&api, &caller, Action::ChangeRules, &id)?;
    let seen = if_match(request.headers())?;
    let body = body::read_object(request, JSON).await?;
    let new = input::mappings(body)?;
    let document = if is_rehearsal == Some(true) {
        let organization = &caller.organization;
        api.rules.rehearsed(organization, &id, &new).await?
    } else {
        let change = RuleChange::Map(new);
        let changed = changed(&api, &caller, &id, &change, seen).await?;
        api.rules.document(changed).await?
    };
    Ok(MappingsJson::of(document).into_response())
}

/// `GET /integrations/{id}/check`
pub(crate) async fn check(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::none(&uri)?;
    let id = admitted(&api, &caller, Action::ReadIntegrations, &id)?;
    let report = api.rules.check(&caller.organization, &id).await?;
    Ok(Json(CheckJson::of(&id, &report)).into_response())
}

/// `POST /integrations/{id}/pause`
pub(crate) async fn pause(
    state: State<Arc<Api>>,
    caller: Caller,
    id: PathId,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    set_activity(state, caller, id, &headers, &uri, Activity::Paused).await
}

/// `POST /integrations/{id}/resume`
pub(crate) async fn resume(
    state: State<Arc<Api>>,
    caller: Caller,
    id: PathId,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    set_activity(state, caller, id, &headers, &uri, Activity::Active).await
}

async fn set_activity(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    headers: &HeaderMap,
    uri: &Uri,
    activity: Activity,
) -> Result<Response, Problem> {
    Query::none(uri)?;
    let id = admitted(&api, &caller, Action::ChangeIntegration, &id)?;
    let seen = if_match(headers)?;
    let change = RuleChange::Activity(activity);
    let changed = changed(&api, &caller, &id, &change, seen).await?;
    Ok(shown(&api, &changed.integration).into_response())
}

fn true_or_false(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "must be true or false".to_owned())
}
