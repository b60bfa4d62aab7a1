//! What a token says.

use im_model::{ActorId, OrganizationId};
use serde::Deserialize;

use crate::caller::Caller;

/// The claims that are looked at. `sub`, `org` and `exp` must be there.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    sub: ActorId,
    org: OrganizationId,
    /// Seconds since the epoch; RFC 7519 allows fractions.
    pub(super) exp: f64,
    pub(super) nbf: Option<f64>,
    pub(super) iss: Option<String>,
    pub(super) aud: Option<Audience>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    scopes: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    /// Is the token for this audience?
    pub(super) fn names(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Several(several) => several.iter().any(|one| one == audience),
        }
    }
}

impl From<Claims> for Caller {
    fn from(claims: Claims) -> Self {
        Self {
            subject: claims.sub,
            organization: claims.org,
            roles: claims.roles.into_iter().collect(),
            scopes: claims.scopes.into_iter().collect(),
        }
    }
}
