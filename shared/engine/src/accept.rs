//! A webhook: verify the signature over the raw bytes, store the delivery, nothing more.

mod keyring;
mod rate;

use std::sync::Arc;

use im_model::{
    DEEPEST_JSON, Integration, IntegrationId, IntegrationType, Secret, nests_deeper_than,
};
use im_vendors::{
    Credentials, Refusal, UnverifiedDelivery, Verification, VerifiedDelivery, WebhookSource,
};
use jiff::SignedDuration;

use self::keyring::{Found, Unanswered};
pub use self::{keyring::Keyring, rate::DeliveryRate};
use crate::{
    Delivery, DeliveryKey, StoreError,
    ports::{Clock, DeliveryStore, Vaulted},
};

/// What became of a delivery that was believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It is in the table.
    Stored,
    /// It was there already.
    Repeated,
}

/// Why a delivery was turned away.
#[derive(Debug, thiserror::Error)]
pub enum Rejected {
    /// Bad, missing or malformed signature, or an unknown integration: the sender must not learn which.
    #[error("not authentic: {0}")]
    NotAuthentic(String),
    /// Signed, but not what the vendor sends.
    #[error("{0}")]
    Unreadable(String),
    /// Too many at once; nothing was stored, and the vendor is to send it again.
    #[error("too many at once, for the next {} ms", .retry_after.as_millis())]
    TooMany {
        /// When it may be sent again at the earliest.
        retry_after: SignedDuration,
    },
    /// It could not be stored; the vendor sends it again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Unanswered> for Rejected {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Flooded(retry_after) => Self::TooMany { retry_after },
            Unanswered::Store(error) => Self::Store(error),
        }
    }
}

/// Accepts one vendor's deliveries.
pub struct DeliveryAcceptor {
    /// Which vendor.
    pub integration_type: IntegrationType,
    /// Verifies and reads its deliveries.
    pub source: &'static dyn WebhookSource,
    /// Whose deliveries, signed with what.
    pub keyring: Keyring,
    /// How many authentic ones of an integration are taken.
    pub rate: DeliveryRate,
    /// Where they are stored.
    pub deliveries: Arc<dyn DeliveryStore>,
    /// When.
    pub clock: Arc<dyn Clock>,
}

impl DeliveryAcceptor {
    /// Verifies and stores a delivery. Accepted is durable: `Ok` means that it is in the table.
    pub async fn accept(&self, delivery: UnverifiedDelivery<'_>) -> Result<Accepted, Rejected> {
        let (id, verified) = self.verify(delivery).await?;
        // Only those that are authentic: nobody else can use up an integration's share.
        self.keyring
            .admit(&id, self.rate)
            .map_err(|retry_after| Rejected::TooMany { retry_after })?;
        if nests_deeper_than(verified.body(), DEEPEST_JSON) {
            let problem = format!("the delivery nests deeper than {DEEPEST_JSON} levels");
            return Err(Rejected::Unreadable(problem));
        }
        let event = self
            .source
            .read_event(&verified)
            .map_err(|error| Rejected::Unreadable(error.to_string()))?;
        let delivery = Delivery {
            key: DeliveryKey {
                integration: id,
                delivery: event.delivery_id,
            },
            received_at: self.clock.now(),
            event_type: event.event_type,
            occurred_at: event.occurred_at,
            announced: event.announced,
            outcome: None,
        };
        let stored = self.deliveries.accept(&delivery).await?;
        Ok(if stored {
            Accepted::Stored
        } else {
            Accepted::Repeated
        })
    }

    /// Whoever is refused has cost the same look-ups, whatever there is.
    async fn verify(
        &self,
        delivery: UnverifiedDelivery<'_>,
    ) -> Result<(IntegrationId, VerifiedDelivery), Rejected> {
        // A word that is no id is looked for like one, under another name.
        let id = IntegrationId::parse(delivery.integration)
            .or_else(|_| IntegrationId::parse("nobody"))
            .map_err(|error| Rejected::NotAuthentic(error.to_string()))?;
        let is_wanted = |found: &Integration| {
            found.id.as_str() == delivery.integration
                && found.integration_type == self.integration_type
        };
        let found = self.keyring.find(&id, is_wanted).await?;
        let refusal = match self.check(&found, delivery) {
            Ok(verified) => return Ok((id, verified)),
            Err(refusal) => refusal,
        };
        let is_known = found.integration.is_some();
        let (is_known, refusal) = match self.keyring.renewed(&id, is_wanted, found).await? {
            None => (is_known, refusal),
            Some(found) => match self.check(&found, delivery) {
                Ok(verified) => return Ok((id, verified)),
                Err(refusal) => (found.integration.is_some(), refusal),
            },
        };
        Err(Rejected::NotAuthentic(if is_known {
            refusal.to_string()
        } else {
            "no such integration".to_owned()
        }))
    }

    fn check(
        &self,
        found: &Found,
        delivery: UnverifiedDelivery<'_>,
    ) -> Result<VerifiedDelivery, Refusal> {
        let Some(integration) = &found.integration else {
            return Err(self.check_against_nobody(delivery));
        };
        let vaulted = found.keys.as_deref();
        let none = Credentials::default();
        let against = Verification {
            secrets: &webhook_secrets(vaulted),
            options: &integration.options,
            credentials: vaulted.map_or(&none, |vaulted| &vaulted.current),
            now: self.clock.now(),
        };
        self.source.verify(delivery, against)
    }

    /// The same work, and always refused: the secret is no secret.
    fn check_against_nobody(&self, delivery: UnverifiedDelivery<'_>) -> Refusal {
        let nobody = || Secret::new("nobody signs with this");
        let names = ["client_key", "webhook_secret"];
        let credentials = Credentials(names.map(|name| (name.to_owned(), nobody())).into());
        let against = Verification {
            secrets: &[nobody()],
            options: &std::collections::BTreeMap::new(),
            credentials: &credentials,
            now: self.clock.now(),
        };
        let checked = self.source.verify(delivery, against);
        std::hint::black_box(checked)
            .err()
            .unwrap_or(Refusal::Mismatch)
    }
}

/// The secrets that may sign now: the current one, and during a rotation the one before.
fn webhook_secrets(vaulted: Option<&Vaulted>) -> Vec<Secret> {
    let Some(vaulted) = vaulted else {
        return Vec::new();
    };
    let previous = vaulted.previous.as_ref();
    [
        vaulted.current.get("webhook_secret"),
        vaulted.current.get("previous_webhook_secret"),
        previous.and_then(|previous| previous.get("webhook_secret")),
    ]
    .into_iter()
    .flatten()
    .cloned()
    .collect()
}
