//! What people do through the management API, on the whole system.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

#[path = "manage/address.rs"]
mod address;
#[path = "manage/by_itself.rs"]
mod by_itself;
#[path = "manage/checks.rs"]
mod checks;
#[path = "manage/deliveries.rs"]
mod deliveries;
#[path = "manage/links.rs"]
mod links;
#[path = "manage/notes.rs"]
mod notes;
#[path = "manage/preview.rs"]
mod preview;
#[path = "manage/removal.rs"]
mod removal;
#[path = "manage/rules.rs"]
mod rules;
#[path = "manage/triggers.rs"]
mod triggers;

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response};
use im_local::LocalSystem;
use im_model::IncidentId;
use im_tests::{INTEGRATION, World};
use jiff::SignedDuration;
use serde_json::{Value, json};

const JWT_KEY: &str = "a key of more than thirty-two bytes, for tests";

/// An answer: its status and its JSON.
type Answer = (u16, Value);

fn answer(response: &Response<Bytes>) -> Answer {
    let json = serde_json::from_slice(response.body()).expect("JSON");
    (response.status().as_u16(), json)
}

/// Calls the API as the local administrator.
async fn call(world: &World, method: Method, path: &str, body: Option<&Value>) -> Answer {
    answer(&world.api(method, path, body).await)
}

async fn get(world: &World, path: &str) -> Answer {
    call(world, Method::GET, path, None).await
}

async fn post(world: &World, path: &str, body: &Value) -> Answer {
    call(world, Method::POST, path, Some(body)).await
}

async fn delete(world: &World, path: &str) -> Answer {
    call(world, Method::DELETE, path, None).await
}

/// What is wrong with the fields of a refused request.
fn errors(answer: &Answer) -> Vec<(&str, &str)> {
    let all = answer.1["errors"].as_array().into_iter().flatten();
    all.map(|error| {
        (
            error["field"].as_str().expect("a field"),
            error["problem"].as_str().expect("a problem"),
        )
    })
    .collect()
}

/// Lets `call_as` be believed.
async fn with_tokens(world: &World) {
    let secrets = &world.system.embedded.secrets;
    let created = secrets
        .create_secret()
        .name(LocalSystem::API_KEY_SECRET)
        .secret_string(JWT_KEY)
        .send()
        .await;
    created.expect("a secret");
}

/// Calls the API as `ann@example.com` in this role.
async fn call_as(
    world: &World,
    role: &str,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Answer {
    call_of(world, "acme", role, method, path, body).await
}

/// The same, of an organization.
async fn call_of(
    world: &World,
    organization: &str,
    role: &str,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Answer {
    let claims = json!({
        "sub": "ann@example.com", "org": organization, "roles": [role], "scopes": [INTEGRATION],
        "exp": (world.clock.read() + SignedDuration::from_hours(1)).as_second(),
    });
    let key = jsonwebtoken::EncodingKey::from_secret(JWT_KEY.as_bytes());
    let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key);
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/v1{path}"))
        .header("content-type", "application/json")
        .header(
            "authorization",
            format!("Bearer {}", token.expect("a token")),
        );
    let body = body.map(Value::to_string).unwrap_or_default();
    let request = request.body(Bytes::from(body)).expect("a request");
    answer(&world.request(request).await)
}

/// A world with one incident that is linked, and nothing left to do.
async fn linked() -> (Arc<World>, IncidentId, String) {
    let world = World::new().await;
    let id = world
        .create(&json!({"title": "db down", "severity": "SEV-1"}))
        .await;
    world.settle().await;
    world.clock.advance(SignedDuration::from_secs(60));
    let record = world.record_of(&id).await;
    (world, id, record)
}
