//! Who is let in, and that accepted is durable.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

use futures::future::join_all;
use http::Method;
use im_sandbox::pagerduty::{Urgency, sign};
use im_tests::{INTEGRATION, World};
use jiff::SignedDuration;
use serde_json::json;

// The example of FACTS.md.
const PING: &[u8] = br#"{"event":{"id":"01FKZOXA868SHYEE4DVNWB5P9W","event_type":"pagey.ping","resource_type":"pagey","occurred_at":"2025-04-07T03:00:55.532Z","agent":{"id":"PVE0ZR9","type":"user_reference"},"client":null,"data":{"message":"Hello from your friend Pagey!","type":"ping"}}}"#;
const PING_SECRET: &str = "HvPtlQNKMPpHSSqJpCdndXfo7HnGXa1pnH6w5axpxLFn9aRBNBGh4e8/HlonK5mz";
const PING_SIGNATURE: &str = "v1=0e83584cbab86f98c51517cf96a70c90e910532d3d2f067d58c753cc8980a05b";

fn event(id: &str, event_type: &str, record: &str) -> Vec<u8> {
    json!({"event": {
        "id": id, "event_type": event_type, "resource_type": "incident",
        "occurred_at": "2026-09-21T13:33:20.250Z", "agent": null, "client": null,
        "data": {"id": record, "type": "incident"},
    }})
    .to_string()
    .into_bytes()
}

#[tokio::test]
async fn the_documented_ping_is_accepted_stored_and_makes_no_work() {
    let world = World::new().await;
    let secret = json!({"credentials": {"webhook_secret": PING_SECRET}});
    let path = format!("/integrations/{INTEGRATION}");
    assert_eq!(
        world
            .api(Method::PATCH, &path, Some(&secret))
            .await
            .status(),
        200
    );
    assert_eq!(world.webhook(INTEGRATION, PING_SIGNATURE, PING).await, 202);
    let stored = world.stored_deliveries().await;
    assert_eq!(stored.len(), 1);
    assert_eq!(
        stored[0].key.to_string(),
        "demo-pd#01FKZOXA868SHYEE4DVNWB5P9W"
    );
    assert_eq!(world.run_inbound().await, 0);
}

#[tokio::test]
async fn whatever_is_not_authentic_is_refused_alike_and_nothing_is_stored() {
    let world = World::new().await;
    let body = event("01A", "incident.triggered", "Q1");
    let good = sign("a-secret", &body);
    let mut flipped = body.clone();
    flipped[40] ^= 1;
    for (integration, signature, body) in [
        (INTEGRATION, "", body.as_slice()),
        (INTEGRATION, "v1=", &body),
        (INTEGRATION, "garbage", &body),
        (INTEGRATION, good.trim_start_matches("v1="), &body),
        (INTEGRATION, &sign("another-secret", &body), &body),
        (INTEGRATION, &good, &flipped),
        (INTEGRATION, &good, b""),
        (INTEGRATION, &sign("a-secret", b""), b""),
        ("no-such-integration", &good, &body),
        ("Not%20an%20id", &good, &body),
    ] {
        assert_eq!(
            world.webhook(integration, signature, body).await,
            401,
            "{signature:?}"
        );
    }
    let unsigned = http::Request::post(format!("/webhooks/pagerduty/{INTEGRATION}"))
        .body(body.clone().into())
        .expect("a request");
    assert_eq!(
        world.request(unsigned).await.status(),
        401,
        "no header at all"
    );
    assert!(world.stored_deliveries().await.is_empty());
    assert_eq!(
        world.webhook(INTEGRATION, &good, &body).await,
        202,
        "the real one"
    );
}

#[tokio::test]
async fn signed_but_unreadable_is_400_and_too_large_is_413() {
    let world = World::new().await;
    for body in ["{", "[]", "{}", r#"{"event":{"id":7}}"#, "\u{0}"] {
        let signature = sign("a-secret", body.as_bytes());
        assert_eq!(
            world
                .webhook(INTEGRATION, &signature, body.as_bytes())
                .await,
            400,
            "{body}"
        );
    }
    let large = vec![b' '; 512 * 1024 + 1];
    assert_eq!(
        world
            .webhook(INTEGRATION, &sign("a-secret", &large), &large)
            .await,
        413
    );
    assert!(world.stored_deliveries().await.is_empty());
}

