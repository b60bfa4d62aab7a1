//! Reads streams and queues for the mappings, and runs these by themselves.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use aws_sdk_dynamodbstreams::{
    Client as Streams,
    types::{Record, ShardIteratorType},
};
use aws_sdk_sqs::{
    Client as Sqs,
    types::{Message, MessageSystemAttributeName},
};
use im_engine::ports::Clock;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::{
    events::queue_event,
    function::Function,
    mapping::{Ended, StreamBatch, StreamMapping, StreamOrigin},
};

/// Reads one table's stream. The embedded DynamoDB has one shard a stream.
pub struct StreamPoller {
    streams: Streams,
    table: String,
    iterator: Option<String>,
}

impl StreamPoller {
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

    /// A mapping of this stream to the function of this name.
    pub async fn mapping(&self, function: &str) -> anyhow::Result<StreamMapping> {
        let (stream_arn, shard_id) = self.shard().await?;
        Ok(StreamMapping::new(StreamOrigin {
            stream_arn,
            shard_id,
            function: function.to_owned(),
        }))
    }

    async fn shard(&self) -> anyhow::Result<(String, String)> {
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
        let shard = shard.with_context(|| format!("the stream of {} is empty", self.table))?;
        Ok((arn.to_owned(), shard))
    }

    async fn start(&self, at: &ShardIteratorType) -> anyhow::Result<String> {
        let (arn, shard) = self.shard().await?;
        let answer = self
            .streams
            .get_shard_iterator()
            .stream_arn(arn)
            .shard_id(shard)
            .shard_iterator_type(at.clone())
            .send()
            .await?;
        answer
            .shard_iterator
            .with_context(|| format!("no iterator for {}", self.table))
    }
}

/// Runs a stream's mapping by itself.
pub(crate) struct StreamRun {
    pub(crate) poller: StreamPoller,
    pub(crate) mapping: StreamMapping,
    pub(crate) function: Arc<dyn Function>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sqs: Sqs,
    /// The on-failure destination's URL.
    pub(crate) destination: String,
}

impl StreamRun {
    /// For ever.
    pub(crate) async fn run(mut self, every: Duration) {
        let mut running = JoinSet::new();
        loop {
            match self.poller.poll().await {
                Ok(records) => self.mapping.take_in(records),
                Err(error) => tracing::error!(error = format!("{error:#}"), "polling"),
            }
            while let Some(batch) = self.mapping.next(self.clock.now()) {
                running.spawn(bring(self.function.clone(), batch));
            }
            tokio::select! {
                Some(ended) = running.join_next() => match ended {
                    Ok((batch, how)) => self.ended(batch, &how).await,
                    Err(error) => tracing::error!(%error, "a mapping's task"),
                },
                () = tokio::time::sleep(every) => {}
            }
        }
    }

    async fn ended(&mut self, batch: StreamBatch, how: &Ended) {
        let Some(given_up) = self.mapping.ended(batch, how, self.clock.now()) else {
            return;
        };
        tracing::error!(place = %given_up["DDBStreamBatchInfo"], "records are given up");
        let sent = self
            .sqs
            .send_message()
            .queue_url(&self.destination)
            .message_body(given_up.to_string())
            .send();
        if let Err(error) = sent.await {
            tracing::error!(%error, "the on-failure destination");
        }
    }
}

async fn bring(function: Arc<dyn Function>, batch: StreamBatch) -> (StreamBatch, Ended) {
    let ended = invoke(function, batch.event()).await;
    (batch, ended)
}

/// A panic ends an invocation, not the system.
async fn invoke(function: Arc<dyn Function>, event: Value) -> Ended {
    let invocation = tokio::spawn(async move { function.invoke(event).await });
    match invocation.await {
        Ok(Ok(answer)) => Ended::Answered(answer),
        Ok(Err(error)) => {
            tracing::error!(error = format!("{error:#}"), "the function failed");
            Ended::Crashed
        }
        Err(error) => {
            tracing::error!(%error, "the function crashed");
            Ended::Crashed
        }
    }
}

/// Reads one queue.
#[derive(Clone)]
pub struct QueuePoller {
    sqs: Sqs,
    url: String,
    batch_size: i32,
}

impl QueuePoller {
    /// The most messages of a batch (`BatchSize`), unless they come one by one.
    pub const BATCH_SIZE: i32 = 10;

    /// A poller of this queue.
    pub fn new(sqs: Sqs, url: String) -> Self {
        let batch_size = Self::BATCH_SIZE;
        Self {
            sqs,
            url,
            batch_size,
        }
    }

    /// The same with batches of one message.
    #[must_use]
    pub fn one_by_one(self) -> Self {
        Self {
            batch_size: 1,
            ..self
        }
    }

    /// The next batch. Nobody else receives its messages until their visibility timeout is over.
    pub async fn receive(&self) -> anyhow::Result<Vec<Message>> {
        let answer = self
            .sqs
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(self.batch_size)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .send()
            .await?;
        Ok(answer.messages.unwrap_or_default())
    }

    /// Deletes what is done. The others come again when their visibility timeout is over, or are redriven.
    pub async fn ended(&self, messages: &[Message], how: &Ended) -> anyhow::Result<()> {
        let failed = how.failed_of(messages.iter().filter_map(Message::message_id));
        for message in messages {
            let done = message.message_id().is_some_and(|id| !failed.contains(id));
            if let (true, Some(handle)) = (done, &message.receipt_handle) {
                self.sqs
                    .delete_message()
                    .queue_url(&self.url)
                    .receipt_handle(handle)
                    .send()
                    .await?;
            }
        }
        Ok(())
    }

    /// Receives up to ten messages and hands them over. Returns how many came.
    pub async fn poll(&self, function: &Arc<dyn Function>) -> anyhow::Result<usize> {
        let messages = self.receive().await?;
        if messages.is_empty() {
            return Ok(0);
        }
        let how = invoke(function.clone(), queue_event(&messages)).await;
        self.ended(&messages, &how).await?;
        Ok(messages.len())
    }

    /// Reads the queue for ever.
    pub async fn run(self, function: Arc<dyn Function>, every: Duration) {
        loop {
            match self.poll(&function).await {
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
