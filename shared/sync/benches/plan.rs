//! A plan: `cargo bench -p im-sync --bench plan`.
#![allow(
    missing_docs,
    dead_code,
    clippy::expect_used,
    reason = "a benchmark, on a link of the tests"
)]

#[path = "../tests/plan/link.rs"]
mod link;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use im_model::Field;
use im_sync::{Facts, Subject, Trigger};

use crate::link::Link;

/// Both sides hold the same in every field.
fn agreed() -> Link {
    Link::new()
        .platform(Field::Title, "a little bump in the road", 0)
        .vendor(Field::Title, "a little bump in the road", 0)
        .platform(Field::Severity, "SEV-2", 0)
        .vendor(Field::Severity, "high", 0)
        .platform(Field::Status, "open", 0)
        .vendor(Field::Status, "triggered", 0)
        .platform(Field::AssignedTo, "ann@example.com", 0)
        .vendor(Field::AssignedTo, "ann@example.com", 0)
        .agreed()
}

fn plans(criterion: &mut Criterion) {
    let mut plans = criterion.benchmark_group("plan");
    let quiet = agreed();
    plans.bench_function("nothing new", |bench| {
        bench.iter(|| black_box(quiet.plan()));
    });
    let edited = agreed().platform(Field::Status, "acknowledged", 60);
    plans.bench_function("one edit", |bench| {
        bench.iter(|| black_box(edited.plan()));
    });
    let conflict = agreed()
        .platform(Field::Status, "acknowledged", 60)
        .vendor(Field::Status, "resolved", 61)
        .platform(Field::Title, "a bump", 60)
        .vendor(Field::Title, "a big bump", 62);
    plans.bench_function("two conflicts", |bench| {
        bench.iter(|| black_box(conflict.plan()));
    });
    plans.finish();
}

fn triggers(criterion: &mut Criterion) {
    const TEXT: &str =
        r#"severity in ["SEV-1", "SEV-2"] && status != "closed" && title.contains("bump")"#;
    let mut triggers = criterion.benchmark_group("trigger");
    triggers.bench_function("parse", |bench| {
        bench.iter(|| Trigger::parse(black_box(TEXT), Subject::Incident).expect("a condition"));
    });
    let trigger = Trigger::parse(TEXT, Subject::Incident).expect("a condition");
    let facts = Facts::of_incident(&agreed().incident);
    triggers.bench_function("evaluate", |bench| {
        bench.iter(|| black_box(trigger.evaluate(&facts)));
    });
    triggers.finish();
}

criterion_group!(benches, plans, triggers);
criterion_main!(benches);
