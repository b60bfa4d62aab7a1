//! Searching by JQL, and the index that lags.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::caller::{Site, site, site_with};

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The keys found, by POST and by GET.
fn keys(site: &Site, jql: &str) -> Vec<String> {
    let (status, body) = site.post("search/jql", &json!({"jql": jql, "fields": ["summary"]}));
    assert_eq!(status, 200, "{body}");
    let other = site.get(&format!("search/jql?jql={}&fields=summary", encoded(jql)));
    assert_eq!(other, (200, body.clone()));
    let issues = body["issues"].as_array().unwrap();
    issues
        .iter()
        .map(|issue| issue["key"].as_str().unwrap().to_owned())
        .collect()
}

fn three() -> Site {
    let site = site();
    for (label, summary) in [("im-1", "one"), ("im-2", "two"), ("im-1", "three")] {
        site.created(&json!({"summary": summary, "labels": [label]}));
        site.clock.advance(SignedDuration::from_mins(1));
    }
    site
}

#[test]
fn issues_are_found_by_what_they_have() {
    let site = three();
    let ann = site.jira.person("ann@example.com");
    ann.transition("OPS-2", "In Progress").unwrap();
    assert_eq!(keys(&site, "project = OPS"), ["OPS-3", "OPS-2", "OPS-1"]);
    assert_eq!(
        keys(
            &site,
            "project = OPS AND labels = \"im-1\" ORDER BY key ASC"
        ),
        ["OPS-1", "OPS-3"]
    );
    assert_eq!(keys(&site, "labels = gone"), Vec::<String>::new());
    assert_eq!(keys(&site, "key = OPS-2"), ["OPS-2"]);
    assert_eq!(keys(&site, "status = \"In Progress\""), ["OPS-2"]);
    assert_eq!(
        keys(&site, "status != \"in progress\" order by created"),
        ["OPS-3", "OPS-1"]
    );
    // Changed last, at 03:07:05; the others were created at 03:04:05 and 03:06:05.
    assert_eq!(
        keys(
            &site,
            "updated >= \"2026-01-02 03:06\" ORDER BY updated ASC"
        ),
        ["OPS-3", "OPS-2"]
    );
    assert_eq!(keys(&site, "updated >= \"2026-01-02 03:07\""), ["OPS-2"]);
    assert_eq!(keys(&site, "created < \"2026-01-02 03:05\""), ["OPS-1"]);
    assert_eq!(keys(&site, "updated >= -1m"), ["OPS-3", "OPS-2"]);
    ann.delete("OPS-2").unwrap();
    assert_eq!(keys(&site, "project = OPS"), ["OPS-3", "OPS-1"]);
    assert_eq!(site.jira.writes().len(), 3, "a search is no write");
}

#[test]
fn a_bad_query_is_refused_in_words() {
    let site = site();
    for jql in [
        "",
        "project = NOPE",
        "key = OPS-9",
        "nonsense",
        "project = OPS OR key = OPS-1",
    ] {
        let (status, body) = site.post("search/jql", &json!({ "jql": jql }));
        assert_eq!(status, 400, "{jql}");
        assert!(body["errorMessages"][0].is_string());
        assert_eq!(site.get(&format!("search/jql?jql={}", encoded(jql))).0, 400);
    }
    assert_eq!(
        site.post("search/jql", &json!({"jql": "project = OPS", "startAt": 0}))
            .0,
        400
    );
    assert_eq!(
        site.get("search/jql?jql=project=OPS&maxResults=many").0,
        400
    );
}

#[test]
fn pages_go_by_token() {
    let site = three();
    let jql = "project = OPS ORDER BY key";
    let first = site
        .post(
            "search/jql",
            &json!({"jql": jql, "maxResults": 2, "fields": ["labels"]}),
        )
        .1;
    assert_eq!(
        (first["issues"].as_array().unwrap().len(), &first["isLast"]),
        (2, &json!(false))
    );
    assert_eq!(first["issues"][0]["fields"], json!({"labels": ["im-1"]}));
    let token = first["nextPageToken"].as_str().unwrap();
    let next = json!({"jql": jql, "maxResults": 2, "nextPageToken": token});
    let second = site.post("search/jql", &next).1;
    assert_eq!(
        (
            second["issues"].as_array().unwrap().len(),
            &second["isLast"]
        ),
        (1, &json!(true))
    );
    assert_eq!(second.get("nextPageToken"), None);
    let other = json!({"jql": "project = OPS", "nextPageToken": token});
    assert_eq!(site.post("search/jql", &other).0, 400);
    assert_eq!(
        site.get("search/jql?jql=project%20%3D%20OPS&nextPageToken=x")
            .0,
        400
    );
}

#[test]
fn without_fields_there_are_only_ids() {
    let site = three();
    let id = site.jira.issues()[2].id.clone();
    let body = site.get("search/jql?jql=project%3DOPS&maxResults=1").1;
    assert_eq!(body["issues"], json!([{ "id": id }]));
    let all = site
        .post(
            "search/jql",
            &json!({"jql": "project = OPS", "fields": ["*all"], "expand": "names"}),
        )
        .1;
    assert!(all["issues"][0]["fields"]["comment"].is_object());
    assert_eq!(all["names"]["summary"], "Summary");
}

