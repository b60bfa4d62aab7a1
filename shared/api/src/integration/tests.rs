use std::{collections::BTreeMap, num::NonZeroU32};

use im_engine::manage::{IntegrationChange, NewIntegration, Removed, RequestLimit};
use im_model::{
    Activity, Brake, ConflictStrategy, Direction, IntegrationType, Mode, OrganizationId,
    OwnershipRules,
};
use im_vendors::{
    Check,
    CheckOutcome::{self, Failed, Limited, Passed},
};
use serde_json::{Value, json};

use super::*;
use crate::{body::ObjectReader, router::assert_is};

fn reader(body: &Value) -> ObjectReader {
    ObjectReader::new(body.as_object().expect("an object").clone())
}

fn organization() -> OrganizationId {
    OrganizationId::parse("acme").expect("valid")
}

fn created(body: &Value) -> Result<NewIntegration, Problem> {
    input::new_integration(reader(body), &organization(), false)
}

fn changed(body: &Value) -> Result<IntegrationChange, Problem> {
    input::change(reader(body), Some(7), false)
}

fn smallest() -> Value {
    json!({
        "integration_type": "pagerduty", "name": " Prod PagerDuty ",
        "base_url": "https://api.pagerduty.com/", "options": {"service": "PS1"},
        "credentials": {"token": "t0ken", "from_email": "a@b", "webhook_secret": "whs"},
    })
}

#[test]
fn what_is_not_said_has_a_default() {
    let new = created(&smallest()).expect("is valid");
    assert_eq!(new.id.as_str(), "prod-pagerduty");
    assert_eq!(new.organization, organization());
    assert_eq!(new.name, "Prod PagerDuty");
    assert_eq!(new.direction, Direction::Bidirectional);
    assert!(new.enabled);
    assert_eq!(new.strategy, ConflictStrategy::LastWriteWins);
    assert_eq!(new.credentials["token"].reveal(), "t0ken");
    assert_eq!(
        new.options,
        BTreeMap::from([("service".to_owned(), "PS1".to_owned())])
    );
}

#[test]
fn what_is_said_is_kept() {
    let mut body = smallest();
    for (name, value) in [
        ("id", json!("eu")),
        ("organization_id", json!("rival")),
        ("sync_direction", json!("inbound")),
        ("enabled", json!(false)),
        ("conflict_strategy", json!("manual-review")),
    ] {
        body[name] = value;
    }
    let new = created(&body).expect("is valid");
    assert_eq!(new.id.as_str(), "eu");
    assert_eq!(
        new.organization.as_str(),
        "rival",
        "whether that is allowed is decided elsewhere"
    );
    assert_eq!((new.direction, new.enabled), (Direction::Inbound, false));
    assert_eq!(new.strategy, ConflictStrategy::ManualReview);
}

#[test]
fn everything_that_is_wrong_is_named_and_no_credential_is_repeated() {
    let body = json!({
        "integration_type": "pagerduty", "id": "No Slug", "base_url": "ftp://s3cret@host",
        "options": {"servce": "s3cret"}, "enabled": "yes", "sync_direction": "both",
        "conflict_strategy": "first-come", "version": 3, "colour": "red",
        "credentials": {"token": 5, "passwd": "s3cret", "webhook_secret": ""},
    });
    let problem = created(&body).expect_err("all wrong");
    let mut named: Vec<_> = problem.errors().iter().map(|(field, _)| *field).collect();
    named.sort_unstable();
    assert_eq!(
        named,
        [
            "base_url",
            "colour",
            "conflict_strategy",
            "credentials.from_email",
            "credentials.passwd",
            "credentials.token",
            "credentials.webhook_secret",
            "enabled",
            "id",
            "name",
            "options.servce",
            "options.service",
            "sync_direction",
            "version",
        ]
    );
    assert!(!format!("{problem:?}").contains("s3cret"));
}

#[test]
fn what_is_required() {
    let problem = created(&json!({})).expect_err("empty");
    let required = ["integration_type", "name", "base_url"].map(|name| (name, "is required"));
    assert_eq!(problem.errors(), required);
    let mut body = smallest();
    body["name"] = json!("日本");
    let problem = created(&body).expect_err("no slug");
    assert_eq!(
        problem.errors(),
        [("id", "cannot be made from this name: choose one")]
    );
    body["id"] = json!("jp");
    assert_eq!(created(&body).expect("is valid").id.as_str(), "jp");
}

#[test]
fn each_vendor_has_names_of_its_own() {
    let mut body = smallest();
    body["integration_type"] = json!("jira");
    let problem = created(&body).expect_err("all of it is PagerDuty's");
    let errors = problem.errors();
    let said = |field: &str| errors.iter().find(|(name, _)| *name == field);
    let unknown = said("options.service").expect("it is named").1;
    assert!(
        unknown.starts_with("unknown; expected one of project,"),
        "{unknown}"
    );
    assert!(said("options.project").is_some_and(|(_, problem)| *problem == "is required"));
    assert!(said("credentials.token").is_some(), "{errors:?}");
}

