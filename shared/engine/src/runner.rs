//! Runs jobs: an attempt, and what becomes of it. No job vanishes (invariant 8): it succeeds, waits, or is dead.

use std::sync::Arc;

use im_model::Incident;

use crate::{
    Cause, Disposition, RetryLadder, RetryMessage, StoreError, SyncEngine, SyncError,
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
    /// Makes an attempt. `Ok` means that the job is safe: done, waiting in the queue, or dead and listed.
    ///
    /// # Errors
    /// The job could not be put anywhere: whoever brought it must bring it again.
    pub async fn run(
        &self,
        message: RetryMessage,
        image: Option<Incident>,
    ) -> Result<(), StoreError> {
        if self.clock.now() < message.not_before {
            // A queue delays 15 min at most; the rest is waited for in a second round.
            return self.queue.put(&message).await;
        }
        match self.engine.sync(&message.job, image).await {
            Ok(outcome) => {
                tracing::info!(job = %message.job.hint, %outcome, attempt = message.attempt, "done");
                self.finish(&message.job.cause, &outcome.to_string()).await
            }
            Err(error) => self.failed(message, &error).await,
        }
    }

    async fn failed(&self, message: RetryMessage, error: &SyncError) -> Result<(), StoreError> {
        let (job, attempt) = (message.job.hint.to_string(), message.attempt);
        match self.ladder.after(message, error, self.clock.now()) {
            Disposition::Retry(next) => {
                tracing::warn!(job, attempt, %error, not_before = %next.not_before, "tried again");
                self.queue.put(&next).await
            }
            Disposition::Dead(dead) => {
                tracing::error!(job, attempt, %error, "dead letter");
                self.queue.bury(&dead).await?;
                self.finish(&dead.job.cause, &format!("dead letter: {error}"))
                    .await
            }
        }
    }

    async fn finish(&self, cause: &Cause, outcome: &str) -> Result<(), StoreError> {
        match (cause, &self.deliveries) {
            (Cause::Delivery { key }, Some(deliveries)) => deliveries.finish(key, outcome).await,
            _ => Ok(()),
        }
    }
}
