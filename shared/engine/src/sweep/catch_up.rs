//! Brings what is open again: a wake in the tables, and the streams do the rest.

use im_model::{Incident, IncidentId, IntegrationId};
use jiff::{SignedDuration, Timestamp};

use super::{Place, Scan, ScanOf, Tick};
use crate::{
    DeliveryKey, StoreError,
    ports::{Attempt, Task},
};

/// A task whose integration does not work after this long was asked for by a change that then was not made.
const FORLORN: SignedDuration = SignedDuration::from_mins(10);

/// So long after a resumption jobs may still be left open by a process that had kept the configuration before it.
const LATE: SignedDuration = SignedDuration::from_mins(1);

/// A catch-up that could not wake everything is tried so often again; the hour finds what is left.
const MOST_TRIES: u32 = 3;

/// Whose work is looked through, and which task asked for it; all if none did.
type Only<'a> = Option<(&'a IntegrationId, Timestamp)>;

fn is_of(only: Only<'_>, integration: &IntegrationId) -> bool {
    only.is_none_or(|(only, _)| only == integration)
}

fn scan_of(scan: Scan, only: Only<'_>) -> ScanOf {
    (scan, only.map(|(only, asked_at)| (only.clone(), asked_at)))
}

impl Tick<'_> {
    /// Wakes all that has been open of an integration since before the task was asked for, and retries what was dead of it
    /// for want of permission. It goes on at the next tick where the time was too short: what was woken counts as open
    /// since now.
    pub(super) async fn catch_up(&mut self, task: &Task) -> Result<(), StoreError> {
        if !self.is_working(&task.integration).await? {
            if self.now().duration_since(task.asked_at) > FORLORN {
                return self.sweeper.tasks.finish_task(task).await;
            }
            return Ok(());
        }
        // A job may have been left open after the task was asked for, by who had not heard of the resumption yet. What is
        // woken now is open since now: not to be met again.
        let (last, failures) = (task.asked_at + LATE, self.failures);
        let before = last.min(self.began);
        let only = Some((&task.integration, task.asked_at));
        self.wake_deliveries(before, only).await?;
        self.wake_incidents(before, only).await?;
        if self.is_over() || self.began < last {
            return Ok(());
        }
        if self.failures > failures && task.tries < MOST_TRIES {
            let tries = task.tries + 1;
            let again = Task {
                tries,
                ..task.clone()
            };
            return self.sweeper.tasks.put_off_task(&again).await;
        }
        self.sweeper.tasks.finish_task(task).await
    }

    /// Wakes what has been open for so long that nothing can be working on it any more.
    pub(super) async fn wake_forgotten(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let before = now - super::Sweeper::LONG;
        self.wake_deliveries(before, None).await?;
        self.wake_incidents(before, None).await
    }

    async fn wake_deliveries(
        &mut self,
        before: Timestamp,
        only: Only<'_>,
    ) -> Result<(), StoreError> {
        let scan = scan_of(Scan::Deliveries, only);
        let Place { first, mut after } = self.sweeper.go_on(&scan);
        for partition in first.. {
            loop {
                let work = &self.sweeper.work;
                let page = work.open_deliveries(partition, before, after.as_deref());
                let Some(page) = page.await? else {
                    return Ok(());
                };
                for (key, since) in page.items {
                    if self.is_over() {
                        self.sweeper.stopped_at(scan, partition, after);
                        return Ok(());
                    }
                    let done = self.wake_delivery(&key, since, only).await;
                    self.note(&format!("wake delivery {key}"), done);
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn wake_delivery(
        &mut self,
        key: &DeliveryKey,
        since: Timestamp,
        only: Only<'_>,
    ) -> Result<(), StoreError> {
        if !is_of(only, &key.integration) || !self.is_worth_waking(&key.integration).await? {
            return Ok(());
        }
        let woken = self.sweeper.work.wake_delivery(key, since, self.now());
        if woken.await? == Attempt::Done {
            self.report.deliveries += 1;
        }
        Ok(())
    }

    async fn wake_incidents(
        &mut self,
        before: Timestamp,
        only: Only<'_>,
    ) -> Result<(), StoreError> {
        let scan = scan_of(Scan::Incidents, only);
        let Place { first, mut after } = self.sweeper.go_on(&scan);
        for partition in first.. {
            loop {
                let work = &self.sweeper.work;
                let page = work.owing_incidents(partition, before, after.as_deref());
                let Some(page) = page.await? else {
                    return Ok(());
                };
                for (id, since) in page.items {
                    if self.is_over() {
                        self.sweeper.stopped_at(scan, partition, after);
                        return Ok(());
                    }
                    let done = self.wake_incident(&id, since, only).await;
                    self.note(&format!("wake {id}"), done);
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn wake_incident(
        &mut self,
        id: &IncidentId,
        since: Timestamp,
        only: Only<'_>,
    ) -> Result<(), StoreError> {
        let Some(incident) = self.sweeper.incidents.load(id).await? else {
            return Ok(());
        };
        let mut wanted = false;
        for integration in incident.pending.keys() {
            if is_of(only, integration)
                && !self.is_listed(&incident, integration).await?
                && self.is_worth_waking(integration).await?
            {
                wanted = true;
            }
        }
        if wanted {
            let woken = self.sweeper.work.wake_incident(id, since, self.now());
            if woken.await? == Attempt::Done {
                self.report.incidents += 1;
            }
        }
        Ok(())
    }

    /// Of one that does not exist any more the delivery is done, and the debt forgiven, by whoever is woken.
    async fn is_worth_waking(&mut self, id: &IntegrationId) -> Result<bool, StoreError> {
        let found = self.integration(id).await?;
        Ok(found.is_none_or(|integration| integration.is_working()))
    }

    /// What is dead waits for a person or for the vendor's recovery, or is being retried: not for the clock.
    async fn is_listed(
        &self,
        incident: &Incident,
        integration: &IntegrationId,
    ) -> Result<bool, StoreError> {
        let Some(entry) = incident.dead.get(integration) else {
            return Ok(false);
        };
        let entry = self.sweeper.letters.dead_letter(integration, entry).await?;
        Ok(entry.is_some_and(|entry| entry.status.is_unsettled()))
    }
}
