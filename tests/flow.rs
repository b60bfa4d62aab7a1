//! The main job: a change on one side arrives at the other, once, and does not come back.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

use std::sync::Arc;

use http::Method;
use im_model::{Field, IncidentId, NoticeKind};
use im_sandbox::pagerduty::{Status, Urgency};
use im_tests::{INTEGRATION, World};
use jiff::SignedDuration;
use serde_json::{Value, json};

async fn imported() -> (Arc<World>, IncidentId, String) {
    let world = World::new().await;
    let ann = world.pagerduty.person("ann@example.com");
    let record = ann.trigger("db down", Urgency::High).expect("allowed");
    world.settle().await;
    world.clock.advance(SignedDuration::from_secs(60));
    (world.clone(), world.only_incident().await.id, record)
}

fn link(incident: &im_model::Incident) -> &im_model::Link {
    &incident.links[&INTEGRATION.parse().expect("an id")]
}

#[tokio::test]
async fn a_vendors_incident_becomes_the_platforms_with_all_its_fields() {
    let (world, id, record) = imported().await;
    let value = |field| world.value(&id, field);
    assert_eq!(value(Field::Title).await.as_deref(), Some("db down"));
    assert_eq!(value(Field::Severity).await.as_deref(), Some("SEV-2"));
    assert_eq!(value(Field::Status).await.as_deref(), Some("open"));
    assert_eq!(
        value(Field::AssignedTo).await.as_deref(),
        Some("oncall@example.com")
    );
    assert!(value(Field::EscalationPolicy).await.is_some());
    assert_eq!(world.record_of(&id).await, record);
    assert!(
        world.writes().is_empty(),
        "an import writes nothing: {:?}",
        world.writes()
    );
}

#[tokio::test]
async fn a_platform_change_makes_one_write_and_its_webhook_makes_none() {
    let (world, id, record) = imported().await;
    world.edit(&id, &json!({"status": "acknowledged"})).await;
    world.run_outbound().await;
    let put = format!("PUT /incidents/{record}");
    assert_eq!(world.writes(), std::slice::from_ref(&put));
    let before = world.incident(&id).await;
    assert_eq!(world.deliver_webhooks().await, 1, "its own webhook");
    world.settle().await;
    assert_eq!(world.writes(), [put], "no echo at the vendor");
    assert_eq!(world.incident(&id).await, before, "no echo on the platform");
}

#[tokio::test]
async fn each_field_goes_out_by_the_guides_maps() {
    let (world, id, record) = imported().await;
    let held = || {
        world
            .pagerduty
            .incident(&record)
            .expect("the record exists")
    };
    for (severity, urgency) in [
        ("SEV-3", Urgency::Low),
        ("SEV-1", Urgency::High),
        ("SEV-4", Urgency::Low),
    ] {
        world.edit(&id, &json!({"severity": severity})).await;
        world.settle().await;
        assert_eq!(held().urgency, urgency, "{severity}");
        assert_eq!(
            world.value(&id, Field::Severity).await.as_deref(),
            Some(severity)
        );
    }
    for (status, expected) in [
        ("mitigated", Status::Acknowledged),
        ("closed", Status::Resolved),
        ("open", Status::Triggered),
        ("resolved", Status::Resolved),
    ] {
        world.edit(&id, &json!({"status": status})).await;
        world.settle().await;
        assert_eq!(held().status, expected, "{status}");
        assert_eq!(
            world.value(&id, Field::Status).await.as_deref(),
            Some(status),
            "no echo"
        );
    }
    world
        .edit(&id, &json!({"title": "  db is down  ", "priority": "P1"}))
        .await;
    world.settle().await;
    assert_eq!(held().title, "db is down");
    assert_eq!(
        world.value(&id, Field::Title).await.as_deref(),
        Some("  db is down  ")
    );
}

#[tokio::test]
async fn a_vendors_change_comes_in_with_its_time_and_author() {
    let (world, id, record) = imported().await;
    let at = world.clock.read();
    world
        .pagerduty
        .person("bob@example.com")
        .acknowledge(&record)
        .expect("allowed");
    world.settle().await;
    let incident = world.incident(&id).await;
    let state = &incident.fields[&Field::Status];
    assert_eq!(state.value.as_str(), Some("acknowledged"));
    assert_eq!(state.changed_at, at, "to the millisecond, from the event");
    let im_model::Origin::External {
        integration,
        author,
    } = &state.origin
    else {
        panic!("{:?}", state.origin);
    };
    assert_eq!(integration.as_str(), INTEGRATION);
    assert!(author.is_some());
}

