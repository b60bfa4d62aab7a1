//! What waiting cannot mend: refused values, and refused credentials.

use http::Method;
use im_model::{DeadLetterStatus, FailureReason, Field};

use super::*;

#[tokio::test]
async fn a_refused_value_stays_listed_until_it_is_refused_no_more() {
    let (world, id, record) = linked().await;
    world.pagerduty.add_fault(answer(400).method(&Method::PUT));
    world.edit(&id, &json!({"title": "refused"})).await;
    world.settle().await;
    let listed = open(&world).await;
    assert_eq!(listed.len(), 1, "{listed:#?}");
    assert_eq!(listed[0].reason, FailureReason::Refused);
    world.pagerduty.clear_faults();
    // Something else of the link succeeds; the title is known to be refused and not tried.
    world.edit(&id, &json!({"status": "acknowledged"})).await;
    world.settle().await;
    assert_eq!(
        world.pagerduty.incident(&record).expect("it").title,
        "db down"
    );
    assert_eq!(open(&world).await.len(), 1, "the title is still not there");
    world.edit(&id, &json!({"title": "accepted"})).await;
    world.settle().await;
    assert_eq!(
        world.pagerduty.incident(&record).expect("it").title,
        "accepted"
    );
    assert_eq!(open(&world).await, []);
    assert_eq!(entries(&world, DeadLetterStatus::Resolved).await.len(), 1);
}

#[tokio::test]
async fn a_refused_value_that_is_taken_back_closes_its_entry() {
    let (world, id, record) = linked().await;
    world.pagerduty.add_fault(answer(400).method(&Method::PUT));
    world.edit(&id, &json!({"title": "refused"})).await;
    world.settle().await;
    assert_eq!(open(&world).await.len(), 1);
    let writes = world.writes().len();
    world.edit(&id, &json!({"title": "db down"})).await;
    world.settle().await;
    assert_eq!(open(&world).await, []);
    let notices = &world.incident(&id).await.links[&INTEGRATION.parse().expect("an id")].notices;
    assert!(notices.is_empty(), "{notices:?}");
    assert_eq!(world.writes().len(), writes, "there was nothing to write");
    let shown = world.pagerduty.incident(&record).expect("it");
    assert_eq!(shown.title, "db down");
}

#[tokio::test]
async fn a_refusal_that_was_never_buried_is_told_with_the_next_death() {
    let (world, id, _) = linked().await;
    world.pagerduty.add_fault(answer(400).method(&Method::PUT));
    world.edit(&id, &json!({"title": "refused"})).await;
    world.run_outbound().await;
    world.drop_buried().await;
    world.pagerduty.clear_faults();
    world.pagerduty.add_fault(answer(503).method(&Method::GET));
    world.edit(&id, &json!({"status": "acknowledged"})).await;
    world.settle().await;
    let listed = open(&world).await;
    assert_eq!(listed.len(), 1, "{listed:#?}");
    assert_eq!(listed[0].reason, FailureReason::Unavailable);
    let about = listed[0].attempts.iter().flat_map(|it| &it.fields);
    assert_eq!(about.collect::<Vec<_>>(), [&Field::Title.into()]);
    world.pagerduty.clear_faults();
    world.clock.advance(SignedDuration::from_mins(10));
    for _ in 0..3 {
        world.tick().await;
        world.settle().await;
    }
    assert_eq!(open(&world).await.len(), 1, "the title is still refused");
}

/// Whoever met the refusal wrote it to the link and died on the way to the dead letters.
#[tokio::test]
async fn a_refusal_that_was_never_buried_is_listed_by_the_next_who_finds_nothing_to_do() {
    let (world, id, _) = linked().await;
    world.pagerduty.add_fault(answer(400).method(&Method::PUT));
    world.edit(&id, &json!({"title": "refused"})).await;
    world.run_outbound().await;
    world.drop_buried().await;
    assert_eq!(open(&world).await, []);
    let writes = world.writes().len();
    world.edit(&id, &json!({"title": "refused"})).await;
    let ann = world.pagerduty.person("ann@example.com");
    let record = world.record_of(&id).await;
    ann.note(&record, "seen").expect("allowed");
    world.settle().await;
    let listed = open(&world).await;
    assert_eq!(listed.len(), 1, "{listed:#?}");
    let fields: Vec<_> = listed[0]
        .attempts
        .iter()
        .flat_map(|it| &it.fields)
        .collect();
    assert_eq!(fields, [&Field::Title.into()]);
    assert_eq!(world.writes().len(), writes, "nothing is tried again");
    // Given up by a person, it is not listed again.
    let path = format!("/integrations/{INTEGRATION}/dlq/{}", listed[0].id);
    let answer = world.api(Method::DELETE, &path, None).await;
    assert!(answer.status().is_success(), "{answer:?}");
    ann.note(&record, "seen again").expect("allowed");
    world.settle().await;
    assert_eq!(open(&world).await, []);
}

#[tokio::test]
async fn refused_credentials_pause_the_integration_and_resuming_catches_up() {
    let (world, id, record) = linked().await;
    world.pagerduty.add_fault(answer(401));
    world.edit(&id, &json!({"title": "later"})).await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.acknowledge(&record).expect("allowed");
    world.settle().await;
    let path = format!("/integrations/{INTEGRATION}");
    let shown = world.api(Method::GET, &path, None).await;
    let shown: serde_json::Value = serde_json::from_slice(shown.body()).expect("JSON");
    assert_eq!(shown["activity"], "paused", "{shown}");
    let why = shown["paused_because"].as_str().expect("why");
    assert!(why.contains("401"), "{why}");
    let integration = INTEGRATION.parse().expect("an id");
    let refused = im_engine::Announcement::CredentialsRefused { integration };
    assert_eq!(world.announcements.take_all(), [refused]);
    let asked = world.pagerduty.requests().len();
    world.edit(&id, &json!({"severity": "SEV-2"})).await;
    world.settle().await;
    assert_eq!(
        world.pagerduty.requests().len(),
        asked,
        "nobody asks any more"
    );
    assert_eq!(open(&world).await, [], "nothing died of it");

    world.pagerduty.clear_faults();
    let resumed = world
        .api(Method::POST, &format!("{path}/resume"), None)
        .await;
    assert_eq!(resumed.status(), 200, "{resumed:?}");
    world.clock.advance(SignedDuration::from_secs(60));
    let report = world.tick().await;
    assert_eq!((report.deliveries, report.incidents), (1, 1), "{report:?}");
    world.settle().await;
    assert_eq!(
        world.pagerduty.incident(&record).expect("it").title,
        "later"
    );
    assert_eq!(
        world.value(&id, Field::Status).await.as_deref(),
        Some("acknowledged")
    );
    assert!(world.system.is_quiet().await.expect("the store answers"));
    let report = world.tick().await;
    assert_eq!(
        (report.deliveries, report.incidents),
        (0, 0),
        "once: {report:?}"
    );
}
