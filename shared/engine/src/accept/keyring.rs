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
    /// When what is kept may be read anew again.
    renewals: Turn,
    deliveries: Turn,
}

#[derive(Clone)]
struct Keys {
    of: String,
    at: Timestamp,
    found: Option<Arc<Vaulted>>,
}

/// What a delivery is verified against.
pub(super) struct Found {
    /// Whose it is, if it is anybody's.
    pub(super) integration: Option<Integration>,
    pub(super) keys: Option<Arc<Vaulted>>,
    /// Whose keys were read for this very delivery.
    fresh_keys_of: Option<String>,
    /// The integration was read for this very delivery.
    is_fresh: bool,
}

impl Keyring {
    /// After a refusal everything is read anew, for the integration may have been created meanwhile, or its secret
    /// rotated: so often at most per id, however many deliveries are refused.
    pub const RENEWALS: DeliveryRate = DeliveryRate {
        per_second: 1,
        at_once: 5,
    };

    /// Ids that were not asked for lately, and renewals: each costs look-ups, and an id a place in memory. Who sends more
    /// of them gets the same answer whatever there is, until it is quiet.
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

    /// What is known of an id; of an integration that is not wanted as much as of none.
    pub(super) async fn find(
        &self,
        id: &IntegrationId,
        is_wanted: impl Fn(&Integration) -> bool,
    ) -> Result<Found, Unanswered> {
        let now = self.clock.now();
        let (integration, is_fresh) = self.configuration(id, now).await?;
        let integration = integration.filter(is_wanted);
        let of = self.secret_id(id, integration.as_ref());
        let kept = self.with(id, |ring| ring.keys.clone()).flatten();
        if let Some(kept) = kept.filter(|kept| kept.of == of)
            && is_within(CredentialCache::FOR_AT_MOST, kept.at, now)
        {
            return Ok(Found {
                integration,
                keys: kept.found,
                fresh_keys_of: None,
                is_fresh,
            });
        }
        let current = self.vault.credentials(&of).await?;
        let keys = current.map(|current| {
            let previous = None;
            Arc::new(Vaulted { current, previous })
        });
        self.keep(id, of.clone(), keys.clone(), now);
        Ok(Found {
            integration,
            keys,
            fresh_keys_of: Some(of),
            is_fresh,
        })
    }

    /// The same as it is now, with the keys before a rotation; `None` if it was looked at too often just now. While
    /// strangers are flooding in nothing is renewed, and every refusal looks alike.
    pub(super) async fn renewed(
        &self,
        id: &IntegrationId,
        is_wanted: impl Fn(&Integration) -> bool,
        found: Found,
    ) -> Result<Option<Found>, Unanswered> {
        let now = self.clock.now();
        if !self.may_renew(id, &found, now)? {
            return Ok(None);
        }
        let integration = if found.is_fresh {
            found.integration
        } else {
            self.read_configuration(id, now).await?.filter(is_wanted)
        };
        let of = self.secret_id(id, integration.as_ref());
        let current = if found.fresh_keys_of.as_ref() == Some(&of) {
            found.keys.map(|keys| keys.current.clone())
        } else {
            self.vault.credentials(&of).await?
        };
        // Where there is nothing now there was nothing before: asked all the same.
        let previous = self.vault.previous(&of).await?;
        let keys = current.map(|current| Arc::new(Vaulted { current, previous }));
        self.keep(id, of.clone(), keys.clone(), now);
        Ok(Some(Found {
            integration,
            keys,
            fresh_keys_of: Some(of),
            is_fresh: true,
        }))
    }

    fn may_renew(
        &self,
        id: &IntegrationId,
        found: &Found,
        now: Timestamp,
    ) -> Result<bool, Unanswered> {
        let mut kept = self.kept();
        let flood = kept.strangers.wait(Self::STRANGERS, now);
        if flood.is_positive() {
            return Err(Unanswered::Flooded(flood));
        }
        let Some(ring) = kept.by_id.get_mut(id) else {
            return Ok(true);
        };
        if ring.renewals.take(Self::RENEWALS, now).is_err() {
            return Ok(false);
        }
        // Else only the keys before a rotation are left to read.
        if !found.is_fresh {
            let taken = kept.strangers.take(Self::STRANGERS, now);
            taken.map_err(Unanswered::Flooded)?;
        }
        Ok(true)
    }

    /// The configuration of an id, and whether it was read just now.
    async fn configuration(
        &self,
        id: &IntegrationId,
        now: Timestamp,
    ) -> Result<(Option<Integration>, bool), Unanswered> {
        let kept = self.kept().ring(id, now)?.configuration.clone();
        if let Some((at, found)) = kept
            && is_within(self.configuration_age, at, now)
        {
            return Ok((found, false));
        }
        Ok((self.read_configuration(id, now).await?, true))
    }

    async fn read_configuration(
        &self,
        id: &IntegrationId,
        now: Timestamp,
    ) -> Result<Option<Integration>, StoreError> {
        let found = self.store.integration(id).await?;
        self.with(id, |ring| ring.configuration = Some((now, found.clone())));
        Ok(found)
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
