//! Real Lambda event JSON, made from what came in.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodbstreams::types::Record;
use aws_sdk_sqs::types::Message;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::request::Parts;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// An API Gateway HTTP API event, payload format 2.0: names lower-cased, repeated headers comma-joined.
pub fn http_event(parts: &Parts, body: &Bytes, now: Timestamp) -> Value {
    let mut headers = Map::new();
    for name in parts.headers.keys() {
        let values = parts.headers.get_all(name).iter();
        let values: Vec<_> = values
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        headers.insert(name.as_str().to_owned(), values.join(",").into());
    }
    let path = parts.uri.path();
    let (text, is_base64) = match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (BASE64_STANDARD.encode(body), true),
    };
    json!({
        "version": "2.0",
        "routeKey": format!("{} {path}", parts.method),
        "rawPath": path,
        "rawQueryString": parts.uri.query().unwrap_or_default(),
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "local",
            "domainName": "localhost",
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": headers.get("user-agent").cloned().unwrap_or_default(),
            },
            "requestId": format!("{:016x}", id_of(path, body, now)),
            "stage": "$default",
            "timeEpoch": now.as_millisecond(),
        },
        "body": text,
        "isBase64Encoded": is_base64,
    })
}

/// The same for the same request at the same time, so that a run can be repeated to the letter.
fn id_of(path: &str, body: &[u8], now: Timestamp) -> u64 {
    let mut hasher = DefaultHasher::new();
    (path, body, now.as_nanosecond()).hash(&mut hasher);
    hasher.finish()
}

/// A DynamoDB stream event of those records that the template's filter lets pass; `None` if it lets none.
pub fn stream_event(records: &[Record]) -> Option<Value> {
    let records: Vec<_> = records
        .iter()
        .filter(|record| passes_filter(record))
        .collect();
    let records: Vec<_> = records.into_iter().map(stream_record).collect();
    (!records.is_empty()).then(|| json!({"Records": records}))
}

/// `{"dynamodb":{"NewImage":{"wake":{"S":[{"exists":true}]}}}}`
pub(crate) fn passes_filter(record: &Record) -> bool {
    let image = record
        .dynamodb
        .as_ref()
        .and_then(|change| change.new_image.as_ref());
    image
        .and_then(|image| image.get("wake"))
        .is_some_and(|wake| wake.as_s().is_ok())
}

fn stream_record(record: &Record) -> Value {
    let change = record.dynamodb.as_ref();
    let image = |image: Option<&HashMap<_, _>>| -> Value {
        image.map_or(Value::Null, |image| {
            let item = serde_dynamo::Item::from(image.clone());
            serde_json::to_value(item).unwrap_or_default()
        })
    };
    let mut json = json!({
        "eventID": record.event_id,
        "eventName": record.event_name.as_ref().map(aws_sdk_dynamodbstreams::types::OperationType::as_str),
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/local/stream/local",
        "dynamodb": {
            "ApproximateCreationDateTime":
                change.and_then(|c| c.approximate_creation_date_time).map_or(0, |at| at.secs()),
            "Keys": image(change.and_then(|change| change.keys.as_ref())),
            "NewImage": image(change.and_then(|change| change.new_image.as_ref())),
            "SequenceNumber": change.and_then(|change| change.sequence_number.clone()),
            "SizeBytes": change.and_then(|change| change.size_bytes).unwrap_or_default(),
            "StreamViewType":
                change.and_then(|c| c.stream_view_type.as_ref()).map(aws_sdk_dynamodbstreams::types::StreamViewType::as_str),
        },
    });
    if let Some(old) = change.and_then(|change| change.old_image.as_ref()) {
        json["dynamodb"]["OldImage"] = image(Some(old));
    }
    json
}

/// The stream event that open items would make if they were written now; each one's sequence number is its place.
#[expect(clippy::implicit_hasher, reason = "as the SDK hands items over")]
pub fn open_items_event(items: &[HashMap<String, AttributeValue>]) -> Value {
    let records = items.iter().enumerate().map(|(place, item)| {
        let mut item = item.clone();
        item.entry("wake".to_owned())
            .or_insert_with(|| AttributeValue::S("open".to_owned()));
        let image = serde_json::to_value(serde_dynamo::Item::from(item)).unwrap_or_default();
        json!({
            "eventID": format!("open-{place}"),
            "eventName": "MODIFY",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 0,
                "Keys": {},
                "NewImage": image,
                "SequenceNumber": place.to_string(),
                "SizeBytes": 0,
            },
        })
    });
    json!({"Records": records.collect::<Vec<_>>()})
}

/// What `EventBridge` sends on a schedule.
pub fn scheduled_event(now: Timestamp) -> Value {
    json!({
        "version": "0",
        "id": now.as_nanosecond().to_string(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": now.to_string(),
        "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:123456789012:rule/local-every-minute"],
        "detail": {},
    })
}

/// An SQS event.
pub fn queue_event(messages: &[Message]) -> Value {
    let records = messages.iter().map(|message| {
        let attributes = message.attributes.iter().flatten();
        let attributes: BTreeMap<_, _> = attributes
            .map(|(name, value)| (name.as_str(), value))
            .collect();
        let carried = message.message_attributes.iter().flatten();
        let carried: BTreeMap<_, _> = carried
            .map(|(name, value)| {
                let shown = json!({
                    "stringValue": value.string_value, "dataType": value.data_type,
                    "stringListValues": [], "binaryListValues": [],
                });
                (name.as_str(), shown)
            })
            .collect();
        json!({
            "messageId": message.message_id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": attributes,
            "messageAttributes": carried,
            "md5OfBody": message.md5_of_body,
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:local",
            "awsRegion": "us-east-1",
        })
    });
    json!({"Records": records.collect::<Vec<_>>()})
}

/// The items that a batch function wants to be brought again.
pub fn failures(answer: &Value) -> Vec<String> {
    let items = answer["batchItemFailures"].as_array().into_iter().flatten();
    items
        .filter_map(|item| item["itemIdentifier"].as_str().map(str::to_owned))
        .collect()
}
