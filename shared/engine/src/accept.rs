//! A webhook: verify the signature over the raw bytes, store the delivery, nothing more.

use std::sync::Arc;

use im_model::{Integration, IntegrationId, IntegrationType, Secret};
use im_vendors::{
    Credentials, Refusal, UnverifiedDelivery, Verification, VerifiedDelivery, WebhookSource,
};

use crate::{
    CredentialCache, Delivery, DeliveryKey, IntegrationCache, StoreError,
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
    /// It could not be stored; the vendor sends it again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Accepts one vendor's deliveries.
pub struct DeliveryAcceptor {
    /// Which vendor.
    pub integration_type: IntegrationType,
    /// Verifies and reads its deliveries.
    pub source: &'static dyn WebhookSource,
    /// Whose deliveries.
    pub integrations: Arc<IntegrationCache>,
    /// Signed with what.
    pub credentials: Arc<CredentialCache>,
    /// Where they are stored.
    pub deliveries: Arc<dyn DeliveryStore>,
    /// When.
    pub clock: Arc<dyn Clock>,
}

impl DeliveryAcceptor {
    /// Verifies and stores a delivery. Accepted is durable: `Ok` means that it is in the table.
    pub async fn accept(&self, delivery: UnverifiedDelivery<'_>) -> Result<Accepted, Rejected> {
        let (id, verified) = self.verify(delivery).await?;
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

    async fn verify(
        &self,
        delivery: UnverifiedDelivery<'_>,
    ) -> Result<(IntegrationId, VerifiedDelivery), Rejected> {
        let unknown = || Rejected::NotAuthentic("no such integration".to_owned());
        let id = IntegrationId::parse(delivery.integration).map_err(|_| unknown())?;
        let integration = self.integrations.get(&id).await?.ok_or_else(unknown)?;
        if integration.integration_type != self.integration_type {
            return Err(unknown());
        }
        let kept = self.credentials.get(&integration.secret_id).await?;
        let refusal = match self.check(&integration, delivery, kept.as_deref()) {
            Ok(verified) => return Ok((id, verified)),
            Err(refusal) => refusal,
        };
        // Only a signature, or whom it names, can become right by newer credentials.
        if !matches!(refusal, Refusal::Mismatch | Refusal::NotForThis) {
            return Err(Rejected::NotAuthentic(refusal.to_string()));
        }
        let fresh = self.credentials.fetch(&integration.secret_id).await?;
        self.check(&integration, delivery, fresh.as_deref())
            .map(|verified| (id, verified))
            .map_err(|refusal| Rejected::NotAuthentic(refusal.to_string()))
    }

    fn check(
        &self,
        integration: &Integration,
        delivery: UnverifiedDelivery<'_>,
        vaulted: Option<&Vaulted>,
    ) -> Result<VerifiedDelivery, Refusal> {
        let none = Credentials::default();
        let against = Verification {
            secrets: &webhook_secrets(vaulted),
            options: &integration.options,
            credentials: vaulted.map_or(&none, |vaulted| &vaulted.current),
            now: self.clock.now(),
        };
        self.source.verify(delivery, against)
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
