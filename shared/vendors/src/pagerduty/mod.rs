//! `PagerDuty`: REST API v2 and v3 webhooks.
//!
//! Facts come from `PagerDuty`'s own `OpenAPI` file and webhook documentation, gathered in the project's `FACTS.md`.

mod api;
mod defaults;
mod event;
mod lookup;
mod refusal;
mod request;
mod response;
mod verify;

use im_model::Secret;

use crate::{
    Refusal, UnreadableEvent, UnverifiedDelivery, VerifiedDelivery, WebhookEvent, WebhookSource,
};

/// The vendor. It has no state: what differs between accounts is in the connection.
#[derive(Debug, Clone, Copy)]
pub struct PagerDuty;

impl WebhookSource for PagerDuty {
    fn verify(
        &self,
        delivery: UnverifiedDelivery<'_>,
        secrets: &[Secret],
    ) -> Result<VerifiedDelivery, Refusal> {
        verify::verify(delivery, secrets)
    }

    fn read_event(&self, delivery: &VerifiedDelivery) -> Result<WebhookEvent, UnreadableEvent> {
        event::read(delivery.body())
    }
}
