//! Sync one link: load, read, plan, claim, write, commit (design section 2).

mod conflicts;
mod create;
mod draft;
mod execute;
mod fresh_rules;
mod halfway;
mod import;
mod inspect;
mod lapsed;
mod linked;
mod listed;
mod notes;
mod overwritten;
mod refused;
mod span;
mod times;
mod trigger;
mod worker;
mod write;

use std::{collections::BTreeMap, sync::Arc};

use im_model::{Incident, Integration, Severity};
use im_sync::LinkRules;
use im_vendors::{
    Connection, Credentials, Memory, Transport, VendorApi, VendorError, VendorErrorKind,
};
use jiff::SignedDuration;
use tracing::Instrument as _;

use self::{
    refused::Attempted,
    span::SyncSpan,
    worker::{Done, Worker},
};
use crate::{
    CredentialCache, Hint, IntegrationCache, Job, Outcome, Pace, StoreError, SyncError, metrics,
    pace::{Permit, lane},
    ports::{Announcer, Clock, ConflictStore, DeadLetterStore, Ids, IncidentStore},
};

pub(crate) use self::{
    inspect::{Inspection, drift, left},
    lapsed::has_moved,
};

/// Syncs links. One per process; each call of [`SyncEngine::sync`] is a worker of its own.
pub struct SyncEngine {
    /// Incidents, links and claims.
    pub store: Arc<dyn IncidentStore>,
    /// Conflicts.
    pub conflicts: Arc<dyn ConflictStore>,
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
    /// What was learned of the vendors' accounts.
    pub memory: Arc<Memory>,
    /// Whether, and whose turn it is.
    pub pace: Arc<Pace>,
    /// Whom it tells of what waits for a person.
    pub announcer: Arc<dyn Announcer>,
    /// Dead letters, which a success closes.
    pub letters: Arc<dyn DeadLetterStore>,
}

impl SyncEngine {
    /// How long a claim holds its link: longer than a function's timeout (15 s) plus the longest that a vendor may
    /// hold a request (3 s), shorter than the first retry (30 s).
    pub const LEASE: SignedDuration = SignedDuration::from_secs(25);

    /// The longest that a worker works on a claim, in a machine's time: what a function leaves its jobs (8 s), and some.
    const LONGEST_WORK: SignedDuration = SignedDuration::from_secs(10);

    /// The lease of a claim by this clock: where it runs fast, a machine needs more of its time.
    pub(crate) fn lease(clock: &dyn Clock) -> SignedDuration {
        Self::LEASE.max(clock.during(Self::LONGEST_WORK))
    }

    /// A worker that loses this many races in a row puts its hint back.
    const MOST_RACES: u32 = 8;

    /// Works on one job. `image` is the incident as a stream record shows it: it spares the first load, and if it is
    /// older than the store a lost race tells. `severity` is what an earlier attempt has seen: it spares the load where the
    /// job's turn has not come. A success closes the link's dead letter; credentials that are refused pause the
    /// integration.
    pub async fn sync(
        &self,
        job: &Job,
        image: Option<Incident>,
        severity: Option<Severity>,
    ) -> Result<Outcome, SyncError> {
        let span = SyncSpan::of(job);
        let result = self
            .synced(job, image, severity, &span)
            .instrument(span.span())
            .await;
        span.came_to(&result);
        result
    }

    async fn synced(
        &self,
        job: &Job,
        image: Option<Incident>,
        severity: Option<Severity>,
        span: &SyncSpan,
    ) -> Result<Outcome, SyncError> {
        let mut attempt = Attempted::default();
        let attempted = self.attempt(job, image, severity, (&mut attempt, span));
        match attempted.await {
            Ok(outcome) => {
                if !matches!(outcome, Outcome::Suspended(_)) {
                    self.close(job, &outcome, attempt.dead.as_ref()).await?;
                }
                Ok(outcome)
            }
            Err(error) => match &attempt.used {
                Some(used) => self.refused(error, used).await,
                None => Err(error),
            },
        }
    }

    /// The integration, if it works. What is kept may say that it is paused after it was resumed, and whoever wakes what
    /// waited for that does so once: asked anew before a job is left open.
    async fn working(&self, kept: Integration) -> Result<Option<Integration>, StoreError> {
        if kept.is_working() {
            return Ok(Some(kept));
        }
        let found = self.integrations.fetch(&kept.id).await?;
        Ok(found.filter(Integration::is_working))
    }

    async fn attempt(
        &self,
        job: &Job,
        image: Option<Incident>,
        severity: Option<Severity>,
        (attempt, span): (&mut Attempted, &SyncSpan),
    ) -> Result<Outcome, SyncError> {
        let integration = job.hint.integration();
        let Some(integration) = self.integrations.get(integration).await? else {
            self.forgive(job).await?;
            return Ok(Outcome::Skipped("the integration does not exist"));
        };
        span.integration_type(integration.integration_type);
        let Some(integration) = self.working(integration).await? else {
            return Ok(Outcome::Suspended("the integration is disabled or paused"));
        };
        let permit = self.pace.enter(&integration.id).await?;
        let known = image.as_ref().map(lane::of_incident).or(severity);
        let integration_id = integration.id.clone();
        let turn = match known {
            Some(severity) => permit.admit(&integration, severity).await,
            None => Ok(()),
        };
        let result = match turn {
            Ok(()) => {
                let told = (attempt, span);
                self.work(job, image, integration, &permit, told).await
            }
            Err(not_yet) => Err(not_yet),
        };
        permit.end(&result).await;
        let budget = self.memory.budget(&integration_id, self.clock.now());
        if let Some(budget) = budget {
            metrics::headroom(&integration_id, budget.headroom());
        }
        result
    }