#[tokio::test]
async fn what_no_event_announces_comes_in_with_the_next_read() {
    let (world, id, record) = imported().await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.set_urgency(&record, Urgency::Low).expect("allowed");
    world.settle().await;
    assert_eq!(
        world.value(&id, Field::Severity).await.as_deref(),
        Some("SEV-2")
    );
    ann.acknowledge(&record).expect("allowed");
    world.settle().await;
    assert_eq!(
        world.value(&id, Field::Severity).await.as_deref(),
        Some("SEV-3")
    );
}

#[tokio::test]
async fn ownership_holds_both_ways() {
    let (world, id, record) = imported().await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.set_title(&record, "renamed at PagerDuty")
        .expect("allowed");
    ann.reassign(&record, "bob@example.com").expect("allowed");
    world.settle().await;
    assert_eq!(
        world.value(&id, Field::Title).await.as_deref(),
        Some("db down"),
        "ours"
    );
    let assigned = world.value(&id, Field::AssignedTo).await;
    assert_eq!(assigned.as_deref(), Some("bob@example.com"), "theirs");
    world
        .edit(&id, &json!({"assigned_to": "carol@example.com"}))
        .await;
    world.settle().await;
    assert!(world.writes().is_empty(), "{:?}", world.writes());
}

#[tokio::test]
async fn resolving_does_not_take_the_assignee_away() {
    let (world, id, record) = imported().await;
    world
        .pagerduty
        .person("ann@example.com")
        .resolve(&record)
        .expect("allowed");
    world.settle().await;
    assert_eq!(
        world.value(&id, Field::Status).await.as_deref(),
        Some("resolved")
    );
    assert_eq!(
        world.value(&id, Field::AssignedTo).await.as_deref(),
        Some("oncall@example.com")
    );
}

#[tokio::test]
async fn the_platforms_incident_becomes_the_vendors_and_carries_its_id() {
    let world = World::new().await;
    let id = world
        .create(&json!({
            "title": "disk full", "description": "on db-1", "severity": "SEV-1", "priority": "P1",
            "status": "acknowledged",
        }))
        .await;
    world.settle().await;
    let record = world.record_of(&id).await;
    let held = world
        .pagerduty
        .incident(&record)
        .expect("the record exists");
    assert_eq!(held.incident_key, id.as_str());
    assert_eq!(
        (held.title.as_str(), held.urgency),
        ("disk full", Urgency::High)
    );
    assert_eq!(
        held.status,
        Status::Acknowledged,
        "what a creation cannot carry follows"
    );
    assert_eq!(world.pagerduty.incidents().len(), 1);
    assert_eq!(
        world.writes().len(),
        2,
        "create, then acknowledge: {:?}",
        world.writes()
    );
    assert!(world.incident(&id).await.pending.is_empty());
}

#[tokio::test]
async fn a_description_that_changes_later_is_reported_once_and_blocks_nothing() {
    let world = World::new().await;
    let id = world
        .create(&json!({"title": "disk full", "description": "on db-1"}))
        .await;
    world.settle().await;
    world
        .edit(&id, &json!({"description": "on db-2", "severity": "SEV-1"}))
        .await;
    world.settle().await;
    let incident = world.incident(&id).await;
    let notice = &link(&incident).notices[&Field::Description];
    assert_eq!(notice.kind, NoticeKind::Unwritable);
    let record = world.record_of(&id).await;
    assert_eq!(
        world
            .pagerduty
            .incident(&record)
            .expect("it exists")
            .urgency,
        Urgency::High
    );
    let version = link(&incident).version;
    world
        .pagerduty
        .person("ann@example.com")
        .acknowledge(&record)
        .expect("allowed");
    world.settle().await;
    let incident = world.incident(&id).await;
    assert_eq!(
        link(&incident).notices[&Field::Description].about,
        notice.about
    );
    assert_eq!(
        link(&incident).version,
        version + 1,
        "only the acknowledgement"
    );
    // It was left alone, not refused: nobody is called for it.
    world.announce(&record).await;
    world.settle().await;
    assert_eq!(world.dead_letters().await, []);
}

