//! What would be written if an integration were enabled now, and that nothing is written.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use http::Method;
use im_model::{Field, IncidentId, IntegrationType};
use im_sandbox::{Fault, FaultRule, pagerduty::Urgency};
use im_tests::{INTEGRATION, JIRA, SERVICENOW, World};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Answer, call, call_as, errors, linked, post, with_tokens};

async fn change(world: &World, body: &Value) {
    let path = format!("/integrations/{INTEGRATION}");
    let changed = call(world, Method::PATCH, &path, Some(body)).await;
    assert_eq!(changed.0, 200, "{}", changed.1);
    // The functions keep configuration for 10 s.
    world.clock.advance(SignedDuration::from_secs(60));
}

/// Asks for a preview, and holds it to writing nothing: neither at AWS nor at any vendor.
async fn ask(world: &World, integration: &str, body: &Value) -> Answer {
    world.calls.take();
    let before = (world.all_writes(), world.incidents().await);
    world.calls.take();
    let path = format!("/integrations/{integration}/preview");
    let answer = post(world, &path, body).await;
    let called: BTreeSet<_> = world.calls.take().into_keys().collect();
    let reads = ["BatchGetItem", "GetItem", "GetSecretValue", "Query"];
    let reads: BTreeSet<_> = reads.into_iter().map(str::to_owned).collect();
    assert!(called.is_subset(&reads), "{called:?}");
    assert_eq!((world.all_writes(), world.incidents().await), before);
    answer
}

/// The only item of a preview.
async fn one(world: &World, incident: &IncidentId) -> Value {
    let body = json!({"incident": incident.to_string()});
    let (status, page) = ask(world, INTEGRATION, &body).await;
    assert_eq!((status, &page["next"]), (200, &Value::Null), "{page}");
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1), "{page}");
    assert_eq!(page["items"][0]["incident_id"], incident.to_string());
    page["items"][0].clone()
}

/// What would become of each field: action and value.
fn fields(item: &Value) -> Vec<(&str, &str, &str)> {
    let all = item["fields"].as_array().expect("fields").iter();
    all.map(|field| {
        let text = |member: &str| field[member].as_str();
        let (name, action) = (text("field").expect("a field"), text("action"));
        let becomes = text("becomes").unwrap_or_default();
        (name, action.expect("an action"), becomes)
    })
    .collect()
}

async fn catch_up(world: &Arc<World>) {
    change(world, &json!({"enabled": true})).await;
    let brought = world.system.bring_open_work().await;
    brought.expect("the store answers");
    world.settle().await;
}

#[tokio::test]
async fn what_would_be_created_is_what_is_created() {
    let world = World::new().await;
    change(&world, &json!({"enabled": false})).await;
    let incident = json!({
        "title": "db down", "severity": "SEV-1", "status": "acknowledged", "priority": "P1",
        "custom_fields": {"team": "it"},
    });
    let id = world.create(&incident).await;
    let note = json!({"text": "We are on it"});
    assert_eq!(
        post(&world, &format!("/incidents/{id}/comments"), &note)
            .await
            .0,
        201
    );
    world.settle().await;
    let item = one(&world, &id).await;
    assert_eq!(
        (&item["action"], &item["external_id"]),
        (&json!("create"), &Value::Null)
    );
    assert_eq!(
        item["reason"],
        "at its next change; it is not linked, and there is no outbound trigger"
    );
    assert_eq!(item["notes_to_send"], 1);
    let expected = [
        ("title", "push", "db down"),
        ("severity", "push", "high"),
        ("priority", "push", "P1"),
        ("status", "push", "acknowledged"),
    ];
    assert_eq!(fields(&item), expected);
    let why = |n: usize| {
        item["fields"][n]["why"]
            .as_str()
            .expect("a text")
            .to_owned()
    };
    assert_eq!(why(0), "sent with the creation");
    assert_eq!(why(3), "sent after the creation, which cannot carry it");
    catch_up(&world).await;
    world
        .edit(&id, &json!({"custom_fields": {"team": "ops"}}))
        .await;
    world.settle().await;
    let record = world.record_of(&id).await;
    let held = world.pagerduty.incident(&record).expect("it exists");
    assert_eq!(
        (held.title.as_str(), held.urgency),
        ("db down", Urgency::High)
    );
    assert_eq!(held.status, im_sandbox::pagerduty::Status::Acknowledged);
    assert_eq!(held.notes.len(), 1);
    let item = one(&world, &id).await;
    assert_eq!(
        (&item["action"], &item["external_id"]),
        (&json!("nothing"), &json!(record))
    );
    assert_eq!(
        (&item["fields"], &item["notes_to_send"]),
        (&json!([]), &json!(0))
    );
    assert_eq!(item["reason"], "both sides say the same");
}

