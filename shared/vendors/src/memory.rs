//! What one process has learned of its vendors' accounts. Losing it costs a request, never a change.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use im_model::{IntegrationId, Secret};
use jiff::{SignedDuration, Timestamp};

use crate::{Budget, budget::Known, vendor_clock::VendorClock};

/// Names what is remembered: whose, what kind of thing, which one.
type Name = (IntegrationId, &'static str, String);

/// Remembers texts for a while: ids of people, access tokens, workflows. Each is kept as a [`Secret`], for some are. And
/// what time it is at the vendors, and how many requests they still take.
#[derive(Debug, Default)]
pub struct Memory {
    entries: Mutex<HashMap<Name, (Secret, Timestamp)>>,
    clocks: Mutex<HashMap<IntegrationId, VendorClock>>,
    budgets: Mutex<HashMap<IntegrationId, Known>>,
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

    /// How many requests an integration's vendor still takes, as its answers have said; `None` where it does not say.
    pub fn budget(&self, integration: &IntegrationId, now: Timestamp) -> Option<Budget> {
        self.budgets().get(integration)?.budget(now)
    }

    /// Until when the vendor has asked us to wait, by a 429.
    pub fn paused_until(&self, integration: &IntegrationId, now: Timestamp) -> Option<Timestamp> {
        self.budgets().get(integration)?.paused_until(now)
    }

    /// How many requests this process has sent to an integration's vendor.
    pub fn requests_sent(&self, integration: &IntegrationId) -> u64 {
        self.budgets()
            .get(integration)
            .map_or(0, |known| known.sent)
    }

    /// Notes that a request goes out.
    pub(crate) fn note_request(&self, integration: &IntegrationId) {
        let mut budgets = self.budgets();
        if budgets.len() >= Self::MOST {
            budgets.clear();
        }
        budgets.entry(integration.clone()).or_default().sent += 1;
    }

    /// Notes what an answer says of the vendor's budget.
    pub(crate) fn note_budget<B>(
        &self,
        integration: &IntegrationId,
        answer: &http::Response<B>,
        began: Timestamp,
    ) {
        if let Some(known) = self.budgets().get_mut(integration) {
            known.note(answer, began);
        }
    }

    fn budgets(&self) -> std::sync::MutexGuard<'_, HashMap<IntegrationId, Known>> {
        self.budgets.lock().unwrap_or_else(PoisonError::into_inner)
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
