//! Faults, in process.

use http::Method;
use im_sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use crate::caller::{adf, new, request, seen, site};

#[test]
fn timeouts_come_before_or_after_the_commit() {
    let site = site();
    site.jira
        .add_fault(FaultRule::once(Fault::TimeoutBeforeCommit));
    site.jira
        .add_fault(FaultRule::once(Fault::TimeoutAfterCommit));
    let send = || site.send_with_faults(request(&Method::POST, "issue", Some(&new(&json!({})))));
    assert!(send().is_none());
    assert_eq!(site.jira.issues().len(), 0);
    assert!(send().is_none());
    assert_eq!((site.jira.issues().len(), site.jira.writes().len()), (1, 1));
    assert_eq!(send().unwrap().status(), 201);
}

#[test]
fn a_conflict_and_a_ban_are_answered_as_told() {
    let site = site();
    let key = site.created(&json!({}));
    for status in [409, 403] {
        let fault = Fault::RefuseWith {
            status,
            body: json!({"errorMessages": ["Told so"], "errors": {}}),
            headers: [("retry-after".to_owned(), "7".to_owned())].into(),
        };
        site.jira
            .add_fault(FaultRule::once(fault).method(&Method::PUT));
        let body = json!({"fields": {"summary": "New"}});
        let put = request(&Method::PUT, &format!("issue/{key}"), Some(&body));
        let refused = site.send_with_faults(put).unwrap();
        assert_eq!(
            (
                refused.status().as_u16(),
                seen(&refused).1["errorMessages"][0].as_str()
            ),
            (status, Some("Told so"))
        );
        assert_eq!(refused.headers()["retry-after"], "7");
    }
    assert_eq!(site.fields(&key)["summary"], "Disk full");
}

#[test]
fn garbage_is_a_success_that_is_not_json() {
    let site = site();
    site.jira.add_fault(FaultRule::once(Fault::Garbage));
    let garbage = site
        .send_with_faults(request(&Method::GET, "myself", None))
        .unwrap();
    assert_eq!(garbage.status(), 200);
    assert!(serde_json::from_slice::<Value>(garbage.body()).is_err());
}

#[test]
fn a_stale_read_shows_an_earlier_version_of_all_that_belongs_to_an_issue() {
    let site = site();
    let key = site.created(&json!({"summary": "one"}));
    site.edited(&key, &json!({"summary": "two"}));
    site.post(&format!("issue/{key}/comment"), &json!({"body": adf("x")}));
    let stale = |behind: usize, path: &str| {
        site.jira
            .add_fault(FaultRule::once(Fault::StaleRead { behind }));
        seen(
            &site
                .send_with_faults(request(&Method::GET, &format!("issue/{key}{path}"), None))
                .unwrap(),
        )
        .1
    };
    assert_eq!(stale(2, "")["fields"]["summary"], "one");
    assert_eq!(stale(1, "")["fields"]["summary"], "two");
    assert_eq!(stale(1, "/comment")["total"], 0);
    assert_eq!(stale(0, "/comment")["total"], 1);
    assert_eq!(stale(2, "/changelog")["total"], 0);
}

#[test]
fn an_automation_overrules_a_write() {
    let site = site();
    let key = site.created(&json!({}));
    site.jira.drain_webhooks();
    let overrule = |field: &str, value: Value| {
        let field = field.to_owned();
        let fault = Fault::Overrule { field, value };
        site.jira.add_fault(FaultRule::once(fault));
    };
    let write = |method: Method, path: &str, body: &Value| {
        let request = request(&method, &format!("issue/{key}{path}"), Some(body));
        seen(&site.send_with_faults(request).unwrap())
    };
    overrule("priority", json!("Lowest"));
    let body = json!({"fields": {"priority": {"name": "Highest"}}});
    let (status, shown) = write(Method::PUT, "?returnIssue=true", &body);
    assert_eq!(
        (status, &shown["fields"]["priority"]["name"]),
        (200, &json!("Lowest"))
    );
    let changelog = site.jira.changelog(&key);
    assert_eq!(changelog[0].items[0].to_string.as_deref(), Some("Highest"));
    assert_eq!(changelog[1].items[0].to_string.as_deref(), Some("Lowest"));
    assert_eq!(changelog[1].author, site.jira.site().automation);
    let webhooks = site.webhooks();
    assert!(webhooks[0]["user"].is_object());
    assert_eq!(webhooks[1].get("user"), None);
    overrule("status", json!("Closed"));
    let start = json!({"transition": {"id": "11"}});
    assert_eq!(write(Method::POST, "/transitions", &start).0, 204);
    assert_eq!(site.jira.issue(&key).unwrap().status.name, "Closed");
    overrule("comment", json!("By a rule"));
    assert_eq!(
        write(Method::PUT, "/assignee", &json!({"accountId": null})).0,
        204
    );
    assert_eq!(
        site.jira.comments(&key)[0].author,
        site.jira.site().automation
    );
    overrule("labels", json!(["ruled"]));
    let created = site
        .send_with_faults(request(&Method::POST, "issue", Some(&new(&json!({})))))
        .unwrap();
    assert_eq!(created.status(), 201);
    assert_eq!(site.jira.issues()[1].labels, ["ruled"]);
}

#[test]
fn webhooks_are_dropped_doubled_and_held() {
    let site = site();
    let strike = |fault: Fault, event: &str| {
        site.jira
            .add_fault(FaultRule::once(fault).path_contains(event));
    };
    strike(Fault::DropWebhooks, "issue_created");
    strike(Fault::HoldWebhooks, "comment_created");
    strike(Fault::DuplicateWebhooks, "issue_updated");
    let key = site.created(&json!({}));
    site.jira
        .person("ann@example.com")
        .comment(&key, "x", false)
        .unwrap();
    site.edited(&key, &json!({"summary": "New"}));
    let sent = site.jira.drain_webhooks();
    let types: Vec<_> = sent
        .iter()
        .map(|webhook| webhook.event_type.as_str())
        .collect();
    assert_eq!(types, ["jira:issue_updated", "jira:issue_updated"]);
    let identifier = "x-atlassian-webhook-identifier";
    assert_eq!(sent[0].headers[identifier], sent[1].headers[identifier]);
    site.jira.clear_faults();
    assert_eq!(site.events(), ["comment_created"]);
}
