//! Three schemes by which Jira authenticates a webhook (FACTS.md, "Webhook authentication").
//!
//! Only [`Scheme::HubSignature`] signs the body. A token says who sent the request and, by its `qsh`, for which URL it
//! was made: that the body is the sender's rests on TLS and on nobody else having seen the token. So no value of a
//! webhook's body is used; a body names a record, and the record is read back by id.

use hmac::{Hmac, Mac as _};
use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};
use im_model::Secret;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};

use super::qsh;
use crate::Refusal;

pub(super) const HUB_SIGNATURE: HeaderName = HeaderName::from_static("x-hub-signature");
/// How far the sender's clock and ours may be apart.
const LEEWAY: SignedDuration = SignedDuration::from_secs(30);
/// The fixed `qsh` of tokens for a browser's session: bound to no URL, so never that of a webhook.
const SESSION_QSH: &str = "context-qsh";

/// How Jira authenticates the webhooks of one integration. Only the configured scheme is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// Atlassian Connect: `Authorization: JWT <token>`, HS256 with the shared secret of the installation.
    Connect,
    /// OAuth 2.0 dynamic webhooks: `Authorization: Bearer <token>`, HS256 with the app's client secret.
    OAuth,
    /// Webhooks that an administrator made with a secret: `X-Hub-Signature: sha256=<hex>` over the raw body.
    HubSignature,
}

/// A request, as far as a scheme may look at it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    /// Relative to the base URL that Jira knows the app by.
    pub(super) path: &'a str,
    /// As sent: still percent-encoded, without the `?`.
    pub(super) query: Option<&'a str>,
    pub(super) headers: &'a HeaderMap,
    /// The raw bytes: never re-serialised.
    pub(super) body: &'a [u8],
    pub(super) now: Timestamp,
}

/// Accepts a request that one of the secrets authenticates. `issuer` is the client key of the installation: without one,
/// [`Scheme::Connect`] accepts nothing.
pub(super) fn verify(
    request: Request<'_>,
    scheme: Scheme,
    issuer: Option<&str>,
    secrets: &[Secret],
) -> Result<(), Refusal> {
    match scheme {
        Scheme::Connect => {
            let claims = claims(request, "jwt", secrets)?;
            let complete = claims.iat.is_some() && claims.qsh.is_some();
            // An integration without a client key would otherwise accept the tokens of any installation.
            let issuer = issuer.filter(|issuer| !issuer.is_empty());
            let issued = issuer.is_some() && claims.is_issued_by(issuer);
            allow(complete && issued && claims.hold_for(request))
        }
        Scheme::OAuth => {
            let claims = claims(request, "bearer", secrets)?;
            allow(claims.is_issued_by(issuer) && claims.hold_for(request))
        }
        Scheme::HubSignature => verify_hub_signature(request, secrets),
    }
}

fn allow(right: bool) -> Result<(), Refusal> {
    if right {
        Ok(())
    } else {
        Err(Refusal::Mismatch)
    }
}

/// What a token claims. Times are seconds since 1970 and need not be whole (RFC 7519, `NumericDate`).
#[derive(Debug, Deserialize)]
struct Claims {
    iss: Option<String>,
    iat: Option<f64>,
    exp: Option<f64>,
    nbf: Option<f64>,
    qsh: Option<String>,
}

impl Claims {
    fn is_issued_by(&self, issuer: Option<&str>) -> bool {
        issuer.is_none() || self.iss.as_deref() == issuer
    }

    /// True if the token is valid now, and for this request if it names one.
    fn hold_for(&self, request: Request<'_>) -> bool {
        let now = request.now.as_duration().as_secs_f64();
        let leeway = LEEWAY.as_secs_f64();
        let from = |time: Option<f64>| time.is_none_or(|time| time <= now + leeway);
        let unexpired = self.exp.is_some_and(|exp| now < exp + leeway);
        unexpired && from(self.iat) && from(self.nbf) && self.names(request)
    }

    fn names(&self, request: Request<'_>) -> bool {
        let Some(qsh) = &self.qsh else { return true };
        let own = qsh::hash(request.method, request.path, request.query);
        qsh != SESSION_QSH && bool::from(own.as_bytes().ct_eq(qsh.as_bytes()))
    }
}

/// The claims of a token that one of the secrets has signed with HS256. None of them has been checked.
fn claims(request: Request<'_>, scheme: &str, secrets: &[Secret]) -> Result<Claims, Refusal> {
    let text = only(request.headers, &AUTHORIZATION)?;
    let (given, token) = text.split_once(' ').ok_or(Refusal::Malformed)?;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    // API Gateway joins repeated headers with a comma: no character of a token.
    if !given.eq_ignore_ascii_case(scheme) || !token.bytes().all(is_token) {
        return Err(Refusal::Malformed);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| Refusal::Malformed)?;
    if header.alg != Algorithm::HS256 {
        return Err(Refusal::Malformed);
    }
    if request.body.is_empty() {
        return Err(Refusal::EmptyBody);
    }
    // The claims are checked by us: the crate would ask the system for the time.
    let mut rules = Validation::new(Algorithm::HS256);
    rules.required_spec_claims.clear();
    rules.validate_exp = false;
    rules.validate_nbf = false;
    rules.validate_aud = false;
    let mut secrets = secrets.iter().filter(|secret| !secret.is_empty());
    secrets
        .find_map(|secret| {
            let key = DecodingKey::from_secret(secret.reveal().as_bytes());
            jsonwebtoken::decode::<Claims>(token, &key, &rules).ok()
        })
        .map(|verified| verified.claims)
        .ok_or(Refusal::Mismatch)
}

fn verify_hub_signature(request: Request<'_>, secrets: &[Secret]) -> Result<(), Refusal> {
    let text = only(request.headers, &HUB_SIGNATURE)?;
    let (method, signature) = text.split_once('=').ok_or(Refusal::Malformed)?;
    if method != "sha256" || signature.len() != 64 {
        return Err(Refusal::Malformed);
    }
    if request.body.is_empty() {
        return Err(Refusal::EmptyBody);
    }
    let mut matches = Choice::from(0);
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        let own = sign(secret, request.body);
        matches |= own.as_bytes().ct_eq(signature.as_bytes());
    }
    allow(bool::from(matches))
}

/// In lower-case hex: what Jira sends.
pub(super) fn sign(secret: &Secret, body: &[u8]) -> String {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()).expect("any key length");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

/// Of several, which one would count? None.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a str, Refusal> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or(Refusal::NoSignature)?;
    if values.next().is_some() {
        return Err(Refusal::Malformed);
    }
    HeaderValue::to_str(value)
        .map(str::trim)
        .map_err(|_| Refusal::Malformed)
}

#[cfg(test)]
mod tests;
