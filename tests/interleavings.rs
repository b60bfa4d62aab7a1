//! A small exhaustive model: two systems (and three), two fields, three edits, all interleavings.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

#[path = "interleavings/ask.rs"]
mod ask;
#[path = "interleavings/checks.rs"]
mod checks;
#[path = "interleavings/http.rs"]
mod http;
#[path = "interleavings/incidents.rs"]
mod incidents;
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
#[path = "interleavings/workers.rs"]
mod workers;

use jiff::Timestamp;
use scenario::Scenario;

/// A second of the model's as a time.
fn at(second: u32) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + i64::from(second)).expect("a time")
}

fn holds(scenario: &Scenario) {
    let began = std::time::Instant::now();
    match search::explore(scenario) {
        Ok(explored) => {
            println!("{}: {explored} in {:.1?}", scenario.name, began.elapsed());
            println!(
                "engine {} ms",
                workers::TIME.load(std::sync::atomic::Ordering::Relaxed) / 1000000
            );
        }
        Err(trace) => panic!("{}:\n{trace}", scenario.name),
    }
}

#[test]
fn one_edit() {
    holds(&Scenario::of("one edit", 1));
}

#[test]
fn two_edits() {
    holds(&Scenario::of("two edits", 2));
}

#[test]
fn two_together() {
    holds(&Scenario {
        together: true,
        ..Scenario::of("two edits, together", 2)
    });
}

#[test]
fn x() {
    use im_model::{ConflictStrategy, Owner, Ownership};
    use scenario::{Start, Style};
    let get = |n: &str| std::env::var(n).ok().and_then(|v| v.parse::<u8>().ok());
    let mut s = Scenario {
        values: 2,
        ..Scenario::of("x", get("EDITS").unwrap_or(2))
    };
    s.left.switches = get("SW");
    s.left.crashes = get("CRASH").unwrap_or(0);
    s.left.silences = get("SIL").unwrap_or(0);
    s.left.repeats = get("REP").unwrap_or(0);
    s.left.stalls = get("STALL").unwrap_or(0);
    if let Some(v) = get("VALUES") {
        s.values = v.into();
    }
    if let Some(v) = get("GAP") {
        s.gap = v.into();
    }
    if let Some(v) = get("VENDORS") {
        s.vendors = v.into();
    }
    s.together = get("TOG").is_some();
    if get("TELLS").is_some() {
        s.style = Style::Tells;
    }
    if get("OWN").is_some() {
        s.ownership = [
            Ownership::only(Owner::Platform, 1),
            Ownership::only(Owner::External, 1),
        ];
    }
    if get("MANUAL").is_some() {
        s.strategy = ConflictStrategy::ManualReview;
    }
    match get("START") {
        Some(1) => s.start = Start::Unsent,
        Some(2) => s.start = Start::Unknown,
        _ => {}
    }
    holds(&s);
}
