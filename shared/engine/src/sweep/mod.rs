//! The minute tick: brings what nothing else is working on (design section 5). Every part of it only hints, so that
//! doing one twice, or half, is harmless.

mod catch_up;
mod measure;
mod recovery;
mod runs;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use im_model::{Integration, IntegrationId, TaskKind};
use im_vendors::{Memory, Transport};
use jiff::{SignedDuration, Timestamp};

use crate::{
    CredentialCache, Pace, RetryLadder, RunStarter, StoreError,
    ports::{
        Clock, DeadLetterStore, Figures, IncidentStore, IntegrationStore, JobQueue, OpenWork, Task,
        TaskStore,
    },
};

/// Does what is due at a tick.
pub struct Sweeper {
    /// What is to be done.
    pub tasks: Arc<dyn TaskStore>,
    /// What is open.
    pub work: Arc<dyn OpenWork>,
    /// Entries.
    pub letters: Arc<dyn DeadLetterStore>,
    /// Incidents and what they owe.
    pub incidents: Arc<dyn IncidentStore>,
    /// Configuration.
    pub integrations: Arc<dyn IntegrationStore>,
    /// Credentials.
    pub credentials: Arc<CredentialCache>,
    /// How vendors are reached.
    pub transport: Arc<dyn Transport>,
    /// What was learned of the vendors' accounts.
    pub memory: Arc<Memory>,
    /// Whose circuit closes when its vendor answers.
    pub pace: Arc<Pace>,
    /// Where retries of dead letters go.
    pub queue: Arc<dyn JobQueue>,
    /// Starts the reconciliations that are due.
    pub starter: RunStarter,
    /// What is told of each integration.
    pub figures: Arc<dyn Figures>,
    /// When.
    pub clock: Arc<dyn Clock>,
    /// Where the scans of this process were when their time was over.
    pub places: Places,
}

/// What is looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scan {
    Deliveries,
    Incidents,
}

/// How far a scan has come.
#[derive(Debug, Default)]
struct Place {
    /// The partition to go on with.
    first: u8,
    after: Option<String>,
}

/// Where scans go on: of everything, or of one integration. One that begins anew is only slower, so a process keeps it.
#[derive(Debug, Default)]
pub struct Places(Mutex<BTreeMap<ScanOf, Place>>);

/// What is looked through for whom, and since when that is asked for.
type ScanOf = (Scan, Option<(IntegrationId, Timestamp)>);

/// What a tick has done.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SweepReport {
    /// Deliveries that were open and are brought again.
    pub deliveries: u32,
    /// Incidents that owed somebody a change and are brought again.
    pub incidents: u32,
    /// Dead letters that are tried again.
    pub redriven: u32,
    /// Vendors that do not answer yet.
    pub silent: u32,
    /// Reconciliations that were started, or brought again.
    #[serde(default)]
    pub runs: u32,
    /// True if it stopped for want of time: the next tick goes on.
    pub unfinished: bool,
}

impl Sweeper {
    /// What has been open for so long is not worked on any more.
    pub const LONG: SignedDuration = RetryLadder::LONG;

    /// A tick ends after this much, so that it ends before its function does (50 s): the next one goes on.
    pub const PATIENCE: SignedDuration = SignedDuration::from_secs(40);

    /// A vendor's recovery, or a resumption, has so much of a tick: the others have a turn at every tick.
    const TURN: SignedDuration = SignedDuration::from_secs(8);

    /// Where a scan goes on that had no time to reach its end: whoever never moves would else hold up all behind it.
    fn go_on(&self, scan: &ScanOf) -> Place {
        let mut places = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.remove(scan).unwrap_or_default()
    }

    fn stopped_at(&self, scan: ScanOf, first: u8, after: Option<String>) {
        let mut places = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.insert(scan, Place { first, after });
    }

