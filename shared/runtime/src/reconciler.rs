//! `reconciler`: the minute tick.

use im_engine::{StoreError, Sweeper};
use serde_json::Value;

/// Does what is due every minute.
pub struct ReconcilerFunction {
    sweeper: Sweeper,
}

/// Why a tick failed. The next one does what this one did not.
#[derive(Debug, thiserror::Error)]
pub enum NoTick {
    /// The event is not the schedule's.
    #[error("not a scheduled event")]
    NotScheduled,
    /// The store or the queue could not be reached.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ReconcilerFunction {
    /// A function that sweeps.
    pub fn new(sweeper: Sweeper) -> Self {
        Self { sweeper }
    }

    /// Works on an `EventBridge` schedule's event; answers what was done.
    pub async fn handle(&self, event: &Value) -> Result<Value, NoTick> {
        if event["detail-type"] != "Scheduled Event" {
            return Err(NoTick::NotScheduled);
        }
        let report = self.sweeper.tick().await?;
        Ok(serde_json::to_value(report).unwrap_or_default())
    }
}
