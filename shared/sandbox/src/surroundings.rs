//! What a vendor's records live in: time, ids, faults, webhooks, the requests so far.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::automation::Automations;
use crate::clock::{Clock, OffsetClock};
use crate::durable::Common;
use crate::fault::{Fault, Faults};
use crate::journal::RecordedRequest;
use crate::outbox::Outbox;
use crate::seed::Seed;
use crate::webhook_delivery::WebhookDelivery;

/// What is the same for every vendor.
pub struct Surroundings {
    pub(crate) clock: OffsetClock,
    pub(crate) ids: Seed,
    pub(crate) faults: Faults,
    pub(crate) outbox: Outbox,
    /// Webhooks that leave when what they tell of is written down, with the fault that strikes each.
    pub(crate) announced: Vec<(WebhookDelivery, Option<Fault>)>,
    pub(crate) requests: Vec<RecordedRequest>,
    pub(crate) automations: Automations,
    /// Whether what happens causes no webhook.
    pub(crate) quiet: bool,
    latest: Timestamp,
}

impl Surroundings {
    pub(crate) fn new(clock: Arc<dyn Clock>, seed: u64) -> Self {
        Self {
            clock: OffsetClock::new(clock),
            ids: Seed::new(seed),
            faults: Faults::default(),
            outbox: Outbox::default(),
            announced: Vec::new(),
            requests: Vec::new(),
            automations: Automations::default(),
            quiet: false,
            latest: Timestamp::MIN,
        }
    }

    /// The time of a change: never before an earlier change's.
    pub(crate) fn now(&mut self) -> Timestamp {
        self.latest = self.latest.max(self.clock.now());
        self.latest
    }

    /// Makes the clock wrong; the time of the last change steps with it.
    pub(crate) fn set_clock_offset(&mut self, offset: SignedDuration) {
        let before = self.clock.set_offset(offset);
        let step = offset - before;
        self.latest = self.latest.saturating_add(step).unwrap_or(self.latest);
    }

    /// The next change comes a second after the last one, at least.
    pub(crate) fn pass_a_second(&mut self) {
        let now = self.now();
        let later = now.saturating_add(SignedDuration::from_secs(1));
        self.latest = later.unwrap_or(now);
    }

    /// Queues a webhook, or does with it what the next matching fault says.
    pub(crate) fn send(&mut self, delivery: WebhookDelivery) {
        if self.quiet {
            return;
        }
        let fault = self.faults.for_webhook(&delivery.event_type);
        self.announced.push((delivery, fault));
    }

    /// What is to be written down; the vendor's own changes are not here.
    pub(crate) fn take_unsaved(&mut self) -> Common {
        Common {
            ids: self.ids.clone(),
            latest: self.latest,
            faults: self.faults.take_unsaved(),
            automations: self.automations.take_unsaved(),
        }
    }

    /// Takes up what was written down.
    pub(crate) fn take_up(&mut self, common: &Common) {
        self.ids = common.ids.clone();
        self.latest = self.latest.max(common.latest);
        self.automations.take_up(common.automations.clone());
        if let Some(faults) = &common.faults {
            self.faults.take_up(faults.clone());
        }
    }
}
