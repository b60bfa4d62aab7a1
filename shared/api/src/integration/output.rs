//! An integration as it is shown: without its credentials.

use std::collections::BTreeMap;

use im_model::Integration;
use jiff::Timestamp;
use serde::Serialize;

/// What is shown and cannot be set.
pub(crate) const READ_ONLY: [&str; 5] = [
    "activity",
    "version",
    "created_at",
    "updated_at",
    "webhook_url",
];

#[derive(Debug, Serialize)]
pub(super) struct IntegrationJson {
    id: String,
    organization_id: String,
    integration_type: &'static str,
    name: String,
    base_url: String,
    sync_direction: &'static str,
    enabled: bool,
    activity: &'static str,
    conflict_strategy: &'static str,
    options: BTreeMap<String, String>,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    webhook_url: Option<String>,
}

impl IntegrationJson {
    pub(super) fn of(integration: &Integration, webhook_base_url: Option<&str>) -> Self {
        let vendor = integration.integration_type.as_str();
        let webhook_url = webhook_base_url.map(|base| {
            format!(
                "{}/webhooks/{vendor}/{}",
                base.trim_end_matches('/'),
                integration.id
            )
        });
        Self {
            id: integration.id.to_string(),
            organization_id: integration.organization.to_string(),
            integration_type: vendor,
            name: integration.name.clone(),
            base_url: integration
                .base_url
                .as_str()
                .trim_end_matches('/')
                .to_owned(),
            sync_direction: integration.direction.as_str(),
            enabled: integration.enabled,
            activity: integration.activity.as_str(),
            conflict_strategy: integration.strategy.as_str(),
            options: integration.options.clone(),
            version: integration.version,
            created_at: integration.created_at,
            updated_at: integration.updated_at,
            webhook_url,
        }
    }
}
