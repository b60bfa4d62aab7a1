//! Requests, built without I/O.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Request, header};
use im_model::{ExternalId, ExternalValue, Field, IncidentId};
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use crate::{Connection, VendorError, exchange};

/// The version of the REST API, as the `Accept` header asks for it.
const ACCEPT: &str = "application/vnd.pagerduty+json;version=2";

/// Ids that the vendor gave to the names we hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ResolvedIds {
    pub(super) assignee: Option<String>,
    pub(super) priority: Option<String>,
}

/// `include[]=assignees` brings their e-mail addresses along.
pub(super) fn read(to: &Connection<'_>, id: &ExternalId) -> Result<Request<Bytes>, VendorError> {
    get(
        to,
        &["incidents", id.as_str()],
        &[("include[]", "assignees")],
    )
}

/// `incident_key` is our incident's id. Resolved ones are asked for by name, and without a date range the vendor
/// looks back one month only.
pub(super) fn find(
    to: &Connection<'_>,
    incident: &IncidentId,
) -> Result<Request<Bytes>, VendorError> {
    get(
        to,
        &["incidents"],
        &[
            ("incident_key", incident.as_str()),
            ("date_range", "all"),
            ("statuses[]", "triggered"),
            ("statuses[]", "acknowledged"),
            ("statuses[]", "resolved"),
            ("include[]", "assignees"),
            ("limit", "100"),
        ],
    )
}

pub(super) fn create(
    to: &Connection<'_>,
    incident: &IncidentId,
    values: &BTreeMap<Field, ExternalValue>,
    ids: &ResolvedIds,
) -> Result<Request<Bytes>, VendorError> {
    let service = service_of(to, "POST /incidents")?;
    let mut body = Map::new();
    body.insert("type".to_owned(), json!("incident"));
    body.insert("incident_key".to_owned(), json!(incident.as_str()));
    body.insert(
        "service".to_owned(),
        json!({"id": service, "type": "service_reference"}),
    );
    for (field, value) in values {
        let Some(text) = value.as_str() else { continue };
        match field {
            // The official schema calls `details` an object.
            Field::Description => {
                let details = json!({"type": "incident_body", "details": {"description": text}});
                body.insert("body".to_owned(), details);
            }
            Field::Priority => {
                if let Some(id) = &ids.priority {
                    let reference = json!({"id": id, "type": "priority_reference"});
                    body.insert("priority".to_owned(), reference);
                }
            }
            _ => {
                if let Some((name, json)) = property(field, text, ids) {
                    body.insert(name.to_owned(), json);
                }
            }
        }
    }
    with_body(
        to,
        &Method::POST,
        &["incidents"],
        &json!({"incident": body}),
    )
}

pub(super) fn update(
    to: &Connection<'_>,
    id: &ExternalId,
    values: &BTreeMap<Field, ExternalValue>,
    ids: &ResolvedIds,
) -> Result<Request<Bytes>, VendorError> {
    let mut body = Map::new();
    body.insert("type".to_owned(), json!("incident"));
    for (field, value) in values {
        let Some(text) = value.as_str() else { continue };
        if let Some((name, json)) = property(field, text, ids) {
            body.insert(name.to_owned(), json);
        }
    }
    with_body(
        to,
        &Method::PUT,
        &["incidents", id.as_str()],
        &json!({"incident": body}),
    )
}

/// A note, which the API can only append.
pub(super) fn note(
    to: &Connection<'_>,
    id: &ExternalId,
    content: &str,
) -> Result<Request<Bytes>, VendorError> {
    let body = json!({"note": {"content": content}});
    with_body(
        to,
        &Method::POST,
        &["incidents", id.as_str(), "notes"],
        &body,
    )
}

/// All notes of an incident: the vendor does not page them.
pub(super) fn notes(to: &Connection<'_>, id: &ExternalId) -> Result<Request<Bytes>, VendorError> {
    get(to, &["incidents", id.as_str(), "notes"], &[])
}

