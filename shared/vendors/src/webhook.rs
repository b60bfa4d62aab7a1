//! Unverified and verified deliveries are different types.

use std::collections::BTreeMap;

use http::HeaderMap;
use im_model::{ActorId, DeliveryId, ExternalId, Field, RecordVersion, Secret};
use jiff::Timestamp;

/// A delivery as it came in. Nothing in it may be believed.
#[derive(Debug, Clone, Copy)]
pub struct UnverifiedDelivery<'a> {
    /// Names arrive lower-cased from API Gateway, repeated ones comma-joined.
    pub headers: &'a HeaderMap,
    /// The raw bytes, base64 undone: never re-serialised.
    pub body: &'a [u8],
}

/// The raw body of a delivery whose signature was right. Only this crate's verifiers make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedDelivery {
    body: Vec<u8>,
}

impl VerifiedDelivery {
    pub(crate) fn of(body: &[u8]) -> Self {
        Self {
            body: body.to_vec(),
        }
    }

    /// The signed bytes.
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

/// Why a delivery was refused. The sender is told none of it: every refusal looks alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no signature header.
    #[error("the signature header is missing")]
    NoSignature,
    /// The header holds no signature of a known version.
    #[error("the signature header is malformed")]
    Malformed,
    /// There is nothing that could have been signed.
    #[error("the body is empty")]
    EmptyBody,
    /// No secret produces this signature.
    #[error("the signature does not match")]
    Mismatch,
}

/// A verified body that does not say what it must.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the delivery cannot be read: {0}")]
pub struct UnreadableEvent(pub String);

/// What a delivery announces about one record: a hint. Values are read from the record itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// The record.
    pub external_id: ExternalId,
    /// A read older than this does not show the announced change yet.
    pub at_least: Option<RecordVersion>,
    /// When which field changed, where the event type says.
    pub changed: BTreeMap<Field, Timestamp>,
    /// Who did it, where the vendor says.
    pub author: Option<ActorId>,
}

/// A verified delivery, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEvent {
    /// Constant across redeliveries of the same event: the dedupe key.
    pub delivery_id: DeliveryId,
    /// The vendor's word for what happened.
    pub event_type: String,
    /// When it happened, if the vendor says.
    pub occurred_at: Option<Timestamp>,
    /// The record it is about; `None` for pings and for types we do not know: accepted, and nothing to do.
    pub announced: Option<Announced>,
}

/// Verifies and reads one vendor's webhooks.
pub trait WebhookSource: Send + Sync {
    /// Checks the signature over the raw bytes against each active secret, in constant time.
    ///
    /// # Errors
    /// Any doubt is a [`Refusal`]: this fails closed.
    fn verify(
        &self,
        delivery: UnverifiedDelivery<'_>,
        secrets: &[Secret],
    ) -> Result<VerifiedDelivery, Refusal>;

    /// Reads what a verified delivery announces. Unknown event types are fine.
    ///
    /// # Errors
    /// The body is not what this vendor signs.
    fn read_event(&self, delivery: &VerifiedDelivery) -> Result<WebhookEvent, UnreadableEvent>;
}
