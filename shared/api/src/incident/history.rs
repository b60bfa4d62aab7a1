//! `/incidents/{id}/timeline` and `/incidents/{id}/explain/{field}`.

mod output;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequestParts, Path, State},
    response::{IntoResponse, Response},
};
use http::{Uri, request::Parts};
use im_engine::manage::FieldProblem;
use im_model::{Field, IntegrationId};

use self::output::{ExplanationJson, HappeningJson};
use super::{List, parse_id};
use crate::{
    Api, Problem,
    body::shortened,
    caller::Caller,
    query::{Query, Slice},
    router::PathId,
};

const INTEGRATION: &str = "integration";

/// `GET /incidents/{id}/timeline`
pub(crate) async fn timeline(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::of(&uri);
    let Slice { cursor, limit } = query.slice();
    query.finish(&Slice::NAMES)?;
    let page = api
        .histories
        .timeline(
            &caller.organization,
            &parse_id(&id)?,
            cursor.as_deref(),
            limit,
        )
        .await?;
    let items = page.items.iter().map(HappeningJson::of).collect();
    let next = page.next;
    Ok(Json(List { items, next }).into_response())
}

/// `GET /incidents/{id}/explain/{field}`
pub(crate) async fn explain(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathIdAndField(id, field): PathIdAndField,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::of(&uri);
    let integration = query.parsed(INTEGRATION, |text| {
        IntegrationId::parse(text).map_err(|error| error.to_string())
    });
    query.finish(&[INTEGRATION])?;
    let id = parse_id(&id)?;
    let explanation = api
        .histories
        .explain(
            &caller.organization,
            &id,
            &parse_field(&field)?,
            integration.as_ref(),
        )
        .await?;
    Ok(Json(ExplanationJson::of(&explanation)).into_response())
}

/// The refusal lists what there is.
fn parse_field(text: &str) -> Result<Field, Problem> {
    text.parse::<Field>().map_err(|_| {
        let names = Field::BUILT_IN.map(|field| field.name()).join(", ");
        let problem = format!(
            "unknown: {}; expected one of {names}, custom.<name>",
            shortened(text)
        );
        Problem::invalid(vec![FieldProblem::new("field", problem)])
    })
}

/// The `{id}` and `{field}` of a path.
pub(crate) struct PathIdAndField(String, String);

impl<S: Send + Sync> FromRequestParts<S> for PathIdAndField {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path((id, field))) => Ok(Self(id, field)),
            Err(_) => Err(Problem::not_found(shortened(parts.uri.path()))),
        }
    }
}
