//! How the use cases of the management API reach an integration's vendor.

use std::{sync::Arc, time::Duration};

use im_model::{ExternalId, ExternalRecord, Integration};
use im_vendors::{Connection, Credentials, Memory, Transport, VendorErrorKind};

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

impl VendorAccess {
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

    /// Reads a record that a caller names.
    pub(super) async fn record(
        &self,
        integration: &Integration,
        id: &ExternalId,
    ) -> Result<ExternalRecord, ManageError> {
        let vendor = im_vendors::registry::vendor_api(integration.integration_type);
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
