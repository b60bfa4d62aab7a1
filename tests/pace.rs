//! Vendors that are not there, that hang, or that take only so many requests: nothing is lost, nobody is stormed, and the
//! severe come first.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use http::Method;
use im_engine::ports::CircuitStore as _;
use im_local::{LocalSettings, LocalSystem, StreamPoller, events::stream_event};
use im_model::{Field, IncidentId, IntegrationType};
use im_runtime::BatchFunction;
use im_sandbox::{Fault, FaultRule};
use im_tests::{INTEGRATION, JIRA, Moment, SeededIds, World};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::{Mutex, Notify};

/// The changes of incidents that nobody was given yet.
struct Changes(Mutex<StreamPoller>);

impl Changes {
    /// From here on.
    async fn of(world: &World) -> Self {
        let embedded = &world.system.embedded;
        let mut poller = StreamPoller::new(embedded.streams.clone(), embedded.tables.sync.clone());
        poller.skip_present().await.expect("the stream answers");
        Self(Mutex::new(poller))
    }

    /// Hands them to `outbound` in batches of ten, as Lambda does; returns how many batches.
    async fn hand_to(&self, outbound: &BatchFunction) -> usize {
        let mut count = 0;
        loop {
            let records = self.0.lock().await.poll().await;
            let records = records.expect("the stream answers");
            if records.is_empty() {
                return count;
            }
            for batch in records.chunks(10).filter_map(stream_event) {
                outbound.handle(batch).await.expect("an event of ours");
                count += 1;
            }
        }
    }

    /// Works on all there is, moving the clock where jobs wait.
    async fn settle(&self, world: &World) {
        for _ in 0..100_000 {
            let batches = self.hand_to(&world.system.outbound).await;
            if batches + world.run_retries().await + world.run_dead_letters().await > 0 {
                continue;
            }
            let Some(next) = world.waiting_jobs().first().map(|job| job.not_before) else {
                return;
            };
            let wait = next.duration_since(world.clock.read());
            // Not for each job apart: there are hundreds.
            world.clock.advance(wait.max(SignedDuration::from_secs(5)));
        }
        panic!("jobs go round and round");
    }
}

/// Incidents with a record each at `PagerDuty`.
async fn linked(world: &World, count: u32, severity: &str) -> Vec<IncidentId> {
    let (mut ids, changes) = (Vec::new(), Changes::of(world).await);
    for number in 0..count {
        let title = format!("disk {number} is full");
        ids.push(
            world
                .create(&json!({"title": title, "severity": severity}))
                .await,
        );
    }
    changes.settle(world).await;
    world.pagerduty.drain_webhooks();
    world.clock.advance(SignedDuration::from_secs(120));
    ids
}

async fn retitle(world: &World, ids: &[IncidentId], title: &str) {
    for id in ids {
        world
            .edit(id, &json!({"title": format!("{title} {id}")}))
            .await;
    }
}

/// How many of them have this title at the vendor.
async fn arrived(world: &World, ids: &[IncidentId], title: &str) -> usize {
    let mut count = 0;
    for id in ids {
        let record = world.record_of(id).await;
        let record = world.pagerduty.incident(&record).expect("it exists");
        count += usize::from(record.title == format!("{title} {id}"));
    }
    count
}

fn not_there() -> FaultRule {
    let body = json!({"error": {"message": "down"}});
    let headers = BTreeMap::new();
    FaultRule::always(Fault::RefuseWith {
        status: 503,
        body,
        headers,
    })
}

/// Another process of the same functions, on the same tables and the same clock.
fn another_process(world: &World) -> LocalSystem {
    let settings = LocalSettings {
        data_dir: None,
        time_scale: u32::MAX,
        clock: Arc::new(world.clock.clone()),
        ids: Arc::new(SeededIds::new(77)),
        transport: Arc::new(world.transport.clone()),
        configuration_age: im_engine::IntegrationCache::FOR_AT_MOST,
        announcer: Arc::new(im_local::Unannounced),
        public_base_url: None,
        local_organization: None,
        policy: im_local::Policy::built_in(),
    };
    LocalSystem::on(world.system.embedded.clone(), settings)
}

