//! `reconciler`: the minute tick, and the runs that its queue brings.

use im_engine::{Reconciler, StoreError, Sweeper};
use serde_json::{Value, json};
use tracing::Instrument as _;

use crate::{
    run_queue::RunMessage,
    trace::{self, TRACEPARENT},
};

/// Does what is due every minute, and works on reconciliation runs.
pub struct ReconcilerFunction {
    sweeper: Sweeper,
    reconciler: Reconciler,
}

/// Why an invocation failed. The next tick does what this one did not.
#[derive(Debug, thiserror::Error)]
pub enum NoTick {
    /// The event is neither the schedule's nor the queue's.
    #[error("neither a scheduled event nor messages about runs")]
    NotScheduled,
    /// The store or the queue could not be reached.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ReconcilerFunction {
    /// A function that sweeps and reconciles.
    pub fn new(sweeper: Sweeper, reconciler: Reconciler) -> Self {
        Self {
            sweeper,
            reconciler,
        }
    }

    /// Works on an `EventBridge` schedule's event, or a batch of messages about runs; answers what was done.
    pub async fn handle(&self, event: &Value) -> Result<Value, NoTick> {
        let worked = self.work(event).await;
        trace::flush().await;
        worked
    }

    async fn work(&self, event: &Value) -> Result<Value, NoTick> {
        let records = event["Records"].as_array();
        let is_message = |record: &Value| record["eventSource"] == "aws:sqs";
        if let Some(records) = records.filter(|records| records.iter().all(is_message)) {
            return self.reconcile(records).await;
        }
        if event["detail-type"] != "Scheduled Event" {
            return Err(NoTick::NotScheduled);
        }
        let span = tracing::info_span!("tick", otel.kind = "consumer");
        let report = self.sweeper.tick().instrument(span).await?;
        Ok(serde_json::to_value(report).unwrap_or_default())
    }

    /// The mapping brings one message at a time. One that cannot be read would be brought for ever: it is dropped.
    async fn reconcile(&self, records: &[Value]) -> Result<Value, NoTick> {
        for record in records {
            let body = record["body"].as_str().unwrap_or_default();
            match serde_json::from_str::<RunMessage>(body) {
                Ok(message) => {
                    let span = tracing::info_span!(
                        "reconcile",
                        otel.kind = "consumer",
                        sync.integration_id = %message.integration,
                        run = %message.run,
                    );
                    let carried = &record["messageAttributes"][TRACEPARENT]["stringValue"];
                    trace::go_on(&span, carried.as_str());
                    let (reconciler, run) = (&self.reconciler, &message.run);
                    let worked = reconciler.work(&message.integration, run);
                    worked.instrument(span).await?;
                }
                Err(error) => tracing::error!(%error, "a message that names no run"),
            }
        }
        Ok(json!({}))
    }
}
