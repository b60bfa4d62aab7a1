//! What Lambda's event source mappings do: read streams and queues, call the function, mind partial failures.

use std::{collections::HashSet, sync::Arc, time::Duration};

use anyhow::Context as _;
use aws_sdk_dynamodbstreams::{
    Client as Streams,
    types::{Record, ShardIteratorType},
};
use aws_sdk_sqs::Client as Sqs;
use im_runtime::BatchFunction;

use crate::events::{failures, queue_event, stream_event};

/// Reads one table's stream. The embedded DynamoDB has one shard a stream.
pub struct StreamPoller {
    streams: Streams,
    table: String,
    iterator: Option<String>,
}

impl StreamPoller {
    /// How often a record is brought again before the mapping gives it up (`MaximumRetryAttempts`).
    pub const MOST_RETRIES: u32 = 3;

    /// A poller from the stream's oldest record on.
    pub fn new(streams: Streams, table: String) -> Self {
        Self {
            streams,
            table,
            iterator: None,
        }
    }

    /// The next records, possibly none.
    pub async fn poll(&mut self) -> anyhow::Result<Vec<Record>> {
        let iterator = match self.iterator.take() {
            Some(iterator) => iterator,
            None => self.start(&ShardIteratorType::TrimHorizon).await?,
        };
        let answer = self
            .streams
            .get_records()
            .shard_iterator(iterator)
            .send()
            .await?;
        self.iterator = answer.next_shard_iterator;
        Ok(answer.records.unwrap_or_default())
    }

    /// Skips what is in the stream already.
    pub async fn skip_present(&mut self) -> anyhow::Result<()> {
        self.iterator = Some(self.start(&ShardIteratorType::Latest).await?);
        Ok(())
    }

    async fn start(&self, at: &ShardIteratorType) -> anyhow::Result<String> {
        let streams = self
            .streams
            .list_streams()
            .table_name(&self.table)
            .send()
            .await?;
        let arn = streams
            .streams()
            .first()
            .and_then(|stream| stream.stream_arn());
        let arn = arn.with_context(|| format!("table {} has no stream", self.table))?;
        let described = self
            .streams
            .describe_stream()
            .stream_arn(arn)
            .send()
            .await?;
        let shards = described
            .stream_description
            .and_then(|stream| stream.shards);
        let shard = shards
            .unwrap_or_default()
            .into_iter()
            .next()
            .and_then(|s| s.shard_id);
        let answer = self
            .streams
            .get_shard_iterator()
            .stream_arn(arn)
            .shard_id(shard.with_context(|| format!("the stream of {} is empty", self.table))?)
            .shard_iterator_type(at.clone())
            .send()
            .await?;
        answer
            .shard_iterator
            .with_context(|| format!("no iterator for {}", self.table))
    }

    /// Reads the stream for ever. Batches are handed over as they come, so that a slow vendor delays nobody.
    pub async fn run(mut self, function: Arc<BatchFunction>, every: Duration) {
        loop {
            match self.poll().await {
                Ok(records) if records.is_empty() => tokio::time::sleep(every).await,
                Ok(records) => {
                    tokio::spawn(bring(function.clone(), records));
                }
                Err(error) => {
                    tracing::error!(table = self.table, error = format!("{error:#}"), "polling");
                    tokio::time::sleep(every).await;
                }
            }
        }
    }
}

/// Hands records over, and those that fail again.
async fn bring(function: Arc<BatchFunction>, records: Vec<Record>) {
    let mut records = records;
    for attempt in 0..=StreamPoller::MOST_RETRIES {
        let Some(event) = stream_event(&records) else {
            return;
        };
        let failed: HashSet<_> = match function.handle(event).await {
            Ok(answer) => failures(&answer).into_iter().collect(),
            Err(error) => {
                tracing::error!(%error, "the function failed");
                return;
            }
        };
        records.retain(|record| {
            let number = record
                .dynamodb
                .as_ref()
                .and_then(|c| c.sequence_number.as_ref());
            number.is_some_and(|number| failed.contains(number))
        });
        if records.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200 << attempt)).await;
    }
    tracing::error!(
        records = records.len(),
        "given up; the tables still list them as open"
    );
}

/// Reads one queue.
pub struct QueuePoller {
    sqs: Sqs,
    url: String,
}

impl QueuePoller {
    /// A poller of this queue.
    pub fn new(sqs: Sqs, url: String) -> Self {
        Self { sqs, url }
    }

    /// Receives up to ten messages and hands them over; those that do not fail are deleted. Returns how many came.
    pub async fn poll(&self, function: &BatchFunction, wait_seconds: i32) -> anyhow::Result<usize> {
        let answer = self
            .sqs
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(10)
            .wait_time_seconds(wait_seconds)
            .send()
            .await?;
        let messages = answer.messages.unwrap_or_default();
        if messages.is_empty() {
            return Ok(0);
        }
        let failed: HashSet<_> = failures(&function.handle(queue_event(&messages)).await?)
            .into_iter()
            .collect();
        for message in &messages {
            let done = message
                .message_id
                .as_ref()
                .is_some_and(|id| !failed.contains(id));
            if let (true, Some(handle)) = (done, &message.receipt_handle) {
                self.sqs
                    .delete_message()
                    .queue_url(&self.url)
                    .receipt_handle(handle)
                    .send()
                    .await?;
            }
        }
        Ok(messages.len())
    }

    /// Reads the queue for ever.
    pub async fn run(self, function: Arc<BatchFunction>, every: Duration) {
        loop {
            match self.poll(&function, 0).await {
                Ok(0) => tokio::time::sleep(every).await,
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(error = format!("{error:#}"), "polling the queue");
                    tokio::time::sleep(every).await;
                }
            }
        }
    }
}
