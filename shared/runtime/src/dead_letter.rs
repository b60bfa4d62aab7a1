//! `dead-letter`: what is in the dead-letter queue, in each of its three shapes, becomes entries.

use std::sync::Arc;

use aws_lambda_events::sqs::SqsEvent;
use im_engine::{DeadLetterRecorder, RetryMessage, StoreError};
use im_store::Tables;
use serde::Deserialize;
use serde_json::Value;
use tracing::Instrument as _;

use crate::{
    Source, StreamReader, StreamStretch,
    item_failures::{carried_by, item_failures},
    trace,
};

/// Makes entries of dead letters.
pub struct DeadLetterFunction {
    recorder: DeadLetterRecorder,
    streams: Arc<dyn StreamReader>,
    tables: Tables,
}

/// What a message of the queue says.
#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    /// A job: buried by its function after its last attempt, or redriven by its queue after five crashes.
    Job(Box<RetryMessage>),
    /// Records of a stream that Lambda has given up: a mapping's on-failure destination.
    GivenUp {
        #[serde(rename = "DDBStreamBatchInfo")]
        stretch: StreamStretch,
    },
}

/// Why a message stays in the queue. The alarm on what is stuck there makes somebody look.
#[derive(Debug, thiserror::Error)]
enum NotTaken {
    #[error("it is neither a job nor a place in a stream")]
    Unreadable,
    #[error("the stream {0} is of no table of ours")]
    Foreign(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DeadLetterFunction {
    /// A function that finds given-up records in the streams of these tables.
    pub fn new(
        recorder: DeadLetterRecorder,
        streams: Arc<dyn StreamReader>,
        tables: Tables,
    ) -> Self {
        Self {
            recorder,
            streams,
            tables,
        }
    }

    /// Works on a queue's event. The answer names the messages that have to stay in the queue.
    ///
    /// # Errors
    /// The event is not a queue's.
    pub async fn handle(&self, event: Value) -> Result<Value, serde_json::Error> {
        let event: SqsEvent = serde_json::from_value(event)?;
        let mut failed = Vec::new();
        for message in event.records {
            let span = tracing::info_span!("dead_letter", otel.kind = "consumer");
            let traces = carried_by(&message);
            trace::go_on(&span, traces.first().map(String::as_str));
            let item = message.message_id.unwrap_or_default();
            let body = message.body.unwrap_or_default();
            // One after the other: several may be about one link, and so end in one entry.
            if let Err(error) = self.take(&body).instrument(span).await {
                tracing::error!(message = item, %error, "the dead letter stays in its queue");
                failed.push(item);
            }
        }
        trace::flush().await;
        Ok(item_failures(failed))
    }

    async fn take(&self, body: &str) -> Result<(), NotTaken> {
        // What a parser says of it may quote it.
        match serde_json::from_str(body).map_err(|_| NotTaken::Unreadable)? {
            Body::Job(message) => drop(self.recorder.record(*message).await?),
            Body::GivenUp { stretch } => self.take_given_up(&stretch).await?,
        }
        Ok(())
    }

    /// Records the jobs of given-up records, as their function would have made them. One that cannot be read keeps the
    /// message in its queue, and not the others from being recorded.
    async fn take_given_up(&self, stretch: &StreamStretch) -> Result<(), NotTaken> {
        let foreign = || NotTaken::Foreign(stretch.stream_arn.clone());
        let source = match stretch.table().ok_or_else(foreign)? {
            table if table == self.tables.deliveries => Source::Deliveries,
            table if table == self.tables.sync => Source::Incidents,
            _ => return Err(foreign()),
        };
        let came_at = stretch.approximate_arrival_of_last_record;
        let (mut jobs, mut unread) = (Vec::new(), None);
        for image in self.streams.images(stretch).await? {
            match source.jobs_of(image) {
                Ok(made) => jobs.extend(made.into_iter().map(|(job, _)| job)),
                Err(error) => unread = unread.or(Some(error)),
            }
        }
        for job in jobs {
            let message = RetryMessage::first(job, came_at);
            let recorded = self.recorder.record_given_up(message, unread.is_some());
            recorded.await?;
        }
        unread.map_or(Ok(()), |error| Err(error.into()))
    }
}
