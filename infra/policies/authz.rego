# Who may do what in the management API. README.md says what `input` holds and how to put another policy in this one's place.
# What no rule allows is denied.
package im.authz

import rego.v1

# The only thing that the API asks for.
decision := {"allow": count(granting) > 0, "reason": reason}

administrator := "platform.administrator"

# To whatever belongs to the organization.
everywhere := {
	"viewer": {"sync_status.read"},
	"incident_commander": {"sync_status.read", "incident.read", "incident.create", "conflict.read"},
	"integration.manager": {"incident.read", "conflict.read"},
}

# To integrations in the token's scopes, and to what hangs on them.
in_scope := {"integration.manager": {
	"audit.read",
	"conflict.resolve",
	"dead_letter.read",
	"dead_letter.settle",
	"delivery.read",
	"delivery.replay",
	"integration.change",
	"integration.create",
	"integration.delete",
	"integration.preview",
	"integration.read",
	"integration.test",
	"reconciliation.read",
	"reconciliation.run",
	"rules.change",
	"sync_status.read",
}}

# To incidents that are assigned to the token's subject, and to their conflicts.
if_assigned := {"incident_commander": {"incident.edit", "conflict.resolve"}}

# The roles of the caller that allow it.
granting contains administrator if {
	same_organization
	administrator in input.caller.roles
}

granting contains role if {
	same_organization
	some role in input.caller.roles
	input.action in everywhere[role]
}

granting contains role if {
	same_organization
	some role in input.caller.roles
	input.action in in_scope[role]
	scope_covers_resource
}

granting contains role if {
	same_organization
	some role in input.caller.roles
	input.action in if_assigned[role]
	assigned_to_caller
}

same_organization if input.caller.organization == input.resource.organization

# Before it is known which resource it is about: is there any that it may be done to?
scope_covers_resource if {
	input.resource.kind == "any"
	count(input.caller.scopes) > 0
}

scope_covers_resource if {
	some scope in input.caller.scopes
	covers(scope, input.resource.integration)
}

# A scope is the id of an integration, or the start of the ids of a team's, e.g. payments-*; * alone is every one.
covers(scope, integration) if scope == integration

covers(scope, integration) if {
	endswith(scope, "*")
	startswith(integration, trim_suffix(scope, "*"))
}

assigned_to_caller if input.resource.kind == "any"

assigned_to_caller if input.resource.assigned_to == input.caller.subject

# ------------------------------------------------------------------------------------------------- the reason, in words

reason := "the caller may" if count(granting) > 0

reason := sprintf(
	"the token is for organization %s, not %s",
	[input.caller.organization, input.resource.organization],
) if {
	not same_organization
}

reason := sprintf(
	"%s needs the role %s; the token has %s",
	[input.action, concat(", or ", sufficient), held],
) if {
	same_organization
	count(granting) == 0
}

# What would do.
sufficient := array.concat([administrator], [what |
	some role in ["integration.manager", "incident_commander", "viewer"]
	what := enough[role]
])

enough[role] := role if {
	some role, actions in everywhere
	input.action in actions
}

enough[role] := sprintf("%s with %s in its scopes", [role, this_integration]) if {
	some role, actions in in_scope
	input.action in actions
}

enough[role] := sprintf("%s if the incident is assigned to it", [role]) if {
	some role, actions in if_assigned
	input.action in actions
}

default this_integration := "the integration"

this_integration := input.resource.integration

held := "none" if count(input.caller.roles) == 0

held := concat(", ", sort(input.caller.roles)) if count(input.caller.roles) > 0
