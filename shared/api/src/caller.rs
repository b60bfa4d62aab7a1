//! Who asks.

use std::collections::BTreeSet;

use axum::extract::FromRequestParts;
use http::request::Parts;
use im_model::{ActorId, OrganizationId};

use crate::Problem;

/// The role that the policy lets do everything; `im dev` gives it to whoever sends no token.
pub const ADMINISTRATOR: &str = "platform.administrator";

/// Somebody whose token was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The token's `sub`.
    pub subject: ActorId,
    /// The token's `org`.
    pub organization: OrganizationId,
    /// The token's `roles`. What each may do, and whether it is one at all, is the policy's to say.
    pub roles: BTreeSet<String>,
    /// The token's `scopes`: integrations and teams.
    pub scopes: BTreeSet<String>,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    /// A route that nobody was admitted to has no caller: it fails closed.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(Problem::no_token)
    }
}
