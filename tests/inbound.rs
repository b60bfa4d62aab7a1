//! What somebody can try who knows a webhook's URL and no secret, and what somebody can who knows one.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

#[path = "inbound/enumeration.rs"]
mod enumeration;
#[path = "inbound/limits.rs"]
mod limits;

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use http::{Method, Request};
use im_model::{IntegrationType, Secret};
use im_tests::World;
use im_vendors::{Credentials, SelfTest, Verification, registry};
use serde_json::json;

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

/// One more integration, of this vendor.
async fn connect_other(world: &World, vendor: IntegrationType) -> &'static str {
    let mut body = match vendor {
        IntegrationType::PagerDuty => json!({
            "credentials": {"token": "t", "from_email": "oncall@example.com"},
            "options": {"service": "PSVC001"},
        }),
        IntegrationType::Jira => json!({
            "credentials": {
                "email": "im@example.com", "api_key": "k", "client_key": "a-client",
            },
            "options": {"project": "OPS", "issue_type": "[System] Incident"},
        }),
        IntegrationType::ServiceNow => json!({
            "credentials": {"username": "u", "password": "p"},
            "options": {"close_code": "Solution provided"},
        }),
    };
    body["id"] = json!("the-other");
    body["name"] = json!("The other");
    body["integration_type"] = json!(vendor.as_str());
    body["base_url"] = json!("http://127.0.0.1:12");
    body["credentials"]["webhook_secret"] = json!("the-others-secret");
    let created = world.api(Method::POST, "/integrations", Some(&body)).await;
    assert_eq!(created.status(), 201, "{created:?}");
    "the-other"
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
