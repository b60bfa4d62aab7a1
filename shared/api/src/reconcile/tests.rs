use std::collections::BTreeMap;

use im_engine::{RunScope, manage::NewSchedule};
use im_model::{
    BaseValues, DriftItem, DriftKind, ExternalId, IncidentId, ItemResult, Place, ProposedAction,
    Purpose, Run, RunCounts, RunStatus, Schedule, Side, StartedBy,
};
use serde_json::{Value, json};

use super::{
    output::{ItemJson, RunJson, ScheduleJson},
    *,
};
use crate::router::assert_is;

const RUN: &str = "RUN-01ARZ3NDEKTSV4RRFFQ69G5FAV";
const INCIDENT: &str = "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV";
const AT: &str = "2026-01-02T03:04:05Z";

fn reader(body: &Value) -> ObjectReader {
    ObjectReader::new(body.as_object().expect("an object").clone())
}

fn run() -> Run {
    let at = AT.parse().expect("a time");
    Run {
        id: RunId::parse(RUN).expect("an id"),
        integration: im_model::IntegrationId::parse("prod-jira").expect("an id"),
        organization: "acme".parse().expect("an id"),
        purpose: Purpose::Reconcile,
        apply: true,
        since: None,
        noted_since: None,
        limit: None,
        started_by: StartedBy::Person {
            actor: "ann@example.com".parse().expect("an id"),
        },
        started_at: at,
        status: RunStatus::Braked,
        place: Place::Links { after: None },
        uncounted: 0,
        counts: RunCounts {
            pages: 3,
            records: 250,
            linked: 240,
            reads: 30,
            incidents: 260,
            found: BTreeMap::from([(DriftKind::ValueDrift, 30), (DriftKind::DeletedRecord, 1)]),
            in_progress: 2,
            to_heal: 29,
            chunks: 2,
            steps: 9,
            invocations: 4,
            ..RunCounts::default()
        },
        reason: Some("it would change 29 of 240 links".to_owned()),
        confirmed_by: None,
        links_before: None,
        waits: 0,
        not_before: None,
        lease: None,
        updated_at: at + jiff::SignedDuration::from_millis(1500),
        finished_at: None,
        version: 9,
    }
}

#[test]
fn a_run_is_shown_as_described() {
    let json = serde_json::to_value(RunJson::of(&run())).expect("JSON");
    let confirm = format!("/api/v1/integrations/prod-jira/reconcile/runs/{RUN}/confirm");
    let next = json["next"].as_str().expect("words");
    assert!(
        next.contains(&format!("POST {confirm} lets it go on")),
        "{next}"
    );
    let expected = json!({
        "id": RUN, "integration_id": "prod-jira", "purpose": "reconcile", "mode": "auto-heal",
        "status": "braked", "phase": "links",
        "started_by": {"kind": "person", "text": "ann@example.com"},
        "started_at": AT, "updated_at": "2026-01-02T03:04:06.5Z", "finished_at": null,
        "duration_ms": 1500, "since": null, "limit": null,
        "summary": {
            "pages": 3, "records": 250, "linked": 240, "reads": 30, "incidents": 260,
            "found": {
                "value_drift": 30, "missing_note": 0, "missing_record": 0, "missed_create": 0,
                "deleted_record": 1, "moved_record": 0, "duplicate_record": 0,
            },
            "in_progress": 2, "to_heal": 29, "healed": 0, "failed": 0, "invocations": 4,
        },
        "reason": "it would change 29 of 240 links", "confirmed_by": null, "next": next,
    });
    assert_eq!(json, expected);
    assert_is("Run", &json);
}

