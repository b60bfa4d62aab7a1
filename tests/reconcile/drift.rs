//! Fields that were edited while nobody listened.

use im_model::{Field, IntegrationType};
use im_sandbox::pagerduty::Urgency;
use im_tests::{INTEGRATION, JIRA, SERVICENOW};
use serde_json::json;

use crate::{is_healed, linked};

fn sys_id_of(world: &im_tests::World, email: &str) -> String {
    let users = world.servicenow.users();
    let user = users.into_iter().find(|user| user.email == email);
    user.expect("a user").sys_id
}

#[tokio::test]
async fn what_the_platform_owns_is_put_right_at_pagerduty() {
    let (world, id) = linked().await;
    let record = world.record_in(&id, INTEGRATION).await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.set_title(&record, "changed there").expect("allowed");
    world.lose_webhooks();
    is_healed(
        &world,
        IntegrationType::PagerDuty,
        &["value_drift title push"],
    )
    .await;
    let held = world.pagerduty.incident(&record).expect("it exists");
    assert_eq!(held.title, "db down");
}

#[tokio::test]
async fn what_the_platform_owns_is_put_right_at_servicenow() {
    let (world, id) = linked().await;
    let record = world.record_in(&id, SERVICENOW).await;
    let ann = world.servicenow.person("ann@example.com");
    let columns = [("short_description", "changed there"), ("urgency", "3")];
    ann.edit(&record, &columns).expect("allowed");
    world.lose_webhooks();
    let expected = ["value_drift severity push", "value_drift title push"];
    is_healed(&world, IntegrationType::ServiceNow, &expected).await;
    let held = world.servicenow.incident(&record).expect("it exists");
    assert_eq!(&held["short_description"], "db down");
    assert_eq!((&held["impact"], &held["urgency"]), ("2", "1"));
}

#[tokio::test]
async fn what_the_platform_owns_is_put_right_at_jira() {
    let (world, id) = linked().await;
    let key = world.record_in(&id, JIRA).await;
    let bob = world.jira.person("bob@example.com");
    bob.edit(&key, &json!({"priority": {"name": "Low"}}))
        .expect("allowed");
    world.lose_webhooks();
    is_healed(
        &world,
        IntegrationType::Jira,
        &["value_drift severity push"],
    )
    .await;
    assert_eq!(
        world.jira.issue(&key).expect("it exists").priority.name,
        "High"
    );
}

/// Each vendor owns the assignee by default; a webhook that said so was lost.
#[tokio::test]
async fn what_a_vendor_owns_is_taken_over() {
    for vendor in IntegrationType::ALL.iter().copied() {
        let (world, id) = linked().await;
        let record = world
            .record_in(&id, im_tests::World::integration_with(vendor))
            .await;
        let ann = "ann@example.com";
        match vendor {
            IntegrationType::PagerDuty => {
                let bob = world.pagerduty.person("bob@example.com");
                bob.reassign(&record, ann).expect("allowed");
            }
            IntegrationType::ServiceNow => {
                let bob = world.servicenow.person("bob@example.com");
                let sys_id = sys_id_of(&world, ann);
                bob.edit(&record, &[("assigned_to", &sys_id)])
                    .expect("allowed");
            }
            IntegrationType::Jira => {
                let bob = world.jira.person("bob@example.com");
                bob.assign(&record, Some(ann)).expect("allowed");
            }
        }
        world.lose_webhooks();
        is_healed(&world, vendor, &["value_drift assigned_to pull"]).await;
        let assignee = world.value(&id, Field::AssignedTo).await;
        assert_eq!(assignee.as_deref(), Some(ann), "{vendor}");
    }
}

/// Both sides may move a status: whoever changed it is right.
#[tokio::test]
async fn a_status_that_both_may_move_goes_the_way_of_who_changed_it() {
    let (world, id) = linked().await;
    let record = world.record_in(&id, INTEGRATION).await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.acknowledge(&record).expect("allowed");
    ann.set_urgency(&record, Urgency::Low).expect("allowed");
    world.lose_webhooks();
    let expected = ["value_drift severity pull", "value_drift status pull"];
    let healed = is_healed(&world, IntegrationType::PagerDuty, &expected).await;
    assert_eq!(
        world.value(&id, Field::Status).await.as_deref(),
        Some("acknowledged")
    );
    let item = healed
        .items
        .iter()
        .find(|item| item["field"] == "status")
        .expect("an item");
    assert_eq!(item["platform"], "open");
    assert_eq!(item["external"], "acknowledged");
    assert_eq!(
        item["base"],
        json!({"platform": "open", "external": "triggered"})
    );
    assert_eq!(item["right"], "external");
    assert_eq!(item["incident_id"], id.as_str());
    assert_eq!(item["external_id"], record);
}

