//! Tables as operators write them, over any default.

use im_model::{FieldMaps, Otherwise, Value, ValueTable};
use im_sync::{Mapped, ValueMap};

use crate::feed::Feed;

/// A field's tables as JSON, and a value.
pub fn run(data: &[u8]) {
    let mut feed = Feed::new(data);
    let default = match feed.byte() % 3 {
        0 => ValueMap::Same(im_sync::TextForm::Trimmed),
        1 => ValueMap::Same(im_sync::TextForm::LowerCase),
        _ => ValueMap::table([("SEV-1", "high"), ("SEV-2", "high")], Otherwise::Error),
    };
    let value = feed.text();
    let Ok(maps) = serde_json::from_slice::<FieldMaps>(feed.rest()) else {
        return;
    };
    let stored = serde_json::to_string(&maps).expect("it can be stored");
    let read: FieldMaps = serde_json::from_str(&stored).expect("and read");
    assert_eq!(read, maps);
    for table in [&maps.outbound, &maps.inbound].into_iter().flatten() {
        check(&default, table, &value);
    }
}

fn check(default: &ValueMap, table: &ValueTable, text: &str) {
    let value = Value::text(text);
    let map = default.clone().configured(table);
    let mapped = map.apply(&value);
    let is_listed = table.values.contains_key(text);
    match (&table.otherwise, is_listed) {
        (Otherwise::Error, false) if value.as_str().is_some() => {
            assert_eq!(mapped, Mapped::Unmapped);
        }
        (Otherwise::LeaveAlone, false) if value.as_str().is_some() => {
            assert_eq!(mapped, Mapped::LeaveAlone);
        }
        (Otherwise::Inherit, false) => assert_eq!(mapped, default.apply(&value)),
        _ => {}
    }
    // What is stored is a difference to the default, and what is in force is made of it again.
    if let Some(difference) = map.vendors_default().difference(table) {
        let again = default.clone().configured(&difference);
        assert_eq!(again.apply(&value), mapped);
    } else {
        assert_eq!(default.apply(&value), mapped);
    }
}
