//! Webhooks that wait to be sent.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::durable::{DurableLog, Line};
use crate::fault::Fault;
use crate::webhook_delivery::{AsItIs, Attempt, DeliveryRecord, Outcome, Posting, WebhookDelivery};

/// A webhook in a queue.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    /// Of its record.
    pub(crate) place: usize,
    pub(crate) delivery: WebhookDelivery,
    /// How often it was sent, as far as is known.
    pub(crate) attempts: u32,
}

#[derive(Debug, Default)]
struct Queues {
    ready: VecDeque<Waiting>,
    held: Vec<Waiting>,
    records: Vec<DeliveryRecord>,
}

impl Queues {
    /// Queues a webhook, or does with it what the fault says.
    fn push(&mut self, delivery: &WebhookDelivery, fault: Option<&Fault>) {
        let copies = if fault == Some(&Fault::DuplicateWebhooks) {
            2
        } else {
            1
        };
        for _ in 0..copies {
            let place = self.records.len();
            let waiting = Waiting {
                place,
                delivery: delivery.clone(),
                attempts: 0,
            };
            let outcome = match fault {
                Some(Fault::DropWebhooks) => Outcome::Dropped,
                Some(Fault::HoldWebhooks) => {
                    self.held.push(waiting);
                    Outcome::Held
                }
                _ => {
                    self.ready.push_back(waiting);
                    Outcome::Queued
                }
            };
            self.records.push(DeliveryRecord {
                event_id: delivery.event_id.clone(),
                event_type: delivery.event_type.clone(),
                outcome,
                attempts: Vec::new(),
            });
        }
    }

    /// Queues what was held back, behind what was queued since.
    fn release(&mut self) {
        for waiting in std::mem::take(&mut self.held) {
            self.records[waiting.place].outcome = Outcome::Queued;
            self.ready.push_back(waiting);
        }
    }

    fn drain(&mut self) -> Vec<Waiting> {
        let ready = Vec::from(std::mem::take(&mut self.ready));
        for waiting in &ready {
            self.records[waiting.place].outcome = Outcome::Drained;
        }
        ready
    }

    fn note(&mut self, place: usize, attempt: Attempt, outcome: Outcome) {
        if let Some(record) = self.records.get_mut(place) {
            record.attempts.push(attempt);
            record.outcome = outcome;
        }
    }
}

/// The webhooks of one vendor, in order; clones share one outbox.
#[derive(Clone)]
pub(crate) struct Outbox {
    queues: Arc<Mutex<Queues>>,
    wake: Arc<Notify>,
    pub(crate) posting: Arc<dyn Posting>,
    /// Where what becomes of them is written down, if anywhere.
    log: Arc<OnceLock<DurableLog>>,
}

impl Default for Outbox {
    fn default() -> Self {
        Self {
            queues: Arc::default(),
            wake: Arc::default(),
            posting: Arc::new(AsItIs),
            log: Arc::default(),
        }
    }
}

impl Outbox {
    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a stand-in that is kept writes.
    pub(crate) fn log(&self) -> Option<&DurableLog> {
        self.log.get()
    }

    /// From here on, what becomes of webhooks is written down. Those that wait were perhaps being sent when the process
    /// before ended: their next attempt is a repeat.
    pub(crate) fn keep(&self, log: DurableLog) {
        let queues = &mut *self.queues();
        for waiting in &mut queues.ready {
            let noted = queues.records[waiting.place].attempts.len();
            waiting.attempts = u32::try_from(noted).unwrap_or(u32::MAX - 1) + 1;
        }
        // Set once: a second file is not written.
        let _ = self.log.set(log);
    }

    /// Does to the queues what a line says.
    pub(crate) fn take_up<C>(&self, line: Line<C>) {
        let mut queues = self.queues();
        match line {
            Line::Changed(changed) => {
                for (delivery, fault) in &changed.webhooks {
                    queues.push(delivery, fault.as_ref());
                }
            }
            Line::Posted {
                place,
                attempt,
                outcome,
            } => {
                if outcome != Outcome::Queued {
                    queues.ready.retain(|waiting| waiting.place != place);
                }
                queues.note(place, attempt, outcome);
            }
            Line::Drained => drop(queues.drain()),
            Line::Released => queues.release(),
        }
    }

    fn append(&self, line: &Line<()>) {
        if let Some(log) = self.log() {
            log.append(line);
        }
    }

    /// Queues a webhook, or does with it what the fault says.
    pub(crate) fn push(&self, delivery: &WebhookDelivery, fault: Option<&Fault>) {
        self.queues().push(delivery, fault);
        self.wake.notify_one();
    }

    /// Queues what a fault held back, behind what was queued since.
    pub(crate) fn release(&self) {
        let mut queues = self.queues();
        if !queues.held.is_empty() {
            self.append(&Line::Released);
            queues.release();
        }
        drop(queues);
        self.wake.notify_one();
    }

    /// Takes what waits, as it would be posted at `now`.
    pub(crate) fn drain(&self, now: Timestamp) -> Vec<WebhookDelivery> {
        let mut queues = self.queues();
        if !queues.ready.is_empty() {
            self.append(&Line::Drained);
        }
        let ready = queues.drain().into_iter();
        ready
            .map(|waiting| self.attempt(&waiting.delivery, waiting.attempts + 1, now))
            .collect()
    }

    /// The webhook as its attempt of this number (the first is 1) is posted at `now`.
    pub(crate) fn attempt(
        &self,
        delivery: &WebhookDelivery,
        number: u32,
        now: Timestamp,
    ) -> WebhookDelivery {
        self.posting.attempt(delivery, number, now)
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
        self.append(&Line::Posted {
            place,
            attempt: attempt.clone(),
            outcome,
        });
        queues.note(place, attempt, outcome);
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
        let drained = outbox.drain(Timestamp::UNIX_EPOCH);
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
