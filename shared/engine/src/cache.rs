//! Configuration and credentials, kept for a while: a webhook costs one write and nothing else (design section 9).

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use im_model::{AuditEntry, Integration, IntegrationId, OrganizationId};
use jiff::{SignedDuration, Timestamp};

use crate::{
    Pace, StoreError,
    ports::{Attempt, Clock, IntegrationStore, Vault, Vaulted},
};

/// What was fetched, and when.
struct Kept<T> {
    at: Timestamp,
    value: T,
}

struct Cache<K, T> {
    kept: Mutex<HashMap<K, Kept<T>>>,
    for_at_most: SignedDuration,
}

impl<K: std::hash::Hash + Eq + Clone, T: Clone> Cache<K, T> {
    fn new(for_at_most: SignedDuration) -> Self {
        Self {
            kept: Mutex::default(),
            for_at_most,
        }
    }

    fn get(&self, key: &K, now: Timestamp) -> Option<T> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.get(key)?;
        (now.duration_since(kept.at) < self.for_at_most).then(|| kept.value.clone())
    }

    fn keep(&self, key: K, value: T, at: Timestamp) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(key, Kept { at, value });
    }
}

/// Integrations as the store has them, not older than told (10 s in a deployment). An unknown one is asked for each time.
pub struct IntegrationCache {
    store: Arc<dyn IntegrationStore>,
    clock: Arc<dyn Clock>,
    by_id: Cache<IntegrationId, Integration>,
    by_organization: Cache<OrganizationId, Vec<Integration>>,
    pace: Option<Arc<Pace>>,
}

impl IntegrationCache {
    /// How old a configuration may be in a deployment.
    pub const FOR_AT_MOST: SignedDuration = SignedDuration::from_secs(10);

    /// An empty cache, of what is not older than this.
    pub fn new(
        store: Arc<dyn IntegrationStore>,
        clock: Arc<dyn Clock>,
        for_at_most: SignedDuration,
    ) -> Self {
        Self {
            store,
            clock,
            by_id: Cache::new(for_at_most),
            by_organization: Cache::new(for_at_most),
            pace: None,
        }
    }

    /// The same; whatever it fetches, the state of the integration's circuit comes along.
    #[must_use]
    pub fn with_circuits(self, pace: Arc<Pace>) -> Self {
        Self {
            pace: Some(pace),
            ..self
        }
    }

    /// One integration.
    pub async fn get(&self, id: &IntegrationId) -> Result<Option<Integration>, StoreError> {
        match self.by_id.get(id, self.clock.now()) {
            Some(kept) => Ok(Some(kept)),
            None => self.fetch(id).await,
        }
    }

    /// One integration as the store has it now.
    pub async fn fetch(&self, id: &IntegrationId) -> Result<Option<Integration>, StoreError> {
        let now = self.clock.now();
        let found = match &self.pace {
            Some(pace) => pace.refresh(id).await?,
            None => self.store.integration(id).await?,
        };
        if let Some(found) = &found {
            self.by_id.keep(id.clone(), found.clone(), now);
        }
        Ok(found)
    }

    /// Replaces the version before it, in the store and here.
    pub async fn replace(
        &self,
        integration: &Integration,
        audit: &AuditEntry,
    ) -> Result<Attempt, StoreError> {
        let done = self.store.update_integration(integration, audit).await?;
        if done == Attempt::Done {
            let (id, now) = (integration.id.clone(), self.clock.now());
            self.by_id.keep(id, integration.clone(), now);
        }
        Ok(done)
    }

    /// The integrations of an organization that are owed changes of its incidents.
    pub async fn owed_by(
        &self,
        organization: &OrganizationId,
    ) -> Result<BTreeSet<IntegrationId>, StoreError> {
        let now = self.clock.now();
        let all = if let Some(kept) = self.by_organization.get(organization, now) {
            kept
        } else {
            let found = self.store.integrations_of(organization).await?;
            self.by_organization
                .keep(organization.clone(), found.clone(), now);
            found
        };
        Ok(owed(&all))
    }
}

/// Those that changes flow to. A paused one is owed them too: resuming syncs all that is pending.
pub(crate) fn owed(integrations: &[Integration]) -> BTreeSet<IntegrationId> {
    let flows =
        |integration: &&Integration| integration.enabled && integration.direction.allows_outbound();
    integrations
        .iter()
        .filter(flows)
        .map(|integration| integration.id.clone())
        .collect()
}

/// Credentials as the vault has them, at most 5 min old unless asked for anew.
pub struct CredentialCache {
    vault: Arc<dyn Vault>,
    clock: Arc<dyn Clock>,
    kept: Cache<String, Option<Arc<Vaulted>>>,
}

impl CredentialCache {
    /// How old credentials may be.
    pub const FOR_AT_MOST: SignedDuration = SignedDuration::from_secs(300);

    /// An empty cache.
    pub fn new(vault: Arc<dyn Vault>, clock: Arc<dyn Clock>) -> Self {
        Self {
            vault,
            clock,
            kept: Cache::new(Self::FOR_AT_MOST),
        }
    }

    /// The credentials kept under an id. At most one read.
    pub async fn get(&self, secret_id: &str) -> Result<Option<Arc<Vaulted>>, StoreError> {
        if let Some(kept) = self.kept.get(&secret_id.to_owned(), self.clock.now()) {
            return Ok(kept);
        }
        let current = self.vault.credentials(secret_id).await?;
        let found = current.map(|current| {
            Arc::new(Vaulted {
                current,
                previous: None,
            })
        });
        self.keep(secret_id, found.clone());
        Ok(found)
    }

    /// The credentials as they are now, with the version before: after a refusal, for they may have been rotated.
    pub async fn fetch(&self, secret_id: &str) -> Result<Option<Arc<Vaulted>>, StoreError> {
        let found = match self.vault.credentials(secret_id).await? {
            None => None,
            Some(current) => {
                let previous = self.vault.previous(secret_id).await?;
                Some(Arc::new(Vaulted { current, previous }))
            }
        };
        self.keep(secret_id, found.clone());
        Ok(found)
    }

    fn keep(&self, secret_id: &str, found: Option<Arc<Vaulted>>) {
        // What does not exist may be created at any moment: only what exists is kept.
        if found.is_some() {
            self.kept
                .keep(secret_id.to_owned(), found, self.clock.now());
        }
    }
}
