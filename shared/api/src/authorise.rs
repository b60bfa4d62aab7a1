//! Who may do what: one pure function, denying by default, so that a policy engine can take its place.

use std::fmt;

use im_model::{IntegrationId, OrganizationId};

use crate::{
    Problem,
    caller::{Caller, Role},
};

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Create an incident.
    CreateIncident,
    /// Read incidents and their links.
    ReadIncidents,
    /// Edit an incident.
    EditIncident,
    /// Create an integration.
    CreateIntegration,
    /// Read integrations.
    ReadIntegrations,
    /// Change an integration.
    ChangeIntegration,
    /// Delete an integration.
    DeleteIntegration,
    /// Test whether an integration can work.
    TestIntegration,
    /// Change an integration's ownership rules, mappings and triggers.
    ChangeRules,
    /// See what an integration would do, and what its triggers say.
    PreviewIntegration,
    /// Read what an integration's webhooks brought.
    ReadDeliveries,
    /// Have a delivery processed again.
    ReplayDelivery,
    /// Read whether an integration works, and what it has done.
    ReadSyncStatus,
    /// Read what is dead of an integration.
    ReadDeadLetters,
    /// Retry or discard what is dead of an integration.
    SettleDeadLetters,
    /// Read what reconciliation runs of an integration found and did, and when the next one is due.
    ReadReconciliations,
    /// Start, confirm and cancel runs of an integration, and say when it is reconciled by itself.
    Reconcile,
    /// Read conflicts.
    ReadConflicts,
    /// Resolve a conflict, or undo an automatic resolution.
    ResolveConflict,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 19] = [
        Self::CreateIncident,
        Self::ReadIncidents,
        Self::EditIncident,
        Self::CreateIntegration,
        Self::ReadIntegrations,
        Self::ChangeIntegration,
        Self::DeleteIntegration,
        Self::TestIntegration,
        Self::ChangeRules,
        Self::PreviewIntegration,
        Self::ReadDeliveries,
        Self::ReplayDelivery,
        Self::ReadSyncStatus,
        Self::ReadDeadLetters,
        Self::SettleDeadLetters,
        Self::ReadReconciliations,
        Self::Reconcile,
        Self::ReadConflicts,
        Self::ResolveConflict,
    ];
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CreateIncident => "create incidents",
            Self::ReadIncidents => "read incidents",
            Self::EditIncident => "edit incidents",
            Self::CreateIntegration => "create integrations",
            Self::ReadIntegrations => "read integrations",
            Self::ChangeIntegration => "change integrations",
            Self::DeleteIntegration => "delete integrations",
            Self::TestIntegration => "test integrations",
            Self::ChangeRules => "change rules of integrations",
            Self::PreviewIntegration => "preview integrations",
            Self::ReadDeliveries => "read deliveries of integrations",
            Self::ReplayDelivery => "replay deliveries of integrations",
            Self::ReadSyncStatus => "read the sync status of integrations",
            Self::ReadDeadLetters => "read dead letters of integrations",
            Self::SettleDeadLetters => "retry or discard dead letters of integrations",
            Self::ReadReconciliations => "read reconciliations of integrations",
            Self::Reconcile => "reconcile integrations",
            Self::ReadConflicts => "read conflicts",
            Self::ResolveConflict => "resolve conflicts",
        })
    }
}

/// What it is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resource<'a> {
    /// Whose it is.
    pub organization: &'a OrganizationId,
    /// Which one.
    pub which: Which<'a>,
}

/// Which one of an organization's resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    /// Not known yet: is there any that it may be done to?
    Any,
    /// An incident.
    Incident {
        /// Who works on it.
        assigned_to: Option<&'a str>,
    },
    /// An integration.
    Integration(&'a IntegrationId),
    /// A conflict.
    Conflict {
        /// Of which integration.
        integration: &'a IntegrationId,
        /// Who works on the incident.
        assigned_to: Option<&'a str>,
    },
}

impl<'a> Resource<'a> {
    /// Some resource of the caller's own organization.
    pub fn any_of(caller: &'a Caller) -> Self {
        Self {
            organization: &caller.organization,
            which: Which::Any,
        }
    }

