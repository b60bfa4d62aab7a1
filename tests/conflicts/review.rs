//! `manual-review`: the field waits for a person.

use im_engine::ports::Announcer as _;
use im_model::Severity;
use im_runtime::EventBridgeAnnouncer;
use im_sandbox::{Fault, FaultRule};
use im_tests::{EventBus, SERVICENOW};

use super::*;

/// One pending conflict of the title at Jira: "ours" and "theirs".
async fn in_review() -> (Arc<World>, IncidentId, Value) {
    let (world, id) = linked("manual-review").await;
    edit_both(&world, &id, "ours", "theirs").await;
    let mut pending = conflicts(&world, "?status=pending").await;
    assert_eq!(pending.len(), 1, "{pending:?}");
    (world, id, pending.remove(0))
}

/// Ten echoes, of what is not mapped: nobody is sent anything, and both sides stay.
async fn stays(world: &World, id: &IncidentId) {
    let before = (titles(world, id).await, world.all_writes().len());
    let key = world.record_in(id, JIRA).await;
    for n in 0..10 {
        let bob = world.jira.person("bob@example.com");
        let labels = json!({"labels": [id.as_str(), format!("echo-{n}")]});
        bob.edit(&key, &labels).expect("allowed");
        world.clock.advance(seconds(20));
        world.settle().await;
    }
    assert_eq!((titles(world, id).await, world.all_writes().len()), before);
}

#[tokio::test]
async fn a_conflict_shows_base_both_sides_who_and_when() {
    let (world, id, conflict) = in_review().await;
    assert_eq!(conflict["incident_id"], id.as_str());
    assert_eq!(conflict["integration_id"], JIRA);
    assert_eq!(conflict["field"], "title");
    assert_eq!(
        conflict["base"],
        json!({"platform": "db down", "external": "db down"})
    );
    assert_eq!(conflict["platform"]["value"], "ours");
    assert_eq!(conflict["platform"]["author"], "local-administrator");
    assert_eq!(conflict["platform"]["time_source"], "platform");
    assert_eq!(conflict["external"]["value"], "theirs");
    assert_eq!(conflict["external"]["time_source"], "webhook");
    assert!(conflict["external"]["author"].is_string(), "{conflict}");
    assert_eq!(titles(&world, &id).await, ("ours".into(), "theirs".into()));
    let one = format!("/conflicts/{}", conflict["id"].as_str().expect("an id"));
    assert_eq!(call(&world, Method::GET, &one, None).await, (200, conflict));
    assert!(
        conflicts(&world, &format!("?integration={SERVICENOW}"))
            .await
            .is_empty()
    );
    assert_eq!(conflicts(&world, &format!("?incident={id}")).await.len(), 1);
}

/// Once, when it begins to wait; its name and no value.
#[tokio::test]
async fn a_conflict_that_waits_is_announced() {
    let (world, id, conflict) = in_review().await;
    let key = world.record_in(&id, JIRA).await;
    let ann = world.jira.person("ann@example.com");
    ann.edit(&key, &json!({"summary": "theirs again"}))
        .expect("allowed");
    world.settle().await;
    let told = world.announcements.take_all();
    assert_eq!(told.len(), 1, "{told:#?}");
    let bus = EventBus::default();
    let announcer = EventBridgeAnnouncer::new(bus.client(&world.system.embedded));
    announcer.announce(&told[0]).await.expect("taken");
    let event = bus.take().remove(0);
    assert_eq!(event["DetailType"], "Conflict Pending");
    let detail = event["Detail"].as_str().expect("a text");
    let expected = json!({
        "integration_id": JIRA, "conflict_id": conflict["id"], "incident_id": id.as_str(),
        "external_id": key, "field": "title",
    });
    let detail: Value = serde_json::from_str(detail).expect("JSON");
    assert_eq!(detail, expected);
}

