//! Notes: grow-only lists, not fields. A note is never changed and never removed (design section 3).

use std::{collections::BTreeMap, fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ActorId, IntegrationId, InvalidId, NoteId, incident::words};

words! {
    /// Which of an incident's two lists a note is on.
    NoteKind {
        /// Visible to customers.
        Comment = "comments",
        /// Internal. What is of unknown visibility is here, too.
        WorkNote = "work_notes",
    }
}

/// Where a note was written first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoteSource {
    /// On the platform.
    Platform,
    /// At the vendor of this integration.
    Integration(IntegrationId),
}

/// No integration is called so: an id has no `@`.
const PLATFORM: &str = "@platform";

impl fmt::Display for NoteSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform => f.write_str(PLATFORM),
            Self::Integration(id) => id.fmt(f),
        }
    }
}

impl FromStr for NoteSource {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text == PLATFORM {
            return Ok(Self::Platform);
        }
        IntegrationId::parse(text).map(Self::Integration)
    }
}

/// Names a note everywhere: its source and the id that it has there, `<source>/<origin id>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NoteKey {
    /// Where it was written first.
    pub source: NoteSource,
    /// Its id there.
    pub origin: NoteId,
}

/// A text that names no note.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a note's name (<source>/<origin id>)")]
pub struct InvalidNoteKey;

impl fmt::Display for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.source, self.origin)
    }
}

impl FromStr for NoteKey {
    type Err = InvalidNoteKey;
    fn from_str(text: &str) -> Result<Self, InvalidNoteKey> {
        let (source, origin) = text.split_once('/').ok_or(InvalidNoteKey)?;
        Ok(Self {
            source: source.parse().map_err(|_| InvalidNoteKey)?,
            origin: origin.parse().map_err(|_| InvalidNoteKey)?,
        })
    }
}

impl TryFrom<String> for NoteKey {
    type Error = InvalidNoteKey;
    fn try_from(text: String) -> Result<Self, InvalidNoteKey> {
        text.parse()
    }
}

impl From<NoteKey> for String {
    fn from(key: NoteKey) -> String {
        key.to_string()
    }
}

/// A note of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Its name.
    pub key: NoteKey,
    /// Which list it is on.
    pub kind: NoteKind,
    /// Who wrote it, as its source names them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<ActorId>,
    /// When it was written there.
    pub at: Timestamp,
    /// The note that this is a later wording of: vendors let people edit notes, and a list that only grows keeps both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit_of: Option<NoteId>,
    /// What it says, as Markdown.
    pub text: String,
    /// Its copies, by whose record they are in.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub copies: BTreeMap<IntegrationId, NoteCopy>,
}

/// What became of a note at another system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum NoteCopy {
    /// It is there.
    Sent {
        /// The vendor's id of the copy, where it tells one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<NoteId>,
    },
    /// It was written while its list did not flow there, and what lies behind is not caught up with.
    Withheld,
    /// The vendor does not take it; it is sent again only when somebody asks for it.
    Refused {
        /// In words.
        why: String,
    },
}

impl Note {
    /// Most characters of a note: with its author's line it fits into every vendor's field.
    pub const MOST_CHARACTERS: usize = 20_000;
}

/// A note as a vendor shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalNote {
    /// The vendor's id of it.
    pub id: NoteId,
    /// Which list it belongs on; a work note unless the vendor says that customers see it.
    pub kind: NoteKind,
    /// Who wrote it.
    pub author: Option<ActorId>,
    /// When.
    pub at: Timestamp,
    /// When its text was last changed, if it was.
    pub edited_at: Option<Timestamp>,
    /// What it says, without the lines that we put around a copy.
    pub text: String,
    /// The note that it is our copy of. A quotation by somebody else that contains our marker is not one.
    pub copy_of: Option<NoteKey>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_source_and_origin() {
        for text in ["@platform/01J", "prod-jira/10023", "prod-jira/a/b@7"] {
            let key: NoteKey = text.parse().expect(text);
            assert_eq!(key.to_string(), text);
        }
        for bad in ["", "prod-jira", "Prod/1", "prod/", "prod/a b"] {
            assert_eq!(bad.parse::<NoteKey>(), Err(InvalidNoteKey), "{bad:?}");
        }
    }
}
