//! What the functions stand on that speak with vendors.

use std::sync::Arc;

use im_engine::{
    IntegrationCache,
    ports::{Clock, Ids, Vault},
};
use im_store::DynamoStore;
use im_vendors::Transport;
use jiff::SignedDuration;

use crate::{Error, HttpTransport, RandomIds, SecretsManagerVault, Settings, SystemClock, trace};

/// What every function that speaks with vendors stands on. `im dev` fills in its own.
#[derive(Clone)]
pub struct Ports {
    /// Both tables.
    pub store: Arc<DynamoStore>,
    /// Credentials.
    pub vault: Arc<dyn Vault>,
    /// How vendors are reached.
    pub transport: Arc<dyn Transport>,
    /// When.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn Ids>,
    /// How old an integration's configuration may be where the functions keep it.
    pub configuration_age: SignedDuration,
}

impl Ports {
    pub(crate) fn from_env(
        settings: &Settings,
        config: &aws_types::SdkConfig,
    ) -> Result<Self, Error> {
        let client = aws_sdk_dynamodb::Client::new(config);
        let vault = SecretsManagerVault::new(aws_sdk_secretsmanager::Client::new(config))
            .encrypting_with(settings.secret_key());
        Ok(Self {
            store: Arc::new(DynamoStore::new(client, settings.tables()?).carrying(trace::current)),
            vault: Arc::new(vault),
            transport: Arc::new(HttpTransport::from_settings(settings.reach(), settings)?),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            configuration_age: IntegrationCache::FOR_AT_MOST,
        })
    }
}
