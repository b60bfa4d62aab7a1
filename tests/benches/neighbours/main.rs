//! One vendor hangs: how fast do changes come to the others? The same run with and without the hang, at the highest rate
//! that holds without it.
//!
//! `cargo bench -p im-tests --bench neighbours --profile dev -- [--integrations N] [--incidents N] [--way MS]
//! [--seconds S] [--hang pagerduty|jira|servicenow] [--rate R] [--virtual]`. With `--virtual` the time is tokio's paused
//! clock: no time passes for computing, and what is left is the waiting for vendors and for one another.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark"
)]

mod lambda;
mod load;
mod vendors;

use std::time::Duration;

use im_model::IntegrationType;

use crate::load::{Outcome, System};

/// Within this, 99 of 100 changes have to be at a vendor.
const WITHIN: Duration = Duration::from_secs(5);
/// The rates that are tried, in edits a second over all organizations; each edit goes to three vendors.
const RATES: [u32; 12] = [2, 4, 6, 8, 10, 12, 15, 20, 25, 30, 40, 60];

struct Options {
    integrations: u16,
    incidents: u32,
    way: Duration,
    seconds: u64,
    hang: IntegrationType,
    rate: Option<u32>,
    is_virtual: bool,
}

fn main() {
    let options = options();
    let runtime = if options.is_virtual {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
    } else {
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
    };
    runtime.expect("a runtime").block_on(run(&options));
}

fn options() -> Options {
    let given: Vec<_> = std::env::args().collect();
    let value = |name: &str| {
        let place = given.iter().position(|word| word == name)?;
        given.get(place + 1).cloned()
    };
    let number = |name: &str, default: u64| {
        value(name).map_or(default, |text| text.parse().expect("a number"))
    };
    Options {
        integrations: u16::try_from(number("--integrations", 4)).expect("few"),
        incidents: u32::try_from(number("--incidents", 15)).expect("few"),
        way: Duration::from_millis(number("--way", 150)),
        seconds: number("--seconds", 60),
        hang: value("--hang").map_or(IntegrationType::PagerDuty, |word| {
            word.parse().expect("a vendor")
        }),
        rate: value("--rate").map(|text| text.parse().expect("a number")),
        is_virtual: given.iter().any(|word| word == "--virtual"),
    }
}

async fn start(options: &Options) -> System {
    System::start(options.integrations, options.incidents, options.way).await
}

async fn run(options: &Options) {
    let rate = match options.rate {
        Some(rate) => rate,
        None => highest(options).await,
    };
    println!(
        "\n{rate} edits a second to {} integrations of each vendor, {} s, {} ms an answer",
        options.integrations,
        options.seconds,
        options.way.as_millis()
    );
    println!("\n| run | vendor | edits | p50 | p95 | p99 | max | not within 30 s |");
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for hang in [None, Some(options.hang)] {
        let mut system = start(options).await;
        system.vendors.hang(hang);
        let lasts = Duration::from_secs(options.seconds);
        let outcome = system.load(rate, lasts, Duration::from_secs(30)).await;
        let name = hang.map_or_else(
            || "all answer".to_owned(),
            |vendor| format!("{vendor} hangs"),
        );
        for vendor in IntegrationType::ALL
            .iter()
            .filter(|vendor| hang != Some(**vendor))
        {
            println!("| {name} | {vendor} | {} |", row(&outcome, *vendor));
        }
        println!(
            "<!-- {} processes, {} answers with 429 -->",
            system.processes.count(),
            system.vendors.refused()
        );
    }
}

/// The highest of the rates that holds for 15 s.
async fn highest(options: &Options) -> u32 {
    let mut system = start(options).await;
    let mut held = RATES[0];
    for rate in RATES {
        let outcome = system
            .load(rate, Duration::from_secs(15), Duration::from_secs(15))
            .await;
        let slowest = IntegrationType::ALL
            .iter()
            .map(|vendor| percentile(&outcome, *vendor, 99))
            .map(|took| took.unwrap_or(Duration::MAX))
            .max();
        println!("{rate} edits a second: p99 {}", shown(slowest));
        if slowest.is_none_or(|slowest| slowest > WITHIN) {
            break;
        }
        held = rate;
    }
    held
}

/// Of those that have not come nothing is known but that they took longer.
fn percentile(outcome: &Outcome, vendor: IntegrationType, percent: usize) -> Option<Duration> {
    let mut took = outcome.took[&vendor].clone();
    took.sort_by_key(|took| took.unwrap_or(Duration::MAX));
    let place = (took.len() * percent).div_ceil(100).max(1) - 1;
    took.get(place).copied().flatten()
}

fn row(outcome: &Outcome, vendor: IntegrationType) -> String {
    let took = &outcome.took[&vendor];
    let missing = took.iter().filter(|took| took.is_none()).count();
    let shown: Vec<_> = [50, 95, 99, 100]
        .map(|percent| shown(percentile(outcome, vendor, percent)))
        .to_vec();
    format!("{} | {} | {missing}", took.len(), shown.join(" | "))
}

fn shown(took: Option<Duration>) -> String {
    match took {
        Some(took) if took < Duration::MAX => format!("{:.2} s", took.as_secs_f64()),
        _ => "later".to_owned(),
    }
}
