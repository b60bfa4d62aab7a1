//! What is done for an integration by itself begins and ends with what asks for it.

use http::Method;
use im_engine::ports::TaskStore as _;
use im_model::TaskKind;
use im_tests::{INTEGRATION, World};
use serde_json::{Value, json};

use super::{call, delete, get, post};

const PATH: &str = "/integrations/demo-pd";

async fn change(world: &World, change: &Value) -> Value {
    let (status, shown) = call(world, Method::PATCH, PATH, Some(change)).await;
    assert_eq!(status, 200, "{shown}");
    shown
}

/// What the minute tick has to do for the integration.
async fn tasks(world: &World) -> Vec<TaskKind> {
    let all = world.system.ports.store.tasks().await;
    let all = all.expect("the store answers").into_iter();
    all.filter(|task| task.integration.as_str() == INTEGRATION)
        .map(|task| task.kind)
        .collect()
}

#[tokio::test]
async fn an_integration_is_polled_for_as_long_as_that_is_its_mode() {
    let world = World::new().await;
    assert_eq!(tasks(&world).await, [TaskKind::Measure]);
    let shown = change(&world, &json!({"mode": "polling"})).await;
    assert_eq!(shown["mode"], "polling");
    assert_eq!(tasks(&world).await, [TaskKind::Measure, TaskKind::Poll]);
    change(&world, &json!({"name": "Polled"})).await;
    assert_eq!(tasks(&world).await, [TaskKind::Measure, TaskKind::Poll]);
    let shown = change(&world, &json!({"mode": "webhook"})).await;
    assert_eq!(shown["mode"], "webhook");
    assert_eq!(tasks(&world).await, [TaskKind::Measure]);
}

#[tokio::test]
async fn nothing_is_done_by_itself_for_an_integration_that_is_gone() {
    let world = World::new().await;
    change(&world, &json!({"mode": "polling"})).await;
    let path = format!("{PATH}/reconcile/schedule");
    let (status, set) = post(&world, &path, &json!({"interval": "1h"})).await;
    assert_eq!(status, 200, "{set}");
    let path = format!("{PATH}/reconcile");
    let (status, run) = post(&world, &path, &json!({"dry_run": true})).await;
    assert_eq!(status, 202, "{run}");
    let mut before = tasks(&world).await;
    before.sort_by_key(|kind| kind.as_str());
    let all = [
        TaskKind::Measure,
        TaskKind::Poll,
        TaskKind::Run,
        TaskKind::Schedule,
    ];
    assert_eq!(before, all);
    assert_eq!(delete(&world, PATH).await.0, 200);
    assert_eq!(tasks(&world).await, []);
    let again = json!({
        "id": INTEGRATION, "integration_type": "pagerduty", "name": "Again", "mode": "polling",
        "base_url": "https://api.pagerduty.com", "options": {"service": "PSVC001"},
        "credentials": {"token": "t", "from_email": "a@example.com", "webhook_secret": "w"},
    });
    let (status, created) = post(&world, "/integrations", &again).await;
    assert_eq!(status, 201, "{created}");
    assert_eq!(tasks(&world).await, [TaskKind::Measure, TaskKind::Poll]);
}

#[tokio::test]
async fn a_brake_is_kept_in_parts() {
    let world = World::new().await;
    let brake = async |percent: u8, at_least: u32| {
        let (_, shown) = get(&world, PATH).await;
        let expected = json!({"percent": percent, "at_least": at_least});
        assert_eq!(shown["brake"], expected);
    };
    brake(10, 20).await;
    change(&world, &json!({"brake": {"percent": 50}})).await;
    brake(50, 20).await;
    change(&world, &json!({"brake": {"at_least": 0}})).await;
    brake(50, 0).await;
}
