//! Runs: one at a time, over several invocations, cancelled, taken over, stopped by the brake.

use http::Method;
use im_engine::Announcement;
use im_model::{IntegrationId, RunId};
use im_sandbox::pagerduty::Urgency;
use im_tests::{INTEGRATION, SERVICENOW, World};
use serde_json::{Value, json};

use crate::{linked, minutes};

async fn post(world: &World, path: &str, body: Option<&Value>) -> (u16, Value) {
    let path = format!("/integrations/{path}");
    let answer = world.api(Method::POST, &path, body).await;
    let json = serde_json::from_slice(answer.body()).unwrap_or_default();
    (answer.status().as_u16(), json)
}

/// So many incidents, linked with ServiceNow alone.
async fn many(count: usize) -> std::sync::Arc<World> {
    let world = World::unconnected(1).await;
    world.connect(im_model::IntegrationType::ServiceNow).await;
    for number in 0..count {
        world
            .create(&json!({"title": format!("incident {number}"), "severity": "SEV-3"}))
            .await;
    }
    world.settle().await;
    world.clock.advance(minutes(10));
    world
}

#[tokio::test]
async fn there_is_one_run_of_an_integration_at_a_time() {
    let (world, _) = linked().await;
    let dry = json!({"dry_run": true});
    let first = world.start_run(INTEGRATION, &dry).await;
    let (status, problem) = post(&world, &format!("{INTEGRATION}/reconcile"), Some(&dry)).await;
    assert_eq!(status, 409);
    assert!(
        problem["detail"].as_str().expect("words").contains(&first),
        "{problem}"
    );
    world.start_run(SERVICENOW, &dry).await;
    world.finish_runs().await;
    world.dry_run(INTEGRATION).await;
    let history = world
        .read(&format!("/integrations/{INTEGRATION}/reconcile/history"))
        .await;
    let runs = history["items"].as_array().expect("items");
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[1]["id"], first);
    assert_eq!(runs[0]["started_by"]["kind"], "person", "{}", runs[0]);
}

#[tokio::test]
async fn a_cancelled_run_writes_nothing_more() {
    let (world, id) = linked().await;
    let record = world.record_in(&id, INTEGRATION).await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.set_title(&record, "changed there").expect("allowed");
    world.lose_webhooks();
    let writes = world.all_writes().len();
    let run = world
        .start_run(INTEGRATION, &json!({"auto_heal": true}))
        .await;
    let path = format!("{INTEGRATION}/reconcile/runs/{run}/cancel");
    assert_eq!(post(&world, &path, None).await.0, 200);
    assert_eq!(post(&world, &path, None).await.0, 409);
    world.finish_runs().await;
    let report = world.report(INTEGRATION, &run).await;
    assert_eq!(report.status(), "cancelled");
    assert_eq!(world.all_writes().len(), writes);
    assert_eq!(world.auto_heal(INTEGRATION).await.count("healed"), 1);
}

/// Its message was lost, or its invocation died: the minute tick brings it again, and it goes on where it was.
#[tokio::test]
async fn a_run_that_lost_its_worker_is_taken_over() {
    let (world, _) = linked().await;
    let run = world
        .start_run(INTEGRATION, &json!({"dry_run": true}))
        .await;
    let queue = world.system.embedded.queues.reconcile.clone();
    let poller = im_local::QueuePoller::new(world.lambda_sqs.clone(), queue.clone());
    let taken = poller.receive().await.expect("the queue answers");
    let gone = im_local::mapping::Ended::Answered(json!({}));
    poller
        .ended(&taken, &gone)
        .await
        .expect("the queue answers");
    assert_eq!(world.queues.messages(&queue), Vec::new());

    world.tick().await;
    assert_eq!(
        world.queues.messages(&queue),
        Vec::new(),
        "it may still be at work"
    );
    world.clock.advance(minutes(3));
    let tick = world.tick().await;
    assert_eq!(tick.runs, 1);
    world.finish_runs().await;
    assert_eq!(world.report(INTEGRATION, &run).await.status(), "done");
    world.clock.advance(minutes(3));
    assert_eq!(world.tick().await.runs, 0);
}

