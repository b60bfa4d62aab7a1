//! Random edits on both sides, deliveries late, twice and out of order, faults and races, by seed. When the faults
//! stop, the invariants of design section 8 are checked by number.
//!
//! `IM_SIM_SEED=7 cargo test -p im-tests --test simulation` replays one seed and prints its steps;
//! `IM_SIM_SEEDS=1000 …` runs that many.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use fastrand::Rng;
use http::Method;
use im_model::{BasePair, ExternalRecord, Incident, IncidentId};
use im_sandbox::{Fault, FaultRule, WebhookDelivery, pagerduty::Urgency};
use im_sync::{LinkRules, PlanInput, plan};
use im_tests::{INTEGRATION, Moment, World};
use im_vendors::{Connection, Credentials, Memory, registry::vendor_api};
use jiff::SignedDuration;
use serde_json::{Value, json};

const STEPS: usize = 60;
const PEOPLE: [&str; 3] = ["ann@example.com", "bob@example.com", "oncall@example.com"];

struct Simulation {
    world: Arc<World>,
    rng: Rng,
    incidents: Vec<IncidentId>,
    /// Webhooks that are under way.
    flying: Vec<WebhookDelivery>,
    /// Ids of events that were answered 202.
    accepted: BTreeSet<String>,
    steps: Arc<Mutex<Vec<String>>>,
}

impl Simulation {
    async fn new(seed: u64, steps: Arc<Mutex<Vec<String>>>) -> Self {
        let world = World::with_seed(seed).await;
        let rng = Rng::with_seed(seed);
        let strategies = im_model::ConflictStrategy::ALL;
        let nth = usize::try_from(seed).unwrap_or_default() % strategies.len();
        let strategy = json!({"conflict_strategy": strategies[nth].as_str()});
        let path = format!("/integrations/{INTEGRATION}");
        let answer = world.api(Method::PATCH, &path, Some(&strategy)).await;
        assert_eq!(answer.status(), 200, "{answer:?}");
        let (incidents, flying, accepted) = (Vec::new(), Vec::new(), BTreeSet::new());
        Self {
            world,
            rng,
            incidents,
            flying,
            accepted,
            steps,
        }
    }

    fn note(&self, step: impl Into<String>) {
        let at = self.world.clock.read();
        self.steps
            .lock()
            .expect("not poisoned")
            .push(format!("{at} {}", step.into()));
    }

    async fn step(&mut self) {
        self.world
            .clock
            .advance(SignedDuration::from_millis(self.rng.i64(1..4_000)));
        match self.rng.u8(0..100) {
            0..5 => self.create_on_platform().await,
            5..9 => self.trigger_at_vendor(),
            9..28 => self.edit_on_platform().await,
            28..47 => self.edit_at_vendor(),
            47..62 => self.deliver_one().await,
            62..72 => {
                self.note("run inbound");
                self.world.run_inbound().await;
            }
            72..82 => {
                self.note("run outbound");
                self.world.run_outbound().await;
            }
            82..87 => {
                self.note("run retries");
                self.world.run_retries().await;
            }
            87..93 => self.add_fault(),
            93..97 => self.interrupt(),
            _ => {
                let seconds = self.rng.i64(1..40);
                self.note(format!("{seconds} s pass"));
                self.world.clock.advance(SignedDuration::from_secs(seconds));
            }
        }
    }

    async fn create_on_platform(&mut self) {
        let body = json!({
            "title": format!("platform incident {}", self.rng.u16(..)),
            "severity": self.severity(),
            "status": self.status(),
        });
        self.note(format!("create {body}"));
        let id = self.world.create(&body).await;
        self.incidents.push(id);
    }

    fn trigger_at_vendor(&mut self) {
        let title = format!("vendor incident {}", self.rng.u16(..));
        let urgency = if self.rng.bool() {
            Urgency::High
        } else {
            Urgency::Low
        };
        self.note(format!("trigger {title}"));
        self.person()
            .trigger(&title, urgency)
            .expect("anybody may trigger");
    }

