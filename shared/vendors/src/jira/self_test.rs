//! Webhooks that we send to ourselves, signed as Jira would sign them.

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use im_model::Secret;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

use super::{
    options, qsh,
    verify::{self, HUB_SIGNATURE, Scheme},
};
use crate::{SelfTest, Verification};

/// How long a token of ours is valid; Atlassian's are for 3 minutes, too.
const VALID: SignedDuration = SignedDuration::from_mins(3);

/// Signs an event that announces nothing.
pub(super) fn self_test(integration: &str, with: Verification<'_>) -> Result<SelfTest, String> {
    let secret = with.secrets.iter().find(|secret| !secret.is_empty());
    let secret = secret.ok_or("there is no webhook_secret")?;
    let scheme = options::scheme(with.options).ok_or("signature_scheme names no scheme")?;
    let issuer = with.credentials.get("client_key").map(Secret::reveal);
    if scheme == Scheme::Connect && issuer.is_none() {
        return Err("there is no client_key, without which no JWT is accepted".to_owned());
    }
    let body = json!({"webhookEvent": "im:self_test", "timestamp": with.now.as_millisecond()});
    let body = body.to_string().into_bytes();
    let mut headers = HeaderMap::new();
    let path = options::signed_path(with.options, integration);
    let token = || token(issuer, &path, secret, with.now);
    let (name, value) = match scheme {
        Scheme::Connect => (AUTHORIZATION, format!("JWT {}", token()?)),
        Scheme::OAuth => (AUTHORIZATION, format!("Bearer {}", token()?)),
        Scheme::HubSignature => {
            let signature = verify::sign(secret, &body);
            (HUB_SIGNATURE, format!("sha256={signature}"))
        }
    };
    let mut value = HeaderValue::try_from(value).map_err(|error| error.to_string())?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(SelfTest {
        query: None,
        headers,
        body,
    })
}

fn token(
    issuer: Option<&str>,
    path: &str,
    secret: &Secret,
    now: Timestamp,
) -> Result<String, String> {
    let mut claims = json!({
        "iat": now.as_second(),
        "exp": (now + VALID).as_second(),
        "qsh": qsh::hash("POST", path, None),
    });
    if let Some(issuer) = issuer {
        claims["iss"] = json!(issuer);
    }
    let key = EncodingKey::from_secret(secret.reveal().as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)
        .map_err(|error| error.to_string())
}
