//! Transitions.

use im_sandbox::jira::{Category, CommentEvents, ScreenField, Workflow};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::caller::{Site, adf, site, site_with};

fn names(site: &Site, key: &str) -> Vec<String> {
    let (status, body) = site.get(&format!("issue/{key}/transitions"));
    assert_eq!(status, 200);
    let transitions = body["transitions"].as_array().unwrap();
    transitions
        .iter()
        .map(|transition| transition["name"].as_str().unwrap().to_owned())
        .collect()
}

fn take(site: &Site, key: &str, id: &str, more: &Value) -> (u16, Value) {
    let mut body = json!({"transition": {"id": id}});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    site.post(&format!("issue/{key}/transitions"), &body)
}

#[test]
fn only_transitions_that_leave_the_present_status_are_offered_and_taken() {
    let site = site();
    let key = site.created(&json!({}));
    assert_eq!(names(&site, &key), ["Start work"]);
    let (status, body) = take(&site, &key, "31", &json!({}));
    assert_eq!(status, 400);
    assert_eq!(
        body["errorMessages"],
        json!(["Transition id '31' is not valid for this issue."])
    );
    assert_eq!(take(&site, &key, "11", &json!({})), (204, Value::Null));
    assert_eq!(site.fields(&key)["status"]["name"], "In Progress");
    assert_eq!(names(&site, &key), ["Back to queue", "Resolve"]);
    let (status, body) = site.post(&format!("issue/{key}/transitions"), &json!({}));
    assert_eq!(
        (status, &body["errorMessages"][0]),
        (400, &json!("Missing 'transition' identifier"))
    );
    assert_eq!(site.get("issue/OPS-9/transitions").0, 404);
    let one = site
        .get(&format!("issue/{key}/transitions?transitionId=31"))
        .1;
    assert_eq!(one["transitions"].as_array().unwrap().len(), 1);
}

