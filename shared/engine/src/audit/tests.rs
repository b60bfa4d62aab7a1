use std::collections::{BTreeMap, BTreeSet};

use im_model::{
    Activity, ConflictStrategy, Direction, Field, IntegrationType, Ownership, OwnershipRules,
    Secret,
};

use super::*;

struct Numbered;

impl Ids for Numbered {
    fn ulid(&self, _: Timestamp) -> ulid::Ulid {
        ulid::Ulid::from_parts(1, 1)
    }
}

fn integration() -> Integration {
    Integration {
        id: "prod-pd".parse().expect("an id"),
        organization: "acme".parse().expect("an id"),
        integration_type: IntegrationType::PagerDuty,
        name: "Prod".to_owned(),
        base_url: "https://api.pagerduty.com".parse().expect("a URL"),
        direction: Direction::Bidirectional,
        enabled: true,
        activity: Activity::Active,
        paused_because: None,
        strategy: ConflictStrategy::LastWriteWins,
        conflict_window: Integration::CONFLICT_WINDOW,
        requests_per_minute: None,
        mode: im_model::Mode::Webhook,
        brake: im_model::Brake::default(),
        mappings: im_model::Mappings::default(),
        triggers: im_model::Triggers::default(),
        notes_in_since: std::collections::BTreeMap::new(),
        options: BTreeMap::from([("service".to_owned(), "PS1".to_owned())]),
        ownership: OwnershipRules::new(),
        secret_id: "im/prod/7".to_owned(),
        version: 1,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

fn entry(tell: impl FnOnce(&Auditor<'_>) -> AuditEntry) -> AuditEntry {
    let ann = ActorId::parse("ann@example.com").expect("valid");
    tell(&Auditor::new(&Numbered, Some(&ann), Timestamp::UNIX_EPOCH))
}

fn told(entry: &AuditEntry) -> Vec<(&str, Option<&str>, Option<&str>)> {
    let changes = entry.changes.iter();
    let told = changes.map(|it| (it.what.as_str(), it.before.as_deref(), it.after.as_deref()));
    told.collect()
}

#[test]
fn a_change_is_told_from_what_to_what_and_nothing_else_is() {
    let before = integration();
    let mut after = before.clone();
    after.version += 1;
    after.updated_at = Timestamp::MAX;
    after.direction = Direction::Outbound;
    after
        .options
        .insert("service".to_owned(), "PNEW".to_owned());
    let platform = Ownership {
        platform: Some(10),
        ..Ownership::default()
    };
    after.ownership.insert(Field::Title.into(), platform);
    let entry = entry(|auditor| auditor.changed(&before, &after));
    assert_eq!(entry.action, Audited::IntegrationChanged);
    assert_eq!(
        entry.actor.as_ref().map(ActorId::as_str),
        Some("ann@example.com")
    );
    let changed: Vec<_> = entry
        .changes
        .iter()
        .map(|change| change.what.as_str())
        .collect();
    assert_eq!(
        changed,
        [
            "field_ownership.title.platform",
            "options.service",
            "sync_direction"
        ]
    );
    let by_name = told(&entry);
    assert_eq!(
        by_name[2],
        (
            "sync_direction",
            Some("\"bidirectional\""),
            Some("\"outbound\"")
        )
    );
    assert_eq!(
        by_name[1],
        ("options.service", Some("\"PS1\""), Some("\"PNEW\""))
    );
}

#[test]
fn the_system_pauses_by_itself() {
    let before = integration();
    let mut after = before.clone();
    after.activity = Activity::Paused;
    after.paused_because = Some("401".to_owned());
    let auditor = Auditor::new(&Numbered, None, Timestamp::UNIX_EPOCH);
    let entry = auditor.changed(&before, &after);
    assert_eq!(entry.actor, None);
    assert_eq!(
        told(&entry),
        [
            ("activity", Some("\"active\""), Some("\"paused\"")),
            ("paused_because", None, Some("\"401\"")),
        ]
    );
}

#[test]
fn credentials_are_named_and_never_told() {
    let integration = integration();
    let kept = Credentials([("token".to_owned(), Secret::new("before-7"))].into());
    let names = ["token".to_owned(), "webhook_secret".to_owned()];
    let entry = entry(|auditor| auditor.replaced(&integration, &kept, names.iter()));
    let secret = Some(AuditChange::SECRET);
    assert_eq!(
        told(&entry),
        [
            ("credentials.token", secret, secret),
            ("credentials.webhook_secret", None, secret)
        ]
    );
    assert!(!format!("{entry:?}").contains("before-7"));
}

#[test]
fn a_creation_and_a_deletion_tell_all_there_is() {
    let integration = integration();
    let names = ["token".to_owned()];
    let created = entry(|auditor| auditor.created(&integration, names.iter()));
    let deleted = entry(|auditor| auditor.deleted(&integration));
    let whats = |entry: &AuditEntry| -> BTreeSet<String> {
        entry
            .changes
            .iter()
            .map(|change| change.what.clone())
            .collect()
    };
    let mut of_creation = whats(&created);
    assert!(of_creation.remove("credentials.token"));
    assert_eq!(of_creation, whats(&deleted));
    for name in [
        "base_url",
        "name",
        "enabled",
        "mode",
        "brake.percent",
        "conflict_window",
        "options.service",
    ] {
        assert!(of_creation.contains(name), "{name}");
    }
    assert!(
        created
            .changes
            .iter()
            .all(|change| change.before.is_none() && change.after.is_some())
    );
    assert!(
        deleted
            .changes
            .iter()
            .all(|change| change.before.is_some() && change.after.is_none())
    );
    let all = format!("{created:?}{deleted:?}");
    assert!(
        !all.contains(&integration.secret_id),
        "where credentials are is nobody's business"
    );
}