    /// An incident of the caller's own organization.
    pub fn incident(caller: &'a Caller, assigned_to: Option<&'a str>) -> Self {
        Self {
            organization: &caller.organization,
            which: Which::Incident { assigned_to },
        }
    }

    /// An integration of the caller's own organization.
    pub fn integration(caller: &'a Caller, id: &'a IntegrationId) -> Self {
        Self {
            organization: &caller.organization,
            which: Which::Integration(id),
        }
    }

    /// A conflict of the caller's own organization.
    pub fn conflict(
        caller: &'a Caller,
        integration: &'a IntegrationId,
        assigned_to: Option<&'a str>,
    ) -> Self {
        let which = Which::Conflict {
            integration,
            assigned_to,
        };
        Self {
            organization: &caller.organization,
            which,
        }
    }
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Denied(String);

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        Self::forbidden(denied.0)
    }
}

/// May the caller do this?
pub fn may(caller: &Caller, action: Action, resource: Resource<'_>) -> Result<(), Denied> {
    if *resource.organization != caller.organization {
        let reason = format!("the token is for organization {}", caller.organization);
        return Err(Denied(reason));
    }
    if caller
        .roles
        .iter()
        .any(|role| allows(*role, caller, action, resource.which))
    {
        return Ok(());
    }
    let roles: Vec<_> = caller.roles.iter().map(|role| role.as_str()).collect();
    let roles = if roles.is_empty() {
        "no role".to_owned()
    } else {
        roles.join(", ")
    };
    let which = match resource.which {
        Which::Any => "",
        Which::Incident { .. } => " that are not assigned to the token's subject",
        Which::Integration(_) => " outside the token's scopes",
        Which::Conflict { .. } => {
            ": the incident is not assigned to the token's subject, nor the integration in its scopes"
        }
    };
    Err(Denied(format!(
        "the token's roles ({roles}) do not allow it to {action}{which}"
    )))
}

fn allows(role: Role, caller: &Caller, action: Action, which: Which<'_>) -> bool {
    match role {
        Role::PlatformAdministrator => true,
        Role::IntegrationManager => match action {
            Action::CreateIntegration
            | Action::ReadIntegrations
            | Action::ChangeIntegration
            | Action::DeleteIntegration
            | Action::TestIntegration
            | Action::ChangeRules
            | Action::PreviewIntegration
            | Action::ReadDeliveries
            | Action::ReplayDelivery
            | Action::ReadSyncStatus
            | Action::ReadDeadLetters
            | Action::SettleDeadLetters
            | Action::ReadReconciliations
            | Action::Reconcile
            | Action::ResolveConflict => match which {
                Which::Any => !caller.scopes.is_empty(),
                Which::Integration(id)
                | Which::Conflict {
                    integration: id, ..
                } => caller.scopes.contains("*") || caller.scopes.contains(id.as_str()),
                Which::Incident { .. } => false,
            },
            Action::ReadIncidents | Action::ReadConflicts => true,
            Action::CreateIncident | Action::EditIncident => false,
        },
        Role::IncidentCommander => match action {
            Action::CreateIncident
            | Action::ReadIncidents
            | Action::ReadConflicts
            | Action::ReadSyncStatus => true,
            Action::EditIncident | Action::ResolveConflict => match which {
                Which::Any => true,
                Which::Incident { assigned_to } | Which::Conflict { assigned_to, .. } => {
                    assigned_to == Some(caller.subject.as_str())
                }
                Which::Integration(_) => false,
            },
            Action::CreateIntegration
            | Action::ReadIntegrations
            | Action::ChangeIntegration
            | Action::DeleteIntegration
            | Action::TestIntegration
            | Action::ChangeRules
            | Action::PreviewIntegration
            | Action::ReadDeliveries
            | Action::ReplayDelivery
            | Action::ReadDeadLetters
            | Action::SettleDeadLetters
            | Action::ReadReconciliations
            | Action::Reconcile => false,
        },
        Role::Viewer => action == Action::ReadSyncStatus,
    }
}

#[cfg(test)]
mod tests;
