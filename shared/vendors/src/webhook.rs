//! Unverified and verified deliveries are different types.

use std::collections::BTreeMap;

use http::HeaderMap;
use im_model::{ActorId, DeliveryId, ExternalId, Field, RecordVersion, Secret};
use jiff::Timestamp;

use crate::Credentials;

/// A delivery as it came in. Nothing in it may be believed.
#[derive(Debug, Clone, Copy)]
pub struct UnverifiedDelivery<'a> {
    /// The integration whose URL it was sent to; with the vendor's word it makes the path that a vendor may sign.
    pub integration: &'a str,
    /// The raw query, where there is one: as it came, never re-encoded.
    pub query: Option<&'a str>,
    /// Names arrive lower-cased from API Gateway, repeated ones comma-joined.
    pub headers: &'a HeaderMap,
    /// The raw bytes, base64 undone: never re-serialised.
    pub body: &'a [u8],
}

/// What a delivery is verified against.
#[derive(Debug, Clone, Copy)]
pub struct Verification<'a> {
    /// The secrets that may sign now; several during a rotation. Empty ones are none.
    pub secrets: &'a [Secret],
    /// The integration's options: the scheme, a header's name.
    pub options: &'a BTreeMap<String, String>,
    /// What is signed beside the secret, such as a client key.
    pub credentials: &'a Credentials,
    /// The present, for replay windows and expiry.
    pub now: Timestamp,
}

/// The raw body of a delivery whose signature was right. Only this crate's verifiers make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedDelivery {
    body: Vec<u8>,
    unsigned_id: Option<String>,
}

impl VerifiedDelivery {
    pub(crate) fn of(body: &[u8]) -> Self {
        Self {
            body: body.to_vec(),
            unsigned_id: None,
        }
    }

    /// With the id that the vendor gives in a header, which it does not sign: good enough to tell repeats, for a hint
    /// that is taken twice does no harm.
    pub(crate) fn with_unsigned_id(self, id: Option<String>) -> Self {
        Self {
            unsigned_id: id,
            ..self
        }
    }

    /// The signed bytes.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The delivery's id in a header, if the vendor names it there.
    pub fn unsigned_id(&self) -> Option<&str> {
        self.unsigned_id.as_deref()
    }
}

/// A webhook that we send to ourselves, to see that the way in works.
#[derive(Debug, Clone)]
pub struct SelfTest {
    /// What has to follow the URL, if anything.
    pub query: Option<String>,
    /// With the signature.
    pub headers: HeaderMap,
    /// An event that announces nothing.
    pub body: Vec<u8>,
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
    /// Signed, but too long ago or too far in the future: perhaps a replay.
    #[error("the signature is not valid now")]
    NotNow,
    /// Signed, but for another sender, receiver or URL.
    #[error("the signature is not for this delivery")]
    NotForThis,
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
    /// True if the record's notes may have changed.
    pub notes: bool,
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
        against: Verification<'_>,
    ) -> Result<VerifiedDelivery, Refusal>;

    /// Reads what a verified delivery announces. Unknown event types are fine.
    ///
    /// # Errors
    /// The body is not what this vendor signs.
    fn read_event(&self, delivery: &VerifiedDelivery) -> Result<WebhookEvent, UnreadableEvent>;

    /// A delivery as this vendor would sign it, of an event that announces nothing; signed with the first secret.
    ///
    /// # Errors
    /// There is no secret, or what else is signed is not configured: in words.
    fn self_test(&self, integration: &str, with: Verification<'_>) -> Result<SelfTest, String>;
}