#[test]
fn a_run_that_is_over_waits_for_nobody_and_took_as_long_as_it_did() {
    for (started_by, kind) in [
        (StartedBy::Schedule, "schedule"),
        (StartedBy::Polling, "polling"),
    ] {
        let at = "2026-01-02T03:04:07Z".parse().expect("a time");
        let over = Run {
            started_by,
            apply: false,
            status: RunStatus::Done,
            place: Place::Finished,
            finished_at: Some(at),
            ..run()
        };
        let items = vec![RunJson::of(&over)];
        let list = serde_json::to_value(List { items, next: None }).expect("JSON");
        assert_is("RunList", &list);
        let json = &list["items"][0];
        assert_eq!(json["next"], Value::Null);
        assert_eq!(json["duration_ms"], 2000);
        assert_eq!(
            (&json["mode"], &json["phase"]),
            (&json!("dry-run"), &json!("finished"))
        );
        assert_eq!(json["started_by"]["kind"], kind);
    }
}

#[test]
fn what_a_run_found_is_shown_as_described() {
    let item = DriftItem {
        kind: DriftKind::ValueDrift,
        incident: Some(IncidentId::parse(INCIDENT).expect("an id")),
        external_id: Some(ExternalId::parse("OPS-7").expect("an id")),
        field: Some("severity".parse().expect("a field")),
        base: Some(BaseValues {
            platform: Some("SEV-2".to_owned()),
            external: None,
        }),
        platform: Some("SEV-1".to_owned()),
        external: Some("High".to_owned()),
        right: Some(Side::Platform),
        why: "the platform owns it".to_owned(),
        action: ProposedAction::Push,
        verified: true,
        result: Some(ItemResult::Healed {
            outcome: "pushed severity".to_owned(),
        }),
    };
    let failed = DriftItem {
        kind: DriftKind::MissedCreate,
        incident: None,
        field: None,
        base: None,
        platform: None,
        external: None,
        right: None,
        action: ProposedAction::CreateIncident,
        verified: false,
        result: Some(ItemResult::Failed {
            why: "the vendor does not answer".to_owned(),
        }),
        ..item.clone()
    };
    let open = DriftItem {
        result: None,
        ..item.clone()
    };
    let items = [&item, &failed, &open].map(ItemJson::of).into();
    let next = Some("1".to_owned());
    let list = serde_json::to_value(List { items, next }).expect("JSON");
    assert_is("RunItemList", &list);
    assert_eq!(
        list["items"][0],
        json!({
            "kind": "value_drift", "incident_id": INCIDENT, "external_id": "OPS-7",
            "field": "severity", "base": {"platform": "SEV-2", "external": null},
            "platform": "SEV-1", "external": "High", "right": "platform",
            "why": "the platform owns it", "action": "push", "verified": true,
            "result": {"result": "healed", "outcome": "pushed severity"},
        })
    );
    assert_eq!(
        list["items"][1]["result"],
        json!({"result": "failed", "why": "the vendor does not answer"})
    );
    assert_eq!(list["items"][2]["result"], Value::Null);
}

#[test]
fn just_one_of_two_says_whether_a_run_writes() {
    let read = |body: Value| input::reconciliation(reader(&body));
    for (body, apply) in [
        (json!({"dry_run": true}), false),
        (json!({"dry_run": true, "auto_heal": false}), false),
        (json!({"auto_heal": true}), true),
    ] {
        let request = read(body).expect("valid");
        assert_eq!((request.apply, request.scope), (apply, RunScope::Full));
        assert_eq!((request.purpose, request.limit), (Purpose::Reconcile, None));
    }
    let problem = "just one of dry_run and auto_heal must be true";
    for body in [
        json!({}),
        json!({"dry_run": false, "auto_heal": false}),
        json!({"dry_run": true, "auto_heal": true}),
    ] {
        let refused = read(body).expect_err("neither or both");
        assert_eq!(refused.errors(), [("dry_run", problem)]);
    }
    let refused = read(json!({"dry_run": "true", "auto_heal": true}));
    let refused = refused.expect_err("a string is not true");
    let type_of = "must be true or false, not a string";
    assert_eq!(refused.errors(), [("dry_run", type_of)]);
}

