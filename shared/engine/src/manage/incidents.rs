//! Incidents: create, get, list, edit.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use im_model::{
    ActorId, Digest, Field, FieldState, IdempotencyKey, Incident, IncidentId, IntegrationId,
    OrganizationId, Origin, PlatformValue, Severity, Status,
};
use jiff::Timestamp;

use super::{FieldProblem, ManageError};
use crate::{
    CreationOrigin, EditOfIncident, JournalEntry, NewIncident, PlatformEdit, StoreError,
    cache::owed,
    ports::{Attempt, Clock, Ids, IncidentStore, IntegrationStore, Page},
};

/// May this incident be edited? If not, why not.
pub type Permit<'a> = dyn Fn(&Incident) -> Result<(), String> + Send + Sync + 'a;

/// The incidents of the platform.
pub struct Incidents {
    /// Where they are.
    pub store: Arc<dyn IncidentStore>,
    /// Who is owed their changes.
    pub integrations: Arc<dyn IntegrationStore>,
    /// When.
    pub clock: Arc<dyn Clock>,
    /// Ids of new ones.
    pub ids: Arc<dyn Ids>,
}

impl Incidents {
    /// An edit that loses this many races in a row gives up.
    pub(super) const MOST_RACES: u32 = 8;

    /// Creates an incident. `title` is required; `severity` is SEV-3 and `status` open unless given. A request that is
    /// named by a key and comes again within 24 h creates nothing: it gets what it created the first time.
    pub async fn create(
        &self,
        organization: &OrganizationId,
        actor: &ActorId,
        values: BTreeMap<Field, PlatformValue>,
        key: Option<IdempotencyKey>,
    ) -> Result<Incident, ManageError> {
        let asked = digest(&values);
        let now = self.clock.now();
        let mut values = values;
        if values
            .get(&Field::Title)
            .is_none_or(PlatformValue::is_empty)
        {
            let problem = FieldProblem::new("title", "must not be empty");
            return Err(ManageError::Invalid(vec![problem]));
        }
        check_custom_fields(values.keys())?;
        let default = |word: &str| PlatformValue::text(word);
        values
            .entry(Field::Severity)
            .or_insert_with(|| default(Severity::Sev3.as_str()));
        values
            .entry(Field::Status)
            .or_insert_with(|| default(Status::Open.as_str()));
        let origin = Origin::Platform {
            actor: actor.clone(),
        };
        let fields = values
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(f, value)| {
                (
                    f,
                    FieldState {
                        value,
                        version: 1,
                        changed_at: now,
                        origin: origin.clone(),
                    },
                )
            });
        let owed = self.owed(organization).await?;
        let incident = Incident {
            id: IncidentId::from_ulid(self.ids.ulid(now)),
            organization: organization.clone(),
            created_at: now,
            revision: 1,
            fields: fields.collect(),
            links: BTreeMap::new(),
            pending: owed
                .flows_to
                .into_iter()
                .map(|integration| (integration, 1))
                .collect(),
            notes: 0,
            dead: BTreeMap::new(),
        };
        let origin = match key.clone() {
            None => CreationOrigin::Request,
            Some(key) => CreationOrigin::NamedRequest(key, asked),
        };
        let entry = JournalEntry::Edit(PlatformEdit {
            at: now,
            actor: actor.clone(),
            cause: Some("created on the platform".to_owned()),
            request: self.ids.ulid(now).to_string(),
            revision: 1,
            before: BTreeMap::new(),
            after: incident
                .fields
                .iter()
                .map(|(field, state)| (field.clone(), state.value.clone()))
                .collect(),
        });
        let new = NewIncident {
            incident,
            entry,
            origin,
        };
        match (self.store.create(&new).await?, key) {
            (Attempt::Done, _) => Ok(new.incident),
            (Attempt::LostRace, Some(key)) => self.created_before(organization, &key, asked).await,
            // The id is new: it was stored by a try whose answer the SDK did not get.
            (Attempt::LostRace, None) => self.get(organization, &new.incident.id).await,
        }
    }

    async fn created_before(
        &self,
        organization: &OrganizationId,
        key: &IdempotencyKey,
        asked: Digest,
    ) -> Result<Incident, ManageError> {
        match self.store.created_by(organization, key).await? {
            Some((id, before)) if before == asked => self.get(organization, &id).await,
            Some(_) => {
                let problem = "was used for another incident; use a new one";
                Err(ManageError::Invalid(vec![FieldProblem::new(
                    "Idempotency-Key",
                    problem,
                )]))
            }
            // It ran out between the two calls.
            None => Err(ManageError::Changed(format!("idempotency key {key}"))),
        }
    }

    /// One incident of an organization.
    pub async fn get(
        &self,
        organization: &OrganizationId,
        id: &IncidentId,
    ) -> Result<Incident, ManageError> {
        let found = self.store.load(id).await?;
        found
            .filter(|incident| incident.organization == *organization)
            .ok_or_else(|| ManageError::NotFound(format!("incident {id}")))
    }

    /// One page of an organization's incidents.
    pub async fn list(
        &self,
        organization: &OrganizationId,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<Page<Incident>, ManageError> {
        let after = cursor.map(IncidentId::parse).transpose().map_err(|_| {
            let problem = "is not a cursor that a list answered with";
            ManageError::Invalid(vec![FieldProblem::new("cursor", problem)])
        })?;
        Ok(self.store.list(organization, after.as_ref(), limit).await?)
    }

    /// Changes fields. A value that is there already is no change. `if_revision` is the revision the caller has seen. Nothing
    /// is changed of an incident that `permit` refuses; an incident that is assigned to somebody else meanwhile is asked about
    /// again.
    pub async fn edit(
        &self,
        organization: &OrganizationId,
        actor: &ActorId,
        id: &IncidentId,
        values: &BTreeMap<Field, PlatformValue>,
        if_revision: Option<u64>,
        permit: &Permit<'_>,
    ) -> Result<Incident, ManageError> {
        let owed = self.owed(organization).await?;
        let request = self.ids.ulid(self.clock.now()).to_string();
        for _ in 0..Self::MOST_RACES {
            let incident = self.get(organization, id).await?;
            permit(&incident).map_err(ManageError::Forbidden)?;
            if if_revision.is_some_and(|seen| seen != incident.revision) {
                return Err(ManageError::Changed(format!("incident {id}")));
            }
            let changed: BTreeMap<_, _> = values
                .iter()
                .filter(|(field, value)| incident.value(field) != **value)
                .map(|(field, value)| (field.clone(), value.clone()))
                .collect();
            if changed.is_empty() {
                return Ok(incident);
            }
            check_custom_fields(incident.fields.keys().chain(changed.keys()))?;
            let owed = owed.changes_of(&incident);
            let edit = EditOfIncident {
                incident: &incident,
                values: changed,
                actor: actor.clone(),
                request: request.clone(),
                now: self.clock.now(),
                owed,
                if_revision,
            };
            if self.store.edit(&edit).await? == Attempt::Done {
                return Ok(edited(&edit));
            }
        }
        Err(ManageError::Changed(format!("incident {id}")))
    }

    pub(super) async fn owed(&self, organization: &OrganizationId) -> Result<Owed, StoreError> {
        let all = self.integrations.integrations_of(organization).await?;
        Ok(Owed {
            flows_to: owed(&all),
            known: all.into_iter().map(|integration| integration.id).collect(),
        })
    }
}

