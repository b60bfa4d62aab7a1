//! What comes between a plan and its commit, between a choice and its write.

use im_sync::Rule;
use im_tests::{Moment, SERVICENOW};

use super::*;

/// Both sides edited: ours later. The write that lets ours win meets an edit that the vendor cannot hold.
#[tokio::test]
async fn a_conflict_is_recorded_though_what_came_after_its_write_is_refused() {
    let (world, id) = linked("last-write-wins").await;
    let shared =
        json!([{"owner": "platform", "priority": 10}, {"owner": "external", "priority": 10}]);
    own(&world, SERVICENOW, "description", &shared).await;
    let ticket = world.record_in(&id, SERVICENOW).await;
    let bob = world.servicenow.person("bob@example.com");
    bob.edit(&ticket, &[("description", "theirs")])
        .expect("allowed");
    world.clock.advance(seconds(1));
    world.edit(&id, &json!({"description": "ours"})).await;
    let long = json!({"description": "x".repeat(5000)});
    edit_at_the_write(&world, &id, Method::PATCH, long);
    world.settle().await;
    assert!(!world.transport.has_interludes());
    let lost: Vec<_> = conflicts(&world, &format!("?integration={SERVICENOW}"))
        .await
        .into_iter()
        .map(|conflict| conflict["external"]["value"].clone())
        .collect();
    assert_eq!(lost, [json!("theirs")]);
}

/// A choice that was carried out is no question any more, though the platform moved on before it was committed.
#[tokio::test]
async fn an_edit_during_the_write_of_a_choice_is_an_edit_and_no_question() {
    let (world, id) = linked("manual-review").await;
    edit_both(&world, &id, "ours", "theirs").await;
    let pending = conflicts(&world, "?status=pending").await;
    assert_eq!(resolve(&world, &pending[0], "use_platform").await.0, 200);
    let corrected = json!({"title": "ours, corrected"});
    edit_at_the_write(&world, &id, Method::PUT, corrected);
    world.settle().await;
    assert!(!world.transport.has_interludes());
    let corrected = || "ours, corrected".to_owned();
    assert_eq!(titles(&world, &id).await, (corrected(), corrected()));
    assert!(conflicts(&world, "?status=pending").await.is_empty());
}

fn edit_at_the_write(world: &Arc<World>, id: &IncidentId, method: Method, edit: Value) {
    let (id, editor) = (id.clone(), world.clone());
    let step = move || async move { editor.edit(&id, &edit).await };
    world.transport.once(Moment::BeforeAnswer, method, step);
}

/// Two values of ours for one of the vendor's: what it holds is our write all the same, and nobody's edit.
#[tokio::test]
async fn our_own_write_is_nobodys_edit_also_after_a_change_that_needed_none() {
    let (world, id) = linked("last-write-wins").await;
    for status in ["acknowledged", "mitigated", "resolved"] {
        world.edit(&id, &json!({"status": status})).await;
        world.settle().await;
        world.clock.advance(seconds(1));
    }
    let query = format!("?integration={}", im_tests::INTEGRATION);
    let found = conflicts(&world, &query).await;
    assert!(found.is_empty(), "{found:?}");
}

/// A window of a minute: the vendor's edit is found though it was taken over 40 s later.
#[tokio::test]
async fn a_long_window_finds_an_edit_that_was_taken_over_late() {
    let (world, id) = linked("last-write-wins").await;
    configure(&world, JIRA, &json!({"conflict_window": "1m"})).await;
    let key = world.record_in(&id, JIRA).await;
    retitle(&world, &key, "theirs");
    world.clock.advance(seconds(40));
    world.settle().await;
    world.clock.advance(seconds(5));
    world.edit(&id, &json!({"title": "ours"})).await;
    world.settle().await;
    let found = conflicts(&world, &format!("?integration={JIRA}")).await;
    assert_eq!(found.len(), 1, "{found:?}");
}

