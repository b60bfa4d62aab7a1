//! Creating, reading, editing and deleting issues, and their changelog.

use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::caller::{ANN, EMAIL, adf, new, request, seen, site};

const UNSETTABLE: &str = "cannot be set. It is not on the appropriate screen, or unknown.";

#[test]
fn an_issue_is_created_with_what_was_sent() {
    let site = site();
    let (status, body) = site.post(
        "issue",
        &new(&json!({
            "project": {"id": "10000"},
            "issuetype": {"id": "10010"},
            "description": adf("sda1 at 100 %"),
            "priority": {"name": "High"},
            "labels": ["im-2", "im-1", "im-2"],
            "assignee": {"accountId": ANN},
            "customfield_10050": "prod",
            "customfield_10051": 12,
            "customfield_10052": {"value": "Minor"},
        })),
    );
    assert_eq!(status, 201);
    assert_eq!(body["key"], "OPS-1");
    let link = format!(
        "https://example.atlassian.net/rest/api/3/issue/{}",
        body["id"].as_str().unwrap()
    );
    assert_eq!(body["self"], link);
    let fields = site.fields("OPS-1");
    assert_eq!(fields["summary"], "Disk full");
    assert_eq!(fields["description"], adf("sda1 at 100 %"));
    assert_eq!(fields["priority"]["id"], "2");
    assert_eq!(fields["labels"], json!(["im-1", "im-2"]));
    assert_eq!(fields["assignee"]["emailAddress"], "ann@example.com");
    assert_eq!(fields["reporter"]["emailAddress"], EMAIL);
    assert_eq!(fields["status"]["name"], "To Do");
    assert_eq!(fields["status"]["statusCategory"]["key"], "new");
    assert_eq!(fields["resolution"], Value::Null);
    assert_eq!(fields["created"], "2026-01-02T03:04:05.678+0000");
    assert_eq!(fields["project"]["projectTypeKey"], "service_desk");
    assert_eq!(fields["issuetype"]["name"], "[System] Incident");
    assert_eq!(fields["customfield_10050"], "prod");
    assert_eq!(fields["customfield_10051"], 12);
    assert_eq!(fields["customfield_10052"]["value"], "Minor");
    assert_eq!(fields["customfield_10053"], Value::Null);
    assert_eq!(site.jira.changelog("OPS-1"), []);
    assert_eq!(site.jira.issues().len(), 1);
}

#[test]
fn every_wrong_field_is_named() {
    let site = site();
    let errors = |more: &Value| {
        let (status, body) = site.post("issue", &new(more));
        assert_eq!(status, 400, "{more}: {body}");
        assert_eq!(body["errorMessages"], json!([]));
        body["errors"].clone()
    };
    let all = errors(&json!({"summary": "", "priority": {"name": "Urgent"}, "labels": ["a b"]}));
    assert_eq!(all.as_object().unwrap().len(), 3);
    assert_eq!(all["summary"], "You must specify a summary of the issue.");
    assert_eq!(all["priority"], "Priority name 'Urgent' is not valid");
    assert_eq!(
        all["labels"],
        "The label 'a b' contains spaces which is invalid."
    );
    for (field, value, words) in [
        ("summary", json!("a\nb"), "newline"),
        ("summary", json!("x".repeat(256)), "255"),
        ("summary", json!(7), "must be a string"),
        ("project", json!({"key": "NOPE"}), "valid project"),
        ("issuetype", json!({"name": "Bug"}), "valid issue type"),
        ("issuetype", Value::Null, "Specify an issue type"),
        (
            "priority",
            json!({"id": "99"}),
            "Priority id '99' is not valid",
        ),
        ("priority", json!("High"), "Specify a valid 'id' or 'name'"),
        ("labels", json!("a"), "not an array"),
        ("labels", json!(["x".repeat(256)]), "255"),
        ("assignee", json!({"accountId": "nobody"}), "does not exist"),
        ("assignee", json!({"name": "ann"}), "'accountId' is missing"),
        (
            "assignee",
            json!({"id": "557058:f58131cb-b67d-43c7-b30d-6b58d40bd077"}),
            "cannot be assigned",
        ),
        (
            "description",
            json!("text"),
            "Operation value must be an Atlassian Document (see the Atlassian Document Format)",
        ),
        (
            "description",
            json!({"type": "doc", "version": 1, "content": [{"type": "listItem"}]}),
            "Operation value must be an Atlassian Document",
        ),
        ("customfield_10051", json!("12"), "number"),
        (
            "customfield_10052",
            json!({"value": "Huge"}),
            "Specify a valid",
        ),
        ("customfield_10053", json!("text"), "Atlassian Document"),
        ("customfield_19999", json!("x"), UNSETTABLE),
        ("status", json!({"name": "Done"}), UNSETTABLE),
        ("resolution", json!({"name": "Done"}), UNSETTABLE),
    ] {
        let errors = errors(&json!({ field: value }));
        let error = errors[field].as_str().unwrap();
        assert!(error.contains(words), "{field}: {error}");
        assert_eq!(errors.as_object().unwrap().len(), 1, "{errors}");
    }
    assert_eq!(site.jira.issues(), []);
    assert!(site.jira.drain_webhooks().is_empty());
    site.created(&json!({"summary": "x".repeat(255)}));
}

