//! `/integrations/{id}/preview`.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use im_engine::manage::{Preview, PreviewAction, Previewed, PreviewedField, Previews};
use im_model::IncidentId;
use im_sync::{Action as FieldAction, Rule};
use serde::Serialize;
use serde_json::Value;

use super::admitted;
use crate::{
    Api, Problem,
    authorise::Action,
    body::{self, JSON, ObjectReader},
    caller::Caller,
    query::Query,
    router::PathId,
};

/// What a body may say.
pub(crate) const NAMES: [&str; 3] = ["incident", "cursor", "limit"];

#[derive(Debug, Serialize)]
struct List {
    items: Vec<PreviewJson>,
    next: Option<String>,
}

#[derive(Debug, Serialize)]
struct PreviewJson {
    incident_id: String,
    external_id: Option<String>,
    action: &'static str,
    reason: String,
    fields: Vec<FieldJson>,
    notes_to_send: usize,
}

#[derive(Debug, Serialize)]
struct FieldJson {
    field: String,
    action: &'static str,
    platform: Option<String>,
    external: Option<String>,
    becomes: Option<String>,
    rule: Rule,
    why: String,
}

impl PreviewJson {
    fn of(preview: Preview) -> Self {
        Self {
            incident_id: preview.incident.to_string(),
            external_id: preview.external_id.map(|id| id.to_string()),
            action: match preview.action {
                PreviewAction::Create => "create",
                PreviewAction::Update => "update",
                PreviewAction::Nothing => "nothing",
                PreviewAction::Skip => "skip",
            },
            reason: preview.reason,
            fields: preview.fields.into_iter().map(FieldJson::of).collect(),
            notes_to_send: preview.notes_to_send,
        }
    }
}

impl FieldJson {
    fn of(field: PreviewedField) -> Self {
        let (action, becomes) = match field.action {
            FieldAction::Push { value } => ("push", value.as_str().map(str::to_owned)),
            FieldAction::Pull { value, .. } => ("pull", value.as_str().map(str::to_owned)),
            FieldAction::Hold => ("hold", None),
            FieldAction::Report => ("report", None),
            FieldAction::Rebase => ("keep", None),
        };
        Self {
            field: field.field.name(),
            action,
            platform: field.platform.as_str().map(str::to_owned),
            external: field.external.as_str().map(str::to_owned),
            becomes,
            rule: field.rule,
            why: field.why,
        }
    }
}

/// `POST /integrations/{id}/preview`
pub(crate) async fn preview(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    request: Request,
) -> Result<Response, Problem> {
    Query::none(request.uri())?;
    let id = admitted(&api, &caller, Action::PreviewIntegration, &id)?;
    let which = which(body::read_object(request, JSON).await?)?;
    let page = api.previews.page(&caller.organization, &id, &which).await?;
    let items = page.items.into_iter().map(PreviewJson::of).collect();
    let next = page.next;
    Ok(Json(List { items, next }).into_response())
}

fn which(mut body: ObjectReader) -> Result<Previewed, Problem> {
    let of_page = body.has("cursor") || body.has("limit");
    let incident: Option<IncidentId> = body.parsed("incident");
    let cursor = body.text("cursor");
    let limit = limit(&mut body);
    if incident.is_some() && of_page {
        body.refuse("incident", "is one incident: without cursor and limit");
    }
    let problems = body.finish(&NAMES, &[]);
    if !problems.is_empty() {
        return Err(Problem::invalid(problems));
    }
    Ok(match incident {
        Some(incident) => Previewed::One(incident),
        None => Previewed::Page { cursor, limit },
    })
}

fn limit(body: &mut ObjectReader) -> u16 {
    let most = Previews::MOST;
    let Some(given) = body.take("limit") else {
        return most;
    };
    let limit = match &given {
        Value::Number(number) => number.as_u64().and_then(|limit| u16::try_from(limit).ok()),
        _ => None,
    };
    match limit {
        Some(limit) if (1..=most).contains(&limit) => limit,
        _ => {
            body.refuse("limit", format!("must be a number from 1 to {most}"));
            most
        }
    }
}
