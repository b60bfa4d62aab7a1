//! What a run of a reconciliation has to look at.

use im_model::DriftItem;
use serde::{Deserialize, Serialize};

use crate::Hint;

/// What is worth a closer look, and at what of it. Of a polled integration: what is to be synced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspect {
    /// Where to look.
    pub hint: Hint,
    /// At anything but notes?
    pub values: bool,
    /// At its notes?
    pub notes: bool,
    /// What the listing says, where there is no time for a closer look.
    pub listed: Vec<DriftItem>,
}
