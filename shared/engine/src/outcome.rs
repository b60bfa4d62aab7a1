//! What a sync came to.

use std::fmt;

use im_model::{ExternalId, Field, IncidentId};

/// What a sync came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Both sides already were as they should be: nothing was written anywhere.
    NothingNew,
    /// The link was synced.
    Synced(Synced),
    /// The vendor's record was created for an incident.
    Created(ExternalId),
    /// A record that an earlier attempt created was found and linked.
    Adopted(ExternalId),
    /// An incident was created from the vendor's record.
    Imported(IncidentId),
    /// There was nothing to be done, for a reason.
    Skipped(&'static str),
    /// Nothing was done for now, and all of it is still to be done.
    Suspended(&'static str),
}

/// What a sync has moved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Synced {
    /// Fields written to the vendor.
    pub pushed: Vec<Field>,
    /// Fields written to the platform.
    pub pulled: Vec<Field>,
    /// How many notes were added at the vendor.
    pub notes_sent: usize,
    /// How many notes were added on the platform.
    pub notes_imported: usize,
    /// How many conflicts were found, or have changed.
    pub conflicts: usize,
}

impl fmt::Display for Synced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |fields: &[Field]| fields.iter().map(Field::name).collect::<Vec<_>>().join(",");
        let (sent, imported) = (self.notes_sent, self.notes_imported);
        let conflicts = self.conflicts;
        let parts = [
            (!self.pushed.is_empty()).then(|| format!("pushed: {}", names(&self.pushed))),
            (!self.pulled.is_empty()).then(|| format!("pulled: {}", names(&self.pulled))),
            (sent > 0).then(|| format!("notes sent: {sent}")),
            (imported > 0).then(|| format!("notes imported: {imported}")),
            (conflicts > 0).then(|| format!("conflicts: {conflicts}")),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        write!(f, "synced ({})", parts.join("; "))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingNew => f.write_str("nothing new"),
            Self::Synced(synced) => synced.fmt(f),
            Self::Created(id) => write!(f, "created {id}"),
            Self::Adopted(id) => write!(f, "adopted {id}"),
            Self::Imported(id) => write!(f, "imported as {id}"),
            Self::Skipped(why) => write!(f, "skipped: {why}"),
            Self::Suspended(why) => write!(f, "suspended: {why}"),
        }
    }
}
