# The policy's own tests: every rule that starts with `test_` has to be true.
package im.authz_test

import data.im.authz
import rego.v1

caller(roles, scopes) := {
	"subject": "ann@example.com",
	"organization": "acme",
	"roles": roles,
	"scopes": scopes,
}

any := {"kind": "any", "organization": "acme"}

integration(id) := {"kind": "integration", "organization": "acme", "integration": id}

incident(assigned_to) := {"kind": "incident", "organization": "acme", "assigned_to": assigned_to}

conflict(id, assigned_to) := {
	"kind": "conflict",
	"organization": "acme",
	"integration": id,
	"assigned_to": assigned_to,
}

decided(who, action, resource) := result if {
	result := authz.decision with input as {"caller": who, "action": action, "resource": resource}
}

may(who, action, resource) if decided(who, action, resource).allow

why_not(who, action, resource) := decision.reason if {
	decision := decided(who, action, resource)
	not decision.allow
}

administrator := caller(["platform.administrator"], [])

manager := caller(["integration.manager"], ["prod-pd"])

commander := caller(["incident_commander"], [])

viewer := caller(["viewer"], ["prod-pd", "*"])

nobody := caller([], ["prod-pd", "*"])

test_an_administrator_may_whatever_there_is if {
	may(administrator, "integration.delete", integration("prod-pd"))
	may(administrator, "incident.edit", incident("bob@example.com"))
	may(administrator, "something.new", any)
}

test_no_role_may_nothing if {
	not may(nobody, "sync_status.read", integration("prod-pd"))
	not may(nobody, "incident.read", any)
}

test_an_unknown_role_may_nothing if {
	not may(caller(["astronaut", ""], ["*"]), "sync_status.read", any)
}

test_an_unknown_action_is_denied if {
	not may(manager, "integration.sell", integration("prod-pd"))
	not may(viewer, "", any)
}

test_a_viewer_reads_the_sync_status_and_nothing_else if {
	may(viewer, "sync_status.read", integration("prod-pd"))
	may(viewer, "sync_status.read", any)
	not may(viewer, "integration.read", integration("prod-pd"))
	not may(viewer, "incident.read", any)
	not may(viewer, "audit.read", any)
}

test_a_manager_manages_in_its_scope if {
	every action in authz.in_scope["integration.manager"] {
		may(manager, action, integration("prod-pd"))
		may(manager, action, any)
		not may(manager, action, integration("prod-pd-2"))
		not may(manager, action, integration("other"))
	}
}

test_a_manager_without_scopes_manages_nothing if {
	unassigned := caller(["integration.manager"], [])
	every action in authz.in_scope["integration.manager"] {
		not may(unassigned, action, any)
		not may(unassigned, action, integration("prod-pd"))
	}
}

test_a_scope_may_be_a_teams if {
	team := caller(["integration.manager"], ["payments-*"])
	may(team, "integration.change", integration("payments-jira"))
	not may(team, "integration.change", integration("payments"))
	not may(team, "integration.change", integration("prod-payments-jira"))
	may(caller(["integration.manager"], ["*"]), "integration.change", integration("prod-pd"))
}

test_an_empty_scope_covers_nothing if {
	not may(caller(["integration.manager"], [""]), "integration.change", integration("prod-pd"))
}

test_a_manager_edits_no_incident if {
	may(manager, "incident.read", any)
	not may(manager, "incident.create", any)
	not may(manager, "incident.edit", any)
	not may(manager, "incident.edit", incident("ann@example.com"))
}

test_a_manager_resolves_conflicts_of_its_integrations if {
	may(manager, "conflict.resolve", conflict("prod-pd", "bob@example.com"))
	not may(manager, "conflict.resolve", conflict("prod-snow", "ann@example.com"))
}

test_a_commander_edits_what_is_assigned_to_it if {
	may(commander, "incident.edit", incident("ann@example.com"))
	not may(commander, "incident.edit", incident("bob@example.com"))
	not may(commander, "incident.edit", incident("ANN@example.com"))
	not may(commander, "incident.edit", incident(null))
	not may(commander, "incident.edit", {"kind": "incident", "organization": "acme"})
	may(commander, "incident.create", any)
	may(commander, "incident.read", any)
}

test_a_commander_resolves_conflicts_of_what_is_assigned_to_it if {
	may(commander, "conflict.resolve", conflict("prod-pd", "ann@example.com"))
	not may(commander, "conflict.resolve", conflict("prod-pd", "bob@example.com"))
	not may(caller(["incident_commander"], ["prod-pd"]), "conflict.resolve", conflict("prod-pd", null))
}

test_a_commander_manages_no_integration if {
	scoped := caller(["incident_commander"], ["*"])
	every action in authz.in_scope["integration.manager"] - {"sync_status.read", "conflict.resolve"} {
		not may(scoped, action, any)
		not may(scoped, action, integration("prod-pd"))
	}
}

test_roles_add_up if {
	both := caller(["incident_commander", "integration.manager"], ["prod-pd"])
	may(both, "incident.edit", incident("ann@example.com"))
	may(both, "integration.change", integration("prod-pd"))
	not may(both, "incident.edit", incident("bob@example.com"))
	not may(both, "integration.change", integration("prod-snow"))
}

test_nobody_acts_in_another_organization if {
	every who in [administrator, manager, commander, viewer] {
		every action in ["sync_status.read", "integration.create", "incident.edit"] {
			not may(who, action, {"kind": "any", "organization": "rival"})
		}
	}
}

test_a_reason_says_what_would_do if {
	why_not(viewer, "integration.change", integration("prod-snow")) == concat("", [
		"integration.change needs the role platform.administrator, or integration.manager with prod-snow in its ",
		"scopes; the token has viewer",
	])
	why_not(commander, "conflict.resolve", conflict("prod-pd", "bob@example.com")) == concat("", [
		"conflict.resolve needs the role platform.administrator, or integration.manager with prod-pd in its scopes, ",
		"or incident_commander if the incident is assigned to it; the token has incident_commander",
	])
	why_not(nobody, "incident.create", any) == concat("", [
		"incident.create needs the role platform.administrator, or incident_commander; the token has none",
	])
	why_not(administrator, "incident.read", {"kind": "any", "organization": "rival"}) == concat("", [
		"the token is for organization acme, not rival",
	])
}