#[tokio::test]
async fn its_siblings_sync_and_it_moves_in_neither_direction() {
    let (world, id, _) = in_review().await;
    let key = world.record_in(&id, JIRA).await;
    world
        .edit(&id, &json!({"severity": Severity::Sev1.as_str()}))
        .await;
    let ann = world.jira.person("ann@example.com");
    ann.edit(&key, &json!({"summary": "theirs again"}))
        .expect("allowed");
    world.settle().await;
    let issue = world.jira.issue(&key).expect("the issue exists");
    assert_eq!(issue.priority.name, "Highest");
    assert_eq!(
        titles(&world, &id).await,
        ("ours".into(), "theirs again".into())
    );
    let pending = conflicts(&world, "?status=pending").await;
    assert_eq!(
        pending.len(),
        1,
        "later edits update the one that is queued"
    );
    assert_eq!(pending[0]["external"]["value"], "theirs again");
    assert_eq!(pending[0]["version"], 2);
    // What the other systems own of it, they go on with.
    let ticket = world.record_in(&id, SERVICENOW).await;
    let ticket = world.servicenow.incident(&ticket).expect("it exists");
    assert_eq!(&ticket["short_description"], "ours");
}

#[tokio::test]
async fn each_resolution_does_what_it_says_and_stays() {
    for (resolution, status, after) in [
        ("use_platform", "resolved", ("ours", "ours")),
        ("use_external", "resolved", ("theirs", "theirs")),
        ("ignore", "ignored", ("ours", "theirs")),
    ] {
        let (world, id, conflict) = in_review().await;
        let (code, resolved) = resolve(&world, &conflict, resolution).await;
        assert_eq!(
            (code, &resolved["status"]),
            (200, &json!(status)),
            "{resolved}"
        );
        assert_eq!(resolved["settlement"]["actor"], "local-administrator");
        world.settle().await;
        let after = (after.0.to_owned(), after.1.to_owned());
        assert_eq!(titles(&world, &id).await, after, "{resolution}");
        stays(&world, &id).await;
        let (again, problem) = resolve(&world, &conflict, "use_external").await;
        assert_eq!(again, 409, "{problem}");
        assert!(conflicts(&world, "?status=pending").await.is_empty());
        // The next edit flows as ever.
        world.clock.advance(seconds(60));
        world.edit(&id, &json!({"title": "news"})).await;
        world.settle().await;
        assert_eq!(titles(&world, &id).await, ("news".into(), "news".into()));
    }
}

#[tokio::test]
async fn a_stale_resolution_is_refused() {
    let (world, id, seen) = in_review().await;
    let key = world.record_in(&id, JIRA).await;
    retitle(&world, &key, "newer");
    world.settle().await;
    let path = format!(
        "/api/v1/conflicts/{}/resolve",
        seen["id"].as_str().expect("an id")
    );
    let request = http::Request::post(path)
        .header("content-type", "application/json")
        .header("if-match", format!("\"{}\"", seen["version"]))
        .body(json!({"resolution": "use_platform"}).to_string().into())
        .expect("a request");
    let answer = world.request(request).await;
    assert!(matches!(answer.status().as_u16(), 409 | 412), "{answer:?}");
    // Edited on the platform, and not compared yet.
    world.edit(&id, &json!({"title": "ours, later"})).await;
    let (status, problem) = resolve(&world, &seen, "use_platform").await;
    assert_eq!(status, 409, "{problem}");
    world.settle().await;
    assert_eq!(
        titles(&world, &id).await,
        ("ours, later".into(), "newer".into())
    );
}

/// Bob edits after Ann has chosen and before it is carried out: his edit is a new question, not overwritten.
#[tokio::test]
async fn an_edit_after_the_choice_is_asked_again() {
    let (world, id, conflict) = in_review().await;
    assert_eq!(resolve(&world, &conflict, "use_platform").await.0, 200);
    let key = world.record_in(&id, JIRA).await;
    retitle(&world, &key, "newer");
    world.settle().await;
    assert_eq!(titles(&world, &id).await, ("ours".into(), "newer".into()));
    let pending = conflicts(&world, "?status=pending").await;
    assert_eq!(pending.len(), 1);
    assert_eq!(pending[0]["id"], conflict["id"]);
    assert_eq!(resolve(&world, &pending[0], "use_external").await.0, 200);
    world.settle().await;
    assert_eq!(titles(&world, &id).await, ("newer".into(), "newer".into()));
}

