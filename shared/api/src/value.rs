//! Values and change times as they are shown.

use im_model::{ActorId, ChangeTime, ExternalValue, HeldValue, PlatformValue, Side};
use jiff::Timestamp;
use serde::Serialize;

/// A value of either side: a string, or null where it is empty.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct ValueJson(Option<String>);

impl From<&PlatformValue> for ValueJson {
    fn from(value: &PlatformValue) -> Self {
        Self(value.as_str().map(str::to_owned))
    }
}

impl From<&ExternalValue> for ValueJson {
    fn from(value: &ExternalValue) -> Self {
        Self(value.as_str().map(str::to_owned))
    }
}

/// When something changed, and how that is known.
#[derive(Debug, Serialize)]
pub(crate) struct ChangeTimeJson {
    at: Timestamp,
    source: &'static str,
}

impl From<ChangeTime> for ChangeTimeJson {
    fn from(time: ChangeTime) -> Self {
        Self {
            at: time.at,
            source: time.source.as_str(),
        }
    }
}

/// What one side of a conflict holds.
#[derive(Debug, Serialize)]
pub(crate) struct HeldJson {
    value: ValueJson,
    changed_at: Timestamp,
    time_source: &'static str,
    author: Option<String>,
}

impl<V> From<&HeldValue<V>> for HeldJson
where
    for<'a> &'a V: Into<ValueJson>,
{
    fn from(held: &HeldValue<V>) -> Self {
        Self {
            value: (&held.value).into(),
            changed_at: held.changed.at,
            time_source: held.changed.source.as_str(),
            author: held.author.as_ref().map(ActorId::to_string),
        }
    }
}

/// A side's word.
pub(crate) fn side(side: Side) -> &'static str {
    match side {
        Side::Platform => "platform",
        Side::External => "external",
    }
}
