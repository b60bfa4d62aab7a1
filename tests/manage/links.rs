//! Links by hand.

use std::sync::Arc;

use http::Method;
use im_engine::{
    LinkByHand,
    ports::{Attempt, IncidentStore as _},
};
use im_model::{Field, IncidentId, Link, LinkState};
use im_sandbox::{Fault, FaultRule, pagerduty::Urgency};
use im_tests::{INTEGRATION, Moment, World};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Answer, call_as, delete, errors, get, linked, post, with_tokens};

fn wanted(record: &str) -> Value {
    json!({"integration_id": INTEGRATION, "external_id": record})
}

async fn link(world: &World, incident: &IncidentId, record: &str) -> Answer {
    let path = format!("/incidents/{incident}/links");
    post(world, &path, &wanted(record)).await
}

async fn unlink(world: &World, incident: &IncidentId) -> Answer {
    let path = format!("/incidents/{incident}/links?integration_id={INTEGRATION}");
    delete(world, &path).await
}

async fn link_of(world: &World, id: &IncidentId) -> Link {
    let incident = world.incident(id).await;
    let link = incident.links.get(&INTEGRATION.parse().expect("an id"));
    link.expect("a link").clone()
}

/// Which incident the entry of a record names.
async fn owner(world: &World, record: &str) -> Option<IncidentId> {
    let store = &world.system.ports.store;
    let integration = INTEGRATION.parse().expect("an id");
    let record = record.parse().expect("an id");
    let found = store.incident_of(&integration, &record).await;
    found.expect("the store answers")
}

/// A record that somebody made at the vendor, of which nobody told us.
fn strange(world: &World, title: &str) -> String {
    let ann = world.pagerduty.person("ann@example.com");
    let record = ann.trigger(title, Urgency::Low).expect("allowed");
    drop(world.pagerduty.drain_webhooks());
    record
}

/// An incident that nobody is owed.
async fn alone(world: &World, title: &str) -> IncidentId {
    let path = format!("/integrations/{INTEGRATION}");
    for direction in ["inbound", "bidirectional"] {
        let direction = json!({"sync_direction": direction});
        let changed = world.api(Method::PATCH, &path, Some(&direction)).await;
        assert_eq!(changed.status(), 200);
        if direction["sync_direction"] == "inbound" {
            let body = json!({"title": title, "severity": "SEV-1"});
            assert!(world.create(&body).await.as_str().starts_with("INC-"));
        }
    }
    world.clock.advance(SignedDuration::from_secs(11));
    world.settle().await;
    let all = world.incidents().await;
    let found = all.iter().find(|incident| {
        incident.links.is_empty() && incident.value(&Field::Title).as_str() == Some(title)
    });
    found.expect("it has no link").id.clone()
}

fn title_at(world: &World, record: &str) -> String {
    world.pagerduty.incident(record).expect("it exists").title
}

#[tokio::test]
async fn a_record_that_exists_is_linked_and_synced() {
    let world = World::new().await;
    let id = alone(&world, "db down").await;
    let record = strange(&world, "something else");
    let (status, shown) = link(&world, &id, &record).await;
    assert_eq!((status, &shown["state"]), (201, &json!("linked")));
    assert_eq!(shown["external_id"], json!(record));
    assert!(shown["url"].is_string(), "{shown}");
    assert_eq!(owner(&world, &record).await, Some(id.clone()));
    let incident = world.incident(&id).await;
    assert_eq!(incident.links.len(), 1);
    assert_eq!(incident.pending.len(), 1, "outbound is owed it");
    world.settle().await;
    // The platform owns the title; the assignee is the vendor's.
    assert_eq!(title_at(&world, &record), "db down");
    assert!(world.value(&id, Field::AssignedTo).await.is_some());
    assert!(world.incident(&id).await.pending.is_empty());
    let listed = get(&world, &format!("/incidents/{id}/links")).await;
    assert_eq!(listed.1["items"][0]["external_id"], json!(record));
    assert!(world.dead_letters().await.is_empty());
    // From here on it is as any other.
    let ann = world.pagerduty.person("ann@example.com");
    ann.acknowledge(&record).expect("allowed");
    world.settle().await;
    let status = world.value(&id, Field::Status).await;
    assert_eq!(status.as_deref(), Some("acknowledged"));
}