#[test]
fn a_body_that_is_not_a_form_is_refused() {
    let site = site();
    for body in [
        json!([]),
        json!({"fields": []}),
        json!({"field": {}}),
        json!({"update": {"labels": 1}}),
    ] {
        assert_eq!(site.post("issue", &body).0, 400, "{body}");
    }
    let mut broken = request(&Method::POST, "issue", None);
    *broken.body_mut() = "{".into();
    assert_eq!(seen(&site.send(broken)).0, 400);
    let mut form = request(&Method::POST, "issue", Some(&new(&json!({}))));
    form.headers_mut()
        .insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(seen(&site.send(form)).0, 415);
    assert_eq!(site.jira.issues(), []);
}

#[test]
fn an_edit_says_nothing_unless_asked() {
    let site = site();
    let key = site.created(&json!({}));
    site.clock.advance(SignedDuration::from_secs(60));
    let fields = json!({"fields": {"summary": "Disk is full", "priority": {"id": "1"}}});
    assert_eq!(
        site.put(&format!("issue/{key}"), &fields),
        (204, Value::Null)
    );
    assert_eq!(site.fields(&key)["updated"], "2026-01-02T03:05:05.678+0000");
    let path = format!("issue/{key}?returnIssue=true");
    let (status, body) = site.put(&path, &json!({"fields": {"description": adf("x")}}));
    assert_eq!(
        (status, &body["fields"]["summary"]),
        (200, &json!("Disk is full"))
    );
    assert_eq!(body["fields"]["description"], adf("x"));
    site.edited(&key, &json!({"description": null, "assignee": {"id": ANN}}));
    assert_eq!(site.fields(&key)["description"], Value::Null);
    site.edited(&key, &json!({"assignee": null}));
    assert_eq!(site.fields(&key)["assignee"], Value::Null);
}

#[test]
fn a_status_or_a_resolution_is_not_edited() {
    let site = site();
    let key = site.created(&json!({}));
    for field in ["status", "resolution", "issuetype", "universe"] {
        let fields = json!({"fields": {field: {"name": "Done"}, "summary": "New"}});
        let (status, body) = site.put(&format!("issue/{key}"), &fields);
        assert_eq!(status, 400);
        assert_eq!(
            body["errors"],
            json!({ field: format!("Field '{field}' {UNSETTABLE}") })
        );
    }
    assert_eq!(site.fields(&key)["summary"], "Disk full");
    assert_eq!(site.put(&format!("issue/{key}"), &json!({})).0, 400);
}

#[test]
fn labels_are_added_and_taken_away_one_by_one() {
    let site = site();
    let key = site.created(&json!({"labels": ["b"]}));
    let path = format!("issue/{key}");
    let update = |operations: Value| {
        site.put(&path, &json!({"update": {"labels": operations}}))
            .0
    };
    assert_eq!(
        update(json!([{"add": "im-1"}, {"add": "a"}, {"remove": "b"}])),
        204
    );
    assert_eq!(site.fields(&key)["labels"], json!(["a", "im-1"]));
    assert_eq!(update(json!([{"set": ["c"]}])), 204);
    assert_eq!(site.fields(&key)["labels"], json!(["c"]));
    assert_eq!(update(json!([{"set": ["d"]}, {"add": "c"}])), 204);
    assert_eq!(site.fields(&key)["labels"], json!(["c", "d"]));
    assert_eq!(update(json!([{"set": "c"}])), 400);
    assert_eq!(update(json!([{"remove": "d"}])), 204);
    assert_eq!(update(json!([{"add": "a b"}])), 400);
    assert_eq!(update(json!([{"edit": "a"}])), 400);
    let both = json!({"fields": {"labels": ["x"]}, "update": {"labels": [{"add": "y"}]}});
    let (status, body) = site.put(&path, &both);
    assert_eq!(status, 400);
    assert!(body["errors"]["labels"].as_str().unwrap().contains("both"));
    let summary = json!({"update": {"summary": [{"add": "x"}]}});
    assert_eq!(site.put(&path, &summary).0, 400);
    assert_eq!(site.fields(&key)["labels"], json!(["c"]));
}

#[test]
fn properties_are_kept_and_leave_no_trace() {
    let site = site();
    let mut body = new(&json!({}));
    body["properties"] = json!([{"key": "im", "value": {"id": 7}}]);
    assert_eq!(site.post("issue", &body).0, 201);
    let read = site.get("issue/OPS-1?properties=im&fields=summary").1;
    assert_eq!(read["properties"], json!({"im": {"id": 7}}));
    assert_eq!(read["fields"].as_object().unwrap().len(), 1);
    site.jira.drain_webhooks();
    let put = json!({"properties": [{"key": "other", "value": 1}]});
    assert_eq!(site.put("issue/OPS-1", &put).0, 204);
    assert_eq!(
        site.get("issue/OPS-1?properties=*all").1["properties"]["other"],
        1
    );
    assert_eq!(
        (site.jira.changelog("OPS-1").len(), site.events().len()),
        (0, 0)
    );
    let long = json!({"properties": [{"key": "x".repeat(256), "value": 1}]});
    assert_eq!(site.put("issue/OPS-1", &long).0, 400);
}

#[test]
fn an_assignee_is_set_by_account_id() {
    let site = site();
    let key = site.created(&json!({}));
    let path = format!("issue/{key}/assignee");
    assert_eq!(
        site.put(&path, &json!({"accountId": ANN})),
        (204, Value::Null)
    );
    assert_eq!(
        site.jira.issue(&key).unwrap().assignee.as_deref(),
        Some(ANN)
    );
    assert_eq!(site.put(&path, &json!({"accountId": "nobody"})).0, 400);
    assert_eq!(site.put(&path, &json!({"name": "ann"})).0, 400);
    assert_eq!(site.put(&path, &json!({"accountId": null})).0, 204);
    assert_eq!(site.jira.issue(&key).unwrap().assignee, None);
}