/// What our write took the place of is told by its webhook, though a person has ruled on another field meanwhile.
#[tokio::test]
async fn what_our_write_overwrote_is_found_though_a_ruling_came_between() {
    let (world, id) = linked("manual-review").await;
    let key = world.record_in(&id, JIRA).await;
    world.edit(&id, &json!({"description": "ours"})).await;
    let bob = world.jira.person("bob@example.com");
    bob.edit(&key, &json!({"priority": {"name": "Low"}}))
        .expect("allowed");
    let shared =
        json!([{"owner": "platform", "priority": 10}, {"owner": "external", "priority": 10}]);
    own(&world, JIRA, "severity", &shared).await;
    world.settle().await;
    world.clock.advance(seconds(60));
    world.edit(&id, &json!({"severity": "SEV-1"})).await;
    bob.edit(&key, &json!({"priority": {"name": "Lowest"}}))
        .expect("allowed");
    world.settle().await;
    let pending = conflicts(&world, "?status=pending").await;
    assert_eq!(pending.len(), 1, "{pending:?}");
    world.clock.advance(seconds(60));
    world.edit(&id, &json!({"title": "ours"})).await;
    let clock = world.clock.clone();
    let editor = world.clone();
    world.transport.once_at(
        Moment::BeforeArrival,
        Method::PUT,
        "/issue/",
        move || async move {
            clock.advance(seconds(1));
            retitle(&editor, &key, "theirs");
            clock.advance(seconds(1));
        },
    );
    world.run_outbound().await;
    assert_eq!(resolve(&world, &pending[0], "ignore").await.0, 200);
    world.settle().await;
    assert!(!world.transport.has_interludes());
    let all = conflicts(&world, &format!("?integration={JIRA}")).await;
    let lost = all
        .iter()
        .filter(|conflict| conflict["external"]["value"] == "theirs");
    assert_eq!(lost.count(), 1, "{all:?}");
}

/// What was ignored is forgotten with the next conflict, whoever wins it: no hint finds it again.
#[tokio::test]
async fn what_was_ignored_ends_with_a_conflict_that_a_rule_decides() {
    let (world, id) = linked("manual-review").await;
    edit_both(&world, &id, "ours", "theirs").await;
    let pending = conflicts(&world, "?status=pending").await;
    assert_eq!(resolve(&world, &pending[0], "ignore").await.0, 200);
    world.settle().await;
    configure(
        &world,
        JIRA,
        &json!({"conflict_strategy": "last-write-wins"}),
    )
    .await;
    edit_both(&world, &id, "ours again", "theirs again").await;
    let theirs = || "theirs again".to_owned();
    assert_eq!(titles(&world, &id).await, (theirs(), theirs()));
    let claims = world.claims_in(&id, JIRA).await;
    let last = claims
        .iter()
        .filter_map(|claim| claim.decisions.get(&Field::Title))
        .next_back();
    assert_eq!(last.map(|last| last.rule), Some(Rule::Conflict), "{last:?}");
}

/// A worker dies after a write that decided one conflict and took the place of another value: both are recorded.
#[tokio::test]
async fn what_a_dead_workers_write_decided_and_what_it_overwrote_are_two_conflicts() {
    let (world, id) = linked("last-write-wins").await;
    let shared =
        json!([{"owner": "platform", "priority": 10}, {"owner": "external", "priority": 10}]);
    own(&world, SERVICENOW, "description", &shared).await;
    let ticket = world.record_in(&id, SERVICENOW).await;
    let edit = |world: &World, ticket: &str, text: &str| {
        let bob = world.servicenow.person("bob@example.com");
        bob.edit(ticket, &[("description", text)]).expect("allowed");
    };
    edit(&world, &ticket, "theirs");
    world.clock.advance(seconds(1));
    world.edit(&id, &json!({"description": "ours"})).await;
    let between = world.clone();
    let step = move || async move {
        between.clock.advance(seconds(1));
        edit(&between, &ticket, "theirs, later");
        between.clock.advance(seconds(1));
        between.calls.fail("TransactWriteItems");
    };
    world
        .transport
        .once_at(Moment::BeforeArrival, Method::PATCH, "/incident/", step);
    world.run_outbound().await;
    assert!(!world.transport.has_interludes());
    world.calls.mend();
    world.clock.advance(seconds(60));
    world.settle().await;
    let mut lost: Vec<_> = conflicts(&world, &format!("?integration={SERVICENOW}"))
        .await
        .into_iter()
        .map(|conflict| conflict["external"]["value"].clone())
        .collect();
    lost.sort_by_key(Value::to_string);
    assert_eq!(lost, [json!("theirs"), json!("theirs, later")]);
}

/// A person changes a field and takes it back while the change is being pulled: the hint of the second edit finds what
/// the base says, and the platform must not keep the value in between.
#[tokio::test]
async fn an_edit_that_is_taken_back_during_its_pull_leaves_nothing() {
    let (world, id) = linked("last-write-wins").await;
    let before = titles(&world, &id).await.0;
    let key = world.record_in(&id, JIRA).await;
    retitle(&world, &key, "in between");
    world.deliver_webhooks().await;
    let (other, first) = (world.clone(), before.clone());
    world.transport.once_at(
        Moment::BeforeAnswer,
        Method::GET,
        "/issue/",
        move || async move {
            other.clock.advance(seconds(1));
            retitle(&other, &key, &first);
            other.deliver_webhooks().await;
            other.run_inbound().await;
        },
    );
    world.run_inbound().await;
    world.settle().await;
    assert!(!world.transport.has_interludes());
    assert_eq!(titles(&world, &id).await, (before.clone(), before));
}