#[tokio::test]
async fn a_description_that_is_added_later_is_reported_too() {
    let (world, id, _) = imported().await;
    world.edit(&id, &json!({"description": "on db-1"})).await;
    world.settle().await;
    let incident = world.incident(&id).await;
    assert_eq!(
        link(&incident).notices[&Field::Description].kind,
        NoticeKind::Unwritable
    );
}

#[tokio::test]
async fn a_value_the_vendor_cannot_hold_names_its_field_and_the_others_sync() {
    let (world, id, record) = imported().await;
    world
        .edit(&id, &json!({"priority": "P1", "severity": "SEV-3"}))
        .await;
    world.settle().await;
    world
        .edit(&id, &json!({"priority": null, "severity": "SEV-1"}))
        .await;
    world.settle().await;
    let dead = world.dead_letters().await;
    assert_eq!(dead.len(), 1);
    assert!(
        dead[0].failures[0]
            .error
            .contains("priority: the vendor refuses an empty value"),
        "{dead:?}"
    );
    assert_eq!(
        world
            .pagerduty
            .incident(&record)
            .expect("it exists")
            .urgency,
        Urgency::High
    );
    let incident = world.incident(&id).await;
    assert_eq!(
        link(&incident).notices[&Field::Priority].kind,
        NoticeKind::Unwritable
    );
}

#[tokio::test]
async fn a_conflict_is_decided_by_the_later_change_and_the_loser_is_in_the_journal() {
    let (world, id, record) = imported().await;
    world
        .edit(&id, &json!({"severity": "SEV-1", "status": "acknowledged"}))
        .await;
    world.clock.advance(SignedDuration::from_secs(2));
    world
        .pagerduty
        .person("bob@example.com")
        .resolve(&record)
        .expect("allowed");
    world.settle().await;
    let incident = world.incident(&id).await;
    assert_eq!(
        incident.value(&Field::Status).as_str(),
        Some("resolved"),
        "bob was later"
    );
    assert_eq!(
        incident.value(&Field::Severity).as_str(),
        Some("SEV-1"),
        "no conflict there"
    );
    assert_eq!(
        link(&incident).notices[&Field::Status].kind,
        NoticeKind::Conflict
    );
    let claims = world.claims(&id).await;
    let mut decisions = claims
        .iter()
        .filter_map(|claim| claim.decisions.get(&Field::Status));
    let decision = decisions.find(|decision| decision.lost.is_some());
    let decision = decision.expect("it is in the journal");
    assert_eq!(
        decision.platform.as_str(),
        Some("acknowledged"),
        "the losing value"
    );
    assert_eq!(
        decision.lost.as_ref().map(|lost| lost.side),
        Some(im_model::Side::Platform)
    );
}

/// A second later, and a second before anything else.
fn bob_acknowledges(world: &World, record: &str) {
    world.clock.advance(SignedDuration::from_secs(1));
    let bob = world.pagerduty.person("bob@example.com");
    bob.acknowledge(record).expect("allowed");
    world.clock.advance(SignedDuration::from_secs(1));
}

async fn bobs_value_is_kept(world: &World, id: &IncidentId) {
    let claims = world.claims(id).await;
    let mut decisions = claims
        .iter()
        .filter_map(|claim| claim.decisions.get(&Field::Status));
    let lost = decisions.find(|decision| decision.external.as_str() == Some("acknowledged"));
    assert!(
        lost.is_some_and(|decision| decision.lost.is_some()),
        "bob's value is kept"
    );
}

