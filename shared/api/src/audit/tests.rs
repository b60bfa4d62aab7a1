use im_model::Audited;
use serde_json::json;

use super::*;
use crate::router::assert_is;

fn entry(action: Audited) -> AuditEntry {
    AuditEntry {
        id: "AUD-01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().expect("an id"),
        at: "2026-01-02T03:04:05Z".parse().expect("a time"),
        organization: "acme".parse().expect("an id"),
        integration: "prod-pd".parse().expect("an id"),
        actor: None,
        action,
        subject: None,
        changes: vec![
            AuditChange::new("enabled", Some("true".into()), Some("false".into())),
            AuditChange::new("options.service", None, Some("\"PS1\"".into())),
            AuditChange::new("credentials.token", Some(AuditChange::SECRET.into()), None),
        ],
    }
}

#[test]
fn an_entry_is_shown_as_described() {
    let json = serde_json::to_value(AuditJson::of(&entry(Audited::IntegrationChanged)));
    assert_eq!(
        json.expect("JSON"),
        json!({
            "id": "AUD-01ARZ3NDEKTSV4RRFFQ69G5FAV", "at": "2026-01-02T03:04:05Z", "actor": null,
            "action": "integration.changed", "integration_id": "prod-pd", "subject": null,
            "changes": [
                {"what": "enabled", "before": true, "after": false},
                {"what": "options.service", "before": null, "after": "PS1"},
                {"what": "credentials.token", "before": "(secret)", "after": null},
            ],
        })
    );
}

#[test]
fn every_action_is_described() {
    for action in Audited::ALL {
        let list = List {
            items: vec![AuditJson::of(&entry(*action))],
            next: None,
        };
        assert_is("AuditList", &serde_json::to_value(list).expect("JSON"));
    }
}
