//! The webhook functions.

use std::sync::Arc;

use http::{Method, StatusCode};
use im_model::IntegrationType;
use im_tests::{INTEGRATION, World};
use jiff::{SignedDuration, Timestamp};
use lambda_http::{Adapter, service_fn, tower::Service as _};
use serde_json::{Value, json};

use crate::{invocation, sample};

/// What each webhook function answers, and how many deliveries it leaves.
pub(crate) const WEBHOOKS: [(&str, u16, usize); 12] = [
    ("webhook-jira/bad-signature.json", 401, 0),
    ("webhook-jira/issue-created-base64.json", 202, 1),
    ("webhook-jira/issue-updated.json", 202, 1),
    ("webhook-jira/missing-signature.json", 401, 0),
    ("webhook-pagerduty/bad-signature.json", 401, 0),
    ("webhook-pagerduty/incident-triggered-base64.json", 202, 1),
    ("webhook-pagerduty/missing-signature.json", 401, 0),
    ("webhook-pagerduty/ping.json", 202, 1),
    ("webhook-servicenow/bad-signature.json", 401, 0),
    ("webhook-servicenow/incident-updated-base64.json", 202, 1),
    ("webhook-servicenow/incident-updated.json", 202, 1),
    ("webhook-servicenow/missing-signature.json", 401, 0),
];
/// The secret of PagerDuty's documented ping, which its webhooks are signed with.
pub(crate) const DOCUMENTED_SECRET: &str =
    "HvPtlQNKMPpHSSqJpCdndXfo7HnGXa1pnH6w5axpxLFn9aRBNBGh4e8/HlonK5mz";
/// What the other vendors' webhooks are signed with, as in `events/sign`.
const SERVICENOW_SECRET: &str = "the sample secret of events/webhook-servicenow";
const JIRA_SECRET: &str = "the sample secret of events/webhook-jira";

#[tokio::test]
async fn webhooks_are_answered_as_they_deserve() {
    for (name, status, deliveries) in WEBHOOKS {
        let world = World::unconnected(1).await;
        let vendor = vendor_of(name);
        connect(&world, vendor, secret_of(vendor)).await;
        let event = sample(name);
        go_to(&world, sent_at(&event));
        for _ in 0..2 {
            assert_eq!(post_webhook(&world, &event).await, status, "{name}");
        }
        assert_eq!(world.stored_deliveries().await.len(), deliveries, "{name}");
    }
}

/// What carries a time is no good for ever: the same bytes, an hour later and an hour too early.
#[tokio::test]
async fn webhooks_that_are_dated_are_good_for_minutes() {
    let dated = WEBHOOKS.iter().filter(|(name, status, _)| {
        *status == 202 && vendor_of(name) != IntegrationType::PagerDuty
    });
    let mut checked = 0;
    for (name, ..) in dated {
        for hours in [-1, 1] {
            let world = World::unconnected(1).await;
            let vendor = vendor_of(name);
            connect(&world, vendor, secret_of(vendor)).await;
            let event = sample(name);
            go_to(&world, sent_at(&event) + SignedDuration::from_hours(hours));
            assert_eq!(post_webhook(&world, &event).await, 401, "{name} {hours} h");
            assert_eq!(world.stored_deliveries().await.len(), 0, "{name}");
        }
        checked += 1;
    }
    assert_eq!(checked, 4);
}

/// Each function takes its own vendor's webhooks for its own integrations only.
#[tokio::test]
async fn a_webhook_of_one_vendor_is_refused_by_the_others() {
    let world = World::unconnected(1).await;
    for vendor in IntegrationType::ALL {
        connect(&world, *vendor, secret_of(*vendor)).await;
    }
    for (name, ..) in WEBHOOKS.iter().filter(|(_, status, _)| *status == 202) {
        let event = sample(name);
        go_to(&world, sent_at(&event));
        let others = IntegrationType::ALL
            .iter()
            .filter(|vendor| **vendor != vendor_of(name));
        for other in others {
            let status = post_webhook_to(&world, *other, &event).await;
            assert_eq!(status, 401, "{name} at {other}");
        }
    }
    assert_eq!(world.stored_deliveries().await.len(), 0);
}

