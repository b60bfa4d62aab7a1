//! Triggers: refused when they are wrong, asked before a record is first sent, and not after.

use std::sync::Arc;

use http::Method;
use im_model::IncidentId;
use im_sandbox::{Fault, FaultRule, pagerduty::Urgency};
use im_tests::{INTEGRATION, Moment, World};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Answer, call, call_as, errors, get, linked, post, with_tokens};

fn path() -> String {
    format!("/integrations/{INTEGRATION}/triggers")
}

async fn put(world: &World, body: &Value) -> Answer {
    let answer = call(world, Method::PUT, &path(), Some(body)).await;
    // So that the functions, which keep configuration for 10 s, know it.
    world.clock.advance(SignedDuration::from_secs(11));
    answer
}

async fn test(world: &World, body: &Value) -> Answer {
    post(world, &format!("{}/test", path()), body).await
}

/// What was stored of an integration goes past every check.
async fn store_outbound(world: &World, text: &str) {
    let store = &world.system.ports.store;
    let id = INTEGRATION.parse().expect("an id");
    let found = im_engine::ports::IntegrationStore::integration(store.as_ref(), &id).await;
    let mut integration = found.expect("the store answers").expect("it exists");
    integration.triggers.outbound = Some(text.to_owned());
    integration.version += 1;
    let audit = im_tests::by_itself(&integration);
    let stored = im_engine::ports::IntegrationStore::update_integration(
        store.as_ref(),
        &integration,
        &audit,
    );
    let stored = stored.await.expect("the store answers");
    assert_eq!(stored, im_engine::ports::Attempt::Done);
    world.clock.advance(SignedDuration::from_secs(11));
}

#[tokio::test]
async fn wrong_triggers_are_refused_with_the_place_and_nothing_is_changed() {
    let world = World::new().await;
    let good = json!({"outbound": "severity == 'SEV-1'"});
    let (status, set) = put(&world, &good).await;
    assert_eq!(
        (status, &set["outbound"], &set["inbound"]),
        (200, &good["outbound"], &Value::Null)
    );
    let bad = json!({"outbound": "severity == 'SEV-9'", "inbound": "title ==\n  1 +"});
    let refused = put(&world, &bad).await;
    assert_eq!(refused.0, 422);
    let (outbound, inbound) = (
        "1:13: severity is never \"SEV-9\": it is one of SEV-1, SEV-2, SEV-3, SEV-4, or empty\n  \
         severity == 'SEV-9'\n              ^",
        "2:6: the condition breaks off here\n    1 +\n       ^",
    );
    assert_eq!(
        errors(&refused),
        [("outbound", outbound), ("inbound", inbound)]
    );
    for (body, field) in [
        (json!({"outbound": "external.status == 'x'"}), "outbound"),
        (json!({"inbound": "title"}), "inbound"),
        (json!({"inbound": "title == 1"}), "inbound"),
        (json!({"inbound": ""}), "inbound"),
        (json!({"outbound": 1}), "outbound"),
        (json!({"trigger": "true"}), "trigger"),
    ] {
        let refused = put(&world, &body).await;
        assert_eq!(refused.0, 422, "{body}");
        assert_eq!(errors(&refused)[0].0, field, "{body}");
    }
    let (status, kept) = get(&world, &path()).await;
    assert_eq!((status, kept), (200, set));
    let (_, none) = put(&world, &json!({})).await;
    assert_eq!(
        none,
        json!({"outbound": null, "inbound": null}),
        "absent is none"
    );
}

#[tokio::test]
async fn a_trigger_is_set_only_on_the_version_that_was_seen() {
    let world = World::new().await;
    let set = async |tag: &str| {
        let request = http::Request::put(format!("/api/v1{}", path()))
            .header("content-type", "application/json")
            .header("if-match", tag)
            .body(bytes::Bytes::from(json!({"outbound": "true"}).to_string()));
        world.request(request.expect("a request")).await
    };
    let shown = world.api(Method::GET, &path(), None).await;
    let tag = shown.headers()["etag"].to_str().expect("text").to_owned();
    assert_eq!(set("\"77\"").await.status(), 412);
    let done = set(&tag).await;
    assert_eq!(done.status(), 200);
    assert_ne!(done.headers()["etag"], tag);
    assert_eq!(set(&tag).await.status(), 412, "changed since");
}

