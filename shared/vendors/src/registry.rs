//! The vendors. The webhook half and the REST half are apart, so that a webhook function links no REST code.

use std::collections::BTreeMap;

use im_model::{IntegrationType, NoteKind, Ownership, OwnershipRules};

use crate::{VendorApi, WebhookSource, jira, pagerduty, servicenow};

/// Who verifies this vendor's webhooks.
pub fn webhook_source(integration_type: IntegrationType) -> &'static dyn WebhookSource {
    match integration_type {
        IntegrationType::PagerDuty => &pagerduty::PagerDuty,
        IntegrationType::Jira => &jira::Jira,
        IntegrationType::ServiceNow => &servicenow::ServiceNow,
    }
}

/// Who speaks this vendor's REST API.
pub fn vendor_api(integration_type: IntegrationType) -> &'static dyn VendorApi {
    match integration_type {
        IntegrationType::PagerDuty => &pagerduty::PagerDuty,
        IntegrationType::Jira => &jira::Jira,
        IntegrationType::ServiceNow => &servicenow::ServiceNow,
    }
}

/// Who owns each of these lists of notes.
pub(crate) fn note_rules(
    ownership: &OwnershipRules,
    kinds: &[NoteKind],
) -> BTreeMap<NoteKind, Ownership> {
    let owner = |kind: &NoteKind| {
        let owned = ownership.get(&(*kind).into());
        (*kind, owned.copied().unwrap_or_default())
    };
    kinds.iter().map(owner).collect()
}
