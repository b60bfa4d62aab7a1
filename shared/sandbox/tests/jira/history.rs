//! What is read of an issue: its fields, its changelog, and what leaves no trace.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::caller::{ANN, EMAIL, adf, site};

#[test]
fn the_changelog_says_who_changed_what_when() {
    let site = site();
    let key = site.created(&json!({"labels": ["a"], "description": adf("old")}));
    site.clock.advance(SignedDuration::from_secs(1));
    site.edited(
        &key,
        &json!({"priority": {"name": "High"}, "labels": ["a", "b"]}),
    );
    site.jira
        .person("ann@example.com")
        .assign(&key, Some("bob@example.com"))
        .unwrap();
    site.edited(
        &key,
        &json!({"description": adf("new"), "customfield_10052": {"id": "10101"}}),
    );
    let path = format!("issue/{key}/changelog");
    let page = site.get(&path).1;
    assert_eq!((&page["total"], &page["isLast"]), (&json!(3), &json!(true)));
    let entry = &page["values"][0];
    assert_eq!(entry["author"]["emailAddress"], EMAIL);
    assert_eq!(entry["created"], "2026-01-02T03:04:06.678+0000");
    let labels = json!({
        "field": "labels", "fieldId": "labels", "fieldtype": "jira",
        "from": null, "fromString": "a", "to": null, "toString": "a b",
    });
    let priority = json!({
        "field": "priority", "fieldId": "priority", "fieldtype": "jira",
        "from": "3", "fromString": "Medium", "to": "2", "toString": "High",
    });
    let items = entry["items"].as_array().unwrap();
    assert!(
        items.contains(&labels) && items.contains(&priority) && items.len() == 2,
        "{entry}"
    );
    let entry = &page["values"][1];
    assert_eq!(entry["author"]["accountId"], ANN);
    assert_eq!(entry["items"][0]["fieldId"], "assignee");
    assert_eq!(entry["items"][0]["from"], Value::Null);
    assert_eq!(entry["items"][0]["toString"], "Bob Example");
    let items = &page["values"][2]["items"];
    let item = |id: &str| {
        items
            .as_array()
            .unwrap()
            .iter()
            .find(|item| item["fieldId"] == id)
            .unwrap()
    };
    assert_eq!(
        (
            &item("description")["fromString"],
            &item("description")["toString"]
        ),
        (&json!("old"), &json!("new"))
    );
    assert_eq!(item("customfield_10052")["fieldtype"], "custom");
    assert_eq!(item("customfield_10052")["field"], "Impact");
    assert_eq!(item("customfield_10052")["to"], "10101");
    let second = site.get(&format!("{path}?startAt=1&maxResults=1")).1;
    assert_eq!(second["values"], json!([page["values"][1]]));
    assert_eq!(second["isLast"], false);
    assert!(second["nextPage"].as_str().unwrap().contains("startAt=2"));
    assert_eq!(site.get(&format!("{path}?startAt=x")).0, 400);
}

#[test]
fn expand_shows_the_changelog_newest_first_and_more() {
    let site = site();
    let key = site.created(&json!({}));
    for summary in ["one", "two"] {
        site.edited(&key, &json!({ "summary": summary }));
    }
    let issue = site
        .get(&format!("issue/{key}?expand=changelog,transitions,names"))
        .1;
    let histories = &issue["changelog"]["histories"];
    assert_eq!(histories[0]["items"][0]["toString"], "two");
    assert_eq!(histories[1]["items"][0]["toString"], "one");
    assert_eq!(issue["transitions"][0]["name"], "Start work");
    assert_eq!(issue["names"]["customfield_10052"], "Impact");
    let plain = site.get(&format!("issue/{key}")).1;
    assert_eq!(
        (
            plain.get("changelog"),
            plain.get("transitions"),
            plain.get("names")
        ),
        (None, None, None)
    );
}

#[test]
fn a_write_that_changes_nothing_leaves_no_trace() {
    let site = site();
    let fields = json!({"description": adf("x"), "labels": ["a"], "assignee": {"id": ANN}, "priority": {"id": "2"}, "customfield_10050": "y"});
    let key = site.created(&fields);
    site.jira.drain_webhooks();
    site.clock.advance(SignedDuration::from_secs(60));
    site.edited(&key, &fields);
    let path = format!("issue/{key}/assignee");
    assert_eq!(site.put(&path, &json!({"accountId": ANN})).0, 204);
    assert_eq!(site.jira.changelog(&key), []);
    assert_eq!(site.events(), Vec::<String>::new());
    assert_eq!(site.fields(&key)["updated"], "2026-01-02T03:04:05.678+0000");
    assert_eq!(site.jira.writes().len(), 3);
}

#[test]
fn fields_are_chosen() {
    let site = site();
    let key = site.created(&json!({}));
    let fields = |query: &str| {
        let fields = site.get(&format!("issue/{key}?fields={query}")).1["fields"].clone();
        let names = fields.as_object().unwrap().keys().cloned();
        names.collect::<Vec<String>>()
    };
    assert_eq!(fields("summary,status"), ["status", "summary"]);
    assert!(fields("*all").contains(&"comment".to_owned()));
    assert!(!fields("*navigable").contains(&"comment".to_owned()));
    let most = fields("-comment,-description");
    assert!(most.contains(&"summary".to_owned()) && !most.contains(&"description".to_owned()));
}

#[test]
fn a_deleted_issue_is_gone() {
    let site = site();
    let key = site.created(&json!({}));
    let id = site.jira.issue(&key).unwrap().id;
    assert_eq!(site.get(&format!("issue/{id}")).1["key"], key);
    assert_eq!(
        site.get(&format!("issue/{}", key.to_lowercase())).1["key"],
        key
    );
    assert_eq!(site.delete(&format!("issue/{key}")), (204, Value::Null));
    let gone = json!({
        "errorMessages": ["Issue does not exist or you do not have permission to see it."],
        "errors": {},
    });
    for path in [
        format!("issue/{key}"),
        format!("issue/{id}"),
        format!("issue/{key}/changelog"),
        format!("issue/{key}/comment"),
        format!("issue/{key}/transitions"),
    ] {
        assert_eq!(site.get(&path), (404, gone.clone()), "{path}");
    }
    assert_eq!(site.delete(&format!("issue/{key}")), (404, gone.clone()));
    assert_eq!(
        site.put(&format!("issue/{key}"), &json!({"fields": {}})),
        (404, gone)
    );
    assert_eq!(site.jira.issues(), []);
    assert_eq!(site.created(&json!({})), "OPS-2");
}
