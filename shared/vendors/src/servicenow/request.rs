//! Requests of the Table API, built without I/O and without a login.

use bytes::Bytes;
use http::{Method, Request, header};
use im_model::{ExternalId, IncidentId, NoteKind};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value as Json, json};
use url::Url;

use super::{moment, options};
use crate::{Connection, CustomField, VendorError, VendorErrorKind, exchange};

/// Rows that are asked for at once.
pub(super) const PAGE: usize = 500;

/// The columns of a record that we always need. An answer without them may show a hundred others.
const COLUMNS: [&str; 11] = [
    "sys_id",
    "sys_created_on",
    "sys_updated_on",
    "sys_mod_count",
    "correlation_id",
    "short_description",
    "description",
    "impact",
    "urgency",
    "state",
    "assigned_to",
];

/// Audited columns that are fields of ours, besides those that options map.
const AUDITED: [&str; 6] = [
    "short_description",
    "description",
    "impact",
    "urgency",
    "state",
    "assigned_to",
];

/// The columns whose audit counts: of the base system and of custom fields.
pub(super) fn audited(custom: &[CustomField]) -> impl Iterator<Item = &str> {
    let custom = custom.iter().map(|field| field.path.as_str());
    AUDITED.into_iter().chain(custom)
}

/// A request that lacks only who sends it, so that it can be sent again with a fresh token.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    method: Method,
    url: Url,
    body: Option<Bytes>,
}

impl Prepared {
    /// Method and path, as errors name it.
    pub(super) fn tried(&self) -> String {
        format!("{} {}", self.method, self.url.path())
    }

    /// Is it for rows after the first ones?
    pub(super) fn is_later_page(&self) -> bool {
        let mut query = self.url.query_pairs();
        query.any(|(name, _)| name == "sysparm_offset")
    }

    /// The request as this login sends it.
    pub(super) fn sent_as(&self, authorization: &str) -> Result<Request<Bytes>, VendorError> {
        let mut request = exchange::authorized(&self.method, &self.url, authorization)
            .header(header::ACCEPT, "application/json");
        if self.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = self.body.clone().unwrap_or_default();
        exchange::with_body(request, &self.tried(), body)
    }
}

pub(super) fn read(to: &Connection<'_>, id: &ExternalId) -> Result<Prepared, VendorError> {
    get(
        to,
        &[table(to), sys_id(id)?],
        &[("sysparm_fields", &columns(to))],
    )
}

/// What a severity is made of, as it is now.
pub(super) fn severity(to: &Connection<'_>, id: &ExternalId) -> Result<Prepared, VendorError> {
    let fields = ("sysparm_fields", "sys_id,impact,urgency");
    get(to, &[table(to), sys_id(id)?], &[fields])
}

/// `correlation_id` is our incident's id.
pub(super) fn find(to: &Connection<'_>, incident: &IncidentId) -> Result<Prepared, VendorError> {
    let query = format!("correlation_id={incident}^ORDERBYsys_created_on");
    list(to, table(to), &query, &columns(to), 100, 0)
}

/// The least of records.
pub(super) fn one_record(to: &Connection<'_>) -> Result<Prepared, VendorError> {
    list(to, table(to), "", &columns(to), 1, 0)
}

/// A record that there is not.
pub(super) fn no_record(to: &Connection<'_>) -> Result<Prepared, VendorError> {
    let query = "correlation_id=im-no-such-incident";
    list(to, table(to), query, "sys_id,correlation_id", 1, 0)
}

pub(super) fn create(
    to: &Connection<'_>,
    incident: &IncidentId,
    mut values: Map<String, Json>,
) -> Result<Prepared, VendorError> {
    values.insert("correlation_id".to_owned(), json!(incident.as_str()));
    let fields = ("sysparm_fields", &*columns(to));
    build(to, Method::POST, &[table(to)], &[fields], Some(values))
}

pub(super) fn update(
    to: &Connection<'_>,
    id: &ExternalId,
    values: Map<String, Json>,
) -> Result<Prepared, VendorError> {
    let fields = ("sysparm_fields", &*columns(to));
    let path = [table(to), sys_id(id)?];
    build(to, Method::PATCH, &path, &[fields], Some(values))
}

/// A journal column: what is written to it is appended (FACTS.md, "Journals").
pub(super) fn add_note(
    to: &Connection<'_>,
    id: &ExternalId,
    kind: NoteKind,
    text: &str,
) -> Result<Prepared, VendorError> {
    let values = Map::from_iter([(kind.to_string(), json!(text))]);
    let fields = ("sysparm_fields", "sys_id");
    let path = [table(to), sys_id(id)?];
    build(to, Method::PATCH, &path, &[fields], Some(values))
}

/// The entries of a record's two journals, oldest first.
pub(super) fn notes(
    to: &Connection<'_>,
    id: &ExternalId,
    offset: usize,
) -> Result<Prepared, VendorError> {
    let id = sys_id(id)?;
    let query = format!("element_id={id}^elementINcomments,work_notes^ORDERBYsys_created_on");
    let fields = "sys_id,element_id,element,value,sys_created_on,sys_created_by";
    list(to, "sys_journal_field", &query, fields, PAGE, offset)
}

