//! An integration's rules: changed together, paused, and by whom.

#[path = "rules/check.rs"]
mod check;
#[path = "rules/mappings.rs"]
mod mappings;
#[path = "rules/ownership.rs"]
mod ownership;

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request};
use im_tests::{INTEGRATION, World};
use ownership::owners;
use serde_json::{Value, json};

use super::{Answer, answer, call, call_as, errors, get, linked, post, with_tokens};

fn path(below: &str) -> String {
    path_of(INTEGRATION, below)
}

fn path_of(integration: &str, below: &str) -> String {
    format!("/integrations/{integration}/{below}")
}

async fn put(world: &World, path: &str, body: &Value) -> Answer {
    call(world, Method::PUT, path, Some(body)).await
}

async fn patch(world: &World, body: &Value) -> Answer {
    let path = format!("/integrations/{INTEGRATION}");
    call(world, Method::PATCH, &path, Some(body)).await
}

async fn version(world: &World) -> u64 {
    let (_, shown) = get(world, &format!("/integrations/{INTEGRATION}")).await;
    shown["version"].as_u64().expect("a version")
}

/// The mappings of PagerDuty with another outbound table of severities.
async fn with_severities(world: &World, table: Value) -> Value {
    let (_, mut mappings) = get(world, &path("mappings")).await;
    mappings["values"]["severity"]["outbound"] = table;
    mappings
}

#[tokio::test]
async fn a_version_that_was_seen_is_the_one_that_is_changed() {
    let world = World::new().await;
    let body = json!({"rules": [{"owner": "external"}]});
    let put_at = async |below: &str, body: &Value, version: u64| {
        let request = Request::builder()
            .method(Method::PUT)
            .uri(format!("/api/v1{}", path(below)))
            .header("content-type", "application/json")
            .header("if-match", format!("\"{version}\""));
        let request = request
            .body(Bytes::from(body.to_string()))
            .expect("a request");
        let response = world.request(request).await;
        let tag = response
            .headers()
            .get("etag")
            .map(|tag| tag.to_str().expect("text").to_owned());
        (answer(&response).0, tag)
    };
    let ownership = "field-ownership/severity";
    assert_eq!(put_at(ownership, &body, 2).await.0, 412);
    assert_eq!(
        put_at(ownership, &body, 1).await,
        (200, Some("\"2\"".to_owned()))
    );
    assert_eq!(put_at("mappings", &json!({"values": {}}), 1).await.0, 412);
    assert_eq!(
        put_at("mappings", &json!({"values": {}}), 2).await,
        (200, Some("\"2\"".to_owned()))
    );
}

#[tokio::test]
async fn changes_at_the_same_time_are_all_made() {
    let world: Arc<World> = World::new().await;
    let fields = ["title", "severity", "status", "priority"];
    let set = |field: &str| {
        let (world, path) = (
            Arc::clone(&world),
            path(&format!("field-ownership/{field}")),
        );
        async move {
            put(
                &world,
                &path,
                &json!({"rules": [{"owner": "external", "priority": 7}]}),
            )
            .await
        }
    };
    let (a, b, c, d) = tokio::join!(
        set(fields[0]),
        set(fields[1]),
        set(fields[2]),
        set(fields[3])
    );
    assert_eq!([a.0, b.0, c.0, d.0], [200; 4]);
    let list = get(&world, &path("field-ownership")).await;
    for field in fields {
        assert_eq!(
            owners(&list, field)["rules"],
            json!([{"owner": "external", "priority": 7}])
        );
    }
}

#[tokio::test]
async fn a_paused_integration_waits_until_it_is_resumed() {
    let (world, id, record) = linked().await;
    let paused = post(&world, &path("pause"), &json!({})).await;
    assert_eq!((paused.0, &paused.1["activity"]), (200, &json!("paused")));
    let version = paused.1["version"].clone();
    let again = post(&world, &path("pause"), &json!({})).await;
    assert_eq!(again.1["version"], version, "it is paused already");
    let writes = world.all_writes().len();
    world.clock.advance(jiff::SignedDuration::from_secs(60));
    world.edit(&id, &json!({"title": "db slow"})).await;
    world.settle().await;
    assert_eq!(world.all_writes().len(), writes);
    let resumed = post(&world, &path("resume"), &json!({})).await;
    assert_eq!((resumed.0, &resumed.1["activity"]), (200, &json!("active")));
    world.clock.advance(jiff::SignedDuration::from_secs(60));
    world.edit(&id, &json!({"severity": "SEV-4"})).await;
    world.settle().await;
    let record = world.pagerduty.incident(&record).expect("it exists");
    assert_eq!(
        record.title, "db slow",
        "the next change brings all of it up to date"
    );
}

#[tokio::test]
async fn the_conflict_window_is_shown_and_changed() {
    let world = World::new().await;
    let shown = get(&world, &format!("/integrations/{INTEGRATION}")).await;
    assert_eq!(shown.1["conflict_window"], "5s");
    let changed = patch(&world, &json!({"conflict_window": "250ms"})).await;
    assert_eq!(
        (changed.0, &changed.1["conflict_window"]),
        (200, &json!("250ms"))
    );
    for bad in ["11m", "-1s", "10m 1ms"] {
        let refused = patch(&world, &json!({"conflict_window": bad})).await;
        let expected = vec![("conflict_window", "must be from 0s to 10m")];
        assert_eq!((refused.0, errors(&refused)), (422, expected), "{bad}");
    }
}

#[tokio::test]
async fn rules_are_for_those_who_manage_the_integration() {
    let world = World::new().await;
    with_tokens(&world).await;
    let body = json!({"rules": [{"owner": "platform"}]});
    let set = path("field-ownership/severity");
    let statuses = async |role: &str| {
        let changed = call_as(&world, role, Method::PUT, &set, Some(&body)).await;
        let read = call_as(&world, role, Method::GET, &path("check"), None).await;
        (changed.0, read.0)
    };
    assert_eq!(statuses("viewer").await, (403, 403));
    assert_eq!(statuses("incident_commander").await, (403, 403));
    assert_eq!(statuses("integration.manager").await, (200, 200));
    let other = path_of("other", "field-ownership/severity");
    let manager = "integration.manager";
    assert_eq!(
        call_as(&world, manager, Method::PUT, &other, Some(&body))
            .await
            .0,
        403
    );
    assert_eq!(put(&world, &other, &body).await.0, 404);
}
