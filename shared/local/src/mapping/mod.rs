//! Lambda's event source mappings: what brings stream records and queue messages to a function, again if need be, and
//! gives up at last. Decisions only: whoever drives them calls the function.

mod on_failure;
mod stream;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::Value;

pub use on_failure::StreamOrigin;
pub use stream::{StreamBatch, StreamMapping};

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// With an answer, which names what is to be brought again.
    Answered(Value),
    /// With an error, a timeout or a kill.
    Crashed,
}

/// What an answer says of the items of a batch.
#[derive(Debug, PartialEq, Eq)]
enum Report {
    /// These are to be brought again, none if empty.
    Failed(BTreeSet<String>),
    /// All are: there was no answer, or one that Lambda cannot read.
    AllFailed,
}

impl Ended {
    /// Lambda takes a batch as failed as a whole if an identifier is missing, empty or unknown.
    fn report<'a>(&self, items: impl Iterator<Item = &'a str>) -> Report {
        let Self::Answered(answer) = self else {
            return Report::AllFailed;
        };
        let named = match &answer["batchItemFailures"] {
            Value::Null => return Report::Failed(BTreeSet::new()),
            Value::Array(named) => named,
            _ => return Report::AllFailed,
        };
        let name = |item: &Value| item["itemIdentifier"].as_str().map(str::to_owned);
        let failed: Option<BTreeSet<_>> = named.iter().map(name).collect();
        let items: BTreeSet<_> = items.map(str::to_owned).collect();
        match failed {
            Some(failed) if failed.is_subset(&items) => Report::Failed(failed),
            _ => Report::AllFailed,
        }
    }

    /// The ids of those of `items` that a queue brings again.
    pub fn failed_of<'a>(&self, items: impl Iterator<Item = &'a str> + Clone) -> BTreeSet<String> {
        match self.report(items.clone()) {
            Report::Failed(failed) => failed,
            Report::AllFailed => items.map(str::to_owned).collect(),
        }
    }
}
