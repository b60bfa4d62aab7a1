//! Comments. A copy of a note carries the note's key as a property, and its author in its first line.

use im_model::{ActorId, ExternalId, ExternalNote, Note, NoteId, NoteKey, NoteKind};
use im_sync::{headed_note, read_headed_note, read_marked_note};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{
    adf,
    issue::markdown,
    moment,
    people::{self, User},
    project,
    refusal::{call, garbage, unless_closed},
    request,
};
use crate::{Connection, VendorError};

/// The property that holds a copy's key: `{"key": "<source>/<origin id>"}`.
const NOTE: &str = "im.note";
/// The property that Jira Service Management keeps a comment's visibility in: `{"internal": true}`.
const VISIBILITY: &str = "sd.public.comment";
/// A comment that was changed this soon after it was made is as it was made.
const SAME_MOMENT: SignedDuration = SignedDuration::from_secs(1);
/// More comments than these nobody reads.
const MOST_PAGES: usize = 50;

#[derive(Debug, Deserialize)]
struct Page {
    comments: Vec<Comment>,
    #[serde(default)]
    total: usize,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Comment {
    id: String,
    author: Option<User>,
    #[serde(default)]
    body: Json,
    created: String,
    updated: Option<String>,
    jsd_public: Option<bool>,
    visibility: Option<Json>,
    /// Absent where Jira was not asked for them, or has none to show.
    properties: Option<Vec<Property>>,
}

#[derive(Debug, Clone, Deserialize)]
struct Property {
    #[serde(default)]
    key: String,
    #[serde(default)]
    value: Json,
}

#[derive(Debug, Deserialize)]
struct Added {
    id: String,
}

/// All comments of an issue, oldest first.
pub(super) async fn read(
    connection: &Connection<'_>,
    id: &ExternalId,
) -> Result<Vec<ExternalNote>, VendorError> {
    let mut notes: Vec<ExternalNote> = Vec::new();
    let mut seen = 0;
    for _ in 0..MOST_PAGES {
        let request = request::comments(connection, id.as_str(), seen)?;
        let page: Page = call(connection, request).await?;
        seen += page.comments.len();
        let is_last = page.comments.is_empty() || seen >= page.total;
        for comment in page.comments {
            // Asked once, and only where it matters.
            let public = comment.says_public() && project::has_customers(connection).await?;
            notes.push(note(connection, comment, public).await?);
        }
        if is_last {
            break;
        }
    }
    notes.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    Ok(notes)
}

/// Adds a copy of a note. Without its property it would come back as a new note.
pub(super) async fn add(
    connection: &Connection<'_>,
    id: &ExternalId,
    note: &Note,
) -> Result<Option<NoteId>, VendorError> {
    let body = adf::from_markdown(&headed_note(note));
    let mut properties = vec![json!({"key": NOTE, "value": {"key": note.key}})];
    if note.kind == NoteKind::WorkNote {
        properties.push(json!({"key": VISIBILITY, "value": {"internal": true}}));
    }
    let request = request::comment(connection, id.as_str(), &body, &properties)?;
    let added: Added = call(connection, request).await?;
    Ok(NoteId::parse(&added.id).ok())
}

async fn note(
    connection: &Connection<'_>,
    comment: Comment,
    public: bool,
) -> Result<ExternalNote, VendorError> {
    let time = |text: &str| {
        let at = moment::read(text);
        at.ok_or_else(|| garbage("reading comments", format!("{text:?} is no time")))
    };
    let id = NoteId::parse(&comment.id)
        .map_err(|error| garbage("reading comments", error.to_string()))?;
    let at = time(&comment.created)?;
    let updated = comment.updated.as_deref().map(time).transpose()?;
    let text = markdown(&comment.body)
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let (copy_of, text) = copy(connection, &comment, text).await?;
    Ok(ExternalNote {
        id,
        // What is restricted, internal or of unknown visibility is a work note.
        kind: if public {
            NoteKind::Comment
        } else {
            NoteKind::WorkNote
        },
        author: comment.author.as_ref().and_then(author),
        at,
        edited_at: updated.filter(|updated| is_edit(at, *updated)),
        text,
        copy_of,
    })
}

fn is_edit(created: Timestamp, updated: Timestamp) -> bool {
    updated.duration_since(created) > SAME_MOMENT
}

fn author(user: &User) -> Option<ActorId> {
    let name = user.email().or_else(|| user.display_name.clone());
    ActorId::parse(&name.or_else(|| user.account_id.clone())?).ok()
}

/// Which note it is our copy of, if it is one, and its text without our lines. Only our own account makes copies: a
/// person may quote one.
async fn copy(
    connection: &Connection<'_>,
    comment: &Comment,
    text: String,
) -> Result<(Option<NoteKey>, String), VendorError> {
    let below = read_headed_note(&text).map(str::to_owned);
    let marked = read_marked_note(&text);
    let property = comment.key();
    if property.is_none() && marked.is_none() && below.is_none() {
        return Ok((None, text));
    }
    let author = comment.author.as_ref();
    let author = author.and_then(|author| author.account_id.as_ref());
    if author.is_none() || people::own_account(connection).await?.as_ref() != author {
        return Ok((None, text));
    }
    if let Some(key) = property {
        return Ok((Some(key), below.unwrap_or(text)));
    }
    if let Some(marked) = marked {
        return Ok((Some(marked.key), marked.text));
    }
    // It looks like a copy, and its properties were not shown: they can be asked for one by one.
    if comment.properties.is_none()
        && let Some(key) = ask_for_key(connection, comment).await?
    {
        return Ok((Some(key), below.unwrap_or(text)));
    }
    Ok((None, text))
}

async fn ask_for_key(
    connection: &Connection<'_>,
    comment: &Comment,
) -> Result<Option<NoteKey>, VendorError> {
    let request = request::comment_property(connection, &comment.id, NOTE)?;
    let property = unless_closed(call::<Property>(connection, request).await)?;
    Ok(property.and_then(|property| property.note_key()))
}

impl Property {
    fn note_key(&self) -> Option<NoteKey> {
        self.value["key"].as_str()?.parse().ok()
    }

    /// Older apps wrote the word as a text.
    fn is_internal(&self) -> bool {
        let internal = &self.value["internal"];
        internal == true || internal == "true"
    }
}

impl Comment {
    fn property(&self, key: &str) -> Option<&Property> {
        let mut properties = self.properties.iter().flatten();
        properties.find(|property| property.key == key)
    }

    fn key(&self) -> Option<NoteKey> {
        self.property(NOTE)?.note_key()
    }

    /// Does Jira call it public, and nobody say otherwise?
    fn says_public(&self) -> bool {
        let visibility = self.property(VISIBILITY);
        let internal = visibility.is_some_and(Property::is_internal);
        let restricted = self
            .visibility
            .as_ref()
            .is_some_and(|visibility| match visibility {
                Json::Null => false,
                Json::Object(restriction) => !restriction.is_empty(),
                _ => true,
            });
        self.jsd_public == Some(true) && !internal && !restricted
    }
}

#[cfg(test)]
mod tests;