    async fn edit_on_platform(&mut self) {
        self.incidents = self
            .world
            .incidents()
            .await
            .into_iter()
            .map(|i| i.id)
            .collect();
        let Some(id) = self.rng.choice(&self.incidents).cloned() else {
            return;
        };
        let body = self.platform_edit();
        self.note(format!("edit {id} {body}"));
        self.world.edit(&id, &body).await;
    }

    fn platform_edit(&mut self) -> Value {
        match self.rng.u8(0..5) {
            0 => json!({"severity": self.severity()}),
            1 | 2 => json!({"status": self.status()}),
            3 => json!({"title": format!("renamed {}", self.rng.u8(..))}),
            _ => json!({"severity": self.severity(), "status": self.status()}),
        }
    }

    fn edit_at_vendor(&mut self) {
        let all = self.world.pagerduty.incidents();
        let Some(record) = self.rng.choice(&all).map(|incident| incident.id.clone()) else {
            return;
        };
        let person = self.person();
        // What is not allowed in the record's present status is what a person would find greyed out.
        let (what, done) = match self.rng.u8(0..8) {
            0 => ("acknowledge", person.acknowledge(&record)),
            1 => ("unacknowledge", person.unacknowledge(&record)),
            2 => ("resolve", person.resolve(&record)),
            3 => ("reopen", person.reopen(&record)),
            4 => ("urgency", person.set_urgency(&record, Urgency::Low)),
            5 => ("urgency", person.set_urgency(&record, Urgency::High)),
            6 => ("priority", person.set_priority(&record, Some("P2"))),
            _ => ("reassign", person.reassign(&record, "bob@example.com")),
        };
        self.note(format!(
            "{what} {record}: {}",
            if done.is_ok() { "done" } else { "refused" }
        ));
    }

    /// One of the webhooks that are under way arrives: any of them, and perhaps not for the last time.
    async fn deliver_one(&mut self) {
        self.flying.extend(self.world.pagerduty.drain_webhooks());
        if self.flying.is_empty() {
            return;
        }
        let index = self.rng.usize(0..self.flying.len());
        let delivery = self.flying[index].clone();
        if self.rng.u8(0..4) > 0 {
            self.flying.swap_remove(index);
        }
        self.deliver(&delivery).await;
    }

    async fn deliver(&mut self, delivery: &WebhookDelivery) {
        let body: Value = serde_json::from_slice(&delivery.body).expect("JSON");
        let id = body["event"]["id"].as_str().expect("an id").to_owned();
        self.note(format!("deliver {} {id}", body["event"]["event_type"]));
        let signature = delivery.headers["x-pagerduty-signature"]
            .to_str()
            .expect("ASCII");
        let status = self
            .world
            .webhook(INTEGRATION, signature, &delivery.body)
            .await;
        assert_eq!(status, 202);
        self.accepted.insert(id);
    }

    fn add_fault(&mut self) {
        let refuse = |status| Fault::RefuseWith {
            status,
            body: json!({}),
            headers: BTreeMap::new(),
        };
        let (fault, method) = match self.rng.u8(0..7) {
            0 => (Fault::TimeoutBeforeCommit, Method::PUT),
            1 => (Fault::TimeoutAfterCommit, Method::PUT),
            2 => (Fault::TimeoutAfterCommit, Method::POST),
            3 => (refuse(503), Method::PUT),
            4 => (refuse(429), Method::GET),
            5 => (Fault::Garbage, Method::PUT),
            _ => (Fault::StaleRead { behind: 1 }, Method::GET),
        };
        self.note(format!("fault {method} {fault:?}"));
        self.world
            .pagerduty
            .add_fault(FaultRule::once(fault).method(&method));
    }

