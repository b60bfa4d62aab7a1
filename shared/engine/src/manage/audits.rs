//! Who changed what: list.

use std::sync::Arc;

use im_model::{AuditEntry, AuditId, IntegrationId, OrganizationId};

use super::{FieldProblem, ManageError};
use crate::ports::{AuditStore, Page};

/// The audit of the platform.
pub struct Audits {
    /// Where it is kept.
    pub store: Arc<dyn AuditStore>,
}

impl Audits {
    /// One page of an organization's entries, newest first; of one integration if one is named, deleted or not.
    ///
    /// # Errors
    /// [`ManageError::Invalid`] if the cursor is none.
    pub async fn list(
        &self,
        organization: &OrganizationId,
        integration: Option<&IntegrationId>,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<Page<AuditEntry>, ManageError> {
        let before = cursor.map(AuditId::parse).transpose().map_err(|_| {
            let problem = "is not a cursor that a list answered with";
            ManageError::Invalid(vec![FieldProblem::new("cursor", problem)])
        })?;
        let page = self
            .store
            .audit(organization, integration, before.as_ref(), limit);
        Ok(page.await?)
    }
}
