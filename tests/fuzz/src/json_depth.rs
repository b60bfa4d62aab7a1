//! The scanner says of JSON what a parser would.

use im_model::nests_deeper_than;
use serde_json::Value;

use crate::oracle;

/// A body.
pub fn run(data: &[u8]) {
    let limited = nests_deeper_than(data, 5);
    if let Ok(value) = serde_json::from_slice::<Value>(data) {
        let depth = oracle::depth(&value);
        // Of names that come twice the parser keeps one.
        assert!(limited || depth <= 5);
        if !has_names(&value) {
            assert_eq!(limited, depth > 5);
        }
    }
}

fn has_names(value: &Value) -> bool {
    match value {
        Value::Object(_) => true,
        Value::Array(items) => items.iter().any(has_names),
        _ => false,
    }
}