    /// One tick.
    ///
    /// # Errors
    /// The store or the queue could not be reached, or held something unreadable. All that it did not concern is done.
    pub async fn tick(&self) -> Result<SweepReport, StoreError> {
        let began = self.clock.now();
        let mut tick = Tick {
            sweeper: self,
            began,
            until: began + Self::PATIENCE,
            end: began + Self::PATIENCE,
            integrations: BTreeMap::new(),
            report: SweepReport::default(),
            failed: None,
            failures: 0,
        };
        let all = self.tasks.tasks().await?;
        let due = all.iter().filter(|task| task.due_at <= began).cloned();
        let due: Vec<_> = due.collect();
        let of = |wanted: &[TaskKind]| {
            let of_kind = due.iter().filter(|task| wanted.contains(&task.kind));
            of_kind.cloned().collect::<Vec<_>>()
        };
        let (probes, catch_ups) = (of(&[TaskKind::Probe]), of(&[TaskKind::CatchUp]));
        tick.start_runs(of(&[TaskKind::Run, TaskKind::Schedule, TaskKind::Poll]))
            .await;
        tick.probe(probes).await;
        for task in catch_ups {
            // The last part is for what was forgotten.
            tick.until = (tick.now() + Self::TURN).min(tick.end - Self::TURN);
            if tick.is_over() {
                break;
            }
            let done = tick.catch_up(&task).await;
            tick.note(&format!("catch up with {}", task.integration), done);
        }
        tick.until = tick.end;
        let woken = tick.wake_forgotten(began).await;
        tick.note("wake what was forgotten", woken);
        tick.measure(&all).await;
        tracing::info!(report = ?tick.report, "tick");
        match tick.failed {
            Some(error) => Err(error),
            None => Ok(tick.report),
        }
    }
}

/// One run of the sweeper.
struct Tick<'a> {
    sweeper: &'a Sweeper,
    began: Timestamp,
    /// The end of what is being done, and of all.
    until: Timestamp,
    end: Timestamp,
    integrations: BTreeMap<IntegrationId, Option<Integration>>,
    report: SweepReport,
    /// The first thing that could not be done.
    failed: Option<StoreError>,
    failures: u32,
}

impl Tick<'_> {
    /// What concerns one integration or one item must not keep the tick from the others.
    fn note(&mut self, what: &str, done: Result<(), StoreError>) {
        if let Err(error) = done {
            tracing::error!(%error, "the tick could not {what}");
            self.failed.get_or_insert(error);
            self.failures += 1;
        }
    }

    /// The integration as it is at this tick.
    async fn integration(&mut self, id: &IntegrationId) -> Result<Option<Integration>, StoreError> {
        if let Some(known) = self.integrations.get(id) {
            return Ok(known.clone());
        }
        let found = self.sweeper.integrations.integration(id).await?;
        self.integrations.insert(id.clone(), found.clone());
        Ok(found)
    }

    async fn is_working(&mut self, id: &IntegrationId) -> Result<bool, StoreError> {
        let found = self.integration(id).await?;
        Ok(found.is_some_and(|integration| integration.is_working()))
    }

    /// Is there no time left?
    fn is_over(&mut self) -> bool {
        let is_over = self.sweeper.clock.now() >= self.until;
        self.report.unfinished |= is_over;
        is_over
    }

    fn now(&self) -> Timestamp {
        self.sweeper.clock.now()
    }
}

/// Asks that everything of an integration that is open be brought again: it works again after it did not.
pub(crate) async fn ask_to_catch_up(
    tasks: &dyn TaskStore,
    integration: &IntegrationId,
    now: Timestamp,
) -> Result<(), StoreError> {
    ask_for(TaskKind::CatchUp, tasks, integration, now).await
}

/// Asks that an integration's figures be told from now on.
pub(crate) async fn ask_to_measure(
    tasks: &dyn TaskStore,
    integration: &IntegrationId,
    now: Timestamp,
) -> Result<(), StoreError> {
    ask_for(TaskKind::Measure, tasks, integration, now).await
}

/// Asks that an integration be polled from now on.
pub(crate) async fn ask_to_poll(
    tasks: &dyn TaskStore,
    integration: &IntegrationId,
    now: Timestamp,
) -> Result<(), StoreError> {
    ask_for(TaskKind::Poll, tasks, integration, now).await
}

async fn ask_for(
    kind: TaskKind,
    tasks: &dyn TaskStore,
    integration: &IntegrationId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let task = Task {
        kind,
        integration: integration.clone(),
        asked_at: now,
        due_at: now,
        tries: 0,
    };
    tasks.put_task(&task).await
}
