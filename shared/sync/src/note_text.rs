//! The text of a copy of a note: who wrote it, when and where, what it says, and which note it is a copy of.

use std::fmt::Write as _;

use im_model::{Note, NoteKey};

/// A vendor's note that reads like a copy of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedNote {
    /// Which note it says it is a copy of.
    pub key: NoteKey,
    /// What is left without our lines.
    pub text: String,
    /// True if both our lines are where we put them, and nothing is around them: a quotation has more.
    pub whole: bool,
}

const MARKER: &str = "[im:note ";
const WROTE: &str = " wrote on ";
const EDITED: &str = " edited a note on ";

/// The copy with its author's line, for vendors that can keep its key beside the text.
pub fn headed_note(note: &Note) -> String {
    let author = note
        .author
        .as_ref()
        .map_or("Somebody", |author| author.as_str());
    let did = if note.edit_of.is_some() {
        EDITED
    } else {
        WROTE
    };
    let at = note.at.strftime("%Y-%m-%d %H:%M:%S UTC");
    let source = &note.key.source;
    let place = match source {
        im_model::NoteSource::Platform => String::new(),
        im_model::NoteSource::Integration(id) => format!(" ({id})"),
    };
    format!("{author}{did}{at}{place}:\n\n{}", note.text)
}

/// The copy with its author's line and, as its last line, a marker that carries its key.
pub fn marked_note(note: &Note) -> String {
    let mut text = headed_note(note);
    // Writing to a string cannot fail.
    let _ = write!(text, "\n\n{MARKER}{}]", note.key);
    text
}

/// Reads a marker line. The last line counts: a person who answers below a quotation has written a note of their own.
pub fn read_marked_note(text: &str) -> Option<CopiedNote> {
    let text = text.trim();
    let (before, last) = text.rsplit_once('\n').unwrap_or(("", text));
    let key = last.trim().strip_prefix(MARKER)?.strip_suffix(']')?;
    let key: NoteKey = key.parse().ok()?;
    let without_head = read_headed_note(before);
    Some(CopiedNote {
        key,
        text: without_head.unwrap_or(before.trim()).to_owned(),
        whole: without_head.is_some(),
    })
}

/// What a copy says below its author's line; `None` if it does not begin with one.
pub fn read_headed_note(text: &str) -> Option<&str> {
    let text = text.trim();
    let (head, body) = text.split_once('\n').unwrap_or((text, ""));
    let is_head = head.trim_end().ends_with(':') && (head.contains(WROTE) || head.contains(EDITED));
    is_head.then(|| body.trim())
}

#[cfg(test)]
mod tests {
    use im_model::{ActorId, NoteId, NoteKind, NoteSource};

    use super::*;

    fn note() -> Note {
        Note {
            key: NoteKey {
                source: NoteSource::Integration("prod-jira".parse().expect("an id")),
                origin: NoteId::parse("10023").expect("an id"),
            },
            kind: NoteKind::Comment,
            author: ActorId::parse("ann@example.com").ok(),
            at: "2026-11-22T04:05:06.7Z".parse().expect("a time"),
            edit_of: None,
            text: "Restarted.\n\nWatching it.".to_owned(),
            copies: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn a_copy_keeps_author_time_place_and_key() {
        assert_eq!(
            marked_note(&note()),
            "ann@example.com wrote on 2026-11-22 04:05:06 UTC (prod-jira):\n\n\
             Restarted.\n\nWatching it.\n\n[im:note prod-jira/10023]"
        );
    }

    #[test]
    fn a_copy_reads_back_whole_and_a_quotation_does_not() {
        let copy = marked_note(&note());
        let read = read_marked_note(&format!("{copy}\r\n")).expect("a marker");
        assert_eq!(
            (read.key, read.text, read.whole),
            (note().key, note().text, true)
        );
        let above = read_marked_note(&format!("I doubt it.\n{copy}")).expect("a marker");
        assert!(!above.whole, "{above:?}");
        assert_eq!(read_marked_note(&format!("{copy}\nI doubt it.")), None);
        assert_eq!(read_marked_note("[im:note nonsense]"), None);
        assert_eq!(
            read_headed_note(&headed_note(&note())),
            Some("Restarted.\n\nWatching it.")
        );
        assert_eq!(read_headed_note("Restarted.\n\nWatching it."), None);
        assert_eq!(read_marked_note(""), None);
    }
}
