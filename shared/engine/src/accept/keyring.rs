//! What deliveries to an id are verified against. An id that nobody has costs what one costs that somebody has, look-up
//! by look-up: else whoever measures learns which integrations there are.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use im_model::{Integration, IntegrationId};
use jiff::{SignedDuration, Timestamp};

use super::rate::{DeliveryRate, Turn};
use crate::{
    CredentialCache, StoreError,
    ports::{Clock, IntegrationStore, Vault, Vaulted},
};

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// Too many ids that were never asked for came in at once.
    Flooded(SignedDuration),
    /// A look-up failed.
    Store(StoreError),
}

impl From<StoreError> for Unanswered {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Integrations and their webhook secrets by id, kept for a while, whether they exist or not.
pub struct Keyring {
    store: Arc<dyn IntegrationStore>,
    vault: Arc<dyn Vault>,
    clock: Arc<dyn Clock>,
    configuration_age: SignedDuration,
    /// What the ids of integrations' secrets start with.
    secret_prefix: String,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    by_id: HashMap<IntegrationId, Ring>,
    /// When the next id may come that nobody asked for before.
    strangers: Turn,
}

/// What is known of one id.
#[derive(Default)]
struct Ring {
    used_at: Timestamp,
    configuration: Option<(Timestamp, Option<Integration>)>,
    keys: Option<Keys>,
    renewed_at: Option<Timestamp>,
    deliveries: Turn,
}

#[derive(Clone)]
struct Keys {
    of: String,
    at: Timestamp,
    found: Option<Arc<Vaulted>>,
}

/// What came of a look at newer keys.
pub(super) enum Renewed {
    /// They were looked at a moment ago.
    NotDue,
    /// As they are now.
    Keys(Option<Arc<Vaulted>>),
}

/// The keys of one delivery.
pub(super) struct Found {
    pub(super) keys: Option<Arc<Vaulted>>,
    /// They were read for this very delivery.
    is_fresh: bool,
}

impl Keyring {
    /// After a refusal the secret may be read anew, for it may have been rotated: so often at most, however many
    /// deliveries are refused.
    pub const RENEWED_EVERY: SignedDuration = SignedDuration::from_secs(10);

    /// Ids that were not asked for lately: each costs look-ups, and a place in memory. Who sends more of them gets the
    /// same answer whatever there is, until it is quiet.
    pub const STRANGERS: DeliveryRate = DeliveryRate {
        per_second: 20,
        at_once: 200,
    };

    /// More than strangers can fill before they are forgotten.
    const MOST_IDS: usize = 10_000;

    /// An empty one. Configurations are not older than told, secrets not older than 5 min.
    pub fn new(
        store: Arc<dyn IntegrationStore>,
        vault: Arc<dyn Vault>,
        clock: Arc<dyn Clock>,
        configuration_age: SignedDuration,
        secret_prefix: String,
    ) -> Self {
        Self {
            store,
            vault,
            clock,
            configuration_age,
            secret_prefix,
            kept: Mutex::default(),
        }
    }

    /// The integration of an id, if there is one.
    pub(super) async fn integration(
        &self,
        id: &IntegrationId,
    ) -> Result<Option<Integration>, Unanswered> {
        let now = self.clock.now();
        {
            let mut kept = self.kept();
            let ring = kept.ring(id, now)?;
            if let Some((at, found)) = &ring.configuration
                && is_within(self.configuration_age, *at, now)
            {
                return Ok(found.clone());
            }
        }
        let found = self.store.integration(id).await?;
        self.with(id, |ring| ring.configuration = Some((now, found.clone())));
        Ok(found)
    }

    /// Its keys; of an id that nobody has those of a secret that does not exist.
    pub(super) async fn keys(
        &self,
        id: &IntegrationId,
        integration: Option<&Integration>,
    ) -> Result<Found, Unanswered> {
        let now = self.clock.now();
        let of = self.secret_id(id, integration);
        let kept = self.with(id, |ring| ring.keys.clone()).flatten();
        if let Some(kept) = kept.filter(|kept| kept.of == of)
            && is_within(CredentialCache::FOR_AT_MOST, kept.at, now)
        {
            return Ok(Found {
                keys: kept.found,
                is_fresh: false,
            });
        }
        let current = self.vault.credentials(&of).await?;
        let found = current.map(|current| {
            let previous = None;
            Arc::new(Vaulted { current, previous })
        });
        self.keep(id, of, found.clone(), now);
        Ok(Found {
            keys: found,
            is_fresh: true,
        })
    }

