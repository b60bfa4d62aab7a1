//! Runs jobs: an attempt, and what becomes of it. No job vanishes (invariant 8): it succeeds, waits, or is dead.

use std::{sync::Arc, time::Duration};

use im_model::Incident;
use im_vendors::{VendorError, VendorErrorKind};
use jiff::SignedDuration;

use crate::{
    Cause, DeliveryEnd, Disposition, Outcome, RetryLadder, RetryMessage, StoreError, SyncEngine,
    SyncError,
    ports::{Clock, DeliveryStore, RetryQueue},
};

/// Runs the jobs of one function.
pub struct JobRunner {
    /// Works on them.
    pub engine: SyncEngine,
    /// Where finished deliveries are marked; absent where no delivery makes jobs.
    pub deliveries: Option<Arc<dyn DeliveryStore>>,
    /// Where failed ones wait.
    pub queue: Arc<dyn RetryQueue>,
    /// For how long.
    pub ladder: RetryLadder,
    /// When.
    pub clock: Arc<dyn Clock>,
}

impl JobRunner {
    /// A job that takes longer is put back: less than a function's timeout (15 s), so that a vendor that answers
    /// slowly cannot take the rest of a batch down with its own job. To the claim it is like a crash.
    pub const JOB_TIMEOUT: Duration = Duration::from_secs(8);

    /// The same for a first attempt, a stream's: its partition waits for the slowest job of a batch, and a vendor that
    /// hangs must not hold up the others for long. One request may take 3 s of it.
    pub const STREAM_PATIENCE: Duration = Duration::from_secs(4);

    /// Makes an attempt within a time. `Ok` means that the job is safe: done, waiting in the queue, or dead and listed.
    ///
    /// # Errors
    /// The job could not be put anywhere: whoever brought it must bring it again.
    pub async fn run(
        &self,
        message: RetryMessage,
        image: Option<Incident>,
        patience: Duration,
    ) -> Result<(), StoreError> {
        if self.clock.now() < message.not_before {
            // A queue delays 15 min at most; the rest is waited for in a second round.
            return self.queue.put(&message).await;
        }
        let sync = self.engine.sync(&message.job, image, message.severity);
        let synced = tokio::time::timeout(patience, sync);
        match synced.await {
            Ok(Ok(Outcome::Suspended(why))) => {
                // Neither done nor failed: the delivery stays open, the debt stays owed, a dead letter stays dead.
                tracing::info!(job = %message.job.hint, why, "left open");
                match &message.entry {
                    Some(entry) => self.engine.leave_entry(&message.job, entry, why).await,
                    None => Ok(()),
                }
            }
            Ok(Ok(outcome)) => {
                tracing::info!(job = %message.job.hint, %outcome, attempt = message.attempt, "done");
                if let Some(entry) = &message.entry {
                    self.engine
                        .close_entry(&message.job, entry, &outcome)
                        .await?;
                }
                self.finish(&message.job.cause, &outcome).await
            }
            Ok(Err(error)) => self.failed(message, &error).await,
            Err(_) => {
                let tried = format!("syncing {}", message.job.hint);
                let kind = VendorErrorKind::Timeout;
                let error = VendorError {
                    tried,
                    kind,
                    detail: String::new(),
                };
                // To the circuit it is a failure, too; nobody was left to say so.
                let integration = message.job.hint.integration();
                self.engine.pace.publish(integration).await;
                self.failed(message, &error.into()).await
            }
        }
    }

    /// Queues a job without an attempt of its own: the vendor did not answer the one before it in its batch.
    pub async fn postpone(&self, message: RetryMessage) -> Result<(), StoreError> {
        let mut message = message;
        message.waits += 1;
        message.not_before = self.clock.now() + SignedDuration::from_secs(1);
        self.queue.put(&message).await
    }

    async fn failed(&self, message: RetryMessage, error: &SyncError) -> Result<(), StoreError> {
        let (job, attempt) = (message.job.hint.to_string(), message.attempt);
        let summary = error.summary();
        match self.ladder.after(message, error, self.clock.now()) {
            Disposition::Retry(next) => {
                tracing::warn!(job, attempt, error = summary, not_before = %next.not_before, "later");
                self.queue.put(&next).await
            }
            Disposition::Leave(left) => {
                if self.engine.is_listed(&left.job.hint).await? {
                    // The tick leaves it to whoever settles the dead letter.
                    return self.queue.put(&left).await;
                }
                tracing::info!(job, error = summary, "left to the tick");
                Ok(())
            }
            Disposition::Dead(dead) => {
                // Its delivery is done when there is an entry of it: `DeadLetterRecorder`.
                tracing::error!(job, attempt, error = summary, "dead");
                self.queue.bury(&dead).await
            }
        }
    }

    /// Marks the deliveries done that made a job.
    async fn finish(&self, cause: &Cause, outcome: &Outcome) -> Result<(), StoreError> {
        let (Some(deliveries), Some(end)) = (&self.deliveries, DeliveryEnd::of(outcome)) else {
            return Ok(());
        };
        for key in cause.deliveries() {
            deliveries.finish(key, &end, &outcome.to_string()).await?;
        }
        Ok(())
    }
}