#[test]
fn a_screen_is_shown_and_what_it_requires_is_demanded() {
    let site = site();
    let key = site.created(&json!({}));
    site.jira
        .person("ann@example.com")
        .transition(&key, "In Progress")
        .unwrap();
    let body = site
        .get(&format!(
            "issue/{key}/transitions?expand=transitions.fields"
        ))
        .1;
    let resolve = &body["transitions"][1];
    assert_eq!(
        (&resolve["hasScreen"], &resolve["isGlobal"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(resolve["fields"]["resolution"]["required"], true);
    assert_eq!(
        resolve["fields"]["resolution"]["allowedValues"][0]["name"],
        "Done"
    );
    assert_eq!(resolve["to"]["statusCategory"]["key"], "done");
    let (status, body) = take(&site, &key, "31", &json!({}));
    assert_eq!(status, 400);
    assert_eq!(
        body["errors"],
        json!({"resolution": "Resolution is required."})
    );
    let nothing = json!({"fields": {"resolution": null}});
    assert_eq!(take(&site, &key, "31", &nothing).0, 400);
    let unknown = json!({"fields": {"resolution": {"name": "Gone"}}});
    assert_eq!(
        take(&site, &key, "31", &unknown).1["errors"]["resolution"],
        "Resolution name 'Gone' is not valid"
    );
    assert_eq!(site.fields(&key)["status"]["name"], "In Progress");
    let off_screen = json!({"fields": {"resolution": {"name": "Done"}, "summary": "New"}});
    let errors = take(&site, &key, "31", &off_screen).1["errors"].clone();
    assert!(
        errors["summary"]
            .as_str()
            .unwrap()
            .contains("cannot be set"),
        "{errors}"
    );
    let done = json!({"fields": {"resolution": {"name": "Done"}}});
    assert_eq!(take(&site, &key, "31", &done).0, 204);
    let fields = site.fields(&key);
    assert_eq!(fields["resolution"]["name"], "Done");
    assert_eq!(fields["resolutiondate"], "2026-01-02T03:04:05.678+0000");
}

#[test]
fn a_transition_is_one_entry_of_the_changelog_with_its_comment_beside() {
    let site = site();
    let key = site.created(&json!({}));
    assert_eq!(take(&site, &key, "11", &json!({})).0, 204);
    site.jira.drain_webhooks();
    let more = json!({
        "fields": {"resolution": {"id": "10000"}},
        "update": {"comment": [{"add": {"body": adf("Fixed")}}]},
    });
    assert_eq!(take(&site, &key, "31", &more).0, 204);
    let changelog = site.jira.changelog(&key);
    let items = &changelog[1].items;
    let ids: Vec<_> = items.iter().map(|item| item.field_id.as_str()).collect();
    assert_eq!((changelog.len(), ids), (2, vec!["resolution", "status"]));
    assert_eq!(items[1].from_string.as_deref(), Some("In Progress"));
    assert_eq!(items[1].to.as_deref(), Some("10004"));
    assert_eq!(site.jira.comments(&key)[0].text(), "Fixed");
    assert_eq!(site.events(), ["jira:issue_updated", "comment_created"]);
}

#[test]
fn reopening_takes_the_resolution_away() {
    let site = site();
    let key = site.created(&json!({}));
    let ann = site.jira.person("ann@example.com");
    ann.move_to(&key, "Closed").unwrap();
    assert_eq!(site.jira.changelog(&key).len(), 3);
    assert_eq!(names(&site, &key), ["Reopen"]);
    site.clock.advance(SignedDuration::from_secs(60));
    assert_eq!(take(&site, &key, "51", &json!({})).0, 204);
    let fields = site.fields(&key);
    assert_eq!(
        (&fields["resolution"], &fields["resolutiondate"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(fields["status"]["statusCategory"]["key"], "indeterminate");
    assert_eq!(
        fields["statuscategorychangedate"],
        "2026-01-02T03:05:05.678+0000"
    );
}

#[test]
fn the_simple_workflow_is_global_and_resolves_by_itself() {
    let site = site_with(|config| config.site.workflow = Workflow::simple());
    let key = site.created(&json!({}));
    assert_eq!(names(&site, &key), ["To Do", "In Progress", "Done"]);
    site.jira.drain_webhooks();
    assert_eq!(take(&site, &key, "11", &json!({})).0, 204);
    assert_eq!(
        (site.jira.changelog(&key).len(), site.events().len()),
        (0, 0)
    );
    let update = json!({"update": {"comment": [{"add": {"body": adf("x")}}]}});
    assert_eq!(
        take(&site, &key, "31", &update).0,
        400,
        "no screen, no comment"
    );
    assert_eq!(take(&site, &key, "31", &json!({})).0, 204);
    let issue = site.jira.issue(&key).unwrap();
    assert_eq!(
        (
            issue.status.category,
            issue.resolution.unwrap().name.as_str()
        ),
        (Category::Done, "Done")
    );
    assert_eq!(take(&site, &key, "21", &json!({})).0, 204);
    assert_eq!(site.jira.issue(&key).unwrap().resolution, None);
}

#[test]
fn a_workflow_may_lead_nowhere() {
    let site = site_with(|config| config.site.workflow = Workflow::without_a_way_to_done());
    let key = site.created(&json!({}));
    assert_eq!(names(&site, &key), ["To Do", "In Progress"]);
    let statuses = site.get("project/OPS/statuses").1;
    assert_eq!(statuses[0]["statuses"].as_array().unwrap().len(), 3);
    let ann = site.jira.person("ann@example.com");
    assert!(ann.move_to(&key, "Done").is_err());
    assert!(ann.transition(&key, "Done").is_err());
}

#[test]
fn people_take_one_hop_or_as_many_as_it_needs() {
    let site = site();
    let key = site.created(&json!({}));
    let ann = site.jira.person("ann@example.com");
    assert!(ann.transition(&key, "Resolved").is_err());
    ann.move_to(&key, "Resolved").unwrap();
    let issue = site.jira.issue(&key).unwrap();
    assert_eq!(
        (
            issue.status.name.as_str(),
            issue.resolution.unwrap().name.as_str()
        ),
        ("Resolved", "Done")
    );
    ann.transition(&key, "closed").unwrap();
    assert!(ann.move_to(&key, "Nowhere").is_err());
}

#[test]
fn any_field_can_be_required() {
    let site = site_with(|config| {
        let transitions = &mut config.site.workflow.transitions;
        transitions[0].screen.push(ScreenField {
            id: "customfield_10050".to_owned(),
            required: true,
        });
    });
    let key = site.created(&json!({}));
    let errors = take(&site, &key, "11", &json!({})).1["errors"].clone();
    assert_eq!(
        errors,
        json!({"customfield_10050": "Environment name is required."})
    );
    let given = json!({"fields": {"customfield_10050": "prod"}});
    assert_eq!(take(&site, &key, "11", &given).0, 204);
    assert_eq!(site.fields(&key)["customfield_10050"], "prod");
}

#[test]
fn a_transition_and_its_comment_are_one_update_where_comments_are_told_so() {
    let site = site_with(|config| config.comment_events = CommentEvents::IssueUpdated);
    let key = site.created(&json!({}));
    assert_eq!(take(&site, &key, "11", &json!({})).0, 204);
    site.jira.drain_webhooks();
    let more = json!({
        "fields": {"resolution": {"id": "10000"}},
        "update": {"comment": [{"add": {"body": adf("Fixed")}}]},
    });
    assert_eq!(take(&site, &key, "31", &more).0, 204);
    let webhooks = site.webhooks();
    assert_eq!(webhooks.len(), 1);
    assert_eq!(webhooks[0]["comment"]["body"], "Fixed");
    assert_eq!(
        webhooks[0]["changelog"]["items"].as_array().unwrap().len(),
        2
    );
}