async fn circuit(world: &World) -> im_engine::CircuitState {
    let id = INTEGRATION.parse().expect("an id");
    let store = &world.system.ports.store;
    store.circuit(&id).await.expect("the store answers")
}

fn requests(world: &World) -> usize {
    world.pagerduty.requests().len()
}

fn answered_429(world: &World) -> usize {
    let requests = world.pagerduty.requests().into_iter();
    requests
        .filter(|request| request.status == Some(429))
        .count()
}

#[tokio::test(start_paused = true)]
async fn an_outage_costs_few_requests_and_ends_by_itself() {
    let world = World::new().await;
    let ids = linked(&world, 12, "SEV-2").await;
    let changes = Changes::of(&world).await;
    world.pagerduty.add_fault(not_there());
    let before = requests(&world);
    retitle(&world, &ids, "during").await;
    changes.hand_to(&world.system.outbound).await;
    let asked = requests(&world) - before;
    assert!(
        (5..=10).contains(&asked),
        "{asked}: of the first batch only"
    );
    let open = circuit(&world).await.open.expect("it is open");
    assert_eq!(
        open.until,
        world.clock.read() + SignedDuration::from_secs(30)
    );
    assert_eq!(world.waiting_jobs().len(), 12);
    // Nobody but a trial asks; of those that wait until it is over nobody dies.
    for _ in 0..3 {
        world.clock.advance(SignedDuration::from_secs(45));
        world.run_retries().await;
    }
    assert!(
        requests(&world) - before <= asked + 3,
        "three trials at most"
    );
    world.pagerduty.clear_faults();
    changes.settle(&world).await;
    assert_eq!(arrived(&world, &ids, "during").await, 12);
    assert!(world.dead_letters().await.is_empty());
    assert_eq!(circuit(&world).await.open, None);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_meets_an_open_circuit_has_failed_and_says_why() {
    let world = World::new().await;
    let ids = linked(&world, 6, "SEV-2").await;
    let changes = Changes::of(&world).await;
    world.pagerduty.add_fault(not_there());
    retitle(&world, &ids[..5], "during").await;
    changes.hand_to(&world.system.outbound).await;
    let asked = requests(&world);
    retitle(&world, &ids[5..], "during").await;
    changes.hand_to(&world.system.outbound).await;
    assert_eq!(requests(&world), asked);
    let jobs = world.waiting_jobs();
    let last = jobs
        .iter()
        .find(|job| job.job.hint.to_string().contains(ids[5].as_str()));
    let failure = &last.expect("it waits").failures[0];
    assert_eq!(failure.reason, im_model::FailureReason::Unavailable);
    assert!(
        failure.error.contains("unavailable (503)"),
        "{}",
        failure.error
    );
}

#[tokio::test(start_paused = true)]
async fn jobs_of_a_long_outage_die_and_come_back_with_the_vendor() {
    let world = World::new().await;
    let ids = linked(&world, 8, "SEV-2").await;
    let changes = Changes::of(&world).await;
    world.pagerduty.add_fault(not_there());
    let before = requests(&world);
    retitle(&world, &ids, "during").await;
    changes.settle(&world).await;
    assert_eq!(world.dead_letters().await.len(), 8);
    let asked = requests(&world) - before;
    assert!(
        asked <= 8 + 20,
        "{asked} requests in 40 min; 40 without a circuit"
    );
    world.pagerduty.clear_faults();
    // The tick's probe is answered: it closes the circuit, and tries again what is dead.
    world.clock.advance(SignedDuration::from_mins(15));
    world.tick().await;
    assert_eq!(circuit(&world).await.open, None);
    changes.settle(&world).await;
    assert_eq!(arrived(&world, &ids, "during").await, 8);
}

#[tokio::test(start_paused = true)]
async fn another_process_learns_of_an_open_circuit_and_of_its_end() {
    let world = World::new().await;
    let ids = linked(&world, 7, "SEV-2").await;
    let changes = Changes::of(&world).await;
    let other = another_process(&world);
    world.pagerduty.add_fault(not_there());
    retitle(&world, &ids[..5], "first").await;
    changes.hand_to(&world.system.outbound).await;
    let asked = requests(&world);
    retitle(&world, &ids[5..6], "second").await;
    changes.hand_to(&other.outbound).await;
    assert_eq!(
        requests(&world),
        asked,
        "it has read of it with its configuration"
    );
    world.pagerduty.clear_faults();
    world.clock.advance(SignedDuration::from_secs(36));
    world.run_retries().await;
    assert_eq!(
        circuit(&world).await.open,
        None,
        "closed by the first process"
    );
    retitle(&world, &ids[6..], "third").await;
    changes.hand_to(&other.outbound).await;
    assert_eq!(arrived(&world, &ids[6..], "third").await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_429_pauses_every_lane_in_every_process_and_no_longer_than_it_asks() {
    let world = World::new().await;
    let ids = linked(&world, 4, "SEV-1").await;
    let changes = Changes::of(&world).await;
    let other = another_process(&world);
    let headers = BTreeMap::from([("retry-after".to_owned(), "25".to_owned())]);
    let refused = Fault::RefuseWith {
        status: 429,
        body: json!({}),
        headers,
    };
    world.pagerduty.add_fault(FaultRule::once(refused));
    let at = world.clock.read();
    retitle(&world, &ids[..1], "one").await;
    changes.hand_to(&world.system.outbound).await;
    let until = circuit(&world).await.paused_until.expect("stored");
    assert_eq!(until, at + SignedDuration::from_secs(25));
    let asked = requests(&world);
    retitle(&world, &ids[1..2], "two").await;
    changes.hand_to(&world.system.outbound).await;
    retitle(&world, &ids[2..3], "three").await;
    changes.hand_to(&other.outbound).await;
    assert_eq!(requests(&world), asked, "nobody asks");
    let jobs = world.waiting_jobs();
    let is_counted = |job: &im_engine::RetryMessage| !job.failures.is_empty() || job.attempt > 1;
    assert_eq!(jobs.iter().filter(|job| is_counted(job)).count(), 1);
    assert!(jobs.iter().all(|job| job.not_before >= until));
    world.clock.advance(SignedDuration::from_secs(25));
    retitle(&world, &ids[3..], "four").await;
    changes.hand_to(&other.outbound).await;
    assert_eq!(arrived(&world, &ids[3..], "four").await, 1);
    changes.settle(&world).await;
    assert_eq!(arrived(&world, &ids[1..2], "two").await, 1);
    assert_eq!(arrived(&world, &ids[2..3], "three").await, 1);
    assert!(world.dead_letters().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_severe_job_passes_a_hundred_that_wait_for_the_budget() {
    const LIMIT: u32 = 40;
    let world = World::new().await;
    world.pagerduty.set_rate_limit(100_000);
    let low = linked(&world, 100, "SEV-4").await;
    let high = linked(&world, 1, "SEV-1").await;
    world.pagerduty.set_rate_limit(LIMIT);
    let changes = Changes::of(&world).await;
    let before = requests(&world);
    // What the account takes is known from here on.
    retitle(&world, &low[..1], "during").await;
    changes.hand_to(&world.system.outbound).await;
    retitle(&world, &low[1..], "during").await;
    changes.hand_to(&world.system.outbound).await;
    let done = arrived(&world, &low, "during").await;
    assert!(
        (3..=12).contains(&done),
        "{done}: 60 % of the minute's requests"
    );
    let waiting = world.waiting_jobs();
    assert_eq!(waiting.len() + done, 100);
    assert!(
        waiting
            .iter()
            .all(|job| job.attempt == 1 && job.failures.is_empty())
    );
    let moments: BTreeSet<Timestamp> = waiting.iter().map(|job| job.not_before).collect();
    assert!(moments.len() > 50, "they do not come back all at once");

    retitle(&world, &high, "at once").await;
    changes.hand_to(&world.system.outbound).await;
    assert_eq!(arrived(&world, &high, "at once").await, 1);

    changes.settle(&world).await;
    assert_eq!(arrived(&world, &low, "during").await, 100);
    assert!(world.dead_letters().await.is_empty());
    assert_eq!(answered_429(&world), 0);
    assert!(
        requests(&world) - before <= 2 * 101,
        "{}",
        requests(&world) - before
    );
}

#[tokio::test(start_paused = true)]
async fn the_operators_limit_holds_for_all_processes_together() {
    const LIMIT: u32 = 30;
    let world = World::new().await;
    let ids = linked(&world, 40, "SEV-3").await;
    let path = format!("/integrations/{INTEGRATION}");
    let limited = world
        .api(
            Method::PATCH,
            &path,
            Some(&json!({"requests_per_minute": LIMIT})),
        )
        .await;
    let shown: Value = serde_json::from_slice(limited.body()).expect("JSON");
    assert_eq!(shown["requests_per_minute"], LIMIT);
    world.clock.advance(SignedDuration::from_secs(60));
    let changes = Changes::of(&world).await;
    let other = another_process(&world);
    let before = requests(&world);
    retitle(&world, &ids[..20], "during").await;
    world.calls.take();
    changes.hand_to(&world.system.outbound).await;
    retitle(&world, &ids[20..], "during").await;
    changes.hand_to(&other.outbound).await;
    changes.settle(&world).await;
    assert_eq!(arrived(&world, &ids, "during").await, 40);
    let mut by_minute = BTreeMap::<i64, u32>::new();
    for request in world.pagerduty.requests().into_iter().skip(before) {
        *by_minute.entry(request.time.as_second() / 60).or_default() += 1;
    }
    assert!(
        by_minute.values().all(|count| *count <= LIMIT),
        "{by_minute:?}"
    );
    assert!(
        by_minute.len() >= 3,
        "80 requests take at least three minutes: {by_minute:?}"
    );

    let lifted = world
        .api(
            Method::PATCH,
            &path,
            Some(&json!({"requests_per_minute": null})),
        )
        .await;
    let shown: Value = serde_json::from_slice(lifted.body()).expect("JSON");
    assert_eq!(shown["requests_per_minute"], Value::Null);
    world.clock.advance(SignedDuration::from_secs(11));
    let before = requests(&world);
    retitle(&world, &ids, "after").await;
    changes.hand_to(&world.system.outbound).await;
    assert_eq!(requests(&world) - before, 80);
}

#[tokio::test(start_paused = true)]
async fn a_job_at_a_vendor_that_hangs_does_not_hold_up_the_others_of_its_batch() {
    let world = World::new().await;
    world.connect(IntegrationType::Jira).await;
    let id = world
        .create(&json!({"title": "db down", "severity": "SEV-2"}))
        .await;
    world.settle().await;
    world.clock.advance(SignedDuration::from_secs(60));
    // PagerDuty answers only once Jira has been written: whoever worked on one after the other would wait for ever.
    let written = Arc::new(Notify::new());
    let (hangs, arrives) = (written.clone(), written);
    world.transport.once_at(
        Moment::BeforeArrival,
        Method::GET,
        "/incidents/",
        move || async move {
            hangs.notified().await;
        },
    );
    world.transport.once_at(
        Moment::BeforeAnswer,
        Method::PUT,
        "/rest/api/3/issue/",
        move || async move {
            arrives.notify_one();
        },
    );
    world.edit(&id, &json!({"title": "db down, again"})).await;
    world.run_outbound().await;
    assert!(!world.transport.has_interludes());
    assert!(world.waiting_jobs().is_empty(), "none has failed");
    let key = world.record_in(&id, JIRA).await;
    let issue = world.jira.issue(&key).expect("it exists");
    assert_eq!(issue.summary, "db down, again");
    assert_eq!(
        world.value(&id, Field::Title).await.as_deref(),
        Some("db down, again")
    );
}
