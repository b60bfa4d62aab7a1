//! The Table API: who may ask, what for, and by which path.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::{Map, Value, json};

use super::edit::{Author, Input};
use super::refusal::Refusal;
use super::state::State;
use super::view::View;
use super::{list, oauth};
use crate::edge::json_response;
use crate::parameters::Parameters;

/// What a handler returns.
pub(crate) type Done = Result<Response<Bytes>, Refusal>;

/// What a request is about.
pub(crate) struct Target<'a> {
    /// Where links to tables lead.
    pub(crate) tables_url: String,
    /// Version 1 answers an empty list with 404.
    pub(crate) first_version: bool,
    pub(crate) table: &'a str,
    pub(crate) sys_id: Option<&'a str>,
    pub(crate) parameters: Parameters,
}

/// Answers one request; `behind` makes a single incident's read stale.
pub(crate) fn respond(
    state: &mut State,
    request: &Request<Bytes>,
    behind: usize,
) -> Response<Bytes> {
    if request.uri().path() == oauth::PATH {
        return oauth::respond(state, request);
    }
    answer(state, request, behind).unwrap_or_else(Refusal::into_response)
}

fn answer(state: &mut State, request: &Request<Bytes>, behind: usize) -> Done {
    let user_name = oauth::authenticated(state, request.headers())?;
    let now = state.surroundings.now();
    let standing = state.limit.count(&user_name, now);
    if standing.exceeded {
        return Err(Refusal::too_many(standing, now, &state.limit_rule));
    }
    accepts(request.headers())?;
    let target = target(state, request)?;
    if request.method() == Method::GET {
        read(state, &target, behind)
    } else {
        let author = Author {
            sys_id: user_sys_id(state, &user_name),
            user_name,
            rest: true,
        };
        write(state, request, &target, &author)
    }
}

fn user_sys_id(state: &State, user_name: &str) -> String {
    let user = state.user("user_name", user_name);
    user.map(|user| user["sys_id"].to_owned())
        .unwrap_or_default()
}

/// Where the instance is: at the host that was asked, if one is named.
fn base_url(state: &State, headers: &HeaderMap) -> String {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    host.map_or_else(
        || state.config.instance_url.clone(),
        |host| format!("http://{host}"),
    )
}

fn target<'a>(state: &State, request: &'a Request<Bytes>) -> Result<Target<'a>, Refusal> {
    let path = request.uri().path();
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let (version, rest) = match segments.as_slice() {
        ["api", "now", version @ ("v1" | "v2"), "table", rest @ ..] => (Some(*version), rest),
        ["api", "now", "table", rest @ ..] => (None, rest),
        _ => return Err(Refusal::no_resource()),
    };
    let (table, sys_id) = match rest {
        [table] => (*table, None),
        [table, sys_id] if !sys_id.is_empty() => (*table, Some(*sys_id)),
        _ => return Err(Refusal::no_resource()),
    };
    if state.columns(table).is_none() {
        return Err(Refusal::invalid(format!("Invalid table {table}"), None));
    }
    let query = request.uri().query().unwrap_or_default();
    let parameters = Parameters::parse(query.as_bytes());
    if parameters.one("sysparm_input_display_value") == Some("true") {
        // Better refused than taken by value.
        let message = "sysparm_input_display_value is not held by this stand-in";
        return Err(Refusal::invalid(message, None));
    }
    let version_path = version.map(|version| format!("/{version}"));
    let base = base_url(state, request.headers());
    Ok(Target {
        tables_url: format!("{base}/api/now{}/table", version_path.unwrap_or_default()),
        first_version: version != Some("v2"),
        table,
        sys_id,
        parameters,
    })
}

