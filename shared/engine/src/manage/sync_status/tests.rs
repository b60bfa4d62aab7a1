use im_model::DeadLetterId;

use super::*;
use crate::{Cause, FailedAttempt, Hint, Job, OpenCircuit};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn letter(reason: FailureReason, opened: i64) -> DeadLetter {
    let integration: IntegrationId = "pd".parse().expect("an id");
    let job = Job {
        hint: Hint::External {
            integration: integration.clone(),
            external_id: "P1".parse().expect("an id"),
            at_least: None,
            changed: std::collections::BTreeMap::new(),
            author: None,
            notes: false,
        },
        cause: Cause::Person,
        waited: false,
        insist: false,
    };
    let first = FailedAttempt {
        at: at(opened - 60),
        error: "no answer".to_owned(),
        reason,
        fields: std::collections::BTreeSet::new(),
    };
    DeadLetter {
        id: DeadLetterId::of(&["pd"]),
        integration,
        incident: None,
        external_id: None,
        status: DeadLetterStatus::Open,
        job,
        reason,
        attempts: vec![first],
        attempts_in_all: 5,
        jobs: 1,
        redriven: 0,
        severity: None,
        opened_at: at(opened),
        died_at: at(opened),
        changed_at: at(opened),
        changed_by: String::new(),
        version: 1,
    }
}

#[test]
fn a_vendor_fails_since_the_first_attempt_that_died_or_since_its_circuit_opened() {
    let closed = CircuitState::default();
    let refused = letter(FailureReason::Refused, 100);
    assert_eq!(failing(&closed, std::slice::from_ref(&refused)), None);
    let letters = [
        refused,
        letter(FailureReason::Unavailable, 300),
        letter(FailureReason::Unavailable, 200),
    ];
    let since = |circuit: &CircuitState, letters: &[DeadLetter]| {
        failing(circuit, letters).map(|(since, _)| since)
    };
    assert_eq!(since(&closed, &letters), Some(at(140)));
    let open = |second| CircuitState {
        open: Some(OpenCircuit {
            since: at(second),
            until: at(second + 30),
            failed_trials: 0,
            why: "GET /x timed out".to_owned(),
        }),
        ..CircuitState::default()
    };
    assert_eq!(since(&open(500), &[]), Some(at(500)));
    assert_eq!(since(&open(500), &letters), Some(at(140)));
    // It has answered since, and this record alone does not come through.
    let mut stubborn = letter(FailureReason::Unavailable, 200);
    stubborn.redriven = 1;
    assert_eq!(failing(&closed, &[stubborn]), None);
}

#[test]
fn what_a_person_did_comes_before_what_the_vendor_does() {
    let failing = (at(1), "GET /x timed out".to_owned());
    let none = Counted::default();
    let words = |enabled, activity, because: Option<&str>, failing| {
        let because = because.map(str::to_owned);
        in_words((enabled, activity, because.as_deref()), failing, none)
    };
    let (state, says) = words(false, Activity::Paused, None, Some(&failing));
    assert_eq!(state, SyncState::Disabled, "{says}");
    let (state, says) = words(true, Activity::Paused, Some("401"), Some(&failing));
    assert_eq!(state, SyncState::Paused);
    assert!(
        says.starts_with("It was paused: 401. Mend that, then resume it"),
        "{says}"
    );
    let (state, says) = words(true, Activity::Active, None, Some(&failing));
    assert_eq!(state, SyncState::Failing);
    let since = "The vendor has not answered since 1970-01-01T00:00:01Z: GET /x timed out.";
    assert!(says.starts_with(since), "{says}");
    let (state, says) = words(true, Activity::Active, None, None);
    assert_eq!((state, says.as_str()), (SyncState::Working, "It works."));
}

#[test]
fn dead_letters_are_told_of_one_that_works() {
    let says = |count, at_least| {
        let open = Counted { count, at_least };
        in_words((true, Activity::Active, None), None, open).1
    };
    assert_eq!(
        says(1, false),
        "It works, but for one link that has a dead letter."
    );
    assert_eq!(
        says(3, false),
        "It works, but for 3 links that have a dead letter."
    );
    let many = "It works, but for at least 1000 links that have a dead letter.";
    assert_eq!(says(1000, true), many);
}
