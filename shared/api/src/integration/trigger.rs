//! `/integrations/{id}/triggers`.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{Uri, header};
use im_engine::manage::{FieldProblem, RuleChange, Tried, TriggerTest};
use im_model::{Integration, Triggers};
use im_sync::Subject;
use serde::Serialize;
use serde_json::Value;

use super::admitted;
use crate::{
    Api, Problem,
    authorise::Action,
    body::{self, JSON, ObjectReader},
    caller::Caller,
    precondition::{etag, if_match},
    query::Query,
    router::PathId,
};

/// What a `PUT` may say.
pub(crate) const NAMES: [&str; 2] = ["outbound", "inbound"];

/// What a test may say.
pub(crate) const TEST_NAMES: [&str; 3] = ["incident", "external_id", "expression"];

#[derive(Debug, Serialize)]
struct TriggersJson {
    outbound: Option<String>,
    inbound: Option<String>,
}

#[derive(Debug, Serialize)]
struct TestJson {
    direction: &'static str,
    expression: Option<String>,
    result: bool,
    reason: String,
    variables: BTreeMap<String, Value>,
}

impl TestJson {
    fn of(test: TriggerTest) -> Self {
        let built_in = test.facts.built_in().into_iter();
        let mut variables: BTreeMap<_, _> = built_in
            .map(|(name, text)| (name, Value::from(text)))
            .collect();
        let map = |name: &str, values: Vec<(&str, &str)>| {
            let values = values.into_iter();
            let values = values.map(|(key, text)| (key.to_owned(), Value::from(text)));
            (name.to_owned(), Value::Object(values.collect()))
        };
        variables.extend([map("custom", test.facts.custom().into_iter().collect())]);
        let external = test.facts.external().map(|external| {
            let values = external.iter();
            let values = values.map(|(key, text)| (key.as_str(), text.as_str()));
            map("external", values.collect())
        });
        variables.extend(external);
        Self {
            direction: match test.subject {
                Subject::Incident => "outbound",
                Subject::Record => "inbound",
            },
            expression: test.expression,
            result: test.verdict.holds,
            reason: test.verdict.reason,
            variables,
        }
    }
}

/// `GET /integrations/{id}/triggers`
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::none(&uri)?;
    let id = admitted(&api, &caller, Action::ReadIntegrations, &id)?;
    let integration = api.integrations.get(&caller.organization, &id).await?;
    Ok(shown(&integration))
}

/// `PUT /integrations/{id}/triggers`
pub(crate) async fn put(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    request: Request,
) -> Result<Response, Problem> {
    Query::none(request.uri())?;
    let id = admitted(&api, &caller, Action::ChangeRules, &id)?;
    let seen = if_match(request.headers())?;
    let triggers = triggers(body::read_object(request, JSON).await?)?;
    let change = RuleChange::Trigger(triggers);
    let (organization, actor) = (&caller.organization, &caller.subject);
    let changed = api.rules.change(organization, actor, &id, &change, seen);
    let changed = changed.await;
    let changed = changed.map_err(|error| Problem::refused(error, seen.is_some()))?;
    Ok(shown(&changed.integration))
}

/// `POST /integrations/{id}/triggers/test`
pub(crate) async fn test(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    request: Request,
) -> Result<Response, Problem> {
    Query::none(request.uri())?;
    let id = admitted(&api, &caller, Action::PreviewIntegration, &id)?;
    let (tried, expression) = tried(body::read_object(request, JSON).await?)?;
    let organization = &caller.organization;
    let tested = api.triggers.test(organization, &id, &tried, expression);
    Ok(Json(TestJson::of(tested.await?)).into_response())
}

fn shown(integration: &Integration) -> Response {
    let json = TriggersJson {
        outbound: integration.triggers.outbound.clone(),
        inbound: integration.triggers.inbound.clone(),
    };
    ([(header::ETAG, etag(integration.version))], Json(json)).into_response()
}

fn triggers(mut body: ObjectReader) -> Result<Triggers, Problem> {
    let triggers = Triggers {
        outbound: text_or_null(&mut body, "outbound"),
        inbound: text_or_null(&mut body, "inbound"),
    };
    let problems = body.finish(&NAMES, &[]);
    if problems.is_empty() {
        Ok(triggers)
    } else {
        Err(Problem::invalid(problems))
    }
}

fn text_or_null(body: &mut ObjectReader, field: &str) -> Option<String> {
    match body.take(field)? {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => {
            body.refuse_type(field, "a string or null", &other);
            None
        }
    }
}

fn tried(mut body: ObjectReader) -> Result<(Tried, Option<String>), Problem> {
    let given = (body.has("incident"), body.has("external_id"));
    let (incident, record) = (body.parsed("incident"), body.parsed("external_id"));
    let expression = text_or_null(&mut body, "expression");
    let mut problems = body.finish(&TEST_NAMES, &[]);
    if given.0 == given.1 {
        let problem = "give either an incident or an external_id to try the trigger on";
        problems.push(FieldProblem::new("incident", problem));
    }
    let tried = match (incident, record) {
        (Some(incident), _) => Some(Tried::Incident(incident)),
        (None, record) => record.map(Tried::Record),
    };
    match tried {
        Some(tried) if problems.is_empty() => Ok((tried, expression)),
        _ => Err(Problem::invalid(problems)),
    }
}
