//! Sync one link: load, read, plan, claim, write, commit (design section 2).

mod create;
mod draft;
mod import;
mod linked;

use std::{collections::BTreeMap, sync::Arc};

use im_model::{
    ActorId, ExternalId, ExternalRecord, Field, Incident, IncidentId, Integration, IntegrationId,
    RecordVersion,
};
use im_sync::LinkRules;
use im_vendors::{Connection, Credentials, Transport, VendorApi, VendorError, VendorErrorKind};
use jiff::{SignedDuration, Timestamp};

use crate::{
    Claim, CredentialCache, Hint, IntegrationCache, Job, StoreError, SyncError,
    ports::{Attempt, Clock, Ids, IncidentStore},
};

/// What a sync came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Both sides already were as they should be: nothing was written anywhere.
    NothingNew,
    /// The link was synced.
    Synced {
        /// Fields written to the vendor.
        pushed: Vec<Field>,
        /// Fields written to the platform.
        pulled: Vec<Field>,
    },
    /// The vendor's record was created for an incident.
    Created(ExternalId),
    /// A record that an earlier attempt created was found and linked.
    Adopted(ExternalId),
    /// An incident was created from the vendor's record.
    Imported(IncidentId),
    /// There was nothing to be done, for a reason.
    Skipped(&'static str),
    /// Nothing was done for now, and all of it is still to be done.
    Suspended(&'static str),
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = |fields: &[Field]| fields.iter().map(Field::name).collect::<Vec<_>>().join(",");
        match self {
            Self::NothingNew => f.write_str("nothing new"),
            Self::Synced { pushed, pulled } => {
                write!(
                    f,
                    "synced (pushed: {}; pulled: {})",
                    names(pushed),
                    names(pulled)
                )
            }
            Self::Created(id) => write!(f, "created {id}"),
            Self::Adopted(id) => write!(f, "adopted {id}"),
            Self::Imported(id) => write!(f, "imported as {id}"),
            Self::Skipped(why) => write!(f, "skipped: {why}"),
            Self::Suspended(why) => write!(f, "suspended: {why}"),
        }
    }
}

/// Syncs links. One per process; each call of [`SyncEngine::sync`] is a worker of its own.
pub struct SyncEngine {
    /// Incidents, links and claims.
    pub store: Arc<dyn IncidentStore>,
    /// Configuration.
    pub integrations: Arc<IntegrationCache>,
    /// Credentials.
    pub credentials: Arc<CredentialCache>,
    /// How vendors are reached.
    pub transport: Arc<dyn Transport>,
    /// When.
    pub clock: Arc<dyn Clock>,
    /// Ids of workers and incidents.
    pub ids: Arc<dyn Ids>,
}

impl SyncEngine {
    /// How long a claim holds its link: longer than a function's timeout (15 s) plus the longest that a vendor may
    /// hold a request (3 s), shorter than the first retry (30 s).
    pub const LEASE: SignedDuration = SignedDuration::from_secs(25);

    /// A worker that loses this many races in a row puts its hint back.
    const MOST_RACES: u32 = 8;

    /// Works on one job. `image` is the incident as a stream record shows it: it spares the first load, and if it is
    /// older than the store a lost race tells.
    pub async fn sync(&self, job: &Job, image: Option<Incident>) -> Result<Outcome, SyncError> {
        let integration = job.hint.integration();
        let Some(integration) = self.integrations.get(integration).await? else {
            return Ok(Outcome::Skipped("the integration does not exist"));
        };
        if !integration.is_working() {
            return Ok(Outcome::Suspended("the integration is disabled or paused"));
        }
        let vendor = im_vendors::registry::vendor_api(integration.integration_type)
            .ok_or_else(|| Self::misconfigured(&integration, "this vendor is not supported"))?;
        let vaulted = self
            .credentials
            .get(&integration.secret_id)
            .await?
            .ok_or_else(|| {
                Self::misconfigured(&integration, "it has no credentials; configure them again")
            })?;
        let mut worker = Worker {
            engine: self,
            vendor,
            rules: vendor.rules(&integration),
            integration,
            credentials: vaulted.current.clone(),
            id: self.ids.ulid(self.clock.now()).to_string(),
            job,
            settled: BTreeMap::new(),
            settled_version: 0,
            created: None,
            done: Done::default(),
        };
        match worker.run(image).await {
            Err(SyncError::Vendor(VendorError {
                kind: VendorErrorKind::Unauthorized,
                ..
            })) => {
                // The credentials may have been rotated since they were cached: one more try with fresh ones.
                let secret_id = worker.integration.secret_id.clone();
                let fresh = self.credentials.fetch(&secret_id).await?;
                worker.credentials = fresh.map(|fresh| fresh.current.clone()).unwrap_or_default();
                worker.run(None).await
            }
            result => result,
        }
    }

