//! What a run came to.

use std::{collections::BTreeMap, fmt, time::Duration};

use jiff::Timestamp;

use crate::{
    accounts::{Accounts, Side},
    arrivals::Arrivals,
    edits::Edited,
};

/// From one side to another.
type Hop = (Side, Side);

/// The figures of a run.
pub struct Figures {
    /// How long each edit took to each of the others, and when it was made; `None` if it had not come when patience ended.
    pub took: BTreeMap<Hop, Vec<(Timestamp, Option<Duration>)>>,
    pub edits: usize,
    pub wrong: Wrong,
    /// Of the system, and of all that is around it.
    cpu: (Duration, Duration),
    /// Resident, of the system, second by second.
    pub memory_mb: Vec<u64>,
    pub counters: Counters,
}

/// What the system counted since it was started, over all integrations.
pub type Counters = BTreeMap<String, u64>;

/// What was answered with an error, by the vendors.
#[derive(Default)]
pub struct Wrong {
    throttled: usize,
    refused: usize,
    requests: usize,
}

/// Of a run's times.
pub struct Spread {
    times: Vec<Duration>,
    lost: usize,
}

impl Figures {
    pub fn new(
        edited: &[Edited],
        arrivals: &Arrivals,
        accounts: &Accounts,
        cpu: (Duration, Duration),
        memory_mb: Vec<u64>,
        counters: Counters,
    ) -> Self {
        let mut took: BTreeMap<Hop, Vec<_>> = BTreeMap::new();
        for edit in edited {
            for side in edit.goes_to() {
                let arrived = arrivals.get(edit.number, side);
                let lasted = arrived
                    .map(|at| Duration::try_from(at.duration_since(edit.at)).unwrap_or_default());
                let hop = took.entry((edit.side, side)).or_default();
                hop.push((edit.at, lasted));
            }
        }
        let began = edited.first().map_or(Timestamp::MAX, |edit| edit.at);
        let mut wrong = Wrong::default();
        for (_, request) in accounts
            .requests()
            .filter(|(_, request)| request.time >= began)
        {
            wrong.requests += 1;
            match request.status {
                Some(429) => wrong.throttled += 1,
                Some(200..300) => {}
                _ => wrong.refused += 1,
            }
        }
        Self {
            took,
            edits: edited.len(),
            wrong,
            cpu,
            memory_mb,
            counters,
        }
    }

    /// Of all hops.
    pub fn all(&self) -> Spread {
        Spread::of(self.took.values().flatten())
    }

    /// Whether 99 of 100 came within so much, and all came.
    pub fn holds(&self, within: Duration) -> bool {
        let all = self.all();
        all.lost == 0 && all.at(99) <= within
    }
}

impl Spread {
    pub fn of<'a>(times: impl Iterator<Item = &'a (Timestamp, Option<Duration>)>) -> Self {
        let all: Vec<_> = times.map(|(_, took)| *took).collect();
        let mut times: Vec<_> = all.iter().copied().flatten().collect();
        times.sort_unstable();
        let lost = all.len() - times.len();
        Self { times, lost }
    }

    /// The time within which so many of 100 came.
    pub fn at(&self, percent: usize) -> Duration {
        let place = (self.times.len() * percent).div_ceil(100).max(1) - 1;
        self.times.get(place).copied().unwrap_or(Duration::MAX)
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [half, most, all] = [50, 99, 100].map(|percent| self.at(percent).as_millis());
        write!(to, "{half} | {most} | {all} | {}", self.lost)
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            throttled,
            refused,
            requests,
        } = self;
        write!(
            to,
            "{requests} vendor requests, {throttled} of them answered with 429, {refused} with another error"
        )
    }
}

/// As a table and some lines of Markdown.
pub fn print(figures: &Figures, rate: u32) {
    println!("\n{rate} edits a second, {} edits\n", figures.edits);
    println!("| edited at | arrives at | edits | p50 ms | p99 ms | max ms | lost |");
    println!("| --- | --- | ---: | ---: | ---: | ---: | ---: |");
    for ((from, to), took) in &figures.took {
        let (from, to) = (from.name(), to.name());
        println!(
            "| {from} | {to} | {} | {} |",
            took.len(),
            Spread::of(took.iter())
        );
    }
    println!("| all | all | {} | {} |", figures.edits, figures.all());
    let edits = u32::try_from(figures.edits).unwrap_or(u32::MAX).max(1);
    let (system, around) = figures.cpu;
    println!("\n- {}", figures.wrong);
    let counted: Vec<_> = figures
        .counters
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    println!("- counters since the start: {}", counted.join(", "));
    println!(
        "- CPU per edit: {:.1} ms the system, {:.1} ms the vendors' stand-ins and the editors",
        (system / edits).as_secs_f64() * 1e3,
        (around / edits).as_secs_f64() * 1e3
    );
    let memory = &figures.memory_mb;
    let (first, last) = (memory.first(), memory.last());
    println!(
        "- resident memory of the system: {} MB at the start, {} MB at the end, {} MB at most",
        first.copied().unwrap_or_default(),
        last.copied().unwrap_or_default(),
        memory.iter().max().copied().unwrap_or_default()
    );
}
