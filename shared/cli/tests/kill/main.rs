//! `im dev --data-dir` is killed at any moment during a load of edits and started again: everything converges, one
//! record each. The vendors go on where they were, for vendors do not die with us.
//!
//! `IM_KILL_SEED=n` plays another seed. What the clock does between two requests is the machine's, so a seed repeats the
//! edits and the number of requests before each kill, not every interleaving.
#![allow(clippy::expect_used, reason = "a test that cannot go on has failed")]

mod check;
mod load;
mod running;
mod words;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{sync::Notify, task::JoinSet};

use check::Everything;
use load::{Choices, Subject};
use running::{Reach, Running};

/// How many people are at work at a time, and how many incidents each has.
const PEOPLE: usize = 4;
const INCIDENTS: usize = 2;
/// How often it is killed under load.
const KILLS: usize = 3;
/// How long it may take until everything is quiet after the last start.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn killed_at_any_moment_everything_converges_with_one_record_each() {
    // Fails only where a provider is installed already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let seed = std::env::var("IM_KILL_SEED").map_or(1, |seed| seed.parse().expect("a number"));
    println!("seed {seed}");
    let folder = new_folder(&seed.to_string());
    let mut choices = Choices(seed);
    killed_while_it_introduces_itself(&folder, &mut choices);
    let mut people: Vec<Vec<Subject>> = (0..PEOPLE)
        .map(|person| {
            let numbers = person * INCIDENTS..(person + 1) * INCIDENTS;
            numbers.map(|number| Subject::new(number, seed)).collect()
        })
        .collect();
    for kill in 1..=KILLS {
        let running = Running::start(&folder);
        let requests = 5 + choices.below(20);
        println!("kill {kill} at request {requests}");
        people = killed_under_load(running, people, requests).await;
    }
    killed_while_it_catches_up(&folder, 1 + choices.below(4)).await;
    let mut subjects: Vec<_> = people.into_iter().flatten().collect();
    let running = Running::start(&folder);
    for subject in &mut subjects {
        subject.ask_again(&running.client()).await;
    }
    let violations = until_quiet(&running.client(), &subjects).await;
    assert!(
        violations.is_empty(),
        "seed {seed}, {}:\n{}\n{subjects:#?}",
        folder.display(),
        violations.join("\n")
    );
    running.kill();
    let _ = std::fs::remove_dir_all(folder);
}

/// Each time one file further; then it starts, and is connected.
#[tokio::test]
async fn killed_while_it_starts_it_starts_again() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = new_folder("starting");
    for file in [
        "clock.json",
        "dynamodb.sqlite",
        "sandboxes.json",
        "demo-jira.jsonl",
        "secrets.json",
    ] {
        let mut starting = Running::spawn(&folder);
        while !folder.join(file).exists() {
            starting.runs();
            std::thread::yield_now();
        }
        starting.kill();
    }
    let running = Running::start(&folder);
    let mut subject = Subject::new(0, 0);
    subject.act(&running.client(), &|| {}).await;
    assert!(subject.exists(), "{subject:?}");
    let violations = until_quiet(&running.client(), &[subject]).await;
    assert!(
        violations.is_empty(),
        "{}:\n{violations:#?}",
        folder.display()
    );
    running.kill();
    let _ = std::fs::remove_dir_all(folder);
}

/// A folder of this name, empty.
fn new_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kill-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// The first start plays an incident through the four systems: it is killed in the midst of it.
fn killed_while_it_introduces_itself(folder: &Path, choices: &mut Choices) {
    let mut running = Running::start(folder);
    while !running.line().contains("One incident") {}
    let lines = choices.below(5);
    println!("the first kill comes after {lines} edits");
    for _ in 0..=lines {
        running.line();
    }
    running.kill();
}

/// It is looked at this many times before it is killed.
async fn killed_while_it_catches_up(folder: &Path, looks: usize) {
    let running = Running::start(folder);
    for _ in 0..looks {
        let left = check::left(&running.client()).await.expect("it answers");
        println!("{} things left", left.len());
    }
    running.kill();
}

/// Everybody works until the request with this number is on its way; then it is killed.
async fn killed_under_load(
    running: Running,
    people: Vec<Vec<Subject>>,
    requests: usize,
) -> Vec<Vec<Subject>> {
    let moment = Arc::new(Moment {
        sent: AtomicUsize::new(0),
        at: requests,
        reached: Notify::new(),
    });
    let mut working = JoinSet::new();
    for (place, subjects) in people.into_iter().enumerate() {
        let (systems, moment) = (running.client(), moment.clone());
        working.spawn(async move { (place, work(subjects, systems, moment).await) });
    }
    tokio::select! {
        biased;
        () = moment.reached.notified() => {}
        ended = working.join_next() => panic!("somebody stopped: {ended:?}"),
    }
    running.kill();
    let mut people = working.join_all().await;
    people.sort_by_key(|(place, _)| *place);
    people.into_iter().map(|(_, subjects)| subjects).collect()
}

/// When it is killed.
struct Moment {
    sent: AtomicUsize,
    at: usize,
    reached: Notify,
}

impl Moment {
    fn is_over(&self) -> bool {
        self.sent.load(Ordering::SeqCst) >= self.at
    }
}

/// One thing after the other, until it is killed.
async fn work(mut subjects: Vec<Subject>, systems: Reach, moment: Arc<Moment>) -> Vec<Subject> {
    let sending = || {
        if moment.sent.fetch_add(1, Ordering::SeqCst) + 1 == moment.at {
            moment.reached.notify_one();
        }
    };
    while !moment.is_over() {
        for subject in &mut subjects {
            subject.act(&systems, &sending).await;
        }
    }
    subjects
}

/// Looks until nothing is left to be done, and all is as it must be then, twice in a row; what is not, when patience is
/// over.
async fn until_quiet(systems: &Reach, subjects: &[Subject]) -> Vec<String> {
    let started = Instant::now();
    let mut quiet = 0;
    loop {
        let mut found = check::left(systems).await.expect("it answers");
        let impatient = started.elapsed() > PATIENCE;
        if found.is_empty() || impatient {
            let seen = Everything::seen(systems).await.expect("it answers");
            found.extend(seen.violations(subjects));
        }
        quiet = if found.is_empty() { quiet + 1 } else { 0 };
        if quiet == 2 || impatient {
            println!("quiet after {} s", started.elapsed().as_secs());
            return found;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
