//! A reconciliation run: what was asked for, how far it is, what it found.

mod item;

use std::{collections::BTreeMap, ops::RangeInclusive};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use self::item::{BaseValues, DriftItem, DriftKind, ItemResult, ProposedAction};
use crate::{ActorId, IncidentId, IntegrationId, OrganizationId, RunId, incident::words};

words! {
    /// What a run is for.
    Purpose {
        /// Finds what differs although it should not, and heals it.
        Reconcile = "reconcile",
        /// Links and creates what existed before the integration did.
        Backfill = "backfill",
        /// Takes in what changed at a vendor that sends no webhooks.
        Poll = "poll",
    }
}
words! {
    /// How a run is.
    RunStatus {
        /// Being worked on, or about to be.
        Running = "running",
        /// Stopped by the brake before its first write: it goes on if somebody confirms it.
        Braked = "braked",
        /// Over.
        Done = "done",
        /// Ended by a person.
        Cancelled = "cancelled",
        /// Ended by an error.
        Failed = "failed",
    }
}
words! {
    /// Which part of its work a run is in.
    Phase {
        /// Pages of the vendor's records are compared with the links.
        Listing = "listing",
        /// The incidents are looked through for links without a record, and for missing ones.
        Links = "links",
        /// What looked different is looked at closely.
        Looking = "looking",
        /// What was found is healed.
        Applying = "applying",
        /// Nothing is left.
        Finished = "finished",
    }
}

/// Who or what started a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum StartedBy {
    /// A person or program, through the API.
    Person {
        /// Who.
        actor: ActorId,
    },
    /// The integration's schedule.
    Schedule,
    /// The integration's mode: it is polled.
    Polling,
}

/// Where a run goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Place {
    /// After this page of the vendor's.
    Listing {
        /// As the vendor's part says it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
    },
    /// After this incident.
    Links {
        /// As the store says it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<IncidentId>,
    },
    /// At this one of the chunks that hold what looked different.
    Looking {
        /// Which, from 0 on.
        chunk: u32,
    },
    /// At this one of the chunks that hold what was found.
    Applying {
        /// Which, from 0 on.
        chunk: u32,
    },
    /// Nowhere.
    Finished,
}

impl Place {
    /// The phase that it is in.
    pub fn phase(&self) -> Phase {
        match self {
            Self::Listing { .. } => Phase::Listing,
            Self::Links { .. } => Phase::Links,
            Self::Looking { .. } => Phase::Looking,
            Self::Applying { .. } => Phase::Applying,
            Self::Finished => Phase::Finished,
        }
    }
}

/// What a run has counted so far.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RunCounts {
    /// Pages that the vendor listed.
    pub pages: u64,
    /// Records on them.
    pub records: u64,
    /// Those of them that are linked.
    pub linked: u64,
    /// Reads of single records, where something differed.
    pub reads: u64,
    /// Incidents that were looked through.
    pub incidents: u64,
    /// What was found, by kind.
    pub found: BTreeMap<DriftKind, u64>,
    /// Links on which something is on its way already: not drift.
    pub in_progress: u64,
    /// Links and records that healing would write to.
    pub to_heal: u64,
    /// Those that were healed, or needed it no more.
    pub healed: u64,
    /// Those that could not be.
    pub failed: u64,
    /// Links and records that could not be looked at.
    pub unreadable: u64,
    /// Links and records that are to be looked at closely.
    pub suspects: u64,
    /// Chunks that hold them.
    pub suspect_chunks: u32,
    /// Chunks that hold what was found.
    pub chunks: u32,
    /// Parts of the work that are done and stored.
    pub steps: u32,
    /// Invocations that worked on it.
    pub invocations: u32,
}

