//! Without an endpoint there are no traces, no threads and no calls for them.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

use im_runtime::{telemetry, trace};
use im_sandbox::pagerduty::Urgency;
use im_tests::World;

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task")
        .expect("threads")
        .count()
}

#[tokio::test]
async fn telemetry_that_is_off_leaves_no_thread_and_no_trace() {
    // A first one, so that what libraries start for themselves is there.
    World::with_all().await.settle().await;
    let before = threads();
    telemetry::start();
    assert!(trace::Traces::from_env().expect("settings").is_none());
    let span = tracing::info_span!("a");
    assert!(span.is_disabled(), "nobody wants it");
    assert_eq!(span.in_scope(trace::current), None);
    let world = World::with_all().await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.trigger("db down", Urgency::High).expect("allowed");
    world.settle().await;
    assert_eq!(threads(), before);
    let page = world
        .system
        .embedded
        .dynamodb
        .scan()
        .table_name(&world.system.embedded.tables.deliveries)
        .send();
    let page = page.await.expect("a page");
    assert!(!page.items().is_empty());
    for item in page.items() {
        assert!(!item.contains_key(trace::TRACEPARENT), "{item:?}");
    }
}
