//! The key that the management API's tokens are signed with, where it is a shared one.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use im_api::KeySource;
use im_engine::StoreError;
use im_model::Secret;

use crate::SecretsManagerVault;

/// The key of the management API's tokens, at most 5 min old, so that a rotation needs no restart.
pub struct KeyInVault {
    vault: SecretsManagerVault,
    secret_id: String,
    kept: tokio::sync::Mutex<Option<(Instant, Secret)>>,
}

impl KeyInVault {
    const FOR_AT_MOST: Duration = Duration::from_mins(5);

    /// The key under this id: the secret's whole text.
    pub fn new(vault: SecretsManagerVault, secret_id: String) -> Self {
        Self {
            vault,
            secret_id,
            kept: tokio::sync::Mutex::default(),
        }
    }
}

#[async_trait]
impl KeySource for KeyInVault {
    async fn key(&self) -> Result<Secret, StoreError> {
        let mut kept = self.kept.lock().await;
        if let Some((at, key)) = kept.as_ref()
            && at.elapsed() < Self::FOR_AT_MOST
        {
            return Ok(key.clone());
        }
        let key = self
            .vault
            .read(&self.secret_id, "AWSCURRENT")
            .await?
            .ok_or_else(|| StoreError {
                tried: "read the secret",
                on: self.secret_id.clone(),
                detail: "it does not exist".to_owned(),
            })?;
        *kept = Some((Instant::now(), key.clone()));
        Ok(key)
    }
}