#[tokio::test]
async fn unknown_types_are_accepted() {
    let world = World::new().await;
    let body = br#"{"event":{"id":"01Z","event_type":"moon.rises","data":null}}"#;
    assert_eq!(
        world
            .webhook(INTEGRATION, &sign("a-secret", body), body)
            .await,
        202
    );
    assert_eq!(world.stored_deliveries().await.len(), 1);
}

#[tokio::test]
async fn a_rotated_secret_is_fetched_anew_once_before_a_refusal() {
    let world = World::new().await;
    let body = event("01A", "incident.triggered", "Q1");
    assert_eq!(
        world
            .webhook(INTEGRATION, &sign("a-secret", &body), &body)
            .await,
        202
    );
    // Rotated where operators rotate: in Secrets Manager, behind our back, while the secret is cached.
    let secrets = &world.system.embedded.secrets;
    let names = secrets.list_secrets().send().await.expect("a list");
    let names = names
        .secret_list()
        .iter()
        .filter_map(|secret| secret.name());
    let name = names
        .into_iter()
        .find(|name| name.contains(INTEGRATION))
        .expect("its secret");
    let rotated = json!({
        "token": "a-token", "from_email": "oncall@example.com", "webhook_secret": "a-new-secret",
    });
    let put = secrets
        .put_secret_value()
        .secret_id(name)
        .secret_string(rotated.to_string());
    put.send().await.expect("rotated");
    world.calls.take();
    let body = event("01B", "incident.triggered", "Q1");
    assert_eq!(
        world
            .webhook(INTEGRATION, &sign("a-new-secret", &body), &body)
            .await,
        202
    );
    assert!(
        world.calls.take().contains_key("GetSecretValue"),
        "fetched anew"
    );
    let body = event("01C", "incident.triggered", "Q1");
    assert_eq!(
        world
            .webhook(INTEGRATION, &sign("a-new-secret", &body), &body)
            .await,
        202
    );
    assert!(
        !world.calls.take().contains_key("GetSecretValue"),
        "and kept"
    );
    let body = event("01D", "incident.triggered", "Q1");
    let before = world
        .webhook(INTEGRATION, &sign("a-secret", &body), &body)
        .await;
    assert_eq!(
        before, 202,
        "the secret before it is accepted while the rotation lasts"
    );
    let body = event("01E", "incident.triggered", "Q1");
    assert_eq!(
        world
            .webhook(INTEGRATION, &sign("a-third", &body), &body)
            .await,
        401
    );
}

#[tokio::test]
async fn a_rotation_through_the_api_accepts_both_secrets() {
    let world = World::new().await;
    let secret = json!({"credentials": {"webhook_secret": "a-new-secret"}});
    let path = format!("/integrations/{INTEGRATION}");
    assert_eq!(
        world
            .api(Method::PATCH, &path, Some(&secret))
            .await
            .status(),
        200
    );
    for (id, secret) in [("01A", "a-secret"), ("01B", "a-new-secret")] {
        let body = event(id, "incident.triggered", "Q1");
        assert_eq!(
            world
                .webhook(INTEGRATION, &sign(secret, &body), &body)
                .await,
            202,
            "{secret}"
        );
    }
}

#[tokio::test]
async fn a_delivery_for_one_integration_signed_with_anothers_secret_is_refused() {
    let world = World::new().await;
    let other = json!({
        "id": "other-pd", "integration_type": "pagerduty", "name": "Other",
        "base_url": "http://127.0.0.1:9",
        "credentials": {
            "token": "t", "from_email": "oncall@example.com", "webhook_secret": "other-secret",
        },
        "options": {"service": "PSVC001"},
    });
    assert_eq!(
        world
            .api(Method::POST, "/integrations", Some(&other))
            .await
            .status(),
        201
    );
    let body = event("01A", "incident.triggered", "Q1");
    assert_eq!(
        world
            .webhook("other-pd", &sign("a-secret", &body), &body)
            .await,
        401
    );
    assert_eq!(
        world
            .webhook("other-pd", &sign("other-secret", &body), &body)
            .await,
        202
    );
}

