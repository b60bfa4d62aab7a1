//! What happened to an incident, and why its fields hold what they hold: read from the journal.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use im_model::{
    ActorId, ClaimOutcome, ExternalId, Field, FieldOutcome, FieldState, Incident, IncidentId,
    IntegrationId, Note, NoteKey, Notice, OrganizationId, Origin, PlatformValue, Review,
};
use im_sync::{Action, Decision, Sent};
use jiff::Timestamp;

use super::{FieldProblem, Incidents, ManageError};
use crate::{Claim, JournalEntry, PlatformEdit, ports::Page};

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// The incident was created: on the platform, or from a vendor's record.
    Created,
    /// Somebody edited it there.
    Edited,
    /// A link was synced, made, or cut.
    Synced,
    /// Somebody wrote a note.
    Noted,
}

/// How a sync ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It was committed.
    Committed(Timestamp),
    /// A worker is at it, until then at the latest.
    Running(Timestamp),
    /// Its worker lost a race or was gone; a later entry tells what its writes came to.
    Abandoned,
}

/// What was decided on one field, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldStep {
    /// Which field.
    pub field: Field,
    /// An edit on the platform: what it held before, and holds then.
    pub edit: Option<(PlatformValue, PlatformValue)>,
    /// The decision on a link.
    pub decision: Option<Decision>,
    /// What was sent to the vendor.
    pub sent: Option<Sent>,
    /// What came of it: the vendor's answer, or what the platform took over.
    pub outcome: Option<FieldOutcome>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineEntry {
    /// Orders entries of one moment, and names this one.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// What kind of thing.
    pub happening: Happening,
    /// On whose link.
    pub integration: Option<IntegrationId>,
    /// Who, as far as a person did it.
    pub actor: Option<ActorId>,
    /// What made it happen.
    pub cause: String,
    /// How it ended, if it is a sync.
    pub ending: Option<Ending>,
    /// By field.
    pub steps: Vec<FieldStep>,
    /// The notes that a sync was about to send.
    pub notes_sent: Vec<NoteKey>,
    /// The note, if it is one.
    pub note: Option<Note>,
}

/// Why one link stands with one field as it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Whose link.
    pub integration: IntegrationId,
    /// With which record.
    pub external_id: Option<ExternalId>,
    /// What last decided on the field there; `None` if nothing has.
    pub last: Option<TimelineEntry>,
    /// A person's word that counts for it.
    pub review: Option<Review>,
    /// What an operator should know of it.
    pub notice: Option<Notice>,
}

/// Why a field holds what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// On which incident.
    pub incident: IncidentId,
    /// Which field.
    pub field: Field,
    /// What it holds, since when, and where from.
    pub state: Option<FieldState>,
    /// What brought the value; `None` if it was never set, or is older than the journal.
    pub origin: Option<TimelineEntry>,
    /// By link.
    pub chains: Vec<Chain>,
}

/// Reads the journal.
pub struct Histories {
    /// The incidents.
    pub incidents: Arc<Incidents>,
}