/// Somebody edited the table itself: no revision was raised, and nobody was told.
#[tokio::test]
async fn an_edit_of_the_database_is_brought_to_the_vendor() {
    let (world, id) = linked().await;
    let update = world
        .system
        .embedded
        .dynamodb
        .update_item()
        .table_name(&world.system.embedded.tables.sync)
        .key(
            "pk",
            aws_sdk_dynamodb::types::AttributeValue::S(format!("INC#{id}")),
        )
        .key(
            "sk",
            aws_sdk_dynamodb::types::AttributeValue::S("STATE".to_owned()),
        )
        .update_expression("SET #fields.#title.#v = :title")
        .expression_attribute_names("#fields", "fields")
        .expression_attribute_names("#title", "title")
        .expression_attribute_names("#v", "v")
        .expression_attribute_values(
            ":title",
            aws_sdk_dynamodb::types::AttributeValue::S("by hand".to_owned()),
        );
    update.send().await.expect("an update");
    is_healed(
        &world,
        IntegrationType::ServiceNow,
        &["value_drift title push"],
    )
    .await;
    let record = world.record_in(&id, SERVICENOW).await;
    let held = world.servicenow.incident(&record).expect("it exists");
    assert_eq!(&held["short_description"], "by hand");
}

/// Trace 2: the assignee has two external owners by default. Healing one must not undo what the other brought.
#[tokio::test]
async fn trace_2_healing_does_not_go_to_and_fro_between_two_owners() {
    let (world, id) = linked().await;
    let record = world.record_in(&id, SERVICENOW).await;
    let key = world.record_in(&id, JIRA).await;
    let ann = sys_id_of(&world, "ann@example.com");
    let snow = world.servicenow.person("bob@example.com");
    snow.edit(&record, &[("assigned_to", &ann)])
        .expect("allowed");
    world.settle().await;
    world.clock.advance(crate::minutes(1));
    let jira = world.jira.person("bob@example.com");
    jira.assign(&key, Some("bob@example.com")).expect("allowed");
    world.settle().await;
    let assignee = async || world.value(&id, Field::AssignedTo).await;
    assert_eq!(assignee().await.as_deref(), Some("bob@example.com"));
    for _ in 0..3 {
        let snow = world.auto_heal(SERVICENOW).await;
        assert_eq!(
            snow.found(),
            ["value_drift assigned_to none"],
            "{:#?}",
            snow.items
        );
        let why = snow.items[0]["why"].as_str().expect("words");
        assert!(why.contains(JIRA), "{why}");
        let jira = world.auto_heal(JIRA).await;
        assert_eq!(jira.found(), [""; 0]);
        world.settle().await;
        assert_eq!(assignee().await.as_deref(), Some("bob@example.com"));
    }
}

/// Trace 9: neither changed since base, one is empty. The full one stays, whoever may move the field.
#[tokio::test]
async fn trace_9_an_empty_value_never_heals_over_a_full_one() {
    let (world, id) = linked().await;
    let key = world.record_in(&id, JIRA).await;
    world
        .edit(&id, &json!({"assigned_to": "ann@example.com"}))
        .await;
    world.settle().await;
    let held = world.jira.issue(&key).expect("it exists");
    assert_eq!(held.assignee, None, "the vendor owns it: nothing was sent");
    let healed = world.auto_heal(JIRA).await;
    assert_eq!(healed.found(), [""; 0], "{:#?}", healed.items);
    world.settle().await;
    let assignee = world.value(&id, Field::AssignedTo).await;
    assert_eq!(assignee.as_deref(), Some("ann@example.com"));
    assert_eq!(world.jira.issue(&key).expect("it exists").assignee, None);
}
