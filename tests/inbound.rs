//! What somebody can try who knows a webhook's URL and no secret, and what somebody can who knows one.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

#[path = "inbound/enumeration.rs"]
mod enumeration;
#[path = "inbound/limits.rs"]
mod limits;

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use http::Request;
use im_model::{IntegrationType, Secret};
use im_tests::World;
use im_vendors::{Credentials, SelfTest, Verification, registry};

const VENDORS: [IntegrationType; 3] = [
    IntegrationType::PagerDuty,
    IntegrationType::Jira,
    IntegrationType::ServiceNow,
];

/// The webhook secret that a world's integration has.
fn secret_of(vendor: IntegrationType) -> &'static str {
    match vendor {
        IntegrationType::PagerDuty => "a-secret",
        IntegrationType::Jira => "a-jira-secret",
        IntegrationType::ServiceNow => "a-snow-secret",
    }
}

/// A delivery of an event that announces nothing, signed for this URL with this secret.
fn signed(world: &World, vendor: IntegrationType, integration: &str, secret: &str) -> SelfTest {
    let client_key = ("client_key".to_owned(), Secret::new("a-client"));
    let against = Verification {
        secrets: &[Secret::new(secret)],
        options: &BTreeMap::new(),
        credentials: &Credentials([client_key].into()),
        now: im_engine::ports::Clock::now(&world.clock),
    };
    let made = registry::webhook_source(vendor).self_test(integration, against);
    made.expect("a delivery")
}

/// What a sender sees of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

async fn send(
    world: &Arc<World>,
    vendor: IntegrationType,
    integration: &str,
    delivery: SelfTest,
) -> Answer {
    let query = delivery.query.map(|query| format!("?{query}"));
    let query = query.unwrap_or_default();
    let mut request = Request::post(format!("/webhooks/{vendor}/{integration}{query}"))
        .body(Bytes::from(delivery.body))
        .expect("a request");
    *request.headers_mut() = delivery.headers;
    let response = world.request(request).await;
    let text = |value: &http::HeaderValue| value.to_str().expect("ASCII").to_owned();
    let mut headers: Vec<_> = response
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect();
    headers.sort();
    Answer {
        status: response.status().as_u16(),
        headers,
        body: String::from_utf8(response.body().to_vec()).expect("UTF-8"),
    }
}