/// What the audit says of a record since a moment. Older rows may come along: `ServiceNow` may take the moment for one
/// of the account's own time zone.
pub(super) fn audit(
    to: &Connection<'_>,
    id: &ExternalId,
    since: Timestamp,
    offset: usize,
) -> Result<Prepared, VendorError> {
    const ANY_TIME_ZONE: SignedDuration = SignedDuration::from_hours(14);
    let id = sys_id(id)?;
    let custom = options::custom(to.options);
    let query = format!(
        "tablename={}^documentkey={id}^fieldnameIN{}^sys_created_on>={}^ORDERBYsys_created_on",
        table(to),
        audited(&custom).collect::<Vec<_>>().join(","),
        moment::written(since - ANY_TIME_ZONE),
    );
    let fields =
        "sys_id,documentkey,fieldname,oldvalue,newvalue,user,record_checkpoint,sys_created_on";
    list(to, "sys_audit", &query, fields, PAGE, offset)
}

const USER_FIELDS: &str = "sys_id,email,user_name,active";

pub(super) fn user(to: &Connection<'_>, sys_id: &str) -> Result<Prepared, VendorError> {
    let fields = ("sysparm_fields", USER_FIELDS);
    get(to, &["sys_user", sys_id], &[fields])
}

/// The users with these ids.
pub(super) fn users_of(to: &Connection<'_>, sys_ids: &[&str]) -> Result<Prepared, VendorError> {
    let query = format!("sys_idIN{}", sys_ids.join(","));
    list(to, "sys_user", &query, USER_FIELDS, sys_ids.len(), 0)
}

/// The users with an address, which must not be able to be more than a value of a query: see `people`.
pub(super) fn users(to: &Connection<'_>, email: &str) -> Result<Prepared, VendorError> {
    let query = format!("email={email}");
    list(to, "sys_user", &query, USER_FIELDS, 100, 0)
}

/// One row of any table: may we read it at all?
pub(super) fn one_row(
    to: &Connection<'_>,
    table: &str,
    fields: &str,
) -> Result<Prepared, VendorError> {
    list(to, table, "", fields, 1, 0)
}

/// The values that a close code may have.
pub(super) fn close_codes(to: &Connection<'_>) -> Result<Prepared, VendorError> {
    let query = format!("name={}^element=close_code^inactive=false", table(to));
    list(to, "sys_choice", &query, "name,element,value", 100, 0)
}

/// The table that incidents are in.
pub(super) fn table<'a>(to: &Connection<'a>) -> &'a str {
    options::table(to.options)
}

/// The columns of a record that we read.
pub(super) fn columns(to: &Connection<'_>) -> String {
    let custom = options::custom(to.options);
    let custom = custom.iter().map(|field| field.path.as_str());
    let columns: Vec<_> = COLUMNS.into_iter().chain(custom).collect();
    columns.join(",")
}

/// An id that may stand in a path or a query: of anything else, `ServiceNow` might answer more than was asked.
fn sys_id(id: &ExternalId) -> Result<&str, VendorError> {
    let text = id.as_str();
    if options::is_sys_id(text) {
        return Ok(text);
    }
    Err(VendorError {
        tried: format!("asking for {text}"),
        kind: VendorErrorKind::NotFound,
        detail: "a sys_id has 32 hexadecimal digits".to_owned(),
    })
}

/// Rows of a table that a query finds.
pub(super) fn list(
    to: &Connection<'_>,
    table: &str,
    query: &str,
    fields: &str,
    limit: usize,
    offset: usize,
) -> Result<Prepared, VendorError> {
    let (limit, offset) = (limit.to_string(), offset.to_string());
    let asked = [
        ("sysparm_query", query),
        ("sysparm_fields", fields),
        ("sysparm_limit", &limit),
        ("sysparm_offset", &offset),
    ];
    let is_needed = |(name, value): &&(&str, &str)| {
        !value.is_empty() && (*name, *value) != ("sysparm_offset", "0")
    };
    let asked: Vec<_> = asked.iter().filter(is_needed).copied().collect();
    get(to, &[table], &asked)
}

fn get(
    to: &Connection<'_>,
    path: &[&str],
    query: &[(&str, &str)],
) -> Result<Prepared, VendorError> {
    build(to, Method::GET, path, query, None)
}

fn build(
    to: &Connection<'_>,
    method: Method,
    path: &[&str],
    query: &[(&str, &str)],
    body: Option<Map<String, Json>>,
) -> Result<Prepared, VendorError> {
    let path: Vec<_> = ["api", "now", "v2", "table"]
        .iter()
        .chain(path)
        .copied()
        .collect();
    let mut asked = vec![("sysparm_exclude_reference_link", "true")];
    asked.extend(query);
    Ok(Prepared {
        method,
        url: exchange::address(to.base_url, &path, &asked)?,
        body: body.map(|body| Bytes::from(Json::Object(body).to_string())),
    })
}

#[cfg(test)]
mod tests;
