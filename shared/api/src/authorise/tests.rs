use im_model::ActorId;

use super::{policy::Policy, *};

const VIEWER: &str = "viewer";
const COMMANDER: &str = "incident_commander";
const MANAGER: &str = "integration.manager";
const ADMINISTRATOR: &str = "platform.administrator";

fn may(caller: &Caller, action: Action, resource: Resource<'_>) -> Result<(), Denied> {
    Policy::built_in().may(caller, action, resource)
}

fn caller(roles: &[&str], scopes: &[&str]) -> Caller {
    Caller {
        subject: ActorId::parse("ann@example.com").expect("valid"),
        organization: OrganizationId::parse("acme").expect("valid"),
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
        scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
    }
}

/// Every role on every action: on any resource, on the caller's own, on somebody else's.
fn decisions(caller: &Caller) -> Vec<(Action, [bool; 3])> {
    let (mine, other) = (IntegrationId::parse("mine"), IntegrationId::parse("other"));
    let (mine, other) = (mine.expect("valid"), other.expect("valid"));
    let policy = Policy::built_in();
    let decide = |action: Action| {
        let (own, foreign) = match action {
            Action::CreateIncident | Action::ReadIncidents | Action::EditIncident => (
                Resource::incident(caller, Some("ann@example.com")),
                Resource::incident(caller, Some("bob@example.com")),
            ),
            Action::ReadConflicts | Action::ResolveConflict => (
                Resource::conflict(caller, &mine, Some("ann@example.com")),
                Resource::conflict(caller, &other, Some("bob@example.com")),
            ),
            _ => (
                Resource::integration(caller, &mine),
                Resource::integration(caller, &other),
            ),
        };
        let resources = [Resource::any_of(caller), own, foreign];
        (
            action,
            resources.map(|resource| policy.may(caller, action, resource).is_ok()),
        )
    };
    Action::ALL.into_iter().map(decide).collect()
}

#[test]
fn the_table_of_roles() {
    use Action::*;
    let (all, none, own) = ([true; 3], [false; 3], [true, true, false]);
    let no_role = decisions(&caller(&[], &["mine", "*"]));
    assert!(
        no_role.into_iter().all(|(_, decision)| decision == none),
        "default deny"
    );
    let viewer = decisions(&caller(&[VIEWER], &["mine", "*"]));
    for (action, decision) in viewer {
        let expected = if action == ReadSyncStatus { all } else { none };
        assert_eq!(decision, expected, "{action}");
    }
    let administrator = decisions(&caller(&[ADMINISTRATOR], &[]));
    assert!(
        administrator
            .into_iter()
            .all(|(_, decision)| decision == all)
    );
    assert_eq!(
        decisions(&caller(&[COMMANDER], &["mine", "*"])),
        [
            (CreateIncident, all),
            (ReadIncidents, all),
            (EditIncident, own),
            (CreateIntegration, none),
            (ReadIntegrations, none),
            (ChangeIntegration, none),
            (DeleteIntegration, none),
            (TestIntegration, none),
            (ChangeRules, none),
            (PreviewIntegration, none),
            (ReadDeliveries, none),
            (ReplayDelivery, none),
            (ReadSyncStatus, all),
            (ReadDeadLetters, none),
            (SettleDeadLetters, none),
            (ReadReconciliations, none),
            (Reconcile, none),
            (ReadConflicts, all),
            (ResolveConflict, own),
            (ReadAudit, none),
        ]
    );
    let manager = |integrations| {
        [
            (CreateIncident, none),
            (ReadIncidents, all),
            (EditIncident, none),
            (CreateIntegration, integrations),
            (ReadIntegrations, integrations),
            (ChangeIntegration, integrations),
            (DeleteIntegration, integrations),
            (TestIntegration, integrations),
            (ChangeRules, integrations),
            (PreviewIntegration, integrations),
            (ReadDeliveries, integrations),
            (ReplayDelivery, integrations),
            (ReadSyncStatus, integrations),
            (ReadDeadLetters, integrations),
            (SettleDeadLetters, integrations),
            (ReadReconciliations, integrations),
            (Reconcile, integrations),
            (ReadConflicts, all),
            (ResolveConflict, integrations),
            (ReadAudit, integrations),
        ]
    };
    let of_scopes = |scopes: &[&str]| decisions(&caller(&[MANAGER], scopes));
    assert_eq!(of_scopes(&["mine"]), manager(own));
    assert_eq!(of_scopes(&["*"]), manager(all));
    assert_eq!(of_scopes(&[]), manager(none));
}

#[test]
fn roles_add_up() {
    let both = caller(&[COMMANDER, MANAGER], &["*"]);
    assert!(
        decisions(&both)
            .into_iter()
            .all(|(_, [any, own, _])| any && own)
    );
}

#[test]
fn nobody_acts_in_another_organization() {
    let caller = caller(&[ADMINISTRATOR], &["*"]);
    let organization = OrganizationId::parse("rival").expect("valid");
    let resource = Resource {
        organization: &organization,
        which: Which::Any,
    };
    for action in Action::ALL {
        assert!(may(&caller, action, resource).is_err(), "{action}");
    }
}

#[test]
fn an_unassigned_incident_is_nobodys() {
    let caller = caller(&[COMMANDER], &[]);
    let denied = may(
        &caller,
        Action::EditIncident,
        Resource::incident(&caller, None),
    );
    assert_eq!(
        denied.expect_err("must be denied").to_string(),
        "incident.edit needs the role platform.administrator, or incident_commander if the incident is assigned to it; \
         the token has incident_commander"
    );
}

#[test]
fn a_conflict_is_resolved_by_scope_or_by_assignment_but_not_by_the_others_claim() {
    let integration = IntegrationId::parse("mine").expect("valid");
    let decide = |caller: &Caller, assigned_to| {
        let resource = Resource::conflict(caller, &integration, Some(assigned_to));
        may(caller, Action::ResolveConflict, resource).map_err(|denied| denied.to_string())
    };
    let commander = caller(&[COMMANDER], &["mine"]);
    assert!(decide(&commander, "ann@example.com").is_ok());
    assert_eq!(
        decide(&commander, "bob@example.com"),
        Err(
            "conflict.resolve needs the role platform.administrator, or integration.manager with mine in its scopes, \
             or incident_commander if the incident is assigned to it; the token has incident_commander"
                .to_owned()
        )
    );
    let manager = caller(&[MANAGER], &["other"]);
    assert!(decide(&manager, "ann@example.com").is_err());
    let manager = caller(&[MANAGER], &["mine"]);
    assert!(decide(&manager, "bob@example.com").is_ok());
}
