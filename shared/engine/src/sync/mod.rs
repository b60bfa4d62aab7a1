//! Sync one link: load, read, plan, claim, write, commit (design section 2).

mod create;
mod draft;
mod import;
mod linked;
mod overwritten;
mod worker;

use std::{collections::BTreeMap, sync::Arc};

use im_model::{ExternalId, Field, Incident, IncidentId, Integration};
use im_vendors::{Transport, VendorError, VendorErrorKind};
use jiff::SignedDuration;

use self::worker::{Done, Worker};
use crate::{
    CredentialCache, IntegrationCache, Job, SyncError,
    ports::{Clock, Ids, IncidentStore},
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
