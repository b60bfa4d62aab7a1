//! `/integrations/{id}/dlq`.

mod output;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequestParts, Request, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, Uri, request::Parts};
use im_engine::manage::{DeadLetterFilter, FieldProblem};
use im_model::{DeadLetterId, DeadLetterStatus, FailureReason, IncidentId, IntegrationId};

use self::output::{DeadLetterJson, ManyJson};
use crate::{
    Api, Problem,
    authorise::Action,
    body::{self, JSON, ObjectReader, shortened},
    caller::Caller,
    incident::List,
    integration::admitted,
    query::{NOT_A_CURSOR, Query, Slice},
    router::{PathId, path_pair},
};

/// What a request for many of them may say.
pub(crate) const NAMES: [&str; 4] = ["status", "reason", "incident_id", "cursor"];

/// What the list accepts in its query.
const LIST_PARAMETERS: [&str; 5] = [
    Slice::NAMES[0],
    Slice::NAMES[1],
    "status",
    "reason",
    "incident",
];

/// `GET /integrations/{id}/dlq`
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::of(&uri);
    let Slice { cursor, limit } = query.slice();
    let filter = DeadLetterFilter {
        status: query.parsed("status", |text| {
            let status = text.parse::<DeadLetterStatus>();
            status.map_err(|unknown| unknown.to_string())
        }),
        reason: query.parsed("reason", |text| {
            let reason = text.parse::<FailureReason>();
            reason.map_err(|unknown| unknown.to_string())
        }),
        incident: query.parsed("incident", |text| {
            IncidentId::parse(text).map_err(|error| error.to_string())
        }),
    };
    query.finish(&LIST_PARAMETERS)?;
    let id = admitted(&api, &caller, Action::ReadDeadLetters, &id)?;
    let organization = &caller.organization;
    let page = api
        .dead_letters
        .list(organization, &id, &filter, cursor.as_deref(), limit);
    let page = page.await?;
    let items = page.items.iter().map(DeadLetterJson::of).collect();
    let next = page.next;
    Ok(Json(List { items, next }).into_response())
}

/// `GET /integrations/{id}/dlq/{entry}`
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathEntry { integration, entry }: PathEntry,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::none(&uri)?;
    let id = admitted(&api, &caller, Action::ReadDeadLetters, &integration)?;
    let organization = &caller.organization;
    let letter = api.dead_letters.get(organization, &id, &entry).await?;
    Ok(Json(DeadLetterJson::with_failures(&letter)).into_response())
}

/// `POST /integrations/{id}/dlq/{entry}/retry`
pub(crate) async fn retry(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathEntry { integration, entry }: PathEntry,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::none(&uri)?;
    let id = admitted(&api, &caller, Action::SettleDeadLetters, &integration)?;
    let (organization, actor) = (&caller.organization, &caller.subject);
    let retried = api.dead_letters.retry(organization, actor, &id, &entry);
    let shown = Json(DeadLetterJson::of(&retried.await?));
    Ok((StatusCode::ACCEPTED, shown).into_response())
}

/// `DELETE /integrations/{id}/dlq/{entry}`
pub(crate) async fn discard(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathEntry { integration, entry }: PathEntry,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::none(&uri)?;
    let id = admitted(&api, &caller, Action::SettleDeadLetters, &integration)?;
    let (organization, actor) = (&caller.organization, &caller.subject);
    let discarded = api.dead_letters.discard(organization, actor, &id, &entry);
    Ok(Json(DeadLetterJson::of(&discarded.await?)).into_response())
}

/// `POST /integrations/{id}/dlq/retry`
pub(crate) async fn retry_all(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    request: Request,
) -> Result<Response, Problem> {
    let (id, (filter, cursor)) = read_many(&api, &caller, &id, request).await?;
    let (organization, actor) = (&caller.organization, &caller.subject);
    let letters = &api.dead_letters;
    let many = letters.retry_all(organization, actor, &id, &filter, cursor.as_deref());
    Ok(Json(ManyJson::retried(many.await?)).into_response())
}

/// `POST /integrations/{id}/dlq/discard`
pub(crate) async fn discard_all(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    request: Request,
) -> Result<Response, Problem> {
    let (id, (filter, cursor)) = read_many(&api, &caller, &id, request).await?;
    let (organization, actor) = (&caller.organization, &caller.subject);
    let letters = &api.dead_letters;
    let many = letters.discard_all(organization, actor, &id, &filter, cursor.as_deref());
    Ok(Json(ManyJson::discarded(many.await?)).into_response())
}

async fn read_many(
    api: &Api,
    caller: &Caller,
    id: &str,
    request: Request,
) -> Result<(IntegrationId, (DeadLetterFilter, Option<String>)), Problem> {
    Query::none(request.uri())?;
    let id = admitted(api, caller, Action::SettleDeadLetters, id)?;
    let wanted = wanted(body::read_object(request, JSON).await?)?;
    Ok((id, wanted))
}

/// Which of them, and from where on.
fn wanted(mut body: ObjectReader) -> Result<(DeadLetterFilter, Option<String>), Problem> {
    let filter = DeadLetterFilter {
        status: body.parsed::<DeadLetterStatus>("status"),
        reason: body.parsed("reason"),
        incident: body.parsed("incident_id"),
    };
    if filter.status.is_some_and(|status| !status.is_unsettled()) {
        body.refuse("status", "must be one of open, retrying");
    }
    let cursor = body.text("cursor");
    if cursor
        .as_ref()
        .is_some_and(|cursor| !Slice::is_cursor(cursor))
    {
        body.refuse("cursor", NOT_A_CURSOR);
    }
    let problems: Vec<FieldProblem> = body.finish(&NAMES, &[]);
    if problems.is_empty() {
        Ok((filter, cursor))
    } else {
        Err(Problem::invalid(problems))
    }
}

/// The `{id}` and the `{entry}` of a path.
pub(crate) struct PathEntry {
    integration: String,
    entry: DeadLetterId,
}

impl<S: Send + Sync> FromRequestParts<S> for PathEntry {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let (integration, entry) = path_pair(parts, state, "entry").await?;
        // An id that cannot be one names nothing.
        let entry = DeadLetterId::parse(&entry)
            .map_err(|_| Problem::not_found(format!("dead letter {}", shortened(&entry))))?;
        Ok(Self { integration, entry })
    }
}
