//! What is counted: jobs and conflicts by counters, deliveries by their own rows.

use std::{collections::BTreeMap, ops::AddAssign};

use im_model::{Conflict, ConflictStatus, IntegrationId};
use jiff::Timestamp;

use crate::{DeliveryEnd, Hint, Latencies};

/// The seven counters of an integration, since it was created. Each is added to in the transaction that stores what it
/// counts: however often a job is brought, and wherever its function dies, it is counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// What the vendor took: commits that wrote fields to it, records that were created or linked there by us, notes that
    /// were sent. A job that found nothing to do is none.
    pub outbound_success: u64,
    /// Jobs of a platform's change that died. A failed attempt that is tried again is none.
    pub outbound_failed: u64,
    /// What the platform took from the vendor: commits that changed fields, incidents from its records, its notes.
    pub inbound_success: u64,
    /// Jobs of a vendor's change that died.
    pub inbound_failed: u64,
    /// Conflicts that were found.
    pub conflicts_detected: u64,
    /// Conflicts that were settled: by a rule, a person, or because both sides came to say the same.
    pub conflicts_resolved: u64,
    /// Differences that reconciling has found.
    pub drift_discrepancies: u64,
}

impl Counters {
    /// The vendor took something.
    pub const OUTBOUND: Self = Self {
        outbound_success: 1,
        ..Self::NONE
    };

    /// The platform took something.
    pub const INBOUND: Self = Self {
        inbound_success: 1,
        ..Self::NONE
    };

    /// Nothing is counted.
    pub const NONE: Self = Self {
        outbound_success: 0,
        outbound_failed: 0,
        inbound_success: 0,
        inbound_failed: 0,
        conflicts_detected: 0,
        conflicts_resolved: 0,
        drift_discrepancies: 0,
    };

    /// A job that died.
    pub fn failure(hint: &Hint) -> Self {
        match hint {
            Hint::Incident { .. } => Self {
                outbound_failed: 1,
                ..Self::default()
            },
            Hint::External { .. } => Self {
                inbound_failed: 1,
                ..Self::default()
            },
        }
    }

    /// Conflicts as they were just stored: the first version of one was found, one that does not wait is settled.
    pub fn conflicts(stored: &[Conflict]) -> Self {
        let count = |is: fn(&&Conflict) -> bool| stored.iter().filter(is).count() as u64;
        Self {
            conflicts_detected: count(|conflict| conflict.version == 1),
            conflicts_resolved: count(|conflict| conflict.status != ConflictStatus::Pending),
            ..Self::default()
        }
    }

    /// Conflicts that wait for somebody.
    pub fn conflicts_pending(&self) -> u64 {
        self.conflicts_detected
            .saturating_sub(self.conflicts_resolved)
    }

    /// Each with its name, in the order of the guide.
    pub fn named(&self) -> [(&'static str, u64); 7] {
        [
            ("outbound_success", self.outbound_success),
            ("outbound_failed", self.outbound_failed),
            ("inbound_success", self.inbound_success),
            ("inbound_failed", self.inbound_failed),
            ("conflicts_detected", self.conflicts_detected),
            ("conflicts_resolved", self.conflicts_resolved),
            ("drift_discrepancies", self.drift_discrepancies),
        ]
    }

    /// The counters that have these values by name; one without a value is 0.
    pub fn from_named(value: impl Fn(&str) -> Option<u64>) -> Self {
        let of = |name| value(name).unwrap_or_default();
        Self {
            outbound_success: of("outbound_success"),
            outbound_failed: of("outbound_failed"),
            inbound_success: of("inbound_success"),
            inbound_failed: of("inbound_failed"),
            conflicts_detected: of("conflicts_detected"),
            conflicts_resolved: of("conflicts_resolved"),
            drift_discrepancies: of("drift_discrepancies"),
        }
    }
}

impl AddAssign for Counters {
    fn add_assign(&mut self, more: Self) {
        let sums: BTreeMap<_, _> = self
            .named()
            .into_iter()
            .zip(more.named())
            .map(|((name, one), (_, other))| (name, one.saturating_add(other)))
            .collect();
        *self = Self::from_named(|name| sums.get(name).copied());
    }
}

/// What is kept of an integration with its counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measured {
    /// The counters.
    pub counters: Counters,
    /// How long the vendor's edits took to the platform.
    pub inbound: Latencies,
    /// How long the platform's edits took to the vendor.
    pub outbound: Latencies,
    /// How many hundredths of its requests the vendor still took when something last arrived, and when that was; `None` if it
    /// has not said.
    pub headroom: Option<(Timestamp, u8)>,
}

impl AddAssign for Measured {
    fn add_assign(&mut self, more: Self) {
        self.counters += more.counters;
        self.inbound = self.inbound.and(more.inbound);
        self.outbound = self.outbound.and(more.outbound);
        self.headroom = self.headroom.max(more.headroom);
    }
}

/// How many, as far as they were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// So many.
    pub count: u64,
    /// There may be more: counting stopped here.
    pub at_least: bool,
}

