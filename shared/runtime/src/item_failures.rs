//! Partial batches: what an event source has to bring again.

use serde_json::{Value, json};

/// The answer that names what has to be brought again.
pub(crate) fn item_failures(items: Vec<String>) -> Value {
    let failures = items
        .into_iter()
        .map(|item| json!({"itemIdentifier": item}));
    json!({"batchItemFailures": failures.collect::<Vec<_>>()})
}