    fn misconfigured(integration: &Integration, detail: &str) -> SyncError {
        SyncError::Misconfigured {
            integration: integration.id.clone(),
            detail: detail.to_owned(),
        }
    }
}

/// What a worker has moved so far, over all its restarts.
#[derive(Default)]
struct Done {
    pushed: Vec<Field>,
    pulled: Vec<Field>,
    created: Option<ExternalId>,
    adopted: Option<ExternalId>,
    failed: BTreeMap<Field, String>,
}

/// One worker on one link.
struct Worker<'a> {
    engine: &'a SyncEngine,
    vendor: &'static dyn VendorApi,
    integration: Integration,
    rules: LinkRules,
    credentials: Credentials,
    id: String,
    job: &'a Job,
    /// What this worker's own writes, and dead workers' claims, turned out to have written: base in all but the store.
    settled: BTreeMap<Field, im_model::BasePair>,
    /// Of which version of the link that holds: whoever has raised it since has settled its claims, too.
    settled_version: u64,
    /// The record that this worker has created and not connected yet.
    created: Option<ExternalRecord>,
    done: Done,
}

/// What one pass came to.
enum Pass {
    Finished(Outcome),
    /// Somebody was faster, or there is more to do: load again.
    Again,
}

impl Worker<'_> {
    async fn run(&mut self, image: Option<Incident>) -> Result<Outcome, SyncError> {
        let mut image = image;
        for _ in 0..SyncEngine::MOST_RACES {
            match self.pass(image.take()).await? {
                Pass::Finished(outcome) => return self.finished(outcome),
                Pass::Again => {}
            }
        }
        Err(SyncError::TooManyRaces(SyncEngine::MOST_RACES))
    }

    fn finished(&mut self, outcome: Outcome) -> Result<Outcome, SyncError> {
        let done = std::mem::take(&mut self.done);
        if !done.failed.is_empty() {
            return Err(SyncError::Fields(done.failed));
        }
        Ok(match (outcome, done) {
            (
                Outcome::NothingNew,
                Done {
                    created: Some(id), ..
                },
            ) => Outcome::Created(id),
            (
                Outcome::NothingNew,
                Done {
                    adopted: Some(id), ..
                },
            ) => Outcome::Adopted(id),
            (Outcome::NothingNew, Done { pushed, pulled, .. })
                if !pushed.is_empty() || !pulled.is_empty() =>
            {
                Outcome::Synced { pushed, pulled }
            }
            (outcome, _) => outcome,
        })
    }

    async fn pass(&mut self, image: Option<Incident>) -> Result<Pass, SyncError> {
        match &self.job.hint {
            Hint::Incident { incident, .. } => {
                let loaded = match image {
                    Some(image) => Some(image),
                    None => self.store().load(incident).await?,
                };
                match loaded {
                    Some(incident) => self.incident(incident).await,
                    None => Ok(Pass::Finished(Outcome::Skipped(
                        "the incident does not exist",
                    ))),
                }
            }
            Hint::External { external_id, .. } => {
                match self
                    .store()
                    .incident_of(&self.integration.id, external_id)
                    .await?
                {
                    Some(id) => self.known_record(&id).await,
                    None => self.unknown_record(external_id).await,
                }
            }
        }
    }

    async fn known_record(&mut self, id: &IncidentId) -> Result<Pass, SyncError> {
        let Some(incident) = self.store().load(id).await? else {
            return Ok(Pass::Finished(Outcome::Skipped(
                "the incident does not exist",
            )));
        };
        if !incident.links.contains_key(&self.integration.id) {
            return Ok(Pass::Finished(Outcome::Skipped("the record was unlinked")));
        }
        self.incident(incident).await
    }

    /// An incident that is loaded: sync its link, or make one.
    async fn incident(&mut self, incident: Incident) -> Result<Pass, SyncError> {
        match incident.links.get(&self.integration.id) {
            Some(link) if link.external_id().is_some() => self.linked(incident).await,
            Some(_) => self.reserved(incident, self.created.clone()).await,
            None => self.unlinked(incident).await,
        }
    }

    async fn read(&self, id: &ExternalId) -> Result<ExternalRecord, SyncError> {
        let mut record = self.vendor.read(self.connection(), id).await?;
        self.add_announced(&mut record);
        Ok(record)
    }

    /// A webhook knows when a field changed, to the millisecond, and who did it. A later change than the announced one
    /// has a time and an author of its own.
    fn add_announced(&self, record: &mut ExternalRecord) {
        let Hint::External {
            changed, author, ..
        } = &self.job.hint
        else {
            return;
        };
        for (field, at) in changed {
            let Some(observed) = record.fields.get_mut(field) else {
                continue;
            };
            // A record's times have whole seconds: within the same one the announced time is the exact one.
            let later = observed
                .changed_at
                .is_some_and(|known| known.as_second() > at.as_second());
            let anothers =
                observed.author.is_some() && author.is_some() && observed.author != *author;
            if !later && !anothers {
                observed.changed_at = Some(*at);
                observed.author = author.clone().or(observed.author.take());
            }
        }
    }

    /// A read older than what is known to exist is no news: it is discarded (design section 2).
    fn refuse_stale(
        &self,
        record: &ExternalRecord,
        known: Option<RecordVersion>,
    ) -> Result<(), SyncError> {
        let announced = match &self.job.hint {
            Hint::External {
                at_least,
                external_id,
                ..
            } if *external_id == record.id && !self.job.waited => *at_least,
            _ => None,
        };
        match announced.max(known) {
            Some(known) if record.version < known => Err(SyncError::Stale {
                external_id: record.id.clone(),
                read: record.version,
                known,
            }),
            _ => Ok(()),
        }
    }

    fn connection(&self) -> Connection<'_> {
        Connection {
            base_url: &self.integration.base_url,
            options: &self.integration.options,
            credentials: &self.credentials,
            transport: self.engine.transport.as_ref(),
            now: self.now(),
        }
    }

    /// A claim of this worker on a version of the link.
    fn new_claim(&self, incident: &Incident, link_version: u64, attempt: u32) -> Claim {
        let now = self.now();
        Claim {
            incident: incident.id.clone(),
            integration: self.integration.id.clone(),
            link_version,
            attempt,
            worker: self.id.clone(),
            claimed_at: now,
            lease_until: now + SyncEngine::LEASE,
            cause: self.cause(),
            record_version: None,
            sent: BTreeMap::new(),
            settled: self.settled.clone(),
            decisions: BTreeMap::new(),
        }
    }

    /// Puts a claim, as attempt 1 or after those before it: one's own, or dead ones whose lease is over.
    async fn put_claim(&self, claim: &mut Claim) -> Result<Claimed, StoreError> {
        if self.store().claim(claim).await? == Attempt::Done {
            return Ok(Claimed::Won);
        }
        let last = self
            .store()
            .last_claim(&claim.incident, &claim.integration, claim.link_version)
            .await?;
        let Some(last) = last else {
            return Ok(Claimed::Again);
        };
        if last.worker != self.id && self.now() < last.lease_until {
            return Ok(Claimed::Held(Box::new(last)));
        }
        if last.worker != self.id {
            return Ok(Claimed::Abandoned(Box::new(last)));
        }
        claim.attempt = last.attempt + 1;
        let won = self.store().claim(claim).await?;
        Ok(if won == Attempt::Done {
            Claimed::Won
        } else {
            Claimed::Again
        })
    }

    fn cause(&self) -> String {
        match &self.job.cause {
            crate::Cause::Delivery { key } => format!("delivery {key}"),
            crate::Cause::Change => format!("change of {}", self.job.hint),
            crate::Cause::Person => format!("asked for by a person: {}", self.job.hint),
        }
    }

    fn store(&self) -> &dyn IncidentStore {
        self.engine.store.as_ref()
    }

    fn now(&self) -> Timestamp {
        self.engine.clock.now()
    }

    fn id(&self) -> &IntegrationId {
        &self.integration.id
    }

    fn author(&self) -> Option<ActorId> {
        match &self.job.hint {
            Hint::External { author, .. } => author.clone(),
            Hint::Incident { .. } => None,
        }
    }
}

/// What became of a claim.
enum Claimed {
    /// The link is ours for a lease.
    Won,
    /// Somebody works on it.
    Held(Box<Claim>),
    /// Somebody worked on it, and its lease is over without a commit.
    Abandoned(Box<Claim>),
    /// Lost a race: load again.
    Again,
}
