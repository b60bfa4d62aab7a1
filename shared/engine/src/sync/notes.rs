//! A link's notes: found out by looking at both lists, sent one by one, imported by conditional puts.

use im_model::{ExternalRecord, Incident, Link, Note, NoteCopy, NoteKey, NoteKind};
use im_sync::{NotesInput, NotesPlan, Plan, plan_notes};
use im_vendors::VendorErrorKind;
use jiff::Timestamp;

use super::{
    Outcome,
    linked::is_news,
    worker::{Claimed, Pass, Worker},
};
use crate::{Claim, Commit, NoteCopied, NotesCommit, Propagated, SyncError, ports::Attempt};

/// What is to be done, and what it was decided on.
struct NotesWork {
    plan: NotesPlan,
    /// The incident's notes are planned up to here.
    seen: u64,
}

impl NotesWork {
    /// Is there anything that the store or the vendor does not know yet?
    fn is_done(&self, link: &Link) -> bool {
        self.plan.send.is_empty()
            && self.plan.import.is_empty()
            && self.plan.withhold.is_empty()
            && self.plan.imported <= link.notes.imported
            && self.seen <= link.notes.sent
    }
}

impl Worker<'_> {
    /// Have notes to be looked at? Either side may have new ones.
    pub(super) fn notes_are_due(&self, incident: &Incident, link: &Link) -> bool {
        let comes_in = |kind: &NoteKind| self.rules.notes_flow_in(*kind);
        // Also where none may go out: what is written meanwhile is not sent later.
        let out = incident.notes > link.notes.sent;
        let inward = self.notes_announced && NoteKind::ALL.iter().any(comes_in);
        out || inward || self.job.insist && !self.insisted
    }

    /// The fields are as they should be: now the notes. One more read of the vendor and one of the store.
    pub(super) async fn notes(
        &mut self,
        incident: &Incident,
        link: &Link,
        record: &ExternalRecord,
        read_at: Timestamp,
    ) -> Result<Pass, SyncError> {
        let work = self.plan_notes(incident, record).await?;
        if !work.plan.withhold.is_empty() && self.has_other_rules().await? {
            return Ok(Pass::Again);
        }
        for (key, copy) in &work.plan.found {
            let copy = NoteCopy::Sent {
                id: Some(copy.clone()),
            };
            self.note_copied(incident, key, copy, None).await?;
        }
        if work.is_done(link) {
            self.notes_announced = false;
            if is_news(link, record) {
                let nothing = Plan::default();
                return self
                    .work_out(incident, link, record, nothing, read_at)
                    .await;
            }
            return self.nothing_to_do(incident).await;
        }
        let mut claim = self.new_claim(incident, link.version, 1);
        claim.record_version = Some(record.version);
        claim.notes = work.plan.send.iter().map(|note| note.key.clone()).collect();
        match self.put_claim(&mut claim).await? {
            Claimed::Won => {}
            Claimed::Again => return Ok(Pass::Again),
            Claimed::Held(other) => {
                return Err(SyncError::Busy {
                    until: other.lease_until,
                });
            }
            Claimed::Abandoned(dead) => return self.abandoned(incident, record, &dead).await,
        }
        for note in &work.plan.import {
            // Kept already where an earlier attempt got this far.
            let arrived = self.arrived(Some(note.at), None);
            let added = self.store().add_note(&incident.id, note, &arrived);
            let _ = added.await?;
        }
        for note in &work.plan.send {
            self.send_note(incident, record, note).await?;
        }
        for key in &work.plan.withhold {
            let copy = NoteCopy::Withheld;
            self.note_copied(incident, key, copy, None).await?;
        }
        self.commit_notes(incident, record, work, &claim).await
    }

    async fn plan_notes(
        &self,
        incident: &Incident,
        record: &ExternalRecord,
    ) -> Result<NotesWork, SyncError> {
        let platform = self.store().notes(&incident.id).await?;
        let insist = self.job.insist && !self.insisted;
        let plan = |external: &[_]| {
            plan_notes(&NotesInput {
                integration: self.id(),
                platform: &platform,
                external,
                rules: &self.rules,
                insist,
                created_at: incident.created_at,
            })
        };
        // Nothing to send and nothing announced: the vendor need not be asked.
        let mut planned = plan(&[]);
        if self.notes_announced || !planned.send.is_empty() {
            let external = self.vendor.notes(self.connection(), record).await?;
            planned = plan(&external);
        }
        Ok(NotesWork {
            plan: planned,
            seen: incident.notes,
        })
    }

    async fn send_note(
        &mut self,
        incident: &Incident,
        record: &ExternalRecord,
        note: &Note,
    ) -> Result<(), SyncError> {
        let added = self.vendor.add_note(self.connection(), record, note).await;
        let copy = match added {
            Ok(id) => NoteCopy::Sent { id },
            // Not permitted: perhaps this list only, and no reason to hold up the fields.
            Err(error)
                if matches!(
                    error.kind,
                    VendorErrorKind::Refused { .. } | VendorErrorKind::Forbidden
                ) =>
            {
                let why = error.to_string();
                self.done.failed.insert(note.kind.into(), why.clone());
                NoteCopy::Refused { why }
            }
            Err(error) => return Err(error.into()),
        };
        let is_sent = matches!(copy, NoteCopy::Sent { .. });
        let written_at = is_sent.then_some(note.at);
        self.note_copied(incident, &note.key, copy, written_at)
            .await?;
        self.done.notes_sent += usize::from(is_sent);
        Ok(())
    }

    /// What became of a note at the vendor; one that has just come to be there was written then.
    async fn note_copied(
        &self,
        incident: &Incident,
        note: &NoteKey,
        copy: NoteCopy,
        written_at: Option<Timestamp>,
    ) -> Result<(), SyncError> {
        let copied = NoteCopied {
            incident: &incident.id,
            note,
            integration: self.id(),
            copy,
            propagated: self.arrived(None, written_at),
        };
        Ok(self.store().note_copied(&copied).await?)
    }

    async fn commit_notes(
        &mut self,
        incident: &Incident,
        record: &ExternalRecord,
        work: NotesWork,
        claim: &Claim,
    ) -> Result<Pass, SyncError> {
        let news = !work.plan.import.is_empty()
            || incident
                .links
                .get(self.id())
                .is_some_and(|link| work.plan.imported > link.notes.imported);
        let notes = NotesCommit {
            sent: work.seen + u64::from(news),
            imported: work.plan.imported,
            news,
        };
        let commit = Commit {
            incident,
            integration: self.id(),
            base: self.settled.clone(),
            pulls: std::collections::BTreeMap::new(),
            notices: std::collections::BTreeMap::new(),
            record_version: record.version,
            owed: self.owed_others(incident, news).await?,
            reviews: std::collections::BTreeMap::new(),
            conflicts: Vec::new(),
            outcome: self.outcome(claim, std::collections::BTreeMap::new()),
            notes: Some(notes),
            keeps_debt: false,
            propagated: Propagated::nothing(self.now()),
            now: self.now(),
        };
        if self.store().commit(&commit).await? == Attempt::LostRace {
            return Ok(Pass::Again);
        }
        self.done.notes_imported += work.plan.import.len();
        self.notes_announced = false;
        self.insisted = true;
        self.settled.clear();
        Ok(Pass::Finished(Outcome::NothingNew))
    }
}
