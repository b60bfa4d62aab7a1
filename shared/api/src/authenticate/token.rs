//! Verifies a token: the algorithm is chosen by the key that is configured, never by the token alone.

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::HeaderValue;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use im_engine::{StoreError, ports::Clock};
use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Authenticator, KeySource, PublishedKeys, Unauthenticated, bad,
    claims::{Audience, Claims},
};
use crate::caller::Caller;

/// Whom a token must be from and for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    /// The token's `iss`; any if `None`.
    pub issuer: Option<String>,
    /// One of the token's `aud`; any if `None`.
    pub audience: Option<String>,
}

/// Accepts tokens that are signed with a key it was told to trust: without one it accepts none.
pub struct TokenAuthenticator {
    clock: Arc<dyn Clock>,
    shared: Option<(Arc<dyn KeySource>, Expected)>,
    issuer: Option<(PublishedKeys, Expected)>,
}

/// The header of a token (RFC 7515, section 4.1). What it says of keys (`jku`, `jwk`, `x5c`) is not looked at.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

impl TokenAuthenticator {
    /// How far the issuer's clock may be off.
    pub const LEEWAY: SignedDuration = SignedDuration::from_secs(30);

    /// RFC 7518, section 3.2: a shared key of the size of the hash or larger, in bytes.
    pub const SHORTEST_KEY: usize = 32;

    /// The longest token that is looked at, in bytes.
    pub const LONGEST: usize = 16 * 1024;

    /// Trusts nobody yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            shared: None,
            issuer: None,
        }
    }

    /// Accepts HS256 under this key.
    #[must_use]
    pub fn trusting_key(mut self, key: Arc<dyn KeySource>, expected: Expected) -> Self {
        self.shared = Some((key, expected));
        self
    }

    /// Accepts RS256 and ES256 under the keys that this issuer publishes, in tokens that are from it and for this audience.
    #[must_use]
    pub fn trusting_issuer(
        mut self,
        keys: PublishedKeys,
        issuer: String,
        audience: String,
    ) -> Self {
        let expected = Expected {
            issuer: Some(issuer),
            audience: Some(audience),
        };
        self.issuer = Some((keys, expected));
        self
    }

    async fn verified(&self, token: &str) -> Result<Claims, Unauthenticated> {
        let header = header_of(token)?;
        let (algorithm, key, expected) = match (header.alg.as_str(), &self.shared, &self.issuer) {
            ("HS256", Some((key, expected)), _) => {
                (Algorithm::HS256, shared_key(key.as_ref()).await?, expected)
            }
            ("RS256", _, Some((keys, expected))) => {
                let key = keys.key(Algorithm::RS256, header.kid.as_deref()).await?;
                (Algorithm::RS256, key, expected)
            }
            ("ES256", _, Some((keys, expected))) => {
                let key = keys.key(Algorithm::ES256, header.kid.as_deref()).await?;
                (Algorithm::ES256, key, expected)
            }
            _ => return Err(bad("signed with an algorithm that no trusted key is for")),
        };
        // Times, issuer and audience are checked below: the crate would ask the system for the time.
        let mut rules = Validation::new(algorithm);
        rules.required_spec_claims.clear();
        rules.validate_exp = false;
        rules.validate_nbf = false;
        rules.validate_aud = false;
        let verified = jsonwebtoken::decode::<Claims>(token, &key, &rules);
        let claims = verified.map_err(|error| bad(error.to_string()))?.claims;
        self.check_times(&claims)?;
        expected.check(&claims)?;
        Ok(claims)
    }

    fn check_times(&self, claims: &Claims) -> Result<(), Unauthenticated> {
        let now = self.clock.now().as_duration().as_secs_f64();
        let leeway = Self::LEEWAY.as_secs_f64();
        if now >= claims.exp + leeway {
            return Err(bad("expired"));
        }
        if claims.nbf.is_some_and(|from| now + leeway < from) {
            return Err(bad("not valid yet"));
        }
        Ok(())
    }
}

impl Expected {
    fn check(&self, claims: &Claims) -> Result<(), Unauthenticated> {
        if self.issuer.is_some() && self.issuer != claims.iss {
            return Err(bad("another issuer"));
        }
        let Some(expected) = &self.audience else {
            return Ok(());
        };
        let is_for = |audience: &Audience| audience.names(expected);
        if claims.aud.as_ref().is_some_and(is_for) {
            Ok(())
        } else {
            Err(bad("another audience"))
        }
    }
}

/// Reads the header as far as it decides which key is asked.
fn header_of(token: &str) -> Result<Header, Unauthenticated> {
    if token.len() > TokenAuthenticator::LONGEST {
        return Err(bad("too long"));
    }
    let (header, _) = token.split_once('.').ok_or_else(|| bad("no JWT"))?;
    let header = BASE64_URL_SAFE_NO_PAD
        .decode(header)
        .map_err(|_| bad("the header is not base64url"))?;
    let header: Header =
        serde_json::from_slice(&header).map_err(|_| bad("the header cannot be read"))?;
    // RFC 7515, section 4.1.11: whoever does not know an extension that is critical refuses.
    if header.crit.is_some() {
        return Err(bad("an extension that is not known is critical"));
    }
    Ok(header)
}

async fn shared_key(source: &dyn KeySource) -> Result<DecodingKey, Unauthenticated> {
    let key = source.key().await?;
    if key.reveal().len() < TokenAuthenticator::SHORTEST_KEY {
        let least = TokenAuthenticator::SHORTEST_KEY;
        return Err(Unauthenticated::Unavailable(StoreError {
            tried: "use",
            on: "the API's signing key".to_owned(),
            detail: format!("the key is shorter than {least} bytes"),
        }));
    }
    Ok(DecodingKey::from_secret(key.reveal().as_bytes()))
}

#[async_trait]
impl Authenticator for TokenAuthenticator {
    async fn authenticate(
        &self,
        authorization: Option<&HeaderValue>,
    ) -> Result<Caller, Unauthenticated> {
        let authorization = authorization.ok_or(Unauthenticated::NoToken)?;
        let text = authorization.to_str().map_err(|_| bad("not ASCII"))?;
        let (scheme, token) = text
            .trim()
            .split_once(' ')
            .ok_or_else(|| bad("no scheme"))?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(bad("not a bearer token"));
        }
        Ok(self.verified(token.trim()).await?.into())
    }
}
