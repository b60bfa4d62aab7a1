//! Automatic resolutions, and how they are undone in one step.

use im_sandbox::{Fault, FaultRule};
use im_tests::Moment;

use super::*;

async fn restore(world: &World, conflict: &Value) -> (u16, Value) {
    let id = conflict["id"].as_str().expect("an id");
    call(
        world,
        Method::POST,
        &format!("/conflicts/{id}/restore"),
        None,
    )
    .await
}

async fn only_conflict(world: &World) -> Value {
    let mut all = conflicts(world, "").await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[tokio::test]
async fn the_platforms_value_lost_and_comes_back() {
    let (world, id) = linked("last-write-wins").await;
    edit_both(&world, &id, "ours", "theirs").await;
    assert_eq!(
        titles(&world, &id).await,
        ("theirs".into(), "theirs".into())
    );
    let conflict = only_conflict(&world).await;
    assert_eq!(conflict["status"], "resolved");
    assert_eq!(conflict["settlement"]["winner"], "external");
    assert_eq!(conflict["platform"]["value"], "ours");
    let (status, restored) = restore(&world, &conflict).await;
    assert_eq!(status, 200, "{restored}");
    assert_eq!(restored["restored"]["by"], "local-administrator");
    world.settle().await;
    assert_eq!(titles(&world, &id).await, ("ours".into(), "ours".into()));
    let (again, problem) = restore(&world, &conflict).await;
    assert_eq!(again, 409, "{problem}");
    assert_eq!(resolve(&world, &conflict, "use_platform").await.0, 409);
    assert_eq!(
        only_conflict(&world).await["id"],
        conflict["id"],
        "and no new one"
    );
}

/// "Lowest" is SEV-4 here, and SEV-4 is "Low" there: what comes back is "Lowest".
#[tokio::test]
async fn the_vendors_value_lost_and_comes_back_to_the_letter() {
    let (world, id) = linked("ownership-priority").await;
    let shared =
        json!([{"owner": "platform", "priority": 20}, {"owner": "external", "priority": 10}]);
    own(&world, JIRA, "severity", &shared).await;
    let key = world.record_in(&id, JIRA).await;
    world.edit(&id, &json!({"severity": "SEV-1"})).await;
    let bob = world.jira.person("bob@example.com");
    bob.edit(&key, &json!({"priority": {"name": "Lowest"}}))
        .expect("allowed");
    world.settle().await;
    let priority = || {
        world
            .jira
            .issue(&key)
            .expect("the issue exists")
            .priority
            .name
    };
    assert_eq!(priority(), "Highest");
    let conflict = only_conflict(&world).await;
    assert_eq!(conflict["settlement"]["winner"], "platform");
    assert_eq!(conflict["external"]["value"], "Lowest");
    world.clock.advance(seconds(60));
    let (status, restored) = restore(&world, &conflict).await;
    assert_eq!(status, 200, "{restored}");
    world.settle().await;
    assert_eq!(priority(), "Lowest");
    assert_eq!(
        world.value(&id, Field::Severity).await.as_deref(),
        Some("SEV-4")
    );
    let writes = world.all_writes().len();
    world.clock.advance(seconds(60));
    bob.edit(&key, &json!({"labels": [id.as_str(), "echo"]}))
        .expect("allowed");
    world.settle().await;
    assert_eq!(
        (priority(), world.all_writes().len()),
        ("Lowest".into(), writes)
    );
}

#[tokio::test]
async fn what_was_edited_since_is_not_overwritten() {
    let (world, id) = linked("last-write-wins").await;
    edit_both(&world, &id, "ours", "theirs").await;
    let conflict = only_conflict(&world).await;
    world.clock.advance(seconds(60));
    world.edit(&id, &json!({"title": "later"})).await;
    let (status, problem) = restore(&world, &conflict).await;
    assert_eq!(status, 409);
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|text| text.contains("ours")),
        "{problem}"
    );
    world.settle().await;
    assert_eq!(titles(&world, &id).await, ("later".into(), "later".into()));
}

/// Edited at the vendor since, and nobody has told us yet.
#[tokio::test]
async fn what_was_edited_there_since_becomes_a_question() {
    let (world, id) = linked("last-write-wins").await;
    edit_both(&world, &id, "ours", "theirs").await;
    let conflict = only_conflict(&world).await;
    let key = world.record_in(&id, JIRA).await;
    retitle(&world, &key, "even later");
    assert_eq!(restore(&world, &conflict).await.0, 200);
    world.settle().await;
    assert_eq!(
        titles(&world, &id).await,
        ("ours".into(), "even later".into())
    );
    let pending = conflicts(&world, "?status=pending").await;
    assert_eq!(pending.len(), 1, "nobody's edit is overwritten unseen");
    assert_eq!(pending[0]["external"]["value"], "even later");
}

/// Bob renames the issue, and two seconds later Ann the incident: hers wins, and is written to Jira.
async fn ours_is_later(world: &Arc<World>, id: &IncidentId) {
    let key = world.record_in(id, JIRA).await;
    retitle(world, &key, "theirs");
    world.jira.drain_webhooks();
    world.clock.advance(seconds(2));
    world.edit(id, &json!({"title": "ours"})).await;
}

#[tokio::test]
async fn a_conflict_whose_commit_lost_a_race_is_recorded_all_the_same() {
    let (world, id) = linked("last-write-wins").await;
    ours_is_later(&world, &id).await;
    let (meanwhile, incident) = (world.clone(), id.clone());
    let path = world.record_in(&id, JIRA).await;
    let step = move || async move {
        let even_later = json!({"title": "ours, even later"});
        meanwhile.edit(&incident, &even_later).await;
    };
    world
        .transport
        .once_at(Moment::BeforeAnswer, Method::PUT, &path, step);
    world.settle().await;
    let both = ("ours, even later".into(), "ours, even later".into());
    assert_eq!(titles(&world, &id).await, both);
    let conflict = only_conflict(&world).await;
    assert_eq!(conflict["external"]["value"], "theirs");
    assert_eq!(conflict["platform"]["value"], "ours");
}

#[tokio::test]
async fn a_conflict_whose_writer_got_no_answer_is_recorded_all_the_same() {
    let (world, id) = linked("last-write-wins").await;
    ours_is_later(&world, &id).await;
    let fault = FaultRule::once(Fault::TimeoutAfterCommit).method(&Method::PUT);
    world.jira.add_fault(fault);
    world.settle().await;
    for _ in 0..3 {
        world.clock.advance(seconds(60));
        world.settle().await;
    }
    assert_eq!(titles(&world, &id).await, ("ours".into(), "ours".into()));
    let conflict = only_conflict(&world).await;
    assert_eq!(conflict["external"]["value"], "theirs");
    assert_eq!(conflict["settlement"]["winner"], "platform");
    let (status, restored) = restore(&world, &conflict).await;
    assert_eq!(status, 200, "{restored}");
    world.settle().await;
    assert_eq!(
        titles(&world, &id).await,
        ("theirs".into(), "theirs".into())
    );
}
