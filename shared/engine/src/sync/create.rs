//! An incident that has no record at the vendor yet (design section 4): reserve, create, connect.

use std::collections::BTreeSet;

use im_model::{ClaimOutcome, ExternalRecord, FieldOutcome, Incident, Link, LinkState, Side};
use im_sync::{Facts, PlanInput, Subject, plan};
use im_vendors::VendorErrorKind;

use super::{
    Outcome,
    worker::{Claimed, Pass, Worker},
};
use crate::{Connect, Reserve, SyncError, ports::Attempt};

impl Worker<'_> {
    /// No link: make one, if the incident is to be sent.
    pub(super) async fn unlinked(&mut self, incident: Incident) -> Result<Pass, SyncError> {
        if self.integration.direction.allows_outbound()
            && !self.is_triggered(Subject::Incident, || Facts::of_incident(&incident))?
        {
            if self.has_other_rules().await? {
                return Ok(Pass::Again);
            }
            let why = "the outbound trigger does not hold";
            return self.nothing_owed(&incident, why).await;
        }
        self.reserve_and_create(&incident, 0).await
    }

    pub(super) async fn nothing_owed(
        &mut self,
        incident: &Incident,
        why: &'static str,
    ) -> Result<Pass, SyncError> {
        if incident.pending.contains_key(self.id())
            && self.store().settle_debt(incident, self.id()).await? == Attempt::LostRace
        {
            return Ok(Pass::Again);
        }
        Ok(Pass::Finished(Outcome::Skipped(why)))
    }

    /// Reserved by somebody: if its worker is gone, find out whether the vendor has the record. `found` is the record
    /// where the vendor itself announced it.
    pub(super) async fn reserved(
        &mut self,
        incident: Incident,
        found: Option<ExternalRecord>,
    ) -> Result<Pass, SyncError> {
        let Some(link) = incident.links.get(self.id()) else {
            return Ok(Pass::Again);
        };
        let mut claim = self.new_claim(&incident, link.version, 1);
        claim.record_version = found.as_ref().map(|record| record.version);
        match self.put_claim(&mut claim).await? {
            Claimed::Won => {}
            Claimed::Again => return Ok(Pass::Again),
            Claimed::Held(other) => {
                return Err(SyncError::Busy {
                    until: other.lease_until,
                });
            }
            Claimed::Abandoned(dead) => {
                claim.attempt = dead.attempt + 1;
                claim.settled = dead.settled;
                if self.store().claim(&claim).await? == Attempt::LostRace {
                    return Ok(Pass::Again);
                }
            }
        }
        let found = match found {
            Some(found) => Some(found),
            None => self.find(&incident).await?,
        };
        match found {
            Some(record) => self.adopt(&incident, &record).await,
            None => self.reserve_and_create(&incident, link.version).await,
        }
    }

    /// The record that an earlier attempt created, if there is one. The oldest, if a late commit made two.
    async fn find(&self, incident: &Incident) -> Result<Option<ExternalRecord>, SyncError> {
        let found = self.vendor.find(self.connection(), &incident.id).await?;
        if found.len() > 1 {
            let ids: Vec<_> = found.iter().map(|record| record.id.as_str()).collect();
            tracing::warn!(incident = %incident.id, records = ids.join(","), "duplicate records");
        }
        Ok(found.into_iter().next())
    }

    pub(super) async fn reserve_and_create(
        &mut self,
        incident: &Incident,
        replaces: u64,
    ) -> Result<Pass, SyncError> {
        if !self.integration.direction.allows_outbound() {
            if self.has_other_rules().await? {
                return Ok(Pass::Again);
            }
            return self
                .nothing_owed(incident, "the direction lets nothing out")
                .await;
        }
        let draft = self.draft(incident).await?;
        let base = self.base_of_creation(incident, &draft.sent);
        let link = Link {
            moved: base.keys().map(|f| (f.clone(), replaces + 1)).collect(),
            base,
            notices: draft.notices.clone(),
            ..Link::new(replaces + 1, LinkState::Reserved, Side::Platform)
        };
        let fields: BTreeSet<_> = link.base.keys().cloned().collect();
        let reserve = Reserve {
            incident,
            integration: self.id(),
            link: link.clone(),
            fields,
        };
        if self.store().reserve(&reserve).await? == Attempt::LostRace {
            return Ok(Pass::Again);
        }
        let mut claim = self.new_claim(incident, link.version, 1);
        claim.sent.clone_from(&draft.sent);
        claim.decisions = self.implied_decisions(incident, &draft.sent);
        match self.put_claim(&mut claim).await? {
            Claimed::Won => {}
            Claimed::Held(other) => {
                return Err(SyncError::Busy {
                    until: other.lease_until,
                });
            }
            Claimed::Abandoned(_) | Claimed::Again => return Ok(Pass::Again),
        }
        let mut link = link;
        let record = match self
            .vendor
            .create(self.connection(), &incident.id, &draft.values)
            .await
        {
            Ok(written) => {
                self.read_back(incident, &mut link, &draft, &written);
                written.record
            }
            // Perhaps because the record is there already: `PagerDuty` refuses an open key with a 400 (FACTS).
            Err(error) if matches!(error.kind, VendorErrorKind::Refused { .. }) => {
                match self.find(incident).await? {
                    Some(record) => record,
                    None => return Err(error.into()),
                }
            }
            Err(error) => return Err(error.into()),
        };
        self.done.created = Some(record.id.clone());
        // If the connection loses a race, there is no need to search for what is in our hands.
        self.created = Some(record.clone());
        self.connect(incident, link, &record).await
    }

    async fn adopt(
        &mut self,
        incident: &Incident,
        record: &ExternalRecord,
    ) -> Result<Pass, SyncError> {
        let Some(link) = incident.links.get(self.id()) else {
            return Ok(Pass::Again);
        };
        self.done.adopted = Some(record.id.clone());
        let found = link.base.keys().cloned();
        let outcome = ClaimOutcome {
            link_version: link.version,
            attempt: 1,
            at: self.now(),
            fields: found.map(|f| (f, FieldOutcome::Settled)).collect(),
        };
        // The base is what the reservation sent, not what the record holds by now: an edit made meanwhile is a change.
        let link = Link {
            outcome: Some(outcome),
            ..link.clone()
        };
        self.connect(incident, link, record).await
    }

    /// Links incident and record in one transaction.
    pub(super) async fn connect(
        &mut self,
        incident: &Incident,
        reserved: Link,
        record: &ExternalRecord,
    ) -> Result<Pass, SyncError> {
        let link = Link {
            version: reserved.version + 1,
            state: LinkState::Linked {
                external_id: record.id.clone(),
                url: record.url.clone(),
            },
            // Nothing of the record is planned yet but what the base says.
            record_version: None,
            ..reserved
        };
        let follow_up = plan(&PlanInput {
            base: &link.base,
            incident,
            external: record,
            rules: &self.rules,
            created_from: link.created_from,
            notices: &link.notices,
            insist: false,
            heals_for: None,
            reviews: &link.reviews,
            flips: &link.flips,
            now: self.now(),
        });
        let is_all = follow_up.is_empty() && !self.notes_are_due(incident, &link);
        let link = Link {
            record_version: is_all.then_some(record.version),
            ..link
        };
        let connect = Connect {
            incident,
            integration: self.id(),
            link,
            external_id: record.id.clone(),
            settles_debt: is_all,
        };
        if self.store().connect(&connect).await? == Attempt::LostRace {
            return self.lost_connection(incident, record).await;
        }
        self.created = None;
        if is_all {
            return Ok(Pass::Finished(Outcome::NothingNew));
        }
        Ok(Pass::Again)
    }

    /// Either the link moved on, which the next load shows, or the record belongs to another incident.
    async fn lost_connection(
        &mut self,
        incident: &Incident,
        record: &ExternalRecord,
    ) -> Result<Pass, SyncError> {
        match self.store().incident_of(self.id(), &record.id).await? {
            Some(other) if other != incident.id => Err(SyncError::Duplicate {
                detail: format!(
                    "{} carries the id of {} but is linked to {other}; unlink one of them",
                    record.id, incident.id
                ),
            }),
            _ => Ok(Pass::Again),
        }
    }
}