impl Histories {
    /// One page of what happened to an incident, oldest first.
    pub async fn timeline(
        &self,
        organization: &OrganizationId,
        id: &IncidentId,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<Page<TimelineEntry>, ManageError> {
        let incident = self.incidents.get(organization, id).await?;
        let mut entries = self.entries(&incident).await?;
        let notes = self.incidents.store.notes(id).await?;
        entries.extend(notes.into_iter().map(of_note));
        entries.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        let begin = match cursor {
            None => 0,
            Some(cursor) => {
                let at = entries.iter().position(|entry| entry.id == cursor);
                let problem = "is not a cursor that this timeline answered with";
                at.ok_or_else(|| ManageError::Invalid(vec![FieldProblem::new("cursor", problem)]))?
                    + 1
            }
        };
        let limit = usize::from(limit);
        let more = entries.len() > begin + limit;
        let items: Vec<_> = entries.into_iter().skip(begin).take(limit).collect();
        let last = items.last().map(|entry| entry.id.clone());
        Ok(Page {
            items,
            next: last.filter(|_| more),
        })
    }

    /// Why a field holds what it holds, at all links or at one.
    pub async fn explain(
        &self,
        organization: &OrganizationId,
        id: &IncidentId,
        field: &Field,
        integration: Option<&IntegrationId>,
    ) -> Result<Explanation, ManageError> {
        let incident = self.incidents.get(organization, id).await?;
        if let Some(integration) = integration
            && !incident.links.contains_key(integration)
        {
            let problem = format!("incident {id} has no link with it");
            let problem = FieldProblem::new("integration", problem);
            return Err(ManageError::Invalid(vec![problem]));
        }
        let entries = self.entries(&incident).await?;
        let state = incident.fields.get(field).cloned();
        let links = incident.links.iter();
        let chains = links
            .filter(|(id, _)| integration.is_none_or(|wanted| wanted == *id))
            .map(|(id, link)| Chain {
                integration: id.clone(),
                external_id: link.external_id().cloned(),
                last: last_decision(&entries, id, field),
                review: link.reviews.get(field).cloned(),
                notice: link.notices.get(field).cloned(),
            });
        Ok(Explanation {
            incident: id.clone(),
            field: field.clone(),
            origin: state
                .as_ref()
                .and_then(|state| origin(&entries, field, state)),
            chains: chains.collect(),
            state,
        })
    }

    /// What the journal tells, oldest first, without notes.
    async fn entries(&self, incident: &Incident) -> Result<Vec<TimelineEntry>, ManageError> {
        let journal = self.incidents.store.journal(&incident.id).await?;
        Ok(timeline(incident, &journal, self.incidents.clock.now()))
    }
}

/// From the journal to what people read.
fn timeline(incident: &Incident, journal: &[JournalEntry], now: Timestamp) -> Vec<TimelineEntry> {
    let claims = journal.iter().filter_map(|entry| match entry {
        JournalEntry::Claim(claim) => Some(claim.as_ref()),
        JournalEntry::Edit(_) => None,
    });
    let claims: Vec<_> = claims.collect();
    let outcomes = outcomes(incident, &claims);
    let last_of_request = last_of_requests(journal);
    let entries = journal.iter().filter_map(|entry| match entry {
        JournalEntry::Claim(claim) => Some(of_claim(claim, &claims, &outcomes, now)),
        JournalEntry::Edit(edit) => {
            let is_last = last_of_request.get(edit.request.as_str()) == Some(&edit.at);
            (edit.request.is_empty() || is_last).then(|| of_edit(edit))
        }
    });
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    entries
}

/// A request that lost a race has an entry for each try; the last one took effect.
fn last_of_requests(journal: &[JournalEntry]) -> BTreeMap<&str, Timestamp> {
    let mut last = BTreeMap::new();
    for entry in journal {
        if let JournalEntry::Edit(edit) = entry {
            let known = last.entry(edit.request.as_str()).or_insert(edit.at);
            *known = edit.at.max(*known);
        }
    }
    last
}

type Outcomes<'a> = BTreeMap<(&'a IntegrationId, u64), &'a ClaimOutcome>;

/// What came of the claims on each version of each link: the next claim says it, or the link itself.
fn outcomes<'a>(incident: &'a Incident, claims: &[&'a Claim]) -> Outcomes<'a> {
    let carried = claims.iter().filter_map(|claim| {
        let outcome = claim.previous.as_ref()?;
        Some(((&claim.integration, outcome.link_version), outcome))
    });
    let present = incident.links.iter().filter_map(|(id, link)| {
        let outcome = link.outcome.as_ref()?;
        Some(((id, outcome.link_version), outcome))
    });
    carried.chain(present).collect()
}

fn of_claim(
    claim: &Claim,
    all: &[&Claim],
    outcomes: &Outcomes<'_>,
    now: Timestamp,
) -> TimelineEntry {
    let outcome = outcomes.get(&(&claim.integration, claim.link_version));
    let is_last = !all.iter().any(|other| {
        other.integration == claim.integration
            && other.link_version == claim.link_version
            && other.attempt > claim.attempt
    });
    let ending = match outcome {
        // Further entries of the committed claim tell what its write took the place of.
        Some(outcome) if outcome.attempt <= claim.attempt || is_last => {
            Ending::Committed(outcome.at)
        }
        None if is_last && now < claim.lease_until => Ending::Running(claim.lease_until),
        Some(_) | None => Ending::Abandoned,
    };
    let field_outcome = |field: &Field| {
        let outcome = outcome.filter(|_| matches!(ending, Ending::Committed(_)));
        outcome.and_then(|outcome| outcome.fields.get(field).cloned())
    };
    let is_committed = matches!(ending, Ending::Committed(_));
    let settled = outcome.iter().filter(|_| is_committed);
    let settled = settled.flat_map(|outcome| outcome.fields.keys());
    let fields = claim.decisions.keys().chain(claim.sent.keys());
    let fields: BTreeSet<_> = fields.chain(settled).collect();
    let steps = fields.into_iter().map(|field| {
        // What an earlier attempt wrote, and this one found to have taken effect, was decided there.
        let decided = [claim].into_iter().chain(earlier(claim, all));
        let decided = decided
            .filter(|claim| claim.decisions.contains_key(field) || claim.sent.contains_key(field))
            .max_by_key(|claim| claim.attempt);
        FieldStep {
            field: field.clone(),
            edit: None,
            decision: decided.and_then(|claim| claim.decisions.get(field).cloned()),
            sent: decided.and_then(|claim| claim.sent.get(field).cloned()),
            outcome: field_outcome(field),
        }
    });
    TimelineEntry {
        id: format!(
            "{}/{}/{}",
            claim.integration, claim.link_version, claim.attempt
        ),
        at: claim.claimed_at,
        happening: if claim.link_version == 0 {
            Happening::Created
        } else {
            Happening::Synced
        },
        integration: Some(claim.integration.clone()),
        actor: None,
        cause: claim.cause.clone(),
        ending: Some(ending),
        steps: steps.collect(),
        notes_sent: claim.notes.clone(),
        note: None,
    }
}

/// Claims on the same version of the same link before this one.
fn earlier<'a>(claim: &'a Claim, all: &'a [&'a Claim]) -> impl Iterator<Item = &'a Claim> {
    all.iter().copied().filter(|other| {
        other.integration == claim.integration
            && other.link_version == claim.link_version
            && other.attempt < claim.attempt
    })
}

