//! The vendor comes back, and everything comes together by itself.

use http::Method;
use im_engine::ports::{Task, TaskStore as _};
use im_model::{DeadLetterStatus, Field, TaskKind};

use super::*;

/// Ticks once a minute, and runs what is due in between.
async fn minutes(world: &World, count: usize) {
    for _ in 0..count {
        world.clock.advance(SignedDuration::from_secs(60));
        world.tick().await;
        world.run_now().await;
    }
}

#[tokio::test]
async fn after_72_hours_of_outage_everything_comes_together_without_anybodys_click() {
    let (world, id, record) = linked().await;
    let other = world
        .create(&json!({"title": "cache cold", "severity": "SEV-3"}))
        .await;
    world.settle().await;
    world.clock.advance(SignedDuration::from_secs(60));
    world.pagerduty.add_fault(answer(503));
    let ann = world.pagerduty.person("ann@example.com");
    for day in 0..3 {
        world
            .edit(&id, &json!({"title": format!("db down, day {day}")}))
            .await;
        world.edit(&other, &json!({"severity": "SEV-2"})).await;
        if day == 1 {
            ann.acknowledge(&record).expect("allowed");
            let urgency = im_sandbox::pagerduty::Urgency::Low;
            ann.trigger("disk full", urgency).expect("allowed");
        }
        world.deliver_webhooks().await;
        world.settle().await;
        for _ in 0..24 {
            world.clock.advance(SignedDuration::from_hours(1));
            world.tick().await;
            world.settle().await;
        }
    }
    let listed = open(&world).await;
    assert_eq!(listed.len(), 3, "two incidents and a record: {listed:#?}");
    world.edit(&id, &json!({"title": "db down, day 4"})).await;
    world.settle().await;
    let writes = world.writes().len();

    world.pagerduty.clear_faults();
    minutes(&world, 15).await;
    assert_eq!(open(&world).await, []);
    assert_eq!(entries(&world, DeadLetterStatus::Retrying).await, []);
    assert_eq!(entries(&world, DeadLetterStatus::Resolved).await.len(), 3);
    let shown = world.pagerduty.incident(&record).expect("it");
    assert_eq!(shown.title, "db down, day 4");
    assert_eq!(
        world.value(&id, Field::Status).await.as_deref(),
        Some("acknowledged")
    );
    assert_eq!(
        world.incidents().await.len(),
        3,
        "the record became an incident, once"
    );
    assert_eq!(world.pagerduty.incidents().len(), 3);
    let written: Vec<_> = world.pagerduty.writes().split_off(writes);
    assert!(
        written
            .iter()
            .all(|write| !write.body.to_string().contains("day 0")
                && !write.body.to_string().contains("day 1")),
        "no old value: {written:#?}"
    );
    assert_eq!(
        written.len(),
        2,
        "one for each incident that was owed: {written:#?}"
    );
    assert!(world.system.is_quiet().await.expect("the store answers"));
}

#[tokio::test]
async fn a_record_at_which_the_vendor_always_fails_is_not_tried_for_ever() {
    let (world, id, _) = linked().await;
    world.pagerduty.add_fault(answer(500).method(&Method::PUT));
    world.edit(&id, &json!({"title": "never"})).await;
    world.settle().await;
    for _ in 0..24 * 5 {
        world.clock.advance(SignedDuration::from_hours(1));
        world.tick().await;
        world.settle().await;
    }
    let listed = open(&world).await;
    assert_eq!(listed.len(), 1, "{listed:#?}");
    assert_eq!((listed[0].redriven, listed[0].attempts_in_all), (8, 45));
    let asked = world.pagerduty.requests().len();
    for _ in 0..24 {
        world.clock.advance(SignedDuration::from_hours(1));
        world.tick().await;
        world.settle().await;
    }
    assert_eq!(
        world.pagerduty.requests().len(),
        asked,
        "it waits for a person"
    );
}

