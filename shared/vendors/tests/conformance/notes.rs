//! Notes: read with all that is known of them, sent once, and known again.

use std::collections::BTreeMap;

use im_model::{ActorId, ExternalId, ExternalNote, Note, NoteId, NoteKind};
use im_sync::{headed_note, marked_note};
use im_vendors::{VendorError, VendorErrorKind};

use crate::{
    bench::Bench,
    rig::{Ability, Rig},
    wire::{Meets, Trouble},
};

pub fn note(origin: &str, kind: NoteKind, text: &str) -> Note {
    Note {
        key: format!("@platform/{origin}").parse().expect("a key"),
        kind,
        author: ActorId::parse("cy@example.org").ok(),
        at: "2026-01-02T03:00:00.7Z".parse().expect("a time"),
        edit_of: None,
        text: text.to_owned(),
        copies: BTreeMap::new(),
    }
}

/// The list that a note of this kind is on when it is read.
fn kind_as_read<R: Rig>(kind: NoteKind) -> NoteKind {
    match R::PUBLIC_NOTES {
        Ability::Has => kind,
        Ability::Lacks(_) => NoteKind::WorkNote,
    }
}

impl<R: Rig> Bench<R> {
    pub async fn notes(&self, id: &ExternalId) -> Vec<ExternalNote> {
        let record = self.read(id).await;
        let notes = self.api.notes(self.connection(), &record).await;
        notes.expect("notes")
    }

    async fn add_note(&self, id: &ExternalId, note: &Note) -> Result<Option<NoteId>, VendorError> {
        let record = self.read(id).await;
        let added = self.api.add_note(self.connection(), &record, note).await;
        self.wait();
        added
    }

    pub async fn copies(&self, id: &ExternalId, note: &Note) -> Vec<ExternalNote> {
        let mut notes = self.notes(id).await;
        notes.retain(|it| it.copy_of.as_ref() == Some(&note.key));
        notes
    }
}

pub async fn reads_a_persons_notes<R: Rig>() {
    let bench = Bench::<R>::new();
    let id = bench.record();
    assert_eq!(bench.notes(&id).await, []);
    let mut expected = Vec::new();
    for (kind, text) in [
        (NoteKind::WorkNote, "Restarted db-1."),
        (NoteKind::Comment, "It works again."),
        (NoteKind::WorkNote, "Watching it.\n\nUntil noon."),
    ] {
        bench.rig().note(&id, kind, text);
        expected.push((
            kind_as_read::<R>(kind),
            text.to_owned(),
            bench.now().as_second(),
        ));
        bench.wait();
    }
    let notes = bench.notes(&id).await;
    for note in &notes {
        let author = note.author.as_ref().map(ActorId::as_str);
        assert_eq!(author, R::PERSON.in_notes);
        assert_eq!((&note.copy_of, note.edited_at), (&None, None));
    }
    let seen: Vec<_> = notes
        .into_iter()
        .map(|note| (note.kind, note.text, note.at.as_second()))
        .collect();
    assert_eq!(seen, expected);
}

pub async fn knows_its_own_copy<R: Rig>() {
    let bench = Bench::<R>::new();
    let id = bench.record();
    bench
        .rig()
        .note(&id, NoteKind::WorkNote, "Somebody else's.");
    let longest = "x".repeat(Note::MOST_CHARACTERS);
    for (origin, kind, text) in [
        ("01A", NoteKind::WorkNote, "Restarted.\n\nWatching it."),
        ("01B", NoteKind::Comment, "It works again."),
        ("01C", NoteKind::WorkNote, &longest),
    ] {
        let mut note = note(origin, kind, text);
        if kind == NoteKind::Comment {
            note.edit_of = Some("01A".parse().expect("an id"));
            note.author = None;
        }
        let at = bench.now().as_second();
        let told = bench.add_note(&id, &note).await.expect("added");
        let copies = bench.copies(&id, &note).await;
        let [copy] = copies.as_slice() else {
            panic!("not one copy: {copies:?}")
        };
        assert_eq!(
            (copy.kind, copy.text.as_str()),
            (kind_as_read::<R>(kind), text)
        );
        assert_eq!(copy.at.as_second(), at);
        assert!(told.is_none_or(|told| told == copy.id));
        assert_eq!(bench.take_writes(), 1);
    }
    let notes = bench.notes(&id).await;
    assert_eq!(notes.len(), 4);
    let strangers = notes.iter().filter(|note| note.copy_of.is_none()).count();
    assert_eq!(strangers, 1);
}

pub async fn takes_nobodys_quotation_for_a_copy<R: Rig>() {
    let bench = Bench::<R>::new();
    let id = bench.record();
    let note = note("01A", NoteKind::WorkNote, "Restarted.");
    bench.add_note(&id, &note).await.expect("added");
    for quotation in [
        marked_note(&note),
        headed_note(&note),
        format!("I doubt it:\n\n{}", marked_note(&note)),
        format!("{}\n\nI doubt it.", marked_note(&note)),
    ] {
        bench.rig().note(&id, NoteKind::WorkNote, &quotation);
        bench.wait();
        let last = bench.notes(&id).await.pop().expect("a note");
        assert_eq!(last.copy_of, None, "{quotation}");
        assert!(last.text.contains("Restarted."), "{}", last.text);
    }
    assert_eq!(bench.copies(&id, &note).await.len(), 1);
    assert_eq!(bench.notes(&id).await.len(), 5);
}

pub async fn finds_a_note_whose_answer_was_lost<R: Rig>() {
    let bench = Bench::<R>::new();
    let id = bench.record();
    let note = note("01A", NoteKind::WorkNote, "Restarted.");
    for (trouble, made) in [
        (Trouble::TimeoutBeforeCommit, 0),
        (Trouble::TimeoutAfterCommit, 1),
    ] {
        bench.wire.trouble(Meets::Write, trouble);
        let lost = bench.add_note(&id, &note).await;
        assert_eq!(lost.expect_err("no answer").kind, VendorErrorKind::Timeout);
        assert_eq!(bench.take_writes(), made);
        assert_eq!(bench.copies(&id, &note).await.len(), made);
    }
}
