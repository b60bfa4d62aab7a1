//! Runs a plan: faults first, then peace, then the checks.

use std::{
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Once},
    time::Duration,
};

use http::Method;
use im_tests::{Weather, World};
use jiff::SignedDuration;
use serde_json::json;

use crate::{
    accounts::Accounts,
    checks::Checks,
    jobs,
    lambda::{Carry, Lambda},
    ledger::Ledger,
    log,
    people::{self, People},
    plan::{Plan, Step, What},
    reconcile,
};

/// A violation.
#[derive(Debug, Clone)]
pub struct Failure {
    pub seed: u64,
    pub message: String,
    pub plan: Plan,
}

/// What happened in a run, or in all.
#[derive(Debug, Clone, Default)]
pub struct Told {
    pub calls: u64,
    pub invocations_killed: u32,
    pub webhooks_accepted: usize,
    pub webhooks_dropped: u32,
    pub records_given_up: u32,
    pub dead_letters: usize,
    pub still_dead: usize,
    pub vendor_changes: usize,
    pub unseen_overwritten: usize,
    trace: Vec<String>,
}

impl Told {
    pub fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.invocations_killed += other.invocations_killed;
        self.webhooks_accepted += other.webhooks_accepted;
        self.webhooks_dropped += other.webhooks_dropped;
        self.records_given_up += other.records_given_up;
        self.dead_letters += other.dead_letters;
        self.still_dead += other.still_dead;
        self.vendor_changes += other.vendor_changes;
        self.unseen_overwritten += other.unseen_overwritten;
    }
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
    static LAST_TRACE: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// A run that fails is told once, by whoever asked for it, not by every panic on the way.
pub fn quietly<T>(work: impl FnOnce() -> T) -> T {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                usual(info);
            }
        }));
    });
    work()
}

/// What a piece of work panics with, in words.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let before = QUIET.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    QUIET.set(before);
    done.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        text.unwrap_or_else(|| "a panic without words".to_owned())
    })
}

/// Runs a plan to its end.
pub fn run(plan: &Plan, traced: bool) -> Result<Told, Box<Failure>> {
    caught(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(run_on_virtual_time(plan, traced))
    })
    .map_err(|message| {
        Box::new(Failure {
            seed: plan.seed,
            message,
            plan: plan.clone(),
        })
    })
}

/// Everything that happens, line by line, and what it failed with at last.
pub fn trace(plan: &Plan) -> Vec<String> {
    match run(plan, true) {
        Ok(told) => told.trace,
        Err(failure) => {
            let mut trace = LAST_TRACE.take();
            trace.push(failure.message);
            trace
        }
    }
}

/// Keeps the trace of a run that does not come to its end.
struct Keep(im_tests::Io);

impl Drop for Keep {
    fn drop(&mut self) {
        LAST_TRACE.set(self.0.trace());
    }
}

async fn run_on_virtual_time(plan: &Plan, traced: bool) -> Told {
    let setting = &plan.setting;
    let world = World::in_tokio_time(plan.seed).await;
    if traced {
        world.io.start_trace();
    }
    let keep = Keep(world.io.clone());
    let vendors: Vec<_> = setting.integrations.iter().map(|it| it.vendor).collect();
    let accounts = Arc::new(Accounts::of(&vendors));
    let ledger = Ledger::new(&world, accounts.clone());
    let _log = log::listen(ledger.clone(), world.io.clone());
    world.transport.set_witness(ledger.clone());
    let people = Arc::new(People::new(world.clone(), ledger.clone(), accounts));
    let mut lambda = Lambda::new(world.clone(), ledger.clone(), plan.seed, setting.webhooks).await;
    set_up(plan, &people).await;

    world.io.set_weather(Weather {
        aws: Duration::from_millis(20),
        vendor: setting.vendor_way,
        faults: setting.aws,
    });
    let carry = carry(people.clone());
    let began = world.clock.read();
    for step in &plan.steps {
        let after = SignedDuration::try_from(step.at).expect("not that long");
        lambda.plan(began + after, step.clone());
    }
    lambda.run(SignedDuration::from_hours(48), &carry).await;
    ledger.configured(&world).await;
    jobs::no_job_vanished(&people).await;
    if let Some(sick) = setting.only_sick {
        jobs::no_neighbour_suffered(&world.queues.ever_sent(), sick);
    }
    assert!(
        !setting.only_aws || lambda.swept == 0,
        "invariant 8: {} jobs were left until somebody swept",
        lambda.swept
    );
    let died = jobs::listed(&people).await.len();
    make_peace(plan, &people, &mut lambda, &carry).await;
    let dead = jobs::listed(&people).await;
    let still_dead = dead.len();
    Checks {
        people: &people,
        lambda: &lambda,
        dead,
    }
    .all()
    .await;
    drop(keep);
    let changes = ledger.state().changes.clone();
    let unseen = |it: &&crate::ledger::Change| it.worker.is_some() && it.was_a_persons && !it.knew;
    Told {
        calls: world.io.calls(),
        invocations_killed: lambda.killed,
        webhooks_accepted: lambda.accepted.len(),
        webhooks_dropped: lambda.dropped,
        records_given_up: lambda.given_up,
        dead_letters: died,
        still_dead,
        vendor_changes: changes.len(),
        unseen_overwritten: changes.iter().filter(unseen).count(),
        trace: world.io.trace(),
    }
}

