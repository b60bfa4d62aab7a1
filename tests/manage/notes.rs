//! Comments and work notes.

use bytes::Bytes;
use http::{Method, Request};
use im_tests::{INTEGRATION, World};
use serde_json::{Value, json};

use super::{Answer, answer, call_as, errors, get, linked, post, with_tokens};

async fn named(world: &World, path: &str, key: &str, body: &Value) -> Answer {
    let request = Request::post(format!("/api/v1{path}"))
        .header("content-type", "application/json")
        .header("idempotency-key", key);
    let request = request.body(Bytes::from(body.to_string()));
    answer(&world.request(request.expect("a request")).await)
}

#[tokio::test]
async fn the_two_lists_are_apart_and_say_what_became_of_each_note() {
    let (world, id, record) = linked().await;
    let comments = format!("/incidents/{id}/comments");
    let work_notes = format!("/incidents/{id}/work-notes");
    let (status, comment) = post(&world, &comments, &json!({"text": "We are on it\n"})).await;
    assert_eq!(status, 201);
    assert_eq!(comment["text"], "We are on it");
    assert_eq!(comment["kind"], "comments");
    assert_eq!(comment["source"], "@platform");
    assert_eq!(comment["author"], "local-administrator");
    assert_eq!(comment["at"], world.clock.read().to_string());
    assert_eq!(comment["copies"], json!([]));
    let (status, work_note) = post(&world, &work_notes, &json!({"text": "The cache"})).await;
    assert_eq!((status, &work_note["kind"]), (201, &json!("work_notes")));
    world.settle().await;
    for (path, written) in [(&comments, &comment), (&work_notes, &work_note)] {
        let (status, list) = get(&world, path).await;
        assert_eq!((status, &list["next"]), (200, &Value::Null));
        let items = list["items"].as_array().expect("items");
        assert_eq!(items.len(), 1, "{path}");
        assert_eq!(items[0]["id"], written["id"]);
        let copy = &items[0]["copies"][0];
        assert_eq!(copy["integration_id"], INTEGRATION);
        assert_eq!(copy["state"], "sent");
        assert!(copy["external_note_id"].is_string(), "{copy}");
    }
    let held = world.pagerduty.incident(&record).expect("it exists").notes;
    assert_eq!(held.len(), 2, "{held:?}");
}

#[tokio::test]
async fn a_vendors_note_names_its_source_and_author() {
    let (world, id, record) = linked().await;
    let bob = world.pagerduty.person("bob@example.com");
    bob.note(&record, "Rebooted").expect("allowed");
    world.settle().await;
    let (_, list) = get(&world, &format!("/incidents/{id}/work-notes")).await;
    let note = &list["items"][0];
    assert_eq!(note["source"], INTEGRATION, "{list}");
    assert_eq!(note["text"], "Rebooted");
    assert!(note["author"].is_string(), "{note}");
    let id_of = note["id"].as_str().expect("an id");
    assert!(id_of.starts_with(&format!("{INTEGRATION}/")), "{id_of}");
}

#[tokio::test]
async fn a_named_request_writes_one_note() {
    let (world, id, record) = linked().await;
    let path = format!("/incidents/{id}/work-notes");
    let body = json!({"text": "Once"});
    let first = named(&world, &path, "note-1", &body).await;
    world.settle().await;
    let again = named(&world, &path, "note-1", &body).await;
    assert_eq!((first.0, again.0), (201, 201));
    assert_eq!(first.1["id"], again.1["id"]);
    assert_eq!(again.1["copies"][0]["state"], "sent", "as it is by now");
    world.settle().await;
    let held = world.pagerduty.incident(&record).expect("it exists").notes;
    assert_eq!(held.len(), 1, "{held:?}");
    let other = named(&world, &path, "note-1", &json!({"text": "Twice"})).await;
    assert_eq!(other.0, 422);
    let problem = "was used for another note; use a new one";
    assert_eq!(errors(&other), [("Idempotency-Key", problem)]);
    // The lists are apart: the same name is free on the other one.
    let path = format!("/incidents/{id}/comments");
    let comment = named(&world, &path, "note-1", &json!({"text": "Twice"})).await;
    assert_eq!(comment.0, 201);
}

#[tokio::test]
async fn notes_are_for_those_who_may_edit_the_incident() {
    let (world, id, _) = linked().await;
    with_tokens(&world).await;
    let path = format!("/incidents/{id}/work-notes");
    let body = json!({"text": "The cache"});
    let write = async |role| {
        let (status, _) = call_as(&world, role, Method::POST, &path, Some(&body)).await;
        status
    };
    let read = async |role| call_as(&world, role, Method::GET, &path, None).await.0;
    assert_eq!((write("viewer").await, read("viewer").await), (403, 403));
    let manager = "integration.manager";
    assert_eq!((write(manager).await, read(manager).await), (403, 200));
    let commander = "incident_commander";
    assert_eq!(
        (write(commander).await, read(commander).await),
        (403, 200),
        "it is not assigned to ann"
    );
    world
        .edit(&id, &json!({"assigned_to": "ann@example.com"}))
        .await;
    assert_eq!(write(commander).await, 201);
    assert_eq!(write("platform.administrator").await, 201);
}

#[tokio::test]
async fn what_is_no_note_is_refused() {
    let (world, id, _) = linked().await;
    let path = format!("/incidents/{id}/comments");
    let blank = post(&world, &path, &json!({"text": " "})).await;
    assert_eq!(
        (blank.0, errors(&blank)),
        (422, vec![("text", "must not be empty")])
    );
    let nobodys = "/incidents/INC-01ARZ3NDEKTSV4RRFFQ69G5FAV/comments";
    let unknown = post(&world, nobodys, &json!({"text": "x"})).await;
    assert_eq!((unknown.0, get(&world, nobodys).await.0), (404, 404));
    assert_eq!(get(&world, &path).await.1["items"], json!([]));
}