#[tokio::test]
async fn what_somebody_wrote_between_our_read_and_our_write_is_a_conflict_not_lost() {
    let (world, id, record) = imported().await;
    world.edit(&id, &json!({"status": "resolved"})).await;
    let (other, same_record) = (world.clone(), record.clone());
    world.transport.once(
        im_tests::Moment::BeforeArrival,
        Method::PUT,
        move || async move {
            bob_acknowledges(&other, &same_record);
        },
    );
    world.run_outbound().await;
    let held = world.pagerduty.incident(&record).expect("it exists");
    assert_eq!(held.status, Status::Resolved);
    world.settle().await;
    let incident = world.incident(&id).await;
    let notice = &link(&incident).notices[&Field::Status];
    assert_eq!(notice.kind, NoticeKind::Conflict);
    bobs_value_is_kept(&world, &id).await;
    assert_eq!(
        world.value(&id, Field::Status).await.as_deref(),
        Some("resolved")
    );
    assert_eq!(world.writes().len(), 1, "{:?}", world.writes());
    let version = link(&incident).version;
    world.announce(&record).await;
    world.settle().await;
    assert_eq!(
        link(&world.incident(&id).await).version,
        version,
        "it is said once"
    );
}

#[tokio::test]
async fn directions_are_kept() {
    for (direction, goes_out, comes_in) in [
        ("inbound", false, true),
        ("outbound", true, false),
        ("none", false, false),
    ] {
        let (world, id, record) = imported().await;
        let path = format!("/integrations/{INTEGRATION}");
        let body = json!({"sync_direction": direction});
        assert_eq!(
            world.api(Method::PATCH, &path, Some(&body)).await.status(),
            200
        );
        world.clock.advance(SignedDuration::from_secs(60));
        world.edit(&id, &json!({"severity": "SEV-4"})).await;
        world.settle().await;
        assert_eq!(!world.writes().is_empty(), goes_out, "{direction}");
        world
            .pagerduty
            .person("ann@example.com")
            .acknowledge(&record)
            .expect("allowed");
        world.settle().await;
        let pulled = world.value(&id, Field::Status).await.as_deref() == Some("acknowledged");
        assert_eq!(pulled, comes_in, "{direction}");
    }
}

#[tokio::test]
async fn a_disabled_integration_stores_deliveries_and_catches_up_when_it_is_enabled() {
    let (world, id, record) = imported().await;
    let path = format!("/integrations/{INTEGRATION}");
    world
        .api(Method::PATCH, &path, Some(&json!({"enabled": false})))
        .await;
    world.clock.advance(SignedDuration::from_secs(60));
    world.edit(&id, &json!({"severity": "SEV-4"})).await;
    world.settle().await;
    assert!(world.writes().is_empty());
    let ann = world.pagerduty.person("ann@example.com");
    ann.trigger("while it was disabled", Urgency::Low)
        .expect("allowed");
    ann.acknowledge(&record).expect("allowed");
    world.settle().await;
    assert_eq!(world.incidents().await.len(), 1);
    world
        .api(Method::PATCH, &path, Some(&json!({"enabled": true})))
        .await;
    world.clock.advance(SignedDuration::from_secs(60));
    world
        .system
        .bring_open_work()
        .await
        .expect("the store answers");
    world.settle().await;
    let held = world.pagerduty.incident(&record).expect("it exists");
    assert_eq!(held.urgency, Urgency::Low, "what it was owed");
    assert_eq!(
        world.value(&id, Field::Status).await.as_deref(),
        Some("acknowledged")
    );
    assert_eq!(world.incidents().await.len(), 2, "what came in meanwhile");
}

