//! Rules of the site's administrators.

use serde_json::json;

use crate::caller::site;

#[test]
fn a_rule_sets_the_priority_after_the_answer_as_the_automation_user() {
    let site = site();
    site.jira.automate("priority", "High", "Low");
    let key = site.created(&json!({}));
    site.jira.drain_webhooks();
    site.edited(&key, &json!({"priority": {"name": "High"}}));
    let issue = site.jira.issue(&key).unwrap();
    assert_eq!(issue.priority.name, "Low");
    let own = site.jira.site().automation;
    let told: Vec<_> = issue
        .history
        .iter()
        .map(|entry| (entry.author == own, entry.items[0].to_string.as_deref()))
        .collect();
    assert_eq!(told, [(false, Some("High")), (true, Some("Low"))]);
    let apart = issue.history[1]
        .created
        .duration_since(issue.history[0].created);
    assert_eq!(apart.as_millis(), 1000);
    assert_eq!(issue.updated, issue.history[1].created);
    let webhooks = site.jira.drain_webhooks();
    assert_eq!(webhooks.len(), 2);
    let body = |place: usize| -> serde_json::Value {
        serde_json::from_slice(&webhooks[place].body).unwrap()
    };
    let to = |place: usize| body(place)["changelog"]["items"][0]["toString"].clone();
    assert_eq!((to(0), to(1)), (json!("High"), json!("Low")));
}

#[test]
fn a_rule_acts_on_new_issues_and_on_what_people_do() {
    let site = site();
    site.jira.automate("priority", "High", "Low");
    site.jira.automate("status", "In Progress", "To Do");
    let ann = site.jira.person("ann@example.com");
    let issue = json!({"summary": "Disk full", "priority": "High"});
    let key = ann.create_with(&issue).unwrap();
    let now = || site.jira.issue(&key).unwrap();
    assert_eq!(now().priority.name, "Low");
    ann.edit(&key, &json!({"summary": "Disk fuller"})).unwrap();
    assert_eq!(now().history.len(), 2, "the rule's and the edit's");
    ann.move_to(&key, "In Progress").unwrap();
    assert_eq!(now().status.name, "To Do");
    ann.edit(&key, &json!({"priority": "Highest"})).unwrap();
    assert_eq!(now().priority.name, "Highest");
}
