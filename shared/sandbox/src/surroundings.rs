//! What a vendor's records live in: time, ids, faults, webhooks, the requests so far.

use std::sync::Arc;

use jiff::Timestamp;

use crate::clock::Clock;
use crate::fault::Faults;
use crate::journal::RecordedRequest;
use crate::outbox::Outbox;
use crate::seed::Seed;
use crate::webhook_delivery::WebhookDelivery;

/// What is the same for every vendor.
pub struct Surroundings {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Seed,
    pub(crate) faults: Faults,
    pub(crate) outbox: Outbox,
    pub(crate) requests: Vec<RecordedRequest>,
    latest: Timestamp,
}

impl Surroundings {
    pub(crate) fn new(clock: Arc<dyn Clock>, seed: u64) -> Self {
        Self {
            clock,
            ids: Seed::new(seed),
            faults: Faults::default(),
            outbox: Outbox::default(),
            requests: Vec::new(),
            latest: Timestamp::MIN,
        }
    }

    /// The time of a change: never before an earlier change's.
    pub(crate) fn now(&mut self) -> Timestamp {
        self.latest = self.latest.max(self.clock.now());
        self.latest
    }

    /// Queues a webhook, or does with it what the next matching fault says.
    pub(crate) fn send(&mut self, delivery: &WebhookDelivery) {
        let fault = self.faults.for_webhook(&delivery.event_type);
        self.outbox.push(delivery, fault.as_ref());
    }
}
