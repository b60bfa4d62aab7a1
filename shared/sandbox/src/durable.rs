//! What a stand-in holds, in a file: a line of JSON for each change, appended before anybody hears of it.
//!
//! A process that is killed loses nothing that was written: the system's page cache outlives it. A machine that
//! loses its power may lose the last lines.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::automation::Rule;
use crate::fault::{Fault, FaultRule};
use crate::seed::Seed;
use crate::webhook_delivery::{Attempt, Outcome, WebhookDelivery};

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DurableLogError {
    /// It cannot be opened, read or cut.
    #[error("{}: {error}", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Somebody else writes it.
    #[error("{}: another process uses it", .file.display())]
    InUse {
        /// The file.
        file: PathBuf,
    },
    /// A line, not the last, is not as it was written.
    #[error("{}: line {line} is not as it was written", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// From 1 on.
        line: usize,
    },
}

/// One thing that happened.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line<C> {
    /// All that one holder of the lock changed.
    Changed(Changed<C>),
    /// An attempt to send the webhook with this place.
    Posted {
        place: usize,
        attempt: Attempt,
        outcome: Outcome,
    },
    /// All that waited was taken out of the queue.
    Drained,
    /// What was held back is queued.
    Released,
}

/// A change of the records and what it caused.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Changed<C> {
    pub(crate) common: Common,
    /// With the fault that struck each.
    pub(crate) webhooks: Vec<(WebhookDelivery, Option<Fault>)>,
    pub(crate) records: Option<C>,
}

/// What is the same for every vendor.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Common {
    /// What the next ids are made of.
    pub(crate) ids: Seed,
    /// The time of the last change.
    pub(crate) latest: Timestamp,
    /// The faults in force, if they are others than before.
    pub(crate) faults: Option<Vec<FaultRule>>,
    /// New rules.
    pub(crate) automations: Vec<Rule>,
}

impl<C> Line<C> {
    /// The webhooks of a change.
    pub(crate) fn into_webhooks(self) -> Vec<(WebhookDelivery, Option<Fault>)> {
        match self {
            Self::Changed(changed) => changed.webhooks,
            Self::Posted { .. } | Self::Drained | Self::Released => Vec::new(),
        }
    }
}

impl<C> Changed<C> {
    /// Times and ids that nobody used are no change.
    pub(crate) fn is_nothing(&self) -> bool {
        self.records.is_none()
            && self.webhooks.is_empty()
            && self.common.faults.is_none()
            && self.common.automations.is_empty()
    }
}

/// A file that only this process appends to.
#[derive(Debug)]
pub(crate) struct DurableLog {
    path: PathBuf,
    /// `None` once a line could not be written: what came after it would not follow from what is there.
    file: Mutex<Option<File>>,
}

impl DurableLog {
    /// Opens or creates the file, and reads it. A last line that is torn is cut off: nobody was told of it.
    pub(crate) fn open<C: DeserializeOwned>(
        path: &Path,
    ) -> Result<(Self, Vec<Line<C>>), DurableLogError> {
        let failed = |error| DurableLogError::Io {
            file: path.to_owned(),
            error,
        };
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        // Webhooks carry signatures, and a changed password is a change.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failed)?;
        file.try_lock().map_err(|error| match error {
            std::fs::TryLockError::Error(error) => failed(error),
            std::fs::TryLockError::WouldBlock => DurableLogError::InUse {
                file: path.to_owned(),
            },
        })?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n');
        let whole = whole.map_or(0, |end| end + 1);
        if whole < text.len() {
            file.set_len(whole as u64).map_err(failed)?;
        }
        let lines = text[..whole].split_inclusive(|byte| *byte == b'\n');
        let lines = lines.enumerate().map(|(place, line)| {
            // A parser's error may quote what it read.
            serde_json::from_slice(line).map_err(|_| DurableLogError::Unreadable {
                file: path.to_owned(),
                line: place + 1,
            })
        });
        let lines = lines.collect::<Result<_, _>>()?;
        let log = Self {
            path: path.to_owned(),
            file: Mutex::new(Some(file)),
        };
        Ok((log, lines))
    }

    /// Appends a line. When that fails it is said once, and nothing is kept from then on.
    pub(crate) fn append<C: Serialize>(&self, line: &Line<C>) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = &mut *file else { return };
        let written = serde_json::to_vec(line)
            .map_err(std::io::Error::from)
            .and_then(|mut line| {
                line.push(b'\n');
                open.write_all(&line)
            });
        if let Err(error) = written {
            let file_name = self.path.display();
            tracing::error!(%error, file = %file_name, "nothing is kept from here on");
            *file = None;
        }
    }
}
