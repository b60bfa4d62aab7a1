use std::collections::BTreeSet;

use im_engine::{
    Cause, DeadLetter, FailedAttempt, Hint, Job,
    manage::{ManySettled, NotSettled},
};
use im_model::{Field, Severity};
use serde_json::json;

use super::*;
use crate::router::assert_is;

const ENTRY: &str = "DLQ-01ARZ3NDEKTSV4RRFFQ69G5FAV";
const INCIDENT: &str = "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV";

fn letter() -> DeadLetter {
    let at = "2026-01-02T03:04:05Z".parse().expect("a time");
    let incident = IncidentId::parse(INCIDENT).expect("an id");
    let integration = IntegrationId::parse("prod-jira").expect("an id");
    DeadLetter {
        id: DeadLetterId::parse(ENTRY).expect("an id"),
        integration: integration.clone(),
        incident: Some(incident.clone()),
        external_id: None,
        status: DeadLetterStatus::Open,
        job: Job {
            hint: Hint::Incident {
                incident,
                integration,
            },
            cause: Cause::Change,
            waited: false,
            insist: false,
        },
        reason: FailureReason::Refused,
        attempts: vec![FailedAttempt {
            at,
            error: "not synced for good: title: at most 255 characters".to_owned(),
            reason: FailureReason::Refused,
            fields: BTreeSet::from([Field::Title.into()]),
        }],
        attempts_in_all: 7,
        jobs: 2,
        redriven: 1,
        severity: Some(Severity::Sev1),
        opened_at: at,
        died_at: at,
        changed_at: at,
        changed_by: "the job died".to_owned(),
        version: 2,
    }
}

#[test]
fn a_dead_letter_is_shown_as_described() {
    let json = serde_json::to_value(DeadLetterJson::with_failures(&letter())).expect("JSON");
    let at = "2026-01-02T03:04:05Z";
    let error = "not synced for good: title: at most 255 characters";
    assert_eq!(
        json,
        json!({
            "id": ENTRY, "integration_id": "prod-jira", "incident_id": INCIDENT,
            "external_id": null, "direction": "outbound", "status": "open", "reason": "refused",
            "severity": "SEV-1", "jobs": 2, "attempts": 7, "redriven": 1, "last_error": error,
            "opened_at": at, "died_at": at, "changed_at": at, "changed_by": "the job died",
            "version": 2,
            "failures": [{"at": at, "error": error, "reason": "refused", "fields": ["title"]}],
        })
    );
    assert_is("DeadLetter", &json);
    let items = vec![DeadLetterJson::of(&letter())];
    let list = serde_json::to_value(List { items, next: None }).expect("JSON");
    assert!(list["items"][0].get("failures").is_none());
    assert_is("DeadLetterList", &list);
}

#[test]
fn what_became_of_many_is_shown_as_described() {
    let many = ManySettled {
        done: 2,
        failed: vec![NotSettled {
            entry: letter().id,
            why: "it is resolved already".to_owned(),
        }],
        next: Some("open~x".to_owned()),
    };
    let failed = json!([{"entry": ENTRY, "problem": "it is resolved already"}]);
    let retried = serde_json::to_value(ManyJson::retried(many.clone())).expect("JSON");
    assert_eq!(
        retried,
        json!({"retried": 2, "failed": failed, "next": "open~x"})
    );
    assert_is("RetriedDeadLetters", &retried);
    let discarded = serde_json::to_value(ManyJson::discarded(many)).expect("JSON");
    assert_eq!(
        discarded,
        json!({"discarded": 2, "failed": failed, "next": "open~x"})
    );
    assert_is("DiscardedDeadLetters", &discarded);
}

#[test]
fn a_request_for_many_names_all_that_is_wrong_with_it() {
    let read = |json: serde_json::Value| {
        let serde_json::Value::Object(object) = json else {
            panic!("an object")
        };
        wanted(ObjectReader::new(object))
    };
    let (filter, cursor) = read(json!({})).expect("all that are open");
    assert_eq!((filter.status, filter.reason, cursor), (None, None, None));
    let wanted = json!({"reason": "unavailable", "incident_id": INCIDENT, "cursor": "open~x"});
    let (filter, cursor) = read(wanted).expect("some of them");
    assert_eq!(filter.reason, Some(FailureReason::Unavailable));
    assert!(filter.incident.is_some_and(|id| id.as_str() == INCIDENT));
    assert_eq!(cursor.as_deref(), Some("open~x"));
    let bad = json!({
        "status": "resolved", "reason": "bad luck", "incident_id": "INC-1", "cursor": "a b", "all": true,
    });
    let problem = read(bad).expect_err("refused");
    let named: Vec<_> = problem
        .errors()
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    let expected = ["reason", "incident_id", "status", "cursor", "all"];
    assert_eq!(named, expected, "{problem:?}");
}