#[tokio::test]
async fn nothing_is_sent_until_the_outbound_trigger_holds_and_then_everything_is() {
    let world = World::new().await;
    let trigger = json!({"outbound": "severity in ['SEV-1', 'SEV-2'] && labels.team == 'it'"});
    assert_eq!(put(&world, &trigger).await.0, 200);
    let id = world
        .create(&json!({"title": "db down", "severity": "SEV-3"}))
        .await;
    world.settle().await;
    world.edit(&id, &json!({"severity": "SEV-1"})).await;
    world.settle().await;
    assert!(world.writes().is_empty(), "{:?}", world.writes());
    let incident = world.incident(&id).await;
    assert!(
        incident.links.is_empty() && incident.pending.is_empty(),
        "{incident:?}"
    );
    assert!(world.dead_letters().await.is_empty());
    world
        .edit(&id, &json!({"custom_fields": {"team": "it"}}))
        .await;
    world.settle().await;
    assert_eq!(world.writes(), ["POST /incidents"]);
    let record = world.record_of(&id).await;
    // Linked, it is synced whatever the trigger says.
    world
        .edit(
            &id,
            &json!({"severity": "SEV-4", "custom_fields": {"team": null}}),
        )
        .await;
    world.settle().await;
    let held = world.pagerduty.incident(&record).expect("it exists");
    assert_eq!(held.urgency, Urgency::Low);
}

#[tokio::test]
async fn a_record_becomes_an_incident_when_the_inbound_trigger_holds() {
    let world = World::new().await;
    let trigger = json!({"inbound": "external.urgency == 'high'"});
    assert_eq!(
        put(&world, &trigger).await.0,
        422,
        "the field is called severity"
    );
    let trigger = "status == 'acknowledged' && external.status == 'acknowledged'";
    assert_eq!(put(&world, &json!({"inbound": trigger})).await.0, 200);
    let ann = world.pagerduty.person("ann@example.com");
    let record = ann.trigger("disk is filling", Urgency::Low);
    let record = record.expect("allowed");
    world.settle().await;
    assert!(world.incidents().await.is_empty());
    let listed = format!("/deliveries?integration_id={INTEGRATION}");
    let outcome = &get(&world, &listed).await.1["items"][0]["outcome"];
    assert_eq!(outcome, "skipped: the inbound trigger does not hold");
    world.clock.advance(SignedDuration::from_secs(60));
    ann.acknowledge(&record).expect("allowed");
    world.settle().await;
    let id = world.only_incident().await.id;
    assert_eq!(world.record_of(&id).await, record);
    world.clock.advance(SignedDuration::from_secs(60));
    ann.resolve(&record).expect("allowed");
    world.settle().await;
    let status = world.value(&id, im_model::Field::Status).await;
    let said = "linked, it stays in sync";
    assert_eq!(status.as_deref(), Some("resolved"), "{said}");
}

#[tokio::test]
async fn a_creation_that_has_begun_is_carried_on_whatever_the_trigger_says() {
    let world = World::new().await;
    let step = {
        let world = Arc::clone(&world);
        move || async move {
            assert_eq!(put(&world, &json!({"outbound": "false"})).await.0, 200);
        }
    };
    world
        .transport
        .once(Moment::BeforeArrival, Method::POST, step);
    let fault = FaultRule::once(Fault::TimeoutBeforeCommit).method(&Method::POST);
    world.pagerduty.add_fault(fault);
    let id = world.create(&json!({"title": "db down"})).await;
    world.settle().await;
    assert!(!world.transport.has_interludes());
    assert_eq!(world.incident(&id).await.links.len(), 1);
    assert!(!world.record_of(&id).await.is_empty());
}

#[tokio::test]
async fn a_stored_trigger_that_is_not_valid_any_more_fails_the_job_in_words() {
    let world = World::new().await;
    store_outbound(&world, "severity == 'SEV-1' && team == 'it'").await;
    let id = world.create(&json!({"title": "db down"})).await;
    world.settle().await;
    let dead = world.dead_letters().await;
    let [dead] = dead.as_slice() else {
        panic!("one dead letter: {dead:?}")
    };
    let error = &dead.failures.last().expect("an error").error;
    let says = "its outbound trigger is not valid any more, at 1:24: there is no variable team";
    assert!(error.contains(says), "{error}");
    let (status, tested) = test(&world, &json!({"incident": id.to_string()})).await;
    assert_eq!(status, 409, "{tested}");
    let preview = format!("/integrations/{INTEGRATION}/preview");
    assert_eq!(post(&world, &preview, &json!({})).await.0, 409);
}

