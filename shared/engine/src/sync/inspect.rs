//! What a sync that heals would do to a link: the same load, read and plan, and nothing is written anywhere.

use im_model::{
    BaseValues, DriftItem, DriftKind, ExternalId, ExternalRecord, Field, Incident, Link, LinkState,
    Note, ProposedAction, Side,
};
use im_sync::{Action, Decision, Facts, NotesInput, Subject, Unhealed, plan_notes, unhealed};
use im_vendors::{VendorError, VendorErrorKind};

use super::{
    lapsed::{Lapse, Remedy},
    worker::Worker,
};
use crate::{Hint, SyncError};

/// What is found where a sync would begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Inspection {
    /// Somebody is at it, or it is on its way: no drift.
    InProgress,
    /// What a sync would heal, or report; empty if all is as it should be.
    Found(Vec<DriftItem>),
}

impl Inspection {
    const NOTHING: Self = Self::Found(Vec::new());
}

impl Worker<'_> {
    /// Looks at what the job's hint names.
    pub(super) async fn inspect(&mut self) -> Result<Inspection, SyncError> {
        let hint = self.job.hint.clone();
        match &hint {
            Hint::Incident { incident, .. } => match self.store().load(incident).await? {
                Some(incident) => self.inspect_incident(&incident).await,
                None => Ok(Inspection::NOTHING),
            },
            Hint::External { external_id, .. } => {
                let owner = self.store().incident_of(self.id(), external_id).await?;
                let incident = match &owner {
                    Some(owner) => self.store().load(owner).await?,
                    None => None,
                };
                match incident {
                    Some(incident) => self.inspect_incident(&incident).await,
                    None => self.inspect_record(external_id).await,
                }
            }
        }
    }

    async fn inspect_incident(&mut self, incident: &Incident) -> Result<Inspection, SyncError> {
        let link = incident.links.get(self.id());
        let is_dead = incident.dead.contains_key(self.id());
        if incident.pending.contains_key(self.id()) && !is_dead {
            return Ok(Inspection::InProgress);
        }
        match link {
            Some(Link {
                state: LinkState::Unlinked { .. },
                ..
            }) => Ok(Inspection::NOTHING),
            Some(link) if self.is_worked_on(incident, link).await? => Ok(Inspection::InProgress),
            Some(link) => match link.external_id() {
                Some(id) => self.inspect_link(incident, link, id).await,
                // As long as nothing may be sent there, it stays begun.
                None if !self.integration.direction.allows_outbound() => Ok(Inspection::NOTHING),
                None => Ok(Inspection::Found(vec![missing(
                    incident,
                    "its creation was begun, and nothing is working on it",
                )])),
            },
            None => self.inspect_unlinked(incident),
        }
    }

    fn inspect_unlinked(&self, incident: &Incident) -> Result<Inspection, SyncError> {
        let is_sent = self.integration.direction.allows_outbound()
            && self.is_triggered(Subject::Incident, || Facts::of_incident(incident))?;
        if !is_sent {
            return Ok(Inspection::NOTHING);
        }
        let why = match &self.integration.triggers.outbound {
            Some(_) => "the outbound trigger holds, and it has no record",
            None => "every incident is sent there, and it has no record",
        };
        Ok(Inspection::Found(vec![missing(incident, why)]))
    }

    /// Does somebody's claim on the link run?
    async fn is_worked_on(&self, incident: &Incident, link: &Link) -> Result<bool, SyncError> {
        let last = self
            .store()
            .last_claim(&incident.id, self.id(), link.version);
        let last = last.await?;
        Ok(last.is_some_and(|last| self.now() < last.lease_until))
    }

    async fn inspect_link(
        &mut self,
        incident: &Incident,
        link: &Link,
        id: &ExternalId,
    ) -> Result<Inspection, SyncError> {
        let mut record = match self.vendor.read(self.connection(), id).await {
            Err(error) if error.kind == VendorErrorKind::NotFound => {
                let lapse = self.lapse_of_gone(incident, link)?;
                return Ok(Inspection::Found(vec![lapsed(incident, id, None, &lapse)]));
            }
            read => read?,
        };
        // An older state than is known tells nothing.
        if self.refuse_stale(&record, link.record_version).is_err() {
            return Ok(Inspection::InProgress);
        }
        if let Some(lapse) = self.lapse(incident, link, &record).await? {
            let item = lapsed(incident, id, Some(&record), &lapse);
            return Ok(Inspection::Found(vec![item]));
        }
        self.find_times(incident, link, &mut record).await?;
        let plan = self.planning(incident, link, &record, im_sync::plan);
        let unhealed = self.planning(incident, link, &record, unhealed);
        let mut items = Vec::new();
        for (field, decision) in &plan.decisions {
            if let Some(mut item) = drift(incident, id, field, decision) {
                let agreed = self.agreed(incident, link, field).await?.values;
                item.base = Some(BaseValues {
                    platform: agreed.platform.and_then(|value| text(value.as_str())),
                    external: agreed.external.and_then(|value| text(value.as_str())),
                });
                items.push(item);
            }
        }
        let unhealed = unhealed.iter();
        items.extend(unhealed.map(|(field, it)| left(incident, id, field, it)));
        if self.notes_announced || incident.notes > link.notes.sent {
            items.extend(self.inspect_notes(incident, &record).await?);
        }
        Ok(Inspection::Found(items))
    }

    async fn inspect_notes(
        &self,
        incident: &Incident,
        record: &ExternalRecord,
    ) -> Result<Vec<DriftItem>, SyncError> {
        let platform = self.store().notes(&incident.id).await?;
        let external = self.vendor.notes(self.connection(), record).await?;
        let plan = plan_notes(&NotesInput {
            integration: self.id(),
            platform: &platform,
            external: &external,
            rules: &self.rules,
            insist: false,
            created_at: incident.created_at,
        });
        let send = plan.send.iter().map(|note| (note, Side::Platform));
        let import = plan.import.iter().map(|note| (note, Side::External));
        let items = send.chain(import);
        Ok(items
            .map(|(note, side)| missing_note(incident, &record.id, note, side))
            .collect())
    }

    async fn inspect_record(&mut self, id: &ExternalId) -> Result<Inspection, SyncError> {
        let record = match self.vendor.read(self.connection(), id).await {
            Err(VendorError {
                kind: VendorErrorKind::NotFound,
                ..
            }) => return Ok(Inspection::NOTHING),
            read => read?,
        };
        self.inspect_stranger(&record).await
    }

    /// A record that belongs to no incident.
    pub(super) async fn inspect_stranger(
        &self,
        record: &ExternalRecord,
    ) -> Result<Inspection, SyncError> {
        if record.merged_into.is_some() {
            return Ok(Inspection::NOTHING);
        }
        if let Some(incident) = &record.correlation
            && let Some(incident) = self.store().load(incident).await?
            && incident.organization == self.integration.organization
        {
            return self.inspect_correlated(&incident, record).await;
        }
        let comes_in = self.integration.direction.allows_inbound()
            && self.is_triggered(Subject::Record, || Facts::of_record(record, &self.rules))?;
        if !comes_in {
            return Ok(Inspection::NOTHING);
        }
        let why = match &self.integration.triggers.inbound {
            Some(_) => "the inbound trigger holds, and there is no incident of it",
            None => "every record comes in, and there is no incident of it",
        };
        Ok(Inspection::Found(vec![DriftItem {
            external_id: Some(record.id.clone()),
            right: Some(Side::External),
            ..item(
                DriftKind::MissedCreate,
                ProposedAction::CreateIncident,
                why.to_owned(),
            )
        }]))
    }

    async fn inspect_correlated(
        &self,
        incident: &Incident,
        record: &ExternalRecord,
    ) -> Result<Inspection, SyncError> {
        let of = |kind, action, why: String| DriftItem {
            incident: Some(incident.id.clone()),
            external_id: Some(record.id.clone()),
            ..item(kind, action, why)
        };
        let link = incident.links.get(self.id());
        if incident.pending.contains_key(self.id()) {
            return Ok(Inspection::InProgress);
        }
        let found = match link.map(|link| (link, &link.state)) {
            Some((_, LinkState::Unlinked { .. })) => return Ok(Inspection::NOTHING),
            Some((link, LinkState::Reserved)) if self.is_worked_on(incident, link).await? => {
                return Ok(Inspection::InProgress);
            }
            Some((_, LinkState::Linked { external_id, .. })) if *external_id == record.id => {
                return Ok(Inspection::NOTHING);
            }
            Some((_, LinkState::Linked { external_id, .. })) => of(
                DriftKind::DuplicateRecord,
                ProposedAction::None,
                format!(
                    "it carries the id of {}, which is linked with {external_id}; close one of the two",
                    incident.id
                ),
            ),
            Some((_, LinkState::Reserved)) | None => of(
                DriftKind::MissedCreate,
                ProposedAction::Adopt,
                format!("it carries the id of {}, which has no record", incident.id),
            ),
        };
        Ok(Inspection::Found(vec![found]))
    }
}

