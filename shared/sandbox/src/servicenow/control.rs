//! `/_sandbox/incidents`, `tokens` and `passwords`: what people and administrators do, over HTTP.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::ServiceNow;
use super::person::Person;
use super::refusal::Refusal;
use super::rest::texts;
use crate::control::take_quiet;
use crate::edge::json_response;

type Done = Result<(StatusCode, Value), Refusal>;

pub(crate) fn respond(
    servicenow: &ServiceNow,
    request: &Request<Bytes>,
    path: &[&str],
) -> Response<Bytes> {
    match dispatch(servicenow, request, path) {
        Ok((status, body)) => json_response(status, &body),
        Err(refusal) => refusal.into_response(),
    }
}

fn dispatch(servicenow: &ServiceNow, request: &Request<Bytes>, path: &[&str]) -> Done {
    match (request.method(), path) {
        (&Method::GET, ["incidents"]) => {
            Ok((StatusCode::OK, json!({"incidents": servicenow.incidents()})))
        }
        (&Method::POST, ["incidents"]) => {
            let (by, columns) = edit(servicenow, request)?;
            let sys_id = by.open_with(&borrowed(&columns))?;
            Ok((StatusCode::CREATED, shown(servicenow, &sys_id)))
        }
        (&Method::PATCH, ["incidents", sys_id]) => {
            let (by, columns) = edit(servicenow, request)?;
            by.edit(sys_id, &borrowed(&columns))?;
            Ok((StatusCode::OK, shown(servicenow, sys_id)))
        }
        (&Method::DELETE, ["incidents", sys_id]) => {
            let (by, _) = edit(servicenow, request)?;
            by.delete(sys_id)?;
            Ok((StatusCode::OK, json!({})))
        }
        (&Method::GET, ["incidents", sys_id, "journal"]) => Ok((
            StatusCode::OK,
            json!({"journal": servicenow.journal(sys_id)}),
        )),
        (&Method::DELETE, ["tokens"]) => {
            servicenow.revoke_tokens();
            Ok((StatusCode::OK, json!({})))
        }
        (&Method::PUT, ["passwords", user_name]) => {
            let body = object(request)?;
            let password = body.get("password").and_then(Value::as_str);
            let password = password.ok_or_else(|| missing("password"))?;
            servicenow.change_password(user_name, password);
            Ok((StatusCode::OK, json!({})))
        }
        _ => Err(Refusal::no_resource()),
    }
}

fn object(request: &Request<Bytes>) -> Result<Map<String, Value>, Refusal> {
    let parsed = serde_json::from_slice(request.body());
    parsed.map_err(|error| Refusal::invalid(error.to_string(), None))
}

fn missing(name: &str) -> Refusal {
    Refusal::invalid(format!("{name} is required"), None)
}

/// Whose edit it is, and what.
fn edit(
    servicenow: &ServiceNow,
    request: &Request<Bytes>,
) -> Result<(Person, Vec<(String, String)>), Refusal> {
    let mut body = object(request)?;
    let Some(Value::String(by)) = body.remove("by") else {
        return Err(missing("by"));
    };
    let by = servicenow.person(by).quiet_if(take_quiet(&mut body));
    for (name, column) in [("work_note", "work_notes"), ("comment", "comments")] {
        if let Some(text) = body.remove(name) {
            body.insert(column.to_owned(), text);
        }
    }
    Ok((by, texts(body)))
}

fn borrowed(columns: &[(String, String)]) -> Vec<(&str, &str)> {
    let columns = columns.iter();
    columns
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

fn shown(servicenow: &ServiceNow, sys_id: &str) -> Value {
    json!({"incident": servicenow.incident(sys_id)})
}
