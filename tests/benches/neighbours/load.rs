//! A load of edits, and how long each took to be at the vendors.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use im_engine::{IntegrationCache, RetryLadder, manage::Incidents};
use im_local::{Embedded, LocalSettings, LocalSystem, Unannounced};
use im_model::{Field, IncidentId, IntegrationType, OrganizationId, PlatformValue};
use im_runtime::{Ports, Source, SqsQueue, batch_function};
use im_tests::{SeededIds, WorldClock};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    lambda::{self, Processes},
    vendors::{Edit, Vendors, integration, title},
};

/// A system with its vendors, under load.
pub struct System {
    pub vendors: Arc<Vendors>,
    pub processes: Arc<Processes>,
    incidents: Arc<Incidents>,
    known: Vec<(OrganizationId, IncidentId)>,
    edits: Vec<u32>,
    _mappings: JoinSet<()>,
}

/// What became of the edits of a run.
pub struct Outcome {
    /// Per vendor, how long each edit took; `None` if it had not come when the run ended.
    pub took: BTreeMap<IntegrationType, Vec<Option<Duration>>>,
}

impl System {
    /// Organizations with three integrations each, and incidents that are linked in all of them.
    pub async fn start(organizations: u16, incidents: u32, way: Duration) -> Self {
        let clock = WorldClock::with_tokio();
        let vendors = Arc::new(Vendors::new(organizations, way, &clock));
        let started = Embedded::on_clock(Arc::new(clock.clone())).await;
        let (embedded, _) = started.expect("embedded AWS starts");
        let mut ports = None;
        for number in 0..organizations {
            let system = local(&embedded, number, &vendors, &clock);
            for vendor in IntegrationType::ALL {
                let body = Bytes::from(integration(*vendor, number).to_string());
                let request = Request::post("/api/v1/integrations")
                    .header("content-type", "application/json")
                    .body(body);
                let answer = system.gateway.handle(request.expect("a request")).await;
                assert_eq!(answer.status(), 201, "{answer:?}");
            }
            ports = Some(system.ports);
        }
        let ports = ports.expect("an organization");
        let processes = processes(&embedded, &ports, &clock);
        let mappings = lambda::run(&embedded, &processes, &clock).await;
        let mut system = Self {
            vendors,
            processes,
            incidents: Arc::new(Incidents {
                store: ports.store.clone(),
                integrations: ports.store.clone(),
                clock: ports.clock.clone(),
                ids: ports.ids.clone(),
            }),
            known: Vec::new(),
            edits: Vec::new(),
            _mappings: mappings,
        };
        for number in 0..u32::from(organizations) * incidents {
            system
                .create(
                    number,
                    organization(u16::try_from(number).expect("few") % organizations),
                )
                .await;
        }
        system.edits = vec![0; system.known.len()];
        system
    }

    /// Creates an incident, and waits until it is at all three vendors.
    async fn create(&mut self, number: u32, organization: OrganizationId) {
        let values = BTreeMap::from([
            (Field::Title, PlatformValue::text(title((number, 0)))),
            (Field::Severity, PlatformValue::text("SEV-2")),
        ]);
        let ann = "ann@example.com".parse().expect("an actor");
        let created = self
            .incidents
            .create(&organization, &ann, values, None)
            .await;
        self.known
            .push((organization, created.expect("created").id));
        let began = Instant::now();
        for vendor in IntegrationType::ALL {
            while self.vendors.arrival(*vendor, (number, 0)).is_none() {
                assert!(
                    began.elapsed() < Duration::from_mins(1),
                    "{vendor} has no record"
                );
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }

    /// Edits incidents in turn, so many a second, and waits for what is still under way.
    pub async fn load(&mut self, rate: u32, lasts: Duration, patience: Duration) -> Outcome {
        let sent: Arc<Mutex<Vec<(Edit, Instant)>>> = Arc::default();
        let mut edits = JoinSet::new();
        let mut every = tokio::time::interval(Duration::from_secs(1) / rate);
        let began = Instant::now();
        let mut turn = 0;
        while began.elapsed() < lasts {
            every.tick().await;
            let place = turn % self.known.len();
            turn += 1;
            self.edits[place] += 1;
            let edit = (u32::try_from(place).expect("few"), self.edits[place]);
            let (organization, id) = self.known[place].clone();
            let (incidents, sent) = (self.incidents.clone(), sent.clone());
            edits.spawn(async move {
                let values = BTreeMap::from([(Field::Title, PlatformValue::text(title(edit)))]);
                let ann = "ann@example.com".parse().expect("an actor");
                let at = Instant::now();
                let edited = incidents
                    .edit(&organization, &ann, &id, &values, None, &|_| Ok(()))
                    .await;
                edited.expect("edited");
                sent.lock().expect("not poisoned").push((edit, at));
            });
        }
        edits.join_all().await;
        let sent = std::mem::take(&mut *sent.lock().expect("not poisoned"));
        let ended = Instant::now();
        let is_there = |edit: &(Edit, Instant)| {
            IntegrationType::ALL
                .iter()
                .all(|vendor| self.vendors.arrival(*vendor, edit.0).is_some())
        };
        while ended.elapsed() < patience && !sent.iter().all(is_there) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let took = |vendor| {
            let took = |(edit, at): &(Edit, Instant)| {
                let arrival = self.vendors.arrival(vendor, *edit)?;
                Some(arrival.duration_since(*at))
            };
            (vendor, sent.iter().map(took).collect())
        };
        let took = IntegrationType::ALL.iter().copied().map(took).collect();
        Outcome { took }
    }
}

fn organization(number: u16) -> OrganizationId {
    format!("org-{number}").parse().expect("an id")
}

fn local(
    embedded: &Embedded,
    number: u16,
    vendors: &Arc<Vendors>,
    clock: &WorldClock,
) -> LocalSystem {
    let settings = LocalSettings {
        data_dir: None,
        time_scale: 1,
        clock: Arc::new(clock.clone()),
        ids: Arc::new(SeededIds::new(u64::from(number))),
        transport: vendors.clone(),
        configuration_age: IntegrationCache::FOR_AT_MOST,
        announcer: Arc::new(Unannounced),
        public_base_url: None,
        local_organization: Some(organization(number)),
        policy: im_local::Policy::built_in(),
    };
    LocalSystem::on(embedded.clone(), settings)
}

fn processes(embedded: &Embedded, ports: &Ports, clock: &WorldClock) -> Arc<Processes> {
    let (ports, sqs, queues) = (ports.clone(), embedded.sqs.clone(), embedded.queues.clone());
    let clock = clock.clone();
    Processes::new(Box::new(move || {
        let urls = (queues.outbound.clone(), queues.dead_letters.clone());
        let queue = SqsQueue::new(sqs.clone(), urls, Arc::new(clock.clone()), 1);
        batch_function(
            Source::Incidents,
            &ports,
            Arc::new(queue),
            RetryLadder::default(),
            Arc::new(Unannounced),
        )
    }))
}