#[test]
fn a_change_names_what_changes() {
    let change = changed(&json!({
        "name": "New", "base_url": "https://eu.example/", "enabled": true,
        "credentials": {"token": "new"}, "options": {"service": ""},
    }));
    let change = change.expect("is valid");
    assert_eq!(change.name.as_deref(), Some("New"));
    assert_eq!(change.enabled, Some(true));
    assert_eq!(change.if_version, Some(7));
    assert_eq!(change.credentials["token"].reveal(), "new");
    assert_eq!((change.direction, change.strategy), (None, None));
    let nothing = changed(&json!({})).expect("is valid");
    assert!(nothing.name.is_none() && nothing.options.is_empty());
}

#[test]
fn what_cannot_change_is_named() {
    let problem = changed(&json!({
        "id": "b", "organization_id": "acme", "integration_type": "jira", "activity": "paused",
        "name": null, "options": null, "credentials": {"token": null}, "odd": 1,
    }));
    let problem = problem.expect_err("nothing of it can change");
    assert_eq!(
        problem.errors(),
        [
            ("name", "must be a string, not null"),
            ("credentials.token", "must be a string, not null"),
            ("options", "must be an object, not null"),
            ("activity", "is read-only"),
            ("id", "cannot be changed"),
            ("integration_type", "cannot be changed"),
            (
                "odd",
                "unknown; expected one of name, base_url, credentials, sync_direction, enabled, \
             conflict_strategy, conflict_window, requests_per_minute, mode, brake, options",
            ),
            ("organization_id", "cannot be changed"),
        ]
    );
}

fn integration() -> Integration {
    let at = "2026-01-02T03:04:05Z".parse().expect("a time");
    Integration {
        id: IntegrationId::parse("prod-pd").expect("valid"),
        organization: organization(),
        integration_type: IntegrationType::PagerDuty,
        name: "Prod PagerDuty".to_owned(),
        base_url: "https://api.pagerduty.com".parse().expect("a URL"),
        direction: Direction::Bidirectional,
        enabled: true,
        activity: Activity::Active,
        paused_because: None,
        strategy: ConflictStrategy::LastWriteWins,
        conflict_window: im_model::Integration::CONFLICT_WINDOW,
        requests_per_minute: None,
        mode: im_model::Mode::Webhook,
        brake: im_model::Brake::default(),
        mappings: im_model::Mappings::default(),
        triggers: im_model::Triggers::default(),
        notes_in_since: std::collections::BTreeMap::new(),
        options: BTreeMap::from([("service".to_owned(), "PS1".to_owned())]),
        ownership: OwnershipRules::new(),
        secret_id: "im/prod/integration/prod-pd".to_owned(),
        version: 3,
        created_at: at,
        updated_at: at,
    }
}

#[test]
fn a_conflict_window_is_a_length_of_time() {
    let read = |text: &str| changed(&json!({"conflict_window": text}));
    for (text, milliseconds) in [
        ("5s", 5000),
        ("250ms", 250),
        ("1m", 60_000),
        ("PT10M", 600_000),
        ("0s", 0),
    ] {
        let window = read(text).expect(text).conflict_window.expect("given");
        assert_eq!(window.as_millis(), milliseconds, "{text}");
        let shown = IntegrationJson::of(
            &Integration {
                conflict_window: window,
                ..integration()
            },
            None,
        );
        let shown = serde_json::to_value(shown).expect("JSON");
        let again = read(shown["conflict_window"].as_str().expect("text"));
        assert_eq!(again.expect(text).conflict_window, Some(window));
    }
    for bad in ["5", "", "soon", "5 parsecs"] {
        let problem = read(bad).expect_err(bad);
        let expected = "must be a length of time with its unit, from 0s to 10m, e.g. 5s, 250ms, 1m";
        assert_eq!(problem.errors(), [("conflict_window", expected)]);
    }
    assert_eq!(
        created(&smallest()).expect("valid").conflict_window,
        Integration::CONFLICT_WINDOW
    );
}

#[test]
fn a_limit_of_requests_is_a_number_or_null_to_lift_it() {
    let read = |value: Value| changed(&json!({"requests_per_minute": value}));
    let limit = |value| read(value).expect("valid").requests_per_minute;
    let most = RequestLimit::PerMinute(NonZeroU32::new(300).expect("not zero"));
    assert_eq!(limit(json!(300)), Some(most));
    assert_eq!(limit(json!(null)), Some(RequestLimit::Lifted));
    assert_eq!(
        changed(&json!({})).expect("valid").requests_per_minute,
        None
    );
    for bad in [
        json!(0),
        json!(-1),
        json!(1.5),
        json!("300"),
        json!(1_000_001),
    ] {
        let expected = "must be a whole number from 1 to 1000000, or null for no limit";
        let problem = read(bad).expect_err("no limit");
        assert_eq!(problem.errors(), [("requests_per_minute", expected)]);
    }
}

