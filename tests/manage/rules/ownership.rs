//! Who owns a field.

use im_tests::{JIRA, World};
use serde_json::{Value, json};

use super::{patch, path, path_of, put, version};
use crate::{Answer, delete, errors, get};

pub(super) fn owners(list: &Answer, field: &str) -> Value {
    let items = list.1["items"].as_array().expect("items");
    let item = items.iter().find(|item| item["field"] == field);
    item.unwrap_or_else(|| panic!("no {field} in {}", list.1))
        .clone()
}

#[tokio::test]
async fn every_mapped_field_and_both_lists_of_notes_have_owners() {
    let world = World::new().await;
    let list = get(&world, &path("field-ownership")).await;
    assert_eq!(list.0, 200, "{}", list.1);
    let fields: Vec<_> = list.1["items"].as_array().expect("items").iter().collect();
    let fields: Vec<_> = fields
        .iter()
        .map(|item| item["field"].as_str().expect("text"))
        .collect();
    assert_eq!(
        fields,
        [
            "title",
            "description",
            "severity",
            "priority",
            "status",
            "assigned_to",
            "escalation_policy",
            "comments",
            "work_notes",
        ]
    );
    let platform = json!([{"owner": "platform", "priority": 10}]);
    assert_eq!(
        owners(&list, "title"),
        json!({"field": "title", "rules": platform, "flows": "outbound"})
    );
    assert_eq!(
        owners(&list, "status"),
        json!({"field": "status", "rules": [], "flows": "both"})
    );
    patch(&world, &json!({"sync_direction": "inbound"})).await;
    let list = get(&world, &path("field-ownership")).await;
    let flows = |field: &str| owners(&list, field)["flows"].clone();
    assert_eq!(
        (flows("title"), flows("status"), flows("comments")),
        (json!("none"), json!("inbound"), json!("inbound"))
    );
}

#[tokio::test]
async fn owners_are_set_shared_and_deleted_by_any_name() {
    let world = World::new().await;
    let assignee = path("field-ownership/assignee");
    let external = json!({"rules": [{"owner": "external", "priority": 20}]});
    let set = put(&world, &assignee, &external).await;
    let expected = json!({"field": "assigned_to", "rules": external["rules"], "flows": "inbound"});
    assert_eq!(set, (200, expected));
    let before = version(&world).await;
    put(&world, &assignee, &external).await;
    assert_eq!(version(&world).await, before, "nothing changes");
    let platform = json!({"rules": [{"owner": "platform"}]});
    let shared = put(&world, &format!("{assignee}?shared=true"), &platform).await;
    let both = json!([
        {"owner": "platform", "priority": 10}, {"owner": "external", "priority": 20},
    ]);
    assert_eq!(
        (&shared.1["rules"], &shared.1["flows"]),
        (&both, &json!("both"))
    );
    let replaced = put(&world, &assignee, &platform).await;
    assert_eq!(replaced.1["flows"], "outbound");
    put(&world, &assignee, &json!({"rules": both})).await;
    let one = delete(&world, &format!("{assignee}?owner=platform")).await;
    assert_eq!((one.0, &one.1["flows"]), (200, &json!("inbound")));
    let again = delete(&world, &format!("{assignee}?owner=platform")).await;
    assert_eq!(again.0, 404);
    let detail = "platform's ownership rule of assigned_to in demo-pd does not exist";
    assert_eq!(again.1["detail"], detail);
    assert_eq!(delete(&world, &assignee).await.1["rules"], json!([]));
    assert_eq!(delete(&world, &assignee).await.0, 404);
    let notes = put(&world, &path("field-ownership/work-notes"), &external).await;
    assert_eq!(notes.1["field"], "work_notes");
}

#[tokio::test]
async fn bad_owners_are_named_and_change_nothing() {
    let world = World::new().await;
    let before = get(&world, &path("field-ownership")).await;
    let platform = json!({"rules": [{"owner": "platform"}]});
    let fields = "expected one of title, description, severity, priority, status, assigned_to, \
                  escalation_policy, comments, work_notes";
    let unknown = put(&world, &path("field-ownership/sev"), &platform).await;
    let problem = format!("unknown to pagerduty; {fields}");
    assert_eq!(
        (unknown.0, errors(&unknown)),
        (422, vec![("field", problem.as_str())])
    );
    let unmapped = put(&world, &path("field-ownership/custom.cost"), &platform).await;
    let problem = format!("custom.cost is not mapped by demo-pd; {fields}");
    assert_eq!(errors(&unmapped), [("field", problem.as_str())]);
    for (body, field) in [
        (json!({"rules": []}), "rules"),
        (json!({"rules": [{"owner": "nobody"}]}), "rules.0.owner"),
        (
            json!({"rules": [{"owner": "platform", "priority": 0}]}),
            "rules.0.priority",
        ),
        (
            json!({"rules": [{"owner": "platform"}, {"owner": "platform"}]}),
            "rules.1.owner",
        ),
    ] {
        let refused = put(&world, &path("field-ownership/title"), &body).await;
        assert_eq!((refused.0, errors(&refused)[0].0), (422, field));
    }
    let deleted = delete(&world, &path("field-ownership/title?owner=nobody")).await;
    assert_eq!((deleted.0, errors(&deleted)[0].0), (422, "owner"));
    assert_eq!(get(&world, &path("field-ownership")).await, before);
}

#[tokio::test]
async fn a_rule_of_a_field_that_is_not_mapped_is_shown_and_can_be_deleted() {
    let world = World::with_all().await;
    let list = get(&world, &path_of(JIRA, "field-ownership")).await;
    assert_eq!(owners(&list, "priority")["flows"], "none");
    let found = get(&world, &path_of(JIRA, "check")).await;
    let names = |found: &Answer| found.1.to_string().contains("a field that is not mapped");
    assert!(names(&found), "{}", found.1);
    let rule = path_of(JIRA, "field-ownership/priority");
    assert_eq!(delete(&world, &rule).await.0, 200);
    let found = get(&world, &path_of(JIRA, "check")).await;
    assert!(!names(&found), "{}", found.1);
    let set = put(&world, &rule, &json!({"rules": [{"owner": "platform"}]})).await;
    assert_eq!((set.0, errors(&set)[0].0), (422, "field"));
}