    /// The keys as they are now, with those before a rotation. While strangers are flooding in nobody's are renewed, and
    /// every refusal looks alike.
    pub(super) async fn renewed(
        &self,
        id: &IntegrationId,
        integration: Option<&Integration>,
        found: Found,
    ) -> Result<Renewed, Unanswered> {
        let now = self.clock.now();
        let flood = self.kept().strangers.wait(Self::STRANGERS, now);
        if flood.is_positive() {
            return Err(Unanswered::Flooded(flood));
        }
        let is_due = self.with(id, |ring| {
            let due = |at: Timestamp| !is_within(Self::RENEWED_EVERY, at, now);
            let is_due = ring.renewed_at.is_none_or(due);
            if is_due {
                ring.renewed_at = Some(now);
            }
            is_due
        });
        if is_due == Some(false) {
            return Ok(Renewed::NotDue);
        }
        let of = self.secret_id(id, integration);
        let current = if found.is_fresh {
            found.keys.map(|keys| keys.current.clone())
        } else {
            self.vault.credentials(&of).await?
        };
        // Where there is nothing now there was nothing before: asked all the same.
        let previous = self.vault.previous(&of).await?;
        let renewed = current.map(|current| Arc::new(Vaulted { current, previous }));
        self.keep(id, of, renewed.clone(), now);
        Ok(Renewed::Keys(renewed))
    }

    /// Lets one more delivery of an integration in, or says how long it has to wait.
    pub(super) fn admit(
        &self,
        id: &IntegrationId,
        rate: DeliveryRate,
    ) -> Result<(), SignedDuration> {
        let now = self.clock.now();
        self.with(id, |ring| ring.deliveries.take(rate, now))
            .unwrap_or(Ok(()))
    }

    /// The secret of nobody lies where those of integrations lie, so that the same permission reads it.
    fn secret_id(&self, id: &IntegrationId, integration: Option<&Integration>) -> String {
        integration.map_or_else(
            || format!("{}integration/{id}/nobody", self.secret_prefix),
            |integration| integration.secret_id.clone(),
        )
    }

    fn keep(&self, id: &IntegrationId, of: String, found: Option<Arc<Vaulted>>, at: Timestamp) {
        self.with(id, |ring| ring.keys = Some(Keys { of, at, found }));
    }

    /// `None` if the id was forgotten meanwhile.
    fn with<T>(&self, id: &IntegrationId, act: impl FnOnce(&mut Ring) -> T) -> Option<T> {
        self.kept().by_id.get_mut(id).map(act)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Was it so lately? Not if it lies ahead: the clock was set back since.
fn is_within(age: SignedDuration, at: Timestamp, now: Timestamp) -> bool {
    (SignedDuration::ZERO..age).contains(&now.duration_since(at))
}

impl Kept {
    /// What is known of an id; it is a stranger if nothing is.
    fn ring(&mut self, id: &IntegrationId, now: Timestamp) -> Result<&mut Ring, Unanswered> {
        if !self.by_id.contains_key(id) {
            self.make_room(now)?;
            self.strangers
                .take(Keyring::STRANGERS, now)
                .map_err(Unanswered::Flooded)?;
        }
        let ring = self.by_id.entry(id.clone()).or_default();
        ring.used_at = now;
        Ok(ring)
    }

    fn make_room(&mut self, now: Timestamp) -> Result<(), Unanswered> {
        if self.by_id.len() < Keyring::MOST_IDS {
            return Ok(());
        }
        self.by_id
            .retain(|_, ring| is_within(CredentialCache::FOR_AT_MOST, ring.used_at, now));
        if self.by_id.len() < Keyring::MOST_IDS {
            return Ok(());
        }
        Err(Unanswered::Flooded(SignedDuration::from_secs(1)))
    }
}