/// What waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waiting {
    /// How much.
    pub count: Counted,
    /// Since when the oldest of it, among what was counted.
    pub since: Option<Timestamp>,
}

/// What waits, by whom it waits for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WaitingByIntegration {
    found: BTreeMap<IntegrationId, Waiting>,
    /// There may be more, of any: looking stopped here.
    is_cut: bool,
}

impl WaitingByIntegration {
    /// From each thing that waits: for whom, and since when.
    pub fn of_each(
        each: impl Iterator<Item = (IntegrationId, Option<Timestamp>)>,
        is_cut: bool,
    ) -> Self {
        let mut found: BTreeMap<_, Waiting> = BTreeMap::new();
        for (integration, since) in each {
            let waiting = found.entry(integration).or_default();
            waiting.count.count += 1;
            waiting.since = [waiting.since, since].into_iter().flatten().min();
        }
        Self { found, is_cut }
    }

    /// What waits for one.
    pub fn of(&self, integration: &IntegrationId) -> Waiting {
        let mut waiting = self.found.get(integration).copied().unwrap_or_default();
        waiting.count.at_least = self.is_cut;
        waiting
    }
}

/// What waits everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AllWaiting {
    /// Deliveries that are open.
    pub deliveries: WaitingByIntegration,
    /// Incidents that owe a change.
    pub incidents: WaitingByIntegration,
}

/// Deliveries of a stretch of time, each counted once by what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryCount {
    /// Counted are those that came in since then.
    pub since: Timestamp,
    /// False if it had to stop before what was asked for.
    pub complete: bool,
    /// Moved something.
    pub applied: u64,
    /// Had nothing new.
    pub nothing_new: u64,
    /// Had nothing to be done for, by the reason.
    pub skipped: BTreeMap<String, u64>,
    /// Their job is dead.
    pub dead: u64,
    /// Are not done yet.
    pub open: u64,
}

impl DeliveryCount {
    /// None yet.
    pub fn since(since: Timestamp) -> Self {
        Self {
            since,
            complete: true,
            applied: 0,
            nothing_new: 0,
            skipped: BTreeMap::new(),
            dead: 0,
            open: 0,
        }
    }

    /// Counts one; it is open if it has no end.
    pub fn add(&mut self, end: Option<DeliveryEnd>) {
        let counter = match end {
            Some(DeliveryEnd::Applied) => &mut self.applied,
            Some(DeliveryEnd::NothingNew) => &mut self.nothing_new,
            Some(DeliveryEnd::Skipped(why)) => self.skipped.entry(why).or_default(),
            Some(DeliveryEnd::Dead) => &mut self.dead,
            None => &mut self.open,
        };
        *counter += 1;
    }

    /// Those that were skipped, for whatever reason.
    pub fn skipped_in_all(&self) -> u64 {
        self.skipped.values().sum()
    }

    /// All that were accepted: each is one of the others.
    pub fn accepted(&self) -> u64 {
        self.applied + self.nothing_new + self.skipped_in_all() + self.dead + self.open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_waits_since_its_oldest() {
        let at = |second| Timestamp::from_second(second).ok();
        let id = |id: &str| -> IntegrationId { id.parse().expect("an id") };
        let each = [("a", at(5)), ("b", None), ("a", at(3)), ("a", None)];
        let each = each.map(|(integration, since)| (id(integration), since));
        let waiting = WaitingByIntegration::of_each(each.into_iter(), true);
        let of = |integration| {
            let waiting = waiting.of(&id(integration));
            (waiting.count.count, waiting.count.at_least, waiting.since)
        };
        assert_eq!(of("a"), (3, true, at(3)));
        assert_eq!(of("b"), (1, true, None));
        assert_eq!(
            of("c"),
            (0, true, None),
            "nobody knows what was not looked at"
        );
    }

    #[test]
    fn counters_add_up_by_name() {
        let mut sum = Counters {
            outbound_success: 1,
            drift_discrepancies: 2,
            ..Counters::default()
        };
        sum += Counters {
            outbound_success: 3,
            conflicts_resolved: 4,
            ..Counters::default()
        };
        let expected = [4, 0, 0, 0, 0, 4, 2];
        assert_eq!(sum.named().map(|(_, value)| value), expected);
        let again = Counters::from_named(|name| {
            let mut named = sum.named().into_iter();
            named
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value)
        });
        assert_eq!(again, sum);
    }

    #[test]
    fn every_delivery_is_counted_as_just_one_thing() {
        let mut count = DeliveryCount::since(Timestamp::UNIX_EPOCH);
        let skipped = |why: &str| Some(DeliveryEnd::Skipped(why.to_owned()));
        for end in [
            Some(DeliveryEnd::Applied),
            Some(DeliveryEnd::NothingNew),
            skipped("unlinked"),
            skipped("unlinked"),
            skipped("a ping"),
            Some(DeliveryEnd::Dead),
            None,
        ] {
            let before = count.accepted();
            count.add(end);
            assert_eq!(count.accepted(), before + 1);
        }
        assert_eq!(count.skipped["unlinked"], 2);
        assert_eq!((count.skipped_in_all(), count.open), (3, 1));
    }
}
