//! The retry queues and the dead letters, on SQS.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use aws_sdk_sqs::{Client, error::ProvideErrorMetadata, types::MessageAttributeValue};
use im_engine::{
    RetryMessage, StoreError,
    ports::{Clock, JobQueue, RetryQueue},
};

use crate::trace;

/// A retry queue, for whoever only sends to it.
pub struct SqsJobQueue {
    client: Client,
    url: String,
    clock: Arc<dyn Clock>,
    time_scale: u32,
}

/// A function's own retry queue, and the dead letters.
pub struct SqsQueue {
    retries: SqsJobQueue,
    dead_letters: String,
}

impl SqsJobQueue {
    /// SQS delays a message by at most 15 min; a longer wait takes a second round.
    const MOST_DELAY_SECONDS: i64 = 900;

    /// A queue by URL. `time_scale` is how fast the clock runs: 1 but for `im dev`.
    pub fn new(client: Client, url: String, clock: Arc<dyn Clock>, time_scale: u32) -> Self {
        Self {
            client,
            url,
            clock,
            time_scale: time_scale.max(1),
        }
    }

    async fn send(
        &self,
        queue: &str,
        message: &RetryMessage,
        delay_seconds: i64,
    ) -> Result<(), StoreError> {
        let failed = |detail: String| StoreError {
            tried: "queue the job",
            on: message.job.hint.to_string(),
            detail,
        };
        let body = serde_json::to_string(message).map_err(|error| failed(error.to_string()))?;
        let delay = i32::try_from(delay_seconds).unwrap_or(i32::MAX);
        self.client
            .send_message()
            .queue_url(queue)
            .message_body(body)
            .set_message_attributes(carried())
            .delay_seconds(delay)
            .send()
            .await
            .map(|_| ())
            .map_err(|error| {
                failed(
                    error
                        .code()
                        .unwrap_or("SQS could not be reached")
                        .to_owned(),
                )
            })
    }
}

/// The trace that a message is part of, for whoever takes it to go on with.
pub(crate) fn carried() -> Option<HashMap<String, MessageAttributeValue>> {
    let traceparent = trace::current()?;
    let value = MessageAttributeValue::builder()
        .data_type("String")
        .string_value(traceparent)
        .build();
    // A message without its trace is better than none.
    Some(HashMap::from([(
        trace::TRACEPARENT.to_owned(),
        value.ok()?,
    )]))
}

#[async_trait]
impl JobQueue for SqsJobQueue {
    async fn put(&self, message: &RetryMessage) -> Result<(), StoreError> {
        let wait = message
            .not_before
            .duration_since(self.clock.now())
            .as_millis();
        let wait = wait / i128::from(self.time_scale);
        // Rounded up: a message that comes early only goes round again.
        let seconds = i64::try_from((wait + 999) / 1000).unwrap_or(Self::MOST_DELAY_SECONDS);
        self.send(
            &self.url,
            message,
            seconds.clamp(0, Self::MOST_DELAY_SECONDS),
        )
        .await
    }
}

impl SqsQueue {
    /// Queues by URL: the function's own, and the dead letters. `time_scale` is how fast the clock runs: 1 but for
    /// `im dev`.
    pub fn new(
        client: Client,
        (retries, dead_letters): (String, String),
        clock: Arc<dyn Clock>,
        time_scale: u32,
    ) -> Self {
        Self {
            retries: SqsJobQueue::new(client, retries, clock, time_scale),
            dead_letters,
        }
    }
}

#[async_trait]
impl JobQueue for SqsQueue {
    async fn put(&self, message: &RetryMessage) -> Result<(), StoreError> {
        self.retries.put(message).await
    }
}

#[async_trait]
impl RetryQueue for SqsQueue {
    async fn bury(&self, message: &RetryMessage) -> Result<(), StoreError> {
        self.retries.send(&self.dead_letters, message, 0).await
    }
}
