//! `/_sandbox/…`: faults, inspection and people's edits over HTTP, for demonstrations.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::edge::json_response;
use crate::fault::FaultRule;
use crate::stand_in::{StandIn, Vendor};

const PREFIX: &str = "/_sandbox/";

pub(crate) fn is_control(request: &Request<Bytes>) -> bool {
    request.uri().path().starts_with(PREFIX)
}

/// Answers what is the same for every vendor; the rest is the vendor's.
pub(crate) fn respond<V: Vendor>(
    stand_in: &StandIn<V>,
    request: &Request<Bytes>,
) -> Response<Bytes> {
    let path = request.uri().path().strip_prefix(PREFIX);
    let segments: Vec<&str> = path.unwrap_or_default().split('/').collect();
    let faults = || ok(&json!({"faults": stand_in.faults()}));
    let webhooks = || ok(&json!({"webhooks": stand_in.deliveries()}));
    match (request.method(), segments.as_slice()) {
        (&Method::GET, ["requests"]) => ok(&json!({"requests": stand_in.requests()})),
        (&Method::GET, ["webhooks"]) => webhooks(),
        (&Method::POST, ["webhooks", "release"]) => {
            stand_in.release_webhooks();
            webhooks()
        }
        (&Method::GET, ["faults"]) => faults(),
        (&Method::POST, ["faults"]) => match serde_json::from_slice::<FaultRule>(request.body()) {
            Ok(rule) => {
                stand_in.add_fault(rule);
                faults()
            }
            Err(error) => {
                let body = json!({"error": {"message": error.to_string()}});
                json_response(StatusCode::BAD_REQUEST, &body)
            }
        },
        (&Method::DELETE, ["faults"]) => {
            stand_in.clear_faults();
            faults()
        }
        (_, segments) => V::control(stand_in, request, segments),
    }
}

/// Takes `"quiet": true` out of the body of a person's edit: it causes no webhook.
pub(crate) fn take_quiet(body: &mut Map<String, Value>) -> bool {
    body.remove("quiet") == Some(Value::Bool(true))
}

fn ok(body: &Value) -> Response<Bytes> {
    json_response(StatusCode::OK, body)
}
