//! Makes a failing plan shorter, and tells it.

use crate::{
    plan::{Plan, WebhookWeather},
    run::{self, Failure},
};

/// How many runs shortening may take.
const MOST_RUNS: usize = 300;

/// The invariant that a message names.
fn kind(message: &str) -> &str {
    message.split(':').next().unwrap_or_default()
}

/// The shortest plan found that still fails in the same way: steps left out, by halves, quarters and so on down to
/// single ones, and kinds of weather turned off.
pub fn shrink(failure: &Failure) -> Failure {
    let mut best = Box::new(failure.clone());
    let mut runs = 0;
    let mut fails = |plan: &Plan| {
        runs += 1;
        let failed = (runs <= MOST_RUNS)
            .then(|| run::run(plan, false).err())
            .flatten();
        failed.filter(|it| kind(&it.message) == kind(&failure.message))
    };
    let calmer: [fn(&mut Plan); 4] = [
        |plan| plan.setting.aws = im_tests::AwsWeather::default(),
        |plan| plan.setting.webhooks = WebhookWeather::default(),
        |plan| plan.setting.skews = [0; 3],
        |plan| plan.setting.vendor_way = std::time::Duration::from_millis(20),
    ];
    for calm in calmer {
        let mut plan = best.plan.clone();
        calm(&mut plan);
        best = fails(&plan).unwrap_or(best);
    }
    let mut size = best.plan.steps.len() / 2;
    while size > 0 {
        let mut start = 0;
        while start < best.plan.steps.len() {
            let mut plan = best.plan.clone();
            let end = (start + size).min(plan.steps.len());
            plan.steps.drain(start..end);
            match fails(&plan) {
                Some(failed) => best = failed,
                None => start += size,
            }
        }
        size /= 2;
    }
    *best
}

/// Prints a failure, its shortest form, and how to see it again.
pub fn report(failure: &Failure, alone: bool) {
    let command = format!(
        "IM_SIM_SEED={} cargo test --workspace --test simulation seed",
        failure.seed
    );
    eprintln!("seed {} fails: {}", failure.seed, failure.message);
    let short = if std::env::var_os("IM_SIM_NO_SHRINK").is_some() {
        failure.clone()
    } else {
        run::quietly(|| shrink(failure))
    };
    eprintln!(
        "{} of {} steps are enough:",
        short.plan.steps.len(),
        failure.plan.steps.len()
    );
    eprintln!("{:#?}", short.plan.setting);
    for step in &short.plan.steps {
        eprintln!("{step}");
    }
    if alone {
        eprintln!("the trace:");
        for line in run::quietly(|| run::trace(&short.plan)) {
            eprintln!("{line}");
        }
    }
    eprintln!("{}\nreplay with its trace: {command}", short.message);
}
