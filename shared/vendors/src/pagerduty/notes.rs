//! Notes. They are internal, append-only, and name no id of ours: a copy carries its key in its last line.

use im_model::{ActorId, ExternalId, ExternalNote, Note, NoteId, NoteKind};
use im_sync::{marked_note, read_marked_note};

use super::{
    lookup::{call, user_id},
    request, response,
};
use crate::{Connection, VendorError, VendorErrorKind};

pub(super) async fn read(
    connection: &Connection<'_>,
    id: &ExternalId,
) -> Result<Vec<ExternalNote>, VendorError> {
    let answer: response::Notes = call(connection, request::notes(connection, id)?).await?;
    let own_id = own_id(connection, &answer.notes).await?;
    let mut notes = Vec::new();
    for note in answer.notes {
        notes.push(external_note(note, own_id.as_deref())?);
    }
    notes.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    Ok(notes)
}

pub(super) async fn add(
    connection: &Connection<'_>,
    id: &ExternalId,
    note: &Note,
) -> Result<Option<NoteId>, VendorError> {
    let request = request::note(connection, id, &marked_note(note))?;
    let answer: response::OneNote = call(connection, request).await?;
    Ok(NoteId::parse(&answer.note.id).ok())
}

/// Who we are there; asked only where a note carries a marker.
async fn own_id(
    connection: &Connection<'_>,
    notes: &[response::Note],
) -> Result<Option<String>, VendorError> {
    let carries = |note: &response::Note| {
        let text = note.content.as_deref().unwrap_or_default();
        read_marked_note(text).is_some()
    };
    let Some(email) = connection.credentials.get("from_email") else {
        return Ok(None);
    };
    if !notes.iter().any(carries) {
        return Ok(None);
    }
    Ok(user_id(connection, email.reveal()).await?.ok())
}

fn external_note(note: response::Note, own_id: Option<&str>) -> Result<ExternalNote, VendorError> {
    let id = NoteId::parse(&note.id).map_err(|error| VendorError {
        tried: "reading notes".to_owned(),
        kind: VendorErrorKind::Garbage,
        detail: error.to_string(),
    })?;
    let text = note.content.unwrap_or_default();
    let author_id = note.user.as_ref().and_then(|user| user.id.as_deref());
    // Where nobody can tell us who we are, a copy that is whole is ours.
    let is_ours = |whole: bool| match own_id {
        Some(own) => author_id == Some(own),
        None => whole,
    };
    let copy = read_marked_note(&text).filter(|copy| is_ours(copy.whole));
    let author = note
        .user
        .and_then(|user| user.email.or(user.summary).or(user.id));
    Ok(ExternalNote {
        id,
        kind: NoteKind::WorkNote,
        author: author.and_then(|author| ActorId::parse(&author).ok()),
        at: note.created_at,
        edited_at: None,
        copy_of: copy.as_ref().map(|copy| copy.key.clone()),
        text: copy.map_or(text, |copy| copy.text),
    })
}
