//! What is left to do at the vendor.

use serde_json::Value;

use crate::output::cell;

/// What `PagerDuty` tells about an incident.
const PAGERDUTY_EVENTS: [&str; 10] = [
    "incident.acknowledged",
    "incident.annotated",
    "incident.delegated",
    "incident.escalated",
    "incident.priority_updated",
    "incident.reassigned",
    "incident.reopened",
    "incident.resolved",
    "incident.triggered",
    "incident.unacknowledged",
];

/// The steps after an integration was configured; empty if there are none to tell.
pub fn at_the_vendor(integration: &Value) -> String {
    if integration["integration_type"] != "pagerduty" {
        return String::new();
    }
    let service = cell(&integration["options"], "service");
    format!(
        "\n\
         To let PagerDuty send its changes, create a webhook subscription there:\n\
         \x20 1. Integrations > Generic Webhooks (v3) > New Webhook\n\
         \x20 2. Webhook URL: {url}\n\
         \x20 3. Scope: service {service}\n\
         \x20 4. Events: {events}\n\
         \x20 5. PagerDuty shows the subscription's secret once; unless it is the one given here already:\n\
         \x20      im integration configure {id} --webhook-secret -\n",
        url = cell(integration, "webhook_url"),
        events = PAGERDUTY_EVENTS.join(", "),
        id = cell(integration, "id"),
    )
}
