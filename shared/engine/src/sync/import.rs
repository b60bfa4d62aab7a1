//! A record that belongs to no incident yet: adopt it, or make an incident of it.

use std::collections::BTreeMap;

use im_model::{
    ExternalId, ExternalRecord, FieldState, Incident, IncidentId, Link, LinkState, Origin, Side,
};
use im_sync::seed_incident;
use im_vendors::{VendorError, VendorErrorKind};

use super::{
    Outcome,
    worker::{Pass, Worker},
};
use crate::{CreationOrigin, NewIncident, SyncError, ports::Attempt};

impl Worker<'_> {
    pub(super) async fn unknown_record(&mut self, id: &ExternalId) -> Result<Pass, SyncError> {
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
        if !self.integration.direction.allows_inbound() {
            return Ok(Pass::Finished(Outcome::Skipped(
                "the direction lets nothing in",
            )));
        }
        self.import(&record).await
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
        };
        let new = NewIncident {
            incident,
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
}