#[tokio::test]
async fn a_named_request_creates_once() {
    let world = World::new().await;
    let post = async |key: &str, body: &str| -> (u16, Value) {
        let request = http::Request::post("/api/v1/incidents")
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .body(body.to_owned().into())
            .expect("a request");
        let answer = world.request(request).await;
        (
            answer.status().as_u16(),
            serde_json::from_slice(answer.body()).unwrap_or_default(),
        )
    };
    let (status, first) = post("k1", r#"{"title":"db down"}"#).await;
    assert_eq!(status, 201);
    let (status, again) = post("k1", r#"{"title":"db down"}"#).await;
    assert_eq!((status, &again["id"]), (201, &first["id"]));
    assert_eq!(
        post("k1", r#"{"title":"db up"}"#).await.0,
        422,
        "another incident"
    );
    assert_eq!(post("a b", r#"{"title":"db down"}"#).await.0, 400);
    assert_eq!(world.incidents().await.len(), 1);
    assert_eq!(post("k2", r#"{"title":"db down"}"#).await.0, 201);
    world.clock.advance(SignedDuration::from_hours(25));
    assert_eq!(
        post("k1", r#"{"title":"db up"}"#).await.0,
        201,
        "it has run out"
    );
    assert_eq!(world.incidents().await.len(), 3);
}

#[tokio::test]
async fn the_api_lists_gets_and_refuses_as_documented() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(
            world
                .create(&json!({"title": format!("incident {number}")}))
                .await,
        );
        world.clock.advance(SignedDuration::from_secs(1));
    }
    let get = async |path: &str| -> (u16, Value) {
        let answer = world.api(Method::GET, path, None).await;
        (
            answer.status().as_u16(),
            serde_json::from_slice(answer.body()).unwrap_or_default(),
        )
    };
    let (_, first) = get("/incidents?limit=3").await;
    let (_, second) = get(&format!(
        "/incidents?limit=3&cursor={}",
        first["next"].as_str().expect("more")
    ))
    .await;
    let listed: Vec<_> = [&first, &second]
        .iter()
        .flat_map(|page| page["items"].as_array().expect("items").clone())
        .map(|incident| incident["id"].as_str().expect("an id").to_owned())
        .collect();
    assert_eq!(
        listed,
        ids.iter().map(ToString::to_string).collect::<Vec<_>>()
    );
    assert_eq!(second["next"], Value::Null);
    assert_eq!(get("/incidents?cursor=nonsense").await.0, 422);
    assert_eq!(
        get("/incidents/INC-01ARZ3NDEKTSV4RRFFQ69G5FAV").await.0,
        404
    );

    let path = format!("/incidents/{}", ids[0]);
    let stale = http::Request::patch(format!("/api/v1{path}"))
        .header("content-type", "application/json")
        .header("if-match", "\"9\"")
        .body(r#"{"severity":"SEV-1"}"#.into())
        .expect("a request");
    assert_eq!(world.request(stale).await.status(), 412);
    let bad = json!({"severity": "SEV-9", "status": "done", "assigned_to": "ann", "colour": 1});
    let refused = world.api(Method::PATCH, &path, Some(&bad)).await;
    assert_eq!(refused.status(), 422);
    let problem: Value = serde_json::from_slice(refused.body()).expect("JSON");
    let mut named: Vec<_> = problem["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| error["field"].as_str().expect("a field").to_owned())
        .collect();
    named.sort();
    assert_eq!(named, ["assigned_to", "colour", "severity", "status"]);
    assert_eq!(
        world.incident(&ids[0]).await.revision,
        1,
        "nothing was changed"
    );
}

/// The edit falls between our read and our claim.
#[tokio::test]
async fn what_somebody_wrote_between_our_read_and_our_claim_is_not_lost() {
    let (world, id, record) = imported().await;
    world.edit(&id, &json!({"status": "resolved"})).await;
    let (other, same_record) = (world.clone(), record.clone());
    world.transport.once(
        im_tests::Moment::BeforeAnswer,
        Method::GET,
        move || async move {
            bob_acknowledges(&other, &same_record);
        },
    );
    world.run_outbound().await;
    let held = world.pagerduty.incident(&record).expect("it exists");
    assert_eq!(held.status, Status::Resolved);
    world.settle().await;
    bobs_value_is_kept(&world, &id).await;
}

/// Bob's webhook is worked on after our write and before our commit.
#[tokio::test]
async fn an_overwritten_edit_whose_webhook_comes_before_our_commit_is_not_lost() {
    let (world, id, record) = imported().await;
    world.edit(&id, &json!({"status": "resolved"})).await;
    let (other, same_record) = (world.clone(), record.clone());
    world.transport.once(
        im_tests::Moment::BeforeArrival,
        Method::PUT,
        move || async move {
            bob_acknowledges(&other, &same_record);
            let again = other.clone();
            other.transport.once(
                im_tests::Moment::BeforeAnswer,
                Method::PUT,
                move || async move {
                    again.deliver_webhooks().await;
                    again.run_inbound().await;
                },
            );
        },
    );
    world.run_outbound().await;
    world.settle().await;
    bobs_value_is_kept(&world, &id).await;
}
