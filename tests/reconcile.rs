//! Reconciliation: what was made different behind the system's back is found, healed, and not found again.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

#[path = "reconcile/drift.rs"]
mod drift;
#[path = "reconcile/lapsed.rs"]
mod lapsed;
#[path = "reconcile/meanwhile.rs"]
mod meanwhile;
#[path = "reconcile/missing.rs"]
mod missing;
#[path = "reconcile/runs.rs"]
mod runs;
#[path = "reconcile/schedule.rs"]
mod schedule;

use std::sync::Arc;

use im_model::{IncidentId, IntegrationType};
use im_tests::{Report, World};
use jiff::SignedDuration;
use serde_json::json;

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// An incident that is linked everywhere, some time ago.
async fn linked() -> (Arc<World>, IncidentId) {
    let world = World::with_all().await;
    world.clock.advance(minutes(1));
    let id = world
        .create(&json!({"title": "db down", "severity": "SEV-2"}))
        .await;
    world.settle().await;
    world.clock.advance(minutes(10));
    (world, id)
}

/// What was done is found by a dry run, which writes nothing; healed; and not found again.
async fn is_healed(world: &World, vendor: IntegrationType, expected: &[&str]) -> Report {
    let integration = World::integration_with(vendor);
    let (writes, incidents) = (world.all_writes().len(), world.incidents().await);
    let dry = world.dry_run(integration).await;
    assert_eq!(dry.status(), "done", "{:#?}", dry.run);
    assert_eq!(dry.found(), expected, "{:#?}", dry.items);
    assert_eq!(
        world.all_writes().len(),
        writes,
        "a dry run wrote to a vendor"
    );
    assert_eq!(
        world.incidents().await,
        incidents,
        "a dry run changed an incident"
    );

    let healed = world.auto_heal(integration).await;
    assert_eq!(healed.status(), "done", "{:#?}", healed.run);
    assert_eq!(healed.found(), expected, "{:#?}", healed.items);
    assert_eq!(healed.count("failed"), 0, "{:#?}", healed.items);
    world.settle().await;
    let again = world.dry_run(integration).await;
    assert_eq!(again.found(), [""; 0], "{:#?}", again.items);
    assert_eq!(world.dead_letters().await, Vec::new());
    healed
}
