//! A small exhaustive model: two systems (and three), two fields, three edits, all interleavings.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

#[path = "interleavings/after.rs"]
mod after;
#[path = "interleavings/ask.rs"]
mod ask;
#[path = "interleavings/checks.rs"]
mod checks;
#[path = "interleavings/ends.rs"]
mod ends;
#[path = "interleavings/first.rs"]
mod first;
#[path = "interleavings/http.rs"]
mod http;
#[path = "interleavings/incidents.rs"]
mod incidents;
#[path = "interleavings/links.rs"]
mod links;
#[path = "interleavings/outside.rs"]
mod outside;
#[path = "interleavings/scenario.rs"]
mod scenario;
#[path = "interleavings/search.rs"]
mod search;
#[path = "interleavings/shared.rs"]
mod shared;
#[path = "interleavings/state.rs"]
mod state;
#[path = "interleavings/steps.rs"]
mod steps;
#[path = "interleavings/store.rs"]
mod store;
#[path = "interleavings/vendor.rs"]
mod vendor;
#[path = "interleavings/words.rs"]
mod words;
#[path = "interleavings/work.rs"]
mod work;
#[path = "interleavings/workers.rs"]
mod workers;

#[path = "interleavings/broken.rs"]
mod broken;
#[path = "interleavings/whole.rs"]
mod whole;

use jiff::Timestamp;
use scenario::Scenario;

/// A second of the model's as a time.
fn at(second: u32) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + i64::from(second)).expect("a time")
}

/// Nothing that can happen violates an invariant.
fn holds(scenario: &Scenario) {
    match search::explore(scenario) {
        Ok(explored) => println!("{}: {explored}", scenario.name),
        Err(trace) => panic!("{}:\n{trace}", scenario.name),
    }
}
