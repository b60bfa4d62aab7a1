//! `/_sandbox/incidents`: people's edits over HTTP, for demonstrations.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::PagerDuty;
use super::incident::{NewIncident, Urgency};
use super::input;
use super::refusal::Refusal;
use super::rest::{self, Done};
use crate::control::take_quiet;

#[derive(Deserialize)]
struct Create {
    title: String,
    #[serde(default = "high")]
    urgency: Urgency,
    priority: Option<String>,
    description: Option<String>,
    by: String,
    #[serde(default)]
    quiet: bool,
}

fn high() -> Urgency {
    Urgency::High
}

pub(crate) fn respond(
    pagerduty: &PagerDuty,
    request: &Request<Bytes>,
    path: &[&str],
) -> Response<Bytes> {
    rest::response(request, dispatch(pagerduty, request, path), None)
}

fn dispatch(pagerduty: &PagerDuty, request: &Request<Bytes>, path: &[&str]) -> Done {
    match (request.method(), path) {
        (&Method::POST, ["incidents"]) => create(pagerduty, request),
        (&Method::PATCH, ["incidents", id]) => edit(pagerduty, id, request),
        (&Method::GET, ["incidents"]) => Ok(json!({"incidents": pagerduty.incidents()})),
        _ => Err(Refusal::not_found()),
    }
}

fn parsed<T: serde::de::DeserializeOwned>(request: &Request<Bytes>) -> Result<T, Refusal> {
    serde_json::from_slice(request.body()).map_err(|error| Refusal::invalid(error.to_string()))
}

fn create(pagerduty: &PagerDuty, request: &Request<Bytes>) -> Done {
    let wanted: Create = parsed(request)?;
    let account = pagerduty.account();
    let mut new = NewIncident::on(pagerduty.first_service()?, wanted.title, wanted.urgency);
    new.details = wanted.description.map(Value::String);
    if let Some(name) = wanted.priority {
        let priority = account.priority_by_name(&name);
        let priority = priority.ok_or_else(|| Refusal::invalid(format!("priority {name}")))?;
        new.priority = Some(priority.id.clone());
    }
    let id = pagerduty
        .person(wanted.by)
        .quiet_if(wanted.quiet)
        .trigger_with(new)?;
    rest::shown(&pagerduty.state(), &id)
}

fn edit(pagerduty: &PagerDuty, id: &str, request: &Request<Bytes>) -> Done {
    let mut wanted: Map<String, Value> = parsed(request)?;
    let by = wanted.remove("by");
    let by = by.as_ref().and_then(Value::as_str);
    let by = by.ok_or_else(|| Refusal::invalid("by is required: whose edit it is"))?;
    let person = pagerduty.person(by).quiet_if(take_quiet(&mut wanted));
    if let Some(into) = wanted.remove("merge_into") {
        let into = into.as_str().unwrap_or_default();
        person.merge(&[id], into)?;
    }
    let account = pagerduty.account();
    let changes: Result<Vec<_>, _> = wanted
        .iter()
        .map(|(field, value)| input::named(&account, field, value))
        .collect();
    person.change(id, changes?)?;
    rest::shown(&pagerduty.state(), id)
}
