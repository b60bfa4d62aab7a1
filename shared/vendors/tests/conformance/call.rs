//! The calls of an API, to make each of them fail.

use im_model::{ExternalRecord, Field, IncidentId, Note, NoteKind};
use im_vendors::VendorError;

use crate::{
    bench::{Bench, value},
    list::everything,
    notes::note,
    rig::Rig,
    wire::Meets,
};

const TITLE: &str = "Disk of db-1 full";

/// A call of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Read,
    Find,
    List,
    Notes,
    History,
    Create,
    Write,
    AddNote,
}

fn copied() -> Note {
    note("01A", NoteKind::WorkNote, "Restarted.")
}

impl Call {
    pub const ALL: [Self; 8] = [
        Self::Read,
        Self::Find,
        Self::List,
        Self::Notes,
        Self::History,
        Self::Create,
        Self::Write,
        Self::AddNote,
    ];

    pub fn meets(self) -> Meets {
        match self {
            Self::Read | Self::Find | Self::List | Self::Notes | Self::History => Meets::Read,
            Self::Create | Self::Write | Self::AddNote => Meets::Write,
        }
    }

    /// The record that came back, if the call succeeds and answers one.
    pub async fn make<R: Rig>(
        self,
        bench: &Bench<R>,
        record: &ExternalRecord,
        incident: &IncidentId,
    ) -> Result<Option<ExternalRecord>, VendorError> {
        let (api, connection) = (bench.api, bench.connection());
        let title = value(&Field::Title, TITLE);
        match self {
            Self::Read => api.read(connection, &record.id).await.map(Some),
            Self::Find => api.find(connection, incident).await.map(|_| None),
            Self::List => {
                let query = everything(connection.now);
                api.list(connection, &query, None).await.map(|_| None)
            }
            Self::Notes => api.notes(connection, record).await.map(|_| None),
            Self::AddNote => {
                let added = api.add_note(connection, record, &copied()).await;
                added.map(|_| None)
            }
            Self::History => {
                let history = api.history(connection, &record.id, record.created_at);
                history.await.map(|_| None)
            }
            Self::Create => {
                let created = api.create(connection, incident, &title).await;
                created.map(|written| Some(written.record))
            }
            Self::Write => {
                let written = api.write(connection, record, &title).await;
                written.map(|written| Some(written.record))
            }
        }
    }
}
