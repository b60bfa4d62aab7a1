//! What webhooks say.

use im_sandbox::jira::{ChangelogMode, CommentEvents, JiraConfig};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::caller::{ANN, OWN, Site, adf, site, site_with, vendor_data};

#[test]
fn an_issue_is_created_changed_and_deleted_in_public() {
    let site = site();
    let key = site.created(&json!({"description": adf("Full"), "assignee": {"id": ANN}}));
    site.clock.advance(SignedDuration::from_secs(1));
    site.edited(
        &key,
        &json!({"priority": {"name": "High"}, "assignee": null}),
    );
    site.jira
        .person("ann@example.com")
        .transition(&key, "In Progress")
        .unwrap();
    site.jira
        .person("ann@example.com")
        .assign(&key, Some("bob@example.com"))
        .unwrap();
    site.delete(&format!("issue/{key}"));
    let webhooks = site.webhooks();
    let said = |name: &str| {
        webhooks
            .iter()
            .map(|webhook| webhook[name].clone())
            .collect::<Vec<_>>()
    };
    let updated = "jira:issue_updated";
    assert_eq!(
        said("webhookEvent"),
        [
            "jira:issue_created",
            updated,
            updated,
            updated,
            "jira:issue_deleted"
        ]
    );
    let kinds = [
        "issue_created",
        "issue_updated",
        "issue_generic",
        "issue_assigned",
        "issue_deleted",
    ];
    assert_eq!(said("issue_event_type_name"), kinds);
    let created = &webhooks[0];
    assert_eq!(created["timestamp"], 1_767_323_045_678_u64);
    assert_eq!(created["user"]["accountId"], OWN);
    assert_eq!(created["issue"]["fields"]["description"], "Full");
    assert!(
        created["issue"]["self"]
            .as_str()
            .unwrap()
            .contains("/rest/api/2/issue/")
    );
    assert_eq!(webhooks[1]["timestamp"], 1_767_323_046_678_u64);
    let history = &site_changelog(&webhooks[1]);
    let item = |id: &str| history.iter().find(|item| item["fieldId"] == id).unwrap();
    assert_eq!(
        (
            &item("priority")["fromString"],
            &item("priority")["toString"]
        ),
        (&json!("Medium"), &json!("High"))
    );
    assert_eq!(
        (
            &item("assignee")["tmpFromAccountId"],
            &item("assignee")["tmpToAccountId"]
        ),
        (&json!(ANN), &Value::Null)
    );
    assert_eq!(webhooks[2]["user"]["accountId"], ANN);
    assert_eq!(
        webhooks[2]["issue"]["fields"]["status"]["name"],
        "In Progress"
    );
    assert_eq!(webhooks[4].get("changelog"), None);
}

fn site_changelog(webhook: &Value) -> Vec<Value> {
    webhook["changelog"]["items"].as_array().unwrap().clone()
}

#[test]
fn the_changelog_is_there_or_empty_or_absent() {
    for (mode, expected) in [
        (ChangelogMode::Present, Some(1)),
        (ChangelogMode::Empty, Some(0)),
        (ChangelogMode::Absent, None),
    ] {
        let site = site_with(|config| config.changelog = mode);
        let key = site.created(&json!({}));
        site.jira.drain_webhooks();
        site.edited(&key, &json!({"summary": "New"}));
        let webhook = &site.webhooks()[0];
        let items = webhook
            .get("changelog")
            .map(|changelog| changelog["items"].as_array().unwrap().len());
        assert_eq!(items, expected, "{mode:?}");
        assert_eq!(site.jira.changelog(&key).len(), 1);
    }
}