    /// In the middle of some worker's next call, something else happens.
    fn interrupt(&mut self) {
        let moment = if self.rng.bool() {
            Moment::BeforeArrival
        } else {
            Moment::BeforeAnswer
        };
        let method = if self.rng.bool() {
            Method::GET
        } else {
            Method::PUT
        };
        let (world, steps) = (self.world.clone(), self.steps.clone());
        let edit = self.platform_edit();
        let target = self.rng.choice(&self.incidents).cloned();
        let acknowledge = self.rng.bool();
        let person = self.person();
        self.note(format!("interrupt the next {method} {moment:?}"));
        self.world
            .transport
            .once(moment, method, move || async move {
                steps
                    .lock()
                    .expect("not poisoned")
                    .push(format!("  … meanwhile {edit}"));
                if let Some(id) = target {
                    world.edit(&id, &edit).await;
                }
                if acknowledge && let Some(incident) = world.pagerduty.incidents().first() {
                    let _ = person.acknowledge(&incident.id);
                }
                world.run_outbound().await;
                world.run_inbound().await;
            });
    }

    /// The faults are over: everything under way arrives, and whoever looks at a record makes a hint about it, for
    /// PagerDuty announces no edit of title or urgency (FACTS).
    async fn come_to_rest(&mut self) {
        self.note("the faults are over");
        self.world.pagerduty.clear_faults();
        self.flying.extend(self.world.pagerduty.drain_webhooks());
        for delivery in std::mem::take(&mut self.flying) {
            self.deliver(&delivery).await;
        }
        self.settle_and_remember().await;
        self.world.clock.advance(SignedDuration::from_secs(60));
        for incident in self.world.pagerduty.incidents() {
            self.person()
                .note(&incident.id, "looking")
                .expect("anybody may look");
        }
        self.settle_and_remember().await;
    }

    async fn settle_and_remember(&mut self) {
        for delivery in self.world.pagerduty.drain_webhooks() {
            self.deliver(&delivery).await;
        }
        self.world.settle().await;
    }

    async fn check(&mut self) {
        let world = self.world.clone();
        let incidents = world.incidents().await;
        let records = world.pagerduty.incidents();
        let dead: BTreeSet<_> = world
            .dead_letters()
            .await
            .into_iter()
            .map(|dead| dead.job.hint.to_string())
            .collect();

        // 4. One record.
        assert_eq!(
            incidents.len(),
            records.len(),
            "invariant 4: one record for each incident"
        );
        let linked: BTreeSet<_> = incidents.iter().filter_map(record_of).collect();
        if dead.is_empty() {
            assert_eq!(
                linked.len(),
                records.len(),
                "invariant 4: each record has one incident"
            );
        }
        // 6. Accepted is durable.
        let stored: BTreeSet<_> = world
            .stored_deliveries()
            .await
            .into_iter()
            .map(|delivery| delivery.key.delivery.to_string())
            .collect();
        assert!(
            self.accepted.is_subset(&stored),
            "invariant 6: accepted is durable"
        );
        // 5. Ownership holds.
        for write in world.pagerduty.writes() {
            let fields = &write.body["incident"];
            assert!(
                write.method != Method::PUT
                    || (fields["assignments"].is_null() && fields["escalation_policy"].is_null()),
                "invariant 5: nobody but PagerDuty assigns: {write:?}"
            );
        }
        for incident in &incidents {
            self.check_link(incident, &dead).await;
        }
        for incident in &incidents {
            self.check_explanations(incident).await;
        }
        self.check_conflicts(&incidents).await;
        // 8. No job vanishes.
        let open = &world.system;
        assert!(
            open.is_quiet().await.expect("the store answers"),
            "invariant 8: no job vanishes"
        );
        self.check_no_echo().await;
    }

