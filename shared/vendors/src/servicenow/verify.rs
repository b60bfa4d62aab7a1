//! `X-ServiceNow-Signature: sha256=<digest>`: HMAC-SHA256 over the raw body, key = the secret's bytes.
//!
//! `ServiceNow` signs nothing by itself, our Business Rule does (`infra/servicenow/`). Other scripts name the header
//! otherwise, leave the prefix out, or write the digest in hex: hence the options (FACTS.md, "Webhook signature").

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use http::{HeaderMap, HeaderValue};
use im_model::Secret;
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};

use super::{event, options, options::Encoding};
use crate::{Refusal, SelfTest, UnverifiedDelivery, Verification, VerifiedDelivery};

const PREFIX: &str = "sha256=";

/// How far the signed time may lie from the present, either way (interface.md).
const REPLAY_WINDOW: SignedDuration = SignedDuration::from_secs(300);

/// Any active secret may have signed. Our own digest is written down in each form that is allowed and compared; what the
/// sender wrote is never decoded.
pub(super) fn verify(
    delivery: UnverifiedDelivery<'_>,
    against: Verification<'_>,
) -> Result<VerifiedDelivery, Refusal> {
    let header = options::signature_header(against.options).ok_or(Refusal::NoSignature)?;
    let signature = signature(delivery.headers, &header)?;
    let encoding = options::signature_encoding(against.options).ok_or(Refusal::Malformed)?;
    // Of any other length it is no SHA-256, and comparing it would tell nothing.
    if ![64, 44].contains(&signature.len()) {
        return Err(Refusal::Malformed);
    }
    if delivery.body.is_empty() {
        return Err(Refusal::EmptyBody);
    }
    let mut matches = Choice::from(0);
    for secret in against.secrets.iter().filter(|secret| !secret.is_empty()) {
        let own = sign(secret, delivery.body);
        if encoding.allows_hex() {
            matches |= hex::encode(own).as_bytes().ct_eq(signature.as_bytes());
        }
        if encoding.allows_base64() {
            matches |= STANDARD.encode(own).as_bytes().ct_eq(signature.as_bytes());
        }
    }
    if !bool::from(matches) {
        return Err(Refusal::Mismatch);
    }
    // A signed body that names no time is no replay of ours: reading it refuses it.
    match event::signed_at(delivery.body) {
        Some(at) if at.duration_since(against.now).abs() > REPLAY_WINDOW => Err(Refusal::NotNow),
        _ => Ok(VerifiedDelivery::of(delivery.body)),
    }
}

/// The one signature. Two headers, or a comma between two, are nothing that our script sends.
fn signature<'a>(headers: &'a HeaderMap, header: &http::HeaderName) -> Result<&'a str, Refusal> {
    let mut values = headers.get_all(header).iter();
    let value = values.next().ok_or(Refusal::NoSignature)?;
    if values.next().is_some() {
        return Err(Refusal::Malformed);
    }
    let text = value.to_str().map_err(|_| Refusal::Malformed)?.trim();
    if text.contains(',') {
        return Err(Refusal::Malformed);
    }
    Ok(text.strip_prefix(PREFIX).unwrap_or(text))
}

/// A delivery that says it is a test.
pub(super) fn self_test(with: Verification<'_>) -> Result<SelfTest, String> {
    let secret = with.secrets.iter().find(|secret| !secret.is_empty());
    let secret = secret.ok_or("there is no webhook_secret")?;
    let header = options::signature_header(with.options)
        .ok_or("the option signature_header is no header's name")?;
    let encoding = options::signature_encoding(with.options)
        .ok_or("the option signature_encoding is not known")?;
    let body = self_test_body(with.now);
    let own = sign(secret, &body);
    let digest = match encoding {
        Encoding::Hex => hex::encode(own),
        Encoding::Base64 | Encoding::Any => STANDARD.encode(own),
    };
    let signature = HeaderValue::try_from(format!("{PREFIX}{digest}"));
    let signature = signature.map_err(|error| error.to_string())?;
    let mut headers = HeaderMap::new();
    headers.insert(header, signature);
    Ok(SelfTest {
        query: None,
        headers,
        body,
    })
}

fn self_test_body(now: Timestamp) -> Vec<u8> {
    let event = serde_json::json!({
        "delivery_id": format!("im-self-test-{}", now.as_nanosecond()),
        "test": true,
        "timestamp": now.as_second(),
    });
    event.to_string().into_bytes()
}

fn sign(secret: &Secret, body: &[u8]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()).expect("any key length");
    mac.update(body);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests;
