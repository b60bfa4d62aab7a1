//! Bearer tokens: JWT, signed by an issuer whose keys are published, or with a shared key.

mod claims;
mod loopback;
mod published_keys;
#[cfg(test)]
mod tests;
mod token;

use async_trait::async_trait;
use axum::http::HeaderValue;
use im_engine::StoreError;
use im_model::Secret;

pub use self::{
    loopback::LoopbackAdministrator,
    published_keys::{KeySetSource, PublishedKeys},
    token::{Expected, TokenAuthenticator},
};
use crate::{Problem, caller::Caller};

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

fn bad(reason: impl Into<String>) -> Unauthenticated {
    Unauthenticated::BadToken(reason.into())
}
