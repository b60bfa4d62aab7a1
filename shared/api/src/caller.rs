//! Who asks.

use std::{collections::BTreeSet, fmt, str::FromStr};

use axum::extract::FromRequestParts;
use http::request::Parts;
use im_model::{ActorId, OrganizationId};

use crate::Problem;

/// What a person or program was given to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// `platform.administrator`
    PlatformAdministrator,
    /// `integration.manager`
    IntegrationManager,
    /// `incident_commander`
    IncidentCommander,
    /// `viewer`
    Viewer,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [
        Self::PlatformAdministrator,
        Self::IntegrationManager,
        Self::IncidentCommander,
        Self::Viewer,
    ];

    /// The word for it in a token.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PlatformAdministrator => "platform.administrator",
            Self::IntegrationManager => "integration.manager",
            Self::IncidentCommander => "incident_commander",
            Self::Viewer => "viewer",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no role of this API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a role")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;
    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(UnknownRole)
    }
}

/// Somebody whose token was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The token's `sub`.
    pub subject: ActorId,
    /// The token's `org`.
    pub organization: OrganizationId,
    /// Those of the token's `roles` that this API knows: the others allow nothing here.
    pub roles: BTreeSet<Role>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_round_trip() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert_eq!("administrator".parse::<Role>(), Err(UnknownRole));
    }
}
