//! Who may ask, what for, and by which path.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use jiff::{Timestamp, ToSpan};
use serde_json::Value;

use super::issue::Author;
use super::query::Query;
use super::refusal::Refusal;
use super::state::State;
use super::{meta, people, read, search, write};
use crate::edge::json_response;
use crate::rate_limit::Standing;

/// What a handler answers.
pub(crate) enum Done {
    /// A body.
    Body(StatusCode, Value),
    /// 204.
    Empty,
    /// Another status without a body.
    Nothing(StatusCode),
}

impl Done {
    pub(crate) fn ok(body: Value) -> Self {
        Self::Body(StatusCode::OK, body)
    }
}

pub(crate) type Outcome = Result<Done, Refusal>;

const PREFIX: &str = "/rest/api/3/";

/// Answers one request; `behind` makes the reads of a single issue stale.
pub(crate) fn respond(
    state: &mut State,
    request: &Request<Bytes>,
    behind: usize,
) -> Response<Bytes> {
    let Some(author) = author(state, request.headers()) else {
        return response(Err(Refusal::unauthorized()));
    };
    let now = state.surroundings.now();
    let path = request.uri().path().strip_prefix(PREFIX);
    let segments: Vec<String> = path.unwrap_or_default().split('/').map(decoded).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let limits = [
        (
            Some(state.limit.count(&state.config.email, now)),
            "jira-quota-based",
        ),
        (
            write_to(state, request.method(), &segments, now),
            "jira-per-issue-on-write",
        ),
    ];
    let exceeded = limits.iter().find_map(|(standing, reason)| {
        standing
            .filter(|standing| standing.exceeded)
            .map(|standing| (standing, reason))
    });
    if let Some((standing, reason)) = exceeded {
        return refused_for_now(standing, reason, now);
    }
    let mut response = response(dispatch(state, request, &segments, behind, &author));
    if let (Some(standing), _) = limits[0] {
        let headers = response.headers_mut();
        headers.insert("x-ratelimit-limit", standing.limit.into());
        headers.insert("x-ratelimit-remaining", standing.remaining.into());
    }
    response
}

/// Counts a write to an issue.
fn write_to(
    state: &mut State,
    method: &Method,
    segments: &[&str],
    now: Timestamp,
) -> Option<Standing> {
    let ["issue", key, ..] = segments else {
        return None;
    };
    if method == Method::GET {
        return None;
    }
    let id = state.issue(key).ok()?.id.clone();
    Some(state.writes_per_issue.count(&id, now))
}

fn dispatch(
    state: &mut State,
    request: &Request<Bytes>,
    segments: &[&str],
    behind: usize,
    author: &Author,
) -> Outcome {
    let query = &Query::of(request.uri());
    match (request.method(), segments) {
        (&Method::GET, ["issue", key]) => read::issue(state, key, query, behind),
        (&Method::GET, ["issue", key, "changelog"]) => read::changelog(state, key, query, behind),
        (&Method::GET, ["issue", key, "transitions"]) => {
            read::transitions(state, key, query, behind)
        }
        (&Method::GET, ["issue", key, "comment"]) => read::comments(state, key, query, behind),
        (&Method::GET, ["issue", key, "comment", id]) => {
            read::comment(state, key, id, query, behind)
        }
        (&Method::GET, ["comment", id, "properties", key]) => {
            read::comment_property(state, id, key)
        }
        (&Method::GET, ["search", "jql"]) => search::by_query(state, query),
        (&Method::GET, ["user"]) => people::user(state, query),
        (&Method::GET, ["user", "search"]) => people::search(state, query),
        (&Method::GET, ["user", "assignable", "search"]) => people::assignable(state, query),
        (&Method::GET, ["myself"]) => people::myself(state),
        (&Method::GET, ["mypermissions"]) => people::permissions(state, query),
        (&Method::GET, ["project", key]) => meta::project(state, key),
        (&Method::GET, ["project", key, "statuses"]) => meta::statuses(state, key),
        (&Method::GET, ["priority", "search"]) => meta::priorities(state, query),
        (&Method::GET, ["resolution", "search"]) => meta::resolutions(state, query),
        (&Method::GET, ["field"]) => Ok(meta::fields(state)),
        (&Method::DELETE, ["issue", key]) => write::delete(state, key, author),
        (&Method::DELETE, ["issue", key, "comment", id]) => {
            write::delete_comment(state, key, id, author)
        }
        (&Method::POST | &Method::PUT, _) => change(state, request, segments, query, author),
        _ => Err(Refusal::not_found("null for uri")),
    }
}

