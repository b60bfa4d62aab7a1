//! What even those who can sign cannot do: all that they like, or for somebody else.

use http::Method;
use im_sandbox::pagerduty::sign;
use im_tests::INTEGRATION;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;

/// Tenants are apart: each has its secret.
#[tokio::test]
async fn nobody_signs_for_another_integration() {
    for vendor in VENDORS {
        let world = World::with_all().await;
        let (one, its) = (World::integration_with(vendor), secret_of(vendor));
        let (other, others) = (connect_other(&world, vendor).await, "the-others-secret");
        for (target, secret, expected) in [
            (one, others, 401),
            (other, its, 401),
            (one, its, 202),
            (other, others, 202),
        ] {
            // Signed for just this URL, so that only the secret is another's.
            let delivery = signed(&world, vendor, target, secret);
            let answer = send(&world, vendor, target, delivery).await;
            assert_eq!(answer.status, expected, "{vendor} {target} with {secret}");
        }
        assert_eq!(world.stored_deliveries().await.len(), 2);
    }
}

fn event(id: &str, data: &Value) -> Vec<u8> {
    let event = json!({"event": {"id": id, "event_type": "moon.rises", "data": data}});
    event.to_string().into_bytes()
}

/// `levels` arrays, one in the other.
fn nested(levels: usize) -> Value {
    (0..levels).fold(json!(1), |inner, _| json!([inner]))
}

#[tokio::test]
async fn json_nests_as_deep_as_it_may_and_no_deeper() {
    let world = World::with_all().await;
    for (levels, expected) in [(62, 202), (63, 400), (120, 400)] {
        let body = event(&format!("01A{levels}"), &nested(levels));
        let status = world
            .webhook(INTEGRATION, &sign("a-secret", &body), &body)
            .await;
        assert_eq!(status, expected, "{levels}");
    }
    assert_eq!(world.stored_deliveries().await.len(), 1);
    // What would be too much for any parser's stack.
    let bomb = "[".repeat(500_000).into_bytes();
    for vendor in VENDORS {
        let integration = World::integration_with(vendor);
        let mut delivery = signed(&world, vendor, integration, secret_of(vendor));
        match vendor {
            // Its token does not sign the body.
            IntegrationType::Jira => {}
            IntegrationType::PagerDuty => {
                let signature = sign(secret_of(vendor), &bomb);
                let signature = signature.parse().expect("a header");
                delivery.headers.insert("x-pagerduty-signature", signature);
            }
            IntegrationType::ServiceNow => {
                let encoding = im_sandbox::servicenow::Encoding::Hex;
                let digest = im_sandbox::servicenow::sign(secret_of(vendor), &bomb, encoding);
                let signature = digest.parse().expect("a header");
                delivery.headers.insert("x-servicenow-signature", signature);
            }
        }
        delivery.body.clone_from(&bomb);
        let answer = send(&world, vendor, integration, delivery).await;
        assert_eq!(answer.status, 400, "{vendor}: {answer:?}");
    }
}

#[tokio::test]
async fn the_management_apis_bodies_have_the_same_limit() {
    let world = World::new().await;
    let mut too_deep = json!({"title": "db down"});
    too_deep["description"] = nested(64);
    let answer = world.api(Method::POST, "/incidents", Some(&too_deep)).await;
    assert_eq!(answer.status(), 400);
    let problem: Value = serde_json::from_slice(answer.body()).expect("JSON");
    assert_eq!(problem["detail"], "The body nests deeper than 64 levels.");
    too_deep["description"] = nested(63);
    let answer = world.api(Method::POST, "/incidents", Some(&too_deep)).await;
    assert_eq!(answer.status(), 422, "deep enough, and no text");
}

/// Nothing that is not stored is said to be: whoever gets a 429 sends again.
#[tokio::test]
async fn an_integration_that_sends_too_much_is_asked_to_wait_and_nobody_else() {
    let world = World::with_all().await;
    let mut number = 0;
    let mut burst = async |how_many: u32| {
        let mut taken = 0;
        for _ in 0..how_many {
            number += 1;
            let body = event(&format!("01A{number}"), &Value::Null);
            let signature = sign("a-secret", &body);
            match world.webhook(INTEGRATION, &signature, &body).await {
                202 => taken += 1,
                status => assert_eq!(status, 429),
            }
        }
        taken
    };
    assert_eq!(burst(300).await, 200);
    assert_eq!(world.stored_deliveries().await.len(), 200);
    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(burst(300).await, 50);
    assert_eq!(world.stored_deliveries().await.len(), 250);
    let vendor = IntegrationType::PagerDuty;
    let late = signed(&world, vendor, INTEGRATION, "a-secret");
    let answer = send(&world, vendor, INTEGRATION, late).await;
    assert_eq!(answer.status, 429);
    let retry_after = ("retry-after".to_owned(), "1".to_owned());
    assert!(answer.headers.contains(&retry_after), "{answer:?}");
    for vendor in [IntegrationType::Jira, IntegrationType::ServiceNow] {
        let integration = World::integration_with(vendor);
        let delivery = signed(&world, vendor, integration, secret_of(vendor));
        let answer = send(&world, vendor, integration, delivery).await;
        assert_eq!(answer.status, 202, "{vendor}");
    }
    world.clock.advance(SignedDuration::from_secs(60));
    assert_eq!(burst(300).await, 200);
}

/// Else anybody could silence an integration.
#[tokio::test]
async fn forgeries_use_up_nobodys_share() {
    let world = World::with_all().await;
    for vendor in VENDORS {
        let integration = World::integration_with(vendor);
        for _ in 0..500 {
            let forged = signed(&world, vendor, integration, "the attacker's");
            assert_eq!(send(&world, vendor, integration, forged).await.status, 401);
        }
        let delivery = signed(&world, vendor, integration, secret_of(vendor));
        let answer = send(&world, vendor, integration, delivery).await;
        assert_eq!(answer.status, 202, "{vendor}");
    }
}
