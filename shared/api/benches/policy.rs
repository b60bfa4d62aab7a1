//! The built-in policy: `cargo bench -p im-api --bench policy`.
#![allow(missing_docs, clippy::expect_used, reason = "a benchmark")]

use std::{collections::BTreeSet, hint::black_box};

use criterion::{Criterion, criterion_group, criterion_main};
use im_api::{Action, Caller, Policy, Resource, Which};

fn policy(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("policy");
    group.bench_function("compile", |bench| bench.iter(Policy::built_in));
    let (policy, organization) = (Policy::built_in(), "acme".parse().expect("an id"));
    let integration = "prod-snow".parse().expect("an id");
    let caller = Caller {
        subject: "ann@example.com".parse().expect("a subject"),
        organization: "acme".parse().expect("an id"),
        roles: BTreeSet::from(["integration.manager".to_owned()]),
        scopes: BTreeSet::from(["prod-jira".to_owned(), "prod-snow".to_owned()]),
    };
    let resource = Resource {
        organization: &organization,
        which: Which::Integration(&integration),
    };
    group.bench_function("allow", |bench| {
        let ask = || policy.may(black_box(&caller), Action::ChangeRules, resource);
        bench.iter(|| ask().expect("within the scopes"));
    });
    group.bench_function("deny", |bench| {
        let ask = || policy.may(black_box(&caller), Action::EditIncident, resource);
        bench.iter(|| ask().expect_err("no role for it"));
    });
    group.finish();
}

criterion_group!(benches, policy);
criterion_main!(benches);
