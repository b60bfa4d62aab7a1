//! Both sides change one field, and what comes between our read and our write.

use http::Method;
use im_model::{Field, IncidentId, NoticeKind};
use im_sandbox::pagerduty::Status;
use im_tests::World;
use jiff::SignedDuration;
use serde_json::json;

use super::{imported, link};

#[tokio::test]
async fn a_conflict_is_decided_by_the_later_change_and_the_loser_is_in_the_journal() {
    let (world, id, record) = imported().await;
    world
        .edit(&id, &json!({"severity": "SEV-1", "status": "acknowledged"}))
        .await;
    world.clock.advance(SignedDuration::from_secs(2));
    world
        .pagerduty
        .person("bob@example.com")
        .resolve(&record)
        .expect("allowed");
    world.settle().await;
    let incident = world.incident(&id).await;
    assert_eq!(
        incident.value(&Field::Status).as_str(),
        Some("resolved"),
        "bob was later"
    );
    assert_eq!(
        incident.value(&Field::Severity).as_str(),
        Some("SEV-1"),
        "no conflict there"
    );
    assert_eq!(
        link(&incident).notices[&Field::Status].kind,
        NoticeKind::Conflict
    );
    let claims = world.claims(&id).await;
    let mut decisions = claims
        .iter()
        .filter_map(|claim| claim.decisions.get(&Field::Status));
    let decision = decisions.find(|decision| decision.lost.is_some());
    let decision = decision.expect("it is in the journal");
    assert_eq!(
        decision.platform.as_str(),
        Some("acknowledged"),
        "the losing value"
    );
    assert_eq!(
        decision.lost.as_ref().map(|lost| lost.side),
        Some(im_model::Side::Platform)
    );
}

/// A second later, and a second before anything else.
fn bob_acknowledges(world: &World, record: &str) {
    world.clock.advance(SignedDuration::from_secs(1));
    let bob = world.pagerduty.person("bob@example.com");
    bob.acknowledge(record).expect("allowed");
    world.clock.advance(SignedDuration::from_secs(1));
}

async fn bobs_value_is_kept(world: &World, id: &IncidentId) {
    let claims = world.claims(id).await;
    let mut decisions = claims
        .iter()
        .filter_map(|claim| claim.decisions.get(&Field::Status));
    let lost = decisions.find(|decision| decision.external.as_str() == Some("acknowledged"));
    assert!(
        lost.is_some_and(|decision| decision.lost.is_some()),
        "bob's value is kept"
    );
}

#[tokio::test]
async fn what_somebody_wrote_between_our_read_and_our_write_is_a_conflict_not_lost() {
    let (world, id, record) = imported().await;
    world.edit(&id, &json!({"status": "resolved"})).await;
    let (other, same_record) = (world.clone(), record.clone());
    world.transport.once(
        im_tests::Moment::BeforeArrival,
        Method::PUT,
        move || async move {
            bob_acknowledges(&other, &same_record);
        },
    );
    world.run_outbound().await;
    let held = world.pagerduty.incident(&record).expect("it exists");
    assert_eq!(held.status, Status::Resolved);
    world.settle().await;
    let incident = world.incident(&id).await;
    let notice = &link(&incident).notices[&Field::Status];
    assert_eq!(notice.kind, NoticeKind::Conflict);
    bobs_value_is_kept(&world, &id).await;
    assert_eq!(
        world.value(&id, Field::Status).await.as_deref(),
        Some("resolved")
    );
    assert_eq!(world.writes().len(), 1, "{:?}", world.writes());
    let version = link(&incident).version;
    world.announce(&record).await;
    world.settle().await;
    assert_eq!(
        link(&world.incident(&id).await).version,
        version,
        "it is said once"
    );
}

/// The edit falls between our read and our claim.
#[tokio::test]
async fn what_somebody_wrote_between_our_read_and_our_claim_is_not_lost() {
    let (world, id, record) = imported().await;
    world.edit(&id, &json!({"status": "resolved"})).await;
    let (other, same_record) = (world.clone(), record.clone());
    world.transport.once(
        im_tests::Moment::BeforeAnswer,
        Method::GET,
        move || async move {
            bob_acknowledges(&other, &same_record);
        },
    );
    world.run_outbound().await;
    let held = world.pagerduty.incident(&record).expect("it exists");
    assert_eq!(held.status, Status::Resolved);
    world.settle().await;
    bobs_value_is_kept(&world, &id).await;
}

/// Bob's webhook is worked on after our write and before our commit.
#[tokio::test]
async fn an_overwritten_edit_whose_webhook_comes_before_our_commit_is_not_lost() {
    let (world, id, record) = imported().await;
    world.edit(&id, &json!({"status": "resolved"})).await;
    let (other, same_record) = (world.clone(), record.clone());
    world.transport.once(
        im_tests::Moment::BeforeArrival,
        Method::PUT,
        move || async move {
            bob_acknowledges(&other, &same_record);
            let again = other.clone();
            other.transport.once(
                im_tests::Moment::BeforeAnswer,
                Method::PUT,
                move || async move {
                    again.deliver_webhooks().await;
                    again.run_inbound().await;
                },
            );
        },
    );
    world.run_outbound().await;
    world.settle().await;
    bobs_value_is_kept(&world, &id).await;
}
