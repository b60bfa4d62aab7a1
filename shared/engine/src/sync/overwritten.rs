//! What somebody wrote between our read and our write: it is a conflict, not lost (design section 2).
//!
//! Not asked after every write, for that would cost a second read each time. Where the vendor counts the writes of a
//! record, a gap tells. Elsewhere the webhook of the overwritten change does: it names an author who is not us.

use std::collections::{BTreeMap, btree_map::Entry};

use im_model::{
    ActorId, BasePair, ExternalRecord, ExternalValue, Field, Incident, Link, Notice, NoticeKind,
    Side,
};
use im_sync::{Action, ConflictStep, Decision, Lost, OurWrite, Rule};
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
        let fields: Vec<_> = suspects.keys().collect();
        let own = self.overwritten_by(record, &fields, author).await?;
        if own.is_none() {
            return Ok(none);
        }
        let claims = self.claims_that_sent(incident, link, &suspects).await?;
        let mut writes: Vec<_> = claims
            .iter()
            .filter_map(|(field, claim)| write_of(claim, field))
            .collect();
        // What was there before the read was read, and planned.
        writes.retain(|write| {
            let at = suspects.get(write.field);
            at.is_some_and(|at| *at >= write.since())
        });
        let Some(since) = writes.iter().map(OurWrite::since).min() else {
            return Ok(none);
        };
        let history = self
            .vendor
            .history(self.connection(), &record.id, since)
            .await?;
        let mut decisions = BTreeMap::new();
        for write in writes {
            let lost = write.took_the_place_of(&history, own.as_ref());
            let (Some((change, value)), Some(announced)) = (lost, suspects.get(write.field)) else {
                continue;
            };
            // The announced time is the exact one, if it is that change's.
            let is_announced = change.author.as_ref() == Some(author);
            let at = if is_announced { *announced } else { change.at };
            let base = link.base.get(write.field).map(|base| base.external);
            let decision = lost_value(incident, write.field, value.clone(), at);
            let decision = Decision {
                unseen: base,
                ..decision
            };
            decisions.insert(write.field.clone(), decision);
        }
        Ok(decisions)
    }

    /// The claims that wrote what fields hold now. The link may have moved on since: notes, other fields, a person's
    /// ruling. And a later attempt on the same version may have found settled what an earlier one wrote.
    async fn claims_that_sent(
        &self,
        incident: &Incident,
        link: &Link,
        fields: &BTreeMap<Field, Timestamp>,
    ) -> Result<BTreeMap<Field, Claim>, SyncError> {
        let mut by_version: BTreeMap<u64, Vec<Claim>> = BTreeMap::new();
        let mut found = BTreeMap::new();
        for field in fields.keys() {
            let version = link.moved.get(field).copied();
            let version = version.unwrap_or(link.version.saturating_sub(1));
            let claims = match by_version.entry(version) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(
                    self.store()
                        .claims_on(&incident.id, self.id(), version)
                        .await?,
                ),
            };
            let sent = |claim: &&Claim| claim.sent.contains_key(field);
            if let Some(claim) = claims.iter().rfind(sent) {
                found.insert(field.clone(), claim.clone());
            }
        }
        Ok(found)
    }

    /// Does the hint announce an edit of what somebody else's claim writes, which is not that write?
    pub(super) async fn announces_another(
        &self,
        record: &ExternalRecord,
        other: &Claim,
    ) -> Result<bool, SyncError> {
        let Hint::External {
            changed,
            author: Some(author),
            ..
        } = &self.job.hint
        else {
            return Ok(false);
        };
        let mut fields: Vec<_> = changed.keys().collect();
        fields.retain(|field| other.sent.contains_key(*field));
        if fields.is_empty() {
            return Ok(false);
        }
        let by = self.overwritten_by(record, &fields, author).await?;
        Ok(by.is_some())
    }

    /// Whose is what is there now, if not the announced author's? The record may say so; where it does not, it shows the
    /// announced one, and then the vendor knows whether that is us.
    async fn overwritten_by(
        &self,
        record: &ExternalRecord,
        fields: &[&Field],
        author: &ActorId,
    ) -> Result<Option<ActorId>, SyncError> {
        let said = fields
            .iter()
            .find_map(|field| record.fields.get(*field)?.author.as_ref());
        if let Some(said) = said.filter(|said| *said != author) {
            return Ok(Some(said.clone()));
        }
        let own = self.vendor.own_actor(self.connection()).await?;
        Ok(own.filter(|own| own != author))
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
                tried: None,
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
        claim: &Claim,
    ) -> Result<BTreeMap<Field, Decision>, SyncError> {
        let writes = self.vendor.writes_between(read.version, written.version);
        let mut decisions = BTreeMap::new();
        if writes.is_none_or(|writes| writes <= 1) {
            return Ok(decisions);
        }
        let writes = claim.sent.keys().filter_map(|field| write_of(claim, field));
        let writes: Vec<_> = writes.collect();
        let Some(since) = writes.iter().map(OurWrite::since).min() else {
            return Ok(decisions);
        };
        let own = self.vendor.own_actor(self.connection()).await?;
        let history = self
            .vendor
            .history(self.connection(), &read.id, since)
            .await?;
        for write in writes {
            let Some((change, value)) = write.took_the_place_of(&history, own.as_ref()) else {
                continue;
            };
            let decision = lost_value(incident, write.field, value.clone(), change.at);
            let decision = Decision {
                unseen: Some(write.sent.digest()),
                ..decision
            };
            decisions.insert(write.field.clone(), decision);
        }
        Ok(decisions)
    }
}

/// What a claim sent to a field, and what it had read there. Of a value that was found overwritten since, the claim's
/// last entry says that it was the last one before the write: it counts as read, and is not told again.
fn write_of<'a>(claim: &'a Claim, field: &'a Field) -> Option<OurWrite<'a>> {
    Some(OurWrite {
        field,
        read: claim
            .decisions
            .get(field)
            .map(|decision| &decision.external),
        sent: &claim.sent.get(field)?.external,
        read_at: claim.read_at.unwrap_or(claim.claimed_at),
    })
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
