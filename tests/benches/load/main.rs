//! Incidents edited on all sides, at a stated rate: how long until all others have it?
//!
//! `cargo bench -p im-tests --bench load -- [--rate R] [--seconds S] [--organizations N] [--incidents N] [--plot FILE]
//! [--in-memory]`. Without `--rate` it looks for the highest that holds. The system that `im dev` runs has a process of
//! its own, started by this one; the vendors' stand-ins, without delays and as strict as ever, and who edits are in this
//! one. All of it talks HTTP over loopback.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark"
)]

mod accounts;
mod arrivals;
mod edits;
mod plot;
mod report;
mod system;

use std::{path::PathBuf, time::Duration};

use crate::{
    accounts::Accounts,
    arrivals::Arrivals,
    edits::{Edited, Editors},
    report::Figures,
    system::System,
};

/// As `im` has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Within this, 99 of 100 edits have to be in all other systems.
const WITHIN: Duration = Duration::from_secs(1);
/// How long edits are waited for that are under way when the last was made.
const PATIENCE: Duration = Duration::from_secs(20);
/// The rates that are tried, in edits a second over all organizations.
const RATES: [u32; 14] = [
    25, 50, 75, 100, 120, 140, 160, 180, 200, 220, 240, 260, 280, 300,
];
/// How long each is tried.
const TRIED_FOR: Duration = Duration::from_secs(20);

struct Options {
    rate: Option<u32>,
    lasts: Duration,
    organizations: u16,
    incidents: u32,
    plot: Option<PathBuf>,
    in_memory: bool,
}

fn main() {
    let options = options();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    if std::env::args().any(|word| word == system::ROLE) {
        runtime.block_on(system::serve(options.in_memory));
    } else {
        runtime.block_on(run(&options));
    }
}

fn options() -> Options {
    let given: Vec<_> = std::env::args().collect();
    let value = |name: &str| {
        let place = given.iter().position(|word| word == name)?;
        given.get(place + 1).cloned()
    };
    let number = |name: &str, default: u32| {
        value(name).map_or(default, |text| text.parse().expect("a number"))
    };
    Options {
        rate: value("--rate").map(|text| text.parse().expect("a number")),
        lasts: Duration::from_secs(number("--seconds", 60).into()),
        organizations: u16::try_from(number("--organizations", 50)).expect("few"),
        incidents: number("--incidents", 20),
        plot: value("--plot").map(PathBuf::from),
        in_memory: given.iter().any(|word| word == "--in-memory"),
    }
}

async fn run(options: &Options) {
    let rate = match options.rate {
        Some(rate) => rate,
        None => highest(options).await,
    };
    let outcome = Load::start(options).await.run(rate, options.lasts).await;
    report::print(&outcome, rate);
    if let Some(file) = &options.plot {
        plot::write(file, &outcome, rate).expect("the plot is written");
        println!("\nplot: {}", file.display());
    }
}

/// The highest of the rates that holds.
async fn highest(options: &Options) -> u32 {
    let mut load = Load::start(options).await;
    let mut held = RATES[0];
    for rate in RATES {
        let outcome = load.run(rate, TRIED_FOR).await;
        let all = outcome.all();
        println!("<!-- {rate} edits/s: {all}; {} -->", outcome.wrong);
        if !outcome.holds(WITHIN) {
            break;
        }
        held = rate;
    }
    held
}

/// A system with its vendors, and who edits in all of them.
struct Load {
    system: System,
    accounts: Accounts,
    editors: Editors,
}

impl Load {
    async fn start(options: &Options) -> Self {
        let system = System::start(options.in_memory).await;
        let accounts = Accounts::start(options.organizations, &system.api).await;
        let editors = Editors::start(system.api.clone(), &accounts, options.incidents).await;
        Self {
            system,
            accounts,
            editors,
        }
    }

    async fn run(&mut self, rate: u32, lasts: Duration) -> Figures {
        let before = self.system.cpu();
        let own = system::own_cpu();
        let memory = self.system.watch_memory();
        let edited: Vec<Edited> = self.editors.edit(rate, lasts, &self.accounts).await;
        let memory = memory.stop().await;
        let cpu = (
            self.system.cpu().saturating_sub(before),
            system::own_cpu().saturating_sub(own),
        );
        let arrivals = Arrivals::wait(&self.accounts, &self.editors, &edited, PATIENCE).await;
        let counters = self.editors.counters(&self.accounts).await;
        Figures::new(&edited, &arrivals, &self.accounts, cpu, memory, counters)
    }
}
