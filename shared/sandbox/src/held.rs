//! A vendor behind its lock.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::durable::{Changed, Line};
use crate::outbox::Outbox;
use crate::stand_in::Vendor;

/// Before the lock is let go, and so before anybody hears of it, what changed is written down; then its webhooks leave.
pub(crate) struct Held<'a, V: Vendor> {
    vendor: MutexGuard<'a, V>,
    outbox: &'a Outbox,
}

impl<'a, V: Vendor> Held<'a, V> {
    pub(crate) fn lock(vendor: &'a Mutex<V>, outbox: &'a Outbox) -> Self {
        let vendor = vendor.lock().unwrap_or_else(PoisonError::into_inner);
        Self { vendor, outbox }
    }

    /// Does what a line says.
    pub(crate) fn take_up(&mut self, mut line: Line<V::Changes>) {
        if let Line::Changed(changed) = &mut line {
            if let Some(records) = changed.records.take() {
                self.vendor.take_up(records);
            }
            self.vendor.surroundings().take_up(&changed.common);
        }
        self.outbox.take_up(line);
    }

    /// What changed and is to be written down, if anything is.
    fn changed(&mut self) -> Option<Changed<V::Changes>> {
        let common = self.vendor.surroundings().take_unsaved();
        let changed = Changed {
            common,
            webhooks: std::mem::take(&mut self.vendor.surroundings().announced),
            records: self.vendor.take_unsaved(),
        };
        (!changed.is_nothing()).then_some(changed)
    }
}

impl<V: Vendor> Deref for Held<'_, V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.vendor
    }
}

impl<V: Vendor> DerefMut for Held<'_, V> {
    fn deref_mut(&mut self) -> &mut V {
        &mut self.vendor
    }
}

impl<V: Vendor> Drop for Held<'_, V> {
    fn drop(&mut self) {
        self.vendor.surroundings().quiet = false;
        let webhooks = if let Some(log) = self.outbox.log() {
            let Some(changed) = self.changed() else {
                return;
            };
            let line = Line::Changed(changed);
            log.append(&line);
            line.into_webhooks()
        } else {
            std::mem::take(&mut self.vendor.surroundings().announced)
        };
        for (webhook, fault) in &webhooks {
            self.outbox.push(webhook, fault.as_ref());
        }
    }
}
