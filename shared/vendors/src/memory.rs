//! What one process has learned of its vendors' accounts. Losing it costs a request, never a change.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use im_model::{IntegrationId, Secret};
use jiff::{SignedDuration, Timestamp};

/// Names what is remembered: whose, what kind of thing, which one.
type Name = (IntegrationId, &'static str, String);

/// Remembers texts for a while: ids of people, access tokens, workflows. Each is kept as a [`Secret`], for some are.
#[derive(Debug, Default)]
pub struct Memory {
    entries: Mutex<HashMap<Name, (Secret, Timestamp)>>,
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
