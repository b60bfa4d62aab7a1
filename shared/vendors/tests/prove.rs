//! The guide's defaults, proved: an integration that is just configured has no errors.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

use std::collections::BTreeMap;

use im_model::{
    Activity, ConflictStrategy, Direction, Integration, IntegrationType, Mappings, Triggers,
};
use im_sync::{
    LinkRules,
    prove::{Finding, Level, Subject, prove},
};
use im_vendors::registry;
use jiff::Timestamp;

fn integration(integration_type: IntegrationType, direction: Direction) -> Integration {
    let api = registry::vendor_api(integration_type);
    let required = api.configuration().required_options.iter();
    Integration {
        id: integration_type.as_str().parse().expect("an id"),
        organization: "acme".parse().expect("an id"),
        integration_type,
        name: String::new(),
        base_url: "https://vendor.example".parse().expect("a URL"),
        direction,
        enabled: true,
        activity: Activity::Active,
        paused_because: None,
        strategy: ConflictStrategy::LastWriteWins,
        conflict_window: Integration::CONFLICT_WINDOW,
        requests_per_minute: None,
        mode: im_model::Mode::Webhook,
        brake: im_model::Brake::default(),
        mappings: Mappings::new(),
        triggers: Triggers::default(),
        options: required
            .map(|name| ((*name).to_owned(), "X".to_owned()))
            .collect(),
        ownership: api.default_ownership(),
        notes_in_since: BTreeMap::new(),
        secret_id: String::new(),
        version: 1,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

fn usual_rules(integration: &Integration) -> LinkRules {
    registry::vendor_api(integration.integration_type).usual_rules(integration)
}

fn proved(integration: &Integration) -> Vec<Finding> {
    let others = IntegrationType::ALL.iter().map(|other| {
        let other = self::integration(*other, Direction::Bidirectional);
        (other.id.clone(), usual_rules(&other))
    });
    prove(&Subject {
        id: &integration.id,
        rules: &usual_rules(integration),
        ownership: &integration.ownership,
        mappings: &integration.mappings,
        others: &others.collect::<BTreeMap<_, _>>(),
    })
}

#[test]
fn the_defaults_have_no_errors_whoever_owns_the_fields() {
    for vendor in IntegrationType::ALL {
        for direction in Direction::ALL {
            for owned in [true, false] {
                let mut integration = integration(*vendor, *direction);
                if !owned {
                    integration.ownership.clear();
                }
                let findings = proved(&integration);
                let errors = findings
                    .iter()
                    .filter(|finding| finding.level == Level::Error);
                assert_eq!(
                    errors.collect::<Vec<_>>(),
                    Vec::<&Finding>::new(),
                    "{vendor} {direction}"
                );
            }
        }
    }
}

#[test]
fn what_the_defaults_lose_is_named() {
    let integration = integration(IntegrationType::PagerDuty, Direction::Bidirectional);
    let findings = proved(&integration);
    for detail in [
        "SEV-1 → high → SEV-2",
        "SEV-4 → low → SEV-3",
        "mitigated → acknowledged → acknowledged",
        "closed → resolved → resolved",
        "written only when the record is created",
        "owned externally by pagerduty and jira and servicenow",
    ] {
        assert!(
            findings.iter().any(|finding| finding.detail == detail),
            "{detail}: {findings:?}"
        );
    }
}
