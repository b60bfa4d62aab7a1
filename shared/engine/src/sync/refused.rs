//! What follows an attempt: a success closes the link's dead letter, refused credentials pause the integration.

use im_model::{Activity, DeadLetterId, Integration};
use im_vendors::{CheckOutcome, VendorError, VendorErrorKind};

use super::SyncEngine;
use crate::{
    Announcement, DeadLetter, Hint, Job, Outcome, StoreError, SyncError, audit::Auditor,
    dead_letter::DeadLetterCloser, ports::Attempt,
};

/// What an attempt has met.
#[derive(Default)]
pub(super) struct Attempted {
    /// The integration as it was worked with.
    pub(super) used: Option<Integration>,
    /// The link's dead letter, if it has one.
    pub(super) dead: Option<DeadLetterId>,
}

impl SyncEngine {
    const PAUSED: &str = "the integration was paused: its credentials are refused";

    /// The link was synced: what is dead of it is so no longer. Of a record that was imported nobody knows whether an
    /// earlier job died: one read.
    pub(super) async fn close(
        &self,
        job: &Job,
        outcome: &Outcome,
        dead: Option<&DeadLetterId>,
    ) -> Result<(), StoreError> {
        let integration = job.hint.integration();
        let of_the_record = match (&job.hint, outcome) {
            (Hint::External { external_id, .. }, Outcome::Imported(_)) => {
                Some(DeadLetter::id_of(integration, None, Some(external_id)))
            }
            _ => None,
        };
        for id in [dead, of_the_record.as_ref()].into_iter().flatten() {
            self.close_entry(job, id, outcome).await?;
        }
        Ok(())
    }

    /// Closes an entry, unless what it is about is still so.
    pub(crate) async fn close_entry(
        &self,
        job: &Job,
        id: &DeadLetterId,
        outcome: &Outcome,
    ) -> Result<(), StoreError> {
        let by = match outcome {
            Outcome::Skipped(why) => format!("skipped: {why}"),
            _ => "a success".to_owned(),
        };
        self.closer().close(job.hint.integration(), id, &by).await
    }

    /// A retry of an entry came to nothing, and was not a failure either: it waits for somebody, as before.
    pub(crate) async fn leave_entry(
        &self,
        job: &Job,
        id: &DeadLetterId,
        why: &str,
    ) -> Result<(), StoreError> {
        self.closer().leave(job.hint.integration(), id, why).await
    }

    /// Has an incident's link a dead letter? A delivery's has none that would keep it from being woken.
    pub(crate) async fn is_listed(&self, hint: &Hint) -> Result<bool, StoreError> {
        let Hint::Incident {
            incident,
            integration,
        } = hint
        else {
            return Ok(false);
        };
        let incident = self.store.load(incident).await?;
        Ok(incident.is_some_and(|incident| incident.dead.contains_key(integration)))
    }

    fn closer(&self) -> DeadLetterCloser<'_> {
        DeadLetterCloser {
            letters: self.letters.as_ref(),
            incidents: self.store.as_ref(),
            clock: self.clock.as_ref(),
        }
    }

    /// A 401 with fresh credentials, or a 403 that the vendor's own test gets too, is no matter of this job: the
    /// integration is paused and says so, and the job stays as it is. Whoever changed the integration meanwhile may have
    /// mended it: then the job is tried again.
    pub(crate) async fn refused(
        &self,
        error: SyncError,
        used: &Integration,
    ) -> Result<Outcome, SyncError> {
        let SyncError::Vendor(VendorError { kind, .. }) = &error else {
            return Err(error);
        };
        let why = match kind {
            VendorErrorKind::Unauthorized => {
                "the vendor refuses its credentials (401): configure them again, then resume it"
                    .to_owned()
            }
            VendorErrorKind::Forbidden => match self.not_permitted(used).await? {
                Some(what) => format!(
                    "its account at the vendor may not {what} (403): see `im integration test`, then resume it"
                ),
                None => return Err(error),
            },
            _ => return Err(error),
        };
        let Some(present) = self.integrations.fetch(&used.id).await? else {
            return Err(error);
        };
        if present.version != used.version {
            return Err(error);
        }
        let now = self.clock.now();
        let paused = Integration {
            activity: Activity::Paused,
            paused_because: Some(why.clone()),
            version: present.version + 1,
            updated_at: now,
            ..present.clone()
        };
        let by_itself = Auditor::new(self.ids.as_ref(), None, now);
        let audit = by_itself.changed(&present, &paused);
        if self.integrations.replace(&paused, &audit).await? == Attempt::LostRace {
            return Err(error);
        }
        tracing::error!(integration = %used.id, why, "the integration was paused");
        crate::metrics::credentials_refused(&used.id);
        let integration = used.id.clone();
        let announcement = Announcement::CredentialsRefused { integration };
        announcement.tell(self.announcer.as_ref()).await;
        Ok(Outcome::Suspended(Self::PAUSED))
    }

    /// What the account lacks in general, if it does: the first thing that its test fails at.
    async fn not_permitted(&self, used: &Integration) -> Result<Option<String>, SyncError> {
        let vendor = im_vendors::registry::vendor_api(used.integration_type);
        let credentials = self.credentials.get(&used.secret_id).await?;
        let credentials = credentials
            .map(|kept| kept.current.clone())
            .unwrap_or_default();
        let checks = vendor.probe(self.connection(used, &credentials)).await;
        let failed = checks
            .into_iter()
            .find(|check| check.outcome == CheckOutcome::Failed);
        Ok(failed.map(|check| check.what))
    }
}
