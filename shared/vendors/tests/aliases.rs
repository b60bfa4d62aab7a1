//! What people call a field.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

use im_model::IntegrationType::{Jira, PagerDuty, ServiceNow};
use im_vendors::{ownable, registry};

#[test]
fn each_vendors_own_names_are_understood_of_it_alone() {
    for (vendor, name, expected) in [
        (ServiceNow, "short_description", Some("title")),
        (ServiceNow, "state", Some("status")),
        (ServiceNow, "work-notes", Some("work_notes")),
        (Jira, "summary", Some("title")),
        (Jira, "assignee", Some("assigned_to")),
        (Jira, "short_description", None),
        (PagerDuty, "urgency", Some("severity")),
        (PagerDuty, "state", None),
    ] {
        let found = ownable(registry::vendor_api(vendor), name).ok();
        let found = found.map(|found| found.to_string());
        assert_eq!(found.as_deref(), expected, "{vendor} {name}");
    }
}