#[test]
fn a_run_looks_at_all_or_at_what_changed() {
    let read = |mut body: Value| {
        body["dry_run"] = json!(true);
        input::reconciliation(reader(&body))
    };
    let since = RunScope::Since(AT.parse().expect("a time"));
    for (body, scope) in [
        (json!({"scope": "full"}), RunScope::Full),
        (json!({"scope": "incremental"}), RunScope::Incremental),
        (json!({"since": AT}), since),
        (json!({"since": "2026-01-02T04:04:05+01:00"}), since),
    ] {
        assert_eq!(read(body).expect("valid").scope, scope);
    }
    for (body, field, problem) in [
        (
            json!({"scope": "some"}),
            "scope",
            "must be one of full, incremental",
        ),
        (
            json!({"scope": "full", "since": AT}),
            "since",
            "cannot be given together with scope",
        ),
        (
            json!({"since": "yesterday"}),
            "since",
            "must be a time, e.g. 2026-01-02T03:04:05Z",
        ),
        (
            json!({"limit": 1}),
            "limit",
            "unknown; expected one of dry_run, auto_heal, scope, since",
        ),
    ] {
        let refused = read(body).expect_err(field);
        assert_eq!(refused.errors(), [(field, problem)]);
    }
}

#[test]
fn a_backfill_may_be_limited() {
    let read = |body: Value| input::backfill(reader(&body));
    let request = read(json!({"apply": true, "since": AT, "limit": 10})).expect("valid");
    assert_eq!((request.purpose, request.apply), (Purpose::Backfill, true));
    assert_eq!(request.limit, Some(10));
    assert_eq!(request.scope, RunScope::Since(AT.parse().expect("a time")));
    let request = read(json!({"dry_run": true})).expect("valid");
    assert_eq!((request.apply, request.scope), (false, RunScope::Full));
    let bad = json!({"auto_heal": true, "limit": 0});
    assert_eq!(
        read(bad).expect_err("all of it").errors(),
        [
            ("dry_run", "just one of dry_run and apply must be true"),
            ("limit", "must be a whole number from 1 to 1000000"),
            (
                "auto_heal",
                "unknown; expected one of dry_run, apply, since, limit"
            ),
        ]
    );
}

#[test]
fn a_schedule_has_an_interval_of_minutes_to_days() {
    let read = |body: Value| input::schedule(reader(&body));
    let hour = "1h".parse().expect("an interval");
    let smallest = NewSchedule {
        interval: hour,
        auto_heal: false,
        enabled: true,
        full_every: "1d".parse().expect("an interval"),
    };
    assert_eq!(read(json!({"interval": "1h"})), Ok(smallest));
    let all = json!({"interval": "15m", "auto_heal": true, "enabled": false, "full_every": "1h"});
    let all = read(all).expect("valid");
    assert_eq!(
        (all.auto_heal, all.enabled, all.full_every),
        (true, false, hour)
    );
    let form = "must be a number with m, h or d, from 1m to 30d, such as 15m, 1h or 7d";
    assert_eq!(
        read(json!({})).expect_err("no interval").errors(),
        [("interval", "is required")]
    );
    for bad in ["31d", "59s", "hourly", "0m"] {
        let refused = read(json!({"interval": bad, "full_every": bad})).expect_err(bad);
        assert_eq!(refused.errors(), [("interval", form), ("full_every", form)]);
    }
    let shown = ScheduleJson::of(&Schedule {
        interval: hour,
        auto_heal: true,
        enabled: true,
        full_every: hour,
        next_at: AT.parse().expect("a time"),
        set_by: "ann@example.com".parse().expect("an id"),
    });
    let shown = serde_json::to_value(shown).expect("JSON");
    assert_is("ReconcileSchedule", &shown);
    assert_eq!(
        shown,
        json!({
            "interval": "1h", "auto_heal": true, "enabled": true, "full_every": "1h",
            "next_at": AT, "set_by": "ann@example.com",
        })
    );
}
