//! What a mapping sends to its on-failure destination: where in the stream the records are, not the records.

use aws_sdk_dynamodbstreams::types::Record;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::stream::sequence_number;

/// Which shard of which stream, and who reads it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StreamOrigin {
    /// The stream's ARN.
    pub stream_arn: String,
    /// The shard's id.
    pub shard_id: String,
    /// The function's name.
    pub function: String,
}

impl StreamOrigin {
    /// As Lambda's developer guide has it under "Retain discarded records" for `DynamoDB`.
    pub(super) fn given_up(&self, records: &[Record], invoked: u32, now: Timestamp) -> Value {
        let (first, last) = (records.first(), records.last());
        json!({
            "requestContext": {
                "requestId": sequence_number(first),
                "functionArn":
                    format!("arn:aws:lambda:us-east-1:123456789012:function:{}", self.function),
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": invoked,
            },
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled",
            },
            "version": "1.0",
            "timestamp": now.to_string(),
            "DDBStreamBatchInfo": {
                "shardId": self.shard_id,
                "startSequenceNumber": sequence_number(first),
                "endSequenceNumber": sequence_number(last),
                "approximateArrivalOfFirstRecord": arrival(first),
                "approximateArrivalOfLastRecord": arrival(last),
                "batchSize": records.len(),
                "streamArn": self.stream_arn,
            },
        })
    }
}

fn arrival(record: Option<&Record>) -> String {
    let change = record.and_then(|record| record.dynamodb.as_ref());
    let at = change.and_then(|change| change.approximate_creation_date_time);
    let seconds = at.map_or(0, |at| at.secs());
    Timestamp::from_second(seconds).map_or_else(|_| String::new(), |at| at.to_string())
}
