//! The span of one sync, with the attributes that every one has (`interface.md`, "Spans"). What is never known is empty.

use std::sync::atomic::{AtomicBool, Ordering};

use im_model::{ExternalId, IncidentId, IntegrationType};
use tracing::{Span, field};

use super::Outcome;
use crate::{Hint, Job, SyncError};

/// A sync's span. Ids are told as they become known: whoever is cut off has told all that it knew.
pub(crate) struct SyncSpan {
    span: Span,
    told: [AtomicBool; 3],
}

#[derive(Clone, Copy)]
enum Attribute {
    Type,
    Incident,
    External,
}

const NAMES: [(Attribute, &str); 3] = [
    (Attribute::Type, "sync.integration_type"),
    (Attribute::Incident, "sync.incident_id"),
    (Attribute::External, "sync.external_id"),
];

impl SyncSpan {
    pub(crate) fn of(job: &Job) -> Self {
        let hint = &job.hint;
        let direction = match hint {
            Hint::Incident { .. } => "outbound",
            Hint::External { .. } => "inbound",
        };
        let span = tracing::info_span!(
            "sync",
            otel.status_code = field::Empty,
            sync.integration_id = %hint.integration(),
            sync.integration_type = field::Empty,
            sync.direction = direction,
            sync.incident_id = field::Empty,
            sync.external_id = field::Empty,
            sync.outcome = field::Empty,
        );
        let span = Self {
            span,
            told: Default::default(),
        };
        match hint {
            Hint::Incident { incident, .. } => span.incident(incident),
            Hint::External { external_id, .. } => span.external(external_id),
        }
        span
    }

    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    pub(crate) fn integration_type(&self, integration_type: IntegrationType) {
        self.tell(Attribute::Type, integration_type.as_str());
    }

    pub(crate) fn incident(&self, id: &IncidentId) {
        self.tell(Attribute::Incident, id.as_str());
    }

    pub(crate) fn external(&self, id: &ExternalId) {
        self.tell(Attribute::External, id.as_str());
    }

    /// In a word: an error's text may quote a vendor.
    pub(crate) fn came_to(&self, result: &Result<Outcome, SyncError>) {
        let outcome = match result {
            Ok(Outcome::NothingNew) => "nothing_new",
            Ok(Outcome::Synced(_)) => "synced",
            Ok(Outcome::Created(id)) => {
                self.external(id);
                "created"
            }
            Ok(Outcome::Adopted(id)) => {
                self.external(id);
                "adopted"
            }
            Ok(Outcome::Imported(id)) => {
                self.incident(id);
                "imported"
            }
            Ok(Outcome::Skipped(_)) => "skipped",
            Ok(Outcome::Suspended(_)) => "suspended",
            Err(error) => {
                self.span.record("otel.status_code", "ERROR");
                error.reason().as_str()
            }
        };
        self.span.record("sync.outcome", outcome);
    }

    /// Once each: a second value would be a second attribute of the name.
    fn tell(&self, attribute: Attribute, value: &str) {
        if !self.told[attribute as usize].swap(true, Ordering::Relaxed) {
            let (_, name) = NAMES[attribute as usize];
            self.span.record(name, value);
        }
    }
}

impl Drop for SyncSpan {
    fn drop(&mut self) {
        for (attribute, _) in NAMES {
            self.tell(attribute, "");
        }
    }
}