/// What has a body.
fn change(
    state: &mut State,
    request: &Request<Bytes>,
    segments: &[&str],
    query: &Query,
    author: &Author,
) -> Outcome {
    let body = &body(request)?;
    match (request.method(), segments) {
        (&Method::POST, ["issue"]) => write::create(state, body, author),
        (&Method::PUT, ["issue", key]) => write::update(state, key, query, body, author),
        (&Method::PUT, ["issue", key, "assignee"]) => write::assign(state, key, body, author),
        (&Method::POST, ["issue", key, "transitions"]) => {
            write::transition(state, key, body, author)
        }
        (&Method::POST, ["issue", key, "comment"]) => {
            write::add_comment(state, key, query, body, author)
        }
        (&Method::PUT, ["issue", key, "comment", id]) => {
            write::edit_comment(state, (key, id), query, body, author)
        }
        (&Method::PUT, ["comment", id, "properties", key]) => {
            write::set_comment_property(state, id, key, body)
        }
        (&Method::POST, ["search", "jql"]) => search::by_body(state, body),
        (&Method::POST, ["workflows"]) => meta::workflows(state, body),
        _ => Err(Refusal::not_found("null for uri")),
    }
}

fn body(request: &Request<Bytes>) -> Result<Value, Refusal> {
    let media_type = text(request.headers(), &header::CONTENT_TYPE).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default();
    if !essence.trim().eq_ignore_ascii_case("application/json") {
        return Err(Refusal::unsupported_media_type());
    }
    serde_json::from_slice(request.body()).map_err(|_| {
        Refusal::invalid("There was an error parsing JSON. Check that your request body is valid.")
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The account behind `Basic email:api_token` or `Bearer access_token`.
fn author(state: &State, headers: &HeaderMap) -> Option<Author> {
    let config = &state.config;
    let given = text(headers, &header::AUTHORIZATION)?;
    let (scheme, credentials) = given.split_once(' ')?;
    let fits = if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
        let (email, key) = decoded.split_once(':')?;
        email.eq_ignore_ascii_case(&config.email) && key == config.api_key
    } else {
        scheme.eq_ignore_ascii_case("bearer")
            && config.access_token.as_deref() == Some(credentials.trim())
    };
    let user = config.site.user_by_email(&config.email).filter(|_| fits)?;
    Some(Author::User(user.account_id.clone()))
}

/// A path's segment without its percent signs.
fn decoded(segment: &str) -> String {
    let literal = segment
        .replace('+', "%2B")
        .replace('&', "%26")
        .replace('=', "%3D");
    let mut pairs = url::form_urlencoded::parse(literal.as_bytes());
    pairs
        .next()
        .map(|(name, _)| name.into_owned())
        .unwrap_or_default()
}

/// The issue as `returnIssue` shows it.
pub(crate) fn shown(state: &State, key: &str, request: &Request<Bytes>) -> Response<Bytes> {
    response(read::issue(state, key, &Query::of(request.uri()), 0))
}

pub(crate) fn response(outcome: Outcome) -> Response<Bytes> {
    match outcome {
        Ok(Done::Body(status, body)) => json_response(status, &body),
        Ok(Done::Empty) => nothing(StatusCode::NO_CONTENT),
        Ok(Done::Nothing(status)) => nothing(status),
        Err(refusal) => json_response(refusal.status, &refusal.to_json()),
    }
}

fn nothing(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

/// The reset is given to the minute, as the vendor does.
fn refused_for_now(standing: Standing, reason: &str, now: Timestamp) -> Response<Bytes> {
    let mut response = response(Err(Refusal::too_many()));
    let reset = now
        .saturating_add(standing.reset_seconds.seconds())
        .unwrap_or(now);
    let reset = reset.strftime("%Y-%m-%dT%H:%MZ").to_string();
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, standing.reset_seconds.into());
    headers.insert("x-ratelimit-limit", standing.limit.into());
    headers.insert("x-ratelimit-remaining", standing.remaining.into());
    for (name, value) in [
        ("x-ratelimit-reset", reset.as_str()),
        ("ratelimit-reason", reason),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}
