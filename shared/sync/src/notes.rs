//! What two sides owe each other of an incident's notes. The lists only grow: there is nothing to merge.

use im_model::{ExternalNote, IntegrationId, Note, NoteCopy, NoteId, NoteKey, NoteSource};

use jiff::Timestamp;

use crate::LinkRules;

/// Everything a plan of notes is made from.
#[derive(Debug, Clone, Copy)]
pub struct NotesInput<'a> {
    /// Whose link.
    pub integration: &'a IntegrationId,
    /// The platform's notes.
    pub platform: &'a [Note],
    /// The vendor's, oldest first.
    pub external: &'a [ExternalNote],
    /// What may flow.
    pub rules: &'a LinkRules,
    /// Send again what the vendor refused before.
    pub insist: bool,
    /// When the incident was created: the link is not older.
    pub created_at: Timestamp,
}

/// What is to be done about notes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NotesPlan {
    /// To be added to the vendor's record, oldest first.
    pub send: Vec<Note>,
    /// Copies that the vendor has and the platform does not know of yet, or not by id: sent, and the answer was lost or
    /// named none.
    pub found: Vec<(NoteKey, NoteId)>,
    /// Not to be sent, now or later: their list does not flow there at present, and turning it on again begins with what
    /// is written from then on.
    pub withhold: Vec<NoteKey>,
    /// To be added to the platform.
    pub import: Vec<Note>,
    /// How many notes of this vendor the platform holds then.
    pub imported: u64,
}

/// Decides which notes go where. A note that was sent once is never sent again, even if somebody removed the copy.
pub fn plan_notes(input: &NotesInput<'_>) -> NotesPlan {
    let copies = input.external.iter().filter_map(|note| {
        let key = note.copy_of.clone()?;
        Some((key, note.id.clone()))
    });
    let copies: Vec<_> = copies.collect();
    let is_new_copy = |(key, _): &&(NoteKey, NoteId)| {
        let known = input.platform.iter().find(|note| note.key == *key);
        let copy = |note: &Note| note.copies.get(input.integration).cloned();
        // Where the vendor did not tell the copy's id at once, it shows here.
        known.is_some_and(|note| !matches!(copy(note), Some(NoteCopy::Sent { id: Some(_) })))
    };
    let mut found: Vec<_> = copies.iter().filter(is_new_copy).cloned().collect();
    // A late commit may have made two of one: the older one counts.
    found.dedup_by(|later, first| later.0 == first.0);
    let mut send: Vec<_> = input
        .platform
        .iter()
        .filter(|note| is_owed(input, note) && !copies.iter().any(|(key, _)| *key == note.key))
        .cloned()
        .collect();
    send.sort_by(|a, b| (a.at, &a.key).cmp(&(b.at, &b.key)));
    let import: Vec<_> = input
        .external
        .iter()
        .filter_map(|note| to_import(input, note))
        .collect();
    let is_withheld = |note: &&Note| {
        !is_from(note, input.integration)
            && !note.copies.contains_key(input.integration)
            && !input.rules.notes_flow_out(note.kind)
    };
    let withhold = input.platform.iter().filter(is_withheld);
    let withhold = withhold.map(|note| note.key.clone()).collect();
    let own = input
        .platform
        .iter()
        .filter(|note| is_from(note, input.integration));
    let imported = own.count() + import.len();
    NotesPlan {
        send,
        found,
        withhold,
        imported: u64::try_from(imported).unwrap_or(u64::MAX),
        import,
    }
}

fn is_owed(input: &NotesInput<'_>, note: &Note) -> bool {
    let is_settled = match note.copies.get(input.integration) {
        Some(NoteCopy::Sent { .. } | NoteCopy::Withheld) => true,
        Some(NoteCopy::Refused { .. }) => !input.insist,
        None => false,
    };
    !is_from(note, input.integration) && !is_settled && input.rules.notes_flow_out(note.kind)
}

fn is_from(note: &Note, integration: &IntegrationId) -> bool {
    note.key.source == NoteSource::Integration(integration.clone())
}

/// The note as the platform takes it over; `None` if it is known, ours, or may not flow.
fn to_import(input: &NotesInput<'_>, note: &ExternalNote) -> Option<Note> {
    if !input.rules.notes_flow_in(note.kind) || note.text.trim().is_empty() {
        return None;
    }
    // Written while the list did not flow.
    let since = input.rules.notes_in_since.get(&note.kind);
    if since.is_some_and(|since| note.at < *since && input.created_at < *since) {
        return None;
    }
    let key = |origin: NoteId| NoteKey {
        source: NoteSource::Integration(input.integration.clone()),
        origin,
    };
    let held = |key: &NoteKey| input.platform.iter().find(|note| note.key == *key);
    let first = key(note.id.clone());
    // Where we act as another account by now, the id still tells a copy.
    let is_of = |known: &&Note| {
        let copy = known.copies.get(input.integration);
        matches!(copy, Some(NoteCopy::Sent { id: Some(id) }) if *id == note.id)
    };
    let copied = input.platform.iter().find(is_of);
    // A copy of ours is only news where somebody else has changed its text since.
    let is_known = note.copy_of.is_some() || copied.is_some() || held(&first).is_some();
    if !is_known {
        return Some(imported(note, first, None));
    }
    let edited_at = note.edited_at?;
    let later = format!("{}@{}", note.id, edited_at.as_millisecond());
    let later = key(NoteId::parse(&later).ok()?);
    let wordings = input.platform.iter().filter(|known| {
        known.key == first
            || known.edit_of.as_ref() == Some(&note.id) && is_from(known, input.integration)
    });
    let original = note.copy_of.as_ref().and_then(held).or(copied);
    let latest = wordings.max_by_key(|known| known.at).or(original);
    let says_the_same = latest.is_some_and(|known| known.text == shortened(&note.text));
    if says_the_same || held(&later).is_some() {
        return None;
    }
    let mut edit = imported(note, later, Some(note.id.clone()));
    edit.at = edited_at;
    Some(edit)
}

fn imported(note: &ExternalNote, key: NoteKey, edit_of: Option<NoteId>) -> Note {
    Note {
        key,
        kind: note.kind,
        author: note.author.clone(),
        at: note.at,
        edit_of,
        text: shortened(&note.text),
        copies: std::collections::BTreeMap::new(),
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= Note::MOST_CHARACTERS {
        return text.to_owned();
    }
    let kept: String = text.chars().take(Note::MOST_CHARACTERS - 100).collect();
    format!("{kept}…\n\n[The rest of this note is only where it was written.]")
}
