//! The vendors' webhook functions.

use std::sync::Arc;

use im_engine::{
    DeliveryAcceptor, DeliveryRate, IntegrationCache, Keyring,
    ports::{Clock, Vault},
};
use im_model::IntegrationType;
use im_store::DynamoStore;
use im_vendors::registry;
use jiff::SignedDuration;
use lambda_http::service_fn;

use crate::{
    Error, SecretsManagerVault, Settings, SystemClock, WebhookFunction, answer::Answer, aws,
    telemetry, trace,
};

/// What a webhook function stands on. No way to a vendor is among it.
#[derive(Clone)]
pub struct WebhookPorts {
    /// Both tables.
    pub store: Arc<DynamoStore>,
    /// Webhook secrets.
    pub vault: Arc<dyn Vault>,
    /// When.
    pub clock: Arc<dyn Clock>,
    /// How old an integration's configuration may be.
    pub configuration_age: SignedDuration,
}

#[cfg(feature = "vendors")]
impl From<&super::Ports> for WebhookPorts {
    fn from(ports: &super::Ports) -> Self {
        Self {
            store: ports.store.clone(),
            vault: ports.vault.clone(),
            clock: ports.clock.clone(),
            configuration_age: ports.configuration_age,
        }
    }
}

/// A webhook function of a vendor. `secret_prefix` is what the ids of integrations' secrets start with.
pub fn webhook_function(
    integration_type: IntegrationType,
    ports: WebhookPorts,
    secret_prefix: String,
    rate: DeliveryRate,
) -> WebhookFunction {
    WebhookFunction::new(DeliveryAcceptor {
        integration_type,
        source: registry::webhook_source(integration_type),
        keyring: Keyring::new(
            ports.store.clone(),
            ports.vault,
            ports.clock.clone(),
            ports.configuration_age,
            secret_prefix,
        ),
        rate,
        deliveries: ports.store,
        clock: ports.clock,
    })
}

/// Runs a vendor's webhook function.
pub async fn webhook(integration_type: IntegrationType) -> Result<(), Error> {
    telemetry::start();
    let settings = Settings::default();
    let config = aws::config_from_env()?;
    let client = aws_sdk_dynamodb::Client::new(&config);
    let store = DynamoStore::new(client, settings.tables()?).carrying(trace::current);
    let vault = SecretsManagerVault::new(aws_sdk_secretsmanager::Client::new(&config));
    let ports = WebhookPorts {
        store: Arc::new(store),
        vault: Arc::new(vault),
        clock: Arc::new(SystemClock),
        configuration_age: IntegrationCache::FOR_AT_MOST,
    };
    let (prefix, rate) = (settings.secret_prefix()?, settings.webhook_rate()?);
    let function = &webhook_function(integration_type, ports, prefix, rate);
    lambda_http::run(service_fn(|request| async move {
        Ok::<_, std::convert::Infallible>(Answer(function.handle(request).await))
    }))
    .await
}