fn read(state: &State, target: &Target<'_>, behind: usize) -> Done {
    let table = target.table;
    if state.config.unreadable_tables.contains(table) {
        return Err(Refusal::unreadable());
    }
    let Some(sys_id) = target.sys_id else {
        return list::answer(state, target);
    };
    let row = match table {
        "incident" => state
            .incidents
            .behind(sys_id, behind)
            .and_then(Option::as_ref),
        _ => state.row(table, sys_id),
    };
    let row = row.ok_or_else(Refusal::no_record)?;
    let view = View::new(&target.parameters, target.tables_url.clone());
    let body = json!({"result": view.row(state, table, row)});
    Ok(json_response(StatusCode::OK, &body))
}

fn write(
    state: &mut State,
    request: &Request<Bytes>,
    target: &Target<'_>,
    author: &Author,
) -> Done {
    let operation = match *request.method() {
        Method::POST => "Insert",
        Method::DELETE => "Delete",
        _ => "Update",
    };
    if target.table != "incident" {
        return Err(Refusal::unwritable(operation));
    }
    match (request.method(), target.sys_id) {
        (&Method::POST, None) => {
            let sys_id = state.insert(&input(request)?, author)?;
            let mut response = shown(state, target, &sys_id, StatusCode::CREATED)?;
            let location = format!("{}/incident/{sys_id}", target.tables_url);
            add(&mut response, header::LOCATION, &location);
            Ok(response)
        }
        (&(Method::PATCH | Method::PUT), Some(sys_id)) => {
            state.incident(sys_id)?;
            state.update(sys_id, &input(request)?, author)?;
            shown(state, target, sys_id, StatusCode::OK)
        }
        (&Method::DELETE, Some(sys_id)) => {
            state.delete(sys_id, author)?;
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::NO_CONTENT;
            Ok(response)
        }
        _ => Err(Refusal::no_resource()),
    }
}

/// The incident as an answer to a write.
fn shown(state: &State, target: &Target<'_>, sys_id: &str, status: StatusCode) -> Done {
    let incident = state.incident(sys_id)?;
    let view = View::new(&target.parameters, target.tables_url.clone());
    let body = json!({"result": view.row(state, "incident", incident)});
    Ok(json_response(status, &body))
}

/// The answer to an accepted write, after an automation changed the incident again.
pub(crate) fn overruled(
    state: &mut State,
    request: &Request<Bytes>,
    response: &Response<Bytes>,
    input: &Input,
) -> Done {
    let target = target(state, request)?;
    let location = response.headers().get(header::LOCATION);
    let created = location
        .and_then(|location| location.to_str().ok())
        .and_then(|location| location.rsplit('/').next());
    let sys_id = created.or(target.sys_id).ok_or_else(Refusal::no_record)?;
    state.update(sys_id, input, &Author::system())?;
    shown(state, &target, sys_id, response.status())
}

pub(crate) fn add(response: &mut Response<Bytes>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn input(request: &Request<Bytes>) -> Result<Input, Refusal> {
    let media_type = request.headers().get(header::CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    if !media_type.is_some_and(|value| essence(value).eq_ignore_ascii_case("application/json")) {
        return Err(Refusal::unsupported_media_type());
    }
    let body: Map<String, Value> = serde_json::from_slice(request.body()).map_err(|error| {
        let detail = format!("The payload is not valid JSON: {error}");
        Refusal::invalid("Exception while reading request", Some(&detail))
    })?;
    Ok(texts(body))
}

/// Members as columns take them: everything is text; lists and objects are nothing.
pub(crate) fn texts(body: Map<String, Value>) -> Input {
    let text = |value| match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    };
    let members = body.into_iter();
    members
        .filter_map(|(name, value)| Some((name, text(value)?)))
        .collect()
}

fn essence(value: &str) -> &str {
    value.split(';').next().unwrap_or_default().trim()
}

/// JSON is all there is here; the vendor has XML too.
fn accepts(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(accept) = headers.get(header::ACCEPT) else {
        return Ok(());
    };
    let mut wanted = accept.to_str().unwrap_or_default().split(',').map(essence);
    if wanted.any(|one| ["application/json", "application/*", "*/*"].contains(&one)) {
        return Ok(());
    }
    Err(Refusal::not_acceptable())
}