#[tokio::test]
async fn the_same_delivery_a_hundred_times_is_one_delivery_and_one_change() {
    let world = World::new().await;
    let record = world
        .pagerduty
        .person("ann@example.com")
        .trigger("db down", Urgency::High)
        .expect("allowed");
    world.settle().await;
    let before = world.only_incident().await;
    world
        .pagerduty
        .person("ann@example.com")
        .acknowledge(&record)
        .expect("allowed");
    let delivery = world.pagerduty.drain_webhooks().remove(0);
    let signature = delivery.headers["x-pagerduty-signature"]
        .to_str()
        .expect("ASCII")
        .to_owned();
    for _ in 0..5 {
        let twenty = (0..20).map(|_| world.webhook(INTEGRATION, &signature, &delivery.body));
        assert_eq!(join_all(twenty).await, [202; 20]);
        world.run_now().await;
    }
    world.settle().await;
    assert_eq!(
        world.stored_deliveries().await.len(),
        2,
        "triggered and acknowledged"
    );
    assert_eq!(world.only_incident().await.revision, before.revision + 1);
}

#[tokio::test]
async fn deliveries_in_any_order_end_in_the_same_state() {
    let mut ends = Vec::new();
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
        let world = World::new().await;
        let ann = world.pagerduty.person("ann@example.com");
        let record = ann.trigger("db down", Urgency::High).expect("allowed");
        world.clock.advance(SignedDuration::from_secs(10));
        ann.acknowledge(&record).expect("allowed");
        world.clock.advance(SignedDuration::from_secs(10));
        ann.set_priority(&record, Some("P2")).expect("allowed");
        world.clock.advance(SignedDuration::from_secs(10));
        ann.resolve(&record).expect("allowed");
        let deliveries = world.pagerduty.drain_webhooks();
        assert_eq!(deliveries.len(), 4);
        for index in order {
            let delivery = &deliveries[index];
            let signature = delivery.headers["x-pagerduty-signature"]
                .to_str()
                .expect("ASCII");
            assert_eq!(
                world.webhook(INTEGRATION, signature, &delivery.body).await,
                202
            );
            world.run_now().await;
        }
        world.settle().await;
        let fields = world.only_incident().await.fields;
        let values: Vec<_> = fields
            .into_iter()
            .map(|(field, state)| (field, state.value))
            .collect();
        ends.push(values);
    }
    assert_eq!(ends[0], ends[1]);
    assert_eq!(ends[0], ends[2]);
}

/// What ServiceNow signs says when: a delivery that comes too late may be a replay, however well it is signed.
#[tokio::test]
async fn a_replayed_delivery_is_refused_when_the_vendor_signs_a_time() {
    let world = World::with_all().await;
    let ann = world.servicenow.person("ann@example.com");
    ann.open("db down", 2, 1).expect("allowed");
    let delivery = world.servicenow.drain_webhooks().remove(0);
    let vendor = im_model::IntegrationType::ServiceNow;
    world.clock.advance(SignedDuration::from_secs(299));
    assert_eq!(world.post(vendor, &delivery).await, 202, "a slow one");
    let stored = world.stored_deliveries().await.len();
    world.clock.advance(SignedDuration::from_secs(2));
    assert_eq!(world.post(vendor, &delivery).await, 401);
    ann.open("disk full", 2, 1).expect("allowed");
    let delivery = world.servicenow.drain_webhooks().remove(0);
    world.clock.advance(SignedDuration::from_secs(301));
    assert_eq!(world.post(vendor, &delivery).await, 401);
    assert_eq!(world.stored_deliveries().await.len(), stored);
}

/// Jira's token names the path it is for, and how long it holds.
#[tokio::test]
async fn a_token_holds_for_its_url_and_its_time_only() {
    let world = World::with_all().await;
    let vendor = im_model::IntegrationType::Jira;
    let ann = world.jira.person("ann@example.com");
    ann.create("db down").expect("allowed");
    let delivery = world.jira.drain_webhooks().remove(0);
    let mut elsewhere = delivery.clone();
    elsewhere.query = Some("user_id=somebody-else".to_owned());
    assert_eq!(world.post(vendor, &elsewhere).await, 401);
    world.clock.advance(SignedDuration::from_secs(300));
    assert_eq!(world.post(vendor, &delivery).await, 401, "expired");
    assert_eq!(world.stored_deliveries().await.len(), 0);
    let fresh = world.jira.repeated(&delivery, 2);
    assert_eq!(
        world.post(vendor, &fresh).await,
        202,
        "its retry is signed anew"
    );
}
