//! `/incidents/{id}/links`.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, Uri};
use im_model::{ExternalId, IntegrationId};

use super::{List, check_may_edit, output::LinkJson, parse_id};
use crate::{
    Api, Problem,
    body::{self, JSON, ObjectReader},
    caller::Caller,
    query::Query,
    router::PathId,
};

/// What a body may say.
pub(crate) const NAMES: [&str; 2] = [INTEGRATION, "external_id"];

const INTEGRATION: &str = "integration_id";

/// `GET /incidents/{id}/links`
pub(crate) async fn list(
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
    let items = incident
        .links
        .iter()
        .map(|(id, link)| LinkJson::of(id, link))
        .collect();
    Ok(Json(List { items, next: None }).into_response())
}

/// `POST /incidents/{id}/links`
pub(crate) async fn link(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    request: Request,
) -> Result<Response, Problem> {
    Query::none(request.uri())?;
    let id = parse_id(&id)?;
    let (integration, external_id) = wanted(body::read_object(request, JSON).await?)?;
    check_may_edit(&api, &caller, &id).await?;
    let (organization, actor) = (&caller.organization, &caller.subject);
    let link = api
        .links
        .link(organization, actor, &id, &integration, &external_id)
        .await?;
    let shown = Json(LinkJson::of(&integration, &link));
    Ok((StatusCode::CREATED, shown).into_response())
}

/// `DELETE /incidents/{id}/links?integration_id=…`
pub(crate) async fn unlink(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::of(&uri);
    let integration = query.required(INTEGRATION, |text| {
        IntegrationId::parse(text).map_err(|error| error.to_string())
    });
    query.finish(&[INTEGRATION])?;
    let integration =
        integration.ok_or_else(|| Problem::malformed("integration_id is missing."))?;
    let id = parse_id(&id)?;
    check_may_edit(&api, &caller, &id).await?;
    let (organization, actor) = (&caller.organization, &caller.subject);
    let link = api
        .links
        .unlink(organization, actor, &id, &integration)
        .await?;
    Ok(Json(LinkJson::of(&integration, &link)).into_response())
}

fn wanted(mut body: ObjectReader) -> Result<(IntegrationId, ExternalId), Problem> {
    body.require(&NAMES);
    let (integration, external_id) = (body.parsed(INTEGRATION), body.parsed("external_id"));
    let problems = body.finish(&NAMES, &[]);
    match (integration, external_id) {
        (Some(integration), Some(external_id)) if problems.is_empty() => {
            Ok((integration, external_id))
        }
        _ => Err(Problem::invalid(problems)),
    }
}
