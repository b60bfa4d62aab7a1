//! Questions whose link comes to an end.

use super::*;

async fn in_review() -> (Arc<World>, IncidentId, Value) {
    let (world, id) = linked("manual-review").await;
    edit_both(&world, &id, "ours", "theirs").await;
    let mut pending = conflicts(&world, "?status=pending").await;
    assert_eq!(pending.len(), 1, "{pending:?}");
    (world, id, pending.remove(0))
}

/// Both sides keep what they hold: that is what parting them says.
#[tokio::test]
async fn what_is_unlinked_is_no_question_any_more() {
    let (world, id, conflict) = in_review().await;
    let path = format!("/incidents/{id}/links?integration_id={JIRA}");
    assert_eq!(call(&world, Method::DELETE, &path, None).await.0, 200);
    let pending = conflicts(&world, "?status=pending").await;
    assert!(pending.is_empty(), "{pending:?}");
    let ignored = conflicts(&world, "?status=ignored").await;
    assert_eq!(ignored[0]["id"], conflict["id"]);
    assert_eq!(ignored[0]["settlement"]["actor"], "local-administrator");
}

#[tokio::test]
async fn a_question_of_a_deleted_integration_can_be_closed() {
    let (world, _, conflict) = in_review().await;
    let path = format!("/integrations/{JIRA}");
    assert_eq!(call(&world, Method::DELETE, &path, None).await.0, 200);
    forget_configuration(&world);
    assert_eq!(resolve(&world, &conflict, "use_platform").await.0, 409);
    let (status, answer) = resolve(&world, &conflict, "ignore").await;
    assert_eq!(status, 200, "{answer}");
    world.settle().await;
    assert!(conflicts(&world, "?status=pending").await.is_empty());
}

/// A pending question about the same field is answered first: undoing an older one would leave it without an answer.
#[tokio::test]
async fn nothing_is_undone_while_the_field_waits_for_a_person() {
    let (world, id) = linked("last-write-wins").await;
    configure(&world, JIRA, &json!({"conflict_window": "10m"})).await;
    let key = world.record_in(&id, JIRA).await;
    retitle(&world, &key, "theirs");
    world.clock.advance(seconds(1));
    world.edit(&id, &json!({"title": "ours"})).await;
    world.settle().await;
    let resolved = conflicts(&world, "?status=resolved").await;
    assert_eq!(resolved[0]["settlement"]["winner"], "platform");
    configure(&world, JIRA, &json!({"conflict_strategy": "manual-review"})).await;
    retitle(&world, &key, "theirs again");
    world.settle().await;
    let pending = conflicts(&world, "?status=pending").await;
    assert_eq!(pending.len(), 1, "{pending:?}");
    let path = |id: &Value| format!("/conflicts/{}/restore", id.as_str().expect("an id"));
    let restored = call(&world, Method::POST, &path(&resolved[0]["id"]), None).await;
    assert_eq!(restored.0, 409, "{restored:?}");
    world.settle().await;
    let (status, answer) = resolve(&world, &pending[0], "use_external").await;
    assert_eq!(status, 200, "{answer}");
    world.settle().await;
    let theirs = || "theirs again".to_owned();
    assert_eq!(titles(&world, &id).await, (theirs(), theirs()));
}

/// An edit there and back comes between the look at the conflict and the ruling.
#[tokio::test]
async fn a_ruling_that_loses_a_race_does_not_stand_in_its_own_way() {
    let (world, id, conflict) = in_review().await;
    let editor = world.clone();
    let incident = id.clone();
    world.transport.once(
        im_tests::Moment::BeforeArrival,
        Method::GET,
        move || async move {
            editor
                .edit(&incident, &json!({"title": "ours, later"}))
                .await;
            editor.edit(&incident, &json!({"title": "ours"})).await;
        },
    );
    let (status, answer) = resolve(&world, &conflict, "use_platform").await;
    assert!(!world.transport.has_interludes());
    assert_eq!(status, 200, "{answer}");
    world.settle().await;
    assert_eq!(titles(&world, &id).await, ("ours".into(), "ours".into()));
}