#[tokio::test]
async fn a_trigger_says_whether_it_holds_and_what_it_saw() {
    let (world, id, record) = linked().await;
    let incident = id.to_string();
    let (status, none) = test(&world, &json!({"incident": incident})).await;
    assert_eq!(
        (status, &none["result"], &none["expression"]),
        (200, &json!(true), &Value::Null)
    );
    let saved = "severity == 'SEV-2' || labels.team == 'it'";
    assert_eq!(put(&world, &json!({"outbound": saved})).await.0, 200);
    let (_, tested) = test(&world, &json!({"incident": incident})).await;
    let reason = r#"severity is "SEV-1", labels.team is not set"#;
    assert_eq!(tested["direction"], "outbound");
    assert_eq!(tested["expression"], saved);
    assert_eq!(
        (&tested["result"], &tested["reason"]),
        (&json!(false), &json!(reason))
    );
    assert_eq!(tested["variables"]["title"], "db down");
    assert_eq!(tested["variables"]["priority"], "");
    assert_eq!(tested["variables"]["custom"], json!({}));
    let other = json!({"incident": incident, "expression": "title == 'db down'"});
    assert_eq!(test(&world, &other).await.1["result"], true);
    let record = json!({"external_id": record, "expression": "external.severity == 'high'"});
    let (status, tested) = test(&world, &record).await;
    assert_eq!((status, &tested["direction"]), (200, &json!("inbound")));
    assert_eq!(
        (&tested["result"], &tested["reason"]),
        (&json!(true), &json!(r#"external.severity is "high""#))
    );
    assert_eq!(
        tested["variables"]["severity"], "SEV-2",
        "after the inbound map"
    );
    assert_eq!(tested["variables"]["external"]["severity"], "high");
    assert_eq!(
        get(&world, &path()).await.1["outbound"],
        saved,
        "nothing was saved"
    );
}

#[tokio::test]
async fn a_test_is_of_one_thing_that_exists() {
    let (world, id, record) = linked().await;
    let incident = id.to_string();
    let unknown = IncidentId::from_ulid(ulid::Ulid::from_parts(1, 1)).to_string();
    for (body, expected, field) in [
        (json!({}), 422, "incident"),
        (
            json!({"incident": incident, "external_id": record}),
            422,
            "incident",
        ),
        (json!({"incident": "7"}), 422, "incident"),
        (
            json!({"incident": incident, "expression": "title"}),
            422,
            "expression",
        ),
        (
            json!({"incident": incident, "direction": "outbound"}),
            422,
            "direction",
        ),
        (json!({"external_id": "PNOTTHERE"}), 422, "external_id"),
        (json!({"incident": unknown}), 404, ""),
    ] {
        let refused = test(&world, &body).await;
        assert_eq!(refused.0, expected, "{body}: {}", refused.1);
        let named = errors(&refused)
            .first()
            .map_or("", |(field, _)| *field)
            .to_owned();
        assert_eq!(named, field, "{body}");
    }
    with_tokens(&world).await;
    let body = json!({"incident": incident});
    let path = format!("{}/test", path());
    for (role, expected) in [
        ("integration.manager", 200),
        ("incident_commander", 403),
        ("viewer", 403),
    ] {
        let answer = call_as(&world, role, Method::POST, &path, Some(&body)).await;
        assert_eq!(answer.0, expected, "{role}");
    }
}

#[tokio::test]
async fn a_trigger_that_never_holds_or_is_never_asked_is_warned_of() {
    let world = World::new().await;
    let never = "severity == 'SEV-1' && !(severity in ['SEV-1', 'SEV-2'])";
    let both = json!({"outbound": never, "inbound": "title == 'a'"});
    assert_eq!(put(&world, &both).await.0, 200);
    let check = format!("/integrations/{INTEGRATION}/check");
    let of_triggers = async || -> Vec<String> {
        let (status, checked) = get(&world, &check).await;
        assert_eq!(status, 200, "{checked}");
        let findings = checked["findings"].as_array().expect("findings").iter();
        let said = findings.filter(|finding| finding["kind"] == "never_acts");
        let said = said.map(|finding| (&finding["level"], &finding["detail"]));
        let said = said.map(|(level, detail)| {
            let text = |json: &Value| json.as_str().expect("a text").to_owned();
            format!("{}: {}", text(level), text(detail))
        });
        said.filter(|said| said.contains("trigger")).collect()
    };
    let warned = format!("warning: outbound trigger {never:?} never holds");
    assert_eq!(of_triggers().await, [warned]);
    let path = format!("/integrations/{INTEGRATION}");
    let outbound = json!({"sync_direction": "outbound"});
    let changed = call(&world, Method::PATCH, &path, Some(&outbound)).await;
    assert_eq!(changed.0, 200);
    assert_eq!(put(&world, &json!({"inbound": "true"})).await.0, 200);
    let warned = "warning: inbound trigger stands beside direction outbound";
    assert_eq!(of_triggers().await, [warned]);
    store_outbound(&world, "severity ==").await;
    let said = of_triggers().await;
    let error = "error: outbound trigger is not valid, at 1:12: the condition breaks off here";
    assert_eq!(said, [error, warned]);
}
