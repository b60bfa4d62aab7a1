//! The vendors. The webhook half and the REST half are apart, so that a webhook function links no REST code.

use im_model::IntegrationType;

use crate::{VendorApi, WebhookSource, jira, our_clock::OurClock, pagerduty, servicenow};

/// Who verifies this vendor's webhooks.
pub fn webhook_source(integration_type: IntegrationType) -> &'static dyn WebhookSource {
    match integration_type {
        IntegrationType::PagerDuty => &pagerduty::PagerDuty,
        IntegrationType::Jira => &jira::Jira,
        IntegrationType::ServiceNow => &servicenow::ServiceNow,
    }
}

/// Who speaks this vendor's REST API. Times in its answers are by our clock.
pub fn vendor_api(integration_type: IntegrationType) -> &'static dyn VendorApi {
    match integration_type {
        IntegrationType::PagerDuty => &OurClock(pagerduty::PagerDuty),
        IntegrationType::Jira => &OurClock(jira::Jira),
        IntegrationType::ServiceNow => &OurClock(servicenow::ServiceNow),
    }
}
