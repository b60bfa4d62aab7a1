//! Webhooks that wait to be sent.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::fault::Fault;
use crate::webhook_delivery::{Attempt, DeliveryRecord, Outcome, WebhookDelivery};

/// A webhook in a queue, with the place of its record.
pub(crate) type Waiting = (usize, WebhookDelivery);

#[derive(Debug, Default)]
struct Queues {
    ready: VecDeque<Waiting>,
    held: Vec<Waiting>,
    records: Vec<DeliveryRecord>,
}

/// The webhooks of one vendor, in order; clones share one outbox.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox {
    queues: Arc<Mutex<Queues>>,
    wake: Arc<Notify>,
}

impl Outbox {
    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a webhook, or does with it what the fault says.
    pub(crate) fn push(&self, delivery: &WebhookDelivery, fault: Option<&Fault>) {
        let mut queues = self.queues();
        let copies = if fault == Some(&Fault::DuplicateWebhooks) {
            2
        } else {
            1
        };
        for _ in 0..copies {
            let place = queues.records.len();
            queues.records.push(DeliveryRecord {
                event_id: delivery.event_id.clone(),
                event_type: delivery.event_type.clone(),
                outcome: Outcome::Queued,
                attempts: Vec::new(),
            });
            match fault {
                Some(Fault::DropWebhooks) => queues.records[place].outcome = Outcome::Dropped,
                Some(Fault::HoldWebhooks) => {
                    queues.records[place].outcome = Outcome::Held;
                    queues.held.push((place, delivery.clone()));
                }
                _ => queues.ready.push_back((place, delivery.clone())),
            }
        }
        drop(queues);
        self.wake.notify_one();
    }

    /// Queues what a fault held back, behind what was queued since.
    pub(crate) fn release(&self) {
        let mut queues = self.queues();
        for (place, delivery) in std::mem::take(&mut queues.held) {
            queues.records[place].outcome = Outcome::Queued;
            queues.ready.push_back((place, delivery));
        }
        drop(queues);
        self.wake.notify_one();
    }

    pub(crate) fn drain(&self) -> Vec<WebhookDelivery> {
        let mut queues = self.queues();
        let ready = std::mem::take(&mut queues.ready);
        ready
            .into_iter()
            .map(|(place, delivery)| {
                queues.records[place].outcome = Outcome::Drained;
                delivery
            })
            .collect()
    }

    pub(crate) fn records(&self) -> Vec<DeliveryRecord> {
        self.queues().records.clone()
    }

    pub(crate) async fn next(&self) -> Waiting {
        loop {
            let waiting = self.queues().ready.pop_front();
            match waiting {
                Some(waiting) => return waiting,
                // `notify_one` keeps a permit, so nothing is missed in between.
                None => self.wake.notified().await,
            }
        }
    }

    pub(crate) fn note(&self, place: usize, attempt: Attempt, outcome: Outcome) {
        let mut queues = self.queues();
        queues.records[place].attempts.push(attempt);
        queues.records[place].outcome = outcome;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    fn delivery(event_id: &str) -> WebhookDelivery {
        WebhookDelivery {
            event_id: event_id.to_owned(),
            event_type: "incident.triggered".to_owned(),
            query: None,
            headers: HeaderMap::new(),
            body: Bytes::from_static(b"{}"),
        }
    }

    fn ids(outbox: &Outbox) -> Vec<String> {
        let drained = outbox.drain();
        drained
            .into_iter()
            .map(|delivery| delivery.event_id)
            .collect()
    }

    #[test]
    fn faults_drop_double_and_hold() {
        let outbox = Outbox::default();
        outbox.push(&delivery("held"), Some(&Fault::HoldWebhooks));
        outbox.push(&delivery("dropped"), Some(&Fault::DropWebhooks));
        outbox.push(&delivery("twice"), Some(&Fault::DuplicateWebhooks));
        outbox.push(&delivery("once"), None);
        assert_eq!(ids(&outbox), ["twice", "twice", "once"]);
        outbox.release();
        assert_eq!(ids(&outbox), ["held"]);
        assert_eq!(ids(&outbox), Vec::<String>::new());
        assert_eq!(outbox.records()[1].outcome, Outcome::Dropped);
    }
}
