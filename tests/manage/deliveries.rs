//! What arrived, and processing it again.

use http::Method;
use im_model::Field;
use im_sandbox::pagerduty::sign;
use im_tests::{INTEGRATION, World};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Answer, call_as, errors, get, linked, post, with_tokens};

async fn list(world: &World, query: &str) -> Value {
    let path = format!("/deliveries?integration_id={INTEGRATION}{query}");
    let (status, page) = get(world, &path).await;
    assert_eq!(status, 200, "{page}");
    page
}

fn all<'a>(page: &'a Value, member: &str) -> Vec<&'a str> {
    let items = page["items"].as_array().expect("items").iter();
    items
        .map(|item| item[member].as_str().expect("a text"))
        .collect()
}

async fn replay(world: &World, delivery: &str) -> Answer {
    let path = format!("/deliveries/{INTEGRATION}/{delivery}/replay");
    post(world, &path, &json!({})).await
}

/// PagerDuty's own test of a subscription.
async fn ping(world: &World, id: &str) {
    let event = json!({"event": {
        "id": id, "event_type": "pagey.ping", "resource_type": "pagey",
        "occurred_at": "2026-01-02T03:04:05Z", "agent": null, "client": null,
        "data": {"message": "Hello", "type": "ping"},
    }});
    let body = event.to_string();
    let signature = sign("a-secret", body.as_bytes());
    let status = world.webhook(INTEGRATION, &signature, body.as_bytes());
    assert_eq!(status.await, 202);
}

#[tokio::test]
async fn deliveries_are_listed_newest_first_page_by_page() {
    let (world, _, record) = linked().await;
    let before = list(&world, "").await["items"]
        .as_array()
        .map_or(0, Vec::len);
    for n in 0..5 {
        world.clock.advance(SignedDuration::from_millis(10));
        ping(&world, &format!("PING-{n}")).await;
    }
    world.clock.advance(SignedDuration::from_secs(1));
    let ann = world.pagerduty.person("ann@example.com");
    ann.acknowledge(&record).expect("allowed");
    world.deliver_webhooks().await;
    let newest = list(&world, "&limit=1").await["items"][0].clone();
    assert_eq!(newest["event_type"], "incident.acknowledged");
    assert_eq!(newest["external_id"], json!(record));
    assert_eq!(newest["status"], "open");
    assert_eq!(newest["outcome"], Value::Null);
    let id = format!(
        "{INTEGRATION}/{}",
        newest["delivery_id"].as_str().expect("an id")
    );
    assert_eq!(newest["id"], json!(id));

    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for _ in 0..20 {
        let page = list(&world, &format!("&limit=2{cursor}")).await;
        seen.extend(all(&page, "delivery_id").into_iter().map(str::to_owned));
        let Some(next) = page["next"].as_str() else {
            break;
        };
        let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen.len(), before + 6, "{seen:?}");
    let pings = ["PING-4", "PING-3", "PING-2", "PING-1", "PING-0"];
    assert_eq!(seen[1..6], pings.map(str::to_owned));

    // What is wanted may be pages away.
    let open = list(&world, "&limit=1&status=open").await;
    assert_eq!(all(&open, "status"), ["open"]);
    let done = list(&world, "&limit=3&status=done").await;
    assert_eq!(all(&done, "delivery_id"), pings[..3]);
    assert_eq!(all(&done, "outcome"), ["nothing to do"; 3]);
    assert_eq!(done["items"][0]["external_id"], Value::Null);
    world.settle().await;
    let open = list(&world, "&status=open").await;
    assert_eq!(open["items"], json!([]));
    assert_eq!(open["next"], Value::Null);
}

