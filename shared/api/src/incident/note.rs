//! `/incidents/{id}/comments` and `/incidents/{id}/work-notes`.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, Uri};
use im_engine::manage::NoteDraft;
use im_model::{Incident, Note, NoteCopy, NoteKind};
use jiff::Timestamp;
use serde::Serialize;

use super::{List, idempotency_key, may_edit, parse_id};
use crate::{
    Api, Problem,
    body::{self, JSON, ObjectReader},
    caller::Caller,
    query::Query,
    router::PathId,
};

/// What a body may say.
pub(crate) const NAMES: [&str; 1] = ["text"];

#[derive(Debug, Serialize)]
pub(super) struct NoteJson {
    id: String,
    kind: &'static str,
    source: String,
    author: Option<String>,
    at: Timestamp,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    edit_of: Option<String>,
    copies: Vec<CopyJson>,
}

#[derive(Debug, Serialize)]
struct CopyJson {
    integration_id: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_note_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl NoteJson {
    pub(super) fn of(note: &Note) -> Self {
        let copies = note.copies.iter().map(|(integration, copy)| {
            let (state, external_note_id, why) = match copy {
                NoteCopy::Sent { id } => ("sent", id.as_ref().map(ToString::to_string), None),
                NoteCopy::Withheld => ("withheld", None, None),
                NoteCopy::Refused { why } => ("refused", None, Some(why.clone())),
            };
            CopyJson {
                integration_id: integration.to_string(),
                state,
                external_note_id,
                why,
            }
        });
        Self {
            id: note.key.to_string(),
            kind: note.kind.as_str(),
            source: note.key.source.to_string(),
            author: note.author.as_ref().map(ToString::to_string),
            at: note.at,
            text: note.text.clone(),
            edit_of: note.edit_of.as_ref().map(ToString::to_string),
            copies: copies.collect(),
        }
    }
}

/// `POST /incidents/{id}/comments`
pub(crate) async fn add_comment(
    State(api): State<Arc<Api>>,
    caller: Caller,
    id: PathId,
    request: Request,
) -> Result<Response, Problem> {
    add(&api, &caller, &id, NoteKind::Comment, request).await
}

/// `POST /incidents/{id}/work-notes`
pub(crate) async fn add_work_note(
    State(api): State<Arc<Api>>,
    caller: Caller,
    id: PathId,
    request: Request,
) -> Result<Response, Problem> {
    add(&api, &caller, &id, NoteKind::WorkNote, request).await
}

/// `GET /incidents/{id}/comments`
pub(crate) async fn comments(
    State(api): State<Arc<Api>>,
    caller: Caller,
    id: PathId,
    uri: Uri,
) -> Result<Response, Problem> {
    list(&api, &caller, &id, NoteKind::Comment, &uri).await
}

/// `GET /incidents/{id}/work-notes`
pub(crate) async fn work_notes(
    State(api): State<Arc<Api>>,
    caller: Caller,
    id: PathId,
    uri: Uri,
) -> Result<Response, Problem> {
    list(&api, &caller, &id, NoteKind::WorkNote, &uri).await
}

async fn add(
    api: &Api,
    caller: &Caller,
    PathId(id): &PathId,
    kind: NoteKind,
    request: Request,
) -> Result<Response, Problem> {
    Query::none(request.uri())?;
    let id = parse_id(id)?;
    let key = idempotency_key(request.headers())?;
    let text = text_of(body::read_object(request, JSON).await?)?;
    let draft = NoteDraft {
        kind,
        text: &text,
        key: key.as_ref(),
    };
    let permit =
        |incident: &Incident| may_edit(api, caller, incident).map_err(|denied| denied.to_string());
    let (organization, author) = (&caller.organization, &caller.subject);
    let note = api
        .incidents
        .write_note(organization, author, &id, draft, &permit)
        .await?;
    Ok((StatusCode::CREATED, Json(NoteJson::of(&note))).into_response())
}

async fn list(
    api: &Api,
    caller: &Caller,
    PathId(id): &PathId,
    kind: NoteKind,
    uri: &Uri,
) -> Result<Response, Problem> {
    Query::none(uri)?;
    let id = parse_id(id)?;
    let notes = api.incidents.notes(&caller.organization, &id, kind).await?;
    let items = notes.iter().map(NoteJson::of).collect();
    Ok(Json(List { items, next: None }).into_response())
}

fn text_of(mut body: ObjectReader) -> Result<String, Problem> {
    body.require(&NAMES);
    let text = body.text(NAMES[0]);
    let problems = body.finish(&NAMES, &[]);
    text.filter(|_| problems.is_empty())
        .ok_or_else(|| Problem::invalid(problems))
}
