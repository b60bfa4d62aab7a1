//! What people do while a run is going on.

use http::Method;
use im_model::Field;
use im_tests::{INTEGRATION, JIRA, Moment, SERVICENOW};
use serde_json::json;

use crate::linked;

/// The vendor's field was changed back to what it was when the heal reads it: nothing is pushed over a person's edit that the listing
/// did not show.
#[tokio::test]
async fn an_edit_at_the_vendor_after_the_listing_is_not_undone() {
    let (world, id) = linked().await;
    let record = world.record_in(&id, INTEGRATION).await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.acknowledge(&record).expect("allowed");
    world.lose_webhooks();
    // The listing shows `acknowledged`; before the record is read again, ann resolves it.
    let (pagerduty, resolved) = (world.pagerduty.clone(), record.clone());
    let path = format!("/incidents/{record}");
    world.transport.once_at(
        Moment::BeforeArrival,
        Method::GET,
        &path,
        move || async move {
            pagerduty
                .person("ann@example.com")
                .resolve(&resolved)
                .expect("allowed");
        },
    );
    world.auto_heal(INTEGRATION).await;
    assert!(!world.transport.has_interludes(), "nobody read the record");
    world.settle().await;
    let status = world.value(&id, Field::Status).await;
    assert_eq!(status.as_deref(), Some("resolved"));
    assert!(
        world.writes().iter().all(|write| !write.starts_with("PUT")),
        "{:?}",
        world.writes()
    );
}

#[tokio::test]
async fn an_edit_on_the_platform_after_the_listing_is_not_undone() {
    let (world, id) = linked().await;
    let record = world.record_in(&id, INTEGRATION).await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.set_title(&record, "changed there").expect("allowed");
    world.lose_webhooks();
    let (other, path) = (world.clone(), format!("/incidents/{record}"));
    let edited = id.clone();
    world.transport.once_at(
        Moment::BeforeAnswer,
        Method::GET,
        &path,
        move || async move {
            other
                .edit(&edited, &json!({"title": "by a person, meanwhile"}))
                .await;
        },
    );
    world.auto_heal(INTEGRATION).await;
    world.settle().await;
    let held = world.pagerduty.incident(&record).expect("it exists");
    assert_eq!(held.title, "by a person, meanwhile");
    let title = world.value(&id, Field::Title).await;
    assert_eq!(title.as_deref(), Some("by a person, meanwhile"));
}

/// Trace 19: the listing shows a state that a webhook has overtaken. It must not look like a change back.
#[tokio::test]
async fn trace_19_a_listing_that_is_older_than_what_the_link_has_seen_pulls_nothing() {
    for integration in [SERVICENOW, JIRA] {
        let (world, id) = linked().await;
        let record = world.record_in(&id, integration).await;
        // While the page is on its way to us, somebody edits the record, and the webhook is faster.
        let (other, edited) = (world.clone(), record.clone());
        let path = if integration == JIRA {
            "/search/jql"
        } else {
            "/table/incident"
        };
        let method = if integration == JIRA {
            Method::POST
        } else {
            Method::GET
        };
        world
            .transport
            .once_at(Moment::BeforeAnswer, method, path, move || async move {
                if integration == JIRA {
                    let bob = other.jira.person("bob@example.com");
                    bob.transition(&edited, "In Progress").expect("allowed");
                } else {
                    let ann = other.servicenow.person("ann@example.com");
                    ann.edit(&edited, &[("state", "2")]).expect("allowed");
                }
                other.deliver_webhooks().await;
                other.run_inbound().await;
            });
        let healed = world.auto_heal(integration).await;
        assert!(!world.transport.has_interludes(), "there was no listing");
        assert_eq!(
            healed.found(),
            [""; 0],
            "{integration}: {:#?}",
            healed.items
        );
        world.settle().await;
        let status = world.value(&id, Field::Status).await;
        assert_eq!(status.as_deref(), Some("acknowledged"), "{integration}");
    }
}

/// The same sync as any hint's: a claim of somebody else's is not broken.
#[tokio::test]
async fn what_somebody_is_writing_at_the_moment_is_no_drift() {
    let (world, id) = linked().await;
    world.edit(&id, &json!({"title": "on its way"})).await;
    let dry = world.dry_run(INTEGRATION).await;
    assert_eq!(
        (dry.found(), dry.count("in_progress")),
        (Vec::new(), 1),
        "{dry:#?}"
    );
    world.settle().await;
    assert_eq!(world.dry_run(INTEGRATION).await.count("in_progress"), 0);
}