#[tokio::test]
async fn linking_what_is_linked_changes_nothing() {
    let (world, id, record) = linked().await;
    let before = world.incident(&id).await;
    let (status, shown) = link(&world, &id, &record).await;
    assert_eq!((status, &shown["external_id"]), (201, &json!(record)));
    assert_eq!(world.incident(&id).await, before);
}

#[tokio::test]
async fn what_does_not_exist_is_named() {
    let (world, id, record) = linked().await;
    let missing = link(&world, &id, "PNOWHERE").await;
    let problem = "does not exist at demo-pd, or is hidden from its account";
    assert_eq!(missing.0, 422);
    assert_eq!(errors(&missing), [("external_id", problem)]);
    let path = format!("/incidents/{id}/links");
    let body = json!({"integration_id": "none", "external_id": record});
    let unknown = post(&world, &path, &body).await;
    let problem = "there is no such integration";
    assert_eq!(unknown.0, 422);
    assert_eq!(errors(&unknown), [("integration_id", problem)]);
    let nobodys = "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().expect("an id");
    assert_eq!(link(&world, &nobodys, &record).await.0, 404);
    assert_eq!(unlink(&world, &nobodys).await.0, 404);
    let alone = alone(&world, "never linked").await;
    let unlinked = unlink(&world, &alone).await;
    assert_eq!(unlinked.0, 404);
    let detail = format!("a link of incident {alone} with demo-pd does not exist");
    assert_eq!(unlinked.1["detail"], detail);
}

#[tokio::test]
async fn a_vendor_that_fails_is_said_to() {
    let (world, id, _) = linked().await;
    let down = Fault::RefuseWith {
        status: 503,
        body: Value::Null,
        headers: std::collections::BTreeMap::new(),
    };
    world.pagerduty.add_fault(FaultRule::always(down));
    let (status, problem) = link(&world, &id, "PGR0VU2").await;
    assert_eq!(status, 502, "{problem}");
    let detail = problem["detail"].as_str().expect("words");
    assert!(
        detail.starts_with("demo-pd did not show PGR0VU2: "),
        "{detail}"
    );
}

#[tokio::test]
async fn neither_side_can_be_linked_twice() {
    let (world, id, record) = linked().await;
    let other = strange(&world, "something else");
    let (status, problem) = link(&world, &id, &other).await;
    assert_eq!(status, 409);
    let detail = format!("incident {id} is linked with {record} of demo-pd; unlink it first");
    assert_eq!(problem["detail"], detail);
    let alone = alone(&world, "another").await;
    let (status, problem) = link(&world, &alone, &record).await;
    assert_eq!(status, 409);
    let detail = format!("{record} of demo-pd is linked with incident {id}; unlink it there first");
    assert_eq!(problem["detail"], detail);
    assert!(world.incident(&alone).await.links.is_empty());
}

#[tokio::test]
async fn what_is_unlinked_is_left_alone_on_both_sides() {
    let (world, id, record) = linked().await;
    let version = link_of(&world, &id).await.version;
    let writes = world.writes();
    world
        .edit(&id, &json!({"title": "not sent any more"}))
        .await;
    let (status, shown) = unlink(&world, &id).await;
    assert_eq!((status, &shown["state"]), (200, &json!("unlinked")));
    assert_eq!(shown["external_id"], json!(record));
    let link = link_of(&world, &id).await;
    assert_eq!(link.version, version + 1);
    assert!(world.incident(&id).await.pending.is_empty(), "owed no more");
    world.edit(&id, &json!({"severity": "SEV-4"})).await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.resolve(&record).expect("allowed");
    world.settle().await;
    assert_eq!(world.writes(), writes, "nothing is sent");
    let status = world.value(&id, Field::Status).await;
    assert_eq!(status.as_deref(), Some("open"), "nothing is brought");
    assert_eq!(owner(&world, &record).await, Some(id.clone()));
    let deliveries = world.stored_deliveries().await;
    let ignored = |outcome: &str| outcome == "skipped: it was unlinked by hand";
    assert!(
        deliveries
            .iter()
            .any(|delivery| delivery.outcome.as_deref().is_some_and(ignored)),
        "{deliveries:#?}"
    );
    assert_eq!(world.incidents().await.len(), 1, "nothing is imported anew");
    // Again is the same.
    assert_eq!(unlink(&world, &id).await, (200, shown));
    assert_eq!(link_of(&world, &id).await, link);
}

