//! The update that ends a sync.

use std::collections::{BTreeMap, BTreeSet};

use im_model::{
    BasePair, ClaimOutcome, Conflict, Field, Incident, IncidentId, IntegrationId, Link, NoteCopy,
    NoteKey, NoteProgress, Notice, RecordVersion, Review,
};
use im_sync::{Pulled, flips};
use jiff::Timestamp;

use crate::{Counters, Propagated};

/// The update that ends a sync. It holds only if link, fields and debt are still as loaded.
#[derive(Debug, Clone)]
pub struct Commit<'a> {
    /// As loaded.
    pub incident: &'a Incident,
    /// Whose link.
    pub integration: &'a IntegrationId,
    /// New bases.
    pub base: BTreeMap<Field, BasePair>,
    /// Values the platform takes over.
    pub pulls: BTreeMap<Field, Pulled>,
    /// Notices to set or take back.
    pub notices: BTreeMap<Field, Option<Notice>>,
    /// The vendor's version up to which all changes are planned now.
    pub record_version: RecordVersion,
    /// Other integrations that are owed what was pulled.
    pub owed: BTreeSet<IntegrationId>,
    /// Fields on which a person's word counts now, or (`None`) no more.
    pub reviews: BTreeMap<Field, Option<Review>>,
    /// Conflicts that were found, or have changed: stored in the same transaction.
    pub conflicts: Vec<Conflict>,
    /// What came of the claim.
    pub outcome: ClaimOutcome,
    /// How far the link's notes are, if they moved.
    pub notes: Option<NotesCommit>,
    /// Something is still to be sent: the integration stays owed what it is owed.
    pub keeps_debt: bool,
    /// How long what it stores took.
    pub propagated: Propagated,
    /// The present.
    pub now: Timestamp,
}

/// How far a link's notes are after a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotesCommit {
    /// All notes up to this were sent or need not be.
    pub sent: u64,
    /// How many of the vendor's notes the platform holds.
    pub imported: u64,
    /// True if the other links have to hear of new ones.
    pub news: bool,
}

/// What became of a note at another system.
#[derive(Debug, Clone)]
pub struct NoteCopied<'a> {
    /// Whose note.
    pub incident: &'a IncidentId,
    /// Which.
    pub note: &'a NoteKey,
    /// Where.
    pub integration: &'a IntegrationId,
    /// What became of it.
    pub copy: NoteCopy,
    /// How long that took.
    pub propagated: Propagated,
}

impl Commit<'_> {
    /// What is counted with it. Notes are counted one by one, each with the item that says what became of it.
    pub fn counters(&self) -> Counters {
        let mut counters = Counters::conflicts(&self.conflicts);
        if !self.pulls.is_empty() {
            counters += Counters::INBOUND;
        }
        if self.outcome.has_reached_the_vendor() {
            counters += Counters::OUTBOUND;
        }
        counters
    }

    /// The link as it will be; `None` if the incident has none with this integration.
    pub fn link_after(&self) -> Option<Link> {
        let before = self.incident.links.get(self.integration)?;
        let mut link = before.clone();
        link.version += 1;
        link.record_version = link.record_version.max(Some(self.record_version));
        for (field, pair) in &self.base {
            self.count_flips(&mut link, field, pair);
            let is_still_ours = link
                .base
                .get(field)
                .is_some_and(|known| known.ours && known.external == pair.external);
            let pair = BasePair {
                ours: pair.ours || is_still_ours,
                ..*pair
            };
            link.base.insert(field.clone(), pair);
            link.moved.insert(field.clone(), before.version);
        }
        set_or_remove(&mut link.notices, &self.notices);
        set_or_remove(&mut link.reviews, &self.reviews);
        if let Some(notes) = self.notes {
            link.notes = NoteProgress {
                sent: notes.sent,
                imported: notes.imported,
            };
        }
        link.outcome = Some(self.outcome.clone());
        Some(link)
    }

    /// A value that a person gave on the platform ends the count: only links go to and fro for ever.
    fn count_flips(&self, link: &mut Link, field: &Field, pair: &BasePair) {
        let Some(before) = link.base.get(field) else {
            return;
        };
        let state = self.incident.fields.get(field);
        let by_person = !self.pulls.contains_key(field)
            && state.is_some_and(|state| state.origin.is_platform_edit());
        if by_person {
            link.flips.remove(field);
        } else if before.platform != pair.platform {
            let known = link.flips.get(field);
            let counted = flips::counted(known, before.platform, pair.platform, self.now);
            link.flips.insert(field.clone(), counted);
        }
    }
}

fn set_or_remove<T: Clone>(known: &mut BTreeMap<Field, T>, changes: &BTreeMap<Field, Option<T>>) {
    for (field, change) in changes {
        match change {
            Some(value) => known.insert(field.clone(), value.clone()),
            None => known.remove(field),
        };
    }
}