/// The integrations, as an operator would connect them.
async fn set_up(plan: &Plan, people: &People) {
    let (world, setting) = (&people.world, &plan.setting);
    let [pagerduty, jira, servicenow] = setting.skews.map(SignedDuration::from_secs);
    world.pagerduty.set_clock_offset(pagerduty);
    world.jira.set_clock_offset(jira);
    world.servicenow.set_clock_offset(servicenow);
    for connected in &setting.integrations {
        world.connect(connected.vendor).await;
        let path = format!(
            "/integrations/{}",
            World::integration_with(connected.vendor)
        );
        let (status, answer) = people
            .ask(Method::PATCH, &path, Some(&connected.body), None)
            .await;
        assert_eq!(status, 200, "{answer}");
        for (field, rules) in &connected.owners {
            let path = format!("{path}/field-ownership/{field}?shared=true");
            let (status, answer) = people.ask(Method::PUT, &path, Some(rules), None).await;
            assert!(status < 300, "{answer}");
        }
    }
    people.ledger.configured(world).await;
}

fn carry(people: Arc<People>) -> Carry {
    Box::new(move |lambda: &mut Lambda, step: Step| {
        if let What::Crash { function, death } = step.what {
            lambda.deaths.push((function, death));
        }
        let worker = people::asks(&step.what).map(|function| lambda.worker(function));
        people.clone().take(step, worker)
    })
}

/// The faults are over: every vendor is well, every integration works, and somebody looks at every record, so that a
/// hint comes also of what no webhook announced (known gap 7).
async fn make_peace(plan: &Plan, people: &People, lambda: &mut Lambda, carry: &Carry) {
    let world = &people.world;
    world.io.note("the faults are over");
    lambda.be_fair();
    world.io.set_weather(Weather {
        aws: Duration::from_millis(2),
        vendor: Duration::from_millis(20),
        ..Weather::default()
    });
    for vendor in people.accounts.vendors() {
        people.clear_faults(vendor);
        people.agree_on_credentials(vendor).await;
        let path = format!("/integrations/{}", World::integration_with(vendor));
        people
            .ask(Method::POST, &format!("{path}/resume"), None, None)
            .await;
        people
            .ask(Method::PATCH, &path, Some(&json!({"enabled": true})), None)
            .await;
    }
    people.ledger.configured(world).await;
    // Longer than any process keeps settings, or a vendor is asked to be let alone.
    tokio::time::sleep(Duration::from_mins(10)).await;
    lambda.run(SignedDuration::from_hours(6), carry).await;
    retry_all(people).await;
    lambda.run(SignedDuration::from_hours(6), carry).await;
    for (number, incident) in world.incidents().await.iter().enumerate() {
        let body = json!({"description": format!("all is well-{number:03}x")});
        let path = format!("/incidents/{}", incident.id);
        let (status, answer) = people.ask(Method::PATCH, &path, Some(&body), None).await;
        assert_eq!(status, 200, "{answer}");
        people
            .ledger
            .edited_on_platform(incident.id.as_str(), &body);
    }
    lambda.run(SignedDuration::from_hours(6), carry).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    // What no webhook announced is found in one of two ways.
    if plan.seed % 2 == 1 {
        reconcile::heal_all(people, lambda, carry).await;
        reconcile::nothing_drifts(people, lambda, carry).await;
    } else {
        people.touch_at_vendors();
        lambda.run(SignedDuration::from_hours(6), carry).await;
    }
}

/// `dlq-retry --all` at every integration.
async fn retry_all(people: &People) {
    for vendor in people.accounts.vendors() {
        let path = format!(
            "/integrations/{}/dlq/retry",
            World::integration_with(vendor)
        );
        let mut body = json!({});
        loop {
            let (status, answer) = people.ask(Method::POST, &path, Some(&body), None).await;
            assert_eq!(status, 200, "{answer}");
            match answer["next"].as_str() {
                Some(next) => body = json!({"cursor": next}),
                None => break,
            }
        }
    }
}