#[tokio::test]
async fn the_same_record_can_be_linked_again() {
    let (world, id, record) = linked().await;
    unlink(&world, &id).await;
    world.edit(&id, &json!({"title": "db on fire"})).await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.acknowledge(&record).expect("allowed");
    world.settle().await;
    world.clock.advance(SignedDuration::from_secs(60));
    assert_eq!(link(&world, &id, &record).await.0, 201);
    world.settle().await;
    assert_eq!(title_at(&world, &record), "db on fire");
    assert_eq!(owner(&world, &record).await, Some(id.clone()));
    assert!(world.dead_letters().await.is_empty());
    ann.resolve(&record).expect("allowed");
    world.settle().await;
    let status = world.value(&id, Field::Status).await;
    assert_eq!(status.as_deref(), Some("resolved"));
}

#[tokio::test]
async fn another_record_takes_the_place_of_the_one_before() {
    let (world, id, record) = linked().await;
    let other = strange(&world, "something else");
    unlink(&world, &id).await;
    assert_eq!(link(&world, &id, &other).await.0, 201);
    world.settle().await;
    assert_eq!(title_at(&world, &other), "db down");
    assert_eq!(owner(&world, &other).await, Some(id.clone()));
    assert_eq!(owner(&world, &record).await, None, "it is nobody's");
}

#[tokio::test]
async fn a_record_whose_incident_was_unlinked_can_be_taken_over() {
    let (world, first, record) = linked().await;
    let second = alone(&world, "the real one").await;
    unlink(&world, &first).await;
    assert_eq!(link(&world, &second, &record).await.0, 201);
    world.settle().await;
    assert_eq!(owner(&world, &record).await, Some(second.clone()));
    assert_eq!(title_at(&world, &record), "the real one");
    let ann = world.pagerduty.person("ann@example.com");
    ann.acknowledge(&record).expect("allowed");
    world.settle().await;
    let status = world.value(&second, Field::Status).await;
    assert_eq!(status.as_deref(), Some("acknowledged"));
    let status = world.value(&first, Field::Status).await;
    assert_eq!(status.as_deref(), Some("open"));
    // The first cannot have it back, and leaves the second's entry alone when it takes another.
    let (status, _) = link(&world, &first, &record).await;
    assert_eq!(status, 409);
    let other = strange(&world, "something else");
    assert_eq!(link(&world, &first, &other).await.0, 201);
    assert_eq!(owner(&world, &record).await, Some(second));
    assert_eq!(owner(&world, &other).await, Some(first));
}

/// While one caller waits for the vendor, another is faster.
#[tokio::test]
async fn of_two_that_want_the_same_record_one_gets_it() {
    let world = World::new().await;
    let (first, second) = (alone(&world, "one").await, alone(&world, "two").await);
    let record = strange(&world, "something else");
    let (faster, wanted) = (Arc::clone(&world), (second.clone(), record.clone()));
    world
        .transport
        .once(Moment::BeforeAnswer, Method::GET, move || async move {
            assert_eq!(link(&faster, &wanted.0, &wanted.1).await.0, 201);
        });
    let (status, _) = link(&world, &first, &record).await;
    assert_eq!(status, 409);
    assert!(world.incident(&first).await.links.is_empty());
    assert_eq!(owner(&world, &record).await, Some(second));
}

/// Between the look at a record's incident and the transaction, that one may be linked again.
#[tokio::test]
async fn a_record_is_taken_over_only_while_its_incident_is_unlinked() {
    let (world, first, record) = linked().await;
    let second = alone(&world, "the real one").await;
    unlink(&world, &first).await;
    let (unlinked, incident) = (link_of(&world, &first).await, world.incident(&second).await);
    assert_eq!(link(&world, &first, &record).await.0, 201);
    let present = link_of(&world, &first).await;
    let integration = INTEGRATION.parse().expect("an id");
    let by_hand = LinkByHand {
        incident: &incident,
        integration: &integration,
        link: Link {
            version: 1,
            ..present.clone()
        },
        external_id: record.parse().expect("an id"),
        taken_from: Some((first.clone(), unlinked.version)),
        leaves: None,
        conflicts: Vec::new(),
        now: world.clock.read(),
    };
    let store = &world.system.ports.store;
    let attempt = store.link_by_hand(&by_hand).await;
    assert_eq!(attempt, Ok(Attempt::LostRace));
    assert_eq!(owner(&world, &record).await, Some(first.clone()));
    assert_eq!(link_of(&world, &first).await, present);
    assert!(world.incident(&second).await.links.is_empty());
}