#[test]
fn the_index_lags_behind() {
    let site = site_with(|config| config.index_lag = SignedDuration::from_secs(5));
    let key = site.created(&json!({"labels": ["im-1"]}));
    assert_eq!(keys(&site, "labels = im-1"), Vec::<String>::new());
    let id: u64 = site.jira.issue(&key).unwrap().id.parse().unwrap();
    let now = json!({"jql": "labels = im-1", "reconcileIssues": [id]});
    assert_eq!(
        site.post("search/jql", &now).1["issues"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let asked = format!("search/jql?jql=labels%3Dim-1&reconcileIssues={id}");
    assert_eq!(site.get(&asked).1["issues"].as_array().unwrap().len(), 1);
    site.clock.advance(SignedDuration::from_secs(5));
    assert_eq!(keys(&site, "labels = im-1"), [key.as_str()]);
    site.edited(&key, &json!({"labels": [], "summary": "New"}));
    assert_eq!(keys(&site, "labels = im-1"), [key.as_str()]);
    let stale = site
        .post(
            "search/jql",
            &json!({"jql": "labels = im-1", "fields": ["summary"]}),
        )
        .1;
    assert_eq!(stale["issues"][0]["fields"]["summary"], "Disk full");
    assert_eq!(site.fields(&key)["summary"], "New");
    site.clock.advance(SignedDuration::from_secs(5));
    assert_eq!(keys(&site, "labels = im-1"), Vec::<String>::new());
    site.delete(&format!("issue/{key}"));
    assert_eq!(keys(&site, "project = OPS"), [key.as_str()]);
    site.clock.advance(SignedDuration::from_secs(5));
    assert_eq!(keys(&site, "project = OPS"), Vec::<String>::new());
}

#[test]
fn a_page_has_at_most_a_hundred_issues_with_fields() {
    let site = site();
    for _ in 0..101 {
        site.jira.person("ann@example.com").create("Many").unwrap();
    }
    let count = |fields: Value| {
        let body = json!({"jql": "project = OPS", "maxResults": 5000, "fields": fields});
        site.post("search/jql", &body).1["issues"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((count(json!(["summary"])), count(json!([]))), (100, 101));
}

#[test]
fn a_page_begins_after_the_issue_that_ended_the_one_before() {
    let site = three();
    let ann = site.jira.person("ann@example.com");
    let page = |token: &Value| {
        let jql = "project = OPS ORDER BY created ASC";
        let mut search = json!({"jql": jql, "maxResults": 1, "fields": ["summary"]});
        if !token.is_null() {
            search["nextPageToken"] = token.clone();
        }
        let (status, body) = site.post("search/jql", &search);
        assert_eq!(status, 200, "{body}");
        (
            body["issues"][0]["key"].clone(),
            body["nextPageToken"].clone(),
        )
    };
    let (first, token) = page(&Value::Null);
    ann.delete("OPS-1").unwrap();
    let (second, token) = page(&token);
    ann.edit("OPS-2", &json!({"summary": "two, again"}))
        .unwrap();
    let (third, token) = page(&token);
    assert_eq!([first, second, third], ["OPS-1", "OPS-2", "OPS-3"]);
    assert_eq!(token, Value::Null);
}

#[test]
fn an_issue_moves_to_another_project_and_stays_itself() {
    let site = three();
    let ann = site.jira.person("ann@example.com");
    let before = site.jira.issue("OPS-2").unwrap();
    assert!(ann.move_to_project("OPS-2", "NONE").is_err());
    site.jira.drain_webhooks();
    assert_eq!(ann.move_to_project("OPS-2", "ARC").unwrap(), "ARC-1");
    let (status, moved) = site.get("issue/OPS-2?fields=project");
    assert_eq!((status, &moved["key"]), (200, &json!("ARC-1")));
    assert_eq!(moved["id"], json!(before.id));
    assert_eq!(moved["fields"]["project"]["id"], "10001");
    assert_eq!(keys(&site, "project = OPS"), ["OPS-3", "OPS-1"]);
    assert_eq!(keys(&site, "project = ARC"), ["ARC-1"]);
    assert_eq!(keys(&site, "key = OPS-2"), ["ARC-1"]);
    let history = site.jira.changelog("ARC-1").pop().unwrap();
    let items: Vec<_> = history
        .items
        .iter()
        .map(|item| item.to_string.as_deref())
        .collect();
    assert_eq!(items, [Some("Archive"), Some("ARC-1")]);
    let event: Value = serde_json::from_slice(&site.jira.drain_webhooks()[0].body).unwrap();
    assert_eq!(event["issue_event_type_name"], "issue_moved");
    assert_eq!(site.created(&json!({"summary": "four"})), "OPS-4");
    assert_eq!(ann.move_to_project("ARC-1", "OPS").unwrap(), "OPS-5");
    assert_eq!(site.jira.issue("ARC-1").unwrap().project, None);
}
