//! What the fuzz targets do, one module each. See the README.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

pub mod adf;
pub mod feed;
pub mod forge;
pub mod json_depth;
pub mod listing;
pub mod oracle;
pub mod read_event;
pub mod trigger;
pub mod value_map;
pub mod verify_jira;
pub mod verify_pagerduty;
pub mod verify_servicenow;
