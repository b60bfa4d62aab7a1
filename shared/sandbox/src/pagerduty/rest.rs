//! Who may ask, what for, and by which path.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};

use super::log_entry::Author;
use super::query::Query;
use super::refusal::Refusal;
use super::state::State;
use super::{input, json, read};
use crate::edge::json_response;
use crate::rate_limit::Standing;

/// What a handler returns.
pub(crate) type Done = Result<Value, Refusal>;

/// Answers one request; `behind` makes a single incident's read stale.
pub(crate) fn respond(
    state: &mut State,
    request: &Request<Bytes>,
    behind: usize,
) -> Response<Bytes> {
    if !authorized(&state.token, request.headers()) {
        return response(request, Err(Refusal::unauthorized()), None);
    }
    let now = state.surroundings.now();
    let token = state.token.clone();
    let standing = state.limit.count(&token, now);
    let done = if standing.exceeded {
        Err(Refusal::too_many())
    } else {
        accepts(request.headers()).and_then(|()| dispatch(state, request, behind))
    };
    response(request, done, Some(standing))
}

fn dispatch(state: &mut State, request: &Request<Bytes>, behind: usize) -> Done {
    let path = request.uri().path();
    let query = Query::parse(request.uri().query());
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (request.method(), segments.as_slice()) {
        (&Method::GET, ["incidents"]) => read::incidents(state, &query),
        (&Method::GET, ["incidents", id]) => read::incident(state, id, &query, behind),
        (&Method::GET, ["incidents", id, "notes"]) => read::notes(state, id),
        (&Method::GET, ["incidents", id, "log_entries"]) => {
            read::log_entries(state, Some(id), &query)
        }
        (&Method::GET, ["log_entries"]) => read::log_entries(state, None, &query),
        (&Method::GET, ["priorities"]) => read::priorities(state, &query),
        (&Method::GET, ["users"]) => read::users(state, &query),
        (&Method::GET, ["users", "me"]) => read::me(state),
        (&Method::GET, ["users", id]) => read::user(state, id),
        (&Method::GET, ["services", id]) => read::service(state, id),
        (&Method::GET, ["escalation_policies"]) => read::escalation_policies(state, &query),
        (&Method::POST, ["incidents"]) => create(state, request),
        (&Method::PUT, ["incidents", id]) => update(state, id, request),
        (&Method::PUT, ["incidents", id, "merge"]) => merge(state, id, request),
        (&Method::POST, ["incidents", id, "notes"]) => annotate(state, id, request),
        _ => Err(Refusal::not_found()),
    }
}

fn create(state: &mut State, request: &Request<Bytes>) -> Done {
    let (author, body) = writer(state, request)?;
    let account = Arc::clone(&state.account);
    let id = state.create(input::create(&account, &body)?, &author)?;
    shown(state, &id)
}

fn update(state: &mut State, id: &str, request: &Request<Bytes>) -> Done {
    let (author, body) = writer(state, request)?;
    let account = Arc::clone(&state.account);
    let edit = state.edit(id, &author)?;
    edit.apply(input::update(&account, &body)?)?;
    shown(state, id)
}

fn merge(state: &mut State, into: &str, request: &Request<Bytes>) -> Done {
    let (author, body) = writer(state, request)?;
    state.merge(&input::sources(&body)?, into, &author)?;
    let incident = state.incident(into).ok_or_else(Refusal::not_found)?;
    Ok(json!({"incident": json::incident_reference(incident)}))
}

fn annotate(state: &mut State, id: &str, request: &Request<Bytes>) -> Done {
    let (author, body) = writer(state, request)?;
    let edit = state.edit(id, &author)?;
    edit.apply(vec![input::note(&body)?])?;
    let incident = state.incident(id).ok_or_else(Refusal::not_found)?;
    let note = incident.notes.last().ok_or_else(Refusal::not_found)?;
    let note = json::note(&state.account, note);
    Ok(json!({ "note": note }))
}

/// The incident as an answer to a write.
pub(crate) fn shown(state: &State, id: &str) -> Done {
    let incident = state.incident(id).ok_or_else(Refusal::not_found)?;
    Ok(json!({"incident": json::incident(state, incident, &[])}))
}

/// Who writes, and what.
fn writer(state: &State, request: &Request<Bytes>) -> Result<(Author, Value), Refusal> {
    let headers = request.headers();
    let media_type = text(headers, header::CONTENT_TYPE).unwrap_or_default();
    if !is_media_type(media_type, "application/json") {
        return Err(Refusal::invalid("Content-Type must be application/json"));
    }
    let body = serde_json::from_slice(request.body())
        .map_err(|error| Refusal::invalid(format!("the body is not JSON: {error}")))?;
    let from = text(headers, header::FROM).map(str::trim);
    let from = from
        .filter(|from| !from.is_empty())
        .ok_or_else(Refusal::no_from)?;
    let user = state.account.user_by_email(from);
    let user = user.ok_or_else(Refusal::unknown_requester)?;
    Ok((Author::Api(user.id.clone()), body))
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn authorized(token: &str, headers: &HeaderMap) -> bool {
    let given = text(headers, header::AUTHORIZATION).unwrap_or_default();
    let given = given
        .strip_prefix("Token token=")
        .or_else(|| given.strip_prefix("Bearer "));
    given == Some(token)
}

fn is_media_type(value: &str, wanted: &str) -> bool {
    let essence = value.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(wanted)
}

/// The vendor's media type, of version 2 where it names one.
fn accepts(headers: &HeaderMap) -> Result<(), Refusal> {
    let accept = text(headers, header::ACCEPT).unwrap_or_default();
    let fits = |value: &str| {
        let version = value.split(';').skip(1).find_map(|parameter| {
            let (name, version) = parameter.split_once('=')?;
            (name.trim() == "version").then(|| version.trim())
        });
        is_media_type(value, "application/vnd.pagerduty+json")
            && version.is_none_or(|version| version == "2")
    };
    if accept.split(',').any(fits) {
        return Ok(());
    }
    let detail = "Accept must be application/vnd.pagerduty+json;version=2";
    Err(Refusal::invalid(detail))
}

pub(crate) fn response(
    request: &Request<Bytes>,
    done: Done,
    standing: Option<Standing>,
) -> Response<Bytes> {
    // Only an incident is answered as created, a note is not.
    let creates = request.method() == Method::POST && request.uri().path().ends_with("/incidents");
    let (status, body) = match done {
        Ok(body) if creates => (StatusCode::CREATED, body),
        Ok(body) => (StatusCode::OK, body),
        Err(refusal) => (refusal.status, refusal.to_json()),
    };
    let mut response = json_response(status, &body);
    if let Some(standing) = standing {
        let headers = response.headers_mut();
        headers.insert("ratelimit-limit", standing.limit.into());
        headers.insert("ratelimit-remaining", standing.remaining.into());
        headers.insert("ratelimit-reset", standing.reset_seconds.into());
    }
    response
}