fn item(kind: DriftKind, action: ProposedAction, why: String) -> DriftItem {
    DriftItem {
        kind,
        incident: None,
        external_id: None,
        field: None,
        base: None,
        platform: None,
        external: None,
        right: None,
        why,
        action,
        verified: true,
        result: None,
    }
}

fn text(value: Option<&str>) -> Option<String> {
    value.map(str::to_owned)
}

fn missing(incident: &Incident, why: &str) -> DriftItem {
    DriftItem {
        incident: Some(incident.id.clone()),
        right: Some(Side::Platform),
        ..item(
            DriftKind::MissingRecord,
            ProposedAction::CreateRecord,
            why.to_owned(),
        )
    }
}

fn lapsed(
    incident: &Incident,
    id: &ExternalId,
    record: Option<&ExternalRecord>,
    lapse: &Lapse,
) -> DriftItem {
    let kind = match record {
        Some(_) => DriftKind::MovedRecord,
        None => DriftKind::DeletedRecord,
    };
    let action = match lapse.remedy {
        Remedy::Recreate => ProposedAction::CreateRecord,
        Remedy::LetGo => ProposedAction::Unlink,
        Remedy::Follow(_) | Remedy::Renew => ProposedAction::Relink,
    };
    DriftItem {
        incident: Some(incident.id.clone()),
        external_id: Some(id.clone()),
        right: Some(lapse.right),
        ..item(kind, action, lapse.why.clone())
    }
}

