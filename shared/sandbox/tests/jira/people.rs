//! Users, permissions, and what people do.

use serde_json::{Value, json};

use crate::caller::{ANN, EMAIL, OWN, site, site_with};

fn names(body: &Value) -> Vec<&str> {
    let users = body.as_array().unwrap().iter();
    users
        .map(|user| user["displayName"].as_str().unwrap())
        .collect()
}

#[test]
fn users_are_found_by_name_email_and_account_id() {
    let site = site();
    assert_eq!(names(&site.get("user/search?query=ann").1), ["Ann Example"]);
    assert_eq!(
        names(&site.get("user/search?query=bob%40example.com").1),
        ["Bob Example"]
    );
    assert_eq!(
        names(&site.get("user/search?query=EXAMPLE").1),
        ["Ann Example", "Bob Example"]
    );
    assert_eq!(
        names(
            &site
                .get("user/search?query=example&startAt=1&maxResults=1")
                .1
        ),
        ["Bob Example"]
    );
    assert_eq!(
        names(&site.get(&format!("user/search?accountId={ANN}")).1),
        ["Ann Example"]
    );
    assert_eq!(site.get("user/search?query=zoe").1, json!([]));
    assert_eq!(site.get("user/search").0, 400);
    assert_eq!(site.get("user/search?query=a&accountId=b").0, 400);
    let ann = site.get(&format!("user?accountId={ANN}")).1;
    assert_eq!(ann["emailAddress"], "ann@example.com");
    assert_eq!(site.get("user?accountId=nobody").0, 404);
    assert_eq!(site.get("user").0, 404);
    assert_eq!(site.get("myself").1["accountId"], OWN);
}

#[test]
fn hidden_emails_are_left_out_and_found_as_a_whole_only() {
    let site = site_with(|config| config.hides_emails = true);
    let found = site.get("user/search?query=ann%40example.com").1;
    assert_eq!(found[0]["accountId"], ANN);
    assert_eq!(found[0].get("emailAddress"), None);
    assert_eq!(site.get("user/search?query=ann%40").1, json!([]));
    let key = site.created(&json!({"assignee": {"id": ANN}}));
    assert_eq!(site.fields(&key)["assignee"].get("emailAddress"), None);
    let webhook = &site.webhooks()[0];
    assert_eq!(webhook["user"]["accountId"], OWN);
    assert_eq!(webhook["user"].get("emailAddress"), None);
}

#[test]
fn only_those_are_assignable_who_may_be() {
    let site = site();
    let key = site.created(&json!({}));
    assert_eq!(
        names(&site.get("user/search?query=automation").1),
        ["Automation for Jira"]
    );
    assert_eq!(
        site.get("user/assignable/search?project=OPS&query=automation")
            .1,
        json!([])
    );
    let by_issue = site.get(&format!("user/assignable/search?issueKey={key}&query=ann"));
    assert_eq!(names(&by_issue.1), ["Ann Example"]);
    assert_eq!(site.get("user/assignable/search?query=ann").0, 400);
    assert_eq!(site.get("user/assignable/search?project=OPS").0, 400);
    assert_eq!(
        site.get("user/assignable/search?project=NOPE&query=ann").0,
        404
    );
    assert_eq!(
        site.get("user/assignable/search?issueKey=OPS-9&query=ann")
            .0,
        404
    );
}

#[test]
fn permissions_say_what_the_account_may_do() {
    let site = site_with(|config| config.lacks_permissions = vec!["DELETE_ISSUES".to_owned()]);
    let path = "mypermissions?projectKey=OPS&permissions=EDIT_ISSUES,DELETE_ISSUES,ADMINISTER,VIEW_READONLY_WORKFLOW";
    let permissions = &site.get(path).1["permissions"];
    let has = |key: &str| permissions[key]["havePermission"].as_bool().unwrap();
    assert!(has("EDIT_ISSUES"));
    assert!(!has("DELETE_ISSUES") && !has("ADMINISTER") && !has("VIEW_READONLY_WORKFLOW"));
    assert_eq!(permissions["EDIT_ISSUES"]["type"], "PROJECT");
    assert_eq!(site.get("mypermissions").0, 400);
    assert_eq!(site.get("mypermissions?permissions=FLY").0, 400);
    assert_eq!(
        site.get("mypermissions?permissions=EDIT_ISSUES&projectKey=NOPE")
            .0,
        404
    );
    assert_eq!(
        site.get("mypermissions?permissions=EDIT_ISSUES&issueKey=OPS-9")
            .0,
        404
    );
}

#[test]
fn people_write_as_they_speak() {
    let site = site();
    let ann = site.jira.person("ANN@example.com");
    let key = ann.create("Disk full").unwrap();
    let fields = json!({"description": "one\n\ntwo", "priority": "Highest", "assignee": "bob@example.com", "labels": ["a"]});
    ann.edit(&key, &fields).unwrap();
    let issue = site.jira.issue(&key).unwrap();
    assert_eq!(issue.reporter, ANN);
    assert_eq!(
        (issue.priority.name.as_str(), issue.labels.as_slice()),
        ("Highest", &["a".to_owned()][..])
    );
    assert_eq!(issue.description_text(), "one\n\ntwo");
    ann.assign(&key, None).unwrap();
    assert_eq!(site.jira.issue(&key).unwrap().assignee, None);
    let id = ann.comment(&key, "Looking", true).unwrap();
    ann.edit_comment(&key, &id, "Looked").unwrap();
    let comment = &site.jira.comments(&key)[0];
    assert!(comment.is_internal());
    assert_eq!(
        (comment.text().as_str(), comment.author.as_str()),
        ("Looked", ANN)
    );
    ann.delete_comment(&key, &id).unwrap();
    assert_eq!(site.jira.comments(&key), []);
    ann.delete(&key).unwrap();
    assert_eq!(site.jira.issue(&key), None);
}

#[test]
fn people_are_held_to_the_rules_too() {
    let site = site();
    let ann = site.jira.person("ann@example.com");
    assert!(site.jira.person("zoe@example.com").create("x").is_err());
    assert!(ann.create("").is_err());
    let key = ann.create("x").unwrap();
    assert!(ann.edit(&key, &json!({"status": "Closed"})).is_err());
    assert!(ann.assign(&key, Some("zoe@example.com")).is_err());
    assert!(ann.comment(&key, " ", false).is_err());
    assert!(ann.delete("OPS-9").is_err());
}

#[test]
fn the_account_is_a_user_of_the_site() {
    let site = site();
    let own = site.jira.site().user_by_email(EMAIL).unwrap().clone();
    assert_eq!(own.account_id, OWN);
}