/// The configured service.
pub(super) fn service_of<'a>(to: &Connection<'a>, tried: &str) -> Result<&'a str, VendorError> {
    let service = to.options.get("service").map(String::as_str);
    service.ok_or_else(|| {
        let detail = "option `service` (the id of the PagerDuty service) is not set";
        exchange::unsendable(tried, detail)
    })
}

/// Any service of the account: may we read it at all?
pub(super) fn service(to: &Connection<'_>, id: &str) -> Result<Request<Bytes>, VendorError> {
    get(to, &["services", id], &[])
}

/// The least of incidents.
pub(super) fn one_incident(to: &Connection<'_>) -> Result<Request<Bytes>, VendorError> {
    get(to, &["incidents"], &[("limit", "1")])
}

pub(super) fn priorities(to: &Connection<'_>) -> Result<Request<Bytes>, VendorError> {
    get(to, &["priorities"], &[("limit", "100")])
}

/// `query` matches parts of names and addresses, so the answer must be searched for the very address.
pub(super) fn users(to: &Connection<'_>, email: &str) -> Result<Request<Bytes>, VendorError> {
    get(to, &["users"], &[("query", email), ("limit", "100")])
}

pub(super) fn user(to: &Connection<'_>, id: &str) -> Result<Request<Bytes>, VendorError> {
    get(to, &["users", id], &[])
}

pub(super) fn log_entries(
    to: &Connection<'_>,
    id: &ExternalId,
    since: Timestamp,
    offset: usize,
) -> Result<Request<Bytes>, VendorError> {
    let (since, offset) = (written(since), offset.to_string());
    get(
        to,
        &["incidents", id.as_str(), "log_entries"],
        &[("since", &since), ("limit", "100"), ("offset", &offset)],
    )
}

/// A time in whole seconds.
pub(super) fn written(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Any query of a listing.
pub(super) fn listing(
    to: &Connection<'_>,
    of: &str,
    query: &[(&str, &str)],
) -> Result<Request<Bytes>, VendorError> {
    get(to, &[of], query)
}

fn property(field: &Field, text: &str, ids: &ResolvedIds) -> Option<(&'static str, Json)> {
    match field {
        Field::Title => Some(("title", json!(text))),
        Field::Severity => Some(("urgency", json!(text))),
        Field::Status => Some(("status", json!(text))),
        // "a string matching the name of a priority" (official schema of PUT)
        Field::Priority => Some(("priority", json!(text))),
        Field::EscalationPolicy => {
            let reference = json!({"id": text, "type": "escalation_policy_reference"});
            Some(("escalation_policy", reference))
        }
        Field::AssignedTo => ids.assignee.as_ref().map(|id| {
            (
                "assignments",
                json!([{"assignee": {"id": id, "type": "user_reference"}}]),
            )
        }),
        Field::Description | Field::Custom(_) => None,
    }
}

fn get(
    to: &Connection<'_>,
    path: &[&str],
    query: &[(&str, &str)],
) -> Result<Request<Bytes>, VendorError> {
    build(to, &Method::GET, path, query, None)
}

fn with_body(
    to: &Connection<'_>,
    method: &Method,
    path: &[&str],
    body: &Json,
) -> Result<Request<Bytes>, VendorError> {
    build(to, method, path, &[], Some(Bytes::from(body.to_string())))
}

fn build(
    to: &Connection<'_>,
    method: &Method,
    path: &[&str],
    query: &[(&str, &str)],
    body: Option<Bytes>,
) -> Result<Request<Bytes>, VendorError> {
    let tried = format!("{method} /{}", path.join("/"));
    let url = exchange::address(to.base_url, path, query)?;
    let token = exchange::credential(to, &tried, "token")?;
    let mut request = exchange::authorized(method, &url, &format!("Token token={token}"))
        .header(header::ACCEPT, ACCEPT);
    if body.is_some() {
        request = request
            .header(header::CONTENT_TYPE, "application/json")
            .header(
                header::FROM,
                exchange::credential(to, &tried, "from_email")?,
            );
    }
    exchange::with_body(request, &tried, body.unwrap_or_default())
}