/// A slow vendor: each page takes half of what an invocation has.
#[tokio::test]
async fn a_run_goes_on_over_several_invocations() {
    let world = many(3).await;
    for _ in 0..2 {
        let clock = world.clock.clone();
        let step = move || async move { clock.advance(minutes(1)) };
        world
            .transport
            .once_at(im_tests::Moment::BeforeAnswer, Method::GET, "/table/", step);
    }
    let dry = world.dry_run(SERVICENOW).await;
    assert_eq!(dry.status(), "done");
    assert_eq!(dry.count("invocations"), 3, "{:#?}", dry.run);
    assert_eq!((dry.count("linked"), dry.count("incidents")), (3, 3));
}

/// A table that says something else for every record.
#[tokio::test]
async fn a_wrong_map_is_stopped_by_the_brake_before_it_writes() {
    let world = many(25).await;
    let path = format!("/integrations/{SERVICENOW}/mappings");
    let mut mappings = world.read(&path).await;
    let wrong = json!({"values": {"SEV-1": "3/3", "SEV-2": "3/3", "SEV-3": "3/3", "SEV-4": "3/3"}, "otherwise": "error"});
    mappings["values"]["severity"]["outbound"] = wrong;
    let changed = world.api(Method::PUT, &path, Some(&mappings)).await;
    assert_eq!(changed.status(), 200, "{changed:?}");
    world.clock.advance(minutes(1));
    let writes = world.all_writes().len();
    let braked = world.auto_heal(SERVICENOW).await;
    assert_eq!(braked.status(), "braked", "{:#?}", braked.run);
    assert_eq!((braked.count("to_heal"), braked.count("healed")), (25, 0));
    assert_eq!(world.all_writes().len(), writes, "it wrote");

    let run = braked.run["id"].as_str().expect("an id");
    let integration: IntegrationId = SERVICENOW.parse().expect("an id");
    let id: RunId = run.parse().expect("an id");
    let expected = [
        Announcement::DriftFound {
            integration: integration.clone(),
            run: id.clone(),
            differences: 25,
        },
        Announcement::BrakeStopped {
            integration,
            run: id,
            changes: 25,
        },
    ];
    assert_eq!(world.announcements.take_all(), expected);
    let confirm = format!("{SERVICENOW}/reconcile/runs/{run}/confirm");
    let (status, confirmed) = post(&world, &confirm, None).await;
    assert_eq!(status, 202, "{confirmed}");
    world.finish_runs().await;
    let report = world.report(SERVICENOW, run).await;
    assert_eq!(
        (report.status(), report.count("healed")),
        ("done", 25),
        "{:#?}",
        report.run
    );
    assert_eq!(post(&world, &confirm, None).await.0, 409);
    world.settle().await;
    assert_eq!(world.dry_run(SERVICENOW).await.found(), [""; 0]);
}

/// A vendor that refuses or hangs: the run waits, and goes on.
#[tokio::test]
async fn a_run_waits_for_a_vendor_that_does_not_answer() {
    let (world, id) = linked().await;
    let record = world.record_in(&id, INTEGRATION).await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.set_urgency(&record, Urgency::Low).expect("allowed");
    world.lose_webhooks();
    let unavailable = im_sandbox::Fault::RefuseWith {
        status: 503,
        body: Value::Null,
        headers: std::collections::BTreeMap::new(),
    };
    let down = im_sandbox::FaultRule::always(unavailable).times(2);
    world.pagerduty.add_fault(down);
    let healed = world.auto_heal(INTEGRATION).await;
    assert_eq!(
        (healed.status(), healed.count("healed")),
        ("done", 1),
        "{:#?}",
        healed.run
    );
    assert!(healed.count("invocations") >= 2);
}
