//! Trace 11: Jira's automation turns High into Low, PagerDuty's turns low into high, and both fields are shared: without a
//! count they chase each other through three systems for ever.

use im_model::NoticeKind;
use im_tests::INTEGRATION;

use super::*;

#[tokio::test]
async fn trace_11_two_rules_at_war_are_stopped_and_reported() {
    let (world, id) = linked("last-write-wins").await;
    // With the defaults PagerDuty's urgency is shared, and Jira's priority the platform's own.
    let shared =
        json!([{"owner": "platform", "priority": 10}, {"owner": "external", "priority": 10}]);
    own(&world, JIRA, "severity", &shared).await;
    let writes = world.all_writes().len();
    world.jira.automate("priority", "High", "Low");
    world.pagerduty.automate("urgency", "low", "high");
    world.edit(&id, &json!({"severity": "SEV-3"})).await;
    for _ in 0..60 {
        world.settle().await;
        world.clock.advance(seconds(5));
        // PagerDuty announces no change of an urgency: its next event brings it in.
        let record = world.record_in(&id, INTEGRATION).await;
        world.announce(&record).await;
    }
    world.settle().await;
    let sent = world.all_writes().len() - writes;
    assert!(sent < 40, "the war goes on: {sent} writes");
    let incident = world.incident(&id).await;
    let mut notices = incident.links.values().flat_map(|link| &link.notices);
    assert!(
        notices.any(|(_, notice)| notice.kind == NoticeKind::Flipping),
        "nobody was told: {:?}",
        incident.links
    );
    let quiet = (
        world.all_writes().len(),
        world.value(&id, Field::Severity).await,
    );
    for _ in 0..5 {
        world.clock.advance(seconds(5));
        world.settle().await;
    }
    let still = (
        world.all_writes().len(),
        world.value(&id, Field::Severity).await,
    );
    assert_eq!(still, quiet, "and it stays so");
    // A person is heard all the same.
    world.edit(&id, &json!({"severity": "SEV-1"})).await;
    world.settle().await;
    let key = world.record_in(&id, JIRA).await;
    assert_eq!(
        world.jira.issue(&key).expect("it exists").priority.name,
        "Highest"
    );
}