#[tokio::test]
async fn what_the_vendor_cannot_hold_is_reported() {
    let world = World::new().await;
    change(&world, &json!({"enabled": false})).await;
    let refused = Fault::RefuseWith {
        status: 404,
        body: json!({"error": {"message": "Not Found", "code": 2100}}),
        headers: BTreeMap::new(),
    };
    let fault = FaultRule::always(refused).path_contains("/priorities");
    world.pagerduty.add_fault(fault);
    let incident = json!({"title": "slow", "priority": "P1"});
    let id = world.create(&incident).await;
    let item = one(&world, &id).await;
    let said = fields(&item);
    assert!(said.contains(&("title", "push", "slow")), "{said:?}");
    assert!(said.contains(&("priority", "report", "")), "{said:?}");
    catch_up(&world).await;
    world.edit(&id, &json!({"severity": "SEV-4"})).await;
    world.settle().await;
    let dead = world.dead_letters().await;
    let failures = &dead.first().expect("the job fails by field").failures;
    let said = item["fields"].as_array().expect("fields").iter();
    let said = said.filter(|field| field["action"] == "report");
    let said: Vec<_> = said.filter_map(|field| field["why"].as_str()).collect();
    assert_eq!(said.len(), 1, "{item}");
    assert!(
        failures.iter().any(|it| it.error.contains(said[0])),
        "{failures:?} {said:?}"
    );
}

#[tokio::test]
async fn what_would_move_is_what_moves() {
    let (world, id, record) = linked().await;
    change(&world, &json!({"enabled": false})).await;
    world.edit(&id, &json!({"title": "db is down"})).await;
    let bob = world.pagerduty.person("bob@example.com");
    bob.acknowledge(&record).expect("allowed");
    world.settle().await;
    let item = one(&world, &id).await;
    assert_eq!(
        (&item["action"], &item["external_id"]),
        (&json!("update"), &json!(record))
    );
    assert_eq!(
        item["reason"],
        "1 field to the vendor, 1 field to the platform"
    );
    let said = fields(&item);
    assert!(said.contains(&("title", "push", "db is down")), "{said:?}");
    assert!(
        said.contains(&("status", "pull", "acknowledged")),
        "{said:?}"
    );
    let title = &item["fields"][0];
    assert_eq!(
        (&title["platform"], &title["external"]),
        (&json!("db is down"), &json!("db down"))
    );
    assert_eq!(title["rule"], "platform_changed");
    catch_up(&world).await;
    let held = world.pagerduty.incident(&record).expect("it exists");
    assert_eq!(held.title, "db is down");
    assert_eq!(
        world.value(&id, Field::Status).await.as_deref(),
        Some("acknowledged")
    );
}

#[tokio::test]
async fn a_conflict_that_would_wait_for_a_person_is_held() {
    let (world, id, record) = linked().await;
    change(
        &world,
        &json!({"enabled": false, "conflict_strategy": "manual-review"}),
    )
    .await;
    world.edit(&id, &json!({"status": "resolved"})).await;
    let bob = world.pagerduty.person("bob@example.com");
    bob.acknowledge(&record).expect("allowed");
    let item = one(&world, &id).await;
    assert_eq!(item["action"], "nothing", "{item}");
    assert_eq!(item["reason"], "1 field waits for a person");
    assert_eq!(fields(&item), [("status", "hold", "")]);
}

#[tokio::test]
async fn what_would_be_left_alone_says_why() {
    let (world, linked, _) = linked().await;
    let trigger = json!({"outbound": "severity == 'SEV-1'"});
    let path = format!("/integrations/{INTEGRATION}/triggers");
    assert_eq!(
        call(&world, Method::PUT, &path, Some(&trigger)).await.0,
        200
    );
    change(&world, &json!({"enabled": false})).await;
    let minor = world
        .create(&json!({"title": "slow", "severity": "SEV-3"}))
        .await;
    let item = one(&world, &minor).await;
    assert_eq!(item["action"], "skip");
    let why = r#"the outbound trigger does not hold: severity is "SEV-3""#;
    assert_eq!(item["reason"], why);
    let major = world
        .create(&json!({"title": "down", "severity": "SEV-1"}))
        .await;
    let item = one(&world, &major).await;
    assert_eq!(item["action"], "create");
    assert_eq!(
        item["reason"],
        r#"at its next change; the outbound trigger holds: severity is "SEV-1""#
    );
    world
        .pagerduty
        .add_fault(FaultRule::once(Fault::TimeoutBeforeCommit).method(&Method::GET));
    let item = one(&world, &linked).await;
    assert_eq!(item["action"], "skip");
    let reason = item["reason"].as_str().expect("a text");
    assert!(
        reason.starts_with("demo-pd did not show its record: "),
        "{reason}"
    );
    let unlink = format!("/incidents/{linked}/links?integration_id={INTEGRATION}");
    assert_eq!(super::delete(&world, &unlink).await.0, 200);
    let item = one(&world, &linked).await;
    assert_eq!(
        (&item["action"], &item["reason"]),
        (&json!("skip"), &json!("it was unlinked by hand"))
    );
    change(&world, &json!({"sync_direction": "inbound"})).await;
    let item = one(&world, &major).await;
    assert_eq!(item["reason"], "the direction lets nothing out");
}