fn of_edit(edit: &PlatformEdit) -> TimelineEntry {
    let steps = edit.after.iter().map(|(field, after)| {
        let before = edit.before.get(field).cloned().unwrap_or_default();
        FieldStep {
            field: field.clone(),
            edit: Some((before, after.clone())),
            decision: None,
            sent: None,
            outcome: None,
        }
    });
    TimelineEntry {
        id: format!("@platform/{}/{}", edit.revision, edit.at.as_nanosecond()),
        at: edit.at,
        happening: if edit.revision == 1 {
            Happening::Created
        } else {
            Happening::Edited
        },
        integration: None,
        actor: Some(edit.actor.clone()),
        cause: edit
            .cause
            .clone()
            .unwrap_or_else(|| "edited on the platform".to_owned()),
        ending: None,
        steps: steps.collect(),
        notes_sent: Vec::new(),
        note: None,
    }
}

fn of_note(note: Note) -> TimelineEntry {
    TimelineEntry {
        id: format!("@note/{}", note.key),
        at: note.at,
        happening: Happening::Noted,
        integration: match &note.key.source {
            im_model::NoteSource::Platform => None,
            im_model::NoteSource::Integration(integration) => Some(integration.clone()),
        },
        actor: note.author.clone(),
        cause: format!("written in {}", note.kind),
        ending: None,
        steps: Vec::new(),
        notes_sent: Vec::new(),
        note: Some(note),
    }
}

/// The same entry with one field only.
fn only(entry: &TimelineEntry, field: &Field) -> TimelineEntry {
    let mut entry = entry.clone();
    entry.steps.retain(|step| step.field == *field);
    entry
}

/// The last sync of a link that was committed and decided on a field.
fn last_decision(
    entries: &[TimelineEntry],
    integration: &IntegrationId,
    field: &Field,
) -> Option<TimelineEntry> {
    let decided = |entry: &&TimelineEntry| {
        entry.integration.as_ref() == Some(integration)
            && entry
                .steps
                .iter()
                .any(|step| step.field == *field && step.outcome.is_some())
    };
    let last = entries.iter().rev().find(decided)?;
    Some(only(last, field))
}

/// What brought the present value.
fn origin(entries: &[TimelineEntry], field: &Field, state: &FieldState) -> Option<TimelineEntry> {
    let steps = |entry: &TimelineEntry| {
        let steps = entry.steps.iter().filter(|step| step.field == *field);
        steps.cloned().collect::<Vec<_>>()
    };
    let edited = |entry: &&TimelineEntry| {
        entry.at == state.changed_at
            && steps(entry).iter().any(|step| {
                step.edit
                    .as_ref()
                    .is_some_and(|(_, after)| *after == state.value)
            })
    };
    let brings = |step: &FieldStep| {
        let action = step.decision.as_ref().map(|decision| &decision.action);
        match (&step.outcome, action) {
            (Some(FieldOutcome::Pulled), Some(Action::Pull { value, .. })) => *value == state.value,
            (Some(FieldOutcome::Overruled { .. }), _) => true,
            _ => false,
        }
    };
    let found = match &state.origin {
        Origin::Platform { .. } => entries.iter().rev().find(edited),
        Origin::External { integration, .. } => entries.iter().rev().find(|entry| {
            entry.integration.as_ref() == Some(integration) && steps(entry).iter().any(brings)
        }),
    };
    found.map(|entry| only(entry, field))
}
