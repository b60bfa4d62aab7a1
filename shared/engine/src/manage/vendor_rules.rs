//! The rules of an integration as the engine has them: the vendor is asked where it has to be.

use im_model::Integration;
use im_sync::LinkRules;
use im_vendors::{Credentials, registry};

use super::{ManageError, VendorAccess};

impl VendorAccess {
    /// What may flow, and how. An error where the vendor has to be asked and does not answer: what is said by these
    /// rules must be what the engine would do.
    pub(super) async fn asked_rules(
        &self,
        integration: &Integration,
        credentials: &Credentials,
    ) -> Result<LinkRules, ManageError> {
        let vendor = registry::vendor_api(integration.integration_type);
        let rules = vendor.rules(integration, self.connection(integration, credentials));
        let id = &integration.id;
        let Ok(rules) = tokio::time::timeout(Self::PATIENCE, rules).await else {
            let seconds = Self::PATIENCE.as_secs();
            let problem = format!("{id} did not show its configuration within {seconds} s");
            return Err(ManageError::Vendor(problem));
        };
        rules.map_err(|error| {
            ManageError::Vendor(format!("{id} did not show its configuration: {error}"))
        })
    }
}
