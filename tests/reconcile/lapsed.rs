//! Links whose record was deleted, merged or moved.

use im_model::{IntegrationType, LinkState};
use im_tests::{INTEGRATION, JIRA, SERVICENOW, World};

use crate::{is_healed, linked, minutes};

/// It was made for an incident of the platform's: there is another one afterwards.
#[tokio::test]
async fn a_deleted_record_of_the_platforms_incident_is_created_anew_at_servicenow() {
    let (world, id) = linked().await;
    let record = world.record_in(&id, SERVICENOW).await;
    let ann = world.servicenow.person("ann@example.com");
    ann.delete(&record).expect("allowed");
    world.lose_webhooks();
    let expected = ["deleted_record - create_record"];
    let healed = is_healed(&world, IntegrationType::ServiceNow, &expected).await;
    assert_eq!(healed.items[0]["right"], "platform");
    let another = world.record_in(&id, SERVICENOW).await;
    assert_ne!(another, record);
    let held = world.servicenow.incident(&another).expect("it exists");
    assert_eq!(&held["short_description"], "db down");
    assert_eq!(world.servicenow.incidents().len(), 1);
}

#[tokio::test]
async fn a_deleted_issue_of_the_platforms_incident_is_created_anew_at_jira() {
    let (world, id) = linked().await;
    let record = world.record_in(&id, JIRA).await;
    world
        .jira
        .person("bob@example.com")
        .delete(&record)
        .expect("allowed");
    world.lose_webhooks();
    let expected = ["deleted_record - create_record"];
    is_healed(&world, IntegrationType::Jira, &expected).await;
    assert_ne!(world.record_in(&id, JIRA).await, record);
    assert_eq!(world.jira.issues().len(), 1);
}

/// It was the vendor's own: the incident stays, and is linked no more.
#[tokio::test]
async fn a_deleted_record_that_was_imported_is_let_go() {
    let world = World::with_all().await;
    world.clock.advance(minutes(1));
    let ann = world.servicenow.person("ann@example.com");
    let record = ann
        .open_with(&[("short_description", "disk full")])
        .expect("allowed");
    world.settle().await;
    let id = world.only_incident().await.id;
    world.clock.advance(minutes(10));
    ann.delete(&record).expect("allowed");
    world.lose_webhooks();
    let expected = ["deleted_record - unlink"];
    let healed = is_healed(&world, IntegrationType::ServiceNow, &expected).await;
    assert_eq!(healed.items[0]["right"], "external");
    let incident = world.incident(&id).await;
    let link = &incident.links[&SERVICENOW.parse().expect("an id")];
    assert!(
        matches!(link.state, LinkState::Unlinked { .. }),
        "{link:#?}"
    );
    assert_eq!(world.servicenow.incidents().len(), 0);
}

/// A record that was merged is resolved and says into which: there the story goes on.
#[tokio::test]
async fn a_merged_incident_is_followed_at_pagerduty() {
    let (world, id) = linked().await;
    let record = world.record_in(&id, INTEGRATION).await;
    let ann = world.pagerduty.person("ann@example.com");
    // Before the integration: nothing imports it.
    let target = ann
        .trigger("the same again", im_sandbox::pagerduty::Urgency::High)
        .expect("allowed");
    world.lose_webhooks();
    ann.merge(&[&record], &target).expect("allowed");
    world.lose_webhooks();
    let expected = ["moved_record - relink"];
    let dry = world.dry_run(INTEGRATION).await;
    assert!(
        dry.found().contains(&expected[0].to_owned()),
        "{:#?}",
        dry.items
    );
    world.auto_heal(INTEGRATION).await;
    world.settle().await;
    assert_eq!(world.record_in(&id, INTEGRATION).await, target);
    let again = world.dry_run(INTEGRATION).await;
    assert_eq!(again.found(), [""; 0], "{:#?}", again.items);
}

/// A moved issue keeps its id, and gets another key: the link says where it is.
#[tokio::test]
async fn a_moved_issue_is_found_again_at_jira() {
    let (world, id) = linked().await;
    let record = world.record_in(&id, JIRA).await;
    let bob = world.jira.person("bob@example.com");
    bob.move_to_project(&record, "SEC").expect("allowed");
    world.lose_webhooks();
    let expected = ["moved_record - relink"];
    is_healed(&world, IntegrationType::Jira, &expected).await;
    let incident = world.incident(&id).await;
    let link = &incident.links[&JIRA.parse().expect("an id")];
    let LinkState::Linked { url, external_id } = &link.state else {
        panic!("{link:#?}");
    };
    assert_eq!(external_id.as_str(), record);
    assert!(
        url.as_deref()
            .is_some_and(|url| url.contains("/browse/SEC-")),
        "{url:?}"
    );
}
