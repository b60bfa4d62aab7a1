//! Bearer tokens: JWT, signed with HMAC-SHA-256.

mod claims;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use axum::http::HeaderValue;
use im_engine::{StoreError, ports::Clock};
use im_model::{ActorId, OrganizationId, Secret};
use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};

use self::claims::Claims;
use crate::{
    Problem,
    caller::{Caller, Role},
};

/// Why nobody is known to ask.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unauthenticated {
    /// No token was sent.
    #[error("no token")]
    NoToken,
    /// The token is not valid. Why is for the log.
    #[error("bad token: {0}")]
    BadToken(String),
    /// The key to verify it with could not be fetched.
    #[error(transparent)]
    Unavailable(#[from] StoreError),
}

impl From<Unauthenticated> for Problem {
    fn from(error: Unauthenticated) -> Self {
        match error {
            Unauthenticated::NoToken => Self::no_token(),
            Unauthenticated::BadToken(reason) => {
                tracing::info!(reason, "refused a token");
                Self::bad_token()
            }
            Unauthenticated::Unavailable(error) => Self::unavailable(&error),
        }
    }
}

/// Tells who asks.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// Who sent this `Authorization` header, or none.
    async fn authenticate(
        &self,
        authorization: Option<&HeaderValue>,
    ) -> Result<Caller, Unauthenticated>;
}

/// Where the key is that tokens are signed with.
#[async_trait]
pub trait KeySource: Send + Sync {
    /// The key. Asked for with every token that is worth verifying: an implementation that fetches it keeps it for
    /// a while.
    async fn key(&self) -> Result<Secret, StoreError>;
}

/// A key that is at hand.
#[derive(Debug, Clone)]
pub struct FixedKey(pub Secret);

#[async_trait]
impl KeySource for FixedKey {
    async fn key(&self) -> Result<Secret, StoreError> {
        Ok(self.0.clone())
    }
}

/// Accepts tokens that are signed with one shared key, HS256 and nothing else.
pub struct HmacAuthenticator {
    key: Arc<dyn KeySource>,
    clock: Arc<dyn Clock>,
    issuer: Option<String>,
    audience: Option<String>,
}

impl HmacAuthenticator {
    /// How far the issuer's clock may be off.
    pub const LEEWAY: SignedDuration = SignedDuration::from_secs(30);

    /// RFC 7518, section 3.2: a key of the size of the hash or larger.
    pub const SHORTEST_KEY: usize = 32;

    /// Accepts tokens of any issuer and audience that has the key.
    pub fn new(key: Arc<dyn KeySource>, clock: Arc<dyn Clock>) -> Self {
        Self {
            key,
            clock,
            issuer: None,
            audience: None,
        }
    }

    /// Accepts tokens of this issuer only.
    #[must_use]
    pub fn issued_by(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Accepts tokens for this audience only.
    #[must_use]
    pub fn for_audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    async fn verified(&self, token: &str) -> Result<Claims, Unauthenticated> {
        let header = jsonwebtoken::decode_header(token).map_err(|error| bad(error.to_string()))?;
        if header.alg != Algorithm::HS256 {
            return Err(bad("not HS256"));
        }
        let key = self.key.key().await?;
        if key.reveal().len() < Self::SHORTEST_KEY {
            let detail = format!("the key is shorter than {} bytes", Self::SHORTEST_KEY);
            let on = "the API's signing key".to_owned();
            return Err(StoreError {
                tried: "use",
                on,
                detail,
            }
            .into());
        }
        let key = DecodingKey::from_secret(key.reveal().as_bytes());
        // Times, issuer and audience are checked below: the crate would ask the system for the time.
        let mut rules = Validation::new(Algorithm::HS256);
        rules.required_spec_claims.clear();
        rules.validate_exp = false;
        rules.validate_nbf = false;
        rules.validate_aud = false;
        let verified = jsonwebtoken::decode::<Claims>(token, &key, &rules);
        Ok(verified.map_err(|error| bad(error.to_string()))?.claims)
    }

    fn check(&self, claims: &Claims) -> Result<(), Unauthenticated> {
        let now = self.clock.now().as_duration().as_secs_f64();
        let leeway = Self::LEEWAY.as_secs_f64();
        if now >= claims.exp + leeway {
            return Err(bad("expired"));
        }
        if claims.nbf.is_some_and(|from| now + leeway < from) {
            return Err(bad("not valid yet"));
        }
        if self.issuer.is_some() && self.issuer != claims.iss {
            return Err(bad("another issuer"));
        }
        match (&self.audience, &claims.aud) {
            (Some(expected), Some(given)) if given.names(expected) => Ok(()),
            (None, _) => Ok(()),
            (Some(_), _) => Err(bad("another audience")),
        }
    }
}

#[async_trait]
impl Authenticator for HmacAuthenticator {
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
        let claims = self.verified(token.trim()).await?;
        self.check(&claims)?;
        Ok(claims.into())
    }
}

/// For a system that only its own machine can reach: whoever sends no token is a local administrator. A token is
/// verified like everywhere else.
pub struct LoopbackAdministrator {
    inner: Arc<dyn Authenticator>,
    administrator: Caller,
}

impl LoopbackAdministrator {
    /// Who the local administrator says to be.
    pub const SUBJECT: &'static str = "local-administrator";

    /// Asks `inner` about tokens; the local administrator belongs to this organization.
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "the subject is a constant, and a test builds it"
    )]
    pub fn new(inner: Arc<dyn Authenticator>, organization: OrganizationId) -> Self {
        let subject = ActorId::parse(Self::SUBJECT).expect("is a valid actor");
        let roles = BTreeSet::from([Role::PlatformAdministrator]);
        let administrator = Caller {
            subject,
            organization,
            roles,
            scopes: BTreeSet::new(),
        };
        Self {
            inner,
            administrator,
        }
    }
}

#[async_trait]
impl Authenticator for LoopbackAdministrator {
    async fn authenticate(
        &self,
        authorization: Option<&HeaderValue>,
    ) -> Result<Caller, Unauthenticated> {
        match authorization {
            None => Ok(self.administrator.clone()),
            Some(_) => self.inner.authenticate(authorization).await,
        }
    }
}

fn bad(reason: impl Into<String>) -> Unauthenticated {
    Unauthenticated::BadToken(reason.into())
}
