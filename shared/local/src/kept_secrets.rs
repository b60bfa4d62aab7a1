//! The embedded Secrets Manager forgets; with a data folder, what it held is kept beside the tables.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use anyhow::Context as _;
use async_trait::async_trait;
use im_engine::{StoreError, ports::Vault};
use im_model::Secret;
use im_runtime::SecretsManagerVault;
use im_vendors::Credentials;

use crate::private_file;

type Kept = BTreeMap<String, BTreeMap<String, Secret>>;

/// A vault whose secrets are in a file that only its owner may read: for `im dev --data-dir` alone.
pub struct KeptSecrets {
    vault: SecretsManagerVault,
    file: PathBuf,
    kept: Mutex<Kept>,
}

impl KeptSecrets {
    /// Brings back what the file holds.
    pub async fn restore(vault: SecretsManagerVault, file: PathBuf) -> anyhow::Result<Self> {
        let kept: Kept = match fs::read(&file) {
            // A parser's error may quote what it read.
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|_| anyhow::anyhow!("{} is not as im dev wrote it", file.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Kept::new(),
            Err(error) => return Err(error).with_context(|| file.display().to_string()),
        };
        for (id, named) in &kept {
            vault.keep(id, &Credentials(named.clone())).await?;
        }
        Ok(Self {
            vault,
            file,
            kept: Mutex::new(kept),
        })
    }

    fn failed(&self, error: &std::io::Error) -> StoreError {
        StoreError {
            tried: "keep the secrets in",
            on: self.file.display().to_string(),
            detail: error.to_string(),
        }
    }

    fn write(&self, kept: &Kept) -> std::io::Result<()> {
        let plain: BTreeMap<_, BTreeMap<_, _>> = kept
            .iter()
            .map(|(id, named)| {
                (
                    id,
                    named
                        .iter()
                        .map(|(name, secret)| (name, secret.reveal()))
                        .collect(),
                )
            })
            .collect();
        private_file::replace(&self.file, &serde_json::to_vec(&plain)?)
    }
}

#[async_trait]
impl Vault for KeptSecrets {
    async fn credentials(&self, secret_id: &str) -> Result<Option<Credentials>, StoreError> {
        self.vault.credentials(secret_id).await
    }

    async fn previous(&self, secret_id: &str) -> Result<Option<Credentials>, StoreError> {
        self.vault.previous(secret_id).await
    }

    async fn keep(&self, secret_id: &str, credentials: &Credentials) -> Result<(), StoreError> {
        self.vault.keep(secret_id, credentials).await?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(secret_id.to_owned(), credentials.0.clone());
        self.write(&kept).map_err(|error| self.failed(&error))
    }

    /// For good: a file has no recovery window.
    async fn forget(&self, secret_id: &str) -> Result<(), StoreError> {
        self.vault.forget(secret_id).await?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(secret_id);
        self.write(&kept).map_err(|error| self.failed(&error))
    }
}