    /// 1. Converges; 7. Base is earned.
    async fn check_link(&self, incident: &Incident, dead: &BTreeSet<String>) {
        let record = self.read(incident).await;
        let hint = format!("{} for {INTEGRATION}", incident.id);
        let seen = format!(
            "{INTEGRATION} {}",
            record.as_ref().map_or("?", |r| r.id.as_str())
        );
        if dead.contains(&hint) || dead.contains(&seen) {
            return;
        }
        let record = record.expect("invariant 1: every incident is linked or its job is dead");
        let link = &incident.links[&INTEGRATION.parse().expect("an id")];
        let rules = self.rules().await;
        let again = plan(&PlanInput {
            base: &link.base,
            incident,
            external: &record,
            rules: &rules,
            created_from: link.created_from,
            notices: &link.notices,
            insist: false,
            reviews: &link.reviews,
            flips: &link.flips,
            now: self.world.clock.read(),
        });
        assert!(again.is_empty(), "invariant 1: converges: {again:#?}");
        for (field, rule) in &rules.fields {
            let Some(observed) = record.fields.get(field) else {
                continue;
            };
            let platform = incident.value(field);
            // Waits for a person: base stays what both agreed on last.
            if link.reviews.contains_key(field) {
                continue;
            }
            if let Some(base) = link.base.get(field) {
                let pair = BasePair::seen(&platform, &observed.value);
                assert!(
                    base.same_values(&pair),
                    "invariant 7: base is earned: {field}"
                );
            }
            let both = rule.ownership.lets_in() && rule.ownership.lets_out();
            let agree = rule.outward.apply(&platform.0).value() == Some(&observed.value.0)
                || rule.inward.apply(&observed.value.0).value() == Some(&platform.0);
            assert!(
                !both || agree || link.notices.contains_key(field),
                "invariant 1: {field} of {}: {platform:?} and {:?}",
                incident.id,
                observed.value
            );
        }
    }

    /// Invariant 2, nothing lost, as far as it can be asked for: each value has a complete chain, from what brought it to
    /// what came of each link's last decision on it.
    async fn check_explanations(&self, incident: &Incident) {
        for (field, state) in &incident.fields {
            let path = format!("/incidents/{}/explain/{field}", incident.id);
            let answer = self.world.api(Method::GET, &path, None).await;
            let told: Value = serde_json::from_slice(answer.body()).expect("JSON");
            assert_eq!(told["value"].as_str(), state.value.as_str(), "{path}");
            let what = format!(
                "invariant 2: what brought {field} of {}: {told:#}",
                incident.id
            );
            assert!(told["brought_by"]["cause"].is_string(), "{what}");
            for chain in told["chains"].as_array().expect("chains") {
                let id = chain["integration_id"].as_str().expect("an id");
                let link = &incident.links[&id.parse().expect("an id")];
                if link.external_id().is_none() || !link.base.contains_key(field) {
                    continue;
                }
                let changes = chain["last"]["changes"].as_array();
                let answered = |change: &Value| change["answer"]["is"].is_string();
                assert!(
                    changes.is_some_and(|changes| changes.iter().any(answered)),
                    "invariant 2: what came of {field} at {id}: {told:#}"
                );
            }
        }
    }

