//! Credentials in Secrets Manager: one secret per integration, a JSON object of texts.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_secretsmanager::{Client, error::ProvideErrorMetadata};
use im_engine::{StoreError, ports::Vault};
use im_model::Secret;
use im_vendors::Credentials;

/// A vault on Secrets Manager.
#[derive(Debug, Clone)]
pub struct SecretsManagerVault {
    client: Client,
    key_id: Option<String>,
}

impl SecretsManagerVault {
    /// For how long a person can restore a deleted secret: the shortest that AWS offers.
    const RECOVERY_DAYS: i64 = 7;

    /// A vault behind this client.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            key_id: None,
        }
    }

    /// The same, whose new secrets are encrypted with this KMS key instead of AWS's own. Older ones keep theirs.
    #[must_use]
    pub fn encrypting_with(self, key_id: Option<String>) -> Self {
        Self { key_id, ..self }
    }

    pub(crate) async fn read(&self, id: &str, stage: &str) -> Result<Option<Secret>, StoreError> {
        let answer = self
            .client
            .get_secret_value()
            .secret_id(id)
            .version_stage(stage)
            .send()
            .await;
        match answer {
            Ok(answer) => Ok(answer.secret_string.map(Secret::new)),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError::is_resource_not_found_exception) =>
            {
                Ok(None)
            }
            Err(error) => Err(failed("read the secret", id, &error)),
        }
    }

    async fn credentials_at(
        &self,
        id: &str,
        stage: &str,
    ) -> Result<Option<Credentials>, StoreError> {
        let Some(secret) = self.read(id, stage).await? else {
            return Ok(None);
        };
        // A parser's error may quote what it read: say only that it is not as it must be.
        let named: BTreeMap<String, Secret> =
            serde_json::from_str(secret.reveal()).map_err(|_| StoreError {
                tried: "read the secret",
                on: id.to_owned(),
                detail: "it must be a JSON object of texts, e.g. {\"token\":\"…\"}".to_owned(),
            })?;
        Ok(Some(Credentials(named)))
    }
}

#[async_trait]
impl Vault for SecretsManagerVault {
    async fn credentials(&self, secret_id: &str) -> Result<Option<Credentials>, StoreError> {
        self.credentials_at(secret_id, "AWSCURRENT").await
    }

    async fn previous(&self, secret_id: &str) -> Result<Option<Credentials>, StoreError> {
        self.credentials_at(secret_id, "AWSPREVIOUS").await
    }

    async fn keep(&self, secret_id: &str, credentials: &Credentials) -> Result<(), StoreError> {
        let named: serde_json::Map<_, _> = credentials
            .0
            .iter()
            .map(|(name, secret)| (name.clone(), secret.reveal().into()))
            .collect();
        let text = serde_json::Value::Object(named).to_string();
        let put = self
            .client
            .put_secret_value()
            .secret_id(secret_id)
            .secret_string(&text)
            .send()
            .await;
        let Err(error) = put else { return Ok(()) };
        if !error
            .as_service_error()
            .is_some_and(aws_sdk_secretsmanager::operation::put_secret_value::PutSecretValueError::is_resource_not_found_exception)
        {
            return Err(failed("store the secret", secret_id, &error));
        }
        self.client
            .create_secret()
            .name(secret_id)
            .description("Credentials of an im integration")
            .set_kms_key_id(self.key_id.clone())
            .secret_string(text)
            .send()
            .await
            .map(|_| ())
            .map_err(|error| failed("create the secret", secret_id, &error))
    }

    async fn forget(&self, secret_id: &str) -> Result<(), StoreError> {
        let deleted = self
            .client
            .delete_secret()
            .secret_id(secret_id)
            .recovery_window_in_days(Self::RECOVERY_DAYS)
            .send()
            .await;
        match deleted {
            // An invalid request: it is to be deleted already.
            Err(error)
                if error.as_service_error().is_none_or(|error| {
                    !error.is_resource_not_found_exception()
                        && !error.is_invalid_request_exception()
                }) =>
            {
                Err(failed("delete the secret", secret_id, &error))
            }
            _ => Ok(()),
        }
    }
}

fn failed<E: ProvideErrorMetadata>(tried: &'static str, on: &str, error: &E) -> StoreError {
    // Never the message: it may quote the request.
    let detail = error
        .code()
        .unwrap_or("Secrets Manager could not be reached")
        .to_owned();
    StoreError {
        tried,
        on: on.to_owned(),
        detail,
    }
}
