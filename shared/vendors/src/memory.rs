//! What one process has learned of its vendors' accounts. Losing it costs a request, never a change.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use im_model::{IntegrationId, Secret};
use jiff::{SignedDuration, Timestamp};

use crate::vendor_clock::VendorClock;

/// Names what is remembered: whose, what kind of thing, which one.
type Name = (IntegrationId, &'static str, String);

/// Remembers texts for a while: ids of people, access tokens, workflows. Each is kept as a [`Secret`], for some are. And
/// what time it is at the vendors.
#[derive(Debug, Default)]
pub struct Memory {
    entries: Mutex<HashMap<Name, (Secret, Timestamp)>>,
    clocks: Mutex<HashMap<IntegrationId, VendorClock>>,
}

impl Memory {
    /// Most entries; beyond it the memory starts anew.
    const MOST: usize = 10_000;

    /// What was remembered, unless its time is over.
    pub fn recall(
        &self,
        integration: &IntegrationId,
        kind: &'static str,
        which: &str,
        now: Timestamp,
    ) -> Option<Secret> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let (value, until) = entries.get(&(integration.clone(), kind, which.to_owned()))?;
        (now < *until).then(|| value.clone())
    }

    /// Remembers a text until its time is over.
    pub fn remember(
        &self,
        integration: &IntegrationId,
        kind: &'static str,
        which: &str,
        value: Secret,
        now: Timestamp,
        keep: SignedDuration,
    ) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= Self::MOST {
            entries.clear();
        }
        let name = (integration.clone(), kind, which.to_owned());
        entries.insert(name, (value, now + keep));
    }

    /// How far the clock of an integration's vendor is ahead of ours, or behind if negative, as the last answers have
    /// shown. Zero where that is not known, and where it is no more than whole seconds and the way of an answer explain.
    pub fn clock_offset(&self, integration: &IntegrationId, now: Timestamp) -> SignedDuration {
        let clocks = self.clocks.lock().unwrap_or_else(PoisonError::into_inner);
        let clock = clocks.get(integration);
        clock.map_or(SignedDuration::ZERO, |clock| clock.offset(now))
    }

    /// Notes what an answer was dated, in a call that began at a moment.
    pub(crate) fn note_clock(
        &self,
        integration: &IntegrationId,
        dated: Timestamp,
        began: Timestamp,
    ) {
        let mut clocks = self.clocks.lock().unwrap_or_else(PoisonError::into_inner);
        if clocks.len() >= Self::MOST {
            clocks.clear();
        }
        let clock = clocks.entry(integration.clone()).or_default();
        clock.note(dated, began);
    }

    /// Forgets one thing: it proved wrong.
    pub fn forget(&self, integration: &IntegrationId, kind: &'static str, which: &str) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.remove(&(integration.clone(), kind, which.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_remembers_for_as_long_as_told_and_of_one_account_only() {
        let memory = Memory::default();
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
        let [ours, another] = ["prod", "stage"].map(|id| id.parse().expect("an id"));
        let keep = SignedDuration::from_secs(60);
        memory.remember(&ours, "person", "ann", Secret::new("5b1"), now, keep);
        let recall = |of: &IntegrationId, at| memory.recall(of, "person", "ann", at);
        assert_eq!(recall(&ours, now), Some(Secret::new("5b1")));
        assert_eq!(recall(&another, now), None);
        assert_eq!(recall(&ours, now + keep), None);
        memory.forget(&ours, "person", "ann");
        assert_eq!(recall(&ours, now), None);
    }
}
