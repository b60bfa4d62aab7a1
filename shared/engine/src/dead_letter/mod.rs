//! What is dead of one link: its job could not be done in five attempts, or never can.

mod close;
mod record;

use im_model::{
    DeadLetterId, DeadLetterStatus, ExternalId, FailureReason, Field, Incident, IncidentId,
    IntegrationId, Notice, NoticeKind, Severity,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[cfg(feature = "vendors")]
pub(crate) use self::close::{DeadLetterCloser, mark_to_clear};
pub use self::record::DeadLetterRecorder;
use crate::{Cause, FailedAttempt, Hint, Job, RetryMessage};

/// The fields that the link says are refused. What is only left alone has become base; what is refused has not.
pub(crate) fn refused_fields<'a>(
    incident: &'a Incident,
    integration: &IntegrationId,
) -> impl Iterator<Item = (&'a Field, &'a Notice)> {
    let link = incident.links.get(integration);
    let notices = link.into_iter().flat_map(|link| {
        let is_base = |field: &Field, notice: &Notice| {
            let base = link.base.get(field);
            base.is_some_and(|base| base.same_values(&notice.about))
        };
        let notices = link.notices.iter();
        notices.filter(move |(field, notice)| !is_base(field, notice))
    });
    notices
        .filter(|(_, notice)| matches!(notice.kind, NoticeKind::Unmapped | NoticeKind::Unwritable))
}

/// One link's dead jobs: an entry per link, however many of its jobs have died. It holds no value of any field beyond
/// what vendors quote in their errors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Names the link: see [`DeadLetter::id_of`].
    pub id: DeadLetterId,
    /// Whose link.
    pub integration: IntegrationId,
    /// The incident, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    /// The vendor's record, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Where it stands.
    pub status: DeadLetterStatus,
    /// The last of its jobs: without any value, for a retry starts from the present.
    pub job: Job,
    /// What ended the last of them.
    pub reason: FailureReason,
    /// The last attempts, oldest first: at most [`DeadLetter::MOST_ATTEMPTS`].
    pub attempts: Vec<FailedAttempt>,
    /// How many attempts there were in all.
    pub attempts_in_all: u32,
    /// How many jobs of this link have died since it was opened.
    pub jobs: u32,
    /// How often the system itself has tried it again, since it was opened.
    #[serde(default)]
    pub redriven: u32,
    /// How severe the incident was when it was last seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// When the first of its jobs died.
    pub opened_at: Timestamp,
    /// When the last of them did.
    pub died_at: Timestamp,
    /// When its status last changed.
    pub changed_at: Timestamp,
    /// Who or what changed it: a person, a success, the vendor's recovery.
    pub changed_by: String,
    /// Raised by one at every change.
    pub version: u64,
}

impl DeadLetter {
    /// Older attempts are counted and not kept.
    pub const MOST_ATTEMPTS: usize = 50;

    /// The entry of an incident's link, or of a record that belongs to no incident.
    pub fn id_of(
        integration: &IntegrationId,
        incident: Option<&IncidentId>,
        external_id: Option<&ExternalId>,
    ) -> DeadLetterId {
        let subject = match (incident, external_id) {
            (Some(incident), _) => ["incident", incident.as_str()],
            (None, Some(external_id)) => ["record", external_id.as_str()],
            (None, None) => ["nothing", ""],
        };
        DeadLetterId::of(&[integration.as_str(), subject[0], subject[1]])
    }

    /// The message that tries it again: its last job from the present, without what a webhook of that time said about
    /// times and authors. `insist` also tries what the vendor refused.
    pub(crate) fn retry(&self, cause: Cause, insist: bool, now: Timestamp) -> RetryMessage {
        let mut hint = self.job.hint.clone();
        if let Hint::External {
            changed, author, ..
        } = &mut hint
        {
            changed.clear();
            *author = None;
        }
        let job = Job {
            hint,
            cause,
            waited: false,
            insist,
        };
        RetryMessage {
            severity: self.severity,
            entry: Some(self.id.clone()),
            ..RetryMessage::first(job, now)
        }
    }

    /// `inbound` if the vendor's change made the job, else `outbound`.
    pub fn direction(&self) -> &'static str {
        match self.job.hint {
            Hint::External { .. } => "inbound",
            Hint::Incident { .. } => "outbound",
        }
    }
}