#[tokio::test]
async fn work_that_nobody_is_working_on_is_woken_after_an_hour() {
    let (world, id, record) = linked().await;
    world.edit(&id, &json!({"title": "forgotten"})).await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.acknowledge(&record).expect("allowed");
    world.deliver_webhooks().await;
    world.skip_streams().await;
    world.clock.advance(SignedDuration::from_secs(3590));
    let report = world.tick().await;
    assert_eq!((report.deliveries, report.incidents), (0, 0), "{report:?}");
    world.clock.advance(SignedDuration::from_secs(20));
    let report = world.tick().await;
    assert_eq!((report.deliveries, report.incidents), (1, 1), "{report:?}");
    let report = world.tick().await;
    assert_eq!(
        (report.deliveries, report.incidents),
        (0, 0),
        "once: {report:?}"
    );
    world.settle().await;
    assert_eq!(
        world.pagerduty.incident(&record).expect("it").title,
        "forgotten"
    );
    assert_eq!(
        world.value(&id, Field::Status).await.as_deref(),
        Some("acknowledged")
    );
}

/// An incident that cannot be read fails the tick, which somebody sees, and keeps it from nothing else.
#[tokio::test]
async fn what_the_tick_cannot_read_does_not_keep_it_from_the_rest() {
    let (world, id, record) = linked().await;
    let mut broken = Vec::new();
    for number in 0..3 {
        let title = format!("disk {number}");
        broken.push(world.create(&json!({"title": title})).await);
    }
    world.settle().await;
    world.edit(&id, &json!({"title": "forgotten"})).await;
    let (client, tables) = (
        &world.system.embedded.dynamodb,
        &world.system.embedded.tables,
    );
    for other in &broken {
        world.edit(other, &json!({"title": "unreadable"})).await;
        let text = aws_sdk_dynamodb::types::AttributeValue::S;
        let update = client.update_item().table_name(&tables.sync);
        let update = update
            .key("pk", text(format!("INC#{other}")))
            .key("sk", text("STATE".to_owned()))
            .update_expression("SET created_at = :bad")
            .expression_attribute_values(":bad", text("of another version".to_owned()));
        update.send().await.expect("it is broken");
    }
    world.skip_streams().await;
    world.clock.advance(SignedDuration::from_mins(61));
    let event = im_local::events::scheduled_event(world.clock.read());
    let error = world.system.reconciler.handle(&event).await;
    let error = error.expect_err("somebody should look").to_string();
    assert!(!error.contains("of another version"), "no value: {error}");
    world.settle().await;
    let shown = world.pagerduty.incident(&record).expect("it");
    assert_eq!(shown.title, "forgotten");
}

/// Who works on a task may not know that it was asked for again: neither does he put it off, nor does he end it.
#[tokio::test]
async fn a_task_that_is_asked_for_while_it_is_worked_on_stays_due() {
    let world = World::new().await;
    let tasks = &world.system.ports.store;
    let now = world.clock.read();
    let asked = |minutes: i64| Task {
        kind: TaskKind::Probe,
        integration: INTEGRATION.parse().expect("an id"),
        asked_at: now + SignedDuration::from_mins(minutes),
        due_at: now + SignedDuration::from_mins(minutes),
        tries: 0,
    };
    let all = async || {
        let mut all = tasks.tasks().await.expect("the store answers");
        all.retain(|task| task.kind == TaskKind::Probe);
        all
    };
    tasks.put_task(&asked(0)).await.expect("stored");
    tasks.add_task(&asked(1)).await.expect("stored");
    let again = [Task {
        due_at: now,
        ..asked(1)
    }];
    assert_eq!(all().await, again, "due as it was");
    let put_off = Task {
        due_at: now + SignedDuration::from_mins(10),
        tries: 1,
        ..asked(0)
    };
    tasks.put_off_task(&put_off).await.expect("an answer");
    tasks.finish_task(&asked(0)).await.expect("an answer");
    assert_eq!(all().await, again);
    tasks.finish_task(&again[0]).await.expect("an answer");
    assert_eq!(all().await, []);
    tasks.add_task(&asked(2)).await.expect("stored");
    assert_eq!(all().await, [asked(2)], "also where there is none");
}