/// The vendor whose function takes the files of a folder.
fn vendor_of(name: &str) -> IntegrationType {
    let word = name
        .strip_prefix("webhook-")
        .and_then(|rest| rest.split('/').next())
        .expect("a webhook");
    let mut vendors = IntegrationType::ALL.iter();
    *vendors
        .find(|vendor| vendor.as_str() == word)
        .expect("a vendor")
}

fn secret_of(vendor: IntegrationType) -> &'static str {
    match vendor {
        IntegrationType::PagerDuty => DOCUMENTED_SECRET,
        IntegrationType::ServiceNow => SERVICENOW_SECRET,
        IntegrationType::Jira => JIRA_SECRET,
    }
}

/// A world whose integration is the files': its webhooks are signed with their secret.
pub(crate) async fn connected_with(webhook_secret: &str) -> Arc<World> {
    let world = World::unconnected(1).await;
    connect(&world, IntegrationType::PagerDuty, webhook_secret).await;
    world
}

/// Configures the integration that the vendor's files are for.
pub(crate) async fn connect(world: &World, vendor: IntegrationType, webhook_secret: &str) {
    let (id, mut credentials, options) = match vendor {
        IntegrationType::PagerDuty => (
            INTEGRATION,
            json!({"token": "a-token", "from_email": "oncall@example.com"}),
            json!({"service": "PSVC001"}),
        ),
        IntegrationType::ServiceNow => (
            "demo-snow",
            json!({"username": "im.sync", "password": "a-password"}),
            json!({"close_code": "Solved (Permanently)"}),
        ),
        IntegrationType::Jira => (
            "demo-jira",
            json!({"email": "im@example.com", "api_key": "a-key", "client_key": "sample-client-key"}),
            json!({"project": "OPS", "issue_type": "[System] Incident"}),
        ),
    };
    credentials["webhook_secret"] = json!(webhook_secret);
    let body = json!({
        "id": id,
        "integration_type": vendor.as_str(),
        "name": format!("Demo {vendor}"),
        "base_url": "http://127.0.0.1:9",
        "credentials": credentials,
        "options": options,
    });
    let created = world.api(Method::POST, "/integrations", Some(&body)).await;
    assert_eq!(created.status(), StatusCode::CREATED, "{created:?}");
}

/// When API Gateway took the request.
fn sent_at(event: &Value) -> Timestamp {
    let epoch = event["requestContext"]["timeEpoch"].as_i64();
    Timestamp::from_millisecond(epoch.expect("milliseconds")).expect("a time")
}

pub(crate) fn go_to(world: &World, time: Timestamp) {
    world.clock.advance(time.duration_since(world.clock.read()));
}

/// Posts it to the function that its path names.
pub(crate) async fn post_webhook(world: &World, event: &Value) -> u16 {
    let path = event["rawPath"].as_str().expect("a path");
    let word = path.split('/').nth(2).expect("a vendor");
    post_webhook_to(world, vendor_of(&format!("webhook-{word}")), event).await
}

async fn post_webhook_to(world: &World, vendor: IntegrationType, event: &Value) -> u16 {
    let function = world.system.gateway.webhooks[vendor.as_str()].clone();
    let service = service_fn(move |request| {
        let function = function.clone();
        async move { Ok::<_, std::convert::Infallible>(function.handle(request).await) }
    });
    let answer = Adapter::from(service)
        .call(invocation(event))
        .await
        .expect("an answer");
    let answer = serde_json::to_value(answer).expect("JSON");
    answer["statusCode"]
        .as_u64()
        .and_then(|status| u16::try_from(status).ok())
        .expect("a status")
}
