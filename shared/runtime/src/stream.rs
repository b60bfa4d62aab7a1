//! Records of a table's stream that Lambda has given up: it says only where they are.

use std::cmp::Ordering;

use async_trait::async_trait;
use aws_sdk_dynamodbstreams::{
    Client,
    error::ProvideErrorMetadata,
    types::{Record, ShardIteratorType},
};
use im_engine::StoreError;
use jiff::Timestamp;
use serde::Deserialize;
use serde_dynamo::Item;

/// A stretch of one shard of a stream, both ends included: the `DDBStreamBatchInfo` of what Lambda sends to a mapping's
/// on-failure destination (AWS Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB").
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamStretch {
    /// Which table's stream.
    pub stream_arn: String,
    /// Which shard of it.
    pub shard_id: String,
    /// The first record's number.
    pub start_sequence_number: String,
    /// The last record's number.
    pub end_sequence_number: String,
    /// When it came.
    pub approximate_arrival_of_last_record: Timestamp,
}

impl StreamStretch {
    /// The table that the stream is of: `arn:…:table/<name>/stream/<label>`.
    pub fn table(&self) -> Option<&str> {
        self.stream_arn.split('/').nth(1)
    }
}

/// Where given-up records are read.
#[async_trait]
pub trait StreamReader: Send + Sync {
    /// The new images of all records of a stretch, in order; empty for a removal.
    ///
    /// # Errors
    /// The stream cannot be read, or does not hold the whole stretch any more.
    async fn images(&self, stretch: &StreamStretch) -> Result<Vec<Item>, StoreError>;
}

/// The streams themselves.
#[derive(Debug, Clone)]
pub struct DynamoStreams {
    client: Client,
}

impl DynamoStreams {
    /// A page holds up to 1 MB or 1000 records, and may be empty before the shard's end. A stretch is a batch of ten
    /// records with those between them that the mapping's filter left out.
    const MOST_PAGES: u32 = 100;

    /// A reader of any stream that the client may read.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    async fn start(&self, stretch: &StreamStretch) -> Result<Option<String>, StoreError> {
        let answer = self
            .client
            .get_shard_iterator()
            .stream_arn(&stretch.stream_arn)
            .shard_id(&stretch.shard_id)
            .shard_iterator_type(ShardIteratorType::AtSequenceNumber)
            .sequence_number(&stretch.start_sequence_number)
            .send()
            .await;
        match answer {
            Ok(answer) => Ok(answer.shard_iterator),
            Err(error) => Err(not_read(stretch, &error)),
        }
    }
}

#[async_trait]
impl StreamReader for DynamoStreams {
    async fn images(&self, stretch: &StreamStretch) -> Result<Vec<Item>, StoreError> {
        let mut images = Vec::new();
        let mut iterator = self.start(stretch).await?;
        for _ in 0..Self::MOST_PAGES {
            let Some(at) = iterator else { break };
            let answer = self.client.get_records().shard_iterator(at).send().await;
            let answer = answer.map_err(|error| not_read(stretch, &error))?;
            for record in answer.records.unwrap_or_default() {
                let number = number_of(&record);
                if images.is_empty() && number != stretch.start_sequence_number {
                    return Err(gone(stretch));
                }
                let past_its_end = in_order(&number, &stretch.end_sequence_number);
                if past_its_end == Ordering::Greater {
                    return Err(gone(stretch));
                }
                images.push(image_of(record));
                if past_its_end == Ordering::Equal {
                    return Ok(images);
                }
            }
            iterator = answer.next_shard_iterator;
        }
        Err(gone(stretch))
    }
}

fn number_of(record: &Record) -> String {
    let change = record.dynamodb.as_ref();
    change
        .and_then(|change| change.sequence_number.clone())
        .unwrap_or_default()
}

fn image_of(record: Record) -> Item {
    let image = record.dynamodb.and_then(|change| change.new_image);
    Item::from(image.unwrap_or_default())
}

/// Numbers of up to 40 digits: too many for an integer.
fn in_order(one: &str, other: &str) -> Ordering {
    let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

fn not_read<E: ProvideErrorMetadata>(stretch: &StreamStretch, error: &E) -> StoreError {
    match error.code() {
        Some("TrimmedDataAccessException") => gone(stretch),
        code => failed(stretch, code.unwrap_or("the stream could not be reached")),
    }
}

fn gone(stretch: &StreamStretch) -> StoreError {
    failed(
        stretch,
        "the stream does not hold all of them any more: it keeps a record for 24 hours",
    )
}

fn failed(stretch: &StreamStretch, detail: &str) -> StoreError {
    let StreamStretch {
        shard_id,
        start_sequence_number,
        end_sequence_number,
        ..
    } = stretch;
    StoreError {
        tried: "read the given-up records",
        on: format!("{shard_id} {start_sequence_number} to {end_sequence_number}"),
        detail: detail.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_are_ordered_as_numbers() {
        let long = "1".repeat(40);
        for (one, other, expected) in [
            ("9", "10", Ordering::Less),
            ("0010", "10", Ordering::Equal),
            (
                "800000000003126276362",
                "800000000003126276361",
                Ordering::Greater,
            ),
            (long.as_str(), "9", Ordering::Greater),
        ] {
            assert_eq!(in_order(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn a_stretch_names_its_table() {
        let stretch = |arn: &str| StreamStretch {
            stream_arn: arn.to_owned(),
            shard_id: String::new(),
            start_sequence_number: String::new(),
            end_sequence_number: String::new(),
            approximate_arrival_of_last_record: Timestamp::UNIX_EPOCH,
        };
        let arn =
            "arn:aws:dynamodb:us-east-2:123456789012:table/im-sync/stream/2024-06-10T19:26:16.525";
        assert_eq!(stretch(arn).table(), Some("im-sync"));
        assert_eq!(stretch("nonsense").table(), None);
    }
}
