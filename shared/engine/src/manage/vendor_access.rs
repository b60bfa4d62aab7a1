//! How the use cases of the management API reach an integration's vendor.

use std::{sync::Arc, time::Duration};

use im_model::{ExternalId, ExternalRecord, Integration};
use im_sync::LinkRules;
use im_vendors::{Connection, Credentials, Memory, Transport, VendorErrorKind, registry};
use url::Url;

use super::{FieldProblem, ManageError};
use crate::ports::{Clock, Vault};

/// Reaches vendors, with the credentials that are stored at the time.
pub struct VendorAccess {
    /// Who we are there.
    pub vault: Arc<dyn Vault>,
    /// How requests are sent.
    pub transport: Arc<dyn Transport>,
    /// What was learned of the vendors' accounts.
    pub memory: Arc<Memory>,
    /// When.
    pub clock: Arc<dyn Clock>,
}

/// An integration's rules, as far as the vendor could be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRules {
    /// The rules.
    pub rules: LinkRules,
    /// In words, if the vendor did not say: the usual names stand for the account's own.
    pub note: Option<String>,
}

impl VendorAccess {
    /// The longest that a caller waits for the names of an account's values.
    pub const PATIENCE_FOR_RULES: Duration = Duration::from_secs(3);

    /// The longest that a caller waits for a vendor: less than the api function's timeout (10 s).
    pub const PATIENCE: Duration = Duration::from_secs(8);

    /// The integration's credentials.
    pub(super) async fn credentials(
        &self,
        integration: &Integration,
    ) -> Result<Credentials, ManageError> {
        let kept = self.vault.credentials(&integration.secret_id).await?;
        kept.ok_or_else(|| {
            let id = &integration.id;
            ManageError::Conflict(format!("integration {id} has no credentials; give it some"))
        })
    }

    /// What is wrong with an address that a caller gives, where requests may not go there.
    pub(super) async fn check_address(&self, base_url: &Url) -> Option<FieldProblem> {
        let why = self.transport.refuses(base_url).await?;
        let problem = format!("{why}; give the vendor's public address");
        Some(FieldProblem::new("base_url", problem))
    }

    /// What a call to the vendor needs.
    pub(super) fn connection<'a>(
        &'a self,
        integration: &'a Integration,
        credentials: &'a Credentials,
    ) -> Connection<'a> {
        Connection {
            base_url: &integration.base_url,
            options: &integration.options,
            credentials,
            transport: self.transport.as_ref(),
            memory: &self.memory,
            integration: &integration.id,
            now: self.clock.now(),
        }
    }

    /// The integration's rules. A vendor that does not answer in time is no reason to refuse: the usual names stand for
    /// the account's own, and a note says so.
    pub async fn rules(&self, integration: &Integration) -> Result<KnownRules, ManageError> {
        let vendor = registry::vendor_api(integration.integration_type);
        let usual = |why: String| KnownRules {
            rules: vendor.usual_rules(integration),
            note: Some(format!(
                "{why}: the usual names of the vendor's values are shown, which may not be this account's"
            )),
        };
        let id = &integration.id;
        let Some(credentials) = self.vault.credentials(&integration.secret_id).await? else {
            return Ok(usual(format!("{id} has no credentials")));
        };
        let asked = vendor.rules(integration, self.connection(integration, &credentials));
        let answer = tokio::time::timeout(Self::PATIENCE_FOR_RULES, asked).await;
        Ok(match answer {
            Ok(Ok(rules)) => KnownRules { rules, note: None },
            Ok(Err(error)) => usual(format!("{id} could not be asked ({error})")),
            Err(_) => {
                let seconds = Self::PATIENCE_FOR_RULES.as_secs();
                usual(format!("{id} did not answer within {seconds} s"))
            }
        })
    }

    /// Reads a record that a caller names.
    pub(super) async fn record(
        &self,
        integration: &Integration,
        id: &ExternalId,
    ) -> Result<ExternalRecord, ManageError> {
        let vendor = registry::vendor_api(integration.integration_type);
        let credentials = self.credentials(integration).await?;
        let read = vendor.read(self.connection(integration, &credentials), id);
        let Ok(read) = tokio::time::timeout(Self::PATIENCE, read).await else {
            let seconds = Self::PATIENCE.as_secs();
            let problem = format!("{} did not show {id} within {seconds} s", integration.id);
            return Err(ManageError::Vendor(problem));
        };
        read.map_err(|error| match error.kind {
            VendorErrorKind::NotFound => unknown_record(format!(
                "does not exist at {}, or is hidden from its account",
                integration.id
            )),
            VendorErrorKind::Refused { .. } => unknown_record(error.to_string()),
            _ => ManageError::Vendor(format!("{} did not show {id}: {error}", integration.id)),
        })
    }
}

fn unknown_record(problem: String) -> ManageError {
    ManageError::Invalid(vec![FieldProblem::new("external_id", problem)])
}
