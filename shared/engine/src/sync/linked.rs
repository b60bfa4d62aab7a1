//! A link with both ends: plan, claim, write, commit.

use std::collections::BTreeMap;

use im_model::{BasePair, ExternalId, ExternalRecord, Field, Incident, Link};
use im_sync::{Action, ConflictStep, Plan, PlanInput, Sent, plan, settle};
use im_vendors::{VendorError, VendorErrorKind};
use jiff::Timestamp;

use super::{
    Outcome,
    worker::{Claimed, Pass, Worker},
};
use crate::{Claim, SyncError, ports::Attempt};

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
            self.carried_out.clear();
            self.lost.clear();
        }
        // Linked with a record that was there before: nobody announces the notes that it has.
        self.notes_announced |= link.base.is_empty();
        let read_at = self.now();
        let mut record = match self.read_linked(external_id).await {
            Err(SyncError::Vendor(error))
                if error.kind == VendorErrorKind::NotFound && self.job.heals() =>
            {
                let lapse = self.lapse_of_gone(&incident, link)?;
                return self.remedy(&incident, link, &lapse).await;
            }
            read => read?,
        };
        self.refuse_stale(&record, link.record_version)?;
        if self.job.heals()
            && let Some(lapse) = self.lapse(&incident, link, &record).await?
        {
            return self.remedy(&incident, link, &lapse).await;
        }
        self.find_times(&incident, link, &mut record).await?;
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
                return self.notes(&incident, link, &record, read_at).await;
            }
            if !is_news(link, &record) {
                return self.nothing_to_do(&incident).await;
            }
        }
        if self.holds_back(&plan) && self.has_other_rules().await? {
            return Ok(Pass::Again);
        }
        self.work_out(&incident, link, &record, plan, read_at).await
    }

    /// Claims the link for what is planned, and does it. Where the record is news, an empty plan is claimed, too: whoever
    /// read the record before could else still commit what is there no more, and no hint would come any more to mend it.
    pub(super) async fn work_out(
        &mut self,
        incident: &Incident,
        link: &Link,
        record: &ExternalRecord,
        plan: Plan,
        read_at: Timestamp,
    ) -> Result<Pass, SyncError> {
        let mut claim = self.new_claim(incident, link.version, 1);
        claim.read_at = Some(read_at);
        claim.record_version = Some(record.version);
        claim.sent = sent(&plan);
        claim.decisions.clone_from(&plan.decisions);
        match self.put_claim(&mut claim).await? {
            Claimed::Won => self.execute(incident, record, plan, claim).await,
            Claimed::Again => Ok(Pass::Again),
            Claimed::Held(other) => self.held(incident, record, &plan, &other).await,
            Claimed::Abandoned(dead) => self.abandoned(incident, record, &dead).await,
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
        self.planning(incident, link, record, plan)
    }

    /// Hands all that is known of the link's two sides to a function of the plan's.
    pub(super) fn planning<T>(
        &self,
        incident: &Incident,
        link: &Link,
        record: &ExternalRecord,
        of: impl Fn(&PlanInput<'_>) -> T,
    ) -> T {
        let mut base = link.base.clone();
        base.extend(self.settled.clone());
        // A choice whose write has taken effect is no question any more.
        let mut reviews = link.reviews.clone();
        reviews.retain(|field, _| {
            let done = self.carried_out.get(field).map(|done| &done.conflict);
            !matches!(done, Some(Some(ConflictStep::CarryOut { .. })))
        });
        of(&PlanInput {
            base: &base,
            incident,
            external: record,
            rules: &self.rules,
            created_from: link.created_from,
            notices: &link.notices,
            insist: self.job.insist && !self.insisted,
            heals_for: self.job.heals().then_some(&self.integration.id),
            reviews: &reviews,
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
    /// the base themselves, and if they die their own job comes again. Notes are not theirs to look at, and neither is
    /// an edit that they have just overwritten: it is looked for when they are done.
    async fn held(
        &self,
        incident: &Incident,
        record: &ExternalRecord,
        plan: &Plan,
        other: &Claim,
    ) -> Result<Pass, SyncError> {
        let is_theirs = |(field, decision): (&Field, &im_sync::Decision)| {
            decision.action == Action::Rebase
                && other.sent.get(field).is_some_and(|sent| {
                    sent.external == decision.external && sent.platform == decision.platform
                })
        };
        // What they decide without writing it must be there still.
        let is_as_they_saw = |(field, decision): (&Field, &im_sync::Decision)| {
            other.sent.contains_key(field)
                || record
                    .fields
                    .get(field)
                    .is_none_or(|held| held.value == decision.external)
        };
        let owed = incident.pending.contains_key(self.id())
            && matches!(self.job.hint, crate::Hint::Incident { .. });
        if !owed
            && !self.notes_announced
            && self.settled.is_empty()
            && plan.decisions.iter().all(is_theirs)
            && other.decisions.iter().all(is_as_they_saw)
            && !self.announces_another(record, other).await?
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
        let read_at = self.now();
        let mut record = self.read_linked(&record.id).await?;
        self.refuse_stale(&record, Some(first))?;
        let fields = dead.sent.keys();
        let history = self.our_history(&record, fields, dead.claimed_at).await?;
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
        self.take_over_settled(&incident, dead).await?;
        self.settled.extend(halfway);
        let Some(link) = incident.links.get(self.id()) else {
            return Ok(Pass::Again);
        };
        self.find_times(&incident, link, &mut record).await?;
        let plan = self.plan(&incident, link, &record);
        let mut claim = self.new_claim(&incident, dead.link_version, dead.attempt + 1);
        claim.read_at = Some(read_at);
        claim.record_version = Some(record.version);
        claim.sent = sent(&plan);
        claim.decisions.clone_from(&plan.decisions);
        if self.store().claim(&claim).await? == Attempt::LostRace {
            self.settled.clear();
            self.carried_out.clear();
            self.lost.clear();
            return Ok(Pass::Again);
        }
        self.execute(&incident, &record, plan, claim).await
    }
}

pub(super) fn sent(plan: &Plan) -> BTreeMap<Field, Sent> {
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

/// Is the record newer than what the link was last planned on?
pub(super) fn is_news(link: &Link, record: &ExternalRecord) -> bool {
    link.record_version < Some(record.version)
}
