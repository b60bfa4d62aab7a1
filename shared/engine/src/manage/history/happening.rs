//! What a timeline and an explanation consist of.

use im_model::{
    ActorId, ExternalId, Field, FieldOutcome, FieldState, IncidentId, IntegrationId, Note, NoteKey,
    Notice, PlatformValue, Review,
};
use im_sync::{Decision, Sent};
use jiff::Timestamp;

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
