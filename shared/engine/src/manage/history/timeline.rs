//! From the journal to what people read.

use std::collections::{BTreeMap, BTreeSet};

use im_model::{ClaimOutcome, Field, Incident, IntegrationId, Note};
use jiff::Timestamp;

use super::{Ending, FieldStep, Happening, TimelineEntry};
use crate::{Claim, JournalEntry, PlatformEdit};

/// From the journal to what people read.
pub(super) fn timeline(
    incident: &Incident,
    journal: &[JournalEntry],
    now: Timestamp,
) -> Vec<TimelineEntry> {
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

pub(super) fn of_note(note: Note) -> TimelineEntry {
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