#[tokio::test]
async fn pages_are_bounded_and_go_on() {
    let world = World::new().await;
    change(&world, &json!({"enabled": false})).await;
    let mut all = Vec::new();
    for n in 0..27 {
        all.push(
            world
                .create(&json!({"title": format!("{n}")}))
                .await
                .to_string(),
        );
        world.clock.advance(SignedDuration::from_secs(1));
    }
    let ids = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().expect("items").iter();
        items
            .map(|item| item["incident_id"].as_str().expect("an id").to_owned())
            .collect()
    };
    let (status, first) = ask(&world, INTEGRATION, &json!({})).await;
    assert_eq!((status, ids(&first)), (200, all[..25].to_vec()));
    let (_, rest) = ask(
        &world,
        INTEGRATION,
        &json!({"cursor": first["next"], "limit": 25}),
    )
    .await;
    assert_eq!(
        (ids(&rest), &rest["next"]),
        (all[25..].to_vec(), &Value::Null)
    );
    let (_, two) = ask(&world, INTEGRATION, &json!({"limit": 2})).await;
    assert_eq!(ids(&two), all[..2]);
    for (body, field) in [
        (json!({"limit": 0}), "limit"),
        (json!({"limit": 26}), "limit"),
        (json!({"limit": "2"}), "limit"),
        (json!({"cursor": "x"}), "cursor"),
        (json!({"incident": all[0], "limit": 1}), "incident"),
        (json!({"incident": "7"}), "incident"),
        (json!({"dry_run": true}), "dry_run"),
    ] {
        let refused = ask(&world, INTEGRATION, &body).await;
        assert_eq!(refused.0, 422, "{body}");
        assert_eq!(errors(&refused)[0].0, field, "{body}");
    }
    let unknown = IncidentId::from_ulid(ulid::Ulid::from_parts(1, 1)).to_string();
    assert_eq!(
        ask(&world, INTEGRATION, &json!({"incident": unknown}))
            .await
            .0,
        404
    );
    assert_eq!(ask(&world, "nothing", &json!({})).await.0, 404);
}

#[tokio::test]
async fn every_vendor_can_be_previewed() {
    let world = World::with_all().await;
    let incident = json!({"title": "db down", "severity": "SEV-1", "status": "acknowledged"});
    let id = world.create(&incident).await;
    world.settle().await;
    world.clock.advance(SignedDuration::from_secs(60));
    world.edit(&id, &json!({"title": "db is down"})).await;
    for (vendor, integration) in [
        (IntegrationType::PagerDuty, INTEGRATION),
        (IntegrationType::Jira, JIRA),
        (IntegrationType::ServiceNow, SERVICENOW),
    ] {
        let (status, page) = ask(&world, integration, &json!({})).await;
        assert_eq!(status, 200, "{vendor}: {page}");
        let item = &page["items"][0];
        assert_eq!(
            fields(item),
            [("title", "push", "db is down")],
            "{vendor}: {item}"
        );
    }
}

#[tokio::test]
async fn wrong_credentials_are_no_page_and_not_everybody_may_ask() {
    let (world, id, _) = linked().await;
    change(&world, &json!({"credentials": {"token": "another"}})).await;
    let path = format!("/integrations/{INTEGRATION}/preview");
    let body = json!({"incident": id.to_string()});
    let (status, problem) = post(&world, &path, &body).await;
    assert_eq!(status, 502, "{problem}");
    with_tokens(&world).await;
    for role in ["incident_commander", "viewer"] {
        let answer = call_as(&world, role, Method::POST, &path, Some(&body)).await;
        assert_eq!(answer.0, 403, "{role}");
    }
}
