//! One worker on one link: its passes, what it reads, and its claims.

use std::collections::BTreeMap;

use im_model::{
    ActorId, BasePair, ChangeTime, DeadLetterId, ExternalId, ExternalRecord, Field, Incident,
    IncidentId, Integration, IntegrationId, LinkState, Ownable, RecordVersion, TimeSource,
};
use im_sync::{Decision, LinkRules};
use im_vendors::{Connection, Credentials, VendorApi};
use jiff::Timestamp;

use super::{SyncEngine, listed::Refused, span::SyncSpan};
use crate::{
    Claim, Hint, Job, Outcome, StoreError, SyncError, Synced,
    pace::{Permit, lane},
    ports::{Attempt, IncidentStore},
};

/// What a worker has moved so far, over all its restarts.
#[derive(Default)]
pub(super) struct Done {
    pub(super) pushed: Vec<Field>,
    pub(super) pulled: Vec<Field>,
    pub(super) created: Option<ExternalId>,
    pub(super) adopted: Option<ExternalId>,
    pub(super) failed: BTreeMap<Ownable, String>,
    pub(super) imported: Option<IncidentId>,
    pub(super) notes_sent: usize,
    pub(super) notes_imported: usize,
    pub(super) conflicts: usize,
}

/// One worker on one link.
pub(super) struct Worker<'a> {
    pub(super) engine: &'a SyncEngine,
    pub(super) permit: &'a Permit<'a>,
    pub(super) span: &'a SyncSpan,
    pub(super) vendor: &'static dyn VendorApi,
    pub(super) integration: Integration,
    pub(super) rules: LinkRules,
    pub(super) credentials: Credentials,
    pub(super) id: String,
    pub(super) job: &'a Job,
    /// What this worker's own writes, and dead workers' claims, turned out to have written: base in all but the store.
    pub(super) settled: BTreeMap<Field, BasePair>,
    /// The decisions that those writes carried out: a conflict among them is still to be recorded.
    pub(super) carried_out: BTreeMap<Field, Decision>,
    /// Of which version of the link that holds: whoever has raised it since has settled its claims, too.
    pub(super) settled_version: u64,
    /// The vendor's notes may have changed and were not looked at yet.
    pub(super) notes_announced: bool,
    /// What the vendor refused before was tried again.
    pub(super) insisted: bool,
    /// What this worker's writes took the place of: it is in the journal, and not yet on the link.
    pub(super) lost: BTreeMap<Field, Decision>,
    /// The link's dead letter, if it has one.
    pub(super) dead: Option<DeadLetterId>,
    /// What is known to be refused on the link, where it has no dead letter.
    pub(super) refused: Option<Refused>,
    /// The record that this worker has created and not connected yet.
    pub(super) created: Option<ExternalRecord>,
    pub(super) done: Done,
}

/// What one pass came to.
pub(super) enum Pass {
    Finished(Outcome),
    /// Somebody was faster, or there is more to do: load again.
    Again,
}

