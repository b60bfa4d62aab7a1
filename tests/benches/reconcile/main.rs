//! A full reconciliation of many linked records: requests to the vendor, calls of the tables, memory, invocations.
//!
//! `cargo bench -p im-tests --bench reconcile --profile test -- [--records N] [--page-seconds S]`. The records are made at the
//! vendor; one is linked by a backfill, the others by copies of its items. The clock stands still but for the vendor's pages, each of which
//! takes so many seconds: so an invocation's time runs out as it would. Memory is what the process has allocated (`SQLite` of the embedded
//! tables allocates for itself and is not counted), with the vendor's records in it: what counts is how much it grows during the run,
//! without what the sandbox notes of each request.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark"
)]

mod link;

use std::{sync::Arc, time::Instant};

use http::Method;
use im_model::IntegrationType;
use im_tests::{Moment, Report, SERVICENOW, World};
use jiff::SignedDuration;
use peak_alloc::PeakAlloc;
use serde_json::{Value, json};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

fn main() {
    let given: Vec<_> = std::env::args().collect();
    let number = |name: &str, default: usize| {
        let place = given.iter().position(|word| word == name);
        let value = place.and_then(|place| given.get(place + 1));
        value.map_or(default, |text| text.parse().expect("a number"))
    };
    let (records, seconds) = (number("--records", 10_000), number("--page-seconds", 1));
    let seconds = i64::try_from(seconds).expect("few");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime
        .expect("a runtime")
        .block_on(run(records, SignedDuration::from_secs(seconds)));
}

async fn run(records: usize, per_page: SignedDuration) {
    let world = World::unconnected(1).await;
    world.connect(IntegrationType::ServiceNow).await;
    world.clock.advance(SignedDuration::from_mins(1));
    let began = Instant::now();
    let ann = world.servicenow.person("ann@example.com").quietly();
    let title = "one of many incidents, with a title of a usual length";
    let columns = [
        ("short_description", title),
        ("impact", "2"),
        ("urgency", "2"),
    ];
    let open = || ann.open_with(&columns).expect("allowed");
    let first = open();
    let path = format!("/integrations/{SERVICENOW}/backfill");
    world
        .run_through_at(SERVICENOW, &path, &json!({"apply": true}))
        .await;
    let made: Vec<_> = std::iter::once(first)
        .chain((1..records).map(|_| open()))
        .collect();
    println!("{records} records made in {:?}", began.elapsed());
    let began = Instant::now();
    link::all(&world, &made).await;
    println!("linked in {:?}", began.elapsed());
    drop(made);
    world.clock.advance(SignedDuration::from_mins(10));

    let path = format!("/integrations/{SERVICENOW}/reconcile");
    let dry = json!({"dry_run": true});
    measured(&world, "nothing has changed", &path, &dry, per_page).await;
    let some = world.servicenow.incidents();
    for record in some.iter().step_by(records.div_ceil(10)) {
        let sys_id = record["sys_id"].to_string();
        ann.edit(&sys_id, &[("short_description", "changed there")])
            .expect("allowed");
    }
    drop(some);
    world.clock.advance(SignedDuration::from_mins(10));
    let heal = json!({"auto_heal": true});
    measured(&world, "ten have changed", &path, &heal, per_page).await;
    let since = json!({"dry_run": true, "scope": "incremental"});
    measured(&world, "what changed since", &path, &since, per_page).await;

    let mappings = format!("/integrations/{SERVICENOW}/mappings");
    let mut wrong = world.read(&mappings).await;
    wrong["values"]["severity"]["outbound"] = json!({
        "values": {"SEV-1": "3/3", "SEV-2": "3/3", "SEV-3": "3/3", "SEV-4": "3/3"},
        "otherwise": "error",
    });
    let changed = world.api(Method::PUT, &mappings, Some(&wrong)).await;
    assert_eq!(changed.status(), 200, "{changed:?}");
    world.clock.advance(SignedDuration::from_mins(1));
    let writes = world.servicenow.writes().len();
    measured(&world, "a wrong map", &path, &heal, per_page).await;
    println!("  writes: {}", world.servicenow.writes().len() - writes);
}

async fn measured(
    world: &Arc<World>,
    what: &str,
    path: &str,
    body: &Value,
    per_page: SignedDuration,
) {
    for _ in 0..1000 {
        let clock = world.clock.clone();
        let step = move || async move { clock.advance(per_page) };
        world
            .transport
            .once_at(Moment::BeforeAnswer, Method::GET, "/table/incident", step);
    }
    let (asked, noted) = journal(world);
    let before = MEMORY.current_usage();
    world.calls.take();
    MEMORY.reset_peak_usage();
    let began = Instant::now();
    let started = world.api(Method::POST, path, Some(body)).await;
    assert_eq!(started.status(), 202, "{started:?}");
    let run: Value = serde_json::from_slice(started.body()).expect("JSON");
    world.finish_runs().await;
    let Report { run, .. } = world
        .report(SERVICENOW, run["id"].as_str().expect("an id"))
        .await;
    let (took, most) = (began.elapsed(), MEMORY.peak_usage());
    let (asked_now, noted_now) = journal(world);
    println!("\n{what}: {} in {took:?}", run["status"]);
    println!("  {}", run["summary"]);
    println!("  vendor requests: {}", asked_now - asked);
    println!("  DynamoDB calls:  {:?}", world.calls.take());
    let grown = (most - before).saturating_sub(noted_now - noted);
    println!("  memory: {} MB more at most", grown / 1_000_000);
}

/// How many requests the sandbox has noted, and the bytes that takes.
fn journal(world: &World) -> (usize, usize) {
    let before = MEMORY.current_usage();
    let copy = world.servicenow.requests();
    (copy.len(), MEMORY.current_usage().saturating_sub(before))
}
