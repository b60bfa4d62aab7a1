//! What people call a field: the platform's name, or the vendor's.

use im_model::{InvalidField, Ownable};

use crate::VendorApi;

/// The field or list of notes that a person means, speaking of this vendor.
///
/// # Errors
/// Names the platform's fields.
pub fn ownable(vendor: &dyn VendorApi, text: &str) -> Result<Ownable, InvalidField> {
    Ownable::named(text).or_else(|unknown| {
        let alias = vendor.aliases().iter().find(|(alias, _)| *alias == text);
        alias.map(|(_, field)| field.clone().into()).ok_or(unknown)
    })
}

#[cfg(test)]
mod tests {
    use im_model::IntegrationType::{Jira, PagerDuty, ServiceNow};

    use super::*;
    use crate::registry;

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
}
