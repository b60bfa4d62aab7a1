//! An integration as it is shown: without its credentials.

use std::{collections::BTreeMap, num::NonZeroU32};

use im_engine::manage::{Removed, webhook_url};
use im_model::{Integration, IntegrationId};
use im_vendors::{Check, CheckOutcome, registry};
use jiff::Timestamp;
use serde::Serialize;

/// What is shown and cannot be set.
pub(crate) const READ_ONLY: [&str; 7] = [
    "activity",
    "paused_because",
    "version",
    "created_at",
    "updated_at",
    "webhook_url",
    "setup_steps",
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
    paused_because: Option<String>,
    conflict_strategy: &'static str,
    conflict_window: String,
    requests_per_minute: Option<NonZeroU32>,
    mode: &'static str,
    brake: BrakeJson,
    options: BTreeMap<String, String>,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    webhook_url: Option<String>,
    setup_steps: Vec<String>,
}

#[derive(Debug, Serialize)]
struct BrakeJson {
    percent: u8,
    at_least: u32,
}

/// What a test of an integration found.
#[derive(Debug, Serialize)]
pub(super) struct TestJson {
    passed: bool,
    checks: Vec<CheckJson>,
}

#[derive(Debug, Serialize)]
struct CheckJson {
    what: String,
    outcome: &'static str,
    detail: String,
}

impl TestJson {
    pub(super) fn of(checks: Vec<Check>) -> Self {
        let passed = checks
            .iter()
            .all(|check| check.outcome != CheckOutcome::Failed);
        let checks = checks.into_iter().map(|check| CheckJson {
            what: check.what,
            outcome: match check.outcome {
                CheckOutcome::Passed => "passed",
                CheckOutcome::Limited => "limited",
                CheckOutcome::Failed => "failed",
            },
            detail: check.detail,
        });
        Self {
            passed,
            checks: checks.collect(),
        }
    }
}

/// What a deletion has left, and what becomes of it.
#[derive(Debug, Serialize)]
pub(super) struct RemovedJson {
    links_left: u64,
    says: String,
}

impl RemovedJson {
    pub(super) fn of(id: &IntegrationId, removed: Removed) -> Self {
        let links_left = removed.links_left;
        let left = match links_left {
            0 => format!("No incident was linked with a ticket of {id}."),
            1 => format!("One incident stays linked with a ticket of {id}, to no effect."),
            n => format!("{n} incidents stay linked with tickets of {id}, to no effect."),
        };
        let says = format!(
            "{left} No ticket was changed or closed, and nothing is synced any more. Its webhooks are \
             refused within 10 s. Its credentials can be restored in Secrets Manager for 7 days. An \
             integration that is created under the same id takes its links up again."
        );
        Self { links_left, says }
    }
}

impl IntegrationJson {
    pub(super) fn of(integration: &Integration, webhook_base_url: Option<&str>) -> Self {
        let webhook_url = webhook_base_url.map(|base| webhook_url(base, integration));
        let api = registry::vendor_api(integration.integration_type);
        let setup_steps = match &webhook_url {
            Some(url) => api.setup_steps(integration, url),
            None => Vec::new(),
        };
        Self {
            id: integration.id.to_string(),
            organization_id: integration.organization.to_string(),
            integration_type: integration.integration_type.as_str(),
            name: integration.name.clone(),
            base_url: integration
                .base_url
                .as_str()
                .trim_end_matches('/')
                .to_owned(),
            sync_direction: integration.direction.as_str(),
            enabled: integration.enabled,
            activity: integration.activity.as_str(),
            paused_because: integration.paused_because.clone(),
            conflict_strategy: integration.strategy.as_str(),
            conflict_window: format!("{:#}", integration.conflict_window),
            requests_per_minute: integration.requests_per_minute,
            mode: integration.mode.as_str(),
            brake: BrakeJson {
                percent: integration.brake.percent,
                at_least: integration.brake.at_least,
            },
            options: integration.options.clone(),
            version: integration.version,
            created_at: integration.created_at,
            updated_at: integration.updated_at,
            webhook_url,
            setup_steps,
        }
    }
}
