use std::collections::BTreeMap;

use im_model::{FailureReason, Field, Severity};
use jiff::Timestamp;

use super::*;
use crate::{Hint, Job};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

/// Of a record that belongs to no incident.
pub(super) fn letter() -> DeadLetter {
    let integration = IntegrationId::parse("pd").expect("an id");
    let external_id = im_model::ExternalId::parse("P1").expect("an id");
    let hint = Hint::External {
        integration: integration.clone(),
        external_id: external_id.clone(),
        at_least: Some(im_model::RecordVersion(7)),
        changed: BTreeMap::from([(Field::Title, at(1))]),
        author: Some(ActorId::parse("bob@example.com").expect("an actor")),
        notes: true,
    };
    let job = Job {
        hint,
        cause: Cause::Delivery {
            key: "pd#01FKZ".parse().expect("a key"),
            also: Vec::new(),
        },
        waited: true,
        insist: false,
    };
    DeadLetter {
        id: DeadLetter::id_of(&integration, None, Some(&external_id)),
        integration,
        incident: None,
        external_id: Some(external_id),
        status: DeadLetterStatus::Open,
        job,
        reason: FailureReason::Unavailable,
        attempts: Vec::new(),
        attempts_in_all: 5,
        jobs: 1,
        redriven: 0,
        severity: Some(Severity::Sev2),
        opened_at: at(10),
        died_at: at(10),
        changed_at: at(10),
        changed_by: "the fifth failure".to_owned(),
        version: 3,
    }
}

#[test]
fn a_retry_is_a_first_attempt_from_the_present() {
    let letter = letter();
    let message = letter.retry(Cause::Person, true, at(20));
    let expected = Hint::External {
        integration: letter.integration.clone(),
        external_id: "P1".parse().expect("an id"),
        at_least: Some(im_model::RecordVersion(7)),
        // The webhook of that time does not say when the present value was given, nor by whom.
        changed: BTreeMap::new(),
        author: None,
        notes: true,
    };
    assert_eq!(message.job.hint, expected);
    assert_eq!(message.job.cause, Cause::Person);
    assert!(message.job.insist && !message.job.waited);
    assert_eq!((message.attempt, message.not_before), (1, at(20)));
    assert_eq!(message.entry, Some(letter.id));
    assert_eq!(message.severity, Some(Severity::Sev2));
    assert_eq!((message.died_at, message.failures.len()), (None, 0));
}

#[test]
fn a_change_says_who_and_raises_the_version_by_one() {
    let mut after = letter();
    after.changed(DeadLetterStatus::Discarded, "ann@example.com", at(30));
    assert_eq!((after.version, after.changed_at), (4, at(30)));
    assert_eq!(after.changed_by, "ann@example.com");
    assert_eq!(after.opened_at, letter().opened_at);
}

#[test]
fn what_is_settled_is_refused_in_words() {
    for status in [DeadLetterStatus::Open, DeadLetterStatus::Retrying] {
        let unsettled = DeadLetter { status, ..letter() };
        assert_eq!(refuse_if_settled(&unsettled), Ok(()));
    }
    for (status, word) in [
        (DeadLetterStatus::Resolved, "resolved already, by ann"),
        (DeadLetterStatus::Discarded, "discarded by ann"),
    ] {
        let settled = DeadLetter {
            status,
            changed_by: "ann".to_owned(),
            ..letter()
        };
        let refused = refuse_if_settled(&settled).expect_err("settled");
        assert!(refused.to_string().contains(word), "{refused}");
    }
}

#[test]
fn nothing_is_retried_where_nothing_is_worked_on() {
    let pd = letter().integration;
    let check = |enabled, activity| {
        let refused = refuse_unless_working(&pd, enabled, activity);
        refused.map_err(|refused| refused.to_string())
    };
    assert_eq!(check(true, Activity::Active), Ok(()));
    let paused = "integration pd is paused: resume it first, then retry";
    assert_eq!(check(true, Activity::Paused), Err(paused.to_owned()));
    let disabled = "integration pd is disabled: enable it first, then retry";
    for activity in [Activity::Active, Activity::Paused] {
        assert_eq!(check(false, activity), Err(disabled.to_owned()));
    }
}
