//! Records of a table's stream, as Lambda names those that it has given up.

use aws_sdk_dynamodbstreams::types::ShardIteratorType;
use im_local::Embedded;
use serde_json::{Value, json};

/// A table's stream, of which the embedded DynamoDB has one shard.
pub struct Shard<'a> {
    embedded: &'a Embedded,
    stream: String,
    shard: String,
}

impl<'a> Shard<'a> {
    /// The shard of this table.
    pub async fn of(embedded: &'a Embedded, table: &str) -> Self {
        let streams = &embedded.streams;
        let listed = streams.list_streams().table_name(table).send().await;
        let stream = listed.expect("an answer").streams()[0].clone();
        let stream = stream.stream_arn.expect("an ARN");
        let described = streams.describe_stream().stream_arn(&stream).send().await;
        let described = described.expect("an answer").stream_description;
        let shard = described.expect("a stream").shards()[0].clone();
        let shard = shard.shard_id.expect("an id");
        Self {
            embedded,
            stream,
            shard,
        }
    }

    /// The numbers of its records that wake a function, in order.
    pub async fn waking(&self) -> Vec<String> {
        let streams = &self.embedded.streams;
        let iterator = streams
            .get_shard_iterator()
            .stream_arn(&self.stream)
            .shard_id(&self.shard)
            .shard_iterator_type(ShardIteratorType::TrimHorizon)
            .send()
            .await;
        let iterator = iterator.expect("an answer").shard_iterator;
        let read = streams.get_records().set_shard_iterator(iterator);
        let answer = read.send().await.expect("an answer");
        let records = answer.records.unwrap_or_default();
        let changes = records.into_iter().filter_map(|record| record.dynamodb);
        let waking = changes.filter(|change| {
            let image = change.new_image.as_ref();
            image.is_some_and(|image| image.contains_key("wake"))
        });
        waking.filter_map(|change| change.sequence_number).collect()
    }

    /// The `DDBStreamBatchInfo` of the records from one to another.
    pub fn stretch(&self, first: &str, last: &str) -> Value {
        json!({
            "streamArn": self.stream,
            "shardId": self.shard,
            "startSequenceNumber": first,
            "endSequenceNumber": last,
            "approximateArrivalOfLastRecord": "2026-01-02T03:04:05Z",
        })
    }
}
