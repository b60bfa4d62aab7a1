//! The claim is ours: write, and commit what came of it.

use std::collections::{BTreeMap, BTreeSet};

use im_model::{
    BasePair, ClaimOutcome, ConflictStatus, ExternalRecord, Field, FieldOutcome, Incident,
    IntegrationId, RecordVersion,
};
use im_sync::{Action, Conclusion, Plan, conclude, settle};

use jiff::Timestamp;

use super::{
    Outcome,
    linked::sent,
    worker::{Pass, Worker},
};
use crate::{Announcement, Cause, Claim, Commit, Propagated, SyncError, ports::Attempt};

impl Worker<'_> {
    /// Writes what the plan says, then commits what came of it.
    pub(super) async fn execute(
        &mut self,
        incident: &Incident,
        record: &ExternalRecord,
        plan: Plan,
        claim: Claim,
    ) -> Result<Pass, SyncError> {
        let began = self.now();
        let link_version = incident.links.get(self.id()).map_or(0, |link| link.version);
        let pushes = plan.pushes();
        let mut answer = self.write(record, &pushes).await?;
        let mut lost = match &answer.record {
            Some(after) => self.skipped_over(incident, record, after, &claim).await?,
            None => BTreeMap::new(),
        };
        // What is refused takes nothing's place.
        lost.retain(|field, _| !answer.refused.contains_key(field));
        // In the journal before anything else: nobody may find it a second time.
        self.record_lost(&claim, &lost).await?;
        let differing = answer.differing(&plan);
        if !differing.is_empty() {
            // Overruled by the vendor, or changed by somebody right after us? Its history knows.
            let history = self.our_history(record, differing.iter(), began).await?;
            let mut sent = sent(&plan);
            sent.retain(|field, _| differing.contains(field));
            let held = answer.record.as_ref().unwrap_or(record);
            answer.superseded = settle(&sent, held, &history, began).into_keys().collect();
        }
        let mut conclusion = conclude(&plan, &self.rules, incident, &answer, self.now());
        let mut refused = sent(&plan);
        refused.retain(|field, _| answer.refused.contains_key(field));
        let held = answer.record.as_ref().unwrap_or(record);
        let halfway = self.halfway(incident, held, &refused, began).await?;
        conclusion.base.extend(halfway.clone());
        self.lost.extend(lost);
        conclusion.notices.extend(self.notices_of_lost());
        let moved_meanwhile = !answer.superseded.is_empty()
            || answer
                .record
                .as_ref()
                .is_some_and(|answer| differs(record, answer, &plan));
        let seen = answer.record.as_ref().map(|answer| answer.version);
        let committed = self.commit(incident, record, &plan, &conclusion, &claim, seen);
        let committed = committed.await?;
        let pushed = pushes
            .keys()
            .filter(|field| !conclusion.failed.contains_key(*field));
        if committed == Attempt::LostRace {
            // The write happened all the same: the next plan must know it.
            let pairs = pushed.filter_map(|f| Some((f.clone(), *conclusion.base.get(f)?)));
            let pairs: Vec<_> = pairs.collect();
            self.done
                .pushed
                .extend(pairs.iter().map(|(field, _)| field.clone()));
            let mut carried_out = plan.decisions;
            carried_out.retain(|field, _| pairs.iter().any(|(pushed, _)| pushed == field));
            self.carried_out.extend(carried_out);
            self.settled.extend(pairs);
            self.settled.extend(halfway);
            self.settled_version = link_version;
            return Ok(Pass::Again);
        }
        self.done.pushed.extend(pushed.cloned());
        self.has_decided(conclusion.notices.keys());
        self.done.pulled.extend(conclusion.pulls.keys().cloned());
        let failed = conclusion.failed.into_iter();
        self.done
            .failed
            .extend(failed.map(|(field, why)| (field.into(), why)));
        self.settled.clear();
        self.carried_out.clear();
        self.lost.clear();
        // Notes are next, in a claim of their own: what becomes of them must not undo what became of the fields.
        let notes_are_due = incident
            .links
            .get(self.id())
            .is_some_and(|link| self.notes_are_due(incident, link));
        self.insisted = true;
        if moved_meanwhile || notes_are_due {
            return Ok(Pass::Again);
        }
        Ok(Pass::Finished(Outcome::NothingNew))
    }

    async fn commit(
        &mut self,
        incident: &Incident,
        record: &ExternalRecord,
        plan: &Plan,
        conclusion: &Conclusion,
        claim: &Claim,
        seen: Option<RecordVersion>,
    ) -> Result<Attempt, SyncError> {
        let mut base: BTreeMap<Field, BasePair> = self.settled.clone();
        base.extend(conclusion.base.clone());
        let link = incident.links.get(self.id());
        let owed = self.owed_others(incident, !conclusion.pulls.is_empty());
        let conflicts = self.conflicts(incident, record, plan, conclusion).await?;
        let settled = self.settled.keys().cloned();
        let mut outcomes: BTreeMap<_, _> = settled.map(|f| (f, FieldOutcome::Settled)).collect();
        outcomes.extend(conclusion.outcomes.clone());
        let commit = Commit {
            incident,
            integration: self.id(),
            base,
            pulls: conclusion.pulls.clone(),
            notices: conclusion.notices.clone(),
            // An older read than the answer to our write would show what was there before.
            record_version: seen.map_or(record.version, |seen| seen.max(record.version)),
            owed: owed.await?,
            reviews: conflicts.reviews,
            conflicts: conflicts.items,
            outcome: self.outcome(claim, outcomes),
            notes: None,
            keeps_debt: link.is_some_and(|link| self.notes_are_due(incident, link)),
            propagated: self.propagated(incident, conclusion),
            now: self.now(),
        };
        let stored = self.store().commit(&commit).await?;
        let conflicts = commit.conflicts;
        if stored == Attempt::Done {
            self.done.conflicts += conflicts.len();
            for conflict in conflicts {
                if conflict.version == 1 && conflict.status == ConflictStatus::Pending {
                    let announcement = Announcement::ConflictPending(Box::new(conflict));
                    announcement.tell(self.engine.announcer.as_ref()).await;
                }
            }
        }
        Ok(stored)
    }

    /// How long the edits took that are where they should be with this.
    fn propagated(&self, incident: &Incident, conclusion: &Conclusion) -> Propagated {
        let pulled = conclusion.pulls.values().map(|pulled| pulled.changed_at);
        let written = conclusion.outcomes.iter().filter_map(|(field, outcome)| {
            let is_there = *outcome == FieldOutcome::Written;
            let state = incident.fields.get(field).filter(|_| is_there)?;
            Some(state.changed_at)
        });
        self.arrived(pulled.min(), written.min())
    }

    /// What was edited then on either side has arrived on the other. Reconciliations bring what was lost: how old that is says
    /// nothing of how long syncing takes.
    pub(super) fn arrived(
        &self,
        at_the_vendor: Option<Timestamp>,
        here: Option<Timestamp>,
    ) -> Propagated {
        let now = self.now();
        let is_measured = !matches!(self.job.cause, Cause::Run { .. });
        let took = |edited_at: Option<Timestamp>| {
            let edited_at = edited_at.filter(|_| is_measured)?;
            Some(Propagated::since(edited_at, now))
        };
        let budget = self.engine.memory.budget(self.id(), now);
        Propagated {
            at: now,
            inbound: took(at_the_vendor),
            outbound: took(here),
            headroom: budget.map(|budget| budget.headroom()),
        }
    }

    /// What came of a claim.
    pub(super) fn outcome(
        &self,
        claim: &Claim,
        fields: BTreeMap<Field, FieldOutcome>,
    ) -> ClaimOutcome {
        ClaimOutcome {
            link_version: claim.link_version,
            attempt: claim.attempt,
            at: self.now(),
            fields,
        }
    }

    /// Who is to hear of news: every other link, and every other integration that sends.
    pub(super) async fn owed_others(
        &self,
        incident: &Incident,
        news: bool,
    ) -> Result<BTreeSet<IntegrationId>, SyncError> {
        if !news {
            return Ok(BTreeSet::new());
        }
        let organization = &incident.organization;
        let mut owed = self.engine.integrations.owed_by(organization).await?;
        owed.extend(incident.links.keys().cloned());
        owed.remove(self.id());
        Ok(owed)
    }
}

/// Does the answer show that somebody changed a field that we did not write, after we read it?
fn differs(read: &ExternalRecord, answer: &ExternalRecord, plan: &Plan) -> bool {
    answer.fields.iter().any(|(field, now)| {
        let pushed = plan
            .decisions
            .get(field)
            .is_some_and(|decision| matches!(decision.action, Action::Push { .. }));
        !pushed
            && read
                .fields
                .get(field)
                .is_some_and(|before| before.value != now.value)
    })
}
