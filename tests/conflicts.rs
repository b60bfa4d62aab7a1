//! Conflicts and directions, through the management API and the real functions.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

#[path = "conflicts/direction.rs"]
mod direction;
#[path = "conflicts/ends.rs"]
mod ends;
#[path = "conflicts/races.rs"]
mod races;
#[path = "conflicts/restore.rs"]
mod restore;
#[path = "conflicts/review.rs"]
mod review;
#[path = "conflicts/war.rs"]
mod war;

use std::sync::Arc;

use http::Method;
use im_model::{Field, IncidentId};
use im_tests::{JIRA, World};
use jiff::SignedDuration;
use serde_json::{Value, json};

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

/// An incident that is linked everywhere, some time ago; Jira's conflicts are resolved by this strategy.
async fn linked(strategy: &str) -> (Arc<World>, IncidentId) {
    let world = World::with_all().await;
    configure(&world, JIRA, &json!({"conflict_strategy": strategy})).await;
    let id = world
        .create(&json!({"title": "db down", "severity": "SEV-2"}))
        .await;
    world.settle().await;
    world.clock.advance(seconds(60));
    (world, id)
}

/// Calls the API; status and body.
async fn call(world: &World, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
    let answer = world.api(method, path, body).await;
    let json = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
    (answer.status().as_u16(), json)
}

async fn configure(world: &World, integration: &str, change: &Value) {
    let path = format!("/integrations/{integration}");
    let (status, body) = call(world, Method::PATCH, &path, Some(change)).await;
    assert_eq!(status, 200, "{body}");
    forget_configuration(world);
}

/// The functions keep an integration's configuration for some seconds.
fn forget_configuration(world: &World) {
    world.clock.advance(seconds(30));
}

async fn own(world: &World, integration: &str, field: &str, rules: &Value) {
    let path = format!("/integrations/{integration}/field-ownership/{field}");
    let (status, body) = if rules.is_null() {
        call(world, Method::DELETE, &path, None).await
    } else {
        call(world, Method::PUT, &path, Some(&json!({"rules": rules}))).await
    };
    assert!(status < 300, "{status} {body}");
    forget_configuration(world);
}

/// Both sides edit the title: Ann on the platform, and three seconds later Bob in Jira.
async fn edit_both(world: &World, id: &IncidentId, ours: &str, theirs: &str) {
    let key = world.record_in(id, JIRA).await;
    world.edit(id, &json!({"title": ours})).await;
    world.clock.advance(seconds(3));
    retitle(world, &key, theirs);
    world.clock.advance(seconds(1));
    world.settle().await;
}

fn retitle(world: &World, key: &str, title: &str) {
    let bob = world.jira.person("bob@example.com");
    bob.edit(key, &json!({"summary": title})).expect("allowed");
}

async fn conflicts(world: &World, query: &str) -> Vec<Value> {
    let path = format!("/conflicts{query}");
    let (status, body) = call(world, Method::GET, &path, None).await;
    assert_eq!(status, 200, "{body}");
    body["items"].as_array().expect("items").clone()
}

async fn resolve(world: &World, conflict: &Value, resolution: &str) -> (u16, Value) {
    let id = conflict["id"].as_str().expect("an id");
    let path = format!("/conflicts/{id}/resolve");
    let body = json!({"resolution": resolution});
    call(world, Method::POST, &path, Some(&body)).await
}

/// What the platform and Jira call the incident.
async fn titles(world: &World, id: &IncidentId) -> (String, String) {
    let key = world.record_in(id, JIRA).await;
    let issue = world.jira.issue(&key).expect("the issue exists");
    let ours = world.value(id, Field::Title).await.expect("a title");
    (ours, issue.summary)
}
