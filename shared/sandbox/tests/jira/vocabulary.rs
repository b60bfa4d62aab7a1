//! The project, its statuses, priorities, fields and workflow, and the vendor's file itself.

use im_sandbox::OpenApi;
use im_sandbox::jira::{CORRECTIONS, ERRORS};
use serde_json::{Value, json};

use crate::caller::{adf, request, site, site_with, vendor_data};

#[test]
fn the_project_and_its_statuses_are_shown() {
    let site = site();
    let project = site.get("project/OPS").1;
    assert_eq!(
        (&project["id"], &project["projectTypeKey"]),
        (&json!("10000"), &json!("service_desk"))
    );
    assert_eq!(project["issueTypes"][0]["name"], "[System] Incident");
    assert_eq!(site.get("project/10000").1, project);
    let statuses = site.get("project/OPS/statuses").1;
    let names: Vec<_> = statuses[0]["statuses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|status| &status["name"])
        .collect();
    assert_eq!(names, ["To Do", "In Progress", "Resolved", "Closed"]);
    assert_eq!(site.get("project/NOPE").0, 404);
    assert_eq!(site.get("project/NOPE/statuses").0, 404);
}

#[test]
fn priorities_resolutions_and_fields_are_listed() {
    let site = site();
    let page = site.get("priority/search?maxResults=2").1;
    assert_eq!(page["values"][0]["name"], "Highest");
    assert_eq!(
        (&page["isLast"], &page["total"]),
        (&json!(false), &json!(5))
    );
    assert_eq!(
        site.get("priority/search?onlyDefault=true").1["values"][0]["name"],
        "Medium"
    );
    assert_eq!(site.get("priority/search?priorityName=low").1["total"], 2);
    assert_eq!(site.get("priority/search?id=1&id=2").1["total"], 2);
    assert_eq!(site.get("resolution/search").1["values"][0]["name"], "Done");
    let fields = site.get("field").1;
    let field = |id: &str| {
        fields
            .as_array()
            .unwrap()
            .iter()
            .find(|field| field["id"] == id)
            .unwrap()
    };
    assert_eq!(
        field("summary")["schema"],
        json!({"type": "string", "system": "summary"})
    );
    assert_eq!(field("customfield_10052")["schema"]["customId"], 10_052);
    assert_eq!(field("customfield_10052")["custom"], true);
}

#[test]
fn workflows_are_for_those_who_may_read_them() {
    let pair = json!({"projectAndIssueTypes": [{"projectId": "10000", "issueTypeId": "10010"}]});
    assert_eq!(site().post("workflows", &pair).0, 401);
    let site = site_with(|config| config.may_read_workflows = true);
    let (status, body) = site.post("workflows", &pair);
    assert_eq!(
        (status, &body["statuses"][2]["statusCategory"]),
        (200, &json!("DONE"))
    );
    let transitions = body["workflows"][0]["transitions"].as_array().unwrap();
    let named = |name: &str| {
        transitions
            .iter()
            .find(|transition| transition["name"] == name)
            .unwrap()
    };
    assert_eq!(named("Create")["type"], "INITIAL");
    assert_eq!(named("Resolve")["toStatusReference"], "10004");
    let from: Vec<_> = named("Reopen")["links"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| &link["fromStatusReference"])
        .collect();
    assert_eq!(from, ["10004", "10005"]);
    for wrong in [
        json!({}),
        json!({"projectAndIssueTypes": []}),
        json!({"projectAndIssueTypes": [{"projectId": "1", "issueTypeId": "10010"}]}),
    ] {
        assert_eq!(site.post("workflows", &wrong).0, 400, "{wrong}");
    }
}

/// A correction that nothing needs hides a mistake of ours.
#[test]
fn each_correction_is_needed() {
    let Some(file) = vendor_data("rest-openapi.json") else {
        return;
    };
    let document: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let site = site();
    let key = site.created(&json!({}));
    site.edited(&key, &json!({"summary": "New"}));
    site.edited(&key, &json!({"description": adf("x")}));
    site.edited(&key, &json!({"description": null}));
    let comment = json!({"body": adf("x")});
    let nobody = json!({"accountId": null});
    let exchanges = [
        (http::Method::GET, format!("issue/{key}/changelog"), None),
        (
            http::Method::POST,
            format!("issue/{key}/comment"),
            Some(&comment),
        ),
        (
            http::Method::PUT,
            format!("issue/{key}/assignee"),
            Some(&nobody),
        ),
    ];
    let findings = |openapi: &OpenApi| -> usize {
        let check = |(method, path, body): &(http::Method, String, Option<&Value>)| {
            let request = request(method, path, *body);
            let (uri, headers, sent) = (
                request.uri().clone(),
                request.headers().clone(),
                request.body().clone(),
            );
            let asked = openapi.validate_request(method, uri.path(), uri.query(), &headers, &sent);
            let response = site.jira.handle(request);
            let answered =
                openapi.validate_response(method, uri.path(), response.status(), response.body());
            let count = |checked: Result<(), Vec<String>>| checked.err().map_or(0, |all| all.len());
            count(asked) + count(answered)
        };
        exchanges.iter().map(check).sum()
    };
    let load = |corrections: &[_]| {
        let openapi = OpenApi::from_document(document.clone(), corrections).unwrap();
        openapi.with_errors(ERRORS)
    };
    assert_eq!(findings(&load(CORRECTIONS)), 0);
    for left_out in CORRECTIONS {
        let others: Vec<_> = CORRECTIONS
            .iter()
            .filter(|correction| correction.pointer != left_out.pointer)
            .copied()
            .collect();
        assert_ne!(
            findings(&load(&others)),
            0,
            "{} is not needed",
            left_out.pointer
        );
    }
}
