//! Who may do what: what a policy is asked. What it answers is in [`policy`].

pub(crate) mod policy;

use std::fmt;

use im_model::{IntegrationId, OrganizationId};

use crate::{Problem, caller::Caller};

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
    /// Read who changed what of integrations, their conflicts and dead letters.
    ReadAudit,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 20] = [
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
        Self::ReadAudit,
    ];

    /// Its name, as the policy knows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateIncident => "incident.create",
            Self::ReadIncidents => "incident.read",
            Self::EditIncident => "incident.edit",
            Self::CreateIntegration => "integration.create",
            Self::ReadIntegrations => "integration.read",
            Self::ChangeIntegration => "integration.change",
            Self::DeleteIntegration => "integration.delete",
            Self::TestIntegration => "integration.test",
            Self::ChangeRules => "rules.change",
            Self::PreviewIntegration => "integration.preview",
            Self::ReadDeliveries => "delivery.read",
            Self::ReplayDelivery => "delivery.replay",
            Self::ReadSyncStatus => "sync_status.read",
            Self::ReadDeadLetters => "dead_letter.read",
            Self::SettleDeadLetters => "dead_letter.settle",
            Self::ReadReconciliations => "reconciliation.read",
            Self::Reconcile => "reconciliation.run",
            Self::ReadConflicts => "conflict.read",
            Self::ResolveConflict => "conflict.resolve",
            Self::ReadAudit => "audit.read",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
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
pub struct Denied(pub(crate) String);

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        Self::forbidden(denied.0)
    }
}

#[cfg(test)]
mod tests;
