//! Batches: the trace that a message carries, and what an event source has to bring again.

use aws_lambda_events::sqs::SqsMessage;
use serde_json::{Value, json};

use crate::trace::TRACEPARENT;

/// The answer that names what has to be brought again.
pub(crate) fn item_failures(items: Vec<String>) -> Value {
    let failures = items
        .into_iter()
        .map(|item| json!({"itemIdentifier": item}));
    json!({"batchItemFailures": failures.collect::<Vec<_>>()})
}

/// The trace that a message carries.
pub(crate) fn carried_by(message: &SqsMessage) -> Vec<String> {
    let carried = message.message_attributes.get(TRACEPARENT);
    let carried = carried.and_then(|carried| carried.string_value.clone());
    carried.into_iter().collect()
}
