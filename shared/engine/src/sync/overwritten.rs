//! What somebody wrote between our read and our write: it is a conflict, not lost (design section 2).
//!
//! Not asked after every write, for that would cost a second read each time. Where the vendor counts the writes of a
//! record, a gap tells. Elsewhere the webhook of the overwritten change does: it names an author who is not us.

use std::collections::BTreeMap;

use im_model::{
    ActorId, BasePair, ExternalRecord, ExternalValue, Field, Incident, Link, Notice, NoticeKind,
    Side,
};
use im_sync::{Action, ConflictStep, Decision, Lost, Plan, Rule};
use jiff::Timestamp;

use super::worker::Worker;
use crate::{Claim, Hint, SyncError};

impl Worker<'_> {
    /// Decisions that record what our last write overwrote without having read it, as a webhook tells.
    pub(super) async fn overwritten(
        &self,
        incident: &Incident,
        link: &Link,
        record: &ExternalRecord,
    ) -> Result<BTreeMap<Field, Decision>, SyncError> {
        let none = BTreeMap::new();
        let Hint::External {
            changed,
            author: Some(author),
            ..
        } = &self.job.hint
        else {
            return Ok(none);
        };
        let our_times = changed.iter().map(|(field, at)| {
            let at = self.connection().our_time(*at);
            (field.clone(), at)
        });
        let mut suspects: BTreeMap<_, _> = our_times.collect();
        suspects.retain(|field, _| {
            let held = record.fields.get(field).map(|held| held.value.digest());
            let base = link.base.get(field);
            base.is_some_and(|base| base.ours && held == Some(base.external))
        });
        if suspects.is_empty() {
            return Ok(none);
        }
        if !self.is_overwritten(record, suspects.keys(), author).await? {
            return Ok(none);
        }
        // The link may have moved on since: notes, other fields, a person's ruling.
        let wrote = suspects.keys().filter_map(|field| link.moved.get(field));
        let wrote = wrote.max().copied().unwrap_or(link.version - 1);
        let claim = self
            .store()
            .last_claim(&incident.id, self.id(), wrote)
            .await?;
        // What was there before the claim was read, and planned.
        let Some(claim) = claim else { return Ok(none) };
        suspects.retain(|field, at| claim.sent.contains_key(field) && claim.claimed_at <= *at);
        if suspects.is_empty() {
            return Ok(none);
        }
        let history = self
            .vendor
            .history(self.connection(), &record.id, claim.claimed_at)
            .await?;
        let mut decisions = BTreeMap::new();
        for change in history.changes {
            let (Some(value), Some(sent)) = (change.value, claim.sent.get(&change.field)) else {
                continue;
            };
            let Some(at) = suspects.get(&change.field) else {
                continue;
            };
            if change.author.as_ref() != Some(author) || value == sent.external {
                continue;
            }
            let base = link.base.get(&change.field).map(|base| base.external);
            let decision = lost_value(incident, &change.field, value, *at);
            let decision = Decision {
                unseen: base,
                ..decision
            };
            decisions.insert(change.field, decision);
        }
        Ok(decisions)
    }

    /// Is what is there now somebody else's than the announced author's? The record may say so; where it does not, it
    /// shows the announced one, and then the vendor knows whether that is us.
    async fn is_overwritten(
        &self,
        record: &ExternalRecord,
        mut fields: impl Iterator<Item = &Field>,
        author: &ActorId,
    ) -> Result<bool, SyncError> {
        let said = fields.find_map(|field| record.fields.get(field)?.author.as_ref());
        if said.is_some_and(|said| said != author) {
            return Ok(true);
        }
        let own = self.vendor.own_actor(self.connection()).await?;
        Ok(own.is_some_and(|own| own != *author))
    }

    /// Adds to the journal what our write took the place of: as a further entry of the same claim, for an entry is never
    /// changed. Whoever takes the link over finds in it what the first one says.
    pub(super) async fn record_lost(
        &self,
        claim: &Claim,
        lost: &BTreeMap<Field, Decision>,
    ) -> Result<(), SyncError> {
        if lost.is_empty() {
            return Ok(());
        }
        let mut entry = claim.clone();
        entry.attempt += 1;
        entry.decisions.extend(lost.clone());
        // Refused if the lease is over and somebody else works by now: their history shows it to them.
        let _ = self.store().claim(&entry).await?;
        Ok(())
    }

    /// What the link says of it.
    pub(super) fn notices_of_lost(&self) -> BTreeMap<Field, Option<Notice>> {
        let notice = |(field, decision): (&Field, &Decision)| {
            let notice = Notice {
                kind: NoticeKind::Conflict,
                detail: decision.why.clone(),
                about: BasePair::seen(&decision.platform, &decision.external),
                at: self.now(),
            };
            (field.clone(), Some(notice))
        };
        self.lost.iter().map(notice).collect()
    }

    /// Decisions that record what a write has just overwritten: the record's version counts a write more than ours.
    pub(super) async fn skipped_over(
        &self,
        incident: &Incident,
        read: &ExternalRecord,
        written: &ExternalRecord,
        plan: &Plan,
        since: Timestamp,
    ) -> Result<BTreeMap<Field, Decision>, SyncError> {
        let writes = self.vendor.writes_between(read.version, written.version);
        let mut decisions = BTreeMap::new();
        if writes.is_none_or(|writes| writes <= 1) {
            return Ok(decisions);
        }
        let own = self.vendor.own_actor(self.connection()).await?;
        let history = self
            .vendor
            .history(self.connection(), &read.id, since)
            .await?;
        let pushes = plan.pushes();
        for change in history.changes {
            let (Some(value), Some(sent)) = (change.value, pushes.get(&change.field)) else {
                continue;
            };
            let is_ours = own.is_some() && change.author == own;
            let was_read = read.fields.get(&change.field);
            let was_read = was_read.is_some_and(|before| before.value == value);
            if is_ours || was_read || value == *sent {
                continue;
            }
            let decision = lost_value(incident, &change.field, value, change.at);
            let decision = Decision {
                unseen: Some(sent.digest()),
                ..decision
            };
            decisions.insert(change.field, decision);
        }
        Ok(decisions)
    }
}

fn lost_value(incident: &Incident, field: &Field, value: ExternalValue, at: Timestamp) -> Decision {
    let why = format!("our write took the place of {value:?}, set at {at:.3} after we read");
    let platform = incident.value(field);
    Decision {
        notice: Some(NoticeKind::Conflict),
        lost: Some(Lost {
            side: Side::External,
            changed_at: at,
        }),
        conflict: Some(ConflictStep::Record),
        ..Decision::new(Rule::Conflict, Action::Rebase, platform, value, why)
    }
}
