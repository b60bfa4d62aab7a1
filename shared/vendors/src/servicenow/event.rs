//! The webhook that our own Business Rule sends: `{"delivery_id","table","sys_id","sys_updated_on","timestamp"}`
//! (interface.md). It says that a record may have changed, and nothing of what.

use std::collections::BTreeMap;

use im_model::{DeliveryId, ExternalId, RecordVersion};
use jiff::Timestamp;
use serde::Deserialize;

use super::{moment, options, response};
use crate::{Announced, UnreadableEvent, WebhookEvent};

#[derive(Deserialize)]
struct Event {
    delivery_id: String,
    timestamp: Seconds,
    table: Option<String>,
    sys_id: Option<String>,
    sys_updated_on: Option<String>,
    #[serde(default)]
    test: bool,
}

#[derive(Deserialize)]
struct Signed {
    timestamp: Seconds,
}

/// Epoch seconds. Rhino writes a number in one version and a text in another.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(i64),
    Text(String),
}

impl Seconds {
    fn at(&self) -> Option<Timestamp> {
        let seconds = match self {
            Self::Number(seconds) => *seconds,
            Self::Text(text) => text.trim().parse().ok()?,
        };
        Timestamp::from_second(seconds).ok()
    }
}

/// When the body says that it was signed; `None` where it does not say so readably.
pub(super) fn signed_at(body: &[u8]) -> Option<Timestamp> {
    serde_json::from_slice::<Signed>(body).ok()?.timestamp.at()
}

pub(super) fn read(body: &[u8]) -> Result<WebhookEvent, UnreadableEvent> {
    let event: Event =
        serde_json::from_slice(body).map_err(|error| UnreadableEvent(error.to_string()))?;
    let delivery_id = DeliveryId::parse(&event.delivery_id)
        .map_err(|error| UnreadableEvent(format!("delivery_id: {error}")))?;
    let occurred_at = event
        .timestamp
        .at()
        .ok_or_else(|| UnreadableEvent("timestamp: not epoch seconds".to_owned()))?;
    let announced = match event.sys_id.as_deref().filter(|id| !id.is_empty()) {
        Some(sys_id) => announced(sys_id, event.sys_updated_on.as_deref()),
        None if event.test => None,
        None => return Err(UnreadableEvent("sys_id is missing".to_owned())),
    };
    let event_type = match event.table {
        _ if event.test => "test".to_owned(),
        Some(table) => table.chars().take(options::MOST_OF_A_NAME).collect(),
        None => return Err(UnreadableEvent("table is missing".to_owned())),
    };
    Ok(WebhookEvent {
        delivery_id,
        event_type,
        occurred_at: Some(occurred_at),
        announced,
    })
}

/// Nothing, if it is no `sys_id`: no record of ours has another kind of id.
fn announced(sys_id: &str, updated_on: Option<&str>) -> Option<Announced> {
    let external_id = options::is_sys_id(sys_id)
        .then(|| ExternalId::parse(sys_id).ok())
        .flatten()?;
    let at_least: Option<RecordVersion> = updated_on
        .and_then(moment::read)
        .and_then(|at| response::version(at, 0));
    Some(Announced {
        external_id,
        at_least,
        changed: BTreeMap::new(),
        author: None,
        // A comment updates the record like anything else.
        notes: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYS_ID: &str = "a9e30c7dc61122760116894de7bcc7bd";

    fn body(sys_id: &str, updated_on: &str, timestamp: &str) -> String {
        format!(
            r#"{{"delivery_id":"3f2","table":"incident","sys_id":"{sys_id}","sys_updated_on":"{updated_on}","timestamp":{timestamp}}}"#
        )
    }

    #[test]
    fn it_announces_a_record_of_at_least_that_second() {
        for timestamp in ["1796000000", "\"1796000000\"", "\" 1796000000 \""] {
            let event = read(body(SYS_ID, "2015-11-01 22:37:27", timestamp).as_bytes());
            let event = event.expect("readable");
            assert_eq!(event.delivery_id.as_str(), "3f2");
            assert_eq!(event.event_type, "incident");
            let seconds = event.occurred_at.map(Timestamp::as_second);
            assert_eq!(seconds, Some(1_796_000_000));
            let announced = event.announced.expect("about a record");
            assert_eq!(announced.external_id.as_str(), SYS_ID);
            let at_least = Some(RecordVersion(1_446_417_447 << 20));
            assert_eq!(announced.at_least, at_least);
            assert!(announced.notes, "they may have changed");
            assert_eq!((announced.changed.len(), announced.author), (0, None));
        }
    }

    #[test]
    fn without_a_readable_time_it_promises_no_version() {
        for updated_on in ["", "yesterday"] {
            let event = read(body(SYS_ID, updated_on, "1796000000").as_bytes());
            let announced = event.expect("readable").announced.expect("about one");
            assert_eq!(announced.at_least, None, "{updated_on:?}");
        }
    }

    #[test]
    fn what_is_no_sys_id_and_what_is_a_test_announce_nothing() {
        for sys_id in [
            "INC0010002",
            "A9E30C7DC61122760116894DE7BCC7BD",
            "a9^ORDERBY",
        ] {
            let event = read(body(sys_id, "", "1").as_bytes()).expect("readable");
            assert_eq!(event.announced, None, "{sys_id}");
        }
        let test = read(br#"{"delivery_id":"t","test":true,"timestamp":1}"#).expect("readable");
        assert_eq!((test.announced, test.event_type.as_str()), (None, "test"));
    }

    #[test]
    fn what_our_script_would_never_sign_is_unreadable() {
        for bad in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"delivery_id":"t","timestamp":1}"#,
            r#"{"delivery_id":"t","table":"incident","timestamp":1}"#,
            r#"{"delivery_id":"t","test":false,"timestamp":1}"#,
            r#"{"delivery_id":"","test":true,"timestamp":1}"#,
            r#"{"delivery_id":"t","test":true}"#,
            r#"{"delivery_id":"t","test":true,"timestamp":"soon"}"#,
            r#"{"delivery_id":"t","test":true,"timestamp":99999999999999}"#,
        ] {
            assert!(read(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
