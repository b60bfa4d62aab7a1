//! A full reconciliation of many linked records: requests to the vendor, calls of the tables, memory, invocations.
//!
//! `cargo bench -p im-tests --bench reconcile --profile test -- [--records N] [--page-seconds S]`. The records are made at the
//! vendor; one is linked by a backfill, the others by copies of its items. The clock stands still but for the vendor's pages, each of which
//! takes so many seconds: so an invocation's time runs out as it would. Memory is the process's (`/proc`), which holds the vendor
//! and the tables, too: what counts is how much it grows during the run.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark"
)]

mod link;

use std::{fs, sync::Arc, time::Instant};

use http::Method;
use im_model::IntegrationType;
use im_tests::{Moment, Report, SERVICENOW, World};
use jiff::SignedDuration;
use serde_json::{Value, json};

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
    let (asked, before) = (world.servicenow.requests().len(), memory("VmRSS"));
    world.calls.take();
    // The highest mark begins anew.
    fs::write("/proc/self/clear_refs", "5").expect("Linux");
    let began = Instant::now();
    let started = world.api(Method::POST, path, Some(body)).await;
    assert_eq!(started.status(), 202, "{started:?}");
    let run: Value = serde_json::from_slice(started.body()).expect("JSON");
    world.finish_runs().await;
    let Report { run, .. } = world
        .report(SERVICENOW, run["id"].as_str().expect("an id"))
        .await;
    let took = began.elapsed();
    println!("\n{what}: {} in {took:?}", run["status"]);
    println!("  {}", run["summary"]);
    println!(
        "  vendor requests: {}",
        world.servicenow.requests().len() - asked
    );
    println!("  DynamoDB calls:  {:?}", world.calls.take());
    println!(
        "  memory: {} MB before, {} MB at most",
        before / 1024,
        memory("VmHWM") / 1024
    );
}

/// A line of the process's status, in KB.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with(name))
        .expect("a line");
    let number = line.split_whitespace().nth(1).expect("a number");
    number.parse().expect("a number")
}
