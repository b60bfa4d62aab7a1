//! Reconciliation at the end of a run: it finds what no webhook announced, and then nothing more.

use http::Method;
use im_tests::World;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    lambda::{Carry, Lambda},
    people::People,
};

/// The longest that a run may take, the brake's confirmation included.
const LONGEST: SignedDuration = SignedDuration::from_hours(6);

/// Heals what differs at each vendor, twice: what one brings may be owed to another.
pub async fn heal_all(people: &People, lambda: &mut Lambda, carry: &Carry) {
    for vendor in people.accounts.vendors() {
        let integration = World::integration_with(vendor);
        let run = run(
            people,
            lambda,
            carry,
            integration,
            &json!({"auto_heal": true}),
        )
        .await;
        if run["status"] == "braked" {
            let id = run["id"].as_str().expect("an id");
            let path = format!("/integrations/{integration}/reconcile/runs/{id}/confirm");
            let (status, answer) = people.ask(Method::POST, &path, None, None).await;
            assert_eq!(status, 202, "{answer}");
            lambda.run(LONGEST, carry).await;
        }
    }
}

/// Invariant 1, as the reconciler sees it: what is in sync is no drift, and what is drift is not in sync.
pub async fn nothing_drifts(people: &People, lambda: &mut Lambda, carry: &Carry) {
    for vendor in people.accounts.vendors() {
        let integration = World::integration_with(vendor);
        let run = run(
            people,
            lambda,
            carry,
            integration,
            &json!({"dry_run": true}),
        )
        .await;
        assert_eq!(run["status"], "done", "{run}");
        let path = format!(
            "/integrations/{integration}/reconcile/runs/{}/items",
            run["id"].as_str().expect("an id")
        );
        let (_, page) = people.ask(Method::GET, &path, None, None).await;
        let items = page["items"].as_array().expect("items");
        let mut healable = Vec::new();
        for item in items.iter().filter(|item| item["action"] != "none") {
            if !is_dead(people, integration, item).await {
                healable.push(item);
            }
        }
        assert!(
            healable.is_empty(),
            "invariant 1: {integration} drifts: {healable:#?}"
        );
    }
}

async fn run(
    people: &People,
    lambda: &mut Lambda,
    carry: &Carry,
    integration: &str,
    body: &Value,
) -> Value {
    let path = format!("/integrations/{integration}/reconcile");
    let (status, answer) = people.ask(Method::POST, &path, Some(body), None).await;
    assert_eq!(status, 202, "{answer}");
    lambda.run(LONGEST, carry).await;
    let id = answer["id"].as_str().expect("an id");
    let (status, run) = people
        .ask(Method::GET, &format!("{path}/runs/{id}"), None, None)
        .await;
    assert_eq!(status, 200, "{run}");
    run
}

/// What the vendor refuses stays different, and is listed.
async fn is_dead(people: &People, integration: &str, item: &Value) -> bool {
    let Some(incident) = item["incident_id"].as_str() else {
        return false;
    };
    let incident = people
        .world
        .incident(&incident.parse().expect("an id"))
        .await;
    incident
        .dead
        .contains_key(&integration.parse().expect("an id"))
}