/// Somebody's change was never announced; any delivery of its record brings it.
#[tokio::test]
async fn a_replay_brings_what_the_record_says_by_then() {
    let (world, id, record) = linked().await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.acknowledge(&record).expect("allowed");
    world.settle().await;
    let delivery = list(&world, "&limit=1").await["items"][0].clone();
    assert_eq!(delivery["status"], "done");
    world.clock.advance(SignedDuration::from_secs(60));
    ann.resolve(&record).expect("allowed");
    drop(world.pagerduty.drain_webhooks());
    world.settle().await;
    let status = world.value(&id, Field::Status).await;
    assert_eq!(status.as_deref(), Some("acknowledged"), "nobody told us");

    let (status, replayed) = replay(&world, delivery["delivery_id"].as_str().expect("an id")).await;
    assert_eq!((status, &replayed["status"]), (202, &json!("open")));
    assert_eq!(replayed["id"], delivery["id"]);
    assert_eq!(replayed["outcome"], Value::Null);
    let open = list(&world, "&status=open").await;
    assert_eq!(all(&open, "id"), [delivery["id"].as_str().expect("an id")]);
    let stored = world.stored_deliveries().await;
    let reopened = stored.iter().find(|one| one.outcome.is_none());
    let announced = reopened.and_then(|one| one.announced.clone());
    let announced = announced.expect("it names a record");
    assert!(
        announced.changed.is_empty(),
        "an old time is no news: {announced:?}"
    );
    assert_eq!(announced.author, None);

    assert_eq!(world.run_inbound().await, 1, "the stream wakes inbound");
    let status = world.value(&id, Field::Status).await;
    assert_eq!(status.as_deref(), Some("resolved"));
    let replayed = list(&world, "&limit=1").await["items"][0].clone();
    assert_eq!(replayed["status"], "done");
    assert_eq!(replayed["outcome"], "synced (pulled: status)");
}

#[tokio::test]
async fn a_replay_of_what_is_known_changes_nothing() {
    let (world, id, record) = linked().await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.acknowledge(&record).expect("allowed");
    world.settle().await;
    let before = (world.incident(&id).await, world.writes());
    let delivery = list(&world, "&limit=1").await["items"][0].clone();
    let delivery = delivery["delivery_id"].as_str().expect("an id");
    for _ in 0..2 {
        assert_eq!(replay(&world, delivery).await.0, 202);
    }
    world.settle().await;
    assert_eq!((world.incident(&id).await, world.writes()), before);
}

#[tokio::test]
async fn what_cannot_be_replayed_says_why() {
    let (world, _, _) = linked().await;
    ping(&world, "PING").await;
    let (status, problem) = replay(&world, "PING").await;
    assert_eq!(status, 409);
    let detail = "delivery demo-pd#PING (pagey.ping) names no record: nothing can be done";
    assert_eq!(problem["detail"], detail);
    let (status, problem) = replay(&world, "UNKNOWN").await;
    assert_eq!(status, 404);
    assert_eq!(problem["detail"], "delivery demo-pd#UNKNOWN does not exist");
    for path in [
        "/deliveries/other/PING/replay",
        "/deliveries/nonsense/replay",
    ] {
        assert_eq!(post(&world, path, &json!({})).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn a_list_is_of_one_integration_that_exists() {
    let (world, _, _) = linked().await;
    let unnamed = get(&world, "/deliveries").await;
    assert_eq!(unnamed.0, 422);
    assert_eq!(errors(&unnamed), [("integration_id", "is required")]);
    assert_eq!(get(&world, "/deliveries?integration_id=other").await.0, 404);
    let path = format!("/deliveries?integration_id={INTEGRATION}&cursor=nonsense");
    let cursor = get(&world, &path).await;
    let problem = "is not a cursor that a list answered with";
    assert_eq!(cursor.0, 422);
    assert_eq!(errors(&cursor), [("cursor", problem)]);
}

#[tokio::test]
async fn deliveries_are_for_those_who_manage_the_integration() {
    let (world, _, record) = linked().await;
    with_tokens(&world).await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.acknowledge(&record).expect("allowed");
    world.settle().await;
    let delivery = list(&world, "&limit=1").await["items"][0].clone();
    let delivery = delivery["delivery_id"].as_str().expect("an id").to_owned();
    let read = format!("/deliveries?integration_id={INTEGRATION}");
    let replay = format!("/deliveries/{INTEGRATION}%2F{delivery}/replay");
    let as_role = async |role: &str| {
        (
            call_as(&world, role, Method::GET, &read, None).await.0,
            call_as(&world, role, Method::POST, &replay, None).await.0,
        )
    };
    assert_eq!(as_role("viewer").await, (403, 403));
    assert_eq!(as_role("incident_commander").await, (403, 403));
    assert_eq!(as_role("integration.manager").await, (200, 202));
}
