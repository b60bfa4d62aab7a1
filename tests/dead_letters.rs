//! What becomes of jobs that do not succeed: entries that people can see, closed by a success, tried again when the vendor
//! is back; credentials that are refused; work that nobody is working on.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

#[path = "dead_letters/entries.rs"]
mod entries;
#[path = "dead_letters/recovery.rs"]
mod recovery;
#[path = "dead_letters/refused.rs"]
mod refused;
#[path = "dead_letters/settled.rs"]
mod settled;

use std::{collections::BTreeMap, sync::Arc};

use im_engine::{DeadLetter, ports::DeadLetterStore as _};
use im_model::{DeadLetterStatus, IncidentId};
use im_sandbox::{Fault, FaultRule};
use im_tests::{INTEGRATION, World};
use jiff::SignedDuration;
use serde_json::json;

/// An incident with its record at PagerDuty.
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

fn answer(status: u16) -> FaultRule {
    let body = json!({"error": {"message": "no", "code": 2001}});
    FaultRule::always(Fault::RefuseWith {
        status,
        body,
        headers: BTreeMap::new(),
    })
}

/// The entries of one status.
async fn entries(world: &World, status: DeadLetterStatus) -> Vec<DeadLetter> {
    let integration = INTEGRATION.parse().expect("an id");
    let store = &world.system.ports.store;
    let page = store.dead_letters(&integration, status, None, 100);
    page.await.expect("the store answers").items
}

async fn open(world: &World) -> Vec<DeadLetter> {
    entries(world, DeadLetterStatus::Open).await
}