#[tokio::test]
async fn a_link_that_is_being_synced_is_not_cut() {
    let (world, id, record) = linked().await;
    world.edit(&id, &json!({"title": "db on fire"})).await;
    let (meanwhile, incident) = (Arc::clone(&world), id.clone());
    world
        .transport
        .once(Moment::BeforeArrival, Method::PUT, move || async move {
            let (status, problem) = unlink(&meanwhile, &incident).await;
            assert_eq!(status, 409);
            let detail = problem["detail"].as_str().expect("words");
            assert!(
                detail.ends_with("is being synced right now; try again in a moment"),
                "{detail}"
            );
        });
    world.settle().await;
    assert!(!world.transport.has_interludes());
    assert_eq!(title_at(&world, &record), "db on fire");
    assert_eq!(unlink(&world, &id).await.0, 200, "a moment later");
}

#[tokio::test]
async fn a_record_that_is_being_created_is_waited_for() {
    let world = World::new().await;
    let other = strange(&world, "something else");
    let id = world.create(&json!({"title": "db down"})).await;
    let (meanwhile, incident) = (Arc::clone(&world), id.clone());
    let wanted = other.clone();
    world
        .transport
        .once(Moment::BeforeArrival, Method::POST, move || async move {
            assert_eq!(link(&meanwhile, &incident, &wanted).await.0, 409);
            assert_eq!(unlink(&meanwhile, &incident).await.0, 409);
        });
    world.settle().await;
    assert!(!world.transport.has_interludes());
    assert_ne!(world.record_of(&id).await, other);
    assert_eq!(owner(&world, &other).await, None);
}

/// A worker that died leaves its claim; when its lease is over, the link can be cut.
#[tokio::test]
async fn a_dead_workers_claim_does_not_hold_a_link_for_ever() {
    let (world, id, _) = linked().await;
    let lost = FaultRule::once(Fault::TimeoutBeforeCommit).method(&Method::PUT);
    world.pagerduty.add_fault(lost);
    world.edit(&id, &json!({"title": "db on fire"})).await;
    world.run_now().await;
    assert_eq!(unlink(&world, &id).await.0, 409, "its lease is not over");
    world.clock.advance(SignedDuration::from_secs(26));
    let (status, shown) = unlink(&world, &id).await;
    assert_eq!((status, &shown["state"]), (200, &json!("unlinked")));
    let claims = world.claims(&id).await;
    let last = claims.last().expect("a claim");
    assert_eq!(last.attempt, 2, "{claims:#?}");
    assert_eq!(last.cause, "unlinked by hand by local-administrator");
    let writes = world.writes();
    world.settle().await;
    assert_eq!(world.writes(), writes, "its retry finds the link cut");
    assert!(world.dead_letters().await.is_empty());
}

/// An incident that is to have no record at a vendor.
#[tokio::test]
async fn a_reservation_that_came_to_nothing_can_be_unlinked() {
    let world = World::new().await;
    let lost = FaultRule::once(Fault::TimeoutBeforeCommit).method(&Method::POST);
    world.pagerduty.add_fault(lost);
    let id = world.create(&json!({"title": "db down"})).await;
    world.run_now().await;
    world.clock.advance(SignedDuration::from_secs(26));
    let (status, shown) = unlink(&world, &id).await;
    assert_eq!((status, &shown["external_id"]), (200, &Value::Null));
    world.edit(&id, &json!({"title": "still none"})).await;
    world.settle().await;
    let state = LinkState::Unlinked { external_id: None };
    assert_eq!(link_of(&world, &id).await.state, state);
    assert!(world.pagerduty.incidents().is_empty(), "nothing is created");
}

#[tokio::test]
async fn links_are_for_those_who_may_edit_the_incident() {
    let (world, id, record) = linked().await;
    with_tokens(&world).await;
    let path = format!("/incidents/{id}/links");
    let cut = format!("{path}?integration_id={INTEGRATION}");
    let body = wanted(&record);
    let as_role = async |role: &str| {
        let linked = call_as(&world, role, Method::POST, &path, Some(&body))
            .await
            .0;
        let unlinked = call_as(&world, role, Method::DELETE, &cut, None).await.0;
        (linked, unlinked)
    };
    for role in ["viewer", "integration.manager", "incident_commander"] {
        assert_eq!(as_role(role).await, (403, 403), "{role}");
    }
    world
        .edit(&id, &json!({"assigned_to": "ann@example.com"}))
        .await;
    world.settle().await;
    assert_eq!(as_role("incident_commander").await, (201, 200));
}
