//! Directions, switched at any time: link and base stay, and turning one on again begins with the present.

use im_model::NoteKind;

use super::*;

/// Trace 8: outbound only, and owned by the vendor: the assignee moves in neither direction, whoever edits it.
#[tokio::test]
async fn trace_8_neither_may_flow() {
    let (world, id) = linked("last-write-wins").await;
    configure(&world, JIRA, &json!({"sync_direction": "outbound"})).await;
    let key = world.record_in(&id, JIRA).await;
    let bob = world.jira.person("bob@example.com");
    bob.assign(&key, Some("bob@example.com")).expect("allowed");
    world
        .edit(&id, &json!({"assigned_to": "ann@example.com"}))
        .await;
    let assignee = || world.jira.issue(&key).expect("the issue exists").assignee;
    let theirs = assignee();
    assert!(theirs.is_some());
    world.settle().await;
    assert_eq!(assignee(), theirs);
    let ours = world.value(&id, Field::AssignedTo).await;
    assert_eq!(ours.as_deref(), Some("ann@example.com"));
    assert!(
        conflicts(&world, &format!("?integration={JIRA}"))
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn turned_off_and_on_again_nothing_of_the_past_is_replayed() {
    let (world, id) = linked("last-write-wins").await;
    let key = world.record_in(&id, JIRA).await;
    configure(&world, JIRA, &json!({"sync_direction": "none"})).await;
    world.edit(&id, &json!({"title": "edited while off"})).await;
    let bob = world.jira.person("bob@example.com");
    bob.edit(&key, &json!({"description": null}))
        .expect("allowed");
    bob.comment(&key, "written while off", false)
        .expect("allowed");
    world
        .write_note(&id, NoteKind::WorkNote, "noted while off")
        .await;
    world.settle().await;
    world.clock.advance(seconds(60));
    configure(&world, JIRA, &json!({"sync_direction": "bidirectional"})).await;
    world.settle().await;
    assert_eq!(
        titles(&world, &id).await,
        ("edited while off".into(), "db down".into())
    );
    // From now on everything flows, and what lies behind does not come with it.
    world
        .write_note(&id, NoteKind::WorkNote, "noted again")
        .await;
    bob.comment(&key, "written again", false).expect("allowed");
    world.edit(&id, &json!({"severity": "SEV-1"})).await;
    world.settle().await;
    let comments: Vec<_> = world
        .jira
        .comments(&key)
        .into_iter()
        .map(|it| it.text())
        .collect();
    let sent = |text: &str| comments.iter().filter(|it| it.contains(text)).count();
    assert_eq!(
        (sent("noted while off"), sent("noted again")),
        (0, 1),
        "{comments:?}"
    );
    let notes = world.notes(&id).await;
    let came = |text: &str| notes.iter().filter(|it| it.text.contains(text)).count();
    assert_eq!((came("written while off"), came("written again")), (0, 1));
    assert_eq!(
        titles(&world, &id).await,
        ("edited while off".into(), "db down".into())
    );
    assert_eq!(
        world.jira.issue(&key).expect("it exists").priority.name,
        "Highest"
    );
    // An edit on either side is newer than both, and goes to the other.
    retitle(&world, &key, "news");
    world.settle().await;
    assert_eq!(titles(&world, &id).await, ("news".into(), "news".into()));
}

/// The functions keep a configuration for some seconds: what is typed right after the switch flows all the same.
#[tokio::test]
async fn what_is_typed_right_after_a_direction_is_turned_on_flows() {
    let (world, id) = linked("last-write-wins").await;
    let key = world.record_in(&id, JIRA).await;
    configure(&world, JIRA, &json!({"sync_direction": "none"})).await;
    world.edit(&id, &json!({"severity": "SEV-3"})).await;
    world.settle().await;
    let on = json!({"sync_direction": "bidirectional"});
    let path = format!("/integrations/{JIRA}");
    assert_eq!(call(&world, Method::PATCH, &path, Some(&on)).await.0, 200);
    world.clock.advance(seconds(1));
    world.edit(&id, &json!({"title": "typed at once"})).await;
    world
        .write_note(&id, NoteKind::WorkNote, "noted at once")
        .await;
    world.settle().await;
    assert_eq!(
        titles(&world, &id).await,
        ("typed at once".into(), "typed at once".into())
    );
    let comments = world.jira.comments(&key);
    assert!(
        comments
            .iter()
            .any(|it| it.text().contains("noted at once"))
    );
}