#[test]
fn a_mode_is_a_word_and_parts_of_a_brake_may_be_left_out() {
    let new = created(&smallest()).expect("valid");
    assert_eq!((new.mode, new.brake), (Mode::Webhook, Brake::default()));
    let mut given = smallest();
    given["mode"] = json!("polling");
    given["brake"] = json!({"percent": 50});
    let new = created(&given).expect("valid");
    let brake = Brake {
        percent: 50,
        ..Brake::default()
    };
    assert_eq!((new.mode, new.brake), (Mode::Polling, brake));
    let change = changed(&json!({"brake": {"at_least": 0}})).expect("valid");
    assert_eq!(change.mode, None);
    let none = Brake {
        at_least: 0,
        ..brake
    };
    assert_eq!(change.brake.of(brake), none);
    let bad = json!({"mode": "pull", "brake": {"percent": 0, "at_least": -1, "limit": 3}});
    assert_eq!(
        changed(&bad).expect_err("all of it").errors(),
        [
            ("mode", "must be one of webhook, polling"),
            ("brake.percent", "must be a whole number from 1 to 100"),
            (
                "brake.at_least",
                "must be a whole number from 0 to 4294967295"
            ),
            ("brake.limit", "unknown; expected one of percent, at_least"),
        ]
    );
    for percent in [json!(101), json!(300), json!(1.5), json!("10"), json!(null)] {
        let problem = changed(&json!({"brake": {"percent": percent}})).expect_err("no percent");
        assert_eq!(problem.errors()[0].0, "brake.percent");
    }
}

#[test]
fn an_integration_is_shown_as_described_and_without_its_secrets() {
    let json = IntegrationJson::of(&integration(), Some("https://im.example/"));
    let mut json = serde_json::to_value(json).expect("JSON");
    assert_is("Integration", &json);
    let steps = json["setup_steps"].take();
    let url = "https://im.example/webhooks/pagerduty/prod-pd";
    assert!(steps.to_string().contains(url), "{steps}");
    assert_eq!(
        json,
        json!({
            "id": "prod-pd", "organization_id": "acme", "integration_type": "pagerduty",
            "name": "Prod PagerDuty", "base_url": "https://api.pagerduty.com",
            "sync_direction": "bidirectional", "enabled": true, "activity": "active",
            "conflict_strategy": "last-write-wins", "conflict_window": "5s",
            "requests_per_minute": null, "paused_because": null, "mode": "webhook",
            "brake": {"percent": 10, "at_least": 20}, "options": {"service": "PS1"}, "version": 3,
            "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z",
            "webhook_url": url, "setup_steps": null,
        })
    );
    let unknown = IntegrationJson::of(&integration(), None);
    let list = List {
        items: vec![unknown],
        next: Some("prod-pd".to_owned()),
    };
    let list = serde_json::to_value(list).expect("JSON");
    assert_is("IntegrationList", &list);
    assert_eq!(list["items"][0]["webhook_url"], Value::Null);
    assert_eq!(list["items"][0]["setup_steps"], json!([]));
}

#[test]
fn a_test_has_passed_unless_something_failed() {
    let check = |outcome: CheckOutcome| Check {
        what: "read incidents".to_owned(),
        outcome,
        detail: "as it is".to_owned(),
    };
    for (outcomes, passed) in [
        (&[Passed, Limited][..], true),
        (&[Passed, Failed, Limited], false),
    ] {
        let checks = outcomes.iter().map(|outcome| check(*outcome)).collect();
        let json = serde_json::to_value(TestJson::of(checks)).expect("JSON");
        assert_is("IntegrationTest", &json);
        assert_eq!(json["passed"], passed, "{json}");
        assert_eq!(json["checks"][0]["outcome"], "passed");
    }
}

#[test]
fn a_deletion_says_how_many_links_are_left() {
    let id = integration().id;
    for (links_left, begin) in [
        (0, "No incident was linked with a ticket of prod-pd. "),
        (
            1,
            "One incident stays linked with a ticket of prod-pd, to no effect. ",
        ),
        (
            2,
            "2 incidents stay linked with tickets of prod-pd, to no effect. ",
        ),
    ] {
        let json = RemovedJson::of(&id, Removed { links_left });
        let json = serde_json::to_value(json).expect("JSON");
        assert_is("RemovedIntegration", &json);
        let says = json["says"].as_str().expect("words");
        assert!(says.starts_with(begin), "{says}");
    }
}
