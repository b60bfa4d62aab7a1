//! The whole system under random faults, by seed, on virtual time: nothing is lost and nothing is doubled (design
//! section 8, the invariants by number). A seed replays to the letter; `tests/README.md` says how.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

mod accounts;
mod checks;
mod counted;
mod jobs;
mod lambda;
mod ledger;
mod log;
mod people;
mod plan;
mod reconcile;
mod run;
mod shrink;

use std::{
    panic,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use crate::{plan::Plan, run::Failure};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// The seeds to run: one, or so many from a first one on.
fn seeds() -> std::ops::Range<u64> {
    if let Some(seed) = number("IM_SIM_SEED") {
        return seed..seed + 1;
    }
    let first = number("IM_SIM_FROM").unwrap_or(1);
    first..first + number("IM_SIM_SEEDS").unwrap_or(500)
}

#[test]
fn the_invariants_hold_for_every_seed() {
    let (seeds, began) = (seeds(), Instant::now());
    let (next, stop) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
    let failures: Mutex<Vec<Failure>> = Mutex::default();
    let sum = Mutex::new(run::Told::default());
    let all = std::env::var_os("IM_SIM_ALL").is_some();
    let alone = seeds.end - seeds.start == 1;
    run::quietly(|| {
        thread::scope(|scope| {
            for _ in 0..thread::available_parallelism()
                .map_or(1, usize::from)
                .min(8)
            {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= seeds.end {
                            break;
                        }
                        match run::run(&Plan::of(seed), false) {
                            Ok(told) => sum.lock().expect("not poisoned").add(&told),
                            Err(failure) => {
                                stop.store(!all, Ordering::Relaxed);
                                if all {
                                    eprintln!("seed {}: {}", failure.seed, failure.message);
                                }
                                failures.lock().expect("not poisoned").push(*failure);
                            }
                        }
                    }
                });
            }
        });
    });
    let mut failures = failures.into_inner().expect("not poisoned");
    failures.sort_by_key(|failure| failure.seed);
    if let Some(failure) = failures.first() {
        shrink::report(failure, alone);
        panic!("seed {}: {}", failure.seed, failure.message);
    }
    let told = sum.into_inner().expect("not poisoned");
    println!(
        "{} seeds in {:.1?}, no violation: {told:?}",
        seeds.end - seeds.start,
        began.elapsed()
    );
}

/// Every call, every line of the log, every decision, twice the same.
#[test]
fn a_seed_replays_to_the_letter() {
    for seed in [1, 2, 3] {
        let plan = Plan::of(seed);
        let [first, second] = [(); 2].map(|()| run::quietly(|| run::trace(&plan)));
        assert!(first.len() > 100, "{first:#?}");
        let differs = first
            .iter()
            .zip(&second)
            .position(|(one, other)| one != other);
        if let Some(at) = differs {
            panic!("seed {seed}: line {at}:\n{}\n{}", first[at], second[at]);
        }
        assert_eq!(first.len(), second.len());
    }
}

#[test]
fn a_violation_is_told_by_its_number() {
    let caught = run::quietly(|| {
        run::caught(|| jobs::no_neighbour_suffered(&[], im_model::IntegrationType::Jira))
    });
    assert_eq!(caught, Ok(()));
    let caught: Result<(), String> = run::quietly(|| run::caught(|| panic!("invariant 4: two")));
    assert_eq!(caught, Err("invariant 4: two".to_owned()));
    let _ = panic::take_hook();
}
