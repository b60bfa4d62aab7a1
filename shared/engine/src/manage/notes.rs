//! Notes of incidents: write one, read them.

use std::collections::BTreeMap;

use im_model::{
    ActorId, IdempotencyKey, IncidentId, Note, NoteId, NoteKey, NoteKind, NoteSource,
    OrganizationId,
};

use super::{FieldProblem, Incidents, ManageError, Permit};
use crate::{NewNote, ports::Attempt};

/// What somebody writes.
#[derive(Debug, Clone, Copy)]
pub struct NoteDraft<'a> {
    /// Into which list.
    pub kind: NoteKind,
    /// The text.
    pub text: &'a str,
    /// The writer's own name for it, if it has one.
    pub key: Option<&'a IdempotencyKey>,
}

impl Incidents {
    /// Writes a note. A request that is named by a key and comes again writes nothing more: it gets the note as it was
    /// written the first time.
    pub async fn write_note(
        &self,
        organization: &OrganizationId,
        actor: &ActorId,
        id: &IncidentId,
        draft: NoteDraft<'_>,
        permit: &Permit<'_>,
    ) -> Result<Note, ManageError> {
        let NoteDraft { kind, text, key } = draft;
        let text = note_text(text)?;
        let owed = self.owed(organization).await?;
        let now = self.clock.now();
        let origin = match key {
            Some(key) => format!("{kind}:{key}"),
            None => self.ids.ulid(now).to_string(),
        };
        let origin = NoteId::parse(&origin)
            .map_err(|error| invalid("Idempotency-Key", error.to_string()))?;
        let note = Note {
            key: NoteKey {
                source: NoteSource::Platform,
                origin,
            },
            kind,
            author: Some(actor.clone()),
            at: now,
            edit_of: None,
            text,
            copies: BTreeMap::new(),
        };
        for _ in 0..Self::MOST_RACES {
            let incident = self.get(organization, id).await?;
            permit(&incident).map_err(ManageError::Forbidden)?;
            let owed = owed.changes_of(&incident);
            let new = NewNote {
                incident: &incident,
                note: note.clone(),
                now,
                owed,
            };
            if self.store.write_note(&new).await? == Attempt::Done {
                return self.written(id, note, key.is_some()).await;
            }
        }
        Err(ManageError::Changed(format!("incident {id}")))
    }

    /// Under a key of the caller's a note may have been there before, and must be the same.
    async fn written(
        &self,
        id: &IncidentId,
        note: Note,
        may_be_older: bool,
    ) -> Result<Note, ManageError> {
        if !may_be_older {
            return Ok(note);
        }
        let notes = self.store.notes(id).await?;
        match notes.into_iter().find(|known| known.key == note.key) {
            Some(known) if known.text != note.text => {
                let problem = "was used for another note; use a new one".to_owned();
                Err(invalid("Idempotency-Key", problem))
            }
            found => Ok(found.unwrap_or(note)),
        }
    }

    /// The notes of an incident on one of its lists, oldest first.
    pub async fn notes(
        &self,
        organization: &OrganizationId,
        id: &IncidentId,
        kind: NoteKind,
    ) -> Result<Vec<Note>, ManageError> {
        self.get(organization, id).await?;
        let mut notes = self.store.notes(id).await?;
        notes.retain(|note| note.kind == kind);
        notes.sort_by(|a, b| (a.at, &a.key).cmp(&(b.at, &b.key)));
        Ok(notes)
    }
}

fn note_text(text: &str) -> Result<String, ManageError> {
    let length = text.chars().count();
    if text.trim().is_empty() {
        return Err(invalid("text", "must not be empty".to_owned()));
    }
    if length > Note::MOST_CHARACTERS {
        let most = Note::MOST_CHARACTERS;
        let problem = format!("must be at most {most} characters, not {length}");
        return Err(invalid("text", problem));
    }
    Ok(text.trim_end().to_owned())
}

fn invalid(field: &str, problem: String) -> ManageError {
    ManageError::Invalid(vec![FieldProblem::new(field, problem)])
}
