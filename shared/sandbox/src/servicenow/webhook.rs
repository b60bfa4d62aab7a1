//! What the Business Rule sends. The vendor signs nothing by itself: this is the project's rule.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::config::Signing;
use super::state::State;
use crate::mac::hmac_sha256;
use crate::webhook_delivery::{Posting, WebhookDelivery};

/// How a digest is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Lower-case hexadecimal digits.
    Hex,
    /// Base64, as `generateMac` returns it.
    Base64,
}

/// HMAC-SHA256 over the raw body, keyed by the bytes of the secret's text, without a prefix.
pub fn sign(secret: &str, body: &[u8], encoding: Encoding) -> String {
    let digest = hmac_sha256(secret.as_bytes(), body);
    match encoding {
        Encoding::Hex => hex::encode(digest),
        Encoding::Base64 => STANDARD.encode(digest),
    }
}

/// Nothing of the record but its id: it is read back.
#[derive(Serialize, Deserialize)]
struct Body<'a> {
    delivery_id: &'a str,
    table: &'a str,
    sys_id: &'a str,
    sys_updated_on: &'a str,
    /// Epoch seconds.
    timestamp: i64,
}

/// `operation` is `insert`, `update` or `delete`.
pub(crate) fn announce(state: &mut State, operation: &str, sys_id: &str, sys_updated_on: &str) {
    let timestamp = state.surroundings.now().as_second();
    let delivery_id = state.surroundings.ids.hex();
    let body = Body {
        delivery_id: &delivery_id,
        table: "incident",
        sys_id,
        sys_updated_on,
        timestamp,
    };
    let body = match serde_json::to_vec(&body) {
        Ok(body) => Bytes::from(body),
        Err(error) => return tracing::error!(%error, "a webhook cannot be written"),
    };
    let delivery = WebhookDelivery {
        headers: headers(&state.config.signing, &body),
        event_id: delivery_id,
        event_type: format!("incident.{operation}"),
        query: None,
        body,
    };
    state.surroundings.send(delivery);
}

/// Signs what is sent again anew, as the project's script does: each attempt has a time of its own.
pub(crate) struct Sender(pub(crate) Signing);

impl Posting for Sender {
    fn attempt(&self, delivery: &WebhookDelivery, number: u32, now: Timestamp) -> WebhookDelivery {
        let mut sent = delivery.clone();
        if number > 1
            && let Ok(mut body) = serde_json::from_slice::<Body<'_>>(&delivery.body)
        {
            body.timestamp = now.as_second();
            if let Ok(body) = serde_json::to_vec(&body) {
                sent.body = Bytes::from(body);
                sent.headers = headers(&self.0, &sent.body);
            }
        }
        sent
    }
}

fn headers(signing: &Signing, body: &[u8]) -> HeaderMap {
    let prefix = if signing.prefixed { "sha256=" } else { "" };
    let signature = sign(&signing.secret, body, signing.encoding);
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(
        header::USER_AGENT,
        HeaderValue::from_static("ServiceNow/1.0"),
    );
    if let Ok(signature) = HeaderValue::from_str(&format!("{prefix}{signature}")) {
        headers.insert(signing.header.clone(), signature);
    }
    headers
}