#[test]
fn a_comment_is_told_in_one_way_the_other_both_or_none() {
    let told = |events: CommentEvents| {
        let site = site_with(|config| config.comment_events = events);
        let ann = site.jira.person("ann@example.com");
        let key = ann.create("x").unwrap();
        site.jira.drain_webhooks();
        let id = ann.comment(&key, "Looking", true).unwrap();
        ann.edit_comment(&key, &id, "Looked").unwrap();
        ann.delete_comment(&key, &id).unwrap();
        site.webhooks()
    };
    let names = |webhooks: &[Value]| {
        let name = |webhook: &Value| webhook["webhookEvent"].as_str().unwrap().to_owned();
        webhooks.iter().map(name).collect::<Vec<_>>()
    };
    let own = told(CommentEvents::Comment);
    assert_eq!(
        names(&own),
        ["comment_created", "comment_updated", "comment_deleted"]
    );
    let comment = &own[0]["comment"];
    assert_eq!(
        (&comment["body"], &comment["jsdPublic"]),
        (&json!("Looking"), &json!(false))
    );
    assert_eq!(comment["author"]["accountId"], ANN);
    assert_eq!(own[0].get("user"), None);
    assert_eq!(own[0]["issue"]["fields"].as_object().unwrap().len(), 6);
    assert_eq!(own[1]["comment"]["body"], "Looked");
    let issue = told(CommentEvents::IssueUpdated);
    assert_eq!(names(&issue), ["jira:issue_updated"; 3]);
    let kinds: Vec<_> = issue
        .iter()
        .map(|webhook| &webhook["issue_event_type_name"])
        .collect();
    assert_eq!(
        kinds,
        [
            "issue_commented",
            "issue_comment_edited",
            "issue_comment_deleted"
        ]
    );
    assert_eq!(issue[0]["comment"]["id"], comment["id"]);
    assert_eq!(issue[0]["user"]["accountId"], ANN);
    assert_eq!(issue[0].get("changelog"), None);
    let both = told(CommentEvents::Both);
    assert_eq!(names(&both)[..2], ["comment_created", "jira:issue_updated"]);
    assert_eq!(both.len(), 6);
    assert_eq!(told(CommentEvents::Missing), Vec::<Value>::new());
}

/// The members of `own` that are in the sample have its kinds; members of `required` are there.
fn like(sample: &Value, own: &Value, place: &str, findings: &mut Vec<String>) {
    match (sample, own) {
        (Value::Object(sample), Value::Object(own)) => {
            for (key, value) in own {
                match sample.get(key) {
                    Some(sample) => like(sample, value, &format!("{place}/{key}"), findings),
                    None if key.starts_with("customfield_") => {}
                    None => findings.push(format!("{place}/{key} is not in the sample")),
                }
            }
        }
        (Value::Array(sample), Value::Array(own)) => {
            if let Some(sample) = sample.first() {
                for own in own {
                    like(sample, own, &format!("{place}/0"), findings);
                }
            }
        }
        (_, Value::Null) | (Value::Null, _) => {}
        _ if std::mem::discriminant(sample) == std::mem::discriminant(own) => {}
        _ => findings.push(format!("{place} is {own}, not like {sample}")),
    }
}

/// What the samples have and our own lack, apart from what they should.
fn lacking(sample: &Value, own: &Value, place: &str, findings: &mut Vec<String>) {
    let (Value::Object(sample), Value::Object(own)) = (sample, own) else {
        return;
    };
    for (key, value) in sample {
        match own.get(key) {
            Some(own) => lacking(value, own, &format!("{place}/{key}"), findings),
            None => findings.push(format!("{place}/{key}")),
        }
    }
}

fn written(events: impl Fn(&Site, &str)) -> Vec<Value> {
    let assign = |config: &mut JiraConfig| config.comment_events = CommentEvents::Comment;
    let site = site_with(assign);
    let key =
        site.created(&json!({"labels": ["a"], "assignee": {"id": ANN}, "description": adf("x")}));
    events(&site, &key);
    site.webhooks()
}

#[test]
fn webhooks_have_the_shape_of_the_vendors_samples() {
    let Some(folder) = vendor_data("webhooks") else {
        return;
    };
    let webhooks = written(|site, key| {
        site.edited(key, &json!({"customfield_10051": 12}));
        let ann = site.jira.person("ann@example.com");
        let id = ann.comment(key, "x", false).unwrap();
        ann.edit_comment(key, &id, "y").unwrap();
        ann.delete_comment(key, &id).unwrap();
    });
    // People's names and keys are no more; nothing here has estimates.
    let gone = [
        "/name",
        "/key",
        "estimate",
        "spent",
        "tmpFrom",
        "tmpTo",
        "/total",
        "customfield_",
        "/simplified",
    ];
    for (name, own) in [
        ("webhook-cloud-issue-created-many-fields.json", 0),
        ("webhook-cloud-issue-updated-custom-field.json", 1),
        ("webhook-cloud-comment-created.json", 2),
        ("webhook-cloud-comment-updated.json", 3),
        ("webhook-cloud-comment-deleted.json", 4),
    ] {
        let sample: Value =
            serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap();
        let (mut wrong, mut missing) = (Vec::new(), Vec::new());
        like(&sample, &webhooks[own], "", &mut wrong);
        // Newer than the oldest samples.
        wrong.retain(|finding| {
            !["accountType", "emailAddress", "simplified"]
                .iter()
                .any(|new| finding.contains(new))
        });
        lacking(&sample, &webhooks[own], "", &mut missing);
        missing.retain(|place| !gone.iter().any(|gone| place.contains(gone)));
        assert_eq!(
            (wrong, missing),
            (Vec::new(), Vec::<String>::new()),
            "{name}"
        );
    }
}
