//! How webhooks are signed.

use http::{HeaderValue, header};
use jiff::Timestamp;
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::config::Scheme;
use crate::mac::hmac_sha256;

/// How long a token is good for.
const SECONDS: i64 = 180;

/// `sha256=<hex>`: HMAC-SHA256 over the raw body.
pub fn hub_signature(secret: &str, body: &[u8]) -> String {
    format!(
        "sha256={}",
        hex::encode(hmac_sha256(secret.as_bytes(), body))
    )
}

/// Atlassian Connect's hash of a request: SHA-256 of `METHOD&path&query`, the query sorted.
/// `path` is relative to the app's base URL.
pub fn query_string_hash(method: &str, path: &str, query: Option<&str>) -> String {
    let path = path.trim_end_matches('/').replace('&', "%26");
    let path = if path.is_empty() { "/" } else { &path };
    let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let mut pairs: Vec<(String, String)> = pairs
        .filter(|(name, _)| name != "jwt")
        .map(|(name, value)| (encoded(&name), encoded(&value)))
        .collect();
    pairs.sort();
    let mut canonical = String::new();
    let mut last = None;
    for (name, value) in &pairs {
        if last == Some(name) {
            canonical.push(',');
        } else {
            let joint = if last.is_some() { "&" } else { "" };
            canonical.extend([joint, name, "="]);
        }
        canonical.push_str(value);
        last = Some(name);
    }
    let request = format!("{}&{path}&{canonical}", method.to_uppercase());
    hex::encode(Sha256::digest(request))
}

/// RFC 3986: everything but unreserved characters.
pub(crate) fn encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(one).collect()
}

/// The header that signs a webhook sent at `now`.
pub(crate) fn sign(
    scheme: &Scheme,
    query: Option<&str>,
    body: &[u8],
    now: Timestamp,
) -> Option<(header::HeaderName, HeaderValue)> {
    let (name, value) = match scheme {
        Scheme::Connect {
            client_key,
            shared_secret,
            path,
        } => {
            let mut claims = claims(client_key, now);
            claims["qsh"] = json!(query_string_hash("POST", path, query));
            let token = token(&claims, shared_secret)?;
            (header::AUTHORIZATION, format!("JWT {token}"))
        }
        Scheme::OAuth {
            client_key,
            client_secret,
        } => {
            let token = token(&claims(client_key, now), client_secret)?;
            (header::AUTHORIZATION, format!("Bearer {token}"))
        }
        Scheme::HubSignature { secret } => {
            let name = header::HeaderName::from_static("x-hub-signature");
            (name, hub_signature(secret, body))
        }
    };
    Some((name, HeaderValue::from_str(&value).ok()?))
}

fn claims(issuer: &str, now: Timestamp) -> Value {
    let now = now.as_second();
    json!({"iss": issuer, "iat": now, "exp": now + SECONDS})
}

fn token(claims: &Value, secret: &str) -> Option<String> {
    let key = EncodingKey::from_secret(secret.as_bytes());
    encode(&Header::default(), claims, &key).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_examples_come_out() {
        assert_eq!(
            query_string_hash("POST", "/something", Some("simple=key")),
            "eafb48e8c78a5b09bc2ce7b0b86289ee4a7bd58179e47006d0141b33d5165af7"
        );
        assert_eq!(
            query_string_hash("post", "/hello-world/", None),
            "6f95f3738e1b037a3bebbe0ad237d80fdbc1d5ae452e98ce03a9c004c178ebb4"
        );
        assert_eq!(
            hub_signature("It's a Secret to Everybody", b"Hello World!"),
            "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
        );
    }

    #[test]
    fn a_query_is_sorted_encoded_and_joined() {
        let one = query_string_hash("POST", "/x", Some("b=2&a=z&a=y&jwt=t&c=1+%2A~"));
        let other = hex::encode(Sha256::digest("POST&/x&a=y,z&b=2&c=1%20%2A~"));
        assert_eq!(one, other);
    }
}