#[tokio::test]
async fn two_that_come_to_say_the_same_are_settled() {
    let (world, id, conflict) = in_review().await;
    let key = world.record_in(&id, JIRA).await;
    retitle(&world, &key, "ours");
    world.settle().await;
    assert!(conflicts(&world, "?status=pending").await.is_empty());
    let resolved = conflicts(&world, "?status=resolved").await;
    assert_eq!(resolved[0]["id"], conflict["id"]);
    assert_eq!(resolved[0]["settlement"]["by"], "agreement");
    assert_eq!(titles(&world, &id).await, ("ours".into(), "ours".into()));
}

#[tokio::test]
async fn what_nobody_knows_is_refused_with_its_name() {
    let (world, _, conflict) = in_review().await;
    let (status, problem) = resolve(&world, &conflict, "toss_a_coin").await;
    assert_eq!(status, 422);
    assert_eq!(problem["errors"][0]["field"], "resolution");
    let path = "/conflicts/CON-01ARZ3NDEKTSV4RRFFQ69G5FAV";
    assert_eq!(call(&world, Method::GET, path, None).await.0, 404);
    let (status, problem) = call(&world, Method::GET, "/conflicts?status=open", None).await;
    assert_eq!(
        (status, &problem["errors"][0]["field"]),
        (422, &json!("status"))
    );
}

/// What was chosen cannot be written: the question comes back, with the reason on the link, and can be answered again.
#[tokio::test]
async fn a_choice_that_the_vendor_refuses_is_asked_again() {
    let (world, id, conflict) = in_review().await;
    let refusal = Fault::RefuseWith {
        status: 400,
        body: json!({"errorMessages": [], "errors": {"summary": "not today"}}),
        headers: std::collections::BTreeMap::new(),
    };
    let fault = FaultRule::once(refusal).method(&Method::PUT);
    world.jira.add_fault(fault);
    assert_eq!(resolve(&world, &conflict, "use_platform").await.0, 200);
    world.settle().await;
    assert_eq!(titles(&world, &id).await, ("ours".into(), "theirs".into()));
    let pending = conflicts(&world, "?status=pending").await;
    assert_eq!(pending.len(), 1);
    assert_eq!(pending[0]["id"], conflict["id"]);
    assert_eq!(resolve(&world, &pending[0], "use_platform").await.0, 200);
    world.settle().await;
    assert_eq!(titles(&world, &id).await, ("ours".into(), "ours".into()));
    assert!(conflicts(&world, "?status=pending").await.is_empty());
}

/// The map has no answer for what Bob set: it cannot win, and the person is told why at once.
#[tokio::test]
async fn a_choice_that_the_map_has_no_answer_for_is_refused() {
    let (world, id) = linked("manual-review").await;
    let shared = json!([{"owner": "platform"}, {"owner": "external"}]);
    own(&world, JIRA, "severity", &shared).await;
    let table = json!({"values": {"severity": {"inbound": {
        "values": {"High": "SEV-2", "Medium": "SEV-3"}, "otherwise": "leave_alone",
    }}}});
    let path = format!("/integrations/{JIRA}/mappings");
    let (status, body) = call(&world, Method::PUT, &path, Some(&table)).await;
    assert_eq!(status, 200, "{body}");
    forget_configuration(&world);
    let key = world.record_in(&id, JIRA).await;
    world.edit(&id, &json!({"severity": "SEV-1"})).await;
    let bob = world.jira.person("bob@example.com");
    bob.edit(&key, &json!({"priority": {"name": "Lowest"}}))
        .expect("allowed");
    world.settle().await;
    let pending = conflicts(&world, "?status=pending").await;
    assert_eq!(pending.len(), 1, "{pending:?}");
    let (status, problem) = resolve(&world, &pending[0], "use_external").await;
    assert_eq!(status, 409, "{problem}");
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|it| it.contains("Lowest")),
        "{problem}"
    );
    assert_eq!(resolve(&world, &pending[0], "use_platform").await.0, 200);
}