    /// Every pending conflict is a field's that waits, and every field that waits has one.
    async fn check_conflicts(&self, incidents: &[Incident]) {
        let (mut pending, mut cursor) = (BTreeSet::new(), None::<String>);
        loop {
            let after = cursor.map(|it| format!("&cursor={it}")).unwrap_or_default();
            let path = format!("/conflicts?status=pending{after}");
            let answer = self.world.api(Method::GET, &path, None).await;
            let page: Value = serde_json::from_slice(answer.body()).expect("JSON");
            for conflict in page["items"].as_array().expect("items") {
                let name = |member: &str| conflict[member].as_str().expect("a text").to_owned();
                pending.insert((name("incident_id"), name("field"), name("id")));
            }
            cursor = page["next"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        let waiting = incidents.iter().flat_map(|incident| {
            let links = incident.links.values();
            let reviews = links.flat_map(|link| &link.reviews);
            reviews
                .filter(|(_, review)| review.verdict == im_model::Verdict::Pending)
                .map(|(field, review)| {
                    let conflict = review.conflict.to_string();
                    (incident.id.to_string(), field.name(), conflict)
                })
        });
        assert_eq!(
            waiting.collect::<BTreeSet<_>>(),
            pending,
            "pending conflicts"
        );
    }

    /// 3. No echo: a hint with nothing new causes no write at all.
    async fn check_no_echo(&mut self) {
        let before = (self.world.writes(), self.world.incidents().await);
        for incident in self.world.pagerduty.incidents() {
            self.world.announce(&incident.id).await;
        }
        self.world.settle().await;
        let after = (self.world.writes(), self.world.incidents().await);
        assert!(before == after, "invariant 3: no echo");
    }

    async fn rules(&self) -> LinkRules {
        use im_engine::ports::IntegrationStore as _;
        let id = INTEGRATION.parse().expect("an id");
        let found = self
            .world
            .system
            .ports
            .store
            .integration(&id)
            .await
            .expect("it answers");
        let integration = found.expect("it exists");
        let vendor = vendor_api(integration.integration_type);
        let (memory, credentials) = (Memory::default(), Credentials::default());
        let connection = Connection {
            base_url: &integration.base_url,
            options: &integration.options,
            credentials: &credentials,
            transport: &self.world.transport,
            memory: &memory,
            integration: &integration.id,
            now: self.world.clock.read(),
        };
        let rules = vendor.rules(&integration, connection).await;
        rules.expect("PagerDuty is not asked")
    }

    async fn read(&self, incident: &Incident) -> Option<ExternalRecord> {
        let id = incident
            .links
            .get(&INTEGRATION.parse().expect("an id"))?
            .external_id()?;
        let secret = |text| im_model::Secret::new(text);
        let credentials = Credentials(BTreeMap::from([
            ("token".to_owned(), secret("a-token")),
            ("from_email".to_owned(), secret("oncall@example.com")),
        ]));
        let (base_url, options) = (
            "http://127.0.0.1:9".parse().expect("a URL"),
            BTreeMap::default(),
        );
        let (memory, integration) = (Memory::default(), INTEGRATION.parse().expect("an id"));
        let connection = Connection {
            base_url: &base_url,
            options: &options,
            credentials: &credentials,
            transport: &self.world.transport,
            memory: &memory,
            integration: &integration,
            now: self.world.clock.read(),
        };
        let vendor = vendor_api(im_model::IntegrationType::PagerDuty);
        Some(
            vendor
                .read(connection, id)
                .await
                .expect("the vendor answers"),
        )
    }

    fn person(&mut self) -> im_sandbox::pagerduty::Person {
        let email = self.rng.choice(PEOPLE).expect("people");
        self.world.pagerduty.person(email)
    }

    fn severity(&mut self) -> &'static str {
        self.rng
            .choice(["SEV-1", "SEV-2", "SEV-3", "SEV-4"])
            .expect("four")
    }

    fn status(&mut self) -> &'static str {
        let all = ["open", "acknowledged", "mitigated", "resolved", "closed"];
        self.rng.choice(all).expect("five")
    }
}

fn record_of(incident: &Incident) -> Option<String> {
    let link = incident.links.get(&INTEGRATION.parse().expect("an id"))?;
    link.external_id().map(ToString::to_string)
}

async fn run(seed: u64, steps: Arc<Mutex<Vec<String>>>) {
    let mut simulation = Simulation::new(seed, steps).await;
    for _ in 0..STEPS {
        simulation.step().await;
    }
    simulation.come_to_rest().await;
    simulation.check().await;
}

/// Prints the seed and its steps if the run panics.
struct Confession {
    seed: u64,
    always: bool,
    steps: Arc<Mutex<Vec<String>>>,
}

impl Drop for Confession {
    fn drop(&mut self) {
        if std::thread::panicking() || self.always {
            let steps = self
                .steps
                .lock()
                .map(|steps| steps.join("\n"))
                .unwrap_or_default();
            eprintln!("seed {}:\n{steps}", self.seed);
            eprintln!(
                "IM_SIM_SEED={} cargo test -p im-tests --test simulation",
                self.seed
            );
        }
    }
}

#[test]
fn the_invariants_hold_for_every_seed() {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let seeds = match (number("IM_SIM_SEED"), number("IM_SIM_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, count) => 1..count.unwrap_or(60) + 1,
    };
    let count = seeds.end - seeds.start;
    for seed in seeds {
        let steps = Arc::default();
        let confession = Confession {
            seed,
            always: number("IM_SIM_SEED").is_some(),
            steps: Arc::clone(&steps),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(run(seed, steps));
        drop(confession);
    }
    println!("{count} seeds of {STEPS} steps: no violation");
}
