//! What an operator configures of value maps and triggers. What is absent is as the vendor's defaults say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Field;

/// What happens to a value that a table does not list. Every table says it explicitly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Otherwise {
    /// The field fails with an error that names the value.
    Error,
    /// It becomes this.
    Default(String),
    /// The field is left as it is.
    LeaveAlone,
    /// What the vendor's default map says of it.
    Inherit,
}

/// The values of one field in one direction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueTable {
    /// From → to.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// What happens to any other value.
    pub otherwise: Otherwise,
}

/// One field's tables; a direction without one is as the vendor's defaults say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldMaps {
    /// Platform → vendor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outbound: Option<ValueTable>,
    /// Vendor → platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbound: Option<ValueTable>,
}

/// Value maps that differ from the defaults, by field.
pub type Mappings = BTreeMap<Field, FieldMaps>;

/// When a record is first sent: conditions in CEL, checked when they are saved. Without one everything is sent. Once
/// linked, a record stays in sync whatever they say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Triggers {
    /// On an incident: is a record created for it at the vendor?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outbound: Option<String>,
    /// On a vendor's record: does it become an incident?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbound: Option<String>,
}