/// `None` if the decision moves no value and asks nobody: what is only noted is no drift.
pub(crate) fn drift(
    incident: &Incident,
    id: &ExternalId,
    field: &Field,
    decision: &Decision,
) -> Option<DriftItem> {
    let (action, right) = match &decision.action {
        Action::Rebase => return None,
        Action::Push { .. } => (ProposedAction::Push, Some(Side::Platform)),
        Action::Pull { .. } => (ProposedAction::Pull, Some(Side::External)),
        Action::Report | Action::Hold => (ProposedAction::Report, None),
    };
    Some(DriftItem {
        incident: Some(incident.id.clone()),
        external_id: Some(id.clone()),
        field: Some(field.clone().into()),
        platform: text(decision.platform.as_str()),
        external: text(decision.external.as_str()),
        right,
        ..item(
            DriftKind::ValueDrift,
            action,
            format!("{}: {}", decision.rule, decision.why),
        )
    })
}

/// What nothing heals by itself.
pub(crate) fn left(
    incident: &Incident,
    id: &ExternalId,
    field: &Field,
    unhealed: &Unhealed,
) -> DriftItem {
    DriftItem {
        incident: Some(incident.id.clone()),
        external_id: Some(id.clone()),
        field: Some(field.clone().into()),
        platform: text(unhealed.platform.as_str()),
        external: text(unhealed.external.as_str()),
        ..item(
            DriftKind::ValueDrift,
            ProposedAction::None,
            unhealed.why.clone(),
        )
    }
}

fn missing_note(incident: &Incident, id: &ExternalId, note: &Note, has_it: Side) -> DriftItem {
    let said = Some(note.text.clone());
    let (action, why, platform, external) = match has_it {
        Side::Platform => (
            ProposedAction::SendNote,
            "the note is not at the vendor",
            said,
            None,
        ),
        Side::External => (
            ProposedAction::ImportNote,
            "the note is not on the platform",
            None,
            said,
        ),
    };
    DriftItem {
        incident: Some(incident.id.clone()),
        external_id: Some(id.clone()),
        field: Some(note.kind.into()),
        platform,
        external,
        right: Some(has_it),
        ..item(DriftKind::MissingNote, action, why.to_owned())
    }
}