/// Who works on a run at present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLease {
    /// Which invocation.
    pub worker: String,
    /// Then it is taken to be dead.
    pub until: Timestamp,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Of which integration.
    pub integration: IntegrationId,
    /// Whose.
    pub organization: OrganizationId,
    /// What for.
    pub purpose: Purpose,
    /// False for a dry run: it writes nothing but its own report.
    pub apply: bool,
    /// Records that changed since this moment; all if `None`.
    pub since: Option<Timestamp>,
    /// Notes written since this moment; all if `None`.
    pub noted_since: Option<Timestamp>,
    /// At most so many are created.
    pub limit: Option<u32>,
    /// By whom.
    pub started_by: StartedBy,
    /// When it was asked for: what changes later is the next run's.
    pub started_at: Timestamp,
    /// How it is.
    pub status: RunStatus,
    /// Where it goes on.
    pub place: Place,
    /// What it has counted.
    pub counts: RunCounts,
    /// Of what it has found, what the integration's counters do not hold yet: they are raised as the run is stored.
    #[serde(skip)]
    pub uncounted: u64,
    /// Why it was braked, or what it failed of.
    pub reason: Option<String>,
    /// Who let it go on after the brake.
    pub confirmed_by: Option<ActorId>,
    /// How many links the last full run saw, for the brake.
    pub links_before: Option<u64>,
    /// How many invocations in a row had to wait, or died.
    pub waits: u32,
    /// What it waits for comes no sooner.
    pub not_before: Option<Timestamp>,
    /// Who works on it.
    pub lease: Option<RunLease>,
    /// When it was last seen to move.
    pub updated_at: Timestamp,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// Raised by one with every change.
    pub version: u64,
}

impl Run {
    /// Does it look at all records, and so may say which links have none?
    pub fn is_full(&self) -> bool {
        self.since.is_none()
    }

    /// Is it of an integration that is polled?
    pub fn is_poll(&self) -> bool {
        self.purpose == Purpose::Poll
    }

    /// Is there nothing more to be done about it, by itself or by a person?
    pub fn is_over(&self) -> bool {
        !matches!(self.status, RunStatus::Running | RunStatus::Braked)
    }

    /// All that was found.
    pub fn found(&self) -> u64 {
        self.counts.found.values().sum()
    }
}

/// When a run is taken to be a mistake and stops before its first write: it would change more links than this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brake {
    /// A share of the links, in percent: one of [`Brake::PERCENT`].
    pub percent: u8,
    /// So many are always let through, however few links there are.
    pub at_least: u32,
}

impl Brake {
    /// What [`Brake::percent`] may be.
    pub const PERCENT: RangeInclusive<u8> = 1..=100;

    /// The most that a run may change without a person's word, where there are so many links. Parts of one do not count.
    pub fn limit(&self, links: u64) -> u64 {
        // Without `links * percent`, which could be too large.
        let percent = u64::from(self.percent);
        let share = links / 100 * percent + links % 100 * percent / 100;
        share.max(self.at_least.into())
    }
}

impl Default for Brake {
    fn default() -> Self {
        Self {
            percent: 10,
            at_least: 20,
        }
    }
}

/// How often an integration is reconciled by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// From one run's start to the next one's.
    pub interval: Interval,
    /// Are differences healed, or only reported?
    pub auto_heal: bool,
    /// Is it in force?
    pub enabled: bool,
    /// A run that looks at all records is due so long after the last one; the others look at what changed.
    pub full_every: Interval,
    /// When the next run starts.
    pub next_at: Timestamp,
    /// Who set it.
    pub set_by: ActorId,
}

/// A time span between 1 minute and 30 days, in whole minutes. As text `1m`, `36h`, `30d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Interval(u32);

/// A text that is no [`Interval`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a number with m, h or d, from 1m to 30d, such as 15m, 1h or 7d")]
pub struct InvalidInterval;

impl Interval {
    /// One day.
    pub const DAY: Self = Self(24 * 60);

    const MOST: u32 = 30 * 24 * 60;

    /// As a duration.
    pub fn duration(self) -> SignedDuration {
        SignedDuration::from_mins(i64::from(self.0))
    }
}

impl std::str::FromStr for Interval {
    type Err = InvalidInterval;
    fn from_str(text: &str) -> Result<Self, InvalidInterval> {
        let unit = text.chars().next_back().ok_or(InvalidInterval)?;
        let minutes = match unit {
            'm' => 1,
            'h' => 60,
            'd' => 24 * 60,
            _ => return Err(InvalidInterval),
        };
        let digits = &text[..text.len() - 1];
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidInterval);
        }
        let number: u32 = digits.parse().map_err(|_| InvalidInterval)?;
        let minutes = number.checked_mul(minutes).ok_or(InvalidInterval)?;
        if (1..=Self::MOST).contains(&minutes) {
            Ok(Self(minutes))
        } else {
            Err(InvalidInterval)
        }
    }
}

impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let minutes = self.0;
        if minutes.is_multiple_of(24 * 60) {
            write!(f, "{}d", minutes / (24 * 60))
        } else if minutes.is_multiple_of(60) {
            write!(f, "{}h", minutes / 60)
        } else {
            write!(f, "{minutes}m")
        }
    }
}

impl TryFrom<String> for Interval {
    type Error = InvalidInterval;
    fn try_from(text: String) -> Result<Self, InvalidInterval> {
        text.parse()
    }
}

impl From<Interval> for String {
    fn from(interval: Interval) -> String {
        interval.to_string()
    }
}

/// What is remembered of an integration between its runs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Reconciliation {
    /// How often it is reconciled.
    pub schedule: Option<Schedule>,
    /// The run that is going on, or waits for a confirmation. There is one at a time.
    pub active: Option<RunId>,
    /// What changed before this was looked at and is healed.
    pub healed_until: Option<Timestamp>,
    /// Notes that were written before this were looked at, and are where they should be.
    pub noted_until: Option<Timestamp>,
    /// What changed before this was polled.
    pub polled_until: Option<Timestamp>,
    /// When the last run started that looked at all records.
    pub full_at: Option<Timestamp>,
    /// How many links that run saw.
    pub links: Option<u64>,
    /// Raised by one with every change; 0 if nothing was ever stored.
    pub version: u64,
}

impl Reconciliation {
    /// What a run that is over teaches: how far back the next one need not look. A difference that was found and not healed has to
    /// be found again, and a run teaches nothing of what lies before it.
    pub fn learn(&mut self, run: &Run) {
        let counts = &run.counts;
        let is_healed =
            counts.healed >= counts.to_heal && counts.failed == 0 && counts.unreadable == 0;
        if run.status != RunStatus::Done {
            return;
        }
        let reaches = |since: Option<Timestamp>, known: Option<Timestamp>| {
            since.is_none_or(|since| known.is_some_and(|known| since <= known))
        };
        let later = |known: Option<Timestamp>| known.max(Some(run.started_at));
        match run.purpose {
            Purpose::Poll => self.polled_until = later(self.polled_until),
            Purpose::Reconcile => {
                if is_healed && reaches(run.since, self.healed_until) {
                    self.healed_until = later(self.healed_until);
                }
                let notes = run.counts.found.get(&DriftKind::MissingNote);
                let notes_are_right = is_healed || notes.is_none_or(|count| *count == 0);
                let knows_all = run.noted_since <= self.noted_until || self.noted_until.is_none();
                if notes_are_right && knows_all && run.counts.unreadable == 0 {
                    self.noted_until = later(self.noted_until);
                }
                if run.is_full() {
                    self.full_at = later(self.full_at);
                    self.links = Some(run.counts.linked);
                }
            }
            Purpose::Backfill => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brake_lets_its_share_through_and_always_a_few() {
        let brake = Brake::default();
        for (links, limit) in [
            (0, 20),
            (200, 20),
            (209, 20),
            (210, 21),
            (12_345, 1_234),
            (u64::MAX, u64::MAX / 10),
        ] {
            assert_eq!(brake.limit(links), limit, "{links}");
        }
        let all = Brake {
            percent: 100,
            at_least: 0,
        };
        assert_eq!((all.limit(0), all.limit(199)), (0, 199));
    }

    #[test]
    fn an_interval_is_between_a_minute_and_thirty_days() {
        for (text, shown) in [
            ("1m", "1m"),
            ("90m", "90m"),
            ("60m", "1h"),
            ("36h", "36h"),
            ("24h", "1d"),
            ("30d", "30d"),
            ("43200m", "30d"),
        ] {
            let interval: Interval = text.parse().expect(text);
            assert_eq!(interval.to_string(), shown);
        }
        for bad in [
            "",
            "0m",
            "1",
            "m",
            "31d",
            "721h",
            "-1h",
            "+1h",
            "1s",
            "1.5h",
            "1 h",
            "1h30m",
            "99999999999d",
            "1µ",
        ] {
            assert_eq!(bad.parse::<Interval>(), Err(InvalidInterval), "{bad}");
        }
    }
}