/// Who is owed changes of an organization's incidents.
pub(super) struct Owed {
    /// Those that changes flow to.
    flows_to: BTreeSet<IntegrationId>,
    /// All that there are: a link may have outlived its integration.
    known: BTreeSet<IntegrationId>,
}

impl Owed {
    /// Those that are owed a change of this incident.
    pub(super) fn changes_of(&self, incident: &Incident) -> BTreeSet<IntegrationId> {
        let linked = incident.links.keys().filter(|id| self.known.contains(*id));
        self.flows_to.iter().chain(linked).cloned().collect()
    }
}

/// An incident is one item, and DynamoDB holds 400 KB an item.
const MOST_CUSTOM_FIELDS: usize = 40;

fn check_custom_fields<'a>(fields: impl Iterator<Item = &'a Field>) -> Result<(), ManageError> {
    let custom: BTreeSet<_> = fields
        .filter(|field| matches!(field, Field::Custom(_)))
        .collect();
    if custom.len() <= MOST_CUSTOM_FIELDS {
        return Ok(());
    }
    let problem = format!("an incident holds at most {MOST_CUSTOM_FIELDS} custom fields");
    Err(ManageError::Invalid(vec![FieldProblem::new(
        "custom_fields",
        problem,
    )]))
}

/// What a request asks for, in short.
fn digest(values: &BTreeMap<Field, PlatformValue>) -> Digest {
    PlatformValue::text(format!("{values:?}")).digest()
}

/// The incident as the update left it.
fn edited(edit: &EditOfIncident<'_>) -> Incident {
    let mut incident = edit.incident.clone();
    incident.revision += 1;
    for (field, value) in &edit.values {
        let state = new_state(edit, field, value, edit.now);
        incident.fields.insert(field.clone(), state);
    }
    let revision = incident.revision;
    incident.pending.extend(
        edit.owed
            .iter()
            .map(|integration| (integration.clone(), revision)),
    );
    incident
}

fn new_state(
    edit: &EditOfIncident<'_>,
    field: &Field,
    value: &PlatformValue,
    now: Timestamp,
) -> FieldState {
    FieldState {
        value: value.clone(),
        version: edit.incident.field_version(field) + 1,
        changed_at: now,
        origin: Origin::Platform {
            actor: edit.actor.clone(),
        },
    }
}
