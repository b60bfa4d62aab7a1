//! Whether an integration is set up as it must be.

use im_model::Secret;
use im_vendors::CheckOutcome;

use crate::{bench::Bench, rig::Rig};

pub async fn finds_nothing_wrong_with_a_good_account<R: Rig>() {
    let bench = Bench::<R>::new();
    let checks = bench.api.probe(bench.connection()).await;
    assert!(!checks.is_empty());
    for check in &checks {
        assert_eq!(check.outcome, CheckOutcome::Passed, "{check:?}");
        assert!(
            !check.what.is_empty() && !check.detail.is_empty(),
            "{check:?}"
        );
    }
    let sent = bench.wire.take_sent();
    let writes: Vec<_> = sent.iter().filter(|sent| sent.write).collect();
    assert!(writes.is_empty(), "it changes something: {writes:?}");
}

pub async fn says_that_a_credential_is_wrong<R: Rig>() {
    const WRONG: &str = "wr0ng-cr3dential";
    let mut bench = Bench::<R>::new();
    let before = bench
        .credentials
        .0
        .insert(R::LOGIN.to_owned(), Secret::new(WRONG));
    assert!(before.is_some(), "{} is none of the credentials", R::LOGIN);
    let checks = bench.api.probe(bench.connection()).await;
    let failed: Vec<_> = checks
        .iter()
        .filter(|check| check.outcome == CheckOutcome::Failed)
        .collect();
    assert!(
        failed.iter().any(|check| check.detail.contains("401")),
        "{checks:?}"
    );
    assert!(!format!("{checks:?}").contains(WRONG), "{checks:?}");
    let first = checks.first().map(|check| check.outcome);
    assert_eq!(first, Some(CheckOutcome::Failed), "{checks:?}");
}

pub fn is_configured_as_it_says<R: Rig>() {
    let bench = Bench::<R>::new();
    let configuration = bench.api.configuration();
    for (option, _) in R::OPTIONS {
        assert!(configuration.knows_option(option), "{option}");
    }
    for option in configuration.required_options {
        assert!(bench.integration.options.contains_key(*option), "{option}");
    }
    assert!(!configuration.knows_option("no_such_option"));
    for (credential, _) in R::CREDENTIALS {
        assert!(
            configuration.credentials.contains(credential),
            "{credential}"
        );
    }
    let given = |credential: &&str| bench.credentials.get(credential).is_some();
    assert!(configuration.required_credentials.iter().all(given));
    let logins = configuration.logins;
    assert!(logins.is_empty() || logins.iter().any(|login| login.iter().all(given)));
    let problems = bench.api.check_options(&bench.integration.options);
    assert_eq!(problems, [].into());
    let url = "https://im.example/webhooks";
    let steps = bench.api.setup_steps(&bench.integration, url);
    assert!(steps.iter().any(|step| step.contains(url)), "{steps:?}");
    for secret in bench.credentials.0.values() {
        assert!(!steps.concat().contains(secret.reveal()), "{steps:?}");
    }
}