    /// Works on a job that was let through.
    async fn work(
        &self,
        job: &Job,
        image: Option<Incident>,
        integration: Integration,
        permit: &Permit<'_>,
        (attempt, span): (&mut Attempted, &SyncSpan),
    ) -> Result<Outcome, SyncError> {
        attempt.used = Some(integration.clone());
        let mut worker = self.worker(job, integration, permit, span).await?;
        let result = match worker.run(image).await {
            Err(error) if is_unauthorized(&error) => {
                worker.log_in_anew().await?;
                worker.run(None).await
            }
            result => result,
        };
        attempt.dead = worker.dead.take();
        result
    }

    /// Says what a sync that heals would do, and writes nothing. Of an integration that is disabled or paused, too.
    pub(crate) async fn inspect(&self, job: &Job) -> Result<Inspection, SyncError> {
        let Some(integration) = self.integrations.get(job.hint.integration()).await? else {
            return Ok(Inspection::Found(Vec::new()));
        };
        let permit = self.pace.enter(&integration.id).await?;
        let inspected = self.inspect_with(job, integration, &permit).await;
        let came_to = inspected.as_ref().map(|_| Outcome::NothingNew);
        permit.end(&came_to.map_err(Clone::clone)).await;
        inspected
    }

    async fn inspect_with(
        &self,
        job: &Job,
        integration: Integration,
        permit: &Permit<'_>,
    ) -> Result<Inspection, SyncError> {
        permit.admit(&integration, Severity::Sev4).await?;
        let span = SyncSpan::of(job);
        span.integration_type(integration.integration_type);
        let mut worker = self.worker(job, integration, permit, &span).await?;
        match worker.inspect().await {
            Err(error) if is_unauthorized(&error) => {
                worker.log_in_anew().await?;
                worker.inspect().await
            }
            result => result,
        }
    }

    /// A worker on a job, with what it has to know of the integration.
    async fn worker<'a>(
        &'a self,
        job: &'a Job,
        integration: Integration,
        permit: &'a Permit<'a>,
        span: &'a SyncSpan,
    ) -> Result<Worker<'a>, SyncError> {
        let vendor = im_vendors::registry::vendor_api(integration.integration_type);
        let mut credentials = self.credentials_of(&integration).await?;
        let rules = self.rules(vendor, &integration, &mut credentials).await?;
        let notes_announced = matches!(job.hint, Hint::External { notes: true, .. });
        Ok(Worker {
            engine: self,
            permit,
            span,
            vendor,
            rules,
            integration,
            credentials,
            notes_announced,
            insisted: false,
            lost: BTreeMap::new(),
            id: self.ids.ulid(self.clock.now()).to_string(),
            job,
            settled: BTreeMap::new(),
            carried_out: BTreeMap::new(),
            settled_version: 0,
            created: None,
            dead: None,
            refused: None,
            done: Done::default(),
        })
    }

    pub(crate) async fn credentials_of(
        &self,
        integration: &Integration,
    ) -> Result<Credentials, SyncError> {
        let vaulted = self.credentials.get(&integration.secret_id).await?;
        let vaulted = vaulted.ok_or_else(|| {
            Self::misconfigured(integration, "it has no credentials; configure them again")
        })?;
        Ok(vaulted.current.clone())
    }

    /// What was owed to an integration that was deleted since is owed to nobody.
    async fn forgive(&self, job: &Job) -> Result<(), SyncError> {
        let Hint::Incident {
            incident,
            integration,
        } = &job.hint
        else {
            return Ok(());
        };
        if let Some(incident) = self.store.load(incident).await?
            && incident.pending.contains_key(integration)
        {
            // Whoever was faster has written since, and then comes here again.
            let _ = self.store.settle_debt(&incident, integration).await?;
        }
        Ok(())
    }

    /// What may flow, and how. Asks the vendor where it has to, if need be with fresh credentials.
    pub(crate) async fn rules(
        &self,
        vendor: &dyn VendorApi,
        integration: &Integration,
        credentials: &mut Credentials,
    ) -> Result<LinkRules, SyncError> {
        let asked = vendor.rules(integration, self.connection(integration, credentials));
        match asked.await {
            Err(error) if error.kind == VendorErrorKind::Unauthorized => {}
            asked => return Ok(asked?),
        }
        let fresh = self.credentials.fetch(&integration.secret_id).await?;
        *credentials = fresh.map(|fresh| fresh.current.clone()).unwrap_or_default();
        let connection = self.connection(integration, credentials);
        Ok(vendor.rules(integration, connection).await?)
    }

    pub(crate) fn connection<'a>(
        &'a self,
        integration: &'a Integration,
        credentials: &'a Credentials,
    ) -> Connection<'a> {
        Connection {
            base_url: &integration.base_url,
            options: &integration.options,
            credentials,
            transport: self.transport.as_ref(),
            memory: &self.memory,
            integration: &integration.id,
            now: self.clock.now(),
        }
    }

    fn misconfigured(integration: &Integration, detail: &str) -> SyncError {
        SyncError::Misconfigured {
            integration: integration.id.clone(),
            detail: detail.to_owned(),
        }
    }
}

/// The credentials may have been rotated since they were cached: one more try with fresh ones.
pub(crate) fn is_unauthorized(error: &SyncError) -> bool {
    matches!(
        error,
        SyncError::Vendor(VendorError {
            kind: VendorErrorKind::Unauthorized,
            ..
        })
    )
}
