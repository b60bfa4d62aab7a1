//! A link with both ends: plan, claim, write, commit.

use std::collections::{BTreeMap, BTreeSet};

use im_model::{BasePair, ExternalId, ExternalRecord, Field, Incident, IntegrationId, Link};
use im_sync::{Action, Conclusion, Plan, PlanInput, Sent, conclude, plan, settle};
use im_vendors::{VendorError, VendorErrorKind};

use super::{
    Outcome,
    worker::{Claimed, Pass, Worker},
};
use crate::{Claim, Commit, SyncError, ports::Attempt};

impl Worker<'_> {
    pub(super) async fn linked(&mut self, incident: Incident) -> Result<Pass, SyncError> {
        let Some(link) = incident.links.get(self.id()) else {
            return Ok(Pass::Again);
        };
        let Some(external_id) = link.external_id() else {
            return Ok(Pass::Again);
        };
        if link.version != self.settled_version {
            self.settled.clear();
        }
        // Linked with a record that was there before: nobody announces the notes that it has.
        self.notes_announced |= link.base.is_empty();
        let record = self.read_linked(external_id).await?;
        self.refuse_stale(&record, link.record_version)?;
        let mut plan = self.plan(&incident, link, &record);
        for (field, decision) in self.overwritten(&incident, link, &record).await? {
            let about = BasePair::seen(&decision.platform, &decision.external);
            let said = link
                .notices
                .get(&field)
                .is_some_and(|notice| notice.about == about);
            if !said {
                plan.decisions.entry(field).or_insert(decision);
            }
        }
        if plan.is_empty() && self.settled.is_empty() {
            if self.notes_are_due(&incident, link) {
                return self.notes(&incident, link, &record).await;
            }
            return self.nothing_to_do(&incident).await;
        }
        let mut claim = self.new_claim(&incident, link.version, 1);
        claim.record_version = Some(record.version);
        claim.sent = sent(&plan);
        claim.decisions.clone_from(&plan.decisions);
        match self.put_claim(&mut claim).await? {
            Claimed::Won => self.execute(&incident, &record, plan, claim).await,
            Claimed::Again => Ok(Pass::Again),
            Claimed::Held(other) => self.held(&incident, &plan, &other),
            Claimed::Abandoned(dead) => self.abandoned(&incident, &record, &dead).await,
        }
    }

    /// A record that is not there may have been created a moment ago; later it is gone.
    async fn read_linked(&self, id: &ExternalId) -> Result<ExternalRecord, SyncError> {
        match self.read(id).await {
            Err(SyncError::Vendor(VendorError {
                kind: VendorErrorKind::NotFound,
                ..
            })) if !self.job.waited => Err(SyncError::NotThere {
                external_id: id.clone(),
            }),
            result => result,
        }
    }

    fn plan(&self, incident: &Incident, link: &Link, record: &ExternalRecord) -> Plan {
        let mut base = link.base.clone();
        base.extend(self.settled.clone());
        plan(&PlanInput {
            base: &base,
            incident,
            external: record,
            rules: &self.rules,
            created_from: link.created_from,
            notices: &link.notices,
            insist: self.job.insist && !self.insisted,
            reviews: &link.reviews,
            flips: &link.flips,
            now: self.now(),
        })
    }

    /// Hints with nothing new end here, and so does a debt that turned out to be none.
    pub(super) async fn nothing_to_do(&mut self, incident: &Incident) -> Result<Pass, SyncError> {
        if incident.pending.contains_key(self.id())
            && self.store().settle_debt(incident, self.id()).await? == Attempt::LostRace
        {
            return Ok(Pass::Again);
        }
        Ok(Pass::Finished(Outcome::NothingNew))
    }

    /// Somebody else works on the link. If all that we saw is what they are writing, that was their echo: they move
    /// the base themselves, and if they die their own job comes again. Notes are not theirs to look at.
    fn held(&self, incident: &Incident, plan: &Plan, other: &Claim) -> Result<Pass, SyncError> {
        let is_theirs = |(field, decision): (&Field, &im_sync::Decision)| {
            decision.action == Action::Rebase
                && other.sent.get(field).is_some_and(|sent| {
                    sent.external == decision.external && sent.platform == decision.platform
                })
        };
        let owed = incident.pending.contains_key(self.id())
            && matches!(self.job.hint, crate::Hint::Incident { .. });
        if !owed
            && !self.notes_announced
            && self.settled.is_empty()
            && plan.decisions.iter().all(is_theirs)
        {
            return Ok(Pass::Finished(Outcome::NothingNew));
        }
        Err(SyncError::Busy {
            until: other.lease_until,
        })
    }

    /// A worker died between its claim and its commit. If the link has moved on since we loaded it, it did not die.
    pub(super) async fn abandoned(
        &mut self,
        seen: &Incident,
        record: &ExternalRecord,
        dead: &Claim,
    ) -> Result<Pass, SyncError> {
        let Some(incident) = self.store().load(&seen.id).await? else {
            return Ok(Pass::Again);
        };
        let version = |incident: &Incident| incident.links.get(self.id()).map(|link| link.version);
        if version(&incident) != version(seen) {
            return Ok(Pass::Again);
        }
        // Read after the claim's lease: whatever its worker did is done by now, if the vendor shows it.
        let first = record.version;
        let record = self.read_linked(&record.id).await?;
        self.refuse_stale(&record, Some(first))?;
        let history = self
            .history(&record, dead.sent.keys(), dead.claimed_at)
            .await?;
        self.settled_version = dead.link_version;
        for (field, pair) in &dead.settled {
            self.settled.entry(field.clone()).or_insert(*pair);
        }
        let took_effect = settle(&dead.sent, &record, &history, dead.claimed_at);
        let mut broken_off = dead.sent.clone();
        broken_off.retain(|field, _| !took_effect.contains_key(field));
        let halfway = self.halfway(&incident, &record, &broken_off, dead.claimed_at);
        let halfway = halfway.await?;
        self.settled.extend(took_effect);
        self.settled.extend(halfway);
        let Some(link) = incident.links.get(self.id()) else {
            return Ok(Pass::Again);
        };
        let plan = self.plan(&incident, link, &record);
        let mut claim = self.new_claim(&incident, dead.link_version, dead.attempt + 1);
        claim.record_version = Some(record.version);
        claim.sent = sent(&plan);
        claim.decisions.clone_from(&plan.decisions);
        if self.store().claim(&claim).await? == Attempt::LostRace {
            self.settled.clear();
            return Ok(Pass::Again);
        }
        self.execute(&incident, &record, plan, claim).await
    }

    /// The claim is ours: write what the plan says, then commit what came of it.
    async fn execute(
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
        let lost = match &answer.record {
            Some(after) => {
                self.skipped_over(incident, record, after, &plan, began)
                    .await?
            }
            None => BTreeMap::new(),
        };
        // In the journal before anything else: nobody may find it a second time.
        self.record_lost(claim, &lost).await?;
        let differing = answer.differing(&plan);
        if !differing.is_empty() {
            // Overruled by the vendor, or changed by somebody right after us? Its history knows.
            let history = self.history(record, differing.iter(), began).await?;
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
        // The version is that of the read: what others wrote between read and write is not planned yet.
        let committed = self.commit(incident, record, &conclusion).await?;
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
            self.settled.extend(pairs);
            self.settled.extend(halfway);
            self.settled_version = link_version;
            return Ok(Pass::Again);
        }
        self.done.pushed.extend(pushed.cloned());
        self.done.pulled.extend(conclusion.pulls.keys().cloned());
        let failed = conclusion.failed.into_iter();
        self.done
            .failed
            .extend(failed.map(|(field, why)| (field.into(), why)));
        self.settled.clear();
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
        &self,
        incident: &Incident,
        record: &ExternalRecord,
        conclusion: &Conclusion,
    ) -> Result<Attempt, SyncError> {
        let mut base: BTreeMap<Field, BasePair> = self.settled.clone();
        base.extend(conclusion.base.clone());
        let link = incident.links.get(self.id());
        let owed = self.owed_others(incident, !conclusion.pulls.is_empty());
        let commit = Commit {
            incident,
            integration: self.id(),
            base,
            pulls: conclusion.pulls.clone(),
            notices: conclusion.notices.clone(),
            record_version: record.version,
            owed: owed.await?,
            notes: None,
            keeps_debt: link.is_some_and(|link| self.notes_are_due(incident, link)),
            now: self.now(),
        };
        Ok(self.store().commit(&commit).await?)
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

fn sent(plan: &Plan) -> BTreeMap<Field, Sent> {
    let sent = |(field, decision): (&Field, &im_sync::Decision)| match &decision.action {
        Action::Push { value } => {
            let platform = decision.platform.clone();
            Some((
                field.clone(),
                Sent {
                    platform,
                    external: value.clone(),
                },
            ))
        }
        _ => None,
    };
    plan.decisions.iter().filter_map(sent).collect()
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
