//! Deliveries: what arrived, and process it again.

use std::sync::Arc;

use im_model::{IntegrationId, OrganizationId};

use super::{FieldProblem, ManageError};
use crate::{
    Delivery, DeliveryKey,
    ports::{Attempt, Clock, DeliveryPosition, DeliveryStore, IntegrationStore, Page},
};

/// The deliveries of an organization's integrations.
pub struct Deliveries {
    /// Where they are.
    pub store: Arc<dyn DeliveryStore>,
    /// Whose they are.
    pub integrations: Arc<dyn IntegrationStore>,
    /// When.
    pub clock: Arc<dyn Clock>,
}

impl Deliveries {
    /// Pages that a search looks through before it answers with what it has found.
    const MOST_PAGES: u32 = 10;

    /// One page of an integration's deliveries, newest first: all, or those that are open, or those that are done. A
    /// page of some may be short, even empty, while there is a next one.
    pub async fn list(
        &self,
        organization: &OrganizationId,
        integration: &IntegrationId,
        open: Option<bool>,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<Page<Delivery>, ManageError> {
        self.check_integration(organization, integration).await?;
        let after = cursor.map(str::parse::<DeliveryPosition>).transpose();
        let mut after = after.map_err(|_| {
            let problem = "is not a cursor that a list answered with";
            ManageError::Invalid(vec![FieldProblem::new("cursor", problem)])
        })?;
        let mut found = Vec::new();
        for _ in 0..Self::MOST_PAGES {
            let wanted = limit.saturating_sub(u16::try_from(found.len()).unwrap_or(u16::MAX));
            let page = self
                .store
                .deliveries(integration, after.as_ref(), wanted)
                .await?;
            let fits = |one: &Delivery| open.is_none_or(|open| open == one.outcome.is_none());
            found.extend(page.items.into_iter().filter(fits));
            after = page.next.as_deref().and_then(|next| next.parse().ok());
            if after.is_none() || found.len() >= usize::from(limit) {
                break;
            }
        }
        Ok(Page {
            items: found,
            next: after.map(|after| after.to_string()),
        })
    }

    /// Processes a delivery again, from the present: it is a hint, and what the record says by then counts.
    pub async fn replay(
        &self,
        organization: &OrganizationId,
        key: &DeliveryKey,
    ) -> Result<Delivery, ManageError> {
        self.check_integration(organization, &key.integration)
            .await?;
        let unknown = || ManageError::NotFound(format!("delivery {key}"));
        let delivery = self.store.delivery(key).await?.ok_or_else(unknown)?;
        if delivery.announced.is_none() {
            let (key, kind) = (&delivery.key, &delivery.event_type);
            let problem = format!("delivery {key} ({kind}) names no record: nothing can be done");
            return Err(ManageError::Conflict(problem));
        }
        match self.store.reopen(key, self.clock.now()).await? {
            Attempt::Done => Ok(Delivery {
                outcome: None,
                ..delivery
            }),
            Attempt::LostRace => Err(unknown()),
        }
    }

    async fn check_integration(
        &self,
        organization: &OrganizationId,
        id: &IntegrationId,
    ) -> Result<(), ManageError> {
        let found = self.integrations.integration(id).await?;
        if found.is_some_and(|integration| integration.organization == *organization) {
            return Ok(());
        }
        Err(ManageError::NotFound(format!("integration {id}")))
    }
}