impl Worker<'_> {
    pub(super) async fn run(&mut self, image: Option<Incident>) -> Result<Outcome, SyncError> {
        let mut image = image;
        for _ in 0..SyncEngine::MOST_RACES {
            match self.pass(image.take()).await? {
                Pass::Finished(outcome) => {
                    if outcome == Outcome::NothingNew {
                        self.list_refused().await?;
                    }
                    return self.finished(outcome);
                }
                Pass::Again => {}
            }
        }
        Err(SyncError::TooManyRaces(SyncEngine::MOST_RACES))
    }

    pub(super) fn finished(&mut self, outcome: Outcome) -> Result<Outcome, SyncError> {
        let done = std::mem::take(&mut self.done);
        if !done.failed.is_empty() {
            return Err(SyncError::Fields(done.failed));
        }
        if outcome != Outcome::NothingNew {
            return Ok(outcome);
        }
        Ok(match done {
            Done {
                created: Some(id), ..
            } => Outcome::Created(id),
            Done {
                adopted: Some(id), ..
            } => Outcome::Adopted(id),
            Done {
                imported: Some(id), ..
            } => Outcome::Imported(id),
            done => {
                let synced = Synced {
                    pushed: done.pushed,
                    pulled: done.pulled,
                    notes_sent: done.notes_sent,
                    notes_imported: done.notes_imported,
                    conflicts: done.conflicts,
                };
                if synced == Synced::default() {
                    Outcome::NothingNew
                } else {
                    Outcome::Synced(synced)
                }
            }
        })
    }

    pub(super) async fn pass(&mut self, image: Option<Incident>) -> Result<Pass, SyncError> {
        match &self.job.hint {
            Hint::Incident { incident, .. } => {
                let loaded = match image {
                    Some(image) => Some(image),
                    None => self.store().load(incident).await?,
                };
                match loaded {
                    Some(incident) => self.incident(incident).await,
                    None => Ok(Pass::Finished(Outcome::Skipped(
                        "the incident does not exist",
                    ))),
                }
            }
            Hint::External { external_id, .. } => {
                match self
                    .store()
                    .incident_of(&self.integration.id, external_id)
                    .await?
                {
                    Some(id) => self.known_record(&id).await,
                    None => self.unknown_record(external_id).await,
                }
            }
        }
    }

    pub(super) async fn known_record(&mut self, id: &IncidentId) -> Result<Pass, SyncError> {
        let Some(incident) = self.store().load(id).await? else {
            return Ok(Pass::Finished(Outcome::Skipped(
                "the incident does not exist",
            )));
        };
        if !incident.links.contains_key(&self.integration.id) {
            return Ok(Pass::Finished(Outcome::Skipped("the record was unlinked")));
        }
        self.incident(incident).await
    }

    /// An incident that is loaded: sync its link, or make one.
    pub(super) async fn incident(&mut self, incident: Incident) -> Result<Pass, SyncError> {
        self.span.incident(&incident.id);
        let linked = incident.links.get(&self.integration.id);
        if let Some(record) = linked.and_then(|link| link.external_id()) {
            self.span.external(record);
        }
        let dead = incident.dead.get(&self.integration.id).cloned();
        // What died may have been the word of a note, and whoever succeeds closes the entry: looked for once.
        self.notes_announced |= self.dead.is_none() && dead.is_some();
        self.dead = dead;
        self.refused = Refused::of(&incident, self.id());
        let link = incident.links.get(&self.integration.id);
        if link.is_some_and(|link| matches!(link.state, LinkState::Unlinked { .. })) {
            let why = "it was unlinked by hand";
            return self.nothing_owed(&incident, why).await;
        }
        let severity = lane::of_incident(&incident);
        self.permit.admit(&self.integration, severity).await?;
        match link {
            Some(link) if link.external_id().is_some() => self.linked(incident).await,
            Some(_) => self.reserved(incident, self.created.clone()).await,
            None => self.unlinked(incident).await,
        }
    }

    pub(super) async fn read(&self, id: &ExternalId) -> Result<ExternalRecord, SyncError> {
        let mut record = self.vendor.read(self.connection(), id).await?;
        self.add_announced(&mut record);
        if record.merged_into.is_some() {
            // Resolved by the merge, and by nobody who has ended the incident.
            record.fields.remove(&Field::Status);
        }
        Ok(record)
    }

    /// A webhook knows when a field changed, to the millisecond, and who did it. A later change than the announced one
    /// has a time and an author of its own.
    pub(super) fn add_announced(&self, record: &mut ExternalRecord) {
        let Hint::External {
            changed, author, ..
        } = &self.job.hint
        else {
            return;
        };
        for (field, at) in changed {
            let at = self.connection().our_time(*at);
            let Some(observed) = record.fields.get_mut(field) else {
                continue;
            };
            // A record's times have whole seconds: within the same one the announced time is the exact one.
            let later = observed
                .changed
                .is_some_and(|known| known.at.as_second() > at.as_second());
            let anothers =
                observed.author.is_some() && author.is_some() && observed.author != *author;
            if !later && !anothers {
                observed.changed = Some(ChangeTime {
                    at,
                    source: TimeSource::Webhook,
                });
                observed.author = author.clone().or(observed.author.take());
            }
        }
    }

    /// A read older than what is known to exist is no news: it is discarded (design section 2).
    pub(super) fn refuse_stale(
        &self,
        record: &ExternalRecord,
        known: Option<RecordVersion>,
    ) -> Result<(), SyncError> {
        let announced = match &self.job.hint {
            Hint::External {
                at_least,
                external_id,
                ..
            } if *external_id == record.id && !self.job.waited => *at_least,
            _ => None,
        };
        match announced.max(known) {
            Some(known) if record.version < known => Err(SyncError::Stale {
                external_id: record.id.clone(),
                read: record.version,
                known,
            }),
            _ => Ok(()),
        }
    }

    pub(super) async fn log_in_anew(&mut self) -> Result<(), StoreError> {
        let secret_id = &self.integration.secret_id;
        let fresh = self.engine.credentials.fetch(secret_id).await?;
        self.credentials = fresh.map(|fresh| fresh.current.clone()).unwrap_or_default();
        Ok(())
    }

    pub(super) fn connection(&self) -> Connection<'_> {
        self.engine.connection(&self.integration, &self.credentials)
    }

    /// A claim of this worker on a version of the link.
    pub(super) fn new_claim(&self, incident: &Incident, link_version: u64, attempt: u32) -> Claim {
        let now = self.now();
        Claim {
            incident: incident.id.clone(),
            integration: self.integration.id.clone(),
            link_version,
            attempt,
            worker: self.id.clone(),
            claimed_at: now,
            read_at: None,
            lease_until: now + SyncEngine::lease(&*self.engine.clock),
            cause: self.cause(),
            record_version: None,
            sent: BTreeMap::new(),
            settled: self.settled.clone(),
            notes: Vec::new(),
            previous: incident
                .links
                .get(self.id())
                .and_then(|link| link.outcome.clone()),
            decisions: BTreeMap::new(),
        }
    }

    /// Puts a claim, as attempt 1 or after those before it: one's own, or dead ones whose lease is over.
    pub(super) async fn put_claim(&self, claim: &mut Claim) -> Result<Claimed, StoreError> {
        if self.store().claim(claim).await? == Attempt::Done {
            return Ok(Claimed::Won);
        }
        let last = self
            .store()
            .last_claim(&claim.incident, &claim.integration, claim.link_version)
            .await?;
        let Some(last) = last else {
            return Ok(Claimed::Again);
        };
        if last.worker != self.id && self.now() < last.lease_until {
            return Ok(Claimed::Held(Box::new(last)));
        }
        if last.worker != self.id {
            return Ok(Claimed::Abandoned(Box::new(last)));
        }
        claim.attempt = last.attempt + 1;
        let won = self.store().claim(claim).await?;
        Ok(if won == Attempt::Done {
            Claimed::Won
        } else {
            Claimed::Again
        })
    }

    pub(super) fn cause(&self) -> String {
        match &self.job.cause {
            crate::Cause::Delivery { key, also } if also.is_empty() => format!("delivery {key}"),
            crate::Cause::Delivery { key, also } => {
                format!("delivery {key} and {} more", also.len())
            }
            crate::Cause::Change => "the incident changed".to_owned(),
            crate::Cause::Recovery => "the vendor answers again".to_owned(),
            crate::Cause::Run { run, .. } => format!("reconciliation {run}"),
            crate::Cause::Person => format!("asked for by a person: {}", self.job.hint),
        }
    }

    pub(super) fn store(&self) -> &dyn IncidentStore {
        self.engine.store.as_ref()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.engine.clock.now()
    }

    pub(super) fn id(&self) -> &IntegrationId {
        &self.integration.id
    }

    pub(super) fn author(&self) -> Option<ActorId> {
        match &self.job.hint {
            Hint::External { author, .. } => author.clone(),
            Hint::Incident { .. } => None,
        }
    }
}

/// What became of a claim.
pub(super) enum Claimed {
    /// The link is ours for a lease.
    Won,
    /// Somebody works on it.
    Held(Box<Claim>),
    /// Somebody worked on it, and its lease is over without a commit.
    Abandoned(Box<Claim>),
    /// Lost a race: load again.
    Again,
}
