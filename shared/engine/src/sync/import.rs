//! A record that belongs to no incident yet: adopt it, or make an incident of it.

use std::collections::BTreeMap;

use im_model::{
    BasePair, ClaimOutcome, ExternalId, ExternalRecord, Field, FieldOutcome, FieldState, Incident,
    IncidentId, Link, LinkState, Origin, PlatformValue, Side,
};
use im_sync::{Action, Decision, Facts, Pulled, Rule, Subject, seed_incident};
use im_vendors::{VendorError, VendorErrorKind};

use super::{
    Outcome,
    worker::{Pass, Worker},
};
use crate::{
    Claim, CreationOrigin, JournalEntry, NewIncident, SyncError, pace::lane, ports::Attempt,
};

impl Worker<'_> {
    pub(super) async fn unknown_record(&mut self, id: &ExternalId) -> Result<Pass, SyncError> {
        self.permit
            .admit(&self.integration, lane::OF_NO_INCIDENT)
            .await?;
        let record = match self.read(id).await {
            Ok(record) => record,
            // Announced a moment ago, and perhaps not everywhere yet.
            Err(SyncError::Vendor(VendorError {
                kind: VendorErrorKind::NotFound,
                ..
            })) if !self.job.waited => {
                return Err(SyncError::NotThere {
                    external_id: id.clone(),
                });
            }
            Err(SyncError::Vendor(VendorError {
                kind: VendorErrorKind::NotFound,
                ..
            })) => {
                return Ok(Pass::Finished(Outcome::Skipped(
                    "the record does not exist",
                )));
            }
            Err(error) => return Err(error),
        };
        self.refuse_stale(&record, None)?;
        if let Some(incident) = &record.correlation
            && let Some(pass) = self.correlated(incident, &record).await?
        {
            return Ok(pass);
        }
        let facts = || Facts::of_record(&record, &self.rules);
        let held_back = if !self.integration.direction.allows_inbound() {
            "the direction lets nothing in"
        } else if !self.is_triggered(Subject::Record, facts)? {
            "the inbound trigger does not hold"
        } else {
            return self.import(&record).await;
        };
        if self.has_other_rules().await? {
            return Ok(Pass::Again);
        }
        Ok(Pass::Finished(Outcome::Skipped(held_back)))
    }

    /// The record carries the id of an incident: its "created" webhook often arrives before the vendor's answer to us.
    async fn correlated(
        &mut self,
        incident: &IncidentId,
        record: &ExternalRecord,
    ) -> Result<Option<Pass>, SyncError> {
        let Some(incident) = self.store().load(incident).await? else {
            return Ok(None);
        };
        if incident.organization != self.integration.organization {
            return Ok(None);
        }
        match incident.links.get(self.id()) {
            Some(Link {
                state: LinkState::Unlinked { .. },
                ..
            }) => Ok(Some(Pass::Finished(Outcome::Skipped(
                "it was unlinked by hand",
            )))),
            Some(link) => match link.external_id() {
                None => self
                    .reserved(incident, Some(record.clone()))
                    .await
                    .map(Some),
                Some(linked) if *linked == record.id => Ok(Some(Pass::Again)),
                Some(linked) => Err(SyncError::Duplicate {
                    detail: format!(
                        "{} carries the id of {}, which is linked to {linked}; close one of the two",
                        record.id, incident.id
                    ),
                }),
            },
            // Ours once, and linked no more: link it again, with no base to go by.
            None => {
                let link = Link::new(0, LinkState::Reserved, Side::External);
                self.done.adopted = Some(record.id.clone());
                self.connect(&incident, link, record).await.map(Some)
            }
        }
    }

    async fn import(&mut self, record: &ExternalRecord) -> Result<Pass, SyncError> {
        let now = self.now();
        let (values, base, notices) = seed_incident(record, &self.rules, now);
        let id = IncidentId::from_ulid(self.engine.ids.ulid(now));
        let entry = self.imported(&id, record, &values, &base);
        let outcomes = base.keys().map(|field| {
            let is_taken = values.contains_key(field);
            let outcome = if is_taken {
                FieldOutcome::Pulled
            } else {
                FieldOutcome::Kept
            };
            (field.clone(), outcome)
        });
        let outcomes = outcomes.collect();
        let fields = values.into_iter().map(|(field, pulled)| {
            let state = FieldState {
                value: pulled.value,
                version: 1,
                changed_at: pulled.changed_at,
                origin: Origin::External {
                    integration: self.id().clone(),
                    author: pulled.author.or_else(|| self.author()),
                },
            };
            (field, state)
        });
        let state = LinkState::Linked {
            external_id: record.id.clone(),
            url: record.url.clone(),
        };
        let link = Link {
            record_version: Some(record.version),
            outcome: Some(ClaimOutcome {
                link_version: 0,
                attempt: 1,
                at: now,
                fields: outcomes,
            }),
            moved: base.keys().map(|field| (field.clone(), 0)).collect(),
            base,
            notices,
            ..Link::new(1, state, Side::External)
        };
        let mut owed = self
            .engine
            .integrations
            .owed_by(&self.integration.organization)
            .await?;
        owed.remove(self.id());
        let incident = Incident {
            id: id.clone(),
            organization: self.integration.organization.clone(),
            created_at: now,
            revision: 1,
            fields: fields.collect(),
            links: BTreeMap::from([(self.id().clone(), link)]),
            pending: owed
                .into_iter()
                .map(|integration| (integration, 1))
                .collect(),
            notes: 0,
            dead: BTreeMap::new(),
        };
        let new = NewIncident {
            incident,
            entry: JournalEntry::Claim(Box::new(entry)),
            origin: CreationOrigin::Record(self.id().clone(), record.id.clone()),
        };
        match self.store().create(&new).await? {
            Attempt::LostRace => Ok(Pass::Again),
            // A record that was changed since it was created may have notes already.
            Attempt::Done if self.notes_announced || record.updated_at > record.created_at => {
                self.notes_announced = true;
                self.done.imported = Some(id);
                Ok(Pass::Again)
            }
            Attempt::Done => Ok(Pass::Finished(Outcome::Imported(id))),
        }
    }

    /// What the journal says of an import: a claim on the version before the first.
    fn imported(
        &self,
        id: &IncidentId,
        record: &ExternalRecord,
        values: &BTreeMap<Field, Pulled>,
        base: &BTreeMap<Field, BasePair>,
    ) -> Claim {
        let why = "the incident is made of the record, with all that is mapped";
        let decision = |field: &Field| {
            let observed = record.fields.get(field)?;
            let action = match values.get(field) {
                Some(pulled) => Action::Pull {
                    value: pulled.value.clone(),
                    changed_at: pulled.changed_at,
                    author: pulled.author.clone(),
                },
                None => Action::Rebase,
            };
            let external = observed.value.clone();
            let decision = Decision::new(Rule::NoBase, action, PlatformValue::EMPTY, external, why);
            Some((field.clone(), decision))
        };
        let now = self.now();
        Claim {
            incident: id.clone(),
            integration: self.id().clone(),
            link_version: 0,
            attempt: 1,
            worker: self.id.clone(),
            claimed_at: now,
            read_at: None,
            lease_until: now,
            cause: self.cause(),
            record_version: Some(record.version),
            sent: BTreeMap::new(),
            settled: BTreeMap::new(),
            notes: Vec::new(),
            previous: None,
            decisions: base.keys().filter_map(decision).collect(),
        }
    }
}
