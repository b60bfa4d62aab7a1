//! The vendor's REST API as its module of `im_vendors` speaks it: `ServiceNow`'s Table API, over one model record.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response};
use im_model::{ExternalId, Field, IncidentId, IntegrationId};
use im_vendors::{Transport, TransportError};
use serde_json::{Map, Value as Json, json};

use super::{
    ask::{Ask, Said, VendorAsk},
    outside::Outside,
    vendor::{Author, Record},
};

/// The user that we are there.
pub const OURSELVES: &str = "im.sync";
/// Everybody else.
pub const SOMEBODY: &str = "ann";

const COLUMNS: [(&str, Field); 3] = [
    ("short_description", Field::Title),
    ("description", Field::Description),
    ("state", Field::Status),
];

#[async_trait]
impl Transport for Outside {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let (integration, ask) = understood(&request);
        let Some(ask) = ask else {
            // What a severity is made of: not part of the model.
            return Ok(answer(200, &json!({"result": {}})));
        };
        let is_audit = matches!(ask, VendorAsk::Audit(_));
        match self.ask(Ask::Vendor(integration, ask)).await {
            Said::Silence => Err(TransportError::Timeout),
            Said::NoSuchRecord => Ok(answer(
                404,
                &json!({"error": {"message": "No Record found"}}),
            )),
            Said::Record(record) if is_audit => Ok(answer(200, &json!({"result": audit(&record)}))),
            Said::Record(record) => {
                Ok(answer(200, &json!({"result": row(&record, self.counts())})))
            }
            Said::Records(records) => {
                let rows = records.iter().map(|record| row(record, self.counts()));
                Ok(answer(200, &json!({"result": rows.collect::<Vec<_>>()})))
            }
            other => panic!("no answer of a vendor's: {other:?}"),
        }
    }
}

/// Which vendor is asked for what; the host's first label is the integration.
fn understood(request: &Request<Bytes>) -> (IntegrationId, Option<VendorAsk>) {
    let host = request.uri().host().expect("a host");
    let integration = host
        .split('.')
        .next()
        .expect("a label")
        .parse()
        .expect("an id");
    let path: Vec<_> = request.uri().path().split('/').skip(5).collect();
    let query: BTreeMap<String, String> =
        url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
    let fields = || written(request.body());
    let ask = match (request.method(), path.as_slice()) {
        (&Method::GET, ["incident", _]) if query["sysparm_fields"] == "sys_id,impact,urgency" => {
            None
        }
        (&Method::GET, ["incident", id]) => Some(VendorAsk::Read(id.parse().expect("an id"))),
        (&Method::PATCH, ["incident", id]) => {
            Some(VendorAsk::Write(id.parse().expect("an id"), fields().0))
        }
        (&Method::POST, ["incident"]) => {
            let (values, incident) = fields();
            Some(VendorAsk::Create(
                incident.expect("a correlation_id"),
                values,
            ))
        }
        (&Method::GET, ["incident"]) => {
            let incident = part(&query["sysparm_query"], "correlation_id=");
            Some(VendorAsk::Find(incident.parse().expect("an id")))
        }
        (&Method::GET, ["sys_audit"]) => {
            let id = part(&query["sysparm_query"], "documentkey=");
            Some(VendorAsk::Audit(id.parse::<ExternalId>().expect("an id")))
        }
        (method, path) => panic!("not part of the model: {method} {path:?}"),
    };
    (integration, ask)
}

/// The value of one term of an encoded query.
fn part<'a>(query: &'a str, name: &str) -> &'a str {
    let mut terms = query.split('^');
    terms
        .find_map(|term| term.strip_prefix(name))
        .expect("a term")
}

fn written(body: &[u8]) -> (BTreeMap<Field, String>, Option<IncidentId>) {
    let body: Map<String, Json> = serde_json::from_slice(body).expect("an object");
    let mut values = BTreeMap::new();
    for (column, field) in COLUMNS {
        if let Some(text) = body.get(column) {
            values.insert(field, text.as_str().expect("a text").to_owned());
        }
    }
    let incident = body.get("correlation_id").and_then(Json::as_str);
    (values, incident.map(|id| id.parse().expect("an id")))
}

fn row(record: &Record, shows_counts: bool) -> Json {
    let mut row = json!({
        "sys_id": record.id.as_str(),
        "sys_created_on": moment(record.created_at),
        "sys_updated_on": moment(record.updated_at),
        "correlation_id": record.correlation.as_ref().map_or("", IncidentId::as_str),
    });
    if shows_counts {
        row["sys_mod_count"] = json!(record.count.to_string());
    }
    for (column, field) in COLUMNS {
        row[column] = json!(record.value(&field));
    }
    row
}

fn audit(record: &Record) -> Vec<Json> {
    let line = |(number, change): (usize, &super::vendor::Change)| {
        let column = COLUMNS.iter().find(|(_, field)| *field == change.field);
        json!({
            "sys_id": number.to_string(),
            "documentkey": record.id.as_str(),
            "fieldname": column.expect("a column").0,
            "oldvalue": change.old,
            "newvalue": change.new,
            "user": match change.author { Author::Us => OURSELVES, Author::Person => SOMEBODY },
            "record_checkpoint": change.count.to_string(),
            "sys_created_on": moment(change.at),
        })
    };
    record.audit.iter().enumerate().map(line).collect()
}

fn moment(second: u32) -> String {
    super::at(second).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn answer(status: u16, body: &Json) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status.try_into().expect("a status");
    response
}
